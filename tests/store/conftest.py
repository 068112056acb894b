"""One store of every kind; the contract suite runs on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graphcorr.store.base import Store
from graphcorr.store.embedded import EmbeddedStore


def _embedded(folder: Path) -> Store:
    pytest.importorskip("arcadedb_embedded")
    return EmbeddedStore.open(folder / "store")


# Name of a store → a function that opens an empty one below a folder of its own.
STORES = {"embedded": _embedded}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=STORES, scope="module")
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that the tests of a module hand on: whoever uses it writes what it expects, if it is not there yet."""
    opened = STORES[request.param](tmp_path_factory.mktemp(request.param))
    yield opened
    opened.close()
