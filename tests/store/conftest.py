"""One store of every kind; the contract suite runs on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graphcorr.store.base import Store
from tests.neo4j_server import Servers
from tests.stores import STORES, open_empty


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, neo4j_servers: Servers) -> Iterator[Store]:
    """An empty store."""
    opened = open_empty(request.param, tmp_path, neo4j_servers)
    yield opened
    opened.close()


@pytest.fixture(params=STORES, scope="module")
def shared_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, neo4j_servers: Servers
) -> Iterator[Store]:
    """A store that the tests of a module hand on: whoever uses it writes what it expects, if it is not there yet."""
    opened = open_empty(request.param, tmp_path_factory.mktemp(request.param), neo4j_servers)
    yield opened
    opened.close()
