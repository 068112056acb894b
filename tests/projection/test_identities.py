"""Which objects are one identity, which are in conflict, and that a name or a batch never joins anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    GRAPH,
    OTHER_TENANT,
    SUBSCRIPTION,
    TENANT,
    arm_act,
    at,
    audit,
    created,
    deleted,
    guid,
    jsonl,
    managed_sign_in,
    rename,
    sign_in,
    target,
    user_sign_in,
    vault_act,
)
from tests.endtoend.harness import Graph, Place, graph_of
from tests.shapes import SHAPES


def parts(graph: Graph) -> dict[str, tuple[str, str, str]]:
    """Object id → (identity id, basis, confidence)."""
    objects = {row["key"]: row["objectId"] for row in graph.nodes("DirectoryObject")}
    identities = {row["key"]: row["identityId"] for row in graph.nodes("Identity")}
    return {
        objects[e["fromKey"]]: (identities[e["toKey"]], e["basis"], e["confidence"]) for e in graph.edges("PART_OF")
    }


def conflicts(graph: Graph) -> list[tuple[str, list[str], list[str]]]:
    """(kind, ids it is between, events)."""
    ends = [(e["fromKey"], e["toKey"].rpartition("/")[2]) for e in graph.edges("BETWEEN")]
    return [
        (row["kind"], sorted(end for key, end in ends if key == row["key"]), row["eventIds"])
        for row in graph.nodes("Conflict")
    ]


def test_two_service_principals_of_one_app_at_a_time_are_a_conflict(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, {"s.jsonl": jsonl(sign_in(1, at("07:00")), sign_in(2, at("07:01"), principal=2, app=1))})
    app = f"app:{guid('a', 1)}"
    assert parts(graph) == {guid("d", n): (app, "signIn", "exact") for n in (1, 2)}
    expected = [guid("a", 1), guid("d", 1), guid("d", 2)]
    assert conflicts(graph) == [("twoServicePrincipals", expected, [guid("5", 1), guid("5", 2)])]


def test_a_recreated_service_principal_is_none(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        {
            "c.jsonl": jsonl(
                created(1, at("06:00"), number_of=1),
                deleted(2, at("06:30"), number_of=1),
                created(3, at("06:45"), number_of=2),
            ),
            "s.jsonl": jsonl(sign_in(1, at("06:10")), sign_in(2, at("07:01"), principal=2, app=1)),
        },
    )
    assert conflicts(graph) == []
    assert {identity for identity, _, _ in parts(graph).values()} == {f"app:{guid('a', 1)}"}
    first, second = (graph.node("DirectoryObject", objectId=guid("d", n)) for n in (1, 2))
    assert (first["origin"], second["origin"]) == ("created", "created")
    assert first["deletedAt"] is not None and second["deletedAt"] is None
    assert graph.node("Identity")["deletedAt"] is None


def test_two_app_ids_of_one_service_principal_keep_it_alone(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, {"s.jsonl": jsonl(sign_in(1, at("07:00")), sign_in(2, at("07:01"), app=2))})
    assert parts(graph) == {guid("d", 1): (f"sp:{guid('d', 1)}", "own", "exact")}
    expected = [guid("a", 1), guid("a", 2), guid("d", 1)]
    assert conflicts(graph) == [("twoAppIds", expected, [guid("5", 1), guid("5", 2)])]


def test_one_id_as_two_kinds_is_a_plain_object_and_a_conflict(tmp_path: Path) -> None:
    record = audit(
        1, at("06:00"), "Update application", target("Application", guid("d", 1)), details={"AppId": guid("a", 1)}
    )
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(record), "s.jsonl": jsonl(sign_in(1, at("07:00")))})
    disputed = graph.node("DirectoryObject", objectId=guid("d", 1))
    assert (disputed["labels"], disputed["kind"], disputed["identityId"]) == ("DirectoryObject", "unknown", None)
    assert parts(graph) == {}
    assert conflicts(graph) == [("twoKinds", [guid("d", 1)], [guid("5", 1), "Directory_1"])]
    # What it did is still there.
    assert [e["fromKey"] for e in graph.edges("SIGNED_IN")] == [disputed["key"]]


def test_one_id_as_user_and_service_principal(tmp_path: Path) -> None:
    record = audit(1, at("06:00"), "Update user", target("User", guid("d", 1)))
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(record), "s.jsonl": jsonl(sign_in(1, at("07:00")))})
    assert graph.node("DirectoryObject", objectId=guid("d", 1))["labels"] == "DirectoryObject"
    assert [(kind, ends) for kind, ends, _ in conflicts(graph)] == [("twoKinds", [guid("d", 1)])]


def test_an_agent_identity_has_its_object_id_as_app_id(tmp_path: Path) -> None:
    own = {"AppId": guid("d", 1), "Agent": '{"agentType":"agenticAppInstance"}'}
    graph = graph_of(tmp_path, {"s.jsonl": jsonl(sign_in(1, at("07:00"), **own))})
    assert conflicts(graph) == []
    identity = graph.node("Identity")
    assert (identity["identityId"], identity["kind"]) == (f"app:{guid('d', 1)}", "agent")
    assert (
        graph.node("DirectoryObject", objectId=guid("d", 1))["labels"]
        == "DirectoryObject:ServicePrincipal:AgentIdentity"
    )


def _renames(first: int, second: int, correlations: tuple[int, int], *, start: int = 1) -> list[dict[str, Any]]:
    return [
        rename(start, at("06:00"), "a", "b", number_of=first, correlation=correlations[0]),
        rename(
            start + 1, at("06:00:01"), "a", "b", number_of=second, kind="ServicePrincipal", correlation=correlations[1]
        ),
    ]


def test_twin_records_join_application_object_and_service_principal(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(*_renames(1, 1, (9, 9))), "s.jsonl": jsonl(sign_in(1, at("07:00")))})
    app = f"app:{guid('a', 1)}"
    assert parts(graph) == {
        guid("b", 1): (app, "auditTwin", "high"),
        guid("d", 1): (app, "signIn", "exact"),
    }
    assert graph.node("Identity")["name"] == "b"
    assert graph.node("Identity")["formerNames"] == ["a", "Payroll"]


def test_twins_without_an_app_id_are_one_identity_of_the_service_principal(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(*_renames(1, 1, (9, 9)))})
    alone = (f"sp:{guid('d', 1)}", "auditTwin", "high")
    assert parts(graph) == {guid("b", 1): alone, guid("d", 1): alone}


def test_equal_names_and_a_batch_under_one_correlation_id_join_nothing(tmp_path: Path) -> None:
    names_only = _renames(1, 1, (1, 2))
    batch = _renames(2, 2, (9, 9), start=3) + _renames(3, 3, (9, 9), start=5)
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(*names_only, *batch)})
    assert parts(graph) == {
        **{guid("b", n): (f"reg:{guid('b', n)}", "own", "exact") for n in (1, 2, 3)},
        **{guid("d", n): (f"sp:{guid('d', n)}", "own", "exact") for n in (1, 2, 3)},
    }
    assert conflicts(graph) == []


def test_a_correlation_id_used_again_days_later_is_a_batch_however_it_was_loaded(tmp_path: Path) -> None:
    first = _renames(1, 1, (9, 9))
    later = [rename(7, at("06:00", day=9), "a", "b", number_of=2, correlation=9)]
    place = Place(tmp_path / "pieces")
    place.load({"1.jsonl": jsonl(*first)})
    place.graph()
    place.load({"2.jsonl": jsonl(*later)})
    whole = graph_of(tmp_path / "whole", {"all.jsonl": jsonl(*first, *later)})
    assert place.graph().tables() == whole.tables()
    assert {basis for _, basis, _ in parts(whole).values()} == {"own"}


def test_an_app_id_alone_is_an_identity_until_its_service_principal_is_known(tmp_path: Path) -> None:
    alone = sign_in(1, at("07:00"), principal=None)
    graph = graph_of(tmp_path / "1", {"s.jsonl": jsonl(alone)})
    assert parts(graph) == {}
    identity = graph.node("Identity", identityId=f"app:{guid('a', 1)}")
    assert [(e["fromLabel"], e["fromKey"]) for e in graph.edges("SIGNED_IN")] == [("Identity", identity["key"])]

    known = graph_of(tmp_path / "2", {"s.jsonl": jsonl(alone, sign_in(2, at("08:00")))})
    principal = f"{TENANT}/{guid('d', 1)}"
    assert [(e["fromLabel"], e["fromKey"]) for e in known.edges("SIGNED_IN")] == [("DirectoryObject", principal)] * 2
    assert known.node("Identity")["key"] == identity["key"]


def test_an_activity_by_app_id_alone_belongs_to_the_identity(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, {"a.jsonl": jsonl(vault_act(1, at("07:00"), principal=None))}, tenant=TENANT)
    assert [e["fromKey"] for e in graph.edges("PERFORMED")] == [f"{TENANT}/app:{guid('a', 1)}"]


def test_one_application_in_two_tenants_is_no_conflict(tmp_path: Path) -> None:
    rows = [sign_in(1, at("07:00")), sign_in(2, at("07:01"), principal=2, app=1, tenant=OTHER_TENANT)]
    graph = graph_of(tmp_path, {"s.jsonl": jsonl(*rows)})
    assert conflicts(graph) == []
    assert [row["tenantId"] for row in graph.nodes("Identity")] == [TENANT, OTHER_TENANT]


def test_the_resource_of_a_user_in_another_tenant_is_no_second_principal(tmp_path: Path) -> None:
    rows = [
        sign_in(1, at("07:00"), resource=GRAPH, ResourceServicePrincipalId=guid("d", 8)),
        user_sign_in(2, at("07:01"), resource=GRAPH, ResourceServicePrincipalId=guid("d", 9)),
    ]
    graph = graph_of(tmp_path, {"s.jsonl": jsonl(*rows)}, users="all")
    assert conflicts(graph) == []
    assert graph.nodes("DirectoryObject", objectId=guid("d", 9)) == []


def test_a_batch_of_one_application_and_one_principal_of_another_joins_nothing(tmp_path: Path) -> None:
    other_act = [
        rename(1, at("06:00"), "a", "b", number_of=1, correlation=8),
        deleted(2, at("06:00"), number_of=1, correlation=8),
    ]
    other_name = [
        rename(3, at("06:00"), "a", "b", number_of=2, correlation=9),
        rename(4, at("06:00"), "c", "d", number_of=2, kind="ServicePrincipal", correlation=9),
    ]
    graph = graph_of(tmp_path, {"c.jsonl": jsonl(*other_act, *other_name)})
    assert {basis for _, basis, _ in parts(graph).values()} == {"own"}
    assert len(graph.nodes("Identity")) == 4


def test_a_principal_that_was_restored_after_its_successor_went_is_no_conflict(tmp_path: Path) -> None:
    back = audit(5, at("09:00"), "Restore service principal", target("ServicePrincipal", guid("d", 1)))
    rows = [
        created(1, at("05:00")),
        deleted(2, at("06:00")),
        created(3, at("07:00"), number_of=2),
        deleted(4, at("08:00"), number_of=2),
        back,
    ]
    assert conflicts(graph_of(tmp_path / "1", {"c.jsonl": jsonl(*rows)})) == []
    # Back too early: both live.
    early = [*rows[:3], {**back, "ActivityDateTime": at("07:30"), "TimeGenerated": at("07:30")}, rows[3]]
    assert [kind for kind, _, _ in conflicts(graph_of(tmp_path / "2", {"c.jsonl": jsonl(*early)}))] == [
        "twoServicePrincipals"
    ]


_RISK = {
    "Type": "AADServicePrincipalRiskEvents", "TimeGenerated": at("09:00"), "DetectedDateTime": at("09:00"),
    "Id": guid("7", 1), "RiskEventType": "leakedCredentials", "AppId": guid("a", 1), "ServicePrincipalId": guid("d", 1),
}  # fmt: skip
_MI = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg1/providers/microsoft.managedidentity/userassignedidentities/mi"
_SITE = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg1/providers/microsoft.web/sites/site"


def _wrote(resource: str, answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    kind = resource.split("/providers/")[1].rpartition("/")[0].upper()
    body = json.dumps({"id": resource, **answer})
    return arm_act(
        1, at("07:00"), principal=9, app=9, resource=resource, operation=f"{kind}/WRITE",
        **{"Properties_d": {"responseBody": body}, **more},
    )  # fmt: skip


_IDS = {"principalId": guid("d", 1), "clientId": guid("a", 1)}
_NAMES = f"{guid('a', 1)};https://identity.azure.net/x="
_MANAGED = ("DirectoryObject:ServicePrincipal:ManagedIdentity", f"app:{guid('a', 1)}", "managedIdentity")
# Bridge → records; label of d…1, its identity and that identity's kind.
_BRIDGES: dict[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "detection": (_RISK, ("DirectoryObject:ServicePrincipal", f"app:{guid('a', 1)}", "application")),
    "risk state": (
        {"Type": "AADRiskyServicePrincipals", "TimeGenerated": at("09:00"), "Id": guid("d", 1),
         "AppId": guid("a", 1), "RiskLastUpdatedDateTime": at("09:00"), "RiskState": "atRisk"},
        ("DirectoryObject:ServicePrincipal", f"app:{guid('a', 1)}", "application")),
    "answer to the creation of a user-assigned identity": (_wrote(_MI, {"properties": _IDS}), _MANAGED),
    "identities of a resource in its answer": (
        _wrote(_SITE, {"identity": {"type": "UserAssigned", "userAssignedIdentities": {_MI: _IDS}}}), _MANAGED),
    "system-assigned identity in an answer": (
        _wrote(_SITE, {"identity": {"type": "SystemAssigned", "principalId": guid("d", 1)}}),
        ("DirectoryObject:ServicePrincipal:ManagedIdentity", f"sp:{guid('d', 1)}", "managedIdentity")),
    "a managed identity that acts in the directory": (
        audit(1, at("06:00"), "Update policy",
              target("Policy", guid("8", 1), ActorId_ServicePrincipalNames=(None, _NAMES)), by_principal=1), _MANAGED),
    "an agent identity in the audit log": (
        audit(1, at("06:00"), "Add service principal",
              target("ServicePrincipal", guid("d", 1), AppPrincipalId=([], [guid("d", 1)]))),
        ("DirectoryObject:ServicePrincipal:AgentIdentity", f"app:{guid('d', 1)}", "agent")),
    "an application of Microsoft whose owner no record states": (
        sign_in(1, at("07:00"), app=2, principal=2, resource=GRAPH, ResourceServicePrincipalId=guid("d", 1)),
        ("DirectoryObject:ServicePrincipal:MicrosoftOwned", f"app:{GRAPH}", "microsoft")),
}  # fmt: skip


@pytest.mark.parametrize("bridge", _BRIDGES)
def test_a_record_that_states_two_ids_says_whose_they_are(tmp_path: Path, bridge: str) -> None:
    row, (labels, identity_id, kind) = _BRIDGES[bridge]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(row)}, tenant=TENANT)
    found = graph.node("DirectoryObject", objectId=guid("d", 1))
    assert (found["labels"], found["identityId"]) == (labels, identity_id)
    assert graph.node("Identity", identityId=identity_id)["kind"] == kind


_SITES = [f"{_SITE}{n}" for n in (1, 2)]


def _associated(kind: str | None, resource: str, n: int) -> dict[str, Any]:
    stated = {"msiType": kind, "associatedResourceId": resource} if kind else {"associatedResourceId": resource}
    return managed_sign_in(n, at(f"0{n}:00"), ManagedServiceIdentity=stated)


def _token_of(principal: str, got_by: str) -> dict[str, Any]:
    claim = {"oid": guid("d", 1), "appid": guid("a", 1), "idtyp": "app", "xms_mirid": principal, "xms_az_rid": got_by}
    return vault_act(1, at("07:00"), Identity={"claim": claim})


# Records → what the managed identity is, what it is assigned to.
_OF_AZURE: dict[str, tuple[list[dict[str, Any]], list[str], list[str]]] = {
    "user-assigned, of two resources": (
        [_associated("userAssigned", site.upper(), n) for n, site in enumerate(_SITES)], [], _SITES),
    "user-assigned, by its own resource": ([_associated("userAssigned", _MI, 1)], [_MI], []),
    "system-assigned": ([_associated("systemAssigned", _SITES[0], 1)], _SITES[:1], []),
    "kind not stated": ([_associated(None, _SITES[0], 1)], _SITES[:1], []),
    "kind not stated, and a token of its own": (
        [_associated(None, _SITES[0], 1), _token_of(_MI.upper(), _SITES[1])], [_MI], _SITES),
    "system-assigned token": ([_token_of(_SITES[0], _SITES[0])], _SITES[:1], []),
}  # fmt: skip


@pytest.mark.parametrize("shape", ["export", "workspace", "csv"])
@pytest.mark.parametrize("case", _OF_AZURE)
def test_a_managed_identity_is_one_resource_and_may_be_assigned_to_others(
    tmp_path: Path, case: str, shape: str
) -> None:
    rows, is_one, assigned = _OF_AZURE[case]
    graph = graph_of(tmp_path, SHAPES[shape](*rows), tenant=TENANT)
    for edge_type, expected in (("REPRESENTS", is_one), ("ASSIGNED_TO", assigned)):
        found = [(e["fromKey"], e["toKey"]) for e in graph.edges(edge_type)]
        assert sorted(found) == [(f"{TENANT}/{guid('d', 1)}", TENANT + resource) for resource in expected]


def test_an_answer_about_a_resource_names_the_identities_assigned_to_it(tmp_path: Path) -> None:
    answer = {"identity": {"type": "UserAssigned", "userAssignedIdentities": {_MI: _IDS}}}
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*(_wrote(site, answer) for site in _SITES))}, tenant=TENANT)
    assert [e["toKey"] for e in graph.edges("REPRESENTS")] == [TENANT + _MI]
    assert sorted(e["toKey"] for e in graph.edges("ASSIGNED_TO")) == [TENANT + site for site in _SITES]


def test_what_was_asked_for_or_refused_bridges_nothing(tmp_path: Path) -> None:
    asked = json.dumps({"identity": {"principalId": guid("d", 1)}, "properties": _IDS})
    rows = [
        _wrote(_MI, {}, Properties_d={"requestbody": asked}),
        _wrote(_SITE, {"identity": {"principalId": guid("d", 1)}}, ActivityStatusValue="Failure"),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)}, tenant=TENANT)
    assert graph.nodes("DirectoryObject", objectId=guid("d", 1)) == []


def test_an_id_that_is_only_mentioned_is_a_placeholder_and_never_dropped(tmp_path: Path) -> None:
    owned = target("User", guid("e", 2), Application_ObjectID=(None, guid("b", 1)))
    granted = target(
        "ServicePrincipal",
        guid("d", 8),
        AppRole_Value=(None, "Mail.Read"),
        ServicePrincipal_ObjectID=(None, guid("d", 1)),
    )
    listed = {"id": guid("d", 3), "appId": guid("a", 3), "servicePrincipalType": "Application",
              "owners": [{"id": guid("e", 4)}]}  # fmt: skip
    files = {
        "c.jsonl": jsonl(
            audit(1, at("06:00"), "Add owner to application", owned),
            audit(2, at("06:01"), "Add app role assignment to service principal", granted),
            _RISK | {"ServicePrincipalId": guid("d", 5), "AppId": guid("a", 5)},
        ),
        "servicePrincipals_2026-05-11.json": json.dumps({"value": [listed]}).encode(),
    }
    graph = graph_of(tmp_path, files, tenant=TENANT)
    placeholders = {row["objectId"]: (row["kind"], row["placeholder"]) for row in graph.nodes("DirectoryObject")}
    assert placeholders == {
        guid("b", 1): ("application", True),
        guid("d", 1): ("servicePrincipal", True),
        guid("d", 3): ("servicePrincipal", False),
        guid("d", 5): ("servicePrincipal", False),
        guid("d", 8): ("servicePrincipal", False),
        guid("e", 1): ("user", False),
        guid("e", 2): ("user", False),
        guid("e", 4): ("unknown", True),
    }


_NO_IDS = ("null", "<null>", "-", "{}", "N/A", "None", "Not Available", "undefined")


@pytest.mark.parametrize("shape", ["export", "workspace", "csv"])
def test_words_for_nothing_are_no_ids(tmp_path: Path, shape: str) -> None:
    ids = ("ServicePrincipalId", "ServicePrincipalCredentialKeyId", "ServicePrincipalCredentialThumbprint",
           "FederatedCredentialId", "ResourceServicePrincipalId")  # fmt: skip
    sign_ins = [
        sign_in(number, at("07:00"), app=number, **dict.fromkeys(ids, _NO_IDS[number // 2]))
        for number in range(2 * len(_NO_IDS))
    ]
    changes = [
        rename(2 * number + end, at(f"0{5 + end}:00"), "a", "b", kind=kind, number_of=number, CorrelationId=nothing)
        for number, nothing in enumerate(_NO_IDS)
        for end, kind in enumerate(("Application", "ServicePrincipal"))
    ]
    graph = graph_of(tmp_path, SHAPES[shape](*sign_ins, *changes))
    apart = {guid("b", n): (f"reg:{guid('b', n)}", "own", "exact") for n in range(len(_NO_IDS))}
    apart |= {guid("d", n): (f"sp:{guid('d', n)}", "own", "exact") for n in range(len(_NO_IDS))}
    assert (parts(graph), conflicts(graph), graph.nodes("Credential")) == (apart, [], [])
    apps = {f"app:{guid('a', n)}" for n in range(2 * len(_NO_IDS))}
    assert {row["identityId"] for row in graph.nodes("Identity")} == apps | {way for way, _, _ in apart.values()}


def test_audit_records_whose_id_is_a_word_for_nothing_are_different_records(tmp_path: Path) -> None:
    rows = [rename(n, at(f"0{n}:00"), f"name {n}", f"name {n + 1}", Id="null") for n in (1, 2)]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)})
    assert graph.node("Identity")["formerNames"] == ["name 1", "name 2"]
