"""For notebooks and scripts written for py2neo: their `Graph` on our database. Nothing in the engine uses it.

py2neo is at its end of life (last release 2021). New work is better off with the `neo4j` driver.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphcorr.errors import StoreError, UsageError

if TYPE_CHECKING:
    from py2neo import Graph


def py2neo_graph(
    address: str = "neo4j://localhost:7687", *, database: str | None = None, credentials_file: Path | None = None
) -> Graph:
    """A connected `py2neo.Graph` on the database that `graphcorr load --store ADDRESS` fills.

    Credentials come from the file, else from NEO4J_USERNAME and NEO4J_PASSWORD, as everywhere. Read from it, write
    elsewhere: what is written into the database is not graphcorr's, and the next `verify` says so.

    Raises UsageError without py2neo, and for an address that is not bolt or neo4j: over HTTP py2neo cannot speak to
    the servers of today. Raises StoreError if the server cannot be reached or refuses the credentials.
    """
    from graphcorr.store.neo4j_connection import check_address, read_credentials

    name = check_address(address)
    credentials = read_credentials(credentials_file)
    try:
        from py2neo import Graph
        from py2neo.errors import ConnectionUnavailable, Neo4jError
    except ImportError as error:
        raise UsageError("py2neo is not installed", hint="pip install 'graphcorr[py2neo]'") from error
    auth = (credentials.user, credentials.password) if credentials else None
    try:
        graph = Graph(name, name=database, auth=auth)
        graph.evaluate("RETURN 1")
    except ConnectionUnavailable as error:
        hint = "is it running, and are address, user and password right?"
        raise StoreError("py2neo gets no connection", where=name, hint=hint) from error
    except Neo4jError as error:
        raise StoreError(f"the server refuses: {error.message}", where=name, hint="set NEO4J_USERNAME and "
                         "NEO4J_PASSWORD, or --credentials-file; is the database named right?") from error  # fmt: skip
    return graph
