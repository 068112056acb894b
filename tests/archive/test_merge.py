"""Versions become events by a rule that does not depend on order: stated beats absent, then richer, then larger."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from archive_samples import NOON, activity, batch, change, delivered, load, sign_in
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcorr.archive import tables
from graphcorr.archive.archive import Archive
from graphcorr.archive.duck import connect, create_view
from graphcorr.archive.merge import event_columns, merge_sql, moved_sql
from graphcorr.ingest.loader import RANK, Carrier
from graphcorr.records import KINDS, NameChange

TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
EXPORT, GRAPH, ROW, CSV = Carrier.EXPORT, Carrier.GRAPH, Carrier.ROW, Carrier.CSV


@pytest.fixture(scope="module")
def duck(tmp_path_factory):
    with connect(tmp_path_factory.mktemp("duck") / "spill") as connection:
        yield connection


def merge(duck: Any, items: list[Any], kind: str = "sign_ins") -> list[dict[str, Any]]:
    duck.sql("DROP TABLE IF EXISTS versions")
    duck.from_arrow(tables.staged_tables(kind, batch(items).runs)[0]).create("versions")
    merged = duck.sql(merge_sql(kind, "versions")).to_arrow_table().to_pylist()
    return sorted(merged, key=lambda row: row["event_key"])


def moved(duck: Any, items: list[Any], kind: str = "sign_ins") -> list[tuple[Any, ...]]:
    duck.sql("DROP TABLE IF EXISTS versions")
    duck.from_arrow(tables.staged_tables(kind, batch(items).runs)[0]).create("versions")
    return sorted(tuple(row.values()) for row in duck.sql(moved_sql(kind, "versions")).to_arrow_table().to_pylist())


@pytest.mark.parametrize("kind", KINDS)
def test_events_have_fixed_columns_of_the_archive_types(duck, kind):
    create_view(duck, f"no_{kind}", [], tables.schema(kind))
    merged = duck.sql(merge_sql(kind, f"no_{kind}"))
    assert tuple(merged.columns) == event_columns(kind)
    declared = duck.table(f"no_{kind}")
    types = {"versions": "INTEGER", **dict(zip(declared.columns, map(str, declared.types), strict=True))}
    assert [str(found) for found in merged.types] == [types[column] for column in merged.columns]
    assert duck.sql(moved_sql(kind, f"no_{kind}")).to_arrow_table().num_rows == 0


CASES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a single version is the event": (
        [delivered(sign_in("a", ip="192.0.2.1"), raw=b"12345")],
        {"ip": "192.0.2.1", "versions": 1, "raw_size": 5, "carrier": "diagnosticExport", "rank": 5},
    ),
    "stated beats absent, whatever the carrier": (
        [delivered(sign_in("a", country=None), EXPORT), delivered(sign_in("a", country="DE"), CSV)],
        {"country": "DE", "carrier": "diagnosticExport", "rank": RANK[EXPORT], "versions": 2},
    ),
    "a richer carrier beats a larger value": (
        [delivered(sign_in("a", country="AA"), GRAPH), delivered(sign_in("a", country="ZZ"), ROW)],
        {"country": "AA", "carrier": "graphApi"},
    ),
    "the larger value of equal carriers": (
        [delivered(sign_in("a", country="AA"), ROW), delivered(sign_in("a", country="ZZ"), ROW)],
        {"country": "ZZ"},
    ),
    "an empty text is a value like others": (
        [delivered(sign_in("a", country=""), EXPORT), delivered(sign_in("a", country="ZZ"), ROW)],
        {"country": ""},
    ),
    "an event time beats a time that may be ingestion, of a richer carrier": (
        [
            delivered(sign_in("a", NOON + timedelta(days=1), at_is_event_time=False), EXPORT),
            delivered(sign_in("a", NOON), CSV),
        ],
        {"at": NOON, "at_is_event_time": True, "day": date(2026, 5, 11), "carrier": "diagnosticExport"},
    ),
    "any time beats none": (
        [
            delivered(sign_in("a", None), EXPORT),
            delivered(sign_in("a", NOON, at_is_event_time=False), CSV),
        ],
        {"at": NOON, "at_is_event_time": False, "day": date(2026, 5, 11)},
    ),
    "no time at all": (
        [delivered(sign_in("a", None), EXPORT), delivered(sign_in("a", None), CSV)],
        {"at": None, "at_is_event_time": True, "day": date(1970, 1, 1)},
    ),
    "the first arrival counts for delay": (
        [
            delivered(sign_in("a", received_at=NOON + timedelta(hours=2)), EXPORT),
            delivered(sign_in("a", received_at=NOON + timedelta(hours=1)), CSV),
            delivered(sign_in("a"), ROW),
        ],
        {"received_at": NOON + timedelta(hours=1), "versions": 3},
    ),
    "one text under two tenants is one version": (
        [delivered(sign_in("a"), raw=b"123"), delivered(sign_in("a"), raw=b"123", given=TENANT)],
        {"versions": 1, "raw_size": 3, "given_tenant_id": TENANT, "path_tenant_id": None},
    ),
    "sizes add up": (
        [delivered(sign_in("a"), raw=b"123"), delivered(sign_in("a"), raw=b"4567", path=TENANT)],
        {"versions": 2, "raw_size": 7, "path_tenant_id": TENANT},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_versions_of_a_key_merge_field_by_field(duck, case):
    items, expected = CASES[case]
    for ordered in (items, items[::-1]):
        (event,) = merge(duck, ordered)
        assert {name: event[name] for name in expected} == expected


def test_an_empty_list_is_absent_but_more_than_none(duck):
    name = NameChange(object_type="Application", object_id="a", new="x")
    (event,) = merge(
        duck,
        [delivered(change("c"), EXPORT), delivered(change("c", names=(name,), enabled=False), CSV)],
        "directory_changes",
    )
    assert ([n["new"] for n in event["names"]], event["owners"], event["enabled"]) == (["x"], [], False)
    (event,) = merge(
        duck,
        [
            delivered(activity("a", roles=None, wids=None), EXPORT),
            delivered(activity("a", roles=(), scopes=("s",)), CSV),
        ],
        "activities",
    )
    assert (event["roles"], event["scopes"], event["wids"]) == ([], ["s"], None)


def coarse(key: str, second: str = "s", **more: Any) -> Any:
    return delivered(activity(key, NOON, second_key=second, whole_seconds=True, **more), CSV)


def fine(key: str, second: str = "s", **more: Any) -> Any:
    return delivered(activity(key, NOON + timedelta(milliseconds=103), second_key=second, **more), ROW)


SECONDS: dict[str, tuple[list[Any], dict[str, tuple[int, bool]]]] = {
    "a coarser version joins the finer event": ([coarse("z"), fine("f")], {"f": (2, False)}),
    "the smallest key of several finer ones": ([coarse("a"), fine("g"), fine("f")], {"f": (2, False), "g": (1, False)}),
    "its own key first": ([coarse("g"), fine("g"), fine("f")], {"f": (1, False), "g": (2, False)}),
    "coarse ones alone are one event": ([coarse("b"), coarse("a")], {"a": (2, True)}),
    "another second is another event": ([coarse("a"), fine("f", "other")], {"a": (1, True), "f": (1, False)}),
    "all coarse ones join the finer": ([coarse("a"), coarse("b"), fine("f")], {"f": (3, False)}),
}


@pytest.mark.parametrize("case", SECONDS)
def test_whole_seconds_join_finer_events(duck, case):
    items, expected = SECONDS[case]
    for ordered in (items, items[::-1]):
        found = merge(duck, ordered, "activities")
        assert {event["event_key"]: (event["versions"], event["whole_seconds"]) for event in found} == expected


def test_the_finer_time_wins_and_the_coarser_fields_are_kept(duck):
    coarser = delivered(activity("z", NOON, second_key="s", whole_seconds=True, ip="192.0.2.1"), EXPORT)
    (event,) = merge(duck, [coarser, fine("f")], "activities")
    assert (event["at"], event["ip"]) == (NOON + timedelta(milliseconds=103), "192.0.2.1")


# -- against a plain statement of the rule -------------------------------------------------------------

VERSION = st.builds(
    lambda key, at, exact, country, code, carrier, received, number: delivered(
        sign_in(
            key,
            at,
            at_is_event_time=exact,
            country=country,
            result_code=code,
            received_at=received,
        ),
        carrier,
        raw=b"raw %d" % number,
    ),
    key=st.sampled_from(["a", "b"]),
    at=st.sampled_from([None, NOON, NOON + timedelta(hours=13)]),
    exact=st.booleans(),
    country=st.sampled_from([None, "", "DE", "FR"]),
    code=st.sampled_from([None, "0", "50076"]),
    carrier=st.sampled_from(list(Carrier)),
    received=st.sampled_from([None, NOON, NOON + timedelta(minutes=5)]),
    number=st.integers(0, 10**9),
)


def stated(items: list[Any], field: str) -> Any:
    values = [(RANK[i.carrier], getattr(i.record, field)) for i in items if getattr(i.record, field) is not None]
    return max(values)[1] if values else None


def event_of(key: str, items: list[Any]) -> dict[str, Any]:
    timed = [(i.record.at_is_event_time, RANK[i.carrier], i.record.at) for i in items if i.record.at is not None]
    received = [i.record.received_at for i in items if i.record.received_at is not None]
    at = max(timed)[2] if timed else None
    return {
        "event_key": key,
        "at": at,
        "day": at.date() if at else tables.UNDATED,
        "country": stated(items, "country"),
        "result_code": stated(items, "result_code"),
        "received_at": min(received, default=None),
        "versions": len({i.raw_hash for i in items}),
        "raw_size": sum(dict((i.raw_hash, i.raw_size) for i in items).values()),
        "rank": max(RANK[i.carrier] for i in items),
    }


@settings(max_examples=40, derandomize=True)
@given(items=st.lists(VERSION, min_size=1, max_size=8))
def test_merged_events_obey_the_rule_in_any_order(duck, items):
    keys = sorted({i.record.event_key for i in items})
    expected = [event_of(key, [i for i in items if i.record.event_key == key]) for key in keys]
    found = merge(duck, items)
    assert [{name: event[name] for name in expected[0]} for event in found] == expected
    assert merge(duck, items[::-1]) == found


# -- versions in other days -------------------------------------------------------------

NEXT = NOON + timedelta(days=1)


def test_versions_in_other_days_are_named_with_the_day_of_their_event(duck):
    items = [
        delivered(sign_in("late", NEXT, at_is_event_time=False), EXPORT),
        delivered(sign_in("late", NOON), GRAPH),
        delivered(sign_in("undated", None), EXPORT),
        delivered(sign_in("undated", NOON), ROW),
        delivered(sign_in("zone", NOON + timedelta(hours=13)), CSV),
        delivered(sign_in("zone", NOON), EXPORT),
        delivered(sign_in("same", NOON, at_is_event_time=False), EXPORT),
        delivered(sign_in("same", NOON), GRAPH),
        delivered(sign_in("exact", NOON), GRAPH),
        delivered(sign_in("only", NOON, at_is_event_time=False), GRAPH),
    ]
    today, tomorrow = NOON.date(), NEXT.date()
    assert moved(duck, items) == moved(duck, items[::-1])
    assert moved(duck, items) == [
        ("late", tomorrow, today),
        ("undated", date(1970, 1, 1), today),
        ("zone", tomorrow, today),
    ]


def test_moved_versions_lie_in_the_partition_that_is_named(tmp_path, duck):
    late = [delivered(sign_in("a", NEXT, at_is_event_time=False), EXPORT), delivered(sign_in("a", NOON), CSV)]
    archive: Archive = load(tmp_path, late)
    create_view(duck, "all_days", archive.files("sign_ins"), archive.schema("sign_ins"))
    found = duck.sql(moved_sql("sign_ins", "all_days")).to_arrow_table().to_pylist()
    assert found == [{"event_key": "a", "from_day": NEXT.date(), "home_day": NOON.date()}]
    assert len(archive.files("sign_ins", [NEXT.date()])) == 1
