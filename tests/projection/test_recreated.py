"""The same thing again, or only the same name: shown and never joined. Deletion and restore in time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import TENANT, at, audit, created, deleted, guid, jsonl, moment, rename, sign_in, target
from tests.endtoend.harness import Graph, graph_of

Row = dict[str, Any]


def _edges(graph: Graph, kind: str) -> list[tuple[str, str, str]]:
    """(object id, object id, basis)."""
    short = [(e["fromKey"].rpartition("/")[2], e["toKey"].rpartition("/")[2], e["basis"]) for e in graph.edges(kind)]
    return sorted(short)


def _named(number: int, when: str, name: str, *, number_of: int, app: int) -> Row:
    """A service principal is created under a name."""
    row = created(number, when, number_of=number_of, app=app)
    properties = row["TargetResources"][0]["modifiedProperties"]
    properties.append({"displayName": "DisplayName", "oldValue": "[]", "newValue": json.dumps([name])})
    return row


_ONE, _TWO, _THREE = guid("d", 1), guid("d", 2), guid("d", 3)
_RECREATED: dict[str, tuple[list[Row], list[tuple[str, str, str]]]] = {
    "by app id": (
        [sign_in(1, at("06:00")), deleted(1, at("07:00")), created(2, at("08:00"), number_of=2)],
        [(_ONE, _TWO, "appId")]),
    "by app id and name": (
        [sign_in(1, at("06:00")), deleted(1, at("07:00")), _named(2, at("08:00"), "Payroll", number_of=2, app=1)],
        [(_ONE, _TWO, "appId+name")]),
    "by name": (
        [sign_in(1, at("06:00")), deleted(1, at("07:00")), _named(2, at("08:00"), "Payroll", number_of=2, app=2)],
        [(_ONE, _TWO, "name")]),
    "by the name that it had at creation": (
        [sign_in(1, at("06:00")), deleted(1, at("07:00")), _named(2, at("08:00"), "Payroll", number_of=2, app=2),
         rename(3, at("08:30"), "Payroll", "Other", number_of=2, kind="ServicePrincipal")],
        [(_ONE, _TWO, "name")]),
    "one after the other": (
        [created(1, at("05:00")), deleted(2, at("06:00")), created(3, at("07:00"), number_of=2),
         deleted(4, at("08:00"), number_of=2), created(5, at("09:00"), number_of=3)],
        [(_ONE, _TWO, "appId"), (_TWO, _THREE, "appId")]),
    "restored": (
        [sign_in(1, at("06:00")), deleted(1, at("07:00")),
         audit(2, at("07:30"), "Restore service principal", target("ServicePrincipal", _ONE)),
         _named(3, at("08:00"), "Payroll", number_of=2, app=2)], []),
    "an object of the name that is only seen later": (
        [sign_in(1, at("06:00")), deleted(1, at("07:00")), sign_in(2, at("08:00"), principal=2, app=2)], []),
    "created before the other was deleted": (
        [sign_in(1, at("06:00")), _named(1, at("06:30"), "Payroll", number_of=2, app=2), deleted(2, at("07:00"))], []),
}  # fmt: skip


@pytest.mark.parametrize("case", _RECREATED)
def test_recreated(tmp_path: Path, case: str) -> None:
    rows, expected = _RECREATED[case]
    assert _edges(graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)}), "RECREATED_AS") == expected


def test_deletion_counts_from_the_first_of_its_records_until_a_restore(tmp_path: Path) -> None:
    def restored(number: int, when: str, of: int) -> Row:
        return audit(number, when, "Restore service principal", target("ServicePrincipal", guid("d", of)))

    def hard(number: int, when: str, of: int) -> Row:
        return audit(number, when, "Hard delete service principal", target("ServicePrincipal", guid("d", of)))

    rows = [
        *(deleted(1, at("07:00")), hard(2, at("07:00", 30), 1)),
        *(deleted(3, at("07:00"), number_of=2), restored(4, at("08:00"), 2)),
        *(deleted(5, at("07:00"), number_of=3), restored(6, at("08:00"), 3), deleted(7, at("09:00"), number_of=3)),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    lives = {
        o["objectId"]: (o["deletedAt"], o["restoredAt"])
        for o in graph.nodes("DirectoryObject", kind="servicePrincipal")
    }
    assert lives == {
        _ONE: (moment("07:00"), None),
        _TWO: (None, moment("08:00")),
        _THREE: (moment("09:00"), moment("08:00")),
    }


def test_a_deleted_object_that_an_inventory_lists_later_lives(tmp_path: Path) -> None:
    listed = {"id": _ONE, "appId": guid("a", 1), "servicePrincipalType": "Application", "deletedDateTime": None}
    page = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#servicePrincipals", "value": [listed]}
    files = {"servicePrincipals-2026-05-12.json": json.dumps(page).encode(), "c.jsonl": jsonl(deleted(1, at("07:00")))}
    graph = graph_of(tmp_path, files, tenant=TENANT)
    assert graph.node("DirectoryObject", objectId=_ONE)["deletedAt"] is None


def test_objects_of_one_name_are_candidates_and_stay_apart(tmp_path: Path) -> None:
    rows = [
        sign_in(1, at("06:00")),
        sign_in(2, at("06:01"), principal=2, app=2),
        sign_in(3, at("06:02"), principal=3, app=3),
        deleted(1, at("07:00"), number_of=3),
        # Of its own identity, and of another name.
        created(2, at("05:00"), kind="Application", number_of=1),
        rename(3, at("05:30"), "Payrol", "Payroll", number_of=1),
        sign_in(4, at("06:03"), principal=4, app=4, ServicePrincipalName="Other"),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    assert _edges(graph, "SAME_NAME_AS") == [(guid("b", 1), _TWO, "name"), (_ONE, _TWO, "name")]
    assert len(graph.nodes("Identity")) == 4


def test_an_object_without_a_name_is_a_candidate_under_the_name_it_was_shown_as(tmp_path: Path) -> None:
    shown = [
        audit(
            number, at("07:00"), "Update application", target("Application", guid("b", number)) | {"displayName": name}
        )
        for number, name in ((1, "Payroll"), (2, guid("a", 1)), (3, "Something else"))
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(sign_in(1, at("06:00")), *shown)})
    assert _edges(graph, "SAME_NAME_AS") == [(_ONE, guid("b", 1), "shownName")]


def test_many_objects_of_one_name_are_a_chain(tmp_path: Path) -> None:
    rows = [sign_in(n, at("06:00"), principal=n, app=n) for n in range(1, 31)]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    assert _edges(graph, "SAME_NAME_AS") == [(guid("d", n), guid("d", n + 1), "name") for n in range(1, 30)]


def test_the_name_in_a_detection_is_a_hint_and_no_witness_of_a_name(tmp_path: Path) -> None:
    detection = {
        "Type": "AADServicePrincipalRiskEvents", "TimeGenerated": at("09:00"), "DetectedDateTime": at("09:00"),
        "ActivityDateTime": at("07:00"), "Id": guid("7", 1), "RiskEventType": "leakedCredentials",
        "ServicePrincipalId": guid("d", 2), "ServicePrincipalDisplayName": "Payroll", "AADTenantId": TENANT,
    }  # fmt: skip
    # Its service principal bears another name, whatever the detection shows.
    other = {
        **detection,
        "Id": guid("7", 2),
        "ServicePrincipalId": guid("d", 1),
        "ServicePrincipalDisplayName": "Old name",
    }
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(sign_in(1, at("06:00")), detection, other)})
    assert _edges(graph, "SAME_NAME_AS") == [(_ONE, _TWO, "shownName")]
    assert [(e["toKey"].partition("/")[2], e["basis"]) for e in graph.edges("NAMED")] == [("Payroll", "signIn")]
