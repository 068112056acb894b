"""Constructed log records in the logs' own shapes; a test states only what matters to it.

Rows are Log Analytics rows. Ids are made readable: `guid("d", 1)` is `d0000000-…-000000000001`.
All records are constructed from the documented schema, not observed.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]

TENANT = "10000000-0000-4000-8000-000000000001"
OTHER_TENANT = "10000000-0000-4000-8000-000000000002"
SUBSCRIPTION = "30000000-0000-4000-8000-000000000003"
DAY = datetime(2026, 5, 11, tzinfo=UTC)

ARM = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
GRAPH = "00000003-0000-0000-c000-000000000000"
STORAGE = "e406a681-f3d4-42a8-90b6-c2b029497af1"

_CLAIM = "http://schemas.microsoft.com/identity/claims/"


def guid(letter: str, number: int) -> str:
    """A GUID that shows what it stands for: a app ids, b application objects, d service principals, e users …"""
    return f"{letter}0000000-0000-4000-8000-{number:012x}"


def own_ids(row: Row, number: int) -> Row:
    """The same record about other principals, apps, users and events: many cases fit into one graph."""
    text = re.sub(r"\b([a-f5-7]0{7})-0000-4000-8000-", rf"\g<1>-{number:04x}-4000-8000-", json.dumps(row))
    own: Row = json.loads(re.sub(r"\buser(\d+)@", rf"user\1of{number}@", text))
    return own


def at(text: str, day: int = 0) -> str:
    """`07:00:00.5` on the first day of the tests (or `day` days later), as the logs write it."""
    clock, _, fraction = text.partition(".")
    parts = [int(part) for part in clock.split(":")] + [0, 0]
    when = DAY + timedelta(days=day, hours=parts[0], minutes=parts[1], seconds=parts[2])
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + (fraction or "0").ljust(6, "0") + "Z"


def moment(text: str, day: int = 0) -> datetime:
    """The same instant as a datetime."""
    return datetime.fromisoformat(at(text, day))


def jsonl(*rows: Row) -> bytes:
    """A file of JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "surrogatepass")


def vault_id(name: str, subscription: str = SUBSCRIPTION) -> str:
    return f"/subscriptions/{subscription}/resourcegroups/rg1/providers/microsoft.keyvault/vaults/{name}"


def sign_in(
    number: int,
    when: str | None,
    *,
    principal: int | None = 1,
    app: int | None = 1,
    resource: str = VAULT,
    ip: str = "203.0.113.10",
    result: str = "0",
    tenant: str | None = TENANT,
    **more: Any,
) -> Row:
    """A sign-in of a service principal; `number` makes its id `50000000-…`."""
    return {
        "Type": "AADServicePrincipalSignInLogs",
        "AADTenantId": tenant or "",
        "TimeGenerated": when,
        "CreatedDateTime": when,
        "Id": guid("5", number),
        "ResultType": result,
        "AppId": guid("a", app) if app is not None else "",
        "ServicePrincipalId": guid("d", principal) if principal is not None else "",
        "ServicePrincipalName": "Payroll",
        "ServicePrincipalCredentialKeyId": "",
        "ClientCredentialType": "clientSecret",
        "IPAddress": ip,
        "ResourceIdentity": resource,
        "AppOwnerTenantId": tenant or "",
        **more,
    }


def managed_sign_in(number: int, when: str, *, principal: int = 1, app: int = 1, **more: Any) -> Row:
    """A sign-in of a managed identity: no address."""
    row = sign_in(number, when, principal=principal, app=app, ip="", **more)
    return {
        **row,
        "Type": "AADManagedIdentitySignInLogs",
        "ClientCredentialType": "managedIdentity",
        "AppOwnerTenantId": "",
    }


def user_sign_in(
    number: int, when: str, *, user: int = 1, resource: str = ARM, ip: str = "198.51.100.7", **more: Any
) -> Row:
    """An interactive sign-in of a user through the portal."""
    return {
        "Type": "SigninLogs",
        "AADTenantId": TENANT,
        "TimeGenerated": when,
        "CreatedDateTime": when,
        "Id": guid("5", number),
        "ResultType": "0",
        "AppId": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
        "AppDisplayName": "Azure Portal",
        "UserId": guid("e", user),
        "UserPrincipalName": f"user{user}@contoso.example",
        "UserDisplayName": f"User {user}",
        "IPAddress": ip,
        "IsInteractive": True,
        "ResourceIdentity": resource,
        "OriginalRequestId": guid("5", number),
        **more,
    }


def audit(
    number: int,
    when: str | None,
    operation: str,
    *targets: Row,
    user: int | None = 1,
    by_principal: int | None = None,
    correlation: int | None = None,
    result: str = "success",
    details: dict[str, str] | None = None,
    tenant: str = TENANT,
    **more: Any,
) -> Row:
    """An audit record made by a user or, with `by_principal`, by an application."""
    by: Row = {
        "user": {
            "id": guid("e", user or 1),
            "userPrincipalName": f"user{user}@contoso.example",
            "ipAddress": "198.51.100.7",
        }
    }
    if by_principal is not None:
        by = {"app": {"appId": None, "displayName": "an app", "servicePrincipalId": guid("d", by_principal)}}
    return {
        "Type": "AuditLogs",
        "AADTenantId": tenant,
        "TimeGenerated": when,
        "ActivityDateTime": when,
        "Id": f"Directory_{number}",
        "CorrelationId": guid("c", number if correlation is None else correlation),
        "OperationName": operation,
        "Category": "ApplicationManagement",
        "Result": result,
        "InitiatedBy": by,
        "TargetResources": list(targets),
        "AdditionalDetails": [{"key": key, "value": value} for key, value in (details or {}).items()],
        **more,
    }


def target(kind: str, object_id: str, **properties: tuple[Any, Any] | Any) -> Row:
    """A target of a change; properties are (old, new) pairs, encoded as the directory does; `_` stands for a dot."""
    return {
        "id": object_id,
        "type": kind,
        "displayName": "as shown",
        "modifiedProperties": [
            {"displayName": name.replace("_", "."), "oldValue": _encoded(old), "newValue": _encoded(new)}
            for name, (old, new) in properties.items()
        ],
    }


def _encoded(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def rename(
    number: int, when: str | None, old: str, new: str, *, number_of: int = 1, kind: str = "Application", **more: Any
) -> Row:
    """An application object (`b…`) or service principal (`d…`) gets another name."""
    operation = "Update application" if kind == "Application" else "Update service principal"
    named = target(kind, guid("b" if kind == "Application" else "d", number_of), DisplayName=([old], [new]))
    return audit(number, when, operation, named, **more)


def key(number: int, name: str = "key", kind: str = "Password") -> str:
    """One entry of KeyDescription; key ids are `f0000000-…`."""
    return f"[KeyIdentifier={guid('f', number)},KeyType={kind},KeyUsage=Verify,DisplayName={name}]"


def key_change(
    number: int, when: str | None, before: list[str] | None, after: list[str] | None, *, number_of: int = 1, **more: Any
) -> Row:
    """The list of keys of an application object changes."""
    keyed = target("Application", guid("b", number_of), KeyDescription=(before, after))
    return audit(number, when, "Update application – Certificates and secrets management ", keyed, **more)


def created(
    number: int, when: str | None, *, kind: str = "ServicePrincipal", number_of: int = 1, app: int = 1, **more: Any
) -> Row:
    """An object is added to the directory."""
    operation = "Add application" if kind == "Application" else "Add service principal"
    of = target(
        kind,
        guid("b" if kind == "Application" else "d", number_of),
        **({"AppId": ([], [guid("a", app)])} if kind == "Application" else {"AppPrincipalId": ([], [guid("a", app)])}),
    )
    return audit(number, when, operation, of, details={"AppId": guid("a", app)}, **more)


def deleted(number: int, when: str | None, *, kind: str = "ServicePrincipal", number_of: int = 1, **more: Any) -> Row:
    """An object leaves the directory."""
    operation = "Delete application" if kind == "Application" else "Remove service principal"
    return audit(number, when, operation, target(kind, guid("b" if kind == "Application" else "d", number_of)), **more)


def owner_added(number: int, when: str | None, *, owner: int = 2, number_of: int = 1, **more: Any) -> Row:
    """A user becomes owner of an application object."""
    owned = target("User", guid("e", owner), Application_ObjectID=(None, guid("b", number_of)))
    return audit(number, when, "Add owner to application", owned, **more)


def vault_act(
    number: int,
    when: str | None,
    *,
    principal: int | None = 1,
    app: int | None = 1,
    vault: str = "kv-hr",
    secret: str = "payroll",
    ip: str = "203.0.113.10",
    status: int = 200,
    operation: str = "SecretGet",
    **more: Any,
) -> Row:
    """A request to a key vault; it carries no token id."""
    claim = {"idtyp": "app"}
    if app is not None:
        claim["appid"] = guid("a", app)
    if principal is not None:
        claim["oid"] = guid("d", principal)
    return {
        "Type": "AZKVAuditLogs",
        "TimeGenerated": when,
        "OperationName": operation,
        "ResultType": "Success",
        "HttpStatusCode": status,
        "CorrelationId": guid("6", number),
        "CallerIpAddress": ip,
        "Id": f"https://{vault}.vault.azure.net/secrets/{secret}",
        "Identity": {"claim": claim},
        "_ResourceId": vault_id(vault),
        **more,
    }


def arm_act(
    number: int,
    when: str | None,
    *,
    principal: int | None = 1,
    app: int | None = 1,
    user: int | None = None,
    ip: str = "203.0.113.10",
    token: str | None = None,
    issued: datetime | None = None,
    operation: str = "MICROSOFT.RESOURCES/SUBSCRIPTIONS/RESOURCEGROUPS/WRITE",
    resource: str = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1",
    tenant: str = TENANT,
    **more: Any,
) -> Row:
    """A write through Azure Resource Manager; `token` is its `uti`, `issued` its `iat`."""
    claims: Row = {_CLAIM + "tenantid": tenant, "idtyp": "app" if user is None else "user"}
    caller = f"user{user}@contoso.example"
    if user is not None:
        claims[_CLAIM + "objectidentifier"] = guid("e", user)
    elif principal is not None:
        claims[_CLAIM + "objectidentifier"] = caller = guid("d", principal)
    if app is not None:
        claims["appid"] = guid("a", app)
    if user is None and principal is None:
        caller = guid("a", app or 0)
    if token is not None:
        claims["uti"] = token
    if issued is not None:
        claims["iat"] = str(int(issued.timestamp()))
    return {
        "Type": "AzureActivity",
        "TimeGenerated": when,
        "EventDataId": guid("7", number),
        "CorrelationId": guid("7", number),
        "OperationNameValue": operation,
        "ActivityStatusValue": "Success",
        "Caller": caller,
        "CallerIpAddress": ip,
        "ResourceId": resource,
        "SubscriptionId": SUBSCRIPTION,
        "Claims_d": claims,
        **more,
    }
