"""Text files with one address a line → rows, as if they were CSV with one column. Beside csv_rows in the readers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from graphcorr.ingest.indicators import address_or_network
from graphcorr.ingest.loader import JsonObject

COLUMN = "address_or_network"
"""Name of the column that holds the first word of a line; what follows it is `description`."""

# Lines that have to be addresses before a file counts as a list.
_LOOKED_AT = 20

_SEPARATOR = re.compile(r"[\s,;#]")

_encode = msgspec.json.Encoder().encode


def is_address_list(head: str) -> bool:
    """True if the first lines, comments aside, begin with an address or network, but for a few slips of the pen.

    `head` may end inside a line.
    """
    words = [word for word, _ in map(_parts, head.split("\n")[:500]) if word]
    seen = words[:_LOOKED_AT]
    if len(words) <= _LOOKED_AT and len(seen) > 1 and not head.endswith("\n"):
        seen = seen[:-1]  # may be cut
    good = [word for word in seen if address_or_network(word) is not None]
    return bool(good) and seen[0] == good[0] and len(good) * 4 >= len(seen) * 3


def list_rows(lines: Iterable[str]) -> Iterator[tuple[JsonObject, int, bytes]]:
    """Every line that is no comment, as (row, line from 1, row as JSON)."""
    for number, line in enumerate(lines, 1):
        word, rest = _parts(line)
        if word:
            row: JsonObject = {COLUMN: word}
            if rest:
                row["description"] = rest
            yield row, number, _encode(row)


def _parts(line: str) -> tuple[str, str]:
    """The first word and what follows its separator; ("", "") for blank lines and comments."""
    stripped = line.strip().lstrip("\ufeff")
    if stripped.startswith(("#", ";", "//")):
        return "", ""
    end = _SEPARATOR.search(stripped)
    return (stripped, "") if end is None else (stripped[: end.start()], stripped[end.end() :].strip(" \t,;#"))
