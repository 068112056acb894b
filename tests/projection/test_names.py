"""Names and states of directory objects in time, and what changes say about them."""

from __future__ import annotations

from pathlib import Path

from tests.builders import at, audit, created, deleted, guid, jsonl, owner_added, rename, target
from tests.endtoend.harness import graph_of


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
