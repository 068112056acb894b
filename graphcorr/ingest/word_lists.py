"""Text files with one address a line → rows, as if they were CSV with one column. Beside csv_rows in the readers.

Also lists of nothing but addresses in JSON, and what stands above the header of a CSV list.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

import msgspec

from graphcorr.ingest.fields import decoded
from graphcorr.ingest.indicators import addresses_or_networks, is_address_column
from graphcorr.ingest.loader import JsonObject

COLUMN = "address_or_network"
"""Name of the column that holds the first word of a line; what follows it is `description`."""

# Lines that have to be addresses before a file counts as a list.
_LOOKED_AT = 20

_SEPARATOR = re.compile(r"[\s,;#]")
_RANGE = re.compile(r"([0-9A-Fa-f.:]+)\s+-\s+([0-9A-Fa-f.:]+)(?=[\s,;#]|\Z)")
_JSON_LIST = re.compile(r'\[\s*(?:"|\Z)')
# A web server writes the address of its client first, and then when it asked.
_ASKED_AT = re.compile(r"\[\d{1,2}/[A-Z][a-z]{2}/\d{4}:")

_encode = msgspec.json.Encoder().encode


def is_address_list(head: str) -> bool:
    """True if the first lines, comments aside, begin with an address or network, but for a few slips of the pen.

    `head` may end inside a line.
    """
    entries = _entries(head.split("\n"))
    seen = list(itertools.islice(entries, 1))
    if not seen or not addresses_or_networks(seen[0][0]):
        return False
    seen += itertools.islice(entries, _LOOKED_AT)
    if len(seen) > _LOOKED_AT or (len(seen) > 1 and not head.endswith("\n")):
        seen = seen[:-1]  # may be cut
    good = [word for word, _, _ in seen if addresses_or_networks(word)]
    return len(good) * 4 >= len(seen) * 3 and not any(_ASKED_AT.search(rest) for _, rest, _ in seen)


def list_rows(lines: Iterable[str]) -> Iterator[tuple[JsonObject, int, bytes]]:
    """Every line that is no comment, as (row, line from 1, row as JSON)."""
    for word, rest, number in _entries(lines):
        row: JsonObject = {COLUMN: word}
        if rest:
            row["description"] = rest
        yield row, number, _encode(row)


def header_below_comments(head: str) -> str | None:
    """The header of a CSV list of addresses that begins with comments; None for all other texts."""
    if not head.startswith("#"):
        return None
    header = next((line for line in head.split("\n") if line.strip() and not line.startswith("#")), "")
    return header if any(map(is_address_column, re.split(r"[,;\t]", header))) else None


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """The first word of every line, what follows its separator, and the number of the line from 1."""
    in_json = False
    begun = False
    for number, line in enumerate(lines, 1):
        stripped = line.strip().lstrip("\ufeff")
        if not stripped or stripped.startswith(("#", ";", "//")):
            continue
        if not begun:
            begun, in_json = True, _JSON_LIST.match(stripped) is not None
            if is_address_column(stripped):  # CSV with one column
                continue
        if in_json:
            texts = (part.strip(" \t[]") for part in stripped.split(","))
            yield from ((str(decoded(text, text)), "", number) for text in texts if text)
        else:
            yield (*_parts(stripped), number)


def _parts(line: str) -> tuple[str, str]:
    """The first word, or the range of addresses that the line begins with, and what follows its separator."""
    spaced = _RANGE.match(line)
    if spaced is not None and addresses_or_networks(f"{spaced[1]}-{spaced[2]}"):
        return f"{spaced[1]}-{spaced[2]}", line[spaced.end() :].strip(" \t,;#")
    end = _SEPARATOR.search(line)
    word, rest = (line, "") if end is None else (line[: end.start()], line[end.end() :])
    return word.strip("\"'"), rest.strip(" \t,;#")
