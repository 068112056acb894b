"""What tokens carried, and which grants explain it; what a principal holds and since when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphcorr.config import Complete, Config
from tests.builders import GRAPH, TENANT, at, audit, created, guid, jsonl, moment, target
from tests.endtoend.harness import Graph, graph_of

Row = dict[str, Any]

_GRAPH_PRINCIPAL = guid("d", 900)
_READ_ALL, _ROLE_ID = "Directory.Read.All", guid("9", 1)
_GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
_DECLARED = Config(complete=(Complete("AuditLogs"),))
_MIDNIGHT = moment("00:00")
_LAST = audit(99, at("20:00"), "Update group", target("Group", guid("b", 99)))


def graph_act(number: int, when: str, *, principal: int = 1, app: int = 1, user: int | None = None, **more: Any) -> Row:
    """A request to Microsoft Graph."""
    return {
        "Type": "MicrosoftGraphActivityLogs",
        "AadTenantId": TENANT,
        "TimeGenerated": when,
        "RequestId": guid("7", number),
        "RequestMethod": "GET",
        "RequestUri": "https://graph.microsoft.com/v1.0/users",
        "ResponseStatusCode": 200,
        "AppId": guid("a", app),
        "ServicePrincipalId": guid("d", principal) if user is None else "",
        "UserId": "" if user is None else guid("e", user),
        "IPAddress": "203.0.113.10",
        **more,
    }


def role_grant(number: int, when: str, *, principal: int = 1, value: str | None = _READ_ALL, **more: Any) -> Row:
    """An app role of Microsoft Graph is assigned to a service principal, or taken from it."""
    properties: dict[str, Any] = {
        "AppRole_Id": (None, _ROLE_ID),
        "ServicePrincipal_ObjectID": (None, guid("d", principal)),
    }
    if value is not None:
        properties["AppRole_Value"] = (None, value)
    operation = more.pop("operation", "Add app role assignment to service principal")
    details = more.pop("details", {"AppId": GRAPH})
    resource = target("ServicePrincipal", _GRAPH_PRINCIPAL, **properties)
    return audit(number, when, operation, resource, details=details, **more)


def _carried(graph: Graph) -> list[tuple[str, str, str, list[str] | None, str | None]]:
    return [
        (e["toLabel"], e["toKey"], e["origin"], e["originEventIds"], e["originReason"]) for e in graph.edges("CARRIED")
    ]


_REMOVED = "Remove app role assignment from service principal"
_NEW = created(1, at("06:00"))
_USED = graph_act(1, at("10:00"), Roles=_READ_ALL)

# Records beside the use of a role at 10:00; its origin.
_ROLES: dict[str, tuple[list[Row], tuple[str, list[str] | None, str | None]]] = {
    "granted": ([role_grant(2, at("07:00")), _LAST], ("added", ["Directory_2"], None)),
    "granted, by its id only": (
        [role_grant(2, at("07:00"), value=None), role_grant(3, at("07:01"), principal=2), _LAST],
        ("added", ["Directory_2"], None)),
    "new and never granted": ([_NEW, _LAST], ("absent", ["Directory_1"], None)),
    "a role of another one was granted": (
        [_NEW, role_grant(2, at("07:00"), principal=2), _LAST], ("absent", ["Directory_1"], None)),
    "a grant that does not say which": (
        [_NEW, role_grant(2, at("07:00"), value=None), _LAST], ("unknown", None, "noFullStatement")),
    "a grant that does not say of which service": (
        [_NEW, role_grant(2, at("07:00"), details={}), _LAST], ("unknown", None, "noFullStatement")),
    "revoked, so it had been granted": (
        [role_grant(2, at("12:00"), operation=_REMOVED), _LAST], ("listed", ["Directory_2"], None)),
    "older than the records": ([_LAST], ("unknown", None, "noFullStatement")),
    "too recent": ([_NEW], ("unknown", None, "tooRecent")),
}  # fmt: skip


@pytest.mark.parametrize("case", _ROLES)
def test_origin_of_a_role_in_a_token(tmp_path: Path, case: str) -> None:
    rows, expected = _ROLES[case]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(_USED, *rows)}, config=_DECLARED, tenant=TENANT)
    assert _carried(graph) == [("Permission", f"{GRAPH}/application/{_READ_ALL}", *expected)]
    permission = graph.node("Permission", key=f"{GRAPH}/application/{_READ_ALL}")
    assert (permission["kind"], permission["resourceAppId"], permission["value"]) == ("application", GRAPH, _READ_ALL)


def test_scopes_and_directory_roles_of_a_user(tmp_path: Path) -> None:
    role = target(
        "User", guid("e", 1), Role_TemplateId=(None, _GLOBAL_READER), Role_DisplayName=(None, "Global Reader")
    )
    rows = [
        graph_act(1, at("10:00"), user=1, Scopes="User.Read Mail.Read", Wids=_GLOBAL_READER.upper()),
        graph_act(2, at("10:20"), user=1, Scopes="User.Read", Wids=_GLOBAL_READER),
        audit(3, at("09:00"), "Add member to role", role),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)}, users="all", tenant=TENANT)
    (fold,) = graph.nodes("Activity")
    seen = {e["toKey"]: (e["firstAt"], e["lastAt"], e["origin"]) for e in graph.edges("CARRIED", fromKey=fold["key"])}
    assert seen == {
        f"{GRAPH}/delegated/User.Read": (moment("10:00"), moment("10:20"), "unknown"),
        f"{GRAPH}/delegated/Mail.Read": (moment("10:00"), moment("10:00"), "unknown"),
        _GLOBAL_READER: (moment("10:00"), moment("10:20"), "added"),
    }
    assert graph.node("DirectoryRole")["name"] == "Global Reader"


def test_a_permission_is_held_from_its_grant_to_its_revocation(tmp_path: Path) -> None:
    rows = [
        role_grant(1, at("07:00")),
        role_grant(6, at("07:30")),
        role_grant(2, at("08:00"), operation=_REMOVED),
        role_grant(3, at("09:00")),
        role_grant(4, at("09:30"), result="failure", operation=_REMOVED),
        role_grant(5, at("06:00"), value="Mail.Read", operation=_REMOVED),
    ]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows)}, tenant=TENANT)
    held = [(e["toKey"].rpartition("/")[2], e["validFrom"], e["validTo"], e["changeId"]) for e in graph.edges("HOLDS")]
    assert sorted(held, key=lambda e: (e[0], e[1] or _MIDNIGHT)) == [
        (_READ_ALL, moment("07:00"), moment("08:00"), "Directory_1"),
        (_READ_ALL, moment("07:30"), moment("08:00"), "Directory_6"),
        (_READ_ALL, moment("09:00"), None, "Directory_3"),
        # Revoked first of all: it was held since before the first record.
        ("Mail.Read", None, moment("06:00"), None),
    ]
    granted, revoked = ([e["fromKey"] for e in graph.edges(kind)] for kind in ("GRANTED", "REVOKED"))
    assert (sorted(granted), sorted(revoked)) == (
        ["Directory_1", "Directory_3", "Directory_6"],
        ["Directory_2", "Directory_5"],
    )
