"""StixIndicators: indicators as STIX writes them, from a bundle in JSON or a CSV file → Indicator for every address."""

from __future__ import annotations

from graphcorr import times
from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_bool, as_int, as_value, first
from graphcorr.ingest.indicators import pattern_addresses, version_key
from graphcorr.ingest.inventory import date_or_none
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.records import Indicator

SOURCE = "StixIndicators"


def _parse(obj: JsonObject, context: Context) -> list[Indicator]:
    kind, indicator_id = obj.get("type"), as_value(obj.get("id"))
    if kind != "indicator":
        if not (indicator_id or "").startswith(f"{kind}--"):
            raise RecordError("neither an indicator nor another object of STIX", hint="expected an id like malware--…")
        return []  # a bundle also holds what belongs to its indicators: malware, relations, who wrote it
    if indicator_id is None:
        raise RecordError("indicator without an id", hint="export the property id")
    at = times.parse_time(first(obj, "modified", "created"))
    revoked = as_bool(obj.get("revoked"))
    values = pattern_addresses(obj.get("pattern"))
    if not values and revoked:
        values = ("",)  # takes back earlier versions, whatever they said
    return [
        Indicator(
            source=SOURCE,
            event_key=version_key(SOURCE, indicator_id, value, at),
            at=at,
            indicator_id=indicator_id,
            value=value,
            valid_from=date_or_none(obj.get("valid_from")),
            valid_until=times.parse_date(obj.get("valid_until")),
            active=None if revoked is None else not revoked,
            confidence=as_int(obj.get("confidence")),
            description=as_value(first(obj, "description", "name")),
        )
        for value in values
    ]


def _claims(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    """Objects of STIX 2.1, which have a `spec_version`, or of 2.0 and tables, where the bundle has it."""
    return {"type", "id"} <= keys and ("spec_version" in keys or {"created", "modified"} <= keys or "pattern" in keys)


LOADER = Loader(
    source=SOURCE,
    record=Indicator,
    title="Indicators in STIX, as bundle or table: addresses and networks with their validity.",
    parse={Carrier.GRAPH: _parse, Carrier.CSV: _parse},
    claims={Carrier.GRAPH: _claims, Carrier.CSV: _claims},
)
