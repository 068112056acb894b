"""The Neo4j store: the graph in a database of a server, with a marker node that says what it shows.

A write marks the database dirty, changes it in transactions and marks it clean: after a kill the next write finds it
dirty and builds anew. A lease on the marker keeps writers apart, on whatever machine they run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from graphcorr.errors import PatternError, StoreError
from graphcorr.graph.schema import NODES, VERSION, Node, node_of_label
from graphcorr.store import neo4j_write, read_only
from graphcorr.store.base import Marker, Progress, Result, WriteReport
from graphcorr.store.difference import TABLES, Table, column_types, compare, table_name
from graphcorr.store.neo4j_connection import Connection, read_credentials
from graphcorr.store.neo4j_lease import Lease, read_marker
from graphcorr.store.neo4j_values import properties, to_parameter, to_python
from graphcorr.store.plan import check, report

# Beyond this share of all rows a difference takes longer than a build.
_WORTH_A_BUILD = 0.5


class Neo4jStore:
    """See `store.base.Store`. The server is asked with the first call that needs it."""

    def __init__(
        self,
        connection: Connection,
        *,
        read_only: bool = False,
        into_shared: bool = False,
        lock_timeout: float = 30.0,
    ) -> None:
        self.name = connection.name
        self._connection = connection
        self._read_only = read_only
        self._into_shared = into_shared
        self._lock_timeout = lock_timeout
        self._written = False

    @classmethod
    def open(
        cls,
        address: str,
        *,
        database: str | None = None,
        credentials_file: Path | None = None,
        read_only: bool = False,
        into_shared: bool = False,
        lock_timeout: float = 30.0,
    ) -> Self:
        """The store in a database of a server; the user's default database if none is named.

        Credentials come from the file, else from NEO4J_USERNAME and NEO4J_PASSWORD. `into_shared` allows a first write
        beside data of others. Writers wait `lock_timeout` seconds for each other. Raises UsageError for an address or
        file that is not understood.
        """
        connection = Connection(address, read_credentials(credentials_file), database)
        return cls(connection, read_only=read_only, into_shared=into_shared, lock_timeout=lock_timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def marker(self) -> Marker | None:
        return read_marker(self._connection)

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> Result:
        read_only.check(cypher)
        if not cypher.strip():
            raise PatternError("the query is empty")
        stated = {name: to_parameter(value) for name, value in (parameters or {}).items()}
        self._require_written()
        columns, rows = self._connection.read(cypher, stated)
        return Result(columns, tuple(tuple(to_python(value) for value in row) for row in rows))

    def rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        kind = next((kind for kind in TABLES if table_name(kind) == table), None)
        if kind is None:
            raise StoreError(f"no table {table}", hint="tables are the labels and edge types of graphcorr.graph.schema")
        self._require_written()
        empty = dict.fromkeys(column_types(kind))
        for row in self._node_rows(kind) if isinstance(kind, Node) else self._edge_rows(kind):
            yield empty | row

    def clear(self) -> None:
        self._writable()
        if self.marker() is None:
            return
        lease = Lease(self._connection, "clear")
        with lease.held(self._lock_timeout):
            lease.mark(Marker(VERSION, "", dirty=True))
            neo4j_write.Writer(self._connection, lease).delete_everything()
            lease.delete_marker()
        neo4j_write.drop_schema(self._connection)
        self._written = False

    def write(
        self, tables: Path, projection_id: str, previous: Path | None, progress: Progress | None = None
    ) -> WriteReport:
        self._writable()
        self._written = False
        wanted = Marker(VERSION, projection_id)
        if self.marker() is None:
            self._refuse_foreign_data()
            # Before the marker: without the constraint two first writers would make one each.
            neo4j_write.create_marker_constraint(self._connection)
        lease = Lease(self._connection, "load")
        with lease.held(self._lock_timeout):
            marker = self.marker()
            assert marker is not None
            if marker == wanted:
                return WriteReport(full=False)
            if previous is not None and not marker.dirty and marker.schema_version == VERSION:
                written = self._write_difference(tables, previous, marker, wanted, lease, progress)
                if written is not None:
                    return written
            return self._build(tables, wanted, lease, progress)

    def _write_difference(
        self, tables: Path, previous: Path, old: Marker, wanted: Marker, lease: Lease, progress: Progress | None
    ) -> WriteReport | None:
        """Write the difference; None if a build is cheaper, or the database is not what its marker says."""
        with compare(previous, tables) as difference:
            if difference.size > _WORTH_A_BUILD * difference.total:
                return None
            check(difference)
            writer = neo4j_write.Writer(self._connection, lease)
            lease.mark(Marker(old.schema_version, old.projection_id, dirty=True))
            try:
                # Removals first: a node with other labels keeps its unique key.
                writer.remove_all(difference)
                writer.add_all(difference, progress)
                writer.change_all(difference)
            except neo4j_write.Disagrees:
                return None
            lease.mark(wanted)
            return report(difference)

    def _build(self, tables: Path, wanted: Marker, lease: Lease, progress: Progress | None) -> WriteReport:
        with compare(None, tables) as difference:
            check(difference)
            writer = neo4j_write.Writer(self._connection, lease)
            lease.mark(Marker(VERSION, "", dirty=True))
            writer.delete_everything()
            neo4j_write.create_schema(self._connection)
            writer.add_all(difference, progress)
            lease.mark(wanted)
            return report(difference)

    def _refuse_foreign_data(self) -> None:
        found, mixing = neo4j_write.foreign_labels(self._connection)
        if mixing:
            raise StoreError(f"the database holds other data under labels of ours: {', '.join(mixing)}",
                             where=self.name, hint="use another database: they could not be told apart")  # fmt: skip
        if found and not self._into_shared:
            raise StoreError(f"the database holds data that is not graphcorr's: {', '.join(found)}", where=self.name,
                             hint="use an empty database, or --into-shared to write beside it")  # fmt: skip

    def _require_written(self) -> None:
        if not self._written:
            marker = self.marker()
            if marker is None:
                raise StoreError("the store is empty", where=self.name, hint="run graphcorr load first")
            if marker.dirty:
                hint = "wait for the run that writes, or run graphcorr load to complete it"
                raise StoreError("a write is under way or was cut short", where=self.name, hint=hint)
            self._written = True

    def _node_rows(self, kind: Node) -> Iterator[dict[str, Any]]:
        # By any of its labels: others may have made nodes that have one of them and not the first.
        any_of = "|".join(sorted({label for labels in kind.label_sets for label in labels}))
        for labels, stored in self._connection.stream(f"MATCH (n:{any_of}) RETURN labels(n), properties(n)"):
            in_order = next((names for names in kind.label_sets if set(labels) == set(names)), sorted(labels))
            yield {"labels": ":".join(in_order), **properties(stored)}

    def _edge_rows(self, kind: Table) -> Iterator[dict[str, Any]]:
        base = {label: node_of_label(label).label for node in NODES for labels in node.label_sets for label in labels}

        def kind_of(labels: list[str]) -> str:
            return min((base[label] for label in labels if label in base), default="")

        cypher = f"MATCH (a)-[e:{table_name(kind)}]->(b) RETURN labels(a), a.key, labels(b), b.key, properties(e)"
        for from_labels, from_key, to_labels, to_key, stored in self._connection.stream(cypher):
            start, end = kind_of(from_labels), kind_of(to_labels)
            if start or end:  # else an edge of others, between nodes of others
                ends = {"fromLabel": start, "fromKey": from_key, "toLabel": end, "toKey": to_key}
                yield {**ends, **properties(stored)}

    def _writable(self) -> None:
        if self._read_only:
            raise StoreError("the store was opened for reading only", where=self.name)
