"""What links say beyond themselves: tokens used on two days, and where an application's change came from."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    ARM,
    GRAPH,
    TENANT,
    arm_act,
    at,
    audit,
    guid,
    jsonl,
    managed_sign_in,
    own_ids,
    sign_in,
    target,
)
from tests.endtoend.harness import Graph, Place, graph_of

Row = dict[str, Any]


def _uti(sign_in_id: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(sign_in_id).bytes_le).decode().rstrip("=")


def _used(number: int, when: str, day: int = 0, ip: str = "203.0.113.10") -> Row:
    return arm_act(number, at(when, day), ip=ip, token=_uti(guid("5", 1)))


_ACROSS = {
    "one address": ([_used(1, "23:50"), _used(2, "00:10", 1)], 0),
    "two addresses, one on either day": ([_used(1, "23:50"), _used(2, "00:10", 1, "198.51.100.9")], 2),
    "the other address is seen on the second day only": (
        [_used(1, "23:50"), _used(2, "00:10", 1), _used(3, "00:20", 1, "198.51.100.9")],
        3,
    ),
}


@pytest.mark.parametrize("case", _ACROSS)
def test_a_token_used_across_midnight_is_one_token_with_all_its_uses(tmp_path: Path, case: str) -> None:
    acts, uses = _ACROSS[case]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(sign_in(1, at("23:40"), resource=ARM), *acts)})
    assert len(graph.nodes("Token")) == (1 if uses else 0)
    assert len(graph.edges("USED_FOR")) == uses
    assert len(graph.edges("ISSUED")) == (1 if uses else 0)


def test_a_token_across_midnight_is_the_same_however_it_was_loaded(tmp_path: Path) -> None:
    acts, _ = _ACROSS["two addresses, one on either day"]
    place = Place(tmp_path / "pieces")
    for number, row in enumerate((acts[1], sign_in(1, at("23:40"), resource=ARM), acts[0])):
        place.load({f"{number}.jsonl": jsonl(row)})
        place.graph()
    whole = graph_of(tmp_path / "whole", {"rows.jsonl": jsonl(sign_in(1, at("23:40"), resource=ARM), *acts)})
    assert place.graph().tables() == whole.tables()


_CHANGE = audit(1, at("07:30"), "Update application", target("Application", guid("b", 1)), by_principal=1)
_OTHER = "198.51.100.9"

# Sign-ins before a change that principal 1 made at 07:30 → the address that they give it.
_ADDRESSES: list[tuple[list[Row], str | None]] = [
    ([sign_in(1, at("07:00"), resource=GRAPH)], "203.0.113.10"),
    ([sign_in(1, at("07:00"), resource=GRAPH), sign_in(2, at("07:10"), resource=GRAPH)], "203.0.113.10"),
    ([sign_in(1, at("07:00"), resource=GRAPH), sign_in(2, at("07:10"), resource=GRAPH, ip=_OTHER)], None),
    # The nearer one agrees with the former, the one before does not.
    ([sign_in(1, at("06:00"), resource=GRAPH, ip=_OTHER), sign_in(2, at("07:10"), resource=GRAPH)], None),
    # After the change, or with a token that cannot have served.
    ([sign_in(1, at("07:00"), resource=GRAPH), sign_in(2, at("07:40"), resource=GRAPH, ip=_OTHER)], "203.0.113.10"),
    ([sign_in(1, at("07:00"), resource=GRAPH), sign_in(2, at("07:10"), resource=ARM, ip=_OTHER)], "203.0.113.10"),
    ([sign_in(1, at("07:00"), resource=GRAPH), sign_in(2, at("07:10"), resource=GRAPH, ip="")], None),
    ([managed_sign_in(1, at("07:00"), resource=GRAPH)], None),
]


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    rows = []
    for number, (sign_ins, _) in enumerate(_ADDRESSES):
        rows += [own_ids(row, number + 1) for row in sign_ins]
        rows.append(own_ids(_CHANGE, number + 1) | {"Id": f"Directory_{number}", "CorrelationId": guid("c", number)})
    return graph_of(tmp_path_factory.mktemp("changes"), {"rows.jsonl": jsonl(*rows)}, tenant=TENANT)


@pytest.mark.parametrize("number", range(len(_ADDRESSES)))
def test_sign_ins_supply_the_address_of_a_change_if_they_agree(changes: Graph, number: int) -> None:
    expected = _ADDRESSES[number][1]
    found = [(e["toKey"], e["basis"]) for e in changes.edges("FROM", fromKey=f"Directory_{number}")]
    assert found == ([] if expected is None else [(expected, "signIn")])
