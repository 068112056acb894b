"""AADRiskyServicePrincipals: the risk state of service principals → RiskEvent."""

from __future__ import annotations

from graphcorr import ids
from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_object, as_text, as_value, first
from graphcorr.ingest.inventory import date_or_none
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.ingest.risk import version_key
from graphcorr.records import RiskEvent
from graphcorr.times import parse_time

SOURCE = "AADRiskyServicePrincipals"


def _parse_export(obj: JsonObject, context: Context) -> RiskEvent:
    properties = as_object(obj.get("properties"))
    if properties is None:
        raise RecordError("risk state without `properties`", hint="expected a record of a diagnostic setting")
    tenant_id = ids.guid(obj.get("tenantId")) or ids.tenant_of(obj.get("resourceId"))
    return _risk_state(properties, obj.get("time"), tenant_id=tenant_id)


def _parse_graph(obj: JsonObject, context: Context) -> RiskEvent:
    return _risk_state(obj, None)


def _parse_row(obj: JsonObject, context: Context) -> RiskEvent:
    # The columns are the properties of the export with a capital letter.
    properties = {name[:1].lower() + name[1:]: value for name, value in obj.items()}
    return _risk_state(properties, obj.get("TimeGenerated"), workspace_id=ids.guid(obj.get("TenantId")))


def _risk_state(
    properties: JsonObject, sent: object, tenant_id: str | None = None, workspace_id: str | None = None
) -> RiskEvent:
    get = properties.get
    # Here `id` is the object id of the service principal, not of an event; but for the items of its history.
    service_principal_id = ids.object_id(first(properties, "servicePrincipalId", "id"))
    if service_principal_id is None:
        raise RecordError("risk state without the id of a service principal", hint="export the column Id")
    risk_id = f"riskState:{service_principal_id}"
    updated_at = date_or_none(get("riskLastUpdatedDateTime"))
    return RiskEvent(
        source=SOURCE,
        event_key=version_key(risk_id, updated_at),
        at=updated_at or parse_time(sent),
        at_is_event_time=updated_at is not None,
        received_at=date_or_none(sent) if updated_at is not None else None,
        tenant_id=tenant_id,
        workspace_id=workspace_id,
        risk_id=risk_id,
        updated_at=updated_at,
        risk_level=as_value(get("riskLevel")),
        risk_state=as_value(get("riskState")),
        app_id=ids.object_id(get("appId")),
        service_principal_id=service_principal_id,
        name=as_text(get("displayName")),
    )


def _claims_row(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    if not keys.isdisjoint(("Type", "$table", "Category")):
        return False
    return {"RiskLastUpdatedDateTime", "ServicePrincipalType", "Id"} <= keys


def _claims_graph(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    # Risky users have the same properties but no app id.
    return {"riskLastUpdatedDateTime", "riskState", "appId"} <= keys


LOADER = Loader(
    source=SOURCE,
    record=RiskEvent,
    title="Risk state of service principals as Microsoft Entra ID Protection rates it.",
    parse={
        Carrier.EXPORT: _parse_export,
        Carrier.GRAPH: _parse_graph,
        Carrier.ROW: _parse_row,
        Carrier.CSV: _parse_row,
    },
    categories=("RiskyServicePrincipals",),
    tables=(SOURCE,),
    claims={Carrier.GRAPH: _claims_graph, Carrier.ROW: _claims_row, Carrier.CSV: _claims_row},
)
