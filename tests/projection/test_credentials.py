"""Lives of credentials: added, replaced, renamed, removed, federated, reported by Microsoft."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    SUBSCRIPTION,
    TENANT,
    arm_act,
    at,
    audit,
    created,
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
from tests.shapes import SHAPES

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


def test_an_addition_tells_the_last_success_of_its_identity_with_anything_else(tmp_path: Path) -> None:
    def used(n: int, when: str, number: int | None, **more: Any) -> Row:
        return sign_in(n, at(when), ServicePrincipalCredentialKeyId="" if number is None else guid("f", number), **more)

    one, two, three, four = (key(n) for n in (1, 2, 3, 4))
    rows = [
        created(1, at("04:00"), kind="Application"),
        created(2, at("04:00")),
        key_change(3, at("05:00"), [], [one]),
        used(1, "06:00", 1),
        used(2, "06:40", 1),
        used(3, "06:50", 2, principal=None),
        # Neither failures nor another identity tell of a working key.
        used(4, "06:55", 3, result="7000215"),
        used(5, "06:58", 3, principal=2, app=2),
        key_change(4, at("07:00"), [one], [two, one]),
        key_change(5, at("07:10"), [two, one], [three, two, one]),
        used(6, "07:20", 3),
        used(7, "07:30", None),
        used(8, "07:40", 3),
        key_change(6, at("07:30"), [three, two, one], [four, three, two, one]),
        key_change(7, at("07:45"), [four, two, one], [three, four, two, one]),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    told = {e["fromKey"]: (e["lastSuccess"], e["lastSuccessIds"]) for e in graph.edges("ADDED", toLabel="Credential")}
    assert told == {
        "Directory_3": (None, None),
        # With the key itself its last use does not count.
        "Directory_4": (moment("06:40"), [guid("5", 1), guid("5", 2)]),
        "Directory_5": (moment("06:50"), [guid("5", 3)]),
        # What happens at the same moment is not before. Of the last hour the first and the last are known.
        "Directory_6": (moment("07:20"), [guid("5", 6), guid("5", 8)]),
        "Directory_7": (moment("07:30"), [guid("5", 7)]),
    }


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
        target("ServicePrincipal", guid("d", 1), FederatedIdentityCredentials=([], [{**_FEDERATED, "Name": "GitHub"}])),
    )  # fmt: skip
    used = sign_in(2, at("07:00"), FederatedCredentialId=_FEDERATED["Id"])
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(known, write, listed, used)}, tenant=TENANT)
    found = graph.node("Credential")
    assert (found["federatedId"], found["issuer"], found["subject"], found["addedAt"], found["firstUsed"]) == (
        _FEDERATED["Id"], "https://issuer.example", "repo:a/b", moment("06:00"), moment("07:00"),
    )  # fmt: skip
    assert {e["fromLabel"] for e in graph.edges("ADDED")} == {"Activity", "Change"}
    assert {e["fromKey"] for e in graph.edges("HAS_CREDENTIAL")} == {f"{TENANT}/{guid('d', 1)}"}


_LISTED = {part.lower(): value for part, value in _FEDERATED.items() if part != "Id"} | {"audiences": ["x"]}
_PATH = f"{_IDENTITY}/federatedIdentityCredentials/GitHub"
_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"


@pytest.mark.parametrize(
    "listed",
    [
        {"id": _PATH, "name": "GitHub", "type": _TYPE, "properties": _LISTED},
        {**_LISTED, "id": _PATH, "name": "GitHub", "resourceGroup": "rg1", "type": _TYPE},
    ],
)
def test_a_listed_federated_credential_of_a_managed_identity_is_the_one_in_the_logs(
    tmp_path: Path, listed: Row
) -> None:
    write = arm_act(
        1, at("06:00"), principal=9, app=9, resource=f"{_IDENTITY}/federatedIdentityCredentials/github",
        operation="MICROSOFT.MANAGEDIDENTITY/USERASSIGNEDIDENTITIES/FEDERATEDIDENTITYCREDENTIALS/WRITE",
    )  # fmt: skip
    known = managed_sign_in(1, at("05:00"), ManagedServiceIdentity={"associatedResourceId": _IDENTITY})
    files = {"rows.jsonl": jsonl(write), "credentials-2026-05-12.json": json.dumps({"value": [listed]}).encode()}
    # Before anything ties the identity to its service principal, both name it by its Azure id.
    alone = graph_of(tmp_path / "alone", files, tenant=TENANT).node("Credential")
    assert (alone["key"], alone["subject"]) == (f"{TENANT}/fic:{_IDENTITY}/github", "repo:a/b")
    graph = graph_of(tmp_path / "known", files | {"known.jsonl": jsonl(known)}, tenant=TENANT)
    found = graph.node("Credential")
    assert (found["issuer"], found["subject"], found["addedAt"]) == (
        "https://issuer.example",
        "repo:a/b",
        moment("06:00"),
    )
    held = {(e["fromKey"], e["basis"]) for e in graph.edges("HAS_CREDENTIAL")}
    assert held == {(f"{TENANT}/{guid('d', 1)}", "audit"), (f"{TENANT}/{guid('d', 1)}", "inventory")}


_SERVICE = "https://graph.microsoft.com/v1.0/$metadata#"
# A page of federated credentials says around them whose they are.
_PAGES = {
    "by object id": f"{_SERVICE}applications('{guid('b', 1)}')/federatedIdentityCredentials",
    "by app id": f"{_SERVICE}applications(appId='{guid('a', 1)}')/federatedIdentityCredentials",
}


@pytest.mark.parametrize("page", _PAGES)
def test_a_listed_federated_credential_belongs_to_its_application_and_gives_it_no_name(
    tmp_path: Path, page: str
) -> None:
    application = {"id": guid("b", 1), "appId": guid("a", 1), "displayName": "Payroll"}
    listed = {part[0].lower() + part[1:]: value for part, value in _FEDERATED.items()} | {"audiences": ["x"]}
    files = {
        "applications-2026-05-01.json": {"@odata.context": _SERVICE + "applications", "value": [application]},
        "credentials-2026-05-09.json": {"@odata.context": _PAGES[page], "value": [listed]},
    }
    graph = graph_of(tmp_path, {name: json.dumps(content).encode() for name, content in files.items()}, tenant=TENANT)
    named = graph.node("DirectoryObject")
    assert (named["objectId"], named["name"]) == (guid("b", 1), "Payroll")
    assert [row["value"] for row in graph.nodes("Name")] == ["Payroll"]
    held = [(e["fromKey"], e["toKey"], e["basis"]) for e in graph.edges("HAS_CREDENTIAL")]
    assert held == [(f"{TENANT}/{guid('b', 1)}", f"{TENANT}/fic:{_FEDERATED['Id']}", "inventory")]


def test_an_application_that_only_a_list_of_federated_credentials_names_is_a_placeholder(tmp_path: Path) -> None:
    listed = {part[0].lower() + part[1:]: value for part, value in _FEDERATED.items()}
    content = json.dumps({"@odata.context": _PAGES["by object id"], "value": [listed]}).encode()
    graph = graph_of(tmp_path, {"credentials-2026-05-09.json": content}, tenant=TENANT)
    placeholder = graph.node("DirectoryObject")
    assert (placeholder["objectId"], placeholder["name"], placeholder["placeholder"]) == (guid("b", 1), None, True)
    assert [e["fromKey"] for e in graph.edges("HAS_CREDENTIAL")] == [placeholder["key"]]


_TRUST = {"Issuer": "https://issuer.example", "Subject": "repo:a/b"}
# Two credentials that trust the same issuer and subject and state no id, of which the second is removed later.
_ALIKE = {
    "audiences alone": ({**_TRUST, "Audiences": ["one"]}, {**_TRUST, "Audiences": ["two"]}),
    "names alone": ({**_TRUST, "Name": "one"}, {**_TRUST, "Name": "two"}),
    "one names no audience": ({**_TRUST, "Audiences": ["one"]}, _TRUST),
    "no issuer": ({"Subject": "repo:a/b", "Name": "one"}, {"Subject": "repo:a/b"}),
}


@pytest.mark.parametrize("shape", ["export", "workspace", "csv"])
def test_federated_credentials_without_ids_are_told_apart_by_name_and_audiences(tmp_path: Path, shape: str) -> None:
    def listed(n: int, time: str, case: int, old: list[Row], new: list[Row]) -> Row:
        lists = target("Application", guid("b", case), FederatedIdentityCredentials=(old, new))
        return audit(10 * case + n, at(time), "Update application", lists)

    rows = [
        row for case, (one, two) in enumerate(_ALIKE.values())
        for row in (listed(1, "06:00", case, [], [one, two]), listed(2, "07:00", case, [two, one], [one]))
    ]  # fmt: skip
    graph = graph_of(tmp_path, SHAPES[shape](*rows))
    lives = [(e["fromKey"], e["validFrom"], e["validTo"]) for e in graph.edges("HAS_CREDENTIAL")]
    expected = [
        (f"{TENANT}/{guid('b', case)}", moment("06:00"), until)
        for case in range(len(_ALIKE)) for until in (moment("07:00"), None)
    ]  # fmt: skip
    assert (len(lives), set(lives)) == (len(expected), set(expected))


def test_a_federated_credential_that_trusts_another_subject_from_now_on_shows_both_in_time(tmp_path: Path) -> None:
    def trusts(n: int, time: str, old: list[Row], new: list[Row]) -> Row:
        return audit(
            n, time, "Update application", target("Application", guid("b", 1), FederatedIdentityCredentials=(old, new))
        )

    first = {**_FEDERATED, "Subject": "repo:z/z"}
    unnamed = {name: part for name, part in _FEDERATED.items() if name != "Id"}
    for_others = {**unnamed, "Name": "other", "Audiences": ["api://own"]}
    rows = [
        trusts(1, at("06:00"), [], [first]),
        trusts(2, at("07:00"), [first], [_FEDERATED]),
        trusts(3, at("08:00", 2), [], [unnamed, for_others]),
        trusts(4, at("09:00", 2), [unnamed, for_others], [for_others]),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    changed, other = (graph.node("Credential", displayName=name) for name in ("github", "other"))
    assert (changed["subject"], changed["addedAt"], changed["removedAt"]) == (
        "repo:a/b",
        moment("06:00"),
        moment("09:00", 2),
    )
    assert (other["subject"], other["removedAt"]) == ("repo:a/b", None)
    told = [
        (e["fromKey"], e["type"], e["subject"]) for kind in ("ADDED", "REMOVED")
        for e in ({**edge, "type": kind} for edge in graph.edges(kind, toKey=changed["key"]))
    ]  # fmt: skip
    assert sorted(told) == [
        ("Directory_1", "ADDED", "repo:z/z"),
        ("Directory_2", "ADDED", "repo:a/b"),
        ("Directory_2", "REMOVED", "repo:z/z"),
        ("Directory_3", "ADDED", "repo:a/b"),
        ("Directory_4", "REMOVED", "repo:a/b"),
    ]
    held = [(e["validFrom"], e["validTo"]) for e in graph.edges("HAS_CREDENTIAL", toKey=changed["key"])]
    assert sorted(held) == [
        (moment("06:00"), moment("07:00")),
        (moment("07:00"), moment("09:00", 2)),
    ]


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


def _numbered(number: int, before: list[str], after: list[str], when: str = "06:00") -> Row:
    """A record of one operation: the number at the end of its id says in which order it was written."""
    return {**key_change(number, at(when), before, after, correlation=1), "Id": f"Directory_{guid('c', 1)}_X_{number}"}


# Records; when the key was removed; when it was held.
_LIVES: dict[str, tuple[list[Row], Any, list[tuple[Any, Any]]]] = {
    "removed and added again in one operation": (
        [_numbered(9, [key(1)], []), _numbered(10, [], [key(1)])], None,
        [(None, moment("06:00")), (moment("06:00"), None)]),
    "added and removed in one operation": (
        [_numbered(9, [], [key(1)]), _numbered(10, [key(1)], [])], moment("06:00"),
        [(moment("06:00"), moment("06:00"))]),
    "a later list shows it again": (
        [_numbered(1, [key(1)], []), _numbered(2, [key(1)], [key(1), key(2)], "08:00")], None,
        [(None, moment("06:00")), (moment("08:00"), None)]),
    "an earlier list shows it": (
        [_numbered(1, [key(1)], [key(1), key(2)]), _numbered(2, [key(1), key(2)], [key(2)], "08:00")], moment("08:00"),
        [(None, moment("08:00"))]),
}  # fmt: skip


@pytest.mark.parametrize("case", _LIVES)
def test_life_of_a_key(tmp_path: Path, case: str) -> None:
    rows, removed, held = _LIVES[case]
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(*reversed(rows))})
    found = graph.node("Credential", keyId=guid("f", 1))
    assert found["removedAt"] == removed
    intervals = [(e["validFrom"], e["validTo"]) for e in graph.edges("HAS_CREDENTIAL", toKey=found["key"])]
    assert sorted(intervals, key=lambda i: (i[0] is not None, i)) == held


def test_a_key_next_to_others_in_a_list_that_is_cut_off_was_added_and_none_removed(tmp_path: Path) -> None:
    row = key_change(1, at("06:00"), [key(1), key(4)], [key(1), key(2), key(3)])
    (changed,) = row["TargetResources"][0]["modifiedProperties"]
    changed["newValue"] = changed["newValue"][:-30]
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(row)})
    assert _moves(graph, "ADDED") == [("Directory_1", f"key:{guid('f', 2)}")]
    assert _moves(graph, "REMOVED") == []


def test_a_thumbprint_is_one_in_every_spelling(tmp_path: Path) -> None:
    spellings = ["ab" * 20, ":".join(["AB"] * 20), base64.b64encode(bytes.fromhex("ab" * 20)).decode()]
    rows = [
        sign_in(n, at(f"0{n}:00"), ServicePrincipalCredentialThumbprint=text) for n, text in enumerate(spellings, 1)
    ]
    graph = graph_of(tmp_path, {"s.jsonl": jsonl(*rows)})
    assert graph.node("Credential")["thumbprint"] == "AB" * 20


def test_what_a_federated_credential_trusts_may_stand_in_the_record_of_the_start(tmp_path: Path) -> None:
    resource = f"{_IDENTITY}/federatedIdentityCredentials"
    operation = "MICROSOFT.MANAGEDIDENTITY/USERASSIGNEDIDENTITIES/FEDERATEDIDENTITYCREDENTIALS/WRITE"
    body = {"requestbody": json.dumps({"properties": {"issuer": "https://issuer.example", "subject": "repo:a/b"}})}

    def acts(number: int, name: str, *outcomes: str) -> list[Row]:
        return [
            arm_act(number, at("06:00"), principal=9, app=9, resource=f"{resource}/{name}", operation=operation,
                    ActivityStatusValue=outcome, Properties_d=body if outcome == "Start" else {})
            for outcome in outcomes
        ]  # fmt: skip

    rows = [*acts(1, "github", "Start", "Accept", "Success"), *acts(2, "refused", "Start", "Failure")]
    found = graph_of(tmp_path, {"a.jsonl": jsonl(*rows)}, tenant=TENANT).node("Credential")
    assert (found["displayName"], found["issuer"], found["subject"]) == ("github", "https://issuer.example", "repo:a/b")
