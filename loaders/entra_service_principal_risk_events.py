"""AADServicePrincipalRiskEvents: Microsoft's detections about service principals → RiskEvent."""

from __future__ import annotations

from graphcorr import ids
from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_list, as_object, as_text, as_value, first
from graphcorr.ingest.inventory import date_or_none
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.ingest.risk import version_key
from graphcorr.records import RiskEvent
from graphcorr.times import parse_time

SOURCE = "AADServicePrincipalRiskEvents"


def _parse_export(obj: JsonObject, context: Context) -> RiskEvent:
    properties = as_object(obj.get("properties"))
    if properties is None:
        raise RecordError("risk detection without `properties`", hint="expected a record of a diagnostic setting")
    tenant_id = ids.guid(obj.get("tenantId")) or ids.tenant_of(obj.get("resourceId"))
    return _risk_event(properties, obj.get("time"), tenant_id=tenant_id)


def _parse_graph(obj: JsonObject, context: Context) -> RiskEvent:
    return _risk_event(obj, None)


def _parse_row(obj: JsonObject, context: Context) -> RiskEvent:
    # The columns are the properties of the export with a capital letter.
    properties = {name[:1].lower() + name[1:]: value for name, value in obj.items()}
    return _risk_event(properties, obj.get("TimeGenerated"), workspace_id=ids.guid(obj.get("TenantId")))


def _risk_event(
    properties: JsonObject, sent: object, tenant_id: str | None = None, workspace_id: str | None = None
) -> RiskEvent:
    get = properties.get
    risk_id = ids.object_id(get("id"))
    if risk_id is None:
        raise RecordError("risk detection without an id", hint="export the column Id")
    at = parse_time(first(properties, "activityDateTime")) or parse_time(first(properties, "detectedDateTime"))
    updated_at = date_or_none(get("lastUpdatedDateTime"))
    return RiskEvent(
        source=SOURCE,
        event_key=version_key(risk_id, updated_at),
        at=at or parse_time(sent),
        at_is_event_time=at is not None,
        received_at=date_or_none(sent) if at is not None else None,
        tenant_id=tenant_id,
        workspace_id=workspace_id,
        risk_id=risk_id,
        updated_at=updated_at,
        risk_type=as_text(first(properties, "riskEventType", "riskType")),
        risk_level=as_value(get("riskLevel")),
        risk_state=as_value(get("riskState")),
        app_id=ids.object_id(get("appId")),
        service_principal_id=ids.object_id(get("servicePrincipalId")),
        name=as_text(get("servicePrincipalDisplayName")),
        ip=ids.ip_address(first(properties, "ipAddress", "iPAddress")),
        sign_in_id=ids.object_id(get("requestId")),
        key_ids=tuple(key for key in map(ids.guid, as_list(get("keyIds")) or ()) if key is not None),
    )


def _claims_row(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    return keys.isdisjoint(("Type", "$table", "Category")) and {"RiskEventType", "ServicePrincipalId"} <= keys


def _claims_graph(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    return {"riskEventType", "servicePrincipalId"} <= keys


LOADER = Loader(
    source=SOURCE,
    record=RiskEvent,
    title="Detections of risky behaviour of service principals by Microsoft Entra ID Protection.",
    parse={
        Carrier.EXPORT: _parse_export,
        Carrier.GRAPH: _parse_graph,
        Carrier.ROW: _parse_row,
        Carrier.CSV: _parse_row,
    },
    categories=("ServicePrincipalRiskEvents",),
    tables=(SOURCE,),
    claims={Carrier.GRAPH: _claims_graph, Carrier.ROW: _claims_row, Carrier.CSV: _claims_row},
)
