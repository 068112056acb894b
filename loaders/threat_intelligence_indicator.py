"""ThreatIntelligenceIndicator: threat intelligence in Sentinel's former table → Indicator for every address."""

from __future__ import annotations

from graphcorr import ids, times
from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_bool, as_text, first
from graphcorr.ingest.indicators import address_or_network, version_key
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.records import Indicator

SOURCE = "ThreatIntelligenceIndicator"

_ADDRESSES = (
    "NetworkIP", "NetworkSourceIP", "NetworkDestinationIP", "EmailSourceIpAddress", "NetworkCidrBlock",
    "NetworkSourceCidrBlock", "NetworkDestinationCidrBlock",
)  # fmt: skip


def _parse_row(obj: JsonObject, context: Context) -> list[Indicator]:
    indicator_id = as_text(first(obj, "IndicatorId", "ExternalIndicatorId"))
    if indicator_id is None:
        raise RecordError("indicator without an id", hint="export the column IndicatorId")
    at = times.parse_time(obj.get("TimeGenerated"))
    active = as_bool(obj.get("Active"))
    found = (address_or_network(obj.get(name)) for name in _ADDRESSES)
    values = list(dict.fromkeys(value for value in found if value is not None))
    if not values and active is False:
        values = [""]  # takes back earlier versions, whatever they said
    return [
        Indicator(
            source=SOURCE,
            event_key=version_key(SOURCE, indicator_id, value, at),
            at=at,
            workspace_id=ids.guid(obj.get("TenantId")),
            indicator_id=indicator_id,
            value=value,
            valid_until=times.parse_date(obj.get("ExpirationDateTime")),
            active=active,
            confidence=_score(obj.get("ConfidenceScore")),
            description=as_text(first(obj, "Description", "ThreatType")),
            provider=as_text(first(obj, "IndicatorProvider", "SourceSystem")),
        )
        for value in values
    ]


def _score(value: object) -> int | None:
    """85 from 85, 85.0 and the text of either: the column is of type real."""
    text = as_text(value)
    try:
        return round(float(text)) if text is not None else None
    except (ValueError, OverflowError):
        return None


def _claims_row(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    if not keys.isdisjoint(("Type", "$table")) or "IndicatorId" not in keys:
        return False
    return not keys.isdisjoint(("ExpirationDateTime", *_ADDRESSES))


LOADER = Loader(
    source=SOURCE,
    record=Indicator,
    title="Threat intelligence in the former table: addresses and networks with their expiry.",
    parse={Carrier.ROW: _parse_row, Carrier.CSV: _parse_row},
    tables=(SOURCE,),
    claims={Carrier.ROW: _claims_row, Carrier.CSV: _claims_row},
)
