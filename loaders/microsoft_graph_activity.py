"""MicrosoftGraphActivityLogs: requests to Microsoft Graph in this tenant → Activity."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from graphcorr import ids, times
from graphcorr.errors import RecordError
from graphcorr.ingest.claims import words
from graphcorr.ingest.fields import as_code, as_int, as_object, as_value, first, stated
from graphcorr.ingest.inventory import date_or_none
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader, Service
from graphcorr.ingest.short_cuts import of_records, strict
from graphcorr.records import Activity

SOURCE = "MicrosoftGraphActivityLogs"


class _Request(Struct, kw_only=True):
    """The parts of one record under one name, still as written: what exports and rows have in common."""

    request_id: object
    time: object
    method: object
    uri: object
    status: object
    ip: object
    user_agent: object
    app_id: object
    service_principal_id: object
    user_id: object
    principal_type: object = None
    sign_in_activity_id: object
    token_issued_at: object
    roles: object
    scopes: object
    wids: object
    client_auth_method: object
    operation_id: object
    tenant: object
    workspace: object = None


def _parse_export(obj: JsonObject, context: Context) -> Activity:
    properties = as_object(obj.get("properties"))
    if properties is None:
        raise RecordError("Graph activity without `properties`", hint="expected a record of a diagnostic setting")
    get = properties.get
    return _activity(
        _Request(
            request_id=get("requestId") or obj.get("correlationId"),
            time=get("timeGenerated") or obj.get("time"),
            method=get("requestMethod"),
            uri=get("requestUri"),
            status=first(properties, "responseStatusCode") or obj.get("resultSignature"),
            ip=get("ipAddress") or obj.get("callerIpAddress"),
            user_agent=get("userAgent"),
            app_id=get("appId"),
            # `UserPrincipalObjectID` repeats whichever of the two acted: it says neither.
            service_principal_id=get("servicePrincipalId"),
            user_id=get("userId"),
            principal_type=get("C_Idtyp"),
            sign_in_activity_id=get("signInActivityId"),
            token_issued_at=get("tokenIssuedAt"),
            roles=get("roles"),
            scopes=get("scopes"),
            wids=get("wids"),
            client_auth_method=get("clientAuthMethod"),
            operation_id=get("operationId"),
            tenant=obj.get("tenantId") or ids.tenant_of(obj.get("resourceId")) or get("tenantId"),
        )
    )


def _parse_row(obj: JsonObject, context: Context) -> Activity:
    get = obj.get
    return _activity(
        _Request(
            request_id=get("RequestId"),
            time=get("TimeGenerated"),
            method=get("RequestMethod"),
            uri=get("RequestUri"),
            status=get("ResponseStatusCode"),
            ip=get("IPAddress"),
            user_agent=get("UserAgent"),
            app_id=get("AppId"),
            service_principal_id=get("ServicePrincipalId"),
            user_id=get("UserId"),
            sign_in_activity_id=get("SignInActivityId"),
            token_issued_at=get("TokenIssuedAt"),
            roles=get("Roles"),
            scopes=get("Scopes"),
            wids=get("Wids"),
            client_auth_method=get("ClientAuthMethod"),
            operation_id=get("OperationId"),
            tenant=get("AadTenantId"),
            workspace=get("TenantId"),
        )
    )


def _activity(request: _Request) -> Activity:
    request_id = ids.object_id(request.request_id)
    if request_id is None:
        raise RecordError("Graph activity without a request id", hint="export the column RequestId")
    status = as_int(request.status)
    user_id = ids.object_id(request.user_id)
    service_principal_id = ids.object_id(request.service_principal_id)
    principal_type = _principal_type(request.principal_type, user_id, service_principal_id)
    return Activity(
        source=SOURCE,
        event_key=request_id,
        at=times.parse_time(request.time),
        tenant_id=ids.guid(request.tenant),
        workspace_id=ids.guid(request.workspace),
        service="graph",
        operation=_operation(request.method, request.uri),
        outcome=None if status is None else "success" if 200 <= status < 400 else "failure",
        status=None if status is None else str(status),
        principal_type=principal_type,
        service_principal_id=service_principal_id if principal_type == "app" else None,
        user_id=user_id if principal_type == "user" else None,
        app_id=ids.object_id(request.app_id),
        ip=ids.ip_address(request.ip),
        user_agent=as_value(request.user_agent),
        token_id=ids.token_guid(request.sign_in_activity_id),
        token_issued_at=date_or_none(request.token_issued_at),
        roles=words(request.roles),
        scopes=words(request.scopes),
        wids=words(request.wids),
        client_auth_method=as_code(request.client_auth_method),
        correlation_id=ids.object_id(request.operation_id),
    )


def _principal_type(stated: object, user_id: str | None, service_principal_id: str | None) -> str | None:
    if isinstance(stated, str) and stated.lower() in ("app", "user"):
        return stated.lower()
    # Delegated requests may name the client's service principal beside the user: the user acted.
    return "user" if user_id else "app" if service_principal_id else None


# -- operations ------------------------------------------------------------------------------------------------------

_VERSION = re.compile(r"^(v\d+(\.\d+)?|beta|canary|edge)$")
# Names of the service: letters, seldom one number inside (`oauth2PermissionGrants`, `getOffice365Reports`).
_NAME = re.compile(r"^\$?[a-z]+(?:\d{1,3}[a-z]*)?$")
_CAST = re.compile(r"^(?:microsoft\.)?graph(?:\.[a-z]+)*\.[a-z0-9]+$")
_CALL = re.compile(r"^([a-z$.0-9]+)\((.*)\)$")
_LONGEST_NAME = 64
_ID = "{id}"
_PATH = "{path}"


def _operation(method: object, uri: object) -> str:
    """`GET /users/{id}/messages` from a request: without version, ids and query; `unknown` if nothing is stated."""
    stated = [part for part in (_method(method), _template(uri)) if part]
    return " ".join(stated) or "unknown"


def _method(method: object) -> str | None:
    return method.strip().upper() if isinstance(method, str) else None


def _template(uri: object) -> str | None:
    """The path of a request with `{id}` for everything that names one object, in lower case; None if there is none."""
    if not isinstance(uri, str) or not uri.strip():
        return None
    path = uri.strip().partition("?")[0].partition("#")[0]
    if "://" in path:
        path = path.partition("://")[2].partition("/")[2]
    segments = [segment for segment in path.split("/") if segment]
    if segments and _VERSION.match(segments[0].lower()):
        segments = segments[1:]
    return "/" + "/".join(_templates(segments))


def _templates(segments: list[str]) -> list[str]:
    found: list[str] = []
    in_file_path = False
    for segment in segments:
        # `root:/Reports/2026.xlsx:/content`: between the colons stands the path of a file.
        if in_file_path:
            in_file_path = not segment.endswith(":")
            if not in_file_path:
                found[-1] = f"{_PATH}:"
        elif segment.endswith(":") and len(segment) > 1:
            found += [f"{_segment(segment[:-1])}:", _PATH]
            in_file_path = True
        elif len(segment) == 36 and segment[8] == segment[13] == segment[18] == segment[23] == "-":
            found.append(_ID)  # most ids; they would only drive the names out of the memory of `_segment`
        else:
            found.append(_segment(segment))
    return found


# The names of collections come in every request.
@lru_cache(maxsize=4096)
def _segment(written: str) -> str:
    segment = unquote(written).lower()
    if len(segment) > _LONGEST_NAME and "(" not in segment:
        return _ID
    if _NAME.match(segment) or _CAST.match(segment):
        return segment
    call = _CALL.match(segment)
    return _call(call[1], call[2]) if call else _ID


def _call(name: str, arguments: str) -> str:
    """`users('x')` is `users/{id}`; in `applications(appId='x')` and in functions the names of values stay."""
    if not arguments:
        return f"{name}()"
    names = [part.partition("=")[0].strip() for part in re.sub(r"'(?:[^']|'')*'", "''", arguments).split(",")]
    if "=" not in arguments.partition("'")[0]:
        return f"{name}/{_ID}"
    return f"{name}({','.join(f'{key}={_ID}' for key in names if _NAME.match(key))})"


# -- recognition -----------------------------------------------------------------------------------------------------


def _claims_row(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    if not keys.isdisjoint(("Type", "$table", "Category", "Timestamp")):
        return False  # stated, or the table of another product with the same columns
    return {"RequestMethod", "RequestUri", "RequestId"} <= keys


_ROW_COLUMNS = """
    AadTenantId ApiVersion AppId ATContent ATContentH ATContentP ClientAuthMethod ClientRequestId DeviceId DurationMs
    IdentityProvider IPAddress Location OperationId RequestId RequestMethod RequestUri ResponseSizeBytes
    ResponseStatusCode Roles Scopes ServicePrincipalId SessionId SignInActivityId TokenIssuedAt UserAgent UserId Wids
"""
# In the order in which exports write them: decoding is fastest so.
_PROPERTIES = """
    __UDI_RequiredFields_TenantId __UDI_RequiredFields_UniqueId __UDI_RequiredFields_EventTime
    __UDI_RequiredFields_RegionScope timeGenerated location requestId operationId clientRequestId apiVersion
    requestMethod responseStatusCode tenantId durationMs responseSizeBytes signInActivityId roles appId
    UserPrincipalObjectID scopes identityProvider clientAuthMethod wids isReplay C_Idtyp C_Iat C_DeviceId C_Sid
    ATContent ATContentH ATContentP ipAddress userAgent requestUri policyEvaluated userId servicePrincipalId
    tokenIssuedAt
"""


# -- the usual record, faster ----------------------------------------------------------------------------------------

_TEXTS = """
    requestId timeGenerated requestMethod requestUri ipAddress userAgent appId servicePrincipalId userId C_Idtyp
    signInActivityId tokenIssuedAt clientAuthMethod operationId tenantId
"""
_Envelope = strict(
    """
    time resourceId operationName operationVersion category resultType resultSignature resultDescription durationMs
    callerIpAddress correlationId identity level location properties tenantId
    """,
    {
        **dict.fromkeys(("time", "resourceId", "callerIpAddress", "correlationId", "tenantId", "operationName"), str),
        "resultSignature": int | str,
    },
    {
        "category": str,
        "properties": strict(
            _PROPERTIES,
            {
                **dict.fromkeys(_TEXTS.split(), str),
                **dict.fromkeys(("roles", "scopes", "wids"), str | list[str]),
                "responseStatusCode": int | str,
            },
        ),
    },
)


def _usual(envelope: Any) -> Activity | None:
    """A request, as `_parse_export` reads it."""
    if envelope.category != SOURCE:
        return None
    request = envelope.properties
    status = request.responseStatusCode
    return _activity(
        _Request(
            request_id=request.requestId or envelope.correlationId,
            time=request.timeGenerated or envelope.time,
            method=request.requestMethod,
            uri=request.requestUri,
            status=(status if stated(status) else None) or envelope.resultSignature,
            ip=request.ipAddress or envelope.callerIpAddress,
            user_agent=request.userAgent,
            app_id=request.appId,
            service_principal_id=request.servicePrincipalId,
            user_id=request.userId,
            principal_type=request.C_Idtyp,
            sign_in_activity_id=request.signInActivityId,
            token_issued_at=request.tokenIssuedAt,
            roles=request.roles,
            scopes=request.scopes,
            wids=request.wids,
            client_auth_method=request.clientAuthMethod,
            operation_id=request.operationId,
            tenant=envelope.tenantId or ids.tenant_of(envelope.resourceId) or request.tenantId,
        )
    )


LOADER = Loader(
    source=SOURCE,
    record=Activity,
    title="Requests to Microsoft Graph: who called which operation with which token.",
    parse={Carrier.EXPORT: _parse_export, Carrier.ROW: _parse_row, Carrier.CSV: _parse_row},
    categories=(SOURCE,),
    claims={Carrier.ROW: _claims_row, Carrier.CSV: _claims_row},
    known={
        Carrier.EXPORT: frozenset(_PROPERTIES.split()),
        Carrier.ROW: frozenset(_ROW_COLUMNS.split()),
        Carrier.CSV: frozenset(_ROW_COLUMNS.split()),
    },
    short_cuts={Carrier.EXPORT: of_records(Activity, _Envelope, _usual)},
    # Changes of the directory that an application makes are made through it.
    services=(Service("graph", "00000003-0000-0000-c000-000000000000", ("graph", "directory"), latency_minutes=120),),
)
