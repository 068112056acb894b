"""What the four sign-in tables share: columns, result classes, and the reading of one sign-in in every carrier."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Raw, Struct
from msgspec.json import Decoder

from graphcorr import ids
from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_code, as_list, as_object, as_text, as_value
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Parse, ShortCut
from graphcorr.ingest.short_cuts import (
    Column,
    Id,
    Remembered,
    Texts,
    declared,
    moments,
    object_ids,
    strict,
    texts,
    token_guids,
)
from graphcorr.records import SignIn, SignInKind
from graphcorr.times import has_fraction, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime


# -- result codes ----------------------------------------------------------------------------------------------

_CODES_OF_CLASS = {
    "success": "0",
    # Secret, certificate, assertion or federated credential was presented and refused.
    "credentialFailed": """
        7000215 7000222
        700027 700024 700021 700022 700023 700028 700030 700029 700031 700032 1000502
        7000210 7000211 7000212 7000213 7000214 500183 7000221 50048 500033 5000811 50012 50013 50027
        70021 700211 700213 7002137 7002138 700212 7000226 7000227 7000225
    """,
    "identityUnknown": "700016 700011 7000217 7000229",
    "disabled": "7000112 7000116 7000117 500014",
    "blocked": "53003 530031 530032",
    # No credential sent, resource or consent missing, protocol misused.
    "requestError": """
        7000216 7000218 7000219 900144
        500011 50105 65001 1002012
        700025 9002319 9002324 7000113 7000114 50194 90002 7000110
    """,
}
RESULT_CLASSES: Mapping[str, str] = {code: name for name, codes in _CODES_OF_CLASS.items() for code in codes.split()}
"""Class of each result code of workload sign-ins; every other code is `failed`."""


def result_class(code: str | None) -> str | None:
    """The class of a result code given as text; None if no code is stated."""
    return None if code is None else RESULT_CLASSES.get(code, "failed")


# -- columns ---------------------------------------------------------------------------------------------------

_COMMON_COLUMNS = """
    AADTenantId AppId AuthenticationContextClassReferences AuthenticationProcessingDetails Category
    ConditionalAccessPolicies ConditionalAccessStatus CorrelationId CreatedDateTime DurationMs Id Identity
    IPAddress Level Location LocationDetails NetworkLocationDetails OperationName OperationVersion
    ResourceDisplayName ResourceGroup ResourceIdentity ResourceServicePrincipalId ResultDescription
    ResultSignature ResultType ServicePrincipalId SessionId SourceSystem TenantId TimeGenerated Type
    UniqueTokenIdentifier UserAgent _BilledSize _IsBillable $table
    Agent AppOwnerTenantId ResourceOwnerTenantId ClientCredentialType ConditionalAccessAudiences
    ConditionalAccessPoliciesV2
"""
_WORKLOAD_COLUMNS = """
    FederatedCredentialId ServicePrincipalCredentialKeyId ServicePrincipalCredentialThumbprint
    ServicePrincipalName AutonomousSystemNumber ManagedServiceIdentity SourceAppClientId
"""
_USER_COLUMNS = """
    AlternateSignInName AppDisplayName AppliedConditionalAccessPolicies AppliedEventListeners
    AuthenticationDetails AuthenticationMethodsUsed AuthenticationProtocol AuthenticationRequirement
    AuthenticationRequirementPolicies AutonomousSystemNumber ClientAppUsed CrossTenantAccessType DeviceDetail
    FlaggedForReview GlobalSecureAccessIpAddress HomeTenantId HomeTenantName IncomingTokenType
    IPAddressFromResourceProvider IsInteractive IsRisky IsTenantRestricted MfaDetail OriginalRequestId
    ProcessingTimeInMilliseconds ProcessingTimeInMs Resource ResourceId ResourceProvider ResourceTenantId
    RiskDetail RiskEventTypes RiskEventTypes_V2 RiskLevel RiskLevelAggregated RiskLevelDuringSignIn RiskState
    ServicePrincipalName SessionLifetimePolicies SignInEventTypes SignInIdentifier SignInIdentifierType Status
    TokenIssuerName TokenIssuerType UserDisplayName UserId UserPrincipalName UserType
"""
WORKLOAD_COLUMNS = frozenset((_COMMON_COLUMNS + _WORKLOAD_COLUMNS).split())
"""Columns of the service principal and managed identity tables."""
USER_COLUMNS = frozenset((_COMMON_COLUMNS + _USER_COLUMNS).split())
"""Columns of the two user tables."""

# In the order in which exports write them: decoding is fastest so.
_PROPERTIES = """
    id createdDateTime userDisplayName userPrincipalName userId agent appId appDisplayName ipAddress status
    clientAppUsed userAgent deviceDetail location mfaDetail correlationId conditionalAccessStatus
    appliedConditionalAccessPolicies authenticationContextClassReferences originalRequestId isInteractive
    tokenIssuerName tokenIssuerType authenticationProcessingDetails networkLocationDetails clientCredentialType
    processingTimeInMilliseconds riskDetail riskLevelAggregated riskLevelDuringSignIn riskState riskEventTypes
    riskEventTypes_v2 resourceDisplayName resourceId resourceTenantId homeTenantId homeTenantName tenantId
    authenticationDetails authenticationMethodsUsed authenticationRequirementPolicies sessionLifetimePolicies
    authenticationRequirement alternateSignInName signInIdentifier signInIdentifierType servicePrincipalName
    signInEventTypes servicePrincipalId servicePrincipalCredentialKeyId servicePrincipalCredentialThumbprint
    federatedCredentialId userType flaggedForReview isTenantRestricted autonomousSystemNumber crossTenantAccessType
    privateLinkDetails ssoExtensionVersion resourceServicePrincipalId uniqueTokenIdentifier authenticationStrengths
    sessionId incomingTokenType authenticationProtocol appServicePrincipalId appOwnerTenantId resourceOwnerTenantId
    rngcStatus signInTokenProtectionStatus originalTransferMethod azureResourceId conditionalAccessAudiences
    globalSecureAccessIpAddress ipAddressFromResourceProvider managedIdentityType managedServiceIdentity
    sourceAppClientId
"""
PROPERTIES = frozenset(_PROPERTIES.split())
"""Properties of a sign-in in diagnostic exports and in Graph beta, all four kinds together."""


# -- recognition -----------------------------------------------------------------------------------------------

# A column that only sign-in tables have; without one of them a row with AppId may be of any log.
_ROW_MARKS = frozenset(
    ["ResourceIdentity", "ResourceServicePrincipalId", "ConditionalAccessStatus", "ServicePrincipalCredentialKeyId"]
)
_ROW_USERS = frozenset(["UserId", "UserPrincipalName", "UserDisplayName"])
_ROW_MANAGED = frozenset(["ManagedServiceIdentity", "SourceAppClientId"])
_ROW_NON_INTERACTIVE = frozenset(["ProcessingTimeInMs", "SignInEventTypes"])
_GRAPH_MARKS = frozenset(["resourceDisplayName", "conditionalAccessStatus", "signInEventTypes"])
_GRAPH_KINDS = (
    ("managedIdentity", "AADManagedIdentitySignInLogs"),
    ("servicePrincipal", "AADServicePrincipalSignInLogs"),
    ("nonInteractiveUser", "AADNonInteractiveUserSignInLogs"),
    ("interactiveUser", "SigninLogs"),
)
_GRAPH_USERS = frozenset(["userId", "userPrincipalName", "userDisplayName"])
_GRAPH_SERVICE_PRINCIPALS = frozenset(["servicePrincipalId", "servicePrincipalName"])


def row_table(keys: frozenset[str]) -> str | None:
    """The sign-in table that a row with these columns comes from, where it states neither table nor category.

    Projected rows lose what tells tables apart: a row about a service principal counts as one of the service
    principal table unless a column of managed identities alone is there; a user's row as interactive likewise.
    """
    if not keys & _ROW_MARKS:
        return None
    if keys & _ROW_USERS:
        return "AADNonInteractiveUserSignInLogs" if keys & _ROW_NON_INTERACTIVE else "SigninLogs"
    if not keys & {"ServicePrincipalId", "ServicePrincipalName", "AppId"}:
        return None
    return "AADManagedIdentitySignInLogs" if keys & _ROW_MANAGED else "AADServicePrincipalSignInLogs"


def graph_table(keys: frozenset[str], obj: JsonObject, context: Context) -> str | None:
    """The sign-in table that an object of Graph `auditLogs/signIns` belongs to, by its signInEventTypes.

    v1.0 has no such property and returns interactive user sign-ins only. Where beta was asked for chosen properties,
    those there are tell, as columns do in `row_table`; with none of a user and none of a principal nothing does.
    """
    if "createdDateTime" not in keys or "appId" not in keys or not keys & _GRAPH_MARKS:
        return None
    kinds = as_list(obj.get("signInEventTypes")) or ()
    stated = next((table for kind, table in _GRAPH_KINDS if kind in kinds), None)
    if stated is not None:
        return stated
    address = as_text(obj.get("@odata.context")) or context.odata_context or ""
    if not keys.isdisjoint(_GRAPH_USERS) or "/v1.0/" in address:
        return "SigninLogs"
    return None if keys.isdisjoint(_GRAPH_SERVICE_PRINCIPALS) else "AADServicePrincipalSignInLogs"


def sign_in_claims(source: str) -> dict[Carrier, Any]:
    """The `claims` of the loader of one sign-in table; together the four never claim one object twice."""

    def claims_row(keys: frozenset[str], _obj: JsonObject, _context: Context) -> bool:
        return row_table(keys) == source

    def claims_graph(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
        return graph_table(keys, obj, context) == source

    return {Carrier.ROW: claims_row, Carrier.CSV: claims_row, Carrier.GRAPH: claims_graph}


# -- reading ---------------------------------------------------------------------------------------------------


def sign_in_parsers(source: str, kind: SignInKind) -> dict[Carrier, Parse]:
    """The parse function of every carrier for one sign-in table."""
    row = partial(_from_row, source, kind)
    return {
        Carrier.EXPORT: partial(_from_export, source, kind),
        Carrier.GRAPH: partial(_from_graph, source, kind),
        Carrier.ROW: row,
        Carrier.CSV: row,
    }


def _from_export(source: str, kind: SignInKind, obj: JsonObject, _context: Context) -> SignIn:
    properties = as_object(obj.get("properties"))
    if properties is None:
        raise RecordError("sign-in without `properties`", hint="expected a record of a diagnostic setting")
    return _from_properties(source, kind, properties, obj)


def _from_graph(source: str, kind: SignInKind, obj: JsonObject, _context: Context) -> SignIn:
    return _from_properties(source, kind, obj, {})


def _from_properties(source: str, kind: SignInKind, properties: JsonObject, envelope: JsonObject) -> SignIn:
    get = properties.get
    created = parse_time(get("createdDateTime"))
    sent = _lenient_time(envelope.get("time"))
    code = as_code((as_object(get("status")) or {}).get("errorCode"))
    if code is None:
        code = as_code(envelope.get("resultType"))
    country = as_value((as_object(get("location")) or {}).get("countryOrRegion"))
    tenant_id = ids.guid(envelope.get("tenantId")) or ids.tenant_of(envelope.get("resourceId"))
    token_id = ids.token_guid(get("uniqueTokenIdentifier"))
    managed, assigned = _managed_resource(get("managedServiceIdentity"))
    return _keyed(
        SignIn(
            source=source,
            event_key=ids.object_id(get("id")) or token_id or "",
            at=created or sent,
            at_is_event_time=created is not None,
            # Graph pages state whole seconds: a finer export of the same sign-in knows better.
            whole_seconds=created is not None and not has_fraction(get("createdDateTime")),
            received_at=sent if created is not None else None,
            tenant_id=tenant_id,
            kind=kind,
            app_id=_id(get("appId")),
            app_name=as_text(get("appDisplayName")),
            service_principal_id=_id(get("servicePrincipalId")),
            service_principal_name=as_text(get("servicePrincipalName")),
            user_id=_id(get("userId")),
            user_principal_name=as_text(get("userPrincipalName")),
            user_name=as_text(get("userDisplayName")),
            resource_app_id=_id(get("resourceId")),
            resource_name=as_text(get("resourceDisplayName")),
            resource_service_principal_id=_id(get("resourceServicePrincipalId")),
            ip=ids.ip_address(get("ipAddress")) or ids.ip_address(envelope.get("callerIpAddress")),
            country=country or as_value(envelope.get("location")),
            user_agent=as_value(get("userAgent")),
            result_code=code,
            result_class=result_class(code),
            key_id=_id(get("servicePrincipalCredentialKeyId")),
            thumbprint=_thumbprint(get("servicePrincipalCredentialThumbprint")),
            federated_credential_id=_id(get("federatedCredentialId")),
            credential_type=as_value(get("clientCredentialType")),
            token_id=token_id,
            correlation_id=ids.object_id(get("correlationId")) or ids.object_id(envelope.get("correlationId")),
            session_id=ids.object_id(get("sessionId")),
            app_owner_tenant_id=ids.guid(get("appOwnerTenantId")),
            resource_owner_tenant_id=ids.guid(get("resourceOwnerTenantId")),
            home_tenant_id=ids.guid(get("homeTenantId")),
            managed_identity_resource_id=managed,
            assigned_resource_id=assigned,
            agent_type=_agent_type(get("agent")),
        )
    )


def _from_row(source: str, kind: SignInKind, obj: JsonObject, _context: Context) -> SignIn:
    get = obj.get
    created = parse_time(get("CreatedDateTime"))
    sent = _lenient_time(get("TimeGenerated"))
    code = as_code(get("ResultType"))
    if code is None:
        code = as_code((as_object(get("Status")) or {}).get("errorCode"))
    country = as_value(get("Location"))
    if country is None:
        country = as_value((as_object(get("LocationDetails")) or {}).get("countryOrRegion"))
    token_id = ids.token_guid(get("UniqueTokenIdentifier"))
    managed, assigned = _managed_resource(get("ManagedServiceIdentity"))
    return _keyed(
        SignIn(
            source=source,
            event_key=ids.object_id(get("Id")) or token_id or "",
            at=created or sent,
            at_is_event_time=created is not None,
            whole_seconds=created is not None and not has_fraction(get("CreatedDateTime")),
            received_at=sent if created is not None else None,
            # ResourceId of these tables is the tenant's path; TenantId is the workspace.
            tenant_id=ids.guid(get("AADTenantId")) or ids.tenant_of(get("ResourceId")),
            workspace_id=ids.guid(get("TenantId")),
            kind=kind,
            app_id=_id(get("AppId")),
            app_name=as_text(get("AppDisplayName")),
            service_principal_id=_id(get("ServicePrincipalId")),
            service_principal_name=as_text(get("ServicePrincipalName")),
            user_id=_id(get("UserId")),
            user_principal_name=as_text(get("UserPrincipalName")),
            user_name=as_text(get("UserDisplayName")),
            resource_app_id=_id(get("ResourceIdentity")),
            resource_name=as_text(get("ResourceDisplayName")),
            resource_service_principal_id=_id(get("ResourceServicePrincipalId")),
            ip=ids.ip_address(get("IPAddress")),
            country=country,
            user_agent=as_value(get("UserAgent")),
            result_code=code,
            result_class=result_class(code),
            key_id=_id(get("ServicePrincipalCredentialKeyId")),
            thumbprint=_thumbprint(get("ServicePrincipalCredentialThumbprint")),
            federated_credential_id=_id(get("FederatedCredentialId")),
            credential_type=as_value(get("ClientCredentialType")),
            token_id=token_id,
            correlation_id=ids.object_id(get("CorrelationId")),
            session_id=ids.object_id(get("SessionId")),
            app_owner_tenant_id=ids.guid(get("AppOwnerTenantId")),
            resource_owner_tenant_id=ids.guid(get("ResourceOwnerTenantId")),
            home_tenant_id=ids.guid(get("HomeTenantId")),
            managed_identity_resource_id=managed,
            assigned_resource_id=assigned,
            agent_type=_agent_type(get("Agent")),
        )
    )


# Order and choice are part of stored event keys: do not change.
_CONTENT = (
    "at", "correlation_id", "app_id", "service_principal_id", "user_id", "user_principal_name",
    "resource_app_id", "resource_name", "ip", "result_code", "session_id", "key_id",
)  # fmt: skip


def _keyed(record: SignIn) -> SignIn:
    """The record itself, or with a key made of what it says if it states no id at all."""
    if record.event_key:
        return record
    content = [getattr(record, name) for name in _CONTENT]
    if not any(value is not None for value in content):
        raise RecordError("sign-in that states neither id, time, principal nor resource")
    return msgspec.structs.replace(record, event_key=f"nokey:{ids.digest(record.kind, *content)}")


def _id(value: object) -> str | None:
    # Most records leave most ids empty.
    return ids.object_id(value) if value else None


def _thumbprint(value: object) -> str | None:
    """In the one spelling; what is no SHA-1 thumbprint is kept in upper case."""
    found = ids.thumbprint(value) if value else None
    kept = ids.object_id(value) if value and found is None else None
    return found or (kept.upper() if kept else None)


def _lenient_time(value: object) -> datetime | None:
    """The time of arrival; unreadable is not stated, since the sign-in's own time decides."""
    if value is None:
        return None
    try:
        return parse_time(value)
    except RecordError:
        return None


def _managed_resource(value: object) -> tuple[str | None, str | None]:
    """The Azure resource that a managed identity is; the one that it is assigned to."""
    stated = (as_object(value) if value else None) or {}
    return _is_or_has(stated.get("associatedResourceId"), stated.get("msiType"))


def _is_or_has(written: object, kind: object) -> tuple[str | None, str | None]:
    resource = ids.arm_id(written)
    assigned = isinstance(kind, str) and kind.lower() == "userassigned" and not ids.is_user_assigned(resource)
    return (None, resource) if assigned else (resource, None)


def _agent_type(value: object) -> str | None:
    if not value:
        return None
    # Nearly every record says this; spares decoding the JSON text of Log Analytics rows.
    if isinstance(value, str) and value.startswith('{"agentType":"notAgentic"'):
        return None
    return _agent(as_text((as_object(value) or {}).get("agentType")))


def _agent(stated: str | None) -> str | None:
    return None if stated is None or stated in ("", "<null>") or stated.lower() == "notagentic" else stated


# -- the usual record, faster ----------------------------------------------------------------------------------


class _Status(Struct, gc=False):
    errorCode: int | Id | None = None  # noqa: N815 - as written, like all names below


class _Place(Struct, gc=False):
    countryOrRegion: str | None = None  # noqa: N815


class _Managed(Struct, gc=False):
    msiType: str | None = None  # noqa: N815
    associatedResourceId: str | None = None  # noqa: N815


class _Agent(Struct, gc=False):
    agentType: str | None = None  # noqa: N815


_IDS = """
    appId servicePrincipalId userId resourceId resourceServicePrincipalId servicePrincipalCredentialKeyId
    federatedCredentialId appOwnerTenantId resourceOwnerTenantId homeTenantId ipAddress
    servicePrincipalCredentialThumbprint
"""
_TEXTS = """
    id createdDateTime uniqueTokenIdentifier correlationId sessionId appDisplayName servicePrincipalName
    userPrincipalName userDisplayName resourceDisplayName userAgent clientCredentialType
"""
_ENVELOPE = """
    time resourceId operationName operationVersion category tenantId resultType resultSignature resultDescription
    durationMs callerIpAddress correlationId identity Level level location properties
"""
# Values of other types than these are left to `_from_properties`.
_Envelope = strict(
    _ENVELOPE,
    {
        **dict.fromkeys(("tenantId", "resourceId", "callerIpAddress"), Id),
        **dict.fromkeys(("correlationId", "location"), str),
        "resultType": int | Id,
        # Not read; an object here would make it a record of the management API.
        "operationName": str,
    },
    {
        "time": str,
        "category": str,
        "properties": strict(
            _PROPERTIES,
            {
                **dict.fromkeys(_IDS.split(), Id),
                **dict.fromkeys(_TEXTS.split(), str),
                "status": _Status,
                "location": _Place,
                "managedServiceIdentity": _Managed,
                "agent": _Agent,
            },
        ),
    },
)
_decode_envelope = Decoder(_Envelope).decode

_FIRST_COLUMNS = """
    TenantId SourceSystem TimeGenerated ResourceId OperationName OperationVersion Category ResultType ResultSignature
    ResultDescription DurationMs CorrelationId ResourceGroup Identity Level Location
"""
_ROW_IDS = """
    AADTenantId TenantId ResourceId AppId ServicePrincipalId UserId ResourceIdentity ResourceServicePrincipalId
    IPAddress ServicePrincipalCredentialKeyId ServicePrincipalCredentialThumbprint FederatedCredentialId
    AppOwnerTenantId ResourceOwnerTenantId HomeTenantId
"""
_ROW_TEXTS = """
    Id CreatedDateTime UniqueTokenIdentifier CorrelationId SessionId Location AppDisplayName ServicePrincipalName
    UserPrincipalName UserDisplayName ResourceDisplayName UserAgent ClientCredentialType ManagedServiceIdentity Agent
"""


def _row_decoder(columns: frozenset[str]) -> Callable[[bytes], Any]:
    """Decodes rows that state their table and have no other columns than these."""
    read = {**dict.fromkeys(_ROW_IDS.split(), Id), **dict.fromkeys(_ROW_TEXTS.split(), str), "ResultType": int | Id}
    required = {"TimeGenerated": str, "Type": str, "LocationDetails": Raw}
    # After the first ones they mostly come by name.
    first = [name for name in _FIRST_COLUMNS.split() if name in columns]
    others = sorted(columns - {*first, "$table"}, key=str.lower)
    return Decoder(strict(" ".join((*first, *others)), read, required)).decode


_decode_user_row = _row_decoder(USER_COLUMNS)
_decode_workload_row = _row_decoder(WORKLOAD_COLUMNS)
_NO_PLACE = (b'""', b"null")

# Few values make most records; what is different in each one does not pass through here.
_id_of = Remembered(ids.object_id)
_guid_of = Remembered(ids.guid)
_tenant_of = Remembered(ids.tenant_of)
_address_of = Remembered(ids.ip_address)
_text_of = Remembered(as_text)
_value_of = Remembered(as_value)
_code_of = Remembered(as_code)
_class_of = Remembered(result_class)
_thumbprint_of = Remembered(_thumbprint)
_managed_of = Remembered(_managed_resource)
_agent_of = Remembered(_agent_type)
_agent_named = Remembered(_agent)


def sign_in_short_cuts(source: str, kind: SignInKind, category: str) -> dict[Carrier, ShortCut]:
    """The short cuts for diagnostic exports and for rows of one sign-in table."""
    decode_row = _decode_user_row if kind == "user" else _decode_workload_row
    columns = partial(_columns, source, kind)
    return {
        Carrier.EXPORT: ShortCut(partial(_usual_export, category), columns),
        Carrier.ROW: ShortCut(partial(_usual_row, source, decode_row), columns),
    }


# What a short cut takes from a record. The first ones are as written; they are read for many records together.
_TAKEN = (
    "event_key", "at", "received_at", "token_id", "correlation_id", "other_correlation_id", "session_id",
    "tenant_id", "workspace_id", "app_id", "app_name", "service_principal_id", "service_principal_name", "user_id",
    "user_principal_name", "user_name", "resource_app_id", "resource_name", "resource_service_principal_id", "ip",
    "country", "user_agent", "result_code", "result_class", "key_id", "thumbprint", "federated_credential_id",
    "credential_type", "app_owner_tenant_id", "resource_owner_tenant_id", "home_tenant_id",
    "managed_identity_resource_id", "assigned_resource_id", "agent_type",
)  # fmt: skip


def _usual_export(category: str, raw: bytes) -> tuple[str | None, ...]:
    """A sign-in that states its id and its time, as `_from_properties` reads it."""
    envelope: Any = _decode_envelope(raw)
    if envelope.category != category:
        raise RecordError("another log")
    stated = envelope.properties
    _check(stated.id, stated.createdDateTime)
    status, place, managed, agent = stated.status, stated.location, stated.managedServiceIdentity, stated.agent
    code = (status and _code_of[status.errorCode]) or _code_of[envelope.resultType]
    resource, assigned = _is_or_has(managed.associatedResourceId, managed.msiType) if managed else (None, None)
    return (
        stated.id,
        stated.createdDateTime,
        envelope.time,
        stated.uniqueTokenIdentifier,
        stated.correlationId,
        envelope.correlationId,
        stated.sessionId,
        _guid_of[envelope.tenantId] or _tenant_of[envelope.resourceId],
        None,
        _id_of[stated.appId],
        _text_of[stated.appDisplayName],
        _id_of[stated.servicePrincipalId],
        _text_of[stated.servicePrincipalName],
        _id_of[stated.userId],
        _text_of[stated.userPrincipalName],
        _text_of[stated.userDisplayName],
        _id_of[stated.resourceId],
        _text_of[stated.resourceDisplayName],
        _id_of[stated.resourceServicePrincipalId],
        _address_of[stated.ipAddress] or _address_of[envelope.callerIpAddress],
        (place and _value_of[place.countryOrRegion]) or _value_of[envelope.location],
        _value_of[stated.userAgent],
        code,
        _class_of[code],
        _id_of[stated.servicePrincipalCredentialKeyId],
        _thumbprint_of[stated.servicePrincipalCredentialThumbprint],
        _id_of[stated.federatedCredentialId],
        _value_of[stated.clientCredentialType],
        _guid_of[stated.appOwnerTenantId],
        _guid_of[stated.resourceOwnerTenantId],
        _guid_of[stated.homeTenantId],
        resource,
        assigned,
        agent and _agent_named[agent.agentType],
    )


def _usual_row(source: str, decode: Callable[[bytes], Any], raw: bytes) -> tuple[str | None, ...]:
    """A row of this table that states its id, its time and its result, as `_from_row` reads it."""
    row = decode(raw)
    if row.Type != source:
        raise RecordError("another table")
    _check(row.Id, row.CreatedDateTime)
    code, country = _code_of[row.ResultType], _value_of[row.Location]
    if code is None or (country is None and bytes(row.LocationDetails) not in _NO_PLACE):
        raise RecordError("result or country stand elsewhere")
    resource, assigned = _managed_of[row.ManagedServiceIdentity]
    return (
        row.Id,
        row.CreatedDateTime,
        row.TimeGenerated,
        row.UniqueTokenIdentifier,
        row.CorrelationId,
        None,
        row.SessionId,
        _guid_of[row.AADTenantId] or _tenant_of[row.ResourceId],
        _guid_of[row.TenantId],
        _id_of[row.AppId],
        _text_of[row.AppDisplayName],
        _id_of[row.ServicePrincipalId],
        _text_of[row.ServicePrincipalName],
        _id_of[row.UserId],
        _text_of[row.UserPrincipalName],
        _text_of[row.UserDisplayName],
        _id_of[row.ResourceIdentity],
        _text_of[row.ResourceDisplayName],
        _id_of[row.ResourceServicePrincipalId],
        _address_of[row.IPAddress],
        country,
        _value_of[row.UserAgent],
        code,
        _class_of[code],
        _id_of[row.ServicePrincipalCredentialKeyId],
        _thumbprint_of[row.ServicePrincipalCredentialThumbprint],
        _id_of[row.FederatedCredentialId],
        _value_of[row.ClientCredentialType],
        _guid_of[row.AppOwnerTenantId],
        _guid_of[row.ResourceOwnerTenantId],
        _guid_of[row.HomeTenantId],
        resource,
        assigned,
        _agent_of[row.Agent],
    )


def _check(stated_id: str | None, created: str | None) -> None:
    """Whether id and time are usual. An id is if `ids.object_id` does not take it for absent."""
    if stated_id is None or len(stated_id) != len(ids.ZERO_GUID) or stated_id[8] != "-" or stated_id == ids.ZERO_GUID:
        raise RecordError("an unusual id")
    if parse_time(created) is None:
        raise RecordError("no time of its own")


def _whole_seconds(times: Sequence[str]) -> pa.Array:
    return pa.array(["." not in when and not has_fraction(when) for when in times], pa.bool_())


def _first_ids(values: Texts, others: Texts) -> pa.Array:
    found = object_ids(values)
    return pc.coalesce(found, object_ids(others)) if found.null_count else found


_COLUMNS: dict[str, Column] = {
    **{name: (texts, name) for name in _TAKEN[7:]},
    "event_key": (object_ids, "event_key"),
    "at": (partial(moments, read=parse_time), "at"),
    "whole_seconds": (_whole_seconds, "at"),
    "received_at": (partial(moments, read=_lenient_time), "received_at"),
    "token_id": (token_guids, "token_id"),
    "correlation_id": (_first_ids, "correlation_id", "other_correlation_id"),
    "session_id": (object_ids, "session_id"),
}


def _columns(source: str, kind: SignInKind, records: Sequence[tuple[Any, ...]]) -> dict[str, pa.Array]:
    rows = len(records)
    return {
        "source": pa.repeat(pa.scalar(source), rows),
        "kind": pa.repeat(pa.scalar(kind), rows),
        "at_is_event_time": pa.repeat(pa.scalar(True), rows),
        **declared(_COLUMNS, _TAKEN, records),
    }
