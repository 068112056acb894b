"""Hostile and incomplete records: odd names and ids, no time, no tenant, users that are left out of the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphcorr.config import Config
from tests.builders import (
    ARM,
    OTHER_TENANT,
    SUBSCRIPTION,
    TENANT,
    arm_act,
    at,
    audit,
    guid,
    jsonl,
    key,
    key_change,
    owner_added,
    rename,
    sign_in,
    target,
    user_sign_in,
    vault_act,
)
from tests.endtoend.harness import Place, graph_of

_NAMES = (
    "it's \"quoted\"\\",
    "two\nlines\r\n",
    "'}) DETACH DELETE n //",
    "'; DROP TABLE rename; --",
    "=HYPERLINK(\"http://evil.example\")",
    "\u202egnp.exe\u200b",
    "\x1b[31mred",
    "ゼロ🙂",
    " blank ",
    "x/y\x1fz",
)  # fmt: skip


def test_names_are_kept_as_written_and_apart(tmp_path: Path) -> None:
    rows = [
        rename(n, at(f"07:{n:02d}"), old, new) for n, (old, new) in enumerate(zip(_NAMES, _NAMES[1:], strict=False))
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    assert {row["value"] for row in graph.nodes("Name")} == set(_NAMES)
    nodes = {row["key"]: row["value"] for row in graph.nodes("Name")}
    steps = {(row["fromKey"], nodes[row["toKey"]]) for row in graph.edges("RENAMED_TO")}
    assert steps == {(f"Directory_{n}", name) for n, name in enumerate(_NAMES[1:])}
    assert graph.node("DirectoryObject", objectId=guid("b", 1))["name"] == _NAMES[-1]


def test_a_name_with_nul_stops_nothing(tmp_path: Path) -> None:
    rows = [
        rename(1, at("07:00"), "a", "b\x00c"),
        sign_in(1, at("07:00"), ServicePrincipalName="n\x00"),
        vault_act(1, at("07:01")),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    assert len(graph.nodes("Change")) == len(graph.nodes("SignIn")) == len(graph.edges("LED_TO")) == 1


@pytest.mark.parametrize("spell", [str.upper, "{{{}}}".format, lambda text: text.replace("-", "")])
def test_ids_have_one_spelling(tmp_path: Path, spell: Any) -> None:
    plain = sign_in(1, at("07:00"), resource=ARM)
    odd = {
        **plain,
        **{k: spell(plain[k]) for k in ("Id", "AppId", "ServicePrincipalId", "ResourceIdentity", "AADTenantId")},
    }
    act = arm_act(1, at("07:01"))
    one = graph_of(tmp_path / "1", {"rows.jsonl": jsonl(plain, act)})
    two = graph_of(tmp_path / "2", {"rows.jsonl": jsonl(odd, act)})
    sized = {"nodes/LogSource"}
    first, second = one.tables(), two.tables()
    assert {n: t for n, t in first.items() if n not in sized} == {n: t for n, t in second.items() if n not in sized}


def test_zero_guids_are_absent(tmp_path: Path) -> None:
    zero = "00000000-0000-0000-0000-000000000000"
    row = sign_in(
        1, at("07:00"), ServicePrincipalCredentialKeyId=zero, AppOwnerTenantId=zero, ResourceServicePrincipalId=zero
    )
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl({**row, "ServicePrincipalId": zero})})
    assert graph.nodes("Credential") == graph.nodes("DirectoryObject") == []
    assert [row["identityId"] for row in graph.nodes("Identity")] == [f"app:{guid('a', 1)}"]


def test_undated_records_are_kept_and_never_dated(tmp_path: Path) -> None:
    rows = [
        rename(1, None, "a", "b", number_of=1),
        key_change(2, None, [key(1)], [key(1), key(2)]),
        sign_in(1, None),
        vault_act(1, None),
        sign_in(2, at("07:00")),
        vault_act(2, at("07:01")),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    assert {row["eventId"]: row["at"] for row in graph.nodes("Change")} == {"Directory_1": None, "Directory_2": None}
    assert sorted((row["firstSeen"] is None, row["count"], row["linkedCount"]) for row in graph.nodes("SignIn")) == [
        (False, 1, 1), (True, 1, 0)]  # fmt: skip
    assert sorted((row["firstSeen"] is None, row["count"]) for row in graph.nodes("Activity")) == [
        (False, 1),
        (True, 1),
    ]
    # They open and close nothing.
    assert [e["basis"] for e in graph.edges("NAMED")] == ["signIn"]
    assert all(e["validFrom"] is None and e["validTo"] is None for e in graph.edges("HAS_CREDENTIAL"))


def test_records_of_an_unknown_tenant_wait_in_the_archive(tmp_path: Path) -> None:
    # Two tenants are known, so that a vault's record can belong to either.
    known = [sign_in(1, at("07:00")), sign_in(2, at("07:00"), tenant=OTHER_TENANT, principal=5, app=5)]
    place = Place(tmp_path / "by config")
    place.load({"rows.jsonl": jsonl(*known, vault_act(1, at("07:01")))})
    assert place.graph().nodes("Activity") == []
    assert [evidence.event_key for evidence in place.archive.evidence(_vault_key(place))] != []
    config = Config(subscriptions={SUBSCRIPTION: TENANT})
    assert [row["linkedCount"] for row in place.graph(config).nodes("Activity", tenantId=TENANT)] == [1]

    place = Place(tmp_path / "by a later load")
    place.load({"vault.jsonl": jsonl(vault_act(1, at("07:01")))})
    assert place.graph().nodes("Activity") == []
    place.load({"sign-ins.jsonl": jsonl(known[0])})
    assert [row["linkedCount"] for row in place.graph().nodes("Activity", tenantId=TENANT)] == [1]


def _vault_key(place: Place) -> str:
    config = Config(subscriptions={SUBSCRIPTION: TENANT})
    key_of: str = place.graph(config).node("Activity")["sampleIds"][0]
    return key_of


@pytest.mark.parametrize(("mode", "shown"), [("all", {1, 2, 3}), ("actors", {1, 3}), ("none", set())])
def test_which_users_sign_ins_are_shown(tmp_path: Path, mode: str, shown: set[int]) -> None:
    rows = [
        *(user_sign_in(n, at("07:00"), user=n, ip=f"198.51.100.{n}") for n in (1, 2, 3)),
        # User 1 changes an application, user 3 owns one, user 2 changes a group.
        rename(1, at("08:00"), "a", "b", user=1),
        owner_added(2, at("08:00"), owner=3, user=1),
        audit(3, at("08:00"), "Update group", target("Group", guid("8", 1)), user=2),
        # Counts do not depend on who is shown.
        arm_act(1, at("07:01"), user=1, ip="198.51.100.1"),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)}, users=mode)
    sign_ins = {e["fromKey"].rpartition("/")[2] for e in graph.edges("SIGNED_IN")}
    assert sign_ins == {guid("e", n) for n in shown}
    assert len(graph.nodes("SignIn")) == len(shown)
    assert len(graph.edges("LED_TO")) == (1 if shown else 0)
    assert graph.node("Activity")["linkedCount"] == 1
    assert len(graph.nodes("Change")) == 3


def test_a_long_life_in_a_fold_counts_for_all_of_it(tmp_path: Path) -> None:
    """The evidence of a fold is that of its worst event: here the second one, whose token lives for a day."""
    graph_id = "00000003-0000-0000-c000-000000000000"
    rows = [
        sign_in(1, at("07:00"), resource=graph_id, AppOwnerTenantId=guid("9", 1)),
        sign_in(2, at("07:01"), resource=graph_id),
        sign_in(3, at("15:00"), principal=9, app=9),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows, _graph_call(1, "06:00"), _graph_call(2, "15:00"))})
    (fold,) = [row for row in graph.nodes("SignIn") if row["count"] == 2]
    assert fold["evidence"] == "tooRecent"


def _graph_call(number: int, when: str) -> dict[str, Any]:
    return {
        "Type": "MicrosoftGraphActivityLogs", "AadTenantId": TENANT, "TimeGenerated": at(when),
        "RequestId": guid("6", 0x100 + number),
        "RequestMethod": "GET", "ResponseStatusCode": 200, "RequestUri": "https://graph.microsoft.com/v1.0/applications",
        "AppId": guid("a", 9), "ServicePrincipalId": guid("d", 9), "IPAddress": "203.0.113.99",
    }  # fmt: skip
