"""py2neo notebooks on our database, over bolt, on both generations of servers."""

from __future__ import annotations

import sys

import pytest

from graphcorr.errors import StoreError, UsageError
from graphcorr.legacy import py2neo_graph
from tests.browser.conftest import Tenants
from tests.neo4j_server import Servers
from tests.stores import SERVERS, connect


@pytest.mark.parametrize("generation", SERVERS)
def test_a_py2neo_graph_reads_what_was_loaded(
    generation: str, neo4j_servers: Servers, tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("py2neo")
    running = neo4j_servers.get(generation)
    store = connect(running)
    projection = tenants.get("audit logs only")
    store.clear()
    store.write(projection.tables, projection.id, None)
    store.close()
    monkeypatch.setenv("NEO4J_USERNAME", running.user)
    monkeypatch.setenv("NEO4J_PASSWORD", running.password)
    for scheme in ("bolt", "neo4j"):
        graph = py2neo_graph(running.address.replace("bolt", scheme, 1))
        found = graph.run("MATCH (i:Identity) WHERE $name IN i.formerNames RETURN i.name", name="contoso-billing-sync")
        assert found.data() == [{"i.name": "Azure Backup Agent"}]
        assert graph.nodes.match("Identity", name="Azure Backup Agent").first()["caption"] == "Azure Backup Agent"
        assert graph.evaluate("MATCH (n:Change) RETURN count(n)") > 0
        made = "MATCH (u:User)-[:MADE]->(c:Change) RETURN u.caption AS who, c.operation AS what"
        frame = graph.run(made).to_data_frame()
        assert list(frame.columns) == ["who", "what"] and "user02@contoso.example" in set(frame["who"])
    monkeypatch.setenv("NEO4J_PASSWORD", "wrong-password")
    with pytest.raises(StoreError):
        py2neo_graph(running.address)


def test_http_is_refused_with_what_to_write_instead() -> None:
    with pytest.raises(UsageError, match="bolt"):
        py2neo_graph("http://localhost:7474")


def test_without_py2neo_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py2neo", None)
    with pytest.raises(UsageError, match=r"pip install 'graphcorr\[py2neo\]'"):
        py2neo_graph("bolt://localhost:1")
