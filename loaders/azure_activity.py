"""AzureActivity: the activity log of Azure Resource Manager → Activity records, one per logged status."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import replace

from graphcorr import ids, times
from graphcorr.errors import RecordError
from graphcorr.ingest.claims import NO_CLAIMS, TokenClaims, sign_in_name, token_of
from graphcorr.ingest.fields import as_list, as_object, as_text, as_value, first, first_object, is_change
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader, Service
from graphcorr.ingest.short_cuts import NOTHING, object_text, of_records, strict
from graphcorr.records import Activity, Bridge, CredentialChange, Grant

SOURCE = "AzureActivity"

_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)

# Exports write `Start`, the management API `Started`, and so on; the key needs one spelling.
_OUTCOMES = {
    "start": "start", "started": "start",
    "accept": "accepted", "accepted": "accepted",
    "success": "success", "succeeded": "success", "succeed": "success",
    "failure": "failure", "failed": "failure", "fail": "failure",
}  # fmt: skip

# Policy evaluates requests of others and repairs on its own; its records are no act of a token holder.
_POLICY = re.compile(r"^microsoft\.authorization/policies/[^/]+/action$")
# Categories that only the platform writes.
_PLATFORM_CATEGORIES = frozenset(
    ("servicehealth", "resourcehealth", "recommendation", "alert", "autoscale", "security", "policy")
)
_ROLE_ASSIGNMENT = "microsoft.authorization/roleassignments/"
_USER_ASSIGNED = "microsoft.managedidentity/userassignedidentities/write"
_FEDERATED = "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials/"
_CHANGES = {"write": "added", "delete": "removed"}
_PIM_CHANGES = {"grant": "added", "revoke": "removed"}
# Role activations of Privileged Identity Management: the operation is a sentence.
_PIM = "(pim "
_SNAKE = re.compile(r"_([a-z])")


class _Event(Struct, kw_only=True):
    """The parts of one record under one name, still as written: what the shapes have in common."""

    time: object
    operation: object
    status: object
    category: object = None
    resource: object = None
    correlation: object = None
    caller: object = None
    ip: object = None
    claims: object = None
    authorization: object = None
    properties: object = None
    hierarchy: object = None
    received: object = None
    tenant: object = None
    workspace: object = None
    subscription: object = None
    event_data_id: object = None


def _parse_export(obj: JsonObject, context: Context) -> Activity:
    identity = as_object(obj.get("identity")) or {}
    event = _Event(
        time=obj.get("time"),
        operation=obj.get("operationName"),
        status=obj.get("resultType"),
        category=obj.get("category"),
        resource=first(obj, "resourceId"),
        correlation=obj.get("correlationId"),
        caller=first(obj, "caller"),
        ip=first(obj, "callerIpAddress"),
        claims=identity.get("claims"),
        authorization=identity.get("authorization"),
        properties=obj.get("properties"),
        tenant=obj.get("tenantId"),
    )
    return _activity(event, obj)


class _Identity(Struct, gc=False):
    claims: Raw = NOTHING
    authorization: Raw = NOTHING


_Envelope = strict(
    """
    RoleLocation Stamp ReleaseVersion time resourceId operationName operationVersion category resultType resultSignature
    resultDescription durationMs callerIpAddress caller correlationId identity level Level location properties tenantId
    """,
    {
        **dict.fromkeys(("resultType", "callerIpAddress", "caller", "correlationId", "tenantId"), str),
        "identity": _Identity,
        "properties": Raw,
    },
    {"time": str, "resourceId": str, "operationName": str, "category": str},
)


def _usual(envelope: Any) -> Activity | None:
    """A dated record of one of these categories, as `_parse_export` reads it."""
    if envelope.category not in _CATEGORIES and not _is_event(envelope.category, envelope.operationName):
        return None
    identity = envelope.identity or _Identity()
    event = _Event(
        time=envelope.time,
        operation=envelope.operationName,
        status=envelope.resultType,
        category=envelope.category,
        resource=envelope.resourceId,
        correlation=envelope.correlationId,
        caller=envelope.caller,
        ip=envelope.callerIpAddress,
        claims=object_text(identity.claims),
        authorization=object_text(identity.authorization),
        properties=object_text(envelope.properties),
        tenant=envelope.tenantId,
    )
    found = _activity(event, {})
    return None if found.at is None else found


def _parse_row(obj: JsonObject, context: Context) -> Activity:
    if "EventTimestamp" in obj:  # no column of the table
        raise _in_words()
    event = _Event(
        time=obj.get("TimeGenerated"),
        # The legacy OperationName holds display text, translated where the tenant's language is another.
        operation=first(obj, "OperationNameValue", "OperationName"),
        status=first(obj, "ActivityStatusValue", "ActivityStatus"),
        category=first(obj, "CategoryValue", "Category"),
        resource=first(obj, "_ResourceId", "ResourceId"),
        correlation=obj.get("CorrelationId"),
        caller=first(obj, "Caller"),
        ip=first(obj, "CallerIpAddress"),
        claims=first_object(obj, "Claims_d", "Claims"),
        authorization=first_object(obj, "Authorization_d", "Authorization"),
        properties=first_object(obj, "Properties_d", "Properties"),
        hierarchy=obj.get("Hierarchy"),
        received=obj.get("EventSubmissionTimestamp"),
        workspace=obj.get("TenantId"),
        subscription=first(obj, "SubscriptionId", "_SubscriptionId"),
        event_data_id=obj.get("EventDataId"),
    )
    return _activity(event, obj)


def _parse_rest(obj: JsonObject, context: Context) -> Activity:
    if "evt" in obj:
        return _parse_flattened(obj, context)
    found = _camel_case(obj) if "operation_name" in obj else obj
    request = as_object(found.get("httpRequest")) or {}
    operation, status = _operation_and_status(found)
    event = _Event(
        time=found.get("eventTimestamp"),
        operation=operation,
        status=status,
        category=_value(first(found, "category", "eventSource")),
        resource=first(found, "resourceId", "resourceUri"),
        correlation=found.get("correlationId"),
        caller=first(found, "caller"),
        ip=first(request, "clientIpAddress", "client_ip_address"),
        claims=found.get("claims"),
        authorization=found.get("authorization"),
        properties=found.get("properties"),
        received=found.get("submissionTimestamp"),
        tenant=found.get("tenantId"),
        subscription=found.get("subscriptionId"),
        event_data_id=found.get("eventDataId") or _event_of_path(found.get("id")),
    )
    return _activity(event, obj)


def _operation_and_status(event: JsonObject) -> tuple[object, object]:
    """Operation and status of an event, in the words that are equal in every language.

    Current PowerShell gives both as people read them. Then the action that was checked names the operation, where it
    always does, and the status must be one of the words that are known.
    """
    operation, status = event.get("operationName"), event.get("status")
    if as_object(operation) is not None or not _is_words(as_text(operation)):
        return _value(operation), _value(status)
    action = (as_object(event.get("authorization")) or {}).get("action")
    known = (as_text(status) or "").strip().lower() in _OUTCOMES
    if action is None or not known or event.get("category") != "Administrative":
        raise _in_words()
    return action, status


def _is_words(operation: str | None) -> bool:
    """Whether the name of an operation is words of some language; role activations have no other name."""
    return operation is not None and (" " in operation or "/" not in operation) and _PIM not in operation.lower()


def _in_words() -> RecordError:
    return RecordError(
        "an event as PowerShell prints it: its operation or status is told in words of some language",
        hint="export it with az monitor activity-log list, the REST API or diagnostic settings",
    )


def _parse_flattened(obj: JsonObject, context: Context) -> Activity:
    """An event as a log pipeline flattened it: name and outcome under `evt`. It states no caller and no time."""
    flat = as_object(obj.get("evt")) or {}
    event = _Event(
        time=None,
        operation=flat.get("name"),
        status=flat.get("outcome"),
        category=flat.get("category"),
        resource=first(obj, "resourceId"),
        properties=obj.get("properties"),
    )
    return _activity(event, obj)


def _activity(event: _Event, raw: JsonObject) -> Activity:
    at = times.parse_time(event.time)
    name = _operation(event.operation)
    status = as_value(event.status)
    outcome = _outcome(status)
    caller = as_value(event.caller)
    token = token_of(event.claims, caller)
    detail = _Properties(event.properties)
    resource_id = _resource_id(event, detail)
    subscription_id = ids.guid(event.subscription) or ids.subscription_of(resource_id)
    who = _principal(token, caller, event.authorization, detail, is_pim=_PIM in name)
    correlation_id = ids.object_id(event.correlation)
    event_data_id = ids.object_id(event.event_data_id)

    key = (correlation_id, resource_id, name, outcome)
    # Undated records of one operation would all be one event; only their own id or content tells them apart.
    moment = (at - times.EPOCH) // _MILLISECOND if at else event_data_id or json.dumps(raw, sort_keys=True)
    second = (at - times.EPOCH) // _SECOND if at else None
    return Activity(
        source=SOURCE,
        event_key="arm:" + ids.digest(*key, moment),
        second_key="arm:" + ids.digest(*key, second) if second is not None else None,
        whole_seconds=at is not None and not times.has_fraction(event.time),
        at=at,
        received_at=_time_or_none(event.received),
        tenant_id=token.tenant_id or _stated_tenant(event, detail, subscription_id, is_pim=_PIM in name),
        workspace_id=ids.guid(event.workspace),
        subscription_id=subscription_id,
        scope=f"/subscriptions/{subscription_id}" if subscription_id else None,
        service="arm",
        operation=name,
        outcome=outcome,
        status=status,
        principal_type=who.principal_type,
        service_principal_id=who.service_principal_id,
        user_id=who.user_id,
        user_principal_name=who.user_principal_name,
        app_id=who.app_id,
        ip=ids.ip_address(event.ip),
        resource_id=resource_id,
        token_id=token.token_id,
        token_issued_at=token.issued_at,
        token_expires_at=token.expires_at,
        managed_identity_resource_id=token.managed_identity_resource_id,
        token_resource_id=token.token_resource_id,
        roles=token.roles,
        scopes=token.scopes,
        wids=token.wids,
        client_auth_method=token.client_auth_method,
        correlation_id=correlation_id,
        event_data_id=event_data_id,
        platform=_is_platform(name, as_text(event.category), caller, who) or None,
        grants=_grants(name, outcome, resource_id, detail),
        credentials=_credentials(name, outcome, resource_id, detail),
        bridges=_bridges(name, outcome, resource_id, detail),
    )


class _Properties:
    """The properties of one record. They are large, so they are decoded only when nothing else states a value."""

    __slots__ = ("_decoded", "_written")

    def __init__(self, written: object) -> None:
        self._written = written
        self._decoded: Mapping[str, Any] | None = None

    def get(self, name: str) -> Any:
        if self._decoded is None:
            self._decoded = as_object(self._written) or {}
        return self._decoded.get(name)

    def may_hold(self, name: str) -> bool:
        """False only if the text as written does not hold the name, in lower case: then there is nothing to decode."""
        written = self._written
        return not isinstance(written, str) or "\\u" in written or name in written.lower()


# -- event ---------------------------------------------------------------------------------------------------------


def _operation(operation: object) -> str:
    text = as_value(operation)
    if text is None or not text.strip():
        raise RecordError(
            "activity log record without an operation", hint="expected operationName or OperationNameValue"
        )
    return text.strip().lower()


def _outcome(status: str | None) -> str | None:
    lowered = status.strip().lower() if status is not None else ""
    return _OUTCOMES.get(lowered, lowered) or None


def _time_or_none(value: object) -> datetime | None:
    # Only tells the delay of delivery: not worth the record.
    try:
        return times.parse_time(value)
    except RecordError:
        return None


def _resource_id(event: _Event, detail: _Properties) -> str | None:
    found = ids.arm_id(event.resource)
    if found is not None:
        return found
    # Projected rows and shortened events may lack it; scope and entity name the same resource.
    authorization = as_object(event.authorization) or {}
    return ids.arm_id(authorization.get("scope")) or ids.arm_id(detail.get("entity"))


def _stated_tenant(event: _Event, detail: _Properties, subscription_id: str | None, *, is_pim: bool) -> str | None:
    tenant_id = ids.guid(event.tenant) or (ids.guid(detail.get("TenantID")) if is_pim else None)
    if tenant_id is not None:
        return tenant_id
    # `tenant/…/subscription`; older records hold the subscription alone.
    hierarchy = as_text(event.hierarchy) or as_text(detail.get("hierarchy")) or ""
    first_part, slash, _ = hierarchy.partition("/")
    found = ids.guid(first_part) if slash else None
    return found if found != subscription_id else None


# -- who -------------------------------------------------------------------------------------------------------------


def _principal(
    token: TokenClaims, caller: str | None, authorization: object, detail: _Properties, *, is_pim: bool
) -> TokenClaims:
    """Who acted: claims first, then the caller, then the role assignment that allowed it."""
    if token.principal_type is None and is_pim:
        return _pim_caller(detail)
    if token.principal_type is None and sign_in_name(caller) is not None:
        return replace(token, principal_type="user", user_principal_name=sign_in_name(caller))
    if token.principal_type == "user":
        name = token.user_principal_name or sign_in_name(caller)
        return token if name == token.user_principal_name else replace(token, user_principal_name=name)
    if token.principal_type == "app" and token.object_id is not None:
        return token
    # In this log only applications are named by a bare id.
    object_id = token.object_id or ids.guid(caller) or _evidence_principal(authorization)
    return replace(token, principal_type="app", object_id=object_id) if object_id else token


def _evidence_principal(authorization: object) -> str | None:
    evidence = as_object((as_object(authorization) or {}).get("evidence")) or {}
    # An assignment to a group or user does not name the application that acted.
    return ids.guid(evidence.get("principalId")) if evidence.get("principalType") == "ServicePrincipal" else None


def _pim_caller(detail: _Properties) -> TokenClaims:
    """The caller inside `CallerInfo`, a list of types and values."""
    stated = {
        as_text(entry.get("CallerIdentityType")): as_text(entry.get("CallerIdentityValue"))
        for entry in as_list(detail.get("CallerInfo")) or []
        if isinstance(entry, dict)
    }
    upn = sign_in_name(stated.get("UPN"))
    object_id = ids.object_id(stated.get("ObjectID"))
    if upn is not None:
        return TokenClaims(principal_type="user", object_id=object_id, user_principal_name=upn)
    if (stated.get("ObjectClass") or "").lower() == "serviceprincipal":
        return TokenClaims(principal_type="app", object_id=object_id)
    # The service itself is written as a "User" without a sign-in name: nobody acted.
    return NO_CLAIMS


def _is_platform(operation: str, category: str | None, caller: str | None, who: TokenClaims) -> bool:
    if _POLICY.match(operation):
        return True
    if who != NO_CLAIMS:
        return False
    # "Microsoft.Advisor" and other names of services; or nobody at all where only the platform writes.
    return caller is not None or _PIM in operation or (category or "").lower() in _PLATFORM_CATEGORIES


# -- what was changed ------------------------------------------------------------------------------------------------


def _grants(operation: str, outcome: str | None, resource_id: str | None, detail: _Properties) -> tuple[Grant, ...]:
    if outcome == "failure":
        return ()
    if operation.startswith(_ROLE_ASSIGNMENT):
        return _role_assignment(_CHANGES.get(operation[len(_ROLE_ASSIGNMENT) :]), resource_id, detail)
    if _PIM in operation:
        return _pim_grant(resource_id, detail)
    return ()


def _role_assignment(change: str | None, resource_id: str | None, detail: _Properties) -> tuple[Grant, ...]:
    if change is None:
        return ()
    body = _body_properties(detail)
    grantee_id = ids.guid(body.get("principalid"))
    role = ids.arm_id(body.get("roledefinitionid"))
    if grantee_id is None and role is None:
        return ()
    stated_scope = ids.arm_id(body.get("scope"))
    return (
        Grant(
            change=change,
            kind="azureRole",
            grantee_type=as_text(body.get("principaltype")),
            grantee_id=grantee_id,
            permission_id=ids.guid(role.rpartition("/")[2]) if role else ids.guid(body.get("roledefinitionid")),
            scope=stated_scope or (resource_id or "").partition("/providers/microsoft.authorization/")[0] or None,
        ),
    )


def _pim_grant(resource_id: str | None, detail: _Properties) -> tuple[Grant, ...]:
    change = _PIM_CHANGES.get((as_text(detail.get("ActionType")) or "").lower())
    grantee_id = ids.object_id(detail.get("SubjectID"))
    if change is None or grantee_id is None:
        return ()
    role = as_text(detail.get("RoleDefinition"))
    return (Grant(change=change, kind="azureRole", grantee_id=grantee_id, value=role, scope=resource_id),)


def _credentials(
    operation: str, outcome: str | None, resource_id: str | None, detail: _Properties
) -> tuple[CredentialChange, ...]:
    """Federated credentials of user-assigned managed identities; they have no application object."""
    if not operation.startswith(_FEDERATED) or outcome == "failure":
        return ()
    change = _CHANGES.get(operation[len(_FEDERATED) :])
    identity, found, name = (resource_id or "").partition("/federatedidentitycredentials/")
    if change is None or not found:
        return ()
    body = _body_properties(detail)
    return (
        CredentialChange(
            object_type="managedIdentityResource",
            object_id=identity,
            change=change,
            kind="federated",
            federated_name=name or None,
            issuer=as_text(body.get("issuer")),
            subject=as_text(body.get("subject")),
        ),
    )


def _bridges(operation: str, outcome: str | None, resource_id: str | None, detail: _Properties) -> tuple[Bridge, ...]:
    """Ids of managed identities that the service's answer states together; a request could state any."""
    if outcome != "success" or resource_id is None or not operation.endswith("/write"):
        return ()
    if not detail.may_hold("responsebody"):
        return ()
    answer = _body(detail, "responsebody")
    if operation == _USER_ASSIGNED:
        return tuple(_of_identity(_lowered(as_object(answer.get("properties"))), resource_id))
    identity = _lowered(as_object(answer.get("identity")))
    assigned = as_object(identity.get("userassignedidentities")) or {}
    return (
        *_of_identity(identity, resource_id),
        *(
            found
            for name, ids_of in assigned.items()
            for found in _of_identity(_lowered(as_object(ids_of)), name, assigned_to=resource_id)
        ),
    )


def _of_identity(stated: Mapping[str, Any], resource: str, assigned_to: str | None = None) -> Iterator[Bridge]:
    principal_id, resource_id = ids.guid(stated.get("principalid")), ids.arm_id(resource)
    if principal_id is None or resource_id is None:
        return
    found = {"appId": ids.guid(stated.get("clientid")), "resourceId": resource_id, "assignedTo": assigned_to}
    for right_type, right_id in found.items():
        if right_id is not None:
            yield Bridge(
                left_type="servicePrincipal",
                left_id=principal_id,
                right_type=right_type,
                right_id=right_id,
                basis="responseBody",
            )


def _body_properties(detail: _Properties) -> dict[str, Any]:
    """`properties` of the request body, else of the response body, names in lower case (their case varies)."""
    for name in ("requestbody", "responsebody"):
        inner = _lowered(as_object(_body(detail, name).get("properties")))
        if inner:
            return inner
    return {}


def _body(detail: _Properties, name: str) -> dict[str, Any]:
    """The body of that name, `requestbody` or `requestBody`, with its own names in lower case."""
    return _lowered(as_object(detail.get(name)) or as_object(detail.get(name.replace("body", "Body"))))


def _lowered(obj: dict[str, Any] | None) -> dict[str, Any]:
    return {key.lower(): value for key, value in obj.items()} if obj else {}


# -- shapes ----------------------------------------------------------------------------------------------------------


def _value(stated: object) -> object:
    """`{"value": …, "localizedValue": …}`, also as JSON text, or the bare value."""
    found = as_object(stated)
    return stated if found is None else found.get("value")


def _event_of_path(path: object) -> str | None:
    """The event id inside the `id` of an event: `…/events/<id>/ticks/<n>`."""
    return path.partition("/events/")[2].partition("/")[0] or None if isinstance(path, str) else None


def _camel_case(obj: JsonObject) -> JsonObject:
    """An event as the Python SDK writes it, with the names of the management API (outermost level only)."""
    return {_SNAKE.sub(lambda match: match.group(1).upper(), key): value for key, value in obj.items()}


def _claims_row(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    if not keys.isdisjoint(("Type", "$table")):
        return False  # stated: the table name decides
    return "OperationNameValue" in keys or {"Caller", "OperationName"} <= keys or "ActivityStatusValue" in keys


def _claims_export(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    return _is_event(obj.get("category"), obj.get("operationName"))


def _is_event(category: object, operation: object) -> bool:
    """Whether it is an event, of a category that logs of resources have as well: its operation is a change, always."""
    return isinstance(category, str) and category.lower() in _COMMON_CATEGORIES and is_change(operation) is True


def _claims_rest(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    # Envelopes of diagnostic settings also have `operationName`, but `time` and a category that is text.
    if "time" in keys or (isinstance(obj.get("category"), str) and "eventTimestamp" not in keys):
        return False
    if {"evt", "resourceId"} <= keys:
        return True
    if not keys.isdisjoint(("operationName", "operation_name")):
        return not keys.isdisjoint(("eventTimestamp", "event_timestamp", "authorization", "properties", "status"))
    return False


_CATEGORIES = ("Administrative", "Recommendation", "Autoscale", "ServiceHealth", "ResourceHealth")
# `Write`, `Delete` and `Action` are the categories of exports before 2018.
_COMMON_CATEGORIES = frozenset({"write", "delete", "action", "policy", "security", "alert"})
_ROW_COLUMNS = frozenset(
    {
        "ActivityStatus", "ActivityStatusValue", "ActivitySubstatus", "ActivitySubstatusValue", "Authorization",
        "Authorization_d", "Caller", "CallerIpAddress", "Category", "CategoryValue", "Claims", "Claims_d",
        "CorrelationId", "EventDataId", "EventSubmissionTimestamp", "Hierarchy", "HTTPRequest", "Level",
        "OperationId", "OperationName", "OperationNameValue", "Properties", "Properties_d", "Resource",
        "ResourceGroup", "ResourceId", "ResourceProvider", "ResourceProviderValue", "SourceSystem",
        "SubscriptionId", "TenantId", "TimeGenerated", "Type", "_BilledSize", "_IsBillable", "_ResourceId",
        "_SubscriptionId", "$table",
    }
)  # fmt: skip

LOADER = Loader(
    source=SOURCE,
    record=Activity,
    title="Activity log of Azure Resource Manager: changes to resources, role assignments, deployments.",
    parse={
        Carrier.EXPORT: _parse_export,
        Carrier.REST: _parse_rest,
        Carrier.ROW: _parse_row,
        Carrier.CSV: _parse_row,
    },
    categories=_CATEGORIES,
    tables=(SOURCE,),
    claims={
        Carrier.EXPORT: _claims_export,
        Carrier.ROW: _claims_row,
        Carrier.CSV: _claims_row,
        Carrier.REST: _claims_rest,
    },
    known={Carrier.ROW: _ROW_COLUMNS, Carrier.CSV: _ROW_COLUMNS},
    short_cuts={Carrier.EXPORT: of_records(Activity, _Envelope, _usual)},
    services=(
        Service(
            "arm", "797f4846-ba00-4fd7-ba43-dac1f8f63013", ("arm",), changes_only=True, scoped=True, latency_minutes=20
        ),
    ),
)
