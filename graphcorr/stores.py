"""Opening a store by the name that `--store` takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graphcorr.errors import UsageError
from graphcorr.home import DEFAULT_HOME, Home
from graphcorr.store.base import Store

EMBEDDED = "embedded"


@dataclass(frozen=True)
class Neo4jDatabase:
    """A database of a Neo4j server as the place of the graph; credentials are never part of the address.

    They come from `credentials_file`, else from NEO4J_USERNAME and NEO4J_PASSWORD. Without `database` it is the user's
    default one. `into_shared` allows a first write beside data of others. Writers wait `lock_timeout` seconds for each
    other.
    """

    address: str
    database: str | None = None
    credentials_file: Path | None = None
    into_shared: bool = False
    lock_timeout: float = 30.0

    def __str__(self) -> str:
        return f"{self.address}/{self.database}" if self.database else self.address


StoreChoice = str | Neo4jDatabase
"""`embedded`, the address of a Neo4j server, or a Neo4jDatabase where more has to be said."""


def open_store(home: str | Path = DEFAULT_HOME, store: StoreChoice = EMBEDDED, *, read_only: bool = True) -> Store:
    """The graph of a home. The caller holds the home's lock, and closes the store.

    Raises StoreError if the store cannot be opened, UsageError for a name that is not known.
    """
    # Imported here: the embedded store brings a JVM, the other one a driver.
    if store == EMBEDDED:
        from graphcorr.store.embedded import EmbeddedStore

        return EmbeddedStore.open(Home(home).store_dir, read_only=read_only)
    if isinstance(store, str):
        if "://" not in store:
            hint = f"`{EMBEDDED}`, or the address of a Neo4j server: neo4j://HOST"
            raise UsageError(f"unknown store {store!r}", hint=hint)
        store = Neo4jDatabase(store)
    from graphcorr.store.neo4j import Neo4jStore

    return Neo4jStore.open(
        store.address,
        database=store.database,
        credentials_file=store.credentials_file,
        read_only=read_only,
        into_shared=store.into_shared,
        lock_timeout=store.lock_timeout,
    )
