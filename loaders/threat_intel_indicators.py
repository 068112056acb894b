"""ThreatIntelIndicators: threat intelligence in STIX, as Sentinel stores it → Indicator for every address."""

from __future__ import annotations

from graphcorr import ids, times
from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_bool, as_int, as_object, as_text, as_value, first
from graphcorr.ingest.indicators import address_or_network, pattern_addresses, version_key
from graphcorr.ingest.inventory import date_or_none
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.records import Indicator

SOURCE = "ThreatIntelIndicators"

# Bare (`ipv4-addr`) in older content, with the path of the value in current one.
_ADDRESS_KEYS = ("ipv4-addr", "ipv6-addr", "network-traffic:src_ref", "network-traffic:dst_ref")


def _parse_row(obj: JsonObject, context: Context) -> list[Indicator]:
    indicator_id = as_text(obj.get("Id"))
    if indicator_id is None:
        raise RecordError("indicator without an id", hint="export the column Id")
    data = as_object(obj.get("Data")) or {}
    # The platform writes a new row for every version; the newest row of an id is the one that counts.
    at = times.parse_time(first(obj, "TimeGenerated", "Modified"))
    active = _active(obj, data)
    values = _values(obj, data)
    if not values and active is False:
        values = ("",)  # takes back earlier versions, whatever they said
    confidence = as_int(obj.get("Confidence"))
    return [
        Indicator(
            source=SOURCE,
            event_key=version_key(SOURCE, indicator_id, value, at),
            at=at,
            tenant_id=ids.guid(obj.get("AzureTenantId")),
            workspace_id=ids.guid(first(obj, "WorkspaceId", "TenantId")),
            indicator_id=indicator_id,
            value=value,
            valid_from=date_or_none(first(obj, "ValidFrom")) or date_or_none(data.get("valid_from")),
            valid_until=times.parse_date(first(obj, "ValidUntil") or data.get("valid_until")),
            active=active,
            confidence=confidence,
            description=as_value(data.get("description")) or as_value(data.get("name")),
            provider=first(obj, "Source", "SourceSystem"),
        )
        for value in values
    ]


def _active(obj: JsonObject, data: JsonObject) -> bool | None:
    active, deleted, revoked = (as_bool(obj.get(name)) for name in ("IsActive", "IsDeleted", "Revoked"))
    if revoked is None:  # the columns may be projected away
        revoked = as_bool(data.get("revoked"))
    if active is False or deleted or revoked:
        return False
    return None if active is deleted is revoked is None else True


def _values(obj: JsonObject, data: JsonObject) -> tuple[str, ...]:
    """Addresses of the pattern; where it says more than one can read, the observable that the platform took from it."""
    found = pattern_addresses(first(obj, "Pattern") or data.get("pattern"))
    if found:
        return found
    key = as_text(obj.get("ObservableKey"))
    if key is None or not key.startswith(_ADDRESS_KEYS):
        return ()
    value = address_or_network(obj.get("ObservableValue"))
    return (value,) if value is not None else ()


def _claims_row(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    return keys.isdisjoint(("Type", "$table")) and {"ObservableKey", "ObservableValue", "Id"} <= keys


LOADER = Loader(
    source=SOURCE,
    record=Indicator,
    title="Threat intelligence in STIX: addresses and networks with their validity.",
    parse={Carrier.ROW: _parse_row, Carrier.CSV: _parse_row},
    tables=(SOURCE,),
    claims={Carrier.ROW: _claims_row, Carrier.CSV: _claims_row},
)
