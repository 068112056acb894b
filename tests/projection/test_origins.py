"""Origins: what proves that a key, a principal or a role in a token was never added, created or granted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graphcorr.config import Complete, Config
from tests.builders import (
    STORAGE,
    TENANT,
    at,
    audit,
    created,
    deleted,
    guid,
    jsonl,
    key,
    key_change,
    managed_sign_in,
    own_ids,
    sign_in,
    target,
)
from tests.endtoend.harness import Graph, graph_of

Row = dict[str, Any]

# Everything lies in the first day from 06:00; the last record of the audit log is at 20:00 of the day after.
_LAST = audit(99, at("20:00", 1), "Update group", target("Group", guid("b", 99)))
_USED = sign_in(1, at("10:00", 1), ServicePrincipalCredentialKeyId=guid("f", 1))
_APP, _SP = created(1, at("06:00"), kind="Application"), created(2, at("06:01"))
_ELSEWHERE = {"AppOwnerTenantId": guid("1", 77)}


def _listed(number: int, when: str, after: list[str], *, kind: str = "Application", **more: Any) -> Row:
    """A change that states all keys of an object before and after it."""
    if kind == "Application":
        return key_change(number, when, [], after, **more)
    keyed = target("ServicePrincipal", guid("d", 1), KeyDescription=([], after))
    return audit(number, when, "Add service principal credentials", keyed, **more)


def _updated(number: int, when: str, names: str = "KeyDescription", **more: Any) -> Row:
    """A record about the service principal that says what was updated and shows none of it."""
    named = target("ServicePrincipal", guid("d", 1), **{"Included Updated Properties": (None, names)})
    return audit(number, at(when), "Update service principal", named, **more)


def _cut_off(number: int, when: str, before: list[str], after: list[str]) -> Row:
    sides = {"oldValue": json.dumps(before)[:-9], "newValue": json.dumps(after)[:-9]}
    keyed = target("Application", guid("b", 1)) | {"modifiedProperties": [{"displayName": "KeyDescription", **sides}]}
    return audit(number, when, "Update application", keyed)


# Records, and (origin, its events, why it is unknown) of key 1.
_KEYS: dict[str, tuple[list[Row], tuple[str, list[str] | None, str | None]]] = {
    "both objects are new and nothing was added": (
        [_APP, _SP, _USED, _LAST], ("absent", ["Directory_1", "Directory_2"], None)),
    "another key was added": (
        [_APP, _SP, _listed(3, at("07:00"), [key(2)]), _USED, _LAST], ("absent", ["Directory_2", "Directory_3"], None)),
    "it was added": (
        [_APP, _SP, _listed(3, at("07:00"), [key(1)]), _USED, _LAST], ("added", ["Directory_3"], None)),
    "it was added to the service principal": (
        [_APP, _SP, _listed(3, at("07:00"), [key(1)], kind="ServicePrincipal"), _USED, _LAST],
        ("added", ["Directory_3"], None)),
    "a full list of each object": (
        [_listed(3, at("07:00"), [key(2)], details={"AppId": guid("a", 1)}),
         _listed(4, at("07:01"), [key(3)], kind="ServicePrincipal"),
         _USED, _LAST], ("absent", ["Directory_3", "Directory_4"], None)),
    "only the application object is told of": (
        [_APP, _USED, _LAST], ("unknown", None, "noFullStatement")),
    "only the service principal is told of": (
        [_SP, _USED, _LAST], ("unknown", None, "noFullStatement")),
    "the list was in place before": (
        [_APP, _SP, key_change(3, at("07:00"), [key(1)], [key(1), key(2)]), _USED, _LAST],
        ("absent", ["Directory_1", "Directory_2"], None)),
    "it stood in the first list that is known": (
        [_SP, key_change(3, at("07:00"), [key(1)], [key(1), key(2)]), _USED, _LAST],
        ("listed", ["Directory_3"], None)),
    "it stood in a list after its use only": (
        [_SP, key_change(3, at("15:00", 1), [key(1)], [key(1), key(2)]), _USED, _LAST],
        ("listed", ["Directory_3"], None)),
    "a change of keys that tells no list": (
        [_APP, _SP, key_change(3, at("07:00"), None, None), _USED, _LAST], ("unknown", None, "noFullStatement")),
    "a record that only counts the keys among what was updated": (
        [_APP, _SP, _updated(3, "07:00", "AppAddress, KeyDescription"), _USED, _LAST],
        ("unknown", None, "noFullStatement")),
    "another record of the same operation shows them": (
        [_APP, _SP, key_change(3, at("07:00"), [], [key(2)]), _updated(4, "07:00:00.2", correlation=3), _USED, _LAST],
        ("absent", ["Directory_2", "Directory_3"], None)),
    "something else was updated": (
        [_APP, _SP, _updated(3, "07:00", "Tags"), _USED, _LAST], ("absent", ["Directory_1", "Directory_2"], None)),
    "an update of the keys that failed": (
        [_APP, _SP, _updated(3, "07:00", result="failure"), _USED, _LAST],
        ("absent", ["Directory_1", "Directory_2"], None)),
    "a change of keys whose list is cut off": (
        [_APP, _SP, key_change(3, at("07:00"), [], [key(2), "[KeyIdentifier=f00"]), _USED, _LAST],
        ("unknown", None, "noFullStatement")),
    "another operation changes a list that is cut off before and after": (
        [_APP, _SP, _cut_off(3, at("07:00"), [key(2)], [key(2), key(1)]), _USED, _LAST],
        ("unknown", None, "noFullStatement")),
    "a failed change of keys hides nothing": (
        [_APP, _SP, key_change(3, at("07:00"), None, None, result="failure"), _USED, _LAST],
        ("absent", ["Directory_1", "Directory_2"], None)),
    "the application belongs to another tenant": (
        [_SP, {**_USED, **_ELSEWHERE}, _LAST], ("unknown", None, "ownedElsewhere")),
    "a managed identity": (
        [_SP, managed_sign_in(1, at("10:00", 1), ServicePrincipalCredentialKeyId=guid("f", 1)), _LAST],
        ("unknown", None, "ownedElsewhere")),
    "used within two hours of the newest record": (
        [_APP, _SP, sign_in(1, at("18:01", 1), ServicePrincipalCredentialKeyId=guid("f", 1)), _LAST],
        ("unknown", None, "tooRecent")),
    "a deleted service principal needs no statement": (
        [_APP, _SP, deleted(3, at("07:00"), number_of=2), created(4, at("05:00", -1), number_of=2), _USED, _LAST],
        ("absent", ["Directory_1", "Directory_2"], None)),
    "used by two identities, one of them without a statement": (
        [_APP, _SP, _USED, sign_in(2, at("11:00", 1), principal=2, app=2, ServicePrincipalCredentialKeyId=guid("f", 1)),
         _LAST], ("unknown", None, "noFullStatement")),
}  # fmt: skip
_DECLARED = Config(complete=(Complete("AuditLogs"), Complete("servicePrincipals"), Complete("applications")))


def _tenant(number: int) -> str:
    return guid("1", 100 + number)


def _apart(rows: list[Row], number: int) -> list[Row]:
    """The same records in a tenant of their own."""
    text = json.dumps([own_ids(row, number) for row in rows]).replace(TENANT, _tenant(number))
    return [row | ({"Id": f"{number}:{row['Id']}"} if row["Type"] == "AuditLogs" else {}) for row in json.loads(text)]


def _graph(folder: Path, cases: list[list[Row]], config: Config) -> Graph:
    rows = [row for number, case in enumerate(cases, 1) for row in _apart(case, number)]
    return graph_of(folder, {"rows.jsonl": jsonl(*rows)}, config=config)


def _origin(row: Row, number: int) -> tuple[str, list[str] | None, str | None]:
    stated = row["originEventIds"]
    ids = None if stated is None else sorted(event_id.removeprefix(f"{number}:") for event_id in stated)
    return row["origin"], ids, row["originReason"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return _graph(tmp_path_factory.mktemp("keys"), [rows for rows, _ in _KEYS.values()], _DECLARED)


@pytest.mark.parametrize("case", _KEYS)
def test_origin_of_a_key(keys: Graph, case: str) -> None:
    number = list(_KEYS).index(case) + 1
    (used,) = [c for c in keys.nodes("Credential", tenantId=_tenant(number)) if c["keyId"].endswith("0001")]
    assert _origin(used, number) == _KEYS[case][1]


# Without a declaration the audit log has to prove itself.
_VOUCH = [
    sign_in(50 + hour, at(f"{hour % 24}:30", hour // 24), resource=STORAGE, principal=9, app=9) for hour in range(45)
]
_COVERAGE: dict[str, tuple[list[Row], str | None]] = {
    "silence that nobody vouches for": ([_APP, _SP, _USED, _LAST], "auditNotCovered"),
    "another category delivered all the time": ([_APP, _SP, _USED, _LAST, *_VOUCH], None),
    "the audit log ends before the use": ([_APP, _SP, _USED, *_VOUCH], "auditNotCovered"),
}


@pytest.fixture(scope="module")
def undeclared(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return _graph(tmp_path_factory.mktemp("coverage"), [rows for rows, _ in _COVERAGE.values()], Config())


@pytest.mark.parametrize("case", _COVERAGE)
def test_absence_rests_on_an_audit_log_without_gaps(undeclared: Graph, case: str) -> None:
    number = list(_COVERAGE).index(case) + 1
    found = undeclared.node("Credential", tenantId=_tenant(number))
    reason = _COVERAGE[case][1]
    assert (found["origin"], found["originReason"]) == ("absent" if reason is None else "unknown", reason)


# -- inventories ----------------------------------------------------------------------------------------------------


def _page(kind: str, *objects: Row) -> bytes:
    """A page of an inventory as Microsoft Graph answers it."""
    context = f"https://graph.microsoft.com/v1.0/$metadata#{kind}"
    return json.dumps({"@odata.context": context, "value": list(objects)}).encode()


def _object(letter: str, number: int, *keys: int, **more: Any) -> Row:
    own = {
        "id": guid(letter, number),
        "appId": guid("a", number),
        "displayName": f"app {number}",
        "passwordCredentials": [{"keyId": guid("f", key_number)} for key_number in keys],
        "keyCredentials": [],
    }
    if letter == "d":
        own |= {"servicePrincipalType": "Application", "appOwnerOrganizationId": TENANT}
    return own | more


def _inventory(day: int, *service_principals: Row, applications: tuple[Row, ...] = ()) -> dict[str, bytes]:
    """Inventories of the day, as files whose names say so."""
    files = {f"servicePrincipals-2026-05-{day:02}.json": _page("servicePrincipals", *service_principals)}
    if applications:
        files[f"applications-2026-05-{day:02}.json"] = _page("applications", *applications)
    return files


_NO_CERTIFICATES = {"keyCredentials": None}
_LISTS: dict[str, tuple[dict[str, bytes], tuple[str, str | None]]] = {
    "both objects are listed without it": (
        _inventory(11, _object("d", 1, 2), applications=(_object("b", 1, 3),)), ("absent", None)),
    "the service principal lists it": (
        _inventory(11, _object("d", 1, 1), applications=(_object("b", 1),)), ("listed", None)),
    "certificates are left out of the list": (
        _inventory(11, _object("d", 1), applications=(_object("b", 1, **_NO_CERTIFICATES),)),
        ("unknown", "noFullStatement")),
    "a key of the list cannot be read": (
        _inventory(11, _object("d", 1), applications=(_object("b", 1, passwordCredentials=[{"keyId": "?"}]),)),
        ("unknown", "noFullStatement")),
    "listed after its use only": (
        _inventory(13, _object("d", 1), applications=(_object("b", 1),)), ("unknown", "noFullStatement")),
    "the inventory is older than the audit log": (
        _inventory(10, _object("d", 1), applications=(_object("b", 1),)), ("unknown", "auditNotCovered")),
}  # fmt: skip


@pytest.mark.parametrize("case", _LISTS)
def test_an_inventory_is_a_full_list_of_keys(tmp_path: Path, case: str) -> None:
    files, expected = _LISTS[case]
    oldest = audit(98, at("00:00"), "Update group", target("Group", guid("b", 99)))
    graph = graph_of(tmp_path, files, {"rows.jsonl": jsonl(oldest, _USED, _LAST)}, config=_DECLARED, tenant=TENANT)
    found = graph.node("Credential", keyId=guid("f", 1))
    assert (found["origin"], found["originReason"]) == expected


_OLDEST = audit(98, at("00:00"), "Update group", target("Group", guid("b", 99)))
_OWN = {"AppOwnerTenantId": TENANT}
_ALL = _inventory(11, _object("d", 5), _object("d", 6))

# Records beside a full inventory that does not hold service principal 1; its origin.
_PRINCIPALS: dict[str, tuple[list[Row], Config, tuple[str, list[str] | None, str | None]]] = {
    "never created": ([_USED], _DECLARED, ("absent", ["inventory"], None)),
    "created since": ([_USED, created(1, at("06:00"))], _DECLARED, ("created", ["Directory_1"], None)),
    "restored since": (
        [_USED, audit(1, at("06:00"), "Restore service principal", target("ServicePrincipal", guid("d", 1)))],
        _DECLARED, ("unknown", None, None)),
    "of another tenant's application": (
        [{**_USED, **_ELSEWHERE}], _DECLARED, ("unknown", None, "ownedElsewhere")),
    "owner not stated": ([{**_USED, "AppOwnerTenantId": ""}], _DECLARED, ("unknown", None, "noFullStatement")),
    "a managed identity": ([managed_sign_in(1, at("10:00", 1))], _DECLARED, ("absent", ["inventory"], None)),
    "nobody says that the inventory is complete": (
        [_USED], Config(complete=(Complete("AuditLogs"),)), ("unknown", None, "noFullStatement")),
    "the audit log is not complete": (
        [_USED], Config(complete=(Complete("servicePrincipals"),)), ("unknown", None, "auditNotCovered")),
}  # fmt: skip


@pytest.mark.parametrize("case", _PRINCIPALS)
def test_origin_of_a_principal(tmp_path: Path, case: str) -> None:
    rows, config, expected = _PRINCIPALS[case]
    graph = graph_of(tmp_path, _ALL, {"rows.jsonl": jsonl(_OLDEST, *rows, _LAST)}, config=config, tenant=TENANT)
    found = graph.node("DirectoryObject", objectId=guid("d", 1))
    events = found["originEventIds"]
    shown = None if events is None else ["inventory" if e.startswith("inv:") else e for e in events]
    assert (found["origin"], shown, found["originReason"]) == expected


def test_creation_inside_the_audit_log_without_its_event_is_absent(tmp_path: Path) -> None:
    listed = _object("d", 1, createdDateTime="2026-05-11T09:00:00Z")
    older = _object("d", 2, createdDateTime="2026-05-10T09:00:00Z")
    graph = graph_of(
        tmp_path, _inventory(12, listed, older), {"rows.jsonl": jsonl(_OLDEST, _LAST)}, config=_DECLARED, tenant=TENANT
    )
    # What is declared of an inventory is no log source.
    assert {source["source"] for source in graph.nodes("LogSource")} == {"AuditLogs"}
    assert [(o["objectId"], o["origin"]) for o in graph.nodes("DirectoryObject", kind="servicePrincipal")] == [
        (guid("d", 1), "absent"),
        (guid("d", 2), "listed"),
    ]
