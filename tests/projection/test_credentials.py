"""Lives of credentials: added, replaced, renamed, removed, federated, reported by Microsoft."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import (
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
    moment,
    sign_in,
    target,
)
from tests.endtoend.harness import Graph, graph_of

Row = dict[str, Any]
_IDENTITY = (
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg1/providers/microsoft.managedidentity/userassignedidentities/mi"
)
_FEDERATED = {"Name": "github", "Issuer": "https://issuer.example", "Subject": "repo:a/b", "Id": guid("9", 5)}


def _moves(graph: Graph, kind: str) -> list[tuple[str, str]]:
    """(change, credential key without tenant) of ADDED or REMOVED."""
    found = [(e["fromKey"], e["toKey"].partition("/")[2]) for e in graph.edges(kind, toLabel="Credential")]
    return sorted(found)


def test_keys_added_next_to_replaced_renamed_and_removed(tmp_path: Path) -> None:
    one, two, three = (f"key:{guid('f', n)}" for n in (1, 2, 3))
    rows = [
        key_change(1, at("06:00"), [], [key(1, "a")]),
        key_change(2, at("07:00"), [key(1, "a")], [key(2), key(1, "a")]),
        key_change(3, at("08:00"), [key(1, "a"), key(2)], [key(1, "b"), key(2)]),
        key_change(4, at("09:00"), [key(1, "b"), key(2)], [key(3), key(2)]),
        key_change(5, at("10:00"), [key(3), key(2)], []),
        key_change(6, at("11:00"), [], [key(2)]),
    ]
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(*rows)})
    added = [("Directory_1", one), ("Directory_2", two), ("Directory_4", three), ("Directory_6", two)]
    assert _moves(graph, "ADDED") == added
    assert _moves(graph, "REMOVED") == [("Directory_4", one), ("Directory_5", two), ("Directory_5", three)]
    assert graph.node("Credential", keyId=guid("f", 1))["displayName"] == "b"
    removed = {c["keyId"][-1]: c["removedAt"] for c in graph.nodes("Credential")}
    # The second one was added again.
    assert removed == {"1": moment("09:00"), "2": None, "3": moment("10:00")}
    held = [(e["toKey"].partition("/")[2], e["validFrom"], e["validTo"]) for e in graph.edges("HAS_CREDENTIAL")]
    assert sorted(held, key=lambda e: e[:2]) == [
        (one, moment("06:00"), moment("09:00")),
        (two, moment("07:00"), moment("10:00")),
        (two, moment("11:00"), None),
        (three, moment("09:00"), moment("10:00")),
    ]


def test_a_thumbprint_gives_way_to_the_key_id_that_is_stated_with_it(tmp_path: Path) -> None:
    thumb = {"ServicePrincipalCredentialThumbprint": "AB" * 20, "ClientCredentialType": "certificate"}
    rows = [
        sign_in(1, at("06:00"), **thumb),
        sign_in(2, at("07:00"), ServicePrincipalCredentialKeyId=guid("f", 1), **thumb),
    ]
    graph = graph_of(tmp_path, {"s.jsonl": jsonl(*rows)})
    found = graph.node("Credential")
    assert (found["keyId"], found["thumbprint"], found["labels"]) == (guid("f", 1), "AB" * 20, "Credential:Certificate")
    assert (found["firstUsed"], found["lastUsed"]) == (moment("06:00"), moment("07:00"))
    assert len(graph.edges("USED")) == 2


def test_a_federated_credential_of_a_managed_identity_is_one_in_every_log(tmp_path: Path) -> None:
    write = arm_act(
        1, at("06:00"), principal=9, app=9, resource=f"{_IDENTITY}/federatedIdentityCredentials/github",
        operation="MICROSOFT.MANAGEDIDENTITY/USERASSIGNEDIDENTITIES/FEDERATEDIDENTITYCREDENTIALS/WRITE",
    )  # fmt: skip
    known = managed_sign_in(1, at("05:00"), ManagedServiceIdentity={"associatedResourceId": _IDENTITY})
    listed = audit(
        2, at("06:01"), "Update service principal",
        target("ServicePrincipal", guid("d", 1), FederatedIdentityCredentials=([], [_FEDERATED])),
    )  # fmt: skip
    used = sign_in(2, at("07:00"), FederatedCredentialId=_FEDERATED["Id"])
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(known, write, listed, used)}, tenant=TENANT)
    found = graph.node("Credential")
    assert (found["federatedId"], found["issuer"], found["subject"], found["addedAt"], found["firstUsed"]) == (
        _FEDERATED["Id"], "https://issuer.example", "repo:a/b", moment("06:00"), moment("07:00"),
    )  # fmt: skip
    assert {e["fromLabel"] for e in graph.edges("ADDED")} == {"Activity", "Change"}
    assert {e["fromKey"] for e in graph.edges("HAS_CREDENTIAL")} == {f"{TENANT}/{guid('d', 1)}"}


def test_a_detection_is_about_the_principal_the_sign_in_and_the_keys_that_it_names(tmp_path: Path) -> None:
    detection = {
        "Type": "AADServicePrincipalRiskEvents", "TimeGenerated": at("09:00", 3), "DetectedDateTime": at("09:00", 3),
        "ActivityDateTime": at("07:00"), "Id": guid("7", 1), "RequestId": guid("5", 2),
        "RiskEventType": "leakedCredentials", "RiskState": "atRisk", "AppId": guid("a", 1),
        "ServicePrincipalId": guid("d", 1), "KeyIds": [guid("f", 1), guid("f", 7)],
    }  # fmt: skip
    own = {"ServicePrincipalCredentialKeyId": guid("f", 1)}
    rows = [
        sign_in(1, at("06:00"), **own),
        sign_in(2, at("07:00"), **own),
        sign_in(3, at("07:10"), ip="198.51.100.1", **own),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows, detection)}, tenant=TENANT)
    (fold,) = [s for s in graph.nodes("SignIn") if guid("5", 2) in s["sampleIds"]]
    assert sorted((e["toLabel"], e["toKey"]) for e in graph.edges("ABOUT")) == [
        ("Credential", f"{TENANT}/key:{guid('f', 1)}"),
        ("Credential", f"{TENANT}/key:{guid('f', 7)}"),
        ("DirectoryObject", f"{TENANT}/{guid('d', 1)}"),
        ("SignIn", fold["key"]),
    ]
    # Nothing else knows of the second key.
    assert graph.node("Credential", keyId=guid("f", 7))["origin"] == "unknown"
