"""Writes projection tables into the embedded store: full build in bulk, difference in transactions.

Rows cross into Java as JSON text that DuckDB makes from the tables; nothing is converted row by row in Python. The
declared property types of the engine turn text back into times.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, TypeVar

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
    from collections.abc import Iterable, Iterator, Sequence

    from graphcorr.store.base import Progress

_T = TypeVar("_T")

# What the bulk loader holds on the Java heap until it is closed: nodes it made, or nodes whose edges it connects.
_BULK_NODES = 50_000
# Edges that it writes at a time, and records in one of its transactions, which holds them as objects.
_BULK_EDGES = 25_000
_BULK_TRANSACTION = 5_000
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
        self._bulk = BulkLoader(database, wal=not bulk)
        self._done = 0
        self._total = sum(difference.count(difference.added(table)) for table in TABLES)
        self._positions = _Positions(difference)

    def add(self, nodes: Sequence[Node], edges: Sequence[Edge]) -> None:
        with self._bulk:
            # The largest tables last: `_Positions.connected` says why.
            for node in sorted(nodes, key=lambda node: self._difference.count(self._difference.added(node))):
                self._add_nodes(node)
        if edges:
            self._find_ends(edges)
            with self._bulk:
                self._add_edges(edges)

    def _add_nodes(self, node: Node) -> None:
        sql = f"SELECT labels, key, {_json(property_types(node))} AS row FROM {self._difference.added(node)}"
        if len(node.label_sets) > 1:
            sql += " ORDER BY labels"
        for rows in self._difference.stream(sql, _CHUNK):
            for labels, start, stop in _runs(rows.column("labels").to_pylist()):
                part = rows.slice(start, stop - start)
                made = java("com.arcadedb.python.VertexBatcher").createVerticesJson(
                    self._bulk.nodes(part.num_rows), type_name(labels.split(":")), _array(part.column("row"))
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

    def _add_edges(self, edges: Sequence[Edge]) -> None:
        long: list[tuple[str, str]] = []
        current = 0
        for rows in self._difference.stream(self._positions.connected(edges), _CHUNK):
            texts = rows.column("row").to_pylist()
            places = zip(rows.column("part").to_pylist(), rows.column("type").to_pylist(), strict=True)
            for (part, kind), start, stop in _runs(places):
                if part != current:
                    self._bulk.close()
                    current = part
                short = [text for text in texts[start:stop] if len(text) <= _BULK_EDGE_LENGTH]
                long.extend((kind, text) for text in texts[start:stop] if len(text) > _BULK_EDGE_LENGTH)
                if short:
                    java("com.arcadedb.python.EdgeBatcher").newEdgesJson(self._bulk.edges(kind), kind, _joined(short))
            self._report(rows.num_rows)
        if long:
            self._bulk.close()
            self._add_long_edges(long)

    def _add_long_edges(self, rows: Sequence[tuple[str, str]]) -> None:
        """Add edges that do not fit into a page, which the bulk loader cannot."""
        self._database.begin()
        for kind, text in rows:
            row = java("com.arcadedb.serializer.json.JSONObject")(text)
            source, target = (self._database.newRID(str(row.remove(end))) for end in ("_src", "_dst"))
            made = source.asVertex().newEdge(kind, target, [])
            made.set(row.toMap())
            made.save()
        self._database.commit()

    def _report(self, rows: int) -> None:
        self._done += rows
        if self._progress is not None:
            self._progress("writing the graph", self._done, self._total)


class BulkLoader:
    """The engine's bulk loader, opened when it is needed.

    Closing it writes the place of its first edges into every node that it touched; until then it holds them.
    """

    def __init__(self, database: Any, *, wal: bool) -> None:
        self._database = database
        self._wal = wal
        self._batch: Any = None
        self._made = 0
        self._type: str | None = None

    def __enter__(self) -> None:
        """Close it at the end of the block."""

    def __exit__(self, *_: object) -> None:
        self.close()

    def nodes(self, rows: int) -> Any:
        """The loader with room for so many more nodes."""
        if self._made + rows > _BULK_NODES:
            self.close()
        self._made += rows
        return self._open()

    def edges(self, kind: str) -> Any:
        """The loader for edges of one type: those of several in one go take it several times as long."""
        if self._batch is not None and kind != self._type:
            self._batch.flush()
        self._type = kind
        return self._open()

    def close(self) -> None:
        if self._batch is not None:
            self._batch.close()
        self._batch, self._made = None, 0

    def _open(self) -> Any:
        if self._batch is None:
            builder = self._database.batch().withBatchSize(_BULK_EDGES).withCommitEvery(_BULK_TRANSACTION)
            # On two cores the parallel flush costs more than it gains (measured: 25 s and 15 s for 400,000 edges).
            builder = builder.withParallelFlush(False).withChunkCacheCapacity(_BULK_NODES)
            self._batch = builder.withWAL(self._wal).build()
        return self._batch


class _Positions:
    """Where the engine put each node, to connect edges; nodes are numbered as they come."""

    def __init__(self, difference: Difference) -> None:
        self._difference = difference
        self._connection = difference.connection.cursor()
        self._connection.execute("CREATE TABLE positions (label VARCHAR, key VARCHAR, position VARCHAR, number BIGINT)")
        self._fresh: list[pa.Table] = []
        self._known = 0

    def remember(self, label: str, keys: pa.Array, positions: list[str]) -> None:
        numbers = pa.array(range(self._known, self._known + len(keys)))
        self._known += len(keys)
        self._fresh.append(
            pa.table({"label": pa.repeat(label, len(keys)), "key": keys, "position": positions, "number": numbers})
        )
        if sum(len(table) for table in self._fresh) >= _BULK_NODES:
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

    def connected(self, edges: Sequence[Edge]) -> str:
        """SQL for the added edges: their part, their type, and a row as JSON with the positions of both ends.

        Parts come one after the other, and types within them. Edges that meet in a node of a large table are in one
        part, so that the engine finds its page and writes it once: such nodes have few edges, each at its other end
        with a node of a small table, and of both ends the one with the higher number says the part.
        """
        self._save()
        # One join at a time: all in one statement need more memory than DuckDB has here.
        self._connection.execute("CREATE TABLE connected (part INTEGER, type VARCHAR, row VARCHAR)")
        for edge in edges:
            types = {"_src": "string", "_dst": "string", **property_types(edge)}
            self._connection.execute(
                f"INSERT INTO connected SELECT part, '{edge.type}', {_json(types)} FROM (SELECT e.*, "
                f"greatest(s.number, t.number) // {_BULK_NODES} AS part, s.position AS _src, t.position AS _dst "
                f"FROM {self._difference.added(edge)} e "
                'JOIN positions s ON s.label = e."fromLabel" AND s.key = e."fromKey" '
                'JOIN positions t ON t.label = e."toLabel" AND t.key = e."toKey")'
            )
        self._connection.execute("DROP TABLE positions")
        return "SELECT * FROM connected ORDER BY part, type"

    def _save(self) -> None:
        if self._fresh:
            self._connection.register("fresh_positions", pa.concat_tables(self._fresh))
            self._connection.execute("INSERT INTO positions SELECT * FROM fresh_positions")
            self._connection.unregister("fresh_positions")
            self._fresh = []


def _runs(values: Iterable[_T]) -> Iterator[tuple[_T, int, int]]:
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
