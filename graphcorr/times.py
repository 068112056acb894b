"""Times: every spelling the logs use becomes an aware UTC datetime, or an error that says why not.

Spellings are listed in log-facts 1.3: ISO with 0 to 9 fractional digits and `Z`, offset or nothing,
`2023-07-26 22:58:30.983201900`, the US forms of portal CSV and old exports, epoch seconds of claims,
epoch milliseconds of pandas and, as `/Date(1778479202101)/`, of Windows PowerShell. A time on 1 January
of the year 1, which .NET and Azure write for none, is not stated.
Python and the archive keep microseconds; further digits are cut off, never rounded, so that two
exports of one event give the same instant.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from graphcorr import ids
from graphcorr.errors import RecordError, UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Entra ID did not exist before; later years are typing errors or sentinels such as 9999-12-31.
EARLIEST = datetime(2001, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

# What .NET writes where there is no time; with the hours of a zone it is still that day.
_NO_DAY = date(1, 1, 1)
# Numbers below are seconds (to the year 5138), those from there to a thousand times as much milliseconds (from 1973).
_MILLISECONDS = 1e11

_US = re.compile(
    r"^(\d{1,2})/(\d{1,2})/(\d{4}),?[ \u00a0\u202f]+"
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(?:[ \u00a0\u202f]*([AaPp])[Mm])?$"
)
# The offset says how the time was shown, the number is in UTC.
_MICROSOFT = re.compile(r"^/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/$")


def parse_time(value: object, zone: tzinfo = UTC) -> datetime | None:
    """An event time as aware UTC; None for an absent value (None, blank, a word for nothing, a time on 0001-01-01).

    A number counts from 1970: below 1e11 it is seconds, below 1e14 milliseconds, else no time. `zone` applies
    to spellings that name none. Raises RecordError for what is no time and for instants outside 2001–2099,
    which no Entra ID or Azure log can hold.
    """
    when: datetime | None
    if type(value) is str:
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            if when.tzinfo is UTC and EARLIEST <= when < LATEST:  # nearly every time in these logs
                return when
    when = parse_date(value, zone)
    if when is not None and not EARLIEST <= when < LATEST:
        raise RecordError(f"impossible time {_shown(value)}", hint="expected a year from 2001 to 2099")
    return when


def parse_date(value: object, zone: tzinfo = UTC) -> datetime | None:
    """As `parse_time`, but any year: for expiry dates and validity, which may lie far away."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        try:
            when = datetime.fromisoformat(text)  # cuts digits beyond microseconds
        except ValueError:
            if ids.states_none(text):
                return None
            when = _parse_microsoft(text) if text[0] == "/" else _parse_us(text)
    elif isinstance(value, datetime):
        when = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        when = _from_number(value)
    else:
        raise RecordError(f"not a time: {_shown(value)}")
    if when.date() == _NO_DAY:
        return None
    try:
        return when.replace(tzinfo=zone).astimezone(UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError as error:
        raise RecordError(f"impossible time {_shown(value)}") from error


def _parse_microsoft(text: str) -> datetime:
    match = _MICROSOFT.match(text)
    if match is None:
        raise RecordError(f"not a time: {_shown(text)}", hint="expected ISO 8601 or /Date(1778479202101)/")
    try:
        return EPOCH + timedelta(milliseconds=int(match[1]))
    except OverflowError as error:
        raise RecordError(f"impossible time {_shown(text)}") from error


def _from_number(value: float) -> datetime:
    if abs(value) < _MILLISECONDS:
        return EPOCH + timedelta(seconds=value)
    if abs(value) < _MILLISECONDS * 1000:
        return EPOCH + timedelta(milliseconds=value)
    raise RecordError(f"not a time: {_shown(value)}", hint="expected seconds or milliseconds since 1970")


def _parse_us(text: str) -> datetime:
    match = _US.match(text)
    if match is None:
        raise RecordError(f"not a time: {_shown(text)}", hint="expected ISO 8601 or M/D/YYYY, h:mm:ss.mmm AM")
    month, day, year, hour, minute, second, fraction, half = match.groups()
    hours = int(hour)
    if half is not None:
        hours = hours % 12 + (12 if half in "Pp" else 0)
    micros = int((fraction or "0").ljust(6, "0")[:6])
    try:
        return datetime(int(year), int(month), int(day), hours, int(minute), int(second or 0), micros)  # noqa: DTZ001
    except ValueError as error:
        raise RecordError(f"impossible time {_shown(text)}") from error


def from_epoch(value: object) -> datetime | None:
    """Epoch seconds, number or text, as claims carry them (`iat`, `exp`); None when absent or unreadable."""
    if value is None or value == "":
        return None
    try:
        return EPOCH + timedelta(seconds=float(str(value)))
    except (ValueError, OverflowError):
        return None


def has_fraction(value: object) -> bool:
    """True if parts of a second are stated; coarser records may duplicate finer ones (design 5).

    Milliseconds that are 000 are not: PowerShell and pandas write them for whole seconds too.
    """
    if isinstance(value, str) and value[:1] != "/":
        return "." in value
    when = parse_date(value)
    return when is not None and when.microsecond != 0


def zone_named(name: str) -> tzinfo:
    """The zone that a user names for a CSV with local times: `UTC`, `Europe/Berlin` or an offset `+02:00`."""
    if re.fullmatch(r"[+-]\d{2}:\d{2}", name):
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo
        assert offset is not None
        return offset
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"unknown time zone {name!r}", hint="use a name like Europe/Berlin or an offset like +02:00"
        ) from error


def to_iso(when: datetime) -> str:
    """`2026-05-11T08:03:14.103Z`: UTC, milliseconds, the form of every document that graphcorr writes."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
