"""`query` and `identities` on a small graph in a home."""

from __future__ import annotations

import json
from pathlib import Path

import graphs
import pytest

from graphcorr.cli import run
from graphcorr.home import Home
from graphcorr.store.embedded import EmbeddedStore

TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
APP = "9536314a-6327-486b-b65c-ae8d9b85ff85"
OBJECT = "5a5ca5af-5ead-4cab-8ac6-6ca3e486b796"
PRINCIPAL = "13b00951-7190-4249-a603-988a803ecbf7"
LONELY = "91ca2ca8-0400-4643-af0e-f4aedba0d191"

IDENTITY = graphs.node(
    "Identity",
    f"{TENANT}/app:{APP}",
    tenantId=TENANT,
    identityId=f"app:{APP}",
    appId=APP,
    name="Azure Backup Agent",
    formerNames=["contoso-billing-sync", "billing"],
    kind="application",
)
OTHER = graphs.node(
    "Identity", f"{TENANT}/app:{LONELY}", tenantId=TENANT, identityId=f"app:{LONELY}", appId=LONELY, kind="unknown"
)
REGISTRATION = graphs.node(
    "DirectoryObject:AppRegistration", f"{TENANT}/{OBJECT}", tenantId=TENANT, objectId=OBJECT, kind="application"
)
NAMES = [graphs.node("Name", f"{TENANT}/{name}", value=name) for name in ("Azure Backup Agent", "billing")]
SERVICE_PRINCIPAL = graphs.node(
    "DirectoryObject:ServicePrincipal",
    f"{TENANT}/{PRINCIPAL}",
    tenantId=TENANT,
    objectId=PRINCIPAL,
    name="Azure Backup Agent",
)
EDGES = [
    graphs.edge("PART_OF", REGISTRATION, IDENTITY, basis="audit+inventory", confidence="exact", eventIds=["e1", "e2"]),
    graphs.edge("PART_OF", SERVICE_PRINCIPAL, IDENTITY, basis="signIn", confidence="high", eventIds=["e3"]),
    *(graphs.edge("NAMED", SERVICE_PRINCIPAL, name, basis="audit") for name in NAMES),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explore")
    home = Home(folder / "home")
    home.create()
    tables = graphs.write(folder / "tables", [IDENTITY, OTHER, REGISTRATION, SERVICE_PRINCIPAL, *NAMES], EDGES)
    with EmbeddedStore.open(home.store_dir) as store:
        store.write(tables, "one", None)
    return home.root


def rows(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert run(["--home", str(home), *arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, list)
    return found


def test_identities_lists_each_once_with_its_objects_and_names(home: Path, capsys) -> None:
    listed = {row["appId"]: row for row in rows(home, capsys, "identities")}
    assert set(listed) == {APP, LONELY}
    whole, lonely = listed[APP], listed[LONELY]
    assert (whole["name"], whole["kind"]) == ("Azure Backup Agent", "application")
    assert whole["formerNames"] == ["contoso-billing-sync", "billing"]
    assert whole["objects"] == [f"ServicePrincipal {PRINCIPAL}", f"AppRegistration {OBJECT}"]
    assert whole["confidence"] == "high"  # as sure as its weakest bridge
    assert (lonely["objects"], lonely["confidence"]) == ([], None)


@pytest.mark.parametrize("what", [APP, APP.upper(), f"app:{APP}", OBJECT, PRINCIPAL, "Azure Backup Agent", "billing"])
def test_any_id_or_name_explains_the_whole_identity(what: str, home: Path, capsys) -> None:
    explained = rows(home, capsys, "identities", "--explain", what)
    assert [(r["step"], r["objectId"], r["says"], r["basis"], r["confidence"], r["eventIds"]) for r in explained] == [
        ("partOf", PRINCIPAL, f"app:{APP}", "signIn", "high", ["e3"]),
        ("partOf", OBJECT, f"app:{APP}", "audit+inventory", "exact", ["e1", "e2"]),
        ("name", PRINCIPAL, "Azure Backup Agent", "audit", None, None),
        ("name", PRINCIPAL, "billing", "audit", None, None),
    ]


def test_an_identity_of_one_id_has_nothing_to_explain_and_is_no_error(home: Path, capsys) -> None:
    assert run(["--home", str(home), "identities", "--explain", LONELY, "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == []
    assert "only this one id of the identity is known" in shown.err


def test_an_unknown_id_is_told(home: Path, capsys) -> None:
    assert run(["--home", str(home), "identities", "--explain", "nobody"]) == 2
    assert "no identity has the id or name 'nobody'" in capsys.readouterr().err


def test_a_query_prints_rows_and_takes_parameters(home: Path, capsys) -> None:
    cypher = "MATCH (i:Identity {name: $name}) RETURN i.appId AS appId, size(i.formerNames) AS n"
    assert rows(home, capsys, "query", cypher, "--param", "name=Azure Backup Agent") == [{"appId": APP, "n": 2}]


def test_a_query_that_writes_is_refused(home: Path, capsys) -> None:
    assert run(["--home", str(home), "query", "MATCH (n) DETACH DELETE n"]) == 4
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "graphcorr: only read-only queries are run" in shown.err


def test_an_old_graph_is_shown_and_called_old(home: Path, capsys) -> None:
    """This store was filled past the archive, so that it can never be current."""
    assert run(["--home", str(home), "query", "RETURN 1 AS one"]) == 0
    shown = capsys.readouterr()
    assert shown.out.split() == ["one", "1"]
    assert "the graph is older than the archive or the configuration" in shown.err
