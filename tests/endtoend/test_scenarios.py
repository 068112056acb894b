"""The reference scenarios (clock times in UTC+2 there, taken as UTC here), constructed: links, counts, evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphcorr.config import Complete, Config
from tests.builders import (
    ARM,
    GRAPH,
    SUBSCRIPTION,
    TENANT,
    arm_act,
    at,
    audit,
    guid,
    jsonl,
    key,
    key_change,
    managed_sign_in,
    rename,
    sign_in,
    target,
    vault_act,
)
from tests.endtoend.harness import Graph, graph_of

_CONFIG = Config(subscriptions={SUBSCRIPTION: TENANT})
# A week later: every token is dead, every log has delivered.
_LATER = (
    vault_act(900, at("12:00", day=7), principal=9, app=9),
    arm_act(901, at("12:00", day=7), principal=9, app=9),
    sign_in(902, at("11:59", day=7), principal=9, app=9),
)


def _sign_ins(graph: Graph, number: int = 1) -> list[tuple[Any, ...]]:
    names = (
        "count",
        "linkedCount",
        "possibleSameAddressCount",
        "possibleOtherAddressCount",
        "unexplainedCount",
        "evidence",
    )
    rows = sorted(graph.nodes("SignIn", servicePrincipalId=guid("d", number)), key=lambda row: row["firstSeen"])
    return [tuple(row[name] for name in names) for row in rows]


def _links(graph: Graph) -> list[dict[str, Any]]:
    kept = ("basis", "confidence", "events", "minLag", "maxLag", "candidates")
    return [{name: e[name] for name in kept} for e in sorted(graph.edges("LED_TO"), key=lambda e: e["firstAt"])]


def test_s1_a_managed_identity_reads_a_vault_through_a_private_endpoint(tmp_path: Path) -> None:
    mine = {"IPAddress": "40.113.32.32"}
    declared = Config(
        subscriptions={SUBSCRIPTION: TENANT}, complete=(Complete("AZKVAuditLogs"), Complete("AzureActivity"))
    )
    rows = [
        {**managed_sign_in(1, at("12:25:20.772"), resource=ARM), **mine},
        {**managed_sign_in(2, at("12:25:33.832")), **mine},
        vault_act(1, at("12:25:33.891"), ip="10.1.0.4"),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows, *_LATER)}, config=declared)
    assert _sign_ins(graph) == [(1, 0, 0, 0, 1, "changesOnly"), (1, 1, 0, 0, 0, "complete")]
    link = {"basis": "window", "confidence": "high", "events": 1, "minLag": 59, "maxLag": 59, "candidates": 1}
    assert _links(graph)[:1] == [link]


def test_s2_a_pipeline_signs_in_from_two_addresses(tmp_path: Path) -> None:
    first, second = "52.236.147.236", "13.79.17.252"
    rows = [
        *(sign_in(n, at(t), resource=ARM, ip=first)
          for n, t in enumerate(["17:17:20.622", "17:17:20.733", "17:17:21.047"], 1)),
        sign_in(4, at("17:18:16.087"), resource=ARM, ip=second),
        *(arm_act(n, at(t), ip=second, resource=f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg{n}")
          for n, t in enumerate(["17:18:16.614", "17:18:17.383", "17:19:06.814", "17:20:01.801"], 1)),
        arm_act(5, at("17:28:22"), ip=second, operation="Microsoft.Authorization/policies/audit/action"),
    ]  # fmt: skip
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows, *_LATER)}, config=_CONFIG)
    assert [row[:5] for row in _sign_ins(graph)] == [(3, 0, 0, 3, 0), (1, 1, 0, 0, 0)]
    mine = [link for link in _links(graph) if link["candidates"] == 4]
    # Four sign-ins could have led to each write by time alone: only the address tells them apart.
    assert [(e["basis"], e["confidence"], e["events"]) for e in mine] == [("window", "medium", 1)] * 4
    policy = graph.node("Activity", operation="microsoft.authorization/policies/audit/action")
    assert (policy["count"], policy["linkedCount"]) == (1, 0)


def test_s4_the_address_of_a_change_is_that_of_the_sign_in(tmp_path: Path) -> None:
    certificate = {"ServicePrincipalCredentialThumbprint": "AB" * 20, "ClientCredentialType": "clientAssertion"}
    rows = [
        sign_in(1, at("16:24:39.819"), resource=GRAPH, ip="20.50.2.80", **certificate),
        audit(
            1, at("16:24:40.181"), "Delete conditional access policy", target("Policy", guid("8", 1)), by_principal=1
        ),
        audit(
            2, at("16:24:40.299"), "Update conditional access policy", target("Policy", guid("8", 2)), by_principal=1
        ),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    assert [(e["basis"], e["confidence"], e["minLag"]) for e in graph.edges("LED_TO")] in (
        [("window", "high", 362), ("window", "high", 480)],
        [("window", "high", 480), ("window", "high", 362)],
    )
    changes = {"Directory_1", "Directory_2"}
    derived = {(e["fromKey"], e["toKey"], e["basis"]) for e in graph.edges("FROM") if e["fromLabel"] == "Change"}
    assert derived == {(change, "20.50.2.80", "signIn") for change in changes}
    used = graph.node("Credential")
    assert (used["labels"], used["thumbprint"]) == ("Credential:Certificate", "AB" * 20)


def test_r1_failures_are_grouped_by_principal_address_and_code(tmp_path: Path) -> None:
    codes = {"7000222": "credentialFailed", "700016": "identityUnknown"}
    rows = [
        sign_in(10 * n + m, at(f"07:{n}{m}"), result=code, ServicePrincipalName=f"name {m}")
        for n, code in enumerate(codes)
        for m in range(3)
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    found = {(row["resultCode"], row["resultClass"], row["count"], row["evidence"]) for row in graph.nodes("SignIn")}
    assert found == {(code, result_class, 3, "notApplicable") for code, result_class in codes.items()}
    assert len(graph.edges("SIGNED_IN")) == 2


def test_r2_a_new_key_leads_to_its_sign_ins_by_identity_and_not_by_name(tmp_path: Path) -> None:
    rows = [
        sign_in(1, at("07:00"), ServicePrincipalName="payroll"),
        # Renamed, given a key, renamed back; a decoy takes the name meanwhile.
        rename(1, at("08:00"), "payroll", "Azure Backup", details={"AppId": guid("a", 1)}),
        key_change(2, at("08:30"), [key(1)], [key(1), key(2)], details={"AppId": guid("a", 1)}),
        rename(3, at("09:00"), "Azure Backup", "payroll", details={"AppId": guid("a", 1)}),
        rename(4, at("08:10"), "decoy", "payroll", number_of=2, details={"AppId": guid("a", 2)}),
        sign_in(2, at("07:30"), principal=2, app=2, ServicePrincipalName="decoy"),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    identity = f"{TENANT}/app:{guid('a', 1)}"
    parts = {e["fromKey"]: e["toKey"] for e in graph.edges("PART_OF")}
    (added,) = [e for e in graph.edges("ADDED")]
    assert parts[added["objectKey"]] == identity
    assert {parts[e["fromKey"]] for e in graph.edges("SIGNED_IN")} == {identity, f"{TENANT}/app:{guid('a', 2)}"}
    names = {row["key"]: (row["name"], row["formerNames"]) for row in graph.nodes("Identity")}
    assert names[identity] == ("payroll", ["Azure Backup"])
    assert names[f"{TENANT}/app:{guid('a', 2)}"] == ("payroll", ["decoy"])
