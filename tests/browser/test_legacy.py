"""py2neo notebooks on our database, over bolt, on both generations of servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphcorr.errors import UsageError
from graphcorr.legacy import py2neo_graph
from tests.browser.conftest import Tenants
from tests.neo4j_server import Servers
from tests.stores import SERVERS, connect

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOK = """
import json, sys
from graphcorr.errors import StoreError
from graphcorr.legacy import py2neo_graph
try:
    graph = py2neo_graph(sys.argv[1])
except StoreError as error:
    print(json.dumps({"error": str(error)}))
    sys.exit()
found = graph.run("MATCH (i:Identity) WHERE $name IN i.formerNames RETURN i.name", name="contoso-billing-sync").data()
added = "MATCH (u:User)-[:MADE]->(:Change)-[:ADDED]->(:Certificate) RETURN DISTINCT u.caption AS who"
matched = graph.nodes.match("Identity", name="Azure Backup Agent").first()["caption"]
frame = graph.run(added).to_data_frame().to_dict("list")
print(json.dumps({"data": found, "matched": matched, "frame": frame}))
"""


@pytest.mark.parametrize("generation", SERVERS)
def test_a_py2neo_graph_reads_what_was_loaded(generation: str, neo4j_servers: Servers, tenants: Tenants) -> None:
    pytest.importorskip("py2neo")
    running = neo4j_servers.get(generation)
    store = connect(running)
    projection = tenants.get("audit logs only")
    store.clear()
    store.write(projection.tables, projection.id, None)
    store.close()
    known = {"NEO4J_USERNAME": running.user, "NEO4J_PASSWORD": running.password}
    for scheme in ("bolt", "neo4j"):
        assert notebook(running.address.replace("bolt", scheme, 1), known) == {
            "data": [{"i.name": "Azure Backup Agent"}],
            "matched": "Azure Backup Agent",
            "frame": {"who": ["user02@contoso.example"]},
        }
    assert "password right?" in notebook(running.address, known | {"NEO4J_PASSWORD": "wrong-password"})["error"]


def notebook(address: str, environment: dict[str, str]) -> dict[str, Any]:
    """In a process of its own, as a notebook is: py2neo never closes its sockets, which our tests count as errors."""
    command = [sys.executable, "-c", NOTEBOOK, address]
    ended = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, cwd=REPOSITORY)
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def test_http_is_refused_with_what_to_write_instead() -> None:
    with pytest.raises(UsageError, match="bolt"):
        py2neo_graph("http://localhost:7474")


def test_without_py2neo_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py2neo", None)
    with pytest.raises(UsageError, match=r"pip install 'graphcorr\[py2neo\]'"):
        py2neo_graph("bolt://localhost:1")
