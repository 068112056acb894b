"""Writes projection tables into the embedded store: full build in bulk, difference in transactions.

Rows cross into Java as JSON text that DuckDB makes from the tables; nothing is converted row by row in Python. The
declared property types of the engine turn text back into times.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from graphcorr.errors import StoreError
from graphcorr.graph.schema import EDGES, NODES, Edge, Node
from graphcorr.store.difference import TABLES, Difference
from graphcorr.store.embedded_java import java, to_java_map
from graphcorr.store.embedded_schema import type_name
from graphcorr.store.plan import check as check
from graphcorr.store.plan import having, kind_ends, property_types
from graphcorr.store.plan import report as report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphcorr.store.base import Progress

# Rows between two closings of the bulk loader: often enough to bound the memory.
_BULK_ROWS = 25_000
_CHUNK = 5_000
# A character is up to four bytes; half a page of the engine.
_BULK_EDGE_LENGTH = 7_500
_TRANSACTION_ROWS = 1_000


def add_all(database: Any, difference: Difference, progress: Progress | None, *, bulk: bool) -> None:
    """Add the added nodes, then the added edges.

    `bulk` writes without the write-ahead log: for a new database only, a kill leaves it unreadable.
    """
    check(difference)
    adder = _Adder(database, difference, progress, bulk=bulk)
    adder.add(having(NODES, difference, difference.added), having(EDGES, difference, difference.added))


class _Adder:
    """Adds rows through the engine's bulk loader and remembers where nodes went, to connect them."""

    def __init__(self, database: Any, difference: Difference, progress: Progress | None, *, bulk: bool) -> None:
        self._database = database
        self._difference = difference
        self._progress = progress
        self._bulk = _Bulk(database, wal=not bulk)
        self._done = 0
        self._total = sum(difference.count(difference.added(table)) for table in TABLES)
        self._positions = _Positions(difference)

    def add(self, nodes: Sequence[Node], edges: Sequence[Edge]) -> None:
        with self._bulk:
            for node in nodes:
                self._add_nodes(node)
        if edges:
            self._find_ends(edges)
            with self._bulk:
                for edge in edges:
                    self._add_edges(edge)

    def _add_nodes(self, node: Node) -> None:
        sql = f"SELECT labels, key, {_json(property_types(node))} AS row FROM {self._difference.added(node)}"
        if len(node.label_sets) > 1:
            sql += " ORDER BY labels"
        for rows in self._difference.stream(sql, _CHUNK):
            for labels, start, stop in _runs(rows.column("labels").to_pylist()):
                part = rows.slice(start, stop - start)
                made = java("com.arcadedb.python.VertexBatcher").createVerticesJson(
                    self._bulk.room_for(part.num_rows), type_name(labels.split(":")), _array(part.column("row"))
                )
                self._positions.remember(node.label, part.column("key"), str(made).split(";"))
                self._report(part.num_rows)

    def _find_ends(self, edges: Sequence[Edge]) -> None:
        """Look up nodes that were there before and get a new edge; raises StoreError for ends that do not exist."""
        found: dict[str, dict[str, str]] = {}
        for row in self._positions.missing(edges):
            position = _position(self._database, row["label"], row["key"])
            if position is None:
                raise StoreError(f"an edge ends at {row['label']} {row['key']!r}, which is not in the projection",
                                 hint="project the archive again")  # fmt: skip
            found.setdefault(row["label"], {})[row["key"]] = str(position)
        # Only now: the query above reads what this writes.
        for label, positions in found.items():
            self._positions.remember(label, pa.array(list(positions)), list(positions.values()))

    def _add_edges(self, edge: Edge) -> None:
        long: list[str] = []
        for rows in self._difference.stream(self._positions.connected(edge), _CHUNK):
            texts = rows.column("row").to_pylist()
            short = [text for text in texts if len(text) <= _BULK_EDGE_LENGTH]
            long.extend(text for text in texts if len(text) > _BULK_EDGE_LENGTH)
            if short:
                batch = self._bulk.room_for(len(short))
                java("com.arcadedb.python.EdgeBatcher").newEdgesJson(batch, edge.type, _joined(short))
            self._report(rows.num_rows)
        if long:
            self._bulk.close()
            self._add_long_edges(edge, long)

    def _add_long_edges(self, edge: Edge, rows: Sequence[str]) -> None:
        """Add edges that do not fit into a page, which the bulk loader cannot."""
        self._database.begin()
        for text in rows:
            row = java("com.arcadedb.serializer.json.JSONObject")(text)
            source, target = (self._database.newRID(str(row.remove(end))) for end in ("_src", "_dst"))
            made = source.asVertex().newEdge(edge.type, target, [])
            made.set(row.toMap())
            made.save()
        self._database.commit()

    def _report(self, rows: int) -> None:
        self._done += rows
        if self._progress is not None:
            self._progress("writing the graph", self._done, self._total)


class _Bulk:
    """The engine's bulk loader, closed when it is full: it holds what it has not connected yet on the Java heap."""

    def __init__(self, database: Any, *, wal: bool) -> None:
        self._database = database
        self._wal = wal
        self._batch: Any = None
        self._rows = 0

    def __enter__(self) -> None:
        """Close it at the end of the block."""

    def __exit__(self, *_: object) -> None:
        self.close()

    def room_for(self, rows: int) -> Any:
        """A loader that takes so many more rows."""
        if self._rows + rows > _BULK_ROWS:
            self.close()
        if self._batch is None:
            # On two cores the parallel flush costs more than it gains (measured: 25 s and 15 s for 400,000 edges).
            builder = self._database.batch().withBatchSize(_BULK_ROWS).withParallelFlush(False)
            self._batch = builder.withWAL(self._wal).build()
        self._rows += rows
        return self._batch

    def close(self) -> None:
        if self._batch is not None:
            self._batch.close()
        self._batch, self._rows = None, 0


class _Positions:
    """Where the engine put each node, to connect edges."""

    def __init__(self, difference: Difference) -> None:
        self._difference = difference
        self._connection = difference.connection.cursor()
        self._connection.execute("CREATE TABLE positions (label VARCHAR, key VARCHAR, position VARCHAR)")
        self._fresh: list[pa.Table] = []

    def remember(self, label: str, keys: pa.Array, positions: list[str]) -> None:
        self._fresh.append(pa.table({"label": pa.repeat(label, len(keys)), "key": keys, "position": positions}))
        if sum(len(table) for table in self._fresh) >= _BULK_ROWS:
            self._save()

    def missing(self, edges: Sequence[Edge]) -> Iterator[dict[str, Any]]:
        """Label and key of the ends of added edges that are not known yet."""
        self._save()
        ends = " UNION ".join(
            f'SELECT "{end}Label" AS label, "{end}Key" AS key FROM {self._difference.added(edge)}'
            for edge in edges
            for end in ("from", "to")
        )
        return self._difference.rows(f"SELECT * FROM ({ends}) ANTI JOIN positions USING (label, key)")

    def connected(self, edge: Edge) -> str:
        """SQL for the added edges as JSON with the positions of both ends."""
        self._save()
        types = {"_src": "string", "_dst": "string", **property_types(edge)}
        return (
            f"SELECT {_json(types)} AS row FROM (SELECT e.*, s.position AS _src, t.position AS _dst "
            f"FROM {self._difference.added(edge)} e "
            'JOIN positions s ON s.label = e."fromLabel" AND s.key = e."fromKey" '
            'JOIN positions t ON t.label = e."toLabel" AND t.key = e."toKey")'
        )

    def _save(self) -> None:
        if self._fresh:
            self._connection.register("fresh_positions", pa.concat_tables(self._fresh))
            self._connection.execute("INSERT INTO positions SELECT * FROM fresh_positions")
            self._connection.unregister("fresh_positions")
            self._fresh = []


def _runs(values: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Equal values in a row: value, start, end."""
    start = 0
    for value, run in itertools.groupby(values):
        stop = start + sum(1 for _ in run)
        yield value, start, stop
        start = stop


def _position(database: Any, label: str, key: str) -> Any:
    cursor = database.lookupByKey(label, "key", key)
    return cursor.next().getIdentity() if cursor.hasNext() else None


def remove_all(database: Any, difference: Difference) -> None:
    """Remove the removed edges, then the removed nodes with whatever edges they still have."""
    for edge in having(EDGES, difference, difference.removed):
        for label, arrow, rows in _edge_groups(difference, edge, difference.removed(edge), "list(key)"):
            _run(
                database,
                f"UNWIND $rows AS row MATCH (n:{label} {{key: row.node}}){arrow} WHERE e.key IN row.value DELETE e",
                rows,
            )
    for node in having(NODES, difference, difference.removed):
        sql = f"SELECT to_json({{'key': key}}) AS row FROM {difference.removed(node)}"
        for batch in difference.stream(sql, _TRANSACTION_ROWS):
            _run(
                database,
                f"UNWIND $rows AS row MATCH (n:{node.label} {{key: row.key}}) DETACH DELETE n",
                batch.column("row"),
            )


def change_all(database: Any, difference: Difference) -> None:
    """Give the changed nodes and edges their new properties; those that are null now are dropped."""
    for node in having(NODES, difference, difference.changed):
        sql = f"SELECT {_json(property_types(node))} AS row FROM {difference.changed(node)}"
        for batch in difference.stream(sql, _TRANSACTION_ROWS):
            _run(
                database,
                f"UNWIND $rows AS row MATCH (n:{node.label} {{key: row.key}}) SET n = row",
                batch.column("row"),
            )
    for edge in having(EDGES, difference, difference.changed):
        values = f"map(list(key), list(CAST({_json(property_types(edge))} AS JSON)))"
        for label, arrow, rows in _edge_groups(difference, edge, difference.changed(edge), values):
            _run(database, f"UNWIND $rows AS row MATCH (n:{label} {{key: row.node}}){arrow} "
                           "WHERE row.value[e.key] IS NOT NULL SET e = row.value[e.key]", rows)  # fmt: skip


def _edge_groups(difference: Difference, edge: Edge, relation: str, value: str) -> Iterator[tuple[str, str, pa.Array]]:
    """Edges by one of their nodes: its label, the way from it, and rows `{node, value}`.

    The node is at the end where an edge of this type is alone or nearly so; edges have no index of their own.
    """
    end, arrow = ("to", "<-[e:{}]-()") if edge.many == "out" else ("from", "-[e:{}]->()")
    for label in sorted({ends[0 if end == "from" else 1] for ends in kind_ends(edge)}):
        sql = (
            f"SELECT to_json({{'node': \"{end}Key\", 'value': {value}}}) AS row FROM {relation} "
            f'WHERE "{end}Label" = \'{label}\' GROUP BY "{end}Key"'
        )
        for batch in difference.stream(sql, _TRANSACTION_ROWS):
            yield label, arrow.format(edge.type), batch.column("row")


def _run(database: Any, cypher: str, rows: pa.Array) -> None:
    """One statement over rows given as JSON text, in a transaction of its own."""
    parameters = to_java_map({})
    parameters.put("rows", java("com.arcadedb.serializer.json.JSONArray")(_array(rows)).toList())
    database.begin()
    try:
        database.command("opencypher", cypher, parameters)
        database.commit()
    except BaseException:
        if database.isTransactionActive():
            database.rollback()
        raise


def _json(types: dict[str, str]) -> str:
    """SQL for a row as a JSON object without its nulls: a property that is null does not exist in a graph."""
    fields = ", ".join(f"'{name}': {_text(name, kind)}" for name, kind in types.items())
    return f"json_merge_patch('{{}}', to_json({{{fields}}}))"


def _text(name: str, kind: str) -> str:
    if kind == "datetime":  # the session is in UTC
        return f"strftime(CAST(\"{name}\" AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f'"{name}"'


def _array(rows: pa.Array) -> str:
    return _joined(rows.to_pylist())


def _joined(rows: Sequence[str]) -> str:
    return "[" + ",".join(rows) + "]"
