"""Every spelling of a time gives the same instant; what is no time is refused, what states none is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from graphcorr.errors import RecordError
from graphcorr.times import has_fraction, parse_date, parse_time

AT = datetime(2026, 5, 11, 6, 0, 2, tzinfo=UTC)
FINE = AT + timedelta(milliseconds=101)

# value, instant, whether parts of a second are stated
TIMES = [
    ("2026-05-11T06:00:02Z", AT, False),
    ("2026-05-11T06:00:02.1010009Z", FINE, True),
    ("2026-05-11T08:00:02.101+02:00", FINE, True),
    ("2026-05-11 06:00:02.101000", FINE, True),
    ("5/11/2026, 6:00:02.101 AM", FINE, True),
    ("5/11/2026 6:00:02 AM", AT, False),
    (1778479202, AT, False),
    (1778479202.101, FINE, True),
    (1778479202000, AT, False),
    (1778479202101, FINE, True),
    (1778479202101.0, FINE, True),
    ("/Date(1778479202000)/", AT, False),
    ("/Date(1778479202101)/", FINE, True),
    ("/Date(1778479202101+0200)/", FINE, True),
]


@pytest.mark.parametrize(("value", "instant", "fine"), TIMES)
def test_spellings_of_one_time(value, instant, fine):
    assert (parse_time(value), has_fraction(value)) == (instant, fine)


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00",
        "1/1/0001 12:00:00 AM",
        "0001-01-01T00:00:00+02:00",
        "/Date(-62135596800000)/",
        "/Date(-62135578800000)/",
        -62135596800000,
        None,
        " ",
    ],
)
def test_no_time_is_stated(value):
    assert parse_time(value) is None
    assert parse_date(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "1778479202101",
        "/Date()/",
        "/Date(x)/",
        "/Date(999999999999999)/",
        1e14,
        1778479202101625,
        1778479202101625900,
        -1e18,
        float("inf"),
        float("nan"),
        True,
        [],
        {},
    ],
)
def test_what_is_no_time_is_refused(value):
    with pytest.raises(RecordError):
        parse_date(value)


@pytest.mark.parametrize(("value", "year"), [(0, 1970), (99_999_999_999, 5138), ("9999-12-31T23:59:59Z", 9999)])
def test_a_date_may_be_of_any_year_but_no_time_of_an_event(value, year):
    assert parse_date(value).year == year
    with pytest.raises(RecordError, match="impossible time"):
        parse_time(value)


def test_a_zone_applies_to_times_without_one():
    assert parse_time("2026-05-11 08:00:02", timezone(timedelta(hours=2))) == AT
    assert parse_time(1778479202, timezone(timedelta(hours=2))) == AT
