"""Which sign-in led to which activity: by token id, by issue time, by window; and what is counted where none did."""

from __future__ import annotations

import base64
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from graphcorr.config import Config
from graphcorr.projection.project import project
from tests.builders import (
    ARM,
    GRAPH,
    SUBSCRIPTION,
    TENANT,
    arm_act,
    at,
    audit,
    created,
    guid,
    jsonl,
    managed_sign_in,
    moment,
    own_ids,
    sign_in,
    target,
    user_sign_in,
    vault_act,
)
from tests.endtoend.harness import NOTHING, Graph, Place, graph_of

Row = dict[str, Any]


def links(graph: Graph) -> list[tuple[Any, ...]]:
    """(sign-in fold's first event, act's first event, basis, confidence, events, candidates)."""
    sign_ins = {row["key"]: row["sampleIds"][0] for row in graph.nodes("SignIn")}
    return sorted(
        (sign_ins[e["fromKey"]], e["basis"], e["confidence"], e["events"], e["candidates"])
        for e in graph.edges("LED_TO")
    )


def counts(graph: Graph) -> dict[str, tuple[int, int, int, int, int]]:
    """First event of a sign-in fold → count, linked, same address, other address, unexplained."""
    return {
        row["sampleIds"][0]: (
            row["count"],
            row["linkedCount"],
            row["possibleSameAddressCount"],
            row["possibleOtherAddressCount"],
            row["unexplainedCount"],
        )
        for row in graph.nodes("SignIn")
    }


_OWN = Config(subscriptions={SUBSCRIPTION: TENANT})
LINKED, SAME, OTHER, NONE = (1, 1, 0, 0, 0), (1, 0, 1, 0, 0), (1, 0, 0, 1, 0), (1, 0, 0, 0, 1)


def _short(token: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(token).bytes_le).decode().rstrip("=")


def _long(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


@pytest.mark.parametrize("spelling", [_short, _long, str, str.upper], ids=["22", "48", "36", "36 upper"])
def test_token_id_links_in_every_spelling_and_claims_the_act_alone(tmp_path: Path, spelling: Any) -> None:
    graph = graph_of(
        tmp_path,
        {
            "s.jsonl": jsonl(
                sign_in(1, at("07:00"), resource=ARM, ip="203.0.113.10"),
                sign_in(2, at("07:01"), resource=ARM, ip="203.0.113.11"),
            ),
            "a.jsonl": jsonl(arm_act(1, at("07:02"), token=spelling(guid("5", 1)), ip="203.0.113.11")),
        },
    )
    assert links(graph) == [(guid("5", 1), "token", "exact", 1, 1)]
    assert counts(graph) == {guid("5", 1): LINKED, guid("5", 2): NONE}


def test_token_id_of_an_unknown_sign_in_is_no_act_of_another(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "s.jsonl": jsonl(sign_in(1, at("07:00"), resource=ARM)),
            "a.jsonl": jsonl(arm_act(1, at("07:02"), token=guid("5", 99))),
        },
    )
    assert links(graph) == []
    assert counts(graph) == {guid("5", 1): NONE}
    activity = graph.node("Activity")
    assert (activity["count"], activity["linkedCount"], activity["withoutSignInCount"]) == (1, 0, 1)
    assert [t["tokenId"] for t in graph.nodes("Token")] == [guid("5", 99)]


@pytest.mark.parametrize(
    ("sign_ins", "expected"),
    [
        ([sign_in(1, at("07:05"), resource=ARM)], [(guid("5", 1), "tokenTime", "high", 1, 1)]),
        (
            [sign_in(1, at("07:05"), resource=ARM), sign_in(2, at("07:03"), resource=ARM, ip="203.0.113.11")],
            [(guid("5", 1), "tokenTime", "medium", 1, 2)],
        ),
        # A log that states the time as it was: the sign-in of that second, not the one some minutes later.
        (
            [sign_in(1, at("07:00:00.4"), resource=ARM), sign_in(2, at("07:04:30"), resource=ARM)],
            [(guid("5", 1), "tokenTime", "medium", 1, 2)],
        ),
        # Issued long before the token: another sign-in.
        ([sign_in(1, at("06:30"), resource=ARM)], []),
    ],
    ids=["unique", "nearest of two", "not back-dated", "none"],
)
def test_issue_time_in_the_claims_names_the_sign_in(tmp_path: Path, sign_ins: list[Row], expected: list[Any]) -> None:
    # `iat` is five minutes before the sign-in, or the sign-in's own second.
    acts = jsonl(arm_act(1, at("07:50"), issued=moment("07:00")))
    assert links(graph_of(tmp_path, {"s.jsonl": jsonl(*sign_ins), "a.jsonl": acts})) == expected


# (sign-in, act, is it linked?, counts of the sign-in)
_WINDOWS: list[tuple[Row, Row, bool, tuple[int, ...]]] = [
        (sign_in(1, at("07:00")), vault_act(1, at("08:29:59")), True, LINKED),
        (sign_in(1, at("07:00")), vault_act(1, at("08:30:01")), False, NONE),
        (managed_sign_in(1, at("07:00"), resource=ARM), arm_act(1, at("06:59", day=1)), True, LINKED),
        (managed_sign_in(1, at("07:00"), resource=ARM), arm_act(1, at("07:01", day=1)), False, NONE),
        (user_sign_in(1, at("07:00")), arm_act(1, at("10:59", day=1), user=1, ip="198.51.100.7"), True, LINKED),
        (user_sign_in(1, at("07:00")), arm_act(1, at("11:01", day=1), user=1, ip="198.51.100.7"), False, NONE),
        (user_sign_in(1, at("07:00")), arm_act(1, at("07:01"), user=2, ip="198.51.100.7"), False, NONE),
        (sign_in(1, at("07:00")), vault_act(1, at("06:55:01")), True, LINKED),
        (sign_in(1, at("07:00")), vault_act(1, at("06:54:59")), False, NONE),
        (sign_in(1, at("07:00")), vault_act(1, at("07:01"), ip="10.1.0.4"), True, LINKED),
        (sign_in(1, at("07:00")), vault_act(1, at("07:01"), ip=""), True, LINKED),
        (sign_in(1, at("07:00"), ip="10.0.0.9"), vault_act(1, at("07:01")), True, LINKED),
        (managed_sign_in(1, at("07:00")), vault_act(1, at("07:01"), ip="203.0.113.77"), True, LINKED),
        (sign_in(1, at("07:00")), vault_act(1, at("07:01"), ip="203.0.113.11"), False, OTHER),
        (sign_in(1, at("07:00")), vault_act(1, at("07:01"), principal=2, app=1), False, NONE),
        (sign_in(1, at("07:00"), principal=None), vault_act(1, at("07:01")), True, LINKED),
        (sign_in(1, at("07:00")), vault_act(1, at("07:01"), principal=None), True, LINKED),
        (sign_in(1, at("07:00"), principal=None), vault_act(1, at("07:01"), principal=None), True, LINKED),
        (sign_in(1, at("07:00"), principal=None, app=2), vault_act(1, at("07:01")), False, NONE),
        # A token for Resource Manager opens no vault, but it may manage one.
        (sign_in(1, at("07:00"), resource=ARM), vault_act(1, at("07:01")), False, NONE),
        (sign_in(1, at("07:00"), resource=ARM), vault_act(1, at("07:01"), operation="VaultGet"), True, LINKED),
        # An app id is no service principal id, even if they are equal.
        (sign_in(1, at("07:00"), principal=2), vault_act(1, at("07:01"), principal=None, app=2), False, NONE),
]  # fmt: skip


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """All cases in one graph: each has principals, apps, users and events of its own."""
    sign_ins = [own_ids(case[0], number) for number, case in enumerate(_WINDOWS)]
    acts = [own_ids(case[1], number) for number, case in enumerate(_WINDOWS)]
    return graph_of(
        tmp_path_factory.mktemp("windows"), {"s.jsonl": jsonl(*sign_ins), "a.jsonl": jsonl(*acts)}, users="all"
    )


@pytest.mark.parametrize("number", range(len(_WINDOWS)))
def test_window_of_a_token(windows: Graph, number: int) -> None:
    sign, _, linked, count = _WINDOWS[number]
    sign_in_id = own_ids(sign, number)["Id"]
    found = [link for link in links(windows) if link[0] == sign_in_id]
    assert found == ([(sign_in_id, "window", "high", 1, 1)] if linked else [])
    assert counts(windows)[sign_in_id] == count


def test_an_act_keeps_the_nearest_sign_in_and_the_others_stay_possible(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "s.jsonl": jsonl(
                sign_in(1, at("07:00")), sign_in(2, at("07:10")), sign_in(3, at("07:20"), ip="203.0.113.11"),
                sign_in(4, at("07:21"), principal=2, app=2),
            ),
            "a.jsonl": jsonl(vault_act(1, at("07:30"))),
        },
    )  # fmt: skip
    # Sign-ins 1 and 2 are one fold: same principal, address, resource, hour.
    assert links(graph) == [(guid("5", 1), "window", "medium", 1, 3)]
    assert counts(graph) == {guid("5", 1): (2, 1, 1, 0, 0), guid("5", 3): OTHER, guid("5", 4): NONE}


def test_a_long_lived_token_does_not_stretch_the_window_of_others(tmp_path: Path) -> None:
    # Graph: 24 h for an application of the tenant, 90 min where another tenant owns it.
    foreign = {"AppOwnerTenantId": guid("9", 1)}
    change = audit(1, at("12:00"), "Delete conditional access policy", target("Policy", guid("8", 1)), by_principal=1)
    graph = graph_of(
        tmp_path,
        {
            "s.jsonl": jsonl(
                sign_in(1, at("07:00"), resource=GRAPH),
                sign_in(2, at("07:30"), resource=GRAPH, ip="203.0.113.11", **foreign),
            ),
            "c.jsonl": jsonl(change),
        },
    )
    assert links(graph) == [(guid("5", 1), "window", "high", 1, 1)]
    assert counts(graph) == {guid("5", 1): LINKED, guid("5", 2): NONE}


def test_failed_sign_ins_lead_to_nothing_and_are_counted_apart(tmp_path: Path) -> None:
    files = {"s.jsonl": jsonl(sign_in(1, at("07:00"), result="7000222")), "a.jsonl": jsonl(vault_act(1, at("07:01")))}
    graph = graph_of(tmp_path, files)
    assert links(graph) == []
    assert counts(graph) == {guid("5", 1): (1, 0, 0, 0, 0)}
    assert graph.node("SignIn")["evidence"] == "notApplicable"


def test_ties_are_broken_by_ids_and_not_by_order(tmp_path: Path) -> None:
    sign_ins = [sign_in(n, at("07:00"), ResourceDisplayName=f"{n}", ClientCredentialType="") for n in (1, 2, 3)]
    acts = [vault_act(n, at("07:01"), secret=f"s{n}") for n in (1, 2, 3)]
    one = graph_of(tmp_path / "1", {"s.jsonl": jsonl(*sign_ins), "a.jsonl": jsonl(*acts)})
    two = graph_of(tmp_path / "2", {"s.jsonl": jsonl(*reversed(sign_ins)), "a.jsonl": jsonl(*reversed(acts))})
    assert one.tables() == two.tables()
    assert links(one) == [(guid("5", 1), "window", "medium", 1, 3)] * 3


def test_challenges_and_platform_acts_are_no_acts_of_a_token(tmp_path: Path) -> None:
    policy = arm_act(2, at("07:01"), operation="MICROSOFT.AUTHORIZATION/POLICIES/AUDIT/ACTION", CategoryValue="Policy")
    graph = graph_of(
        tmp_path,
        {
            "s.jsonl": jsonl(sign_in(1, at("07:00")), sign_in(2, at("07:00"), resource=ARM)),
            "a.jsonl": jsonl(
                vault_act(1, at("07:01"), principal=None, app=None, status=401, operation="Authentication"), policy
            ),
        },
    )
    assert links(graph) == []
    assert counts(graph) == {guid("5", 1): NONE, guid("5", 2): NONE}


_KNOWN = created(9, at("01:00"))  # both ids are of one identity
_BY_APP, _BY_PRINCIPAL = sign_in(1, at("07:00"), principal=None), vault_act(1, at("07:01"), app=None)
# One side states the app id only, the other the service principal only: records → counts of the sign-in, and how many
# acts have no sign-in that can have issued their token.
_HALVES: dict[str, tuple[list[Row], tuple[int, int, int, int, int], int]] = {
    "of one identity": (
        [_KNOWN, _BY_APP, _BY_PRINCIPAL], SAME, 0),
    "from another address": (
        [_KNOWN, _BY_APP,
         vault_act(1, at("07:01"), app=None, ip="203.0.113.99")], OTHER, 0),
    "the other way round": (
        [_KNOWN, sign_in(1, at("07:00"), app=None), vault_act(1, at("07:01"), principal=None)],
        SAME, 0),
    "a change that the service principal made": (
        [_KNOWN, sign_in(1, at("07:00"), principal=None, resource=GRAPH),
         audit(3, at("23:10"), "Update policy", target("Policy", guid("8", 1)), by_principal=1)], SAME, 0),
    "over midnight": (
        [_KNOWN, sign_in(1, at("23:50"), principal=None), vault_act(1, at("00:10", 1), app=None)],
        SAME, 0),
    "nobody says of whom either is": (
        [_BY_APP, _BY_PRINCIPAL], SAME, 0),
    "the service principal is another one's": (
        [_KNOWN, _BY_APP, created(8, at("01:00"), number_of=2, app=2),
         vault_act(1, at("07:01"), principal=2, app=None)], NONE, 1),
    "after the life of the token": (
        [_KNOWN, _BY_APP, vault_act(1, at("09:01"), app=None)], NONE, 1),
    "before the sign-in": (
        [_KNOWN, _BY_APP, vault_act(1, at("06:54"), app=None)], NONE, 1),
    "with a token of another sign-in": (
        [_KNOWN, sign_in(1, at("07:00"), principal=None, resource=ARM),
         sign_in(2, at("07:00"), resource=ARM), arm_act(1, at("07:01"), app=None, token=guid("5", 2))], NONE, 0),
}  # fmt: skip


@pytest.mark.parametrize("case", _HALVES)
def test_a_sign_in_by_app_id_alone_may_have_led_to_an_act_by_service_principal_alone(tmp_path: Path, case: str) -> None:
    rows, expected, without = _HALVES[case]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)}, config=_OWN)
    assert counts(graph)[guid("5", 1)] == expected
    acts = graph.nodes("Activity")
    assert sum(row["withoutSignInCount"] for row in acts) == sum(len(row["unexplainedIds"]) for row in acts) == without


def test_the_busiest_hour_of_one_principal_takes_seconds(tmp_path: Path) -> None:
    place = Place(tmp_path)
    sign_ins = [sign_in(n, at(f"07:{n % 60:02d}:{n // 60 % 60:02d}.{n:06d}")) for n in range(20_000)]
    acts = [vault_act(n, at(f"07:{n % 60:02d}:{n // 60 % 60:02d}.{n + 500:06d}")) for n in range(20_000)]
    place.load({"s.jsonl": jsonl(*sign_ins), "a.jsonl": jsonl(*acts)})
    started = time.process_time()  # of all threads; other work on the machine does not count
    project(place.archive, NOTHING, tmp_path / "projection")
    assert time.process_time() - started < 8
    row = place.graph().node("SignIn")
    assert row["count"] == 20_000
    assert row["linkedCount"] + row["possibleSameAddressCount"] == 20_000
