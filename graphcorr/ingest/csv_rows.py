"""CSV text → rows with clean column names and UTC times, as loaders expect them. Between the readers and detection."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Literal, Protocol

import msgspec

from graphcorr.errors import RecordError, UsageError
from graphcorr.ingest.loader import JsonObject
from graphcorr.ingest.report import Tally
from graphcorr.times import parse_date, zone_named

# A cell may hold a whole claims bag or policy list; Python's own limit is 128 KiB.
MAX_CELL = 64 * 1024 * 1024

DELIMITERS = ",;\t"

# So many rows are held back at most until a date tells whether day or month comes first.
HELD_ROWS = 10_000

_SUFFIX = re.compile(r"^(?P<name>.*?)\s*\[(?P<zone>[^\]]+)\]$")
_OFFSET = re.compile(r"^(?:UTC|GMT)?\s*(?P<offset>[+-]\d{2}:\d{2})$", re.IGNORECASE)
_SLASHED = re.compile(r"^(\d{1,2})/(\d{1,2})/\d{4}(?!\d)")
_SPLIT = re.compile(r"^(?P<name>.+)_(?:dynamic|string)$")
# PowerShell names the type of its objects, Excel the delimiter.
_BEFORE_HEADER = re.compile(r'^(?:#TYPE .*|"?sep=(?P<delimiter>[,;\t|])"?)\r?$', re.IGNORECASE)
_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}T[\d:.]+Z$")

# Times of the known tables, for files whose header lost its zone suffix.
_TIME_COLUMNS = frozenset(
    {
        "ActivityDateTime", "Created", "CreatedDateTime", "DetectedDateTime", "EndTime", "EventSubmissionTimestamp",
        "EventTime", "ExpirationDateTime", "LastUpdatedDateTime", "Modified", "RiskLastUpdatedDateTime", "StartTime",
        "TimeGenerated", "Timestamp", "TokenIssuedAt", "ValidFrom", "ValidUntil", "endTime_t", "startTime_t",
    }
)  # fmt: skip

_ENCODER = msgspec.json.Encoder()

Row = tuple[JsonObject, int, bytes]


class _Reader(Protocol):
    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


class _LocalZone(Exception):
    """A column holds times in the viewer's zone, which the file does not state."""


class _DayFirst(Exception):
    """A date with slashes that may have the day first."""


@lru_cache(maxsize=1024)  # rows that follow each other are mostly of one day
def _order(day: str) -> Literal["month", "day", "either"] | None:
    """What comes first in a date with slashes; None if the text does not begin with one."""
    match = _SLASHED.match(day)
    if match is None:
        return None
    first, second = int(match[1]), int(match[2])
    if first <= 12 and second <= 12:
        return "either"
    return "month" if first <= 12 else "day" if second <= 12 else None


class _Dates:
    """What the dates with slashes of one file tell: the month comes first in 5/25/2026, the day in 25/5/2026."""

    def __init__(self) -> None:
        # The first date that has the day first.
        self._day_first: str | None = None
        # Whether a date that tells nothing was read with the month first.
        self._read = False

    def look(self, cell: str) -> str | None:
        """What this date tells; None if it is none with slashes."""
        order = _order(cell.lstrip()[:12].partition(" ")[0])
        if order == "day" and self._day_first is None:
            self._day_first = cell
        return order

    def check(self, cell: str) -> None:
        """Refuse a date that may have the day first if one looked at so far has."""
        order = self.look(cell)
        if order is None or order == "month":
            return
        if self._day_first is None:
            self._read = True
            return
        like = "" if cell == self._day_first else f", as in {self._day_first[:40]!r}"
        before = "; earlier ones were read with the month first" if self._read else ""
        raise _DayFirst(f"the day may come first in {cell[:40]!r}{like}{before}")


@dataclass(frozen=True)
class _Column:
    name: str
    # Converts a cell; None keeps the text.
    convert: Callable[[str], str] | None


def delimiter_of(head: str) -> str | None:
    """The delimiter of a text with a header; None if its first line does not look like one. It may be cut off."""
    for line in head.split("\n"):
        before = _BEFORE_HEADER.match(line)
        if before is None:
            return _delimiter_in(line)
        if before["delimiter"]:
            return before["delimiter"]
    return None


def _delimiter_in(line: str) -> str | None:
    outside = re.sub(r'"[^"]*"', "", line)
    best = max(DELIMITERS, key=outside.count)
    if not outside.count(best):
        return None
    try:
        cells = next(csv.reader([line.strip("\r\n")], delimiter=best))
    except csv.Error:
        return best  # damaged, but not prose: reading it names the place
    # A header has names, prose has sentences.
    named = sum(1 for cell in cells if re.match(r"^[$_@A-Za-z(][\w .:()\[\]/$#@+-]{0,127}$", cell.strip("\ufeff ")))
    return best if named >= 2 and named * 2 > len(cells) else None


def clean_name(header: str) -> str:
    """A column name without byte order mark, blanks, zone suffix and the `_dynamic` / `_string` of a union."""
    name = header.strip("\ufeff \u00a0")
    suffix = _SUFFIX.match(name)
    name = suffix["name"] if suffix else name
    split = _SPLIT.match(name)
    return split["name"] if split else name


def csv_rows(lines: Iterable[str], delimiter: str, zone: tzinfo | None, tally: Tally) -> Iterator[Row]:
    """Rows as (cells by clean column name, line where the row starts, the same as JSON bytes).

    Empty cells are left out; of columns that fold into one name the first stated cell counts; times become ISO text
    in UTC with the digits they were written with. Dates with slashes have the month first; if one in the file has the
    day first, rows with dates that may have it too are refused. Rows that do not fit are problems of `tally`; a header
    with times in the viewer's zone is one for the whole file unless `zone` says which zone that was.
    """
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(lines, delimiter=delimiter)
    dates = _Dates()
    try:
        heads = list(_heads(reader, delimiter))
        header = heads[-1] if heads else []
        columns = [_column(name, zone, dates) for name in header]
    except _LocalZone as column:
        tally.recognised = True
        tally.problem(
            1,
            f"times in the viewer's local zone, column {str(column)!r}; the zone is not in the file",
            "pass --time-zone with the zone of the person who exported it, or export with times in UTC",
        )
        return
    except csv.Error as error:
        tally.problem(reader.line_num, f"not a CSV header: {error}", "expected column names")
        return
    if any(column.name == "TimeGenerated" for column in columns):
        tally.recognised = True
    count = 0
    pending: tuple[list[str], int] | None = None
    # The lines at the top come again where files were joined.
    rows = ((row, line) for row, line in _numbered(reader, tally) if row and row not in heads)
    for row, line in _looked_over(rows, columns, dates):
        if pending is not None:
            yield from _row(columns, *pending, tally)
            pending = None
        count += 1
        if len(row) < len(header):
            pending = row, line  # some programs drop empty cells at the end; in the last row it is a cut
            continue
        yield from _row(columns, row, line, tally)
    if pending is not None:
        tally.skipped += 1
        tally.cut_off = True
        tally.problem(
            pending[1],
            f"the last row has {len(pending[0])} cells, the header {len(header)}: the file is cut off",
            "export it again",
        )
    tally.rows(count)


def _heads(reader: _Reader, delimiter: str) -> Iterator[list[str]]:
    """The lines at the top that are no rows; the last one is the header."""
    for row in reader:
        if any(row):
            yield row
            if not _BEFORE_HEADER.match(delimiter.join(row)):
                return


def _looked_over(
    rows: Iterator[tuple[list[str], int]], columns: list[_Column], dates: _Dates
) -> Iterator[tuple[list[str], int]]:
    """The same rows; as long as their dates do not tell whether day or month comes first, they are held back."""
    held: list[tuple[list[str], int]] = []
    for row, line in rows:
        held.append((row, line))
        told = {dates.look(cell) for column, cell in zip(columns, row, strict=False) if column.convert is not None}
        if told - {None} != {"either"} or len(held) >= HELD_ROWS:
            break
    yield from held
    yield from rows


def _numbered(reader: _Reader, tally: Tally) -> Iterator[tuple[list[str], int]]:
    """Rows with the line each starts on; what the CSV parser refuses is a problem, and the next row follows."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            tally.skipped += 1
            tally.problem(line, f"not a CSV row: {error}", "check quotes and line breaks there")
            continue
        yield row, line


def _row(columns: list[_Column], cells: list[str], line: int, tally: Tally) -> Iterator[Row]:
    if len(cells) > len(columns) and any(cells[len(columns) :]):
        tally.skipped += 1
        tally.problem(
            line,
            f"the row has {len(cells)} cells, the header {len(columns)}",
            "a cell with the delimiter or a quote in it needs quotes",
        )
        return
    row: JsonObject = {}
    try:
        for column, cell in zip(columns, cells, strict=False):
            if cell and column.name not in row:
                row[column.name] = cell if column.convert is None else column.convert(cell)
    except _DayFirst as error:
        tally.skipped += 1
        tally.problem(
            line, str(error), "export it with times as ISO 8601 in UTC, or in the format of the United States"
        )
        return
    try:
        raw = _ENCODER.encode(row)
    except UnicodeEncodeError:
        tally.skipped += 1
        tally.problem(line, "not UTF-8 text", "save the file as CSV UTF-8")
        return
    yield row, line, raw


def _column(header: str, zone: tzinfo | None, dates: _Dates) -> _Column:
    stripped = header.strip("\ufeff \u00a0")
    suffix = _SUFFIX.match(stripped)
    name = clean_name(stripped)
    if suffix:
        return _Column(name, _converter(_stated_zone(suffix["zone"], zone, stripped), dates))
    if name in _TIME_COLUMNS:
        return _Column(name, _converter(zone or UTC, dates))
    return _Column(name, None)


def _stated_zone(text: str, given: tzinfo | None, header: str) -> tzinfo:
    if text.strip().upper() in ("UTC", "Z", "GMT"):
        return UTC
    offset = _OFFSET.match(text.strip())
    if offset:
        try:
            return zone_named(offset["offset"])
        except (UsageError, ValueError):
            pass  # +99:00: as good as no zone
    if given is None:
        raise _LocalZone(header)
    return given


def _converter(zone: tzinfo, dates: _Dates) -> Callable[[str], str]:
    def convert(cell: str) -> str:
        if _ISO.match(cell):
            return cell
        dates.check(cell)
        try:
            when = parse_date(cell, zone)
        except (RecordError, ValueError):
            return cell  # the loader says what is wrong with it, if it needs it
        if when is None:
            return cell
        # The digits stay as written: a whole second is less than a second with .000 (design 5, second key).
        precision = "microseconds" if when.microsecond % 1000 else "milliseconds" if "." in cell else "seconds"
        return when.isoformat(timespec=precision).replace("+00:00", "Z")

    return convert
