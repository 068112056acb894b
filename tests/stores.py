"""The stores that suites run on: names for parametrize, and opening an empty one by name."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from graphcorr.store.base import Store
from graphcorr.store.embedded import EmbeddedStore
from graphcorr.store.neo4j import Neo4jStore
from graphcorr.store.neo4j_connection import Connection, Credentials
from graphcorr.store.neo4j_lease import Lease, read_marker
from graphcorr.store.neo4j_write import Writer
from graphcorr.stores import Neo4jDatabase
from tests.neo4j_server import GENERATIONS, AnyServer, Servers

SERVERS = [pytest.param(name, marks=pytest.mark.neo4j) for name in GENERATIONS]
STORES = ["embedded", *SERVERS]


def open_empty(name: str, folder: Path, servers: Servers) -> Store:
    """An empty store; an embedded one in a folder of its own, a server is emptied of what is ours."""
    if name == "embedded":
        pytest.importorskip("arcadedb_embedded")
        return EmbeddedStore.open(folder / "store")
    server = servers.get(name)
    _empty(server)
    return connect(server)


def _empty(server: AnyServer) -> None:
    """Remove our data and marker. Constraints stay, unlike after `clear`: making them takes seconds."""
    with closing(Connection(server.address, Credentials(server.user, server.password))) as connection:
        if read_marker(connection) is not None:
            lease = Lease(connection, "tests")
            with lease.held(timeout=5):
                Writer(connection, lease).delete_everything()
                lease.delete_marker()


def connect(server: AnyServer, address: str | None = None) -> Neo4jStore:
    """The store of a server, by another way to it if one is given."""
    return Neo4jStore(Connection(address or server.address, Credentials(server.user, server.password)))


def choice(server: AnyServer, folder: Path, **more: Any) -> Neo4jDatabase:
    """A server as `load`, `scan` and their like take it; its credentials are written into the folder."""
    file = folder / "credentials"
    file.write_text(f"NEO4J_USERNAME={server.user}\nNEO4J_PASSWORD={server.password}\n")
    return Neo4jDatabase(server.address, credentials_file=file, **more)
