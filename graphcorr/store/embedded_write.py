"""Writes projection tables into the embedded store: full build in bulk, difference in transactions.

Rows cross into Java as JSON text that DuckDB makes from the tables; nothing is converted row by row in Python. The
declared property types of the engine turn text back into times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from graphcorr.errors import StoreError
from graphcorr.graph.schema import EDGES, NODES, Edge
from graphcorr.store.embedded_java import java, to_java_map
from graphcorr.store.embedded_layout import PART_NODES, json_text
from graphcorr.store.embedded_schema import type_name
from graphcorr.store.plan import check as check
from graphcorr.store.plan import having, kind_ends, property_types
from graphcorr.store.plan import report as report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphcorr.store.base import Progress
    from graphcorr.store.difference import Difference
    from graphcorr.store.embedded_layout import Layout

# Edges that the bulk loader writes at a time, and records in one of its transactions, which holds them as objects.
_BULK_EDGES = 25_000
_BULK_TRANSACTION = 5_000
# A character is up to four bytes; half a page of the engine.
_BULK_EDGE_LENGTH = 7_500
_TRANSACTION_ROWS = 1_000


def add_all(database: Any, layout: Layout, progress: Progress | None, *, bulk: bool) -> None:
    """Add the nodes, then the edges.

    `bulk` writes without the write-ahead log: for a new database only, a kill leaves it unreadable. Raises StoreError
    for edges with ends that do not exist.
    """
    _Adder(database, layout, progress, bulk=bulk).add()


class _Adder:
    """Adds rows through the engine's bulk loader and remembers where nodes went, to connect them."""

    def __init__(self, database: Any, layout: Layout, progress: Progress | None, *, bulk: bool) -> None:
        self._database = database
        self._layout = layout
        self._progress = progress
        self._bulk = BulkLoader(database, wal=not bulk)
        self._done = 0

    def add(self) -> None:
        positions = self._add_nodes()
        with self._bulk:
            self._add_edges(positions)

    def _add_nodes(self) -> pa.Array:
        """Add all nodes and return where each is, by its number: for millions of nodes in one piece and not in two."""
        with self._bulk:
            parts = [self._added(*some) for some in self._layout.nodes()]
        parts.append(pa.array(map(self._position, self._layout.others), pa.string()))
        return pa.concat_arrays(parts)

    def _added(self, labels: str, rows: pa.Array) -> pa.Array:
        """Add nodes and return where the engine put them."""
        made = java("com.arcadedb.python.VertexBatcher").createVerticesJson(
            self._bulk.nodes(len(rows)), type_name(labels.split(":")), _array(rows)
        )
        self._report(len(rows))
        return pa.array(str(made).split(";"))

    def _position(self, node: tuple[str, str]) -> str:
        """Where a node is that was there before."""
        label, key = node
        cursor = self._database.lookupByKey(label, "key", key)
        if not cursor.hasNext():
            raise StoreError(f"an edge ends at {label} {key!r}, which is not in the projection",
                             hint="project the archive again")  # fmt: skip
        return str(cursor.next().getIdentity())

    def _add_edges(self, positions: pa.Array) -> None:
        long: list[tuple[str, str]] = []
        current = 0
        for part, kind, rows in self._layout.edges():
            if part != current:
                self._bulk.close()
                current = part
            src, dst = (pc.take(positions, rows.column(end)) for end in ("src", "dst"))
            texts = pc.binary_join_element_wise(
                '{"_src":"', src, '","_dst":"', dst, '",', rows.column("row"), ""
            ).to_pylist()
            short = [text for text in texts if len(text) <= _BULK_EDGE_LENGTH]
            long.extend((kind, text) for text in texts if len(text) > _BULK_EDGE_LENGTH)
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
            self._progress("writing the graph", self._done, self._layout.rows)


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
        if self._made + rows > PART_NODES:
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
            builder = builder.withParallelFlush(False).withChunkCacheCapacity(PART_NODES)
            self._batch = builder.withWAL(self._wal).build()
        return self._batch


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
        sql = f"SELECT {json_text(property_types(node))} AS row FROM {difference.changed(node)}"
        for batch in difference.stream(sql, _TRANSACTION_ROWS):
            _run(
                database,
                f"UNWIND $rows AS row MATCH (n:{node.label} {{key: row.key}}) SET n = row",
                batch.column("row"),
            )
    for edge in having(EDGES, difference, difference.changed):
        values = f"map(list(key), list(CAST({json_text(property_types(edge))} AS JSON)))"
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


def _array(rows: pa.Array) -> str:
    return _joined(rows.to_pylist())


def _joined(rows: Sequence[str]) -> str:
    return "[" + ",".join(rows) + "]"
