"""Names and states of directory objects in time, and what changes say about them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.builders import (
    TENANT,
    at,
    audit,
    created,
    deleted,
    guid,
    jsonl,
    moment,
    own_ids,
    owner_added,
    rename,
    sign_in,
    target,
)
from tests.endtoend.harness import Graph, graph_of

Interval = tuple[str, str, datetime | None, datetime | None]


def test_a_change_says_what_it_did_to_its_object(tmp_path: Path) -> None:
    off = target("ServicePrincipal", guid("d", 1), AccountEnabled=([True], [False]))
    rows = [
        created(1, at("06:00")),
        audit(2, at("06:01"), "Update service principal", off),
        deleted(3, at("06:02")),
        audit(4, at("06:03"), "Restore service principal", target("ServicePrincipal", guid("d", 1))),
        deleted(5, at("06:04"), result="failure"),
        audit(6, at("06:05"), "Hard delete service principal", target("ServicePrincipal", guid("d", 1))),
        rename(7, at("06:06"), "a", "b"),
        owner_added(8, at("06:07")),
        audit(9, at("06:08"), "Update service principal", off, result="failure"),
    ]
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(*rows)})
    assert [(row["eventId"], row["lifecycle"], row["enabled"]) for row in graph.nodes("Change")] == [
        ("Directory_1", "created", None),
        ("Directory_2", "updated", False),
        ("Directory_3", "deleted", None),
        ("Directory_4", "restored", None),
        ("Directory_5", None, None),
        ("Directory_6", "hardDeleted", None),
        ("Directory_7", "updated", None),
        ("Directory_8", None, None),
        ("Directory_9", None, None),
    ]


def _intervals(graph: Graph, object_id: str) -> list[Interval]:
    """(name, basis, from, to) of an object, those without a start first."""
    names = {row["key"]: row["value"] for row in graph.nodes("Name")}
    found = [
        (names[e["toKey"]], e["basis"], e["validFrom"], e["validTo"])
        for e in graph.edges("NAMED", fromKey=f"{TENANT}/{object_id}")
    ]
    return sorted(found, key=lambda i: (i[2] or moment("00:00", -9), i[1], i[0]))


def _spn(name: str, number: int, when: str) -> dict[str, object]:
    return sign_in(number, at(when), ServicePrincipalName=name)


_T6, _T7, _T8, _T9 = (moment(f"{hour:02}:00") for hour in (6, 7, 8, 9))
_B, _D = guid("b", 1), guid("d", 1)

# Records; the intervals of one object; (name, former names) of the identity.
_NAMES: dict[str, tuple[list[dict[str, object]], str, list[Interval], tuple[str, list[str]]]] = {
    "a name before the first record": (
        [rename(1, at("07:00"), "old", "new")], _B,
        [("old", "audit", None, _T7), ("new", "audit", _T7, None)], ("new", ["old"])),
    "named at creation": (
        [audit(1, at("06:00"), "Add application", target("Application", _B, DisplayName=([], ["first"]))),
         rename(2, at("07:00"), "first", "second")], _B,
        [("first", "audit", _T6, _T7), ("second", "audit", _T7, None)], ("second", ["first"])),
    "renamed back": (
        [rename(1, at("07:00"), "a", "b"), rename(2, at("08:00"), "b", "a")], _B,
        [("a", "audit", None, _T7), ("b", "audit", _T7, _T8), ("a", "audit", _T8, None)], ("a", ["b"])),
    "a rename in between is missing": (
        [rename(1, at("07:00"), "a", "b"), rename(2, at("08:00"), "c", "d")], _B,
        [("a", "audit", None, _T7), ("b", "audit", _T7, _T8), ("c", "audit", _T7, _T8), ("d", "audit", _T8, None)],
        ("d", ["a", "b", "c"])),
    "sign-ins show the former name for a while": (
        [_spn("a", 1, "06:00"), rename(2, at("07:00"), "a", "b", kind="ServicePrincipal"), _spn("a", 3, "07:20")], _D,
        [("a", "audit", None, _T7), ("a", "signIn", _T6, moment("07:20")), ("b", "audit", _T7, None)], ("b", ["a"])),
    "sign-ins show another name for long": (
        [_spn("a", 1, "06:00"), rename(2, at("07:00"), "a", "b", kind="ServicePrincipal"), _spn("c", 3, "09:00")], _D,
        [("a", "audit", None, _T7), ("a", "signIn", _T6, _T6), ("b", "audit", _T7, None), ("c", "signIn", _T9, _T9)],
        ("c", ["a", "b"])),
    "two renames of one operation": (
        [rename(n, at("07:00"), old, new, correlation=1) for n, old, new in ((9, "a", "b"), (10, "b", "c"))], _B,
        [("a", "audit", None, _T7), ("b", "audit", _T7, _T7), ("c", "audit", _T7, None)], ("c", ["a", "b"])),
    "a failed rename": ([rename(1, at("07:00"), "a", "b", result="failure")], _B, [], ("", [])),
    "an undated rename has names but no time": ([rename(1, None, "a", "b")], _B, [], ("", [])),
}  # fmt: skip


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    rows = [
        own_ids(row, number) | ({"Id": f"{number}:{row['Id']}"} if row["Type"] == "AuditLogs" else {})
        for number, (case, *_) in enumerate(_NAMES.values(), 1)
        for row in case
    ]
    return graph_of(tmp_path_factory.mktemp("named"), {"rows.jsonl": jsonl(*rows)})


@pytest.mark.parametrize("case", _NAMES)
def test_names_in_time(named: Graph, case: str) -> None:
    number = list(_NAMES).index(case) + 1
    _, object_id, expected, (name, former) = _NAMES[case]
    own = own_ids({"id": object_id}, number)["id"]
    assert _intervals(named, own) == expected
    found = named.node("DirectoryObject", objectId=own)
    identity = named.node("Identity", identityId=found["identityId"])
    assert (identity["name"] or "", identity["formerNames"]) == (name, former)


def test_who_renamed_and_that_application_and_principal_may_differ(tmp_path: Path) -> None:
    rows = [
        created(1, at("05:00"), kind="Application"),
        created(2, at("05:01")),
        rename(3, at("06:00"), "a", "b", user=4),
        rename(4, at("07:00"), "a", "c", kind="ServicePrincipal", by_principal=1),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    renames = {e["fromKey"]: e["toKey"].partition("/")[2] for e in graph.edges("RENAMED_TO")}
    makers = {e["toKey"]: e["fromKey"].partition("/")[2] for e in graph.edges("MADE") if e["toKey"] in renames}
    assert renames == {"Directory_3": "b", "Directory_4": "c"}
    assert makers == {"Directory_3": guid("e", 4), "Directory_4": _D}
    assert {o["objectId"]: o["name"] for o in graph.nodes("DirectoryObject") if o["name"]} == {_B: "b", _D: "c"}
    identity = graph.node("Identity")
    assert (identity["name"], identity["formerNames"]) == ("c", ["a", "b"])
