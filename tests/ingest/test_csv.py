"""Portal CSV: clean column names, UTC times with the digits as written, local zones only on request."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest

from graphcorr.ingest.csv_rows import clean_name, delimiter_of
from graphcorr.ingest.run import ReadOptions


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("\ufeffTimeGenerated [UTC]", "TimeGenerated"),
        ("TimeGenerated [Local Time]", "TimeGenerated"),
        ("DeviceDetail_dynamic", "DeviceDetail"),
        ("Status_string", "Status"),
        ("identity_claim_oid_g", "identity_claim_oid_g"),
        ("_ResourceId", "_ResourceId"),
        ("$table", "$table"),
    ],
)
def test_column_names_are_cleaned(header, name):
    assert clean_name(header) == name


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ("a,b;c,d", ","),
        ("a;b", ";"),
        ("a\tb", "\t"),
        ('"x, y";b;c', ";"),
        ("one", None),
        ("Dear all,", None),
        ("<?xml version, 1?>", None),
    ],
)
def test_the_delimiter_is_found_in_a_header_only(line, delimiter):
    assert delimiter_of(line) == delimiter


# header suffix, cell, ISO text
TIMES = [
    (" [UTC]", "5/11/2026, 8:03:14.103 AM", "2026-05-11T08:03:14.103Z"),
    (" [UTC]", "5/11/2026, 8:03:14.000 PM", "2026-05-11T20:03:14.000Z"),
    (" [UTC]", "5/11/2026, 12:03:14 AM", "2026-05-11T00:03:14Z"),
    (" [UTC]", "2026-05-11T08:03:14.1234567Z", "2026-05-11T08:03:14.1234567Z"),
    (" [UTC]", "2026-05-11 08:03:14.123456700", "2026-05-11T08:03:14.123456Z"),
    (" [UTC+02:00]", "5/11/2026, 10:03:14 AM", "2026-05-11T08:03:14Z"),
    ("", "5/11/2026, 8:03:14 AM", "2026-05-11T08:03:14Z"),
]


@pytest.mark.parametrize(("suffix", "cell", "expected"), TIMES)
def test_times_become_iso_text_in_utc(read, suffix, cell, expected):
    delivered, report = read(f'TimeGenerated{suffix},Type,N\n"{cell}",Alpha,1\n'.encode())
    assert json.loads(delivered[0].raw)["TimeGenerated"] == expected
    assert report.problems == ()


LOCAL = b'TimeGenerated [Local Time],Type,N\n"5/11/2026, 10:03:14.103 AM",Alpha,1\n'


def test_local_times_are_refused_without_a_zone_and_converted_with_one(read):
    delivered, report = read(LOCAL)
    assert delivered == []
    problem = report.problems[0]
    assert (problem.line, report.problem_count) == (1, 1)
    assert "viewer's local zone" in problem.message
    assert "--time-zone" in problem.hint
    delivered, report = read(LOCAL, options=ReadOptions(time_zone=timezone(timedelta(hours=2))))
    assert json.loads(delivered[0].raw)["TimeGenerated"] == "2026-05-11T08:03:14.103Z"
    assert report.problems == ()


def test_split_columns_fold_repeated_names_and_empty_cells_do_not_matter(read):
    head = "$table,TimeGenerated [UTC],Status_dynamic,Status_string,N,N,Empty"
    rows = ["Alpha,2026-05-11T08:00:00Z,,text,1,9,", 'Beta,2026-05-11T08:00:00Z,"{""a"":1}",,,2,']
    delivered, _ = read("\n".join([head, *rows]).encode())
    assert [(d.record.source, json.loads(d.raw)) for d in delivered] == [
        ("Alpha", {"$table": "Alpha", "TimeGenerated": "2026-05-11T08:00:00Z", "Status": "text", "N": "1"}),
        ("Beta", {"$table": "Beta", "TimeGenerated": "2026-05-11T08:00:00Z", "Status": '{"a":1}', "N": "2"}),
    ]


@pytest.mark.parametrize(("rows", "limited"), [(9_999, False), (10_000, True), (10_001, False)])
def test_a_known_maximum_of_rows_is_noted(read, rows, limited):
    _, report = read(b"TimeGenerated [UTC],Type,N\n" + b"2026-05-11T08:00:00Z,Alpha,1\n" * rows)
    assert (report.records, report.files[0].row_limit, bool(report.row_limited)) == (rows, limited, limited)


FIRST, LATER, AMERICAN, ISO = (
    '"25/05/2026, 08:03:14.221"',
    '"11/05/2026, 08:03:14.221"',
    '"5/25/2026, 8:03:14.221 AM"',
    "2026-05-11T08:00:00Z",
)
MAY_BE = "the day may come first in '11/05/2026, 08:03:14.221', as in '25/05/2026, 08:03:14.221'"
IS = "the day may come first in '25/05/2026, 08:03:14.221'"

# cells, days of the rows that are read, line and message of each problem
DAYS = {
    "the month first": ([LATER, AMERICAN], ["2026-11-05", "2026-05-25"], []),
    "both beyond 12": (['"25/25/2026, 08:03"', LATER], ["2026-11-05"], [(2, "impossible time '25/25/2026, 08:03'")]),
    "nothing tells": ([LATER, LATER], ["2026-11-05", "2026-11-05"], []),
    "the day first, told at once": ([FIRST, LATER], [], [(2, IS), (3, MAY_BE)]),
    "the day first, told later": ([LATER, LATER, FIRST], [], [(2, MAY_BE), (3, MAY_BE), (4, IS)]),
    "an ISO date among them": ([FIRST, ISO, LATER], ["2026-05-11"], [(2, IS), (4, MAY_BE)]),
    "both, from joined files": (
        [LATER, AMERICAN, FIRST, LATER, AMERICAN],
        ["2026-11-05", "2026-05-25", "2026-05-25"],
        [
            (4, IS + "; earlier ones were read with the month first"),
            (5, MAY_BE + "; earlier ones were read with the month first"),
        ],
    ),
}


@pytest.mark.parametrize("kind", DAYS)
def test_no_date_is_read_that_may_have_the_day_first(read, kind):
    cells, days, problems = DAYS[kind]
    rows = "".join(f"{cell},Alpha,{number}\n" for number, cell in enumerate(cells))
    delivered, report = read(f"TimeGenerated [UTC],Type,N\n{rows}".encode())
    assert [str(d.record.at.date()) for d in delivered] == days
    assert [(problem.line, problem.message) for problem in report.problems] == problems
    assert report.skipped == len(problems)


def test_after_many_rows_that_tell_nothing_a_date_with_the_day_first_names_those_before(read, monkeypatch):
    monkeypatch.setattr("graphcorr.ingest.csv_rows.HELD_ROWS", 3)
    rows = "".join(f"{LATER},Alpha,{number}\n" for number in range(3))
    delivered, report = read(f"TimeGenerated [UTC],Type,N\n{rows}{FIRST},Alpha,3\n{LATER},Alpha,4\n".encode())
    assert [d.record.operation for d in delivered] == ["0", "1", "2"]
    assert [problem.message for problem in report.problems] == [
        f"{message}; earlier ones were read with the month first" for message in (IS, MAY_BE)
    ]
