"""Opening a store by the name that `--store` takes."""

from __future__ import annotations

from pathlib import Path

from graphcorr.errors import UsageError
from graphcorr.home import DEFAULT_HOME, Home
from graphcorr.store.base import Store


def open_store(home: str | Path = DEFAULT_HOME, store: str = "embedded", *, read_only: bool = True) -> Store:
    """The graph of a home. The caller holds the home's lock, and closes the store.

    Raises StoreError if the store cannot be opened, UsageError for a name that is not known.
    """
    if store != "embedded":
        raise UsageError(f"unknown store {store!r}", hint="this version knows `embedded`")
    # Imported here: the embedded store brings a JVM.
    from graphcorr.store.embedded import EmbeddedStore

    return EmbeddedStore.open(Home(home).store_dir, read_only=read_only)
