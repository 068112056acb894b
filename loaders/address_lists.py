"""AddressList: plain lists, CSV and JSON of addresses and networks, as threat feeds hand them out → Indicator."""

from __future__ import annotations

from graphcorr import ids, times
from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_int, as_text, first
from graphcorr.ingest.indicators import ADDRESS_COLUMNS, LOG_COLUMNS, addresses_or_networks, column_name
from graphcorr.ingest.inventory import date_or_none
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.ingest.word_lists import COLUMN
from graphcorr.records import Indicator

SOURCE = "AddressList"

_ADDRESSES = (COLUMN, *ADDRESS_COLUMNS)
_FROM = ("valid_from", "first_seen", "firstseen", "first_seen_utc")
# `last_seen` is no expiry: an address that was last seen yesterday is still worth knowing.
_UNTIL = ("valid_until", "valid_to", "expires", "expiration", "expiry")
_DESCRIPTIONS = ("description", "comment", "note", "threat", "threat_type", "malware", "category_name", "tags", "sblid")
_PROVIDERS = ("provider", "feed", "source")
_SCORES = ("confidence", "score")
_OTHERS = (
    "last_seen", "lastseen", "last_online", "port", "dst_port", "asn", "as_number", "as_name", "country", "hostname",
    "status", "c2_status", "rir", "type_of_threat",
)  # fmt: skip
_KNOWN = frozenset((*_ADDRESSES, *_FROM, *_UNTIL, *_DESCRIPTIONS, *_PROVIDERS, *_SCORES, *_OTHERS))


def _parse_row(obj: JsonObject, context: Context) -> list[Indicator]:
    row = {column_name(key): value for key, value in obj.items()}
    written = first(row, *_ADDRESSES)
    values = addresses_or_networks(written)
    if not values:
        raise RecordError(
            f"not an address or network: {str(written)[:60]!r}", hint="expected 192.0.2.1, 2001:db8::1 or 192.0.2.0/24"
        )
    # An unreadable end would be none, that is for ever.
    valid_from, valid_until = date_or_none(first(row, *_FROM)), times.parse_date(first(row, *_UNTIL))
    description = as_text(first(row, *_DESCRIPTIONS))
    provider = as_text(first(row, *_PROVIDERS))
    return [
        Indicator(
            source=SOURCE,
            # No id of its own: the same line in two files is one indicator.
            event_key="ti:" + ids.digest(SOURCE, value, valid_from, valid_until, description, provider),
            indicator_id=value,
            value=value,
            valid_from=valid_from,
            valid_until=valid_until,
            confidence=_score(first(row, *_SCORES)),
            description=description,
            provider=provider,
        )
        for value in values
    ]


def _score(value: object) -> int | None:
    number = as_int(value)
    return number if number is not None and 0 <= number < 1000 else None


def _claims(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    """Rows with an address, and with no column that a list of addresses does not have: logs have addresses too."""
    names = set(map(column_name, keys))
    return names <= _KNOWN and not names.isdisjoint(_ADDRESSES) and LOG_COLUMNS.isdisjoint(keys)


LOADER = Loader(
    source=SOURCE,
    record=Indicator,
    title="Lists of addresses and networks: one a line, or CSV and JSON with a column of addresses.",
    parse={Carrier.CSV: _parse_row, Carrier.GRAPH: _parse_row},
    claims={Carrier.CSV: _claims, Carrier.GRAPH: _claims},
)
