"""AZKVAuditLogs: data plane and vault operations of Key Vault, also from AzureDiagnostics and exports → Activity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from msgspec import Raw, Struct

from graphcorr import ids, times
from graphcorr.errors import RecordError
from graphcorr.ingest.claims import TokenClaims, token_of, unflatten
from graphcorr.ingest.fields import as_int, as_object, as_value, first
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader, Service
from graphcorr.ingest.short_cuts import NOTHING, object_text, of_records, strict
from graphcorr.records import Activity

SOURCE = "AZKVAuditLogs"
_CATEGORY = "AuditEvent"

_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)

_PROVIDER = "microsoft.keyvault"
# Only used where a record lacks the HTTP status.
_SIGNATURES = {
    "ok": "success", "created": "success", "accepted": "success",
    "forbidden": "failure", "unauthorized": "failure", "not found": "failure", "conflict": "failure",
}  # fmt: skip
# Column of AZKVAuditLogs, then those of AzureDiagnostics, whose suffix is chosen per value.
_ID = ("Id", "id_s", "id_g", "id_d", "id_b")
_REQUEST_URI = ("RequestUri", "requestUri_s")
_HTTP_STATUS = ("HttpStatusCode", "httpStatusCode_d", "httpStatusCode_s")
_CLIENT = ("ClientInfo", "clientInfo_s")


class _Event(Struct, kw_only=True):
    """The parts of one record under one name, still as written: what the three shapes have in common."""

    time: object
    operation: object
    resource: object
    object_uri: object
    request_uri: object
    http_status: object
    signature: object
    correlation: object
    ip: object
    client: object
    # An object or its JSON text.
    claims: object
    workspace: object = None
    tenant: object = None


def _parse_export(obj: JsonObject, context: Context) -> Activity:
    properties = as_object(obj.get("properties")) or {}
    return _activity(
        _Event(
            time=obj.get("time"),
            operation=obj.get("operationName"),
            resource=first(obj, "resourceId") or context.path_resource_id,
            object_uri=properties.get("id"),
            request_uri=properties.get("requestUri"),
            http_status=properties.get("httpStatusCode"),
            signature=obj.get("resultSignature"),
            correlation=obj.get("correlationId"),
            ip=first(obj, "callerIpAddress", "callerIPAddress"),
            client=properties.get("clientInfo"),
            claims=_claims_of(obj.get("identity")),
            tenant=obj.get("tenantId"),
        )
    )


class _Identity(Struct, gc=False):
    claim: Raw = NOTHING


class _Properties(Struct, gc=False):
    id: str | None = None
    requestUri: str | None = None  # noqa: N815 - as written, like all names below
    httpStatusCode: int | float | str | None = None  # noqa: N815
    clientInfo: str | None = None  # noqa: N815


_Envelope = strict(
    """
    time category operationName resultType correlationId callerIpAddress identity properties resourceId
    operationVersion resultSignature resultDescription durationMs tenantId level Level location
    """,
    {
        **dict.fromkeys(("correlationId", "callerIpAddress", "resultSignature", "tenantId"), str),
        "identity": _Identity,
    },
    {"time": str, "category": str, "operationName": str, "resourceId": str, "properties": _Properties},
)


def _usual(envelope: Any) -> Activity | None:
    """A record that names its vault, as `_parse_export` reads it."""
    if envelope.category != _CATEGORY or ids.provider_of(envelope.resourceId) != _PROVIDER:
        return None
    properties, identity = envelope.properties, envelope.identity
    return _activity(
        _Event(
            time=envelope.time,
            operation=envelope.operationName,
            resource=envelope.resourceId,
            object_uri=properties.id,
            request_uri=properties.requestUri,
            http_status=properties.httpStatusCode,
            signature=envelope.resultSignature,
            correlation=envelope.correlationId,
            ip=envelope.callerIpAddress,
            client=properties.clientInfo,
            claims=object_text(identity.claim) if identity is not None else None,
            tenant=envelope.tenantId,
        )
    )


def _parse_row(obj: JsonObject, context: Context) -> Activity:
    """A row of AZKVAuditLogs or of AzureDiagnostics: the former has a column `Identity`, the latter one per claim."""
    # AzureDiagnostics keeps what does not fit into 500 columns here, under the names that the columns would have.
    overflow = as_object(obj.get("AdditionalFields"))
    row = {**overflow, **obj} if overflow else obj
    return _activity(
        _Event(
            time=row.get("TimeGenerated"),
            operation=row.get("OperationName"),
            resource=first(row, "_ResourceId", "ResourceId"),
            object_uri=first(row, *_ID),
            request_uri=first(row, *_REQUEST_URI),
            http_status=first(row, *_HTTP_STATUS),
            signature=row.get("ResultSignature"),
            correlation=row.get("CorrelationId"),
            ip=first(row, "CallerIpAddress", "CallerIPAddress"),
            client=first(row, *_CLIENT),
            claims=as_object(_claims_of(row.get("Identity"))) or unflatten(row),
            workspace=row.get("TenantId"),
        )
    )


def _activity(event: _Event) -> Activity:
    vault = ids.arm_id(event.resource)
    operation = as_value(event.operation)
    if operation is None:
        raise RecordError("key vault record without an operation", hint="expected operationName or OperationName")
    at = times.parse_time(event.time)
    token = token_of(event.claims)
    http_status = as_int(event.http_status)
    signature = as_value(event.signature)
    object_path = _object_path(event.object_uri) or _object_path(event.request_uri)
    subscription_id = ids.subscription_of(vault)
    correlation_id = ids.object_id(event.correlation)

    key = (correlation_id, vault, operation, object_path, http_status)
    since_epoch = at - times.EPOCH if at else None
    return Activity(
        source=SOURCE,
        event_key="kv:" + ids.digest(*key, None if since_epoch is None else since_epoch // _MILLISECOND),
        second_key=None if since_epoch is None else "kv:" + ids.digest(*key, since_epoch // _SECOND),
        whole_seconds=at is not None and not times.has_fraction(event.time),
        at=at,
        tenant_id=token.tenant_id or ids.guid(event.tenant),
        workspace_id=ids.guid(event.workspace),
        subscription_id=subscription_id,
        scope=vault,
        service="keyVault",
        operation=operation,
        outcome=_outcome(http_status, signature, token),
        status=signature or (str(http_status) if http_status is not None else None),
        principal_type=token.principal_type,
        service_principal_id=token.service_principal_id,
        user_id=token.user_id,
        user_principal_name=token.user_principal_name,
        app_id=token.app_id,
        ip=ids.ip_address(event.ip),
        user_agent=as_value(event.client),
        resource_id=vault,
        object_path=object_path,
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
    )


def _claims_of(identity: object) -> object:
    return (as_object(identity) or {}).get("claim")


def _outcome(http_status: int | None, signature: str | None, token: TokenClaims) -> str | None:
    # `resultType` says "Success" for refused requests too, so it is never asked.
    if http_status is None:
        return _SIGNATURES.get((signature or "").strip().lower())
    if http_status == 401 and token.object_id is None and token.app_id is None:
        # Every client asks once without a token to learn which tenant the vault trusts.
        return "challenge"
    return "success" if http_status < 400 else "failure"


def _object_path(uri: object) -> str | None:
    """`secrets/payroll` from the URI of an object with or without version; None for the vault itself."""
    if not isinstance(uri, str):
        return None
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    segments = [segment for segment in parts.path.lower().split("/") if segment]
    # Vault operations go through Azure Resource Manager; there the path is the vault's own id.
    if not segments or segments[0] in ("subscriptions", "providers"):
        return None
    return "/".join(segments[:2])


def _claims_row(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    """Rows without table and category: projected columns that only these tables have."""
    if not keys.isdisjoint(("Type", "$table", "Category")):
        return False  # stated: table or category decide
    if {"Identity", "RequestUri", "HttpStatusCode"} <= keys:
        return True
    return "OperationName" in keys and any(key.startswith("identity_claim_") for key in keys)


LOADER = Loader(
    source=SOURCE,
    record=Activity,
    title="Key Vault audit events: reads and changes of secrets, keys, certificates and vaults.",
    parse={Carrier.EXPORT: _parse_export, Carrier.ROW: _parse_row, Carrier.CSV: _parse_row},
    categories=(_CATEGORY,),
    providers=(_PROVIDER,),
    tables=(SOURCE, "AzureDiagnostics"),
    claims={Carrier.ROW: _claims_row, Carrier.CSV: _claims_row},
    short_cuts={Carrier.EXPORT: of_records(Activity, _Envelope, _usual)},
    services=(
        Service("keyVault", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093", ("keyVault",), scoped=True, latency_minutes=10),
    ),
)
