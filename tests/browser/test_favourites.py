"""Every favourite says what it is, knows the graph, and draws something on every tenant and every store."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from graphcorr.browser_kit import Favourite, favourites
from graphcorr.graph.schema import EDGES, NODES
from graphcorr.store import read_only
from graphcorr.store.base import GraphNode, GraphPath, Store
from tests.browser.conftest import TENANTS, Tenants
from tests.neo4j_server import Servers
from tests.stores import STORES, open_empty

ALL = favourites()
QUERIES = tuple(favourite for favourite in ALL if not favourite.command)
EMPTY = {"principal": "", "address": "", "keyId": "", "eventId": ""}
# What the constructed logs are about: these must find it, not fall back to the grey sources.
ASKED = {
    "1 One principal's story": (
        {"principal": "contoso-billing-sync"},
        {"Azure Backup Agent", "user02@contoso.example"},
    ),
    "2 The credentials of a principal": ({"principal": "AZURE BACKUP AGENT"}, {"prod secret", "backup, temp=1"}),
    "3 Who used this address": ({"address": "198.51.100.77"}, {"user02@contoso.example", "Azure Backup Agent"}),
    "4 Who holds and used this key": ({"keyId": "prod secret"}, {"prod secret", "Azure Backup Agent"}),
    "5 Around one event": (
        {"eventId": "27067ee2-7694-44cc-9aa4-c681e1d06000"},
        {"Azure Backup Agent"},
    ),
}


def identify(favourite: Favourite) -> str:
    return f"{favourite.folder}/{favourite.name}"


@pytest.mark.parametrize("favourite", ALL, ids=identify)
def test_a_favourite_begins_with_its_title(favourite: Favourite) -> None:
    """With its number: the Browser sorts a folder by title."""
    assert favourite.text.startswith("// ") and favourite.title == favourite.name
    assert re.fullmatch(r"\d \S.*", favourite.name) and re.fullmatch(r"\d \S.*", favourite.folder)


def test_titles_are_unique() -> None:
    titles = [favourite.title.split(" ", 1)[1] for favourite in ALL]
    assert sorted(set(titles)) == sorted(titles)


@pytest.mark.parametrize("favourite", QUERIES, ids=identify)
def test_a_favourite_is_one_statement_that_only_reads(favourite: Favourite) -> None:
    """The Browser draws no picture for several statements in one frame."""
    assert ";" not in code(favourite)
    read_only.check(favourite.text)


@pytest.mark.parametrize("favourite", QUERIES, ids=identify)
def test_a_favourite_shows_how_to_set_each_of_its_parameters(favourite: Favourite) -> None:
    used = set(re.findall(r"\$(\w+)", code(favourite)))
    assert used <= set(EMPTY)
    assert set(re.findall(r"^// :param (\w+) =>", favourite.text, re.MULTILINE)) == used


def test_one_favourite_sets_all_parameters() -> None:
    (command,) = [favourite for favourite in ALL if favourite.command]
    assert dict(re.findall(r"(\w+): '(.*?)'", command.text)) == EMPTY


@pytest.mark.parametrize("favourite", QUERIES, ids=identify)
def test_a_favourite_names_only_what_the_graph_has(favourite: Favourite) -> None:
    text = code(favourite)
    labels = {label for node in NODES for labels in node.label_sets for label in labels}
    nodes = {name for names in re.findall(r"\(\w*:([\w|]+)", text) for name in names.split("|")}
    types = {name for names in re.findall(r"\[\w*:([\w|]+)", text) for name in names.split("|")}
    properties = {name for node in NODES for name in (p.name for p in node.properties)} | {"key", "caption"}
    properties |= {p.name for edge in EDGES for p in edge.properties}
    read = set(re.findall(r"\b(?!path\b)[a-z]\w*\.(\w+)", text))
    assert nodes <= labels and types <= {edge.type for edge in EDGES} and read <= properties


@pytest.fixture(scope="module", params=STORES)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, neo4j_servers: Servers
) -> Iterator[Store]:
    opened = open_empty(request.param, tmp_path_factory.mktemp("store"), neo4j_servers)
    yield opened
    opened.close()


# One test per store and tenant: a tenant is written once for all of its favourites.
@pytest.mark.parametrize("tenant", TENANTS)
def test_every_favourite_draws_something(store: Store, tenant: str, tenants: Tenants) -> None:
    projection = tenants.get(tenant)
    store.write(projection.tables, projection.id, None)
    drawn = {identify(favourite): captions(store, favourite, EMPTY) for favourite in QUERIES}
    assert [name for name, nodes in drawn.items() if not nodes] == []
    bare = {caption for nodes in drawn.values() for caption in nodes if not caption or is_guid(caption)}
    assert not bare, "captions are names"
    if tenant == "every log":
        for name, (parameters, expected) in ASKED.items():
            (favourite,) = [favourite for favourite in QUERIES if favourite.name == name]
            assert expected <= captions(store, favourite, EMPTY | parameters), name


def captions(store: Store, favourite: Favourite, parameters: dict[str, str]) -> set[str]:
    found: set[str] = set()
    for row in store.query(favourite.text, parameters).rows:
        for value in row:
            nodes = value.nodes if isinstance(value, GraphPath) else (value,)
            found.update(str(node.properties.get("caption") or "") for node in nodes if isinstance(node, GraphNode))
    return found


def is_guid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


def code(favourite: Favourite) -> str:
    """Its text without comments."""
    return re.sub(r"^//.*\n", "", favourite.text, flags=re.MULTILINE)
