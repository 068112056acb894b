"""Writes projection tables into the embedded store: schema, full build in bulk, difference in transactions.

Rows cross into Java as JSON text that DuckDB makes from the tables; nothing is converted row by row in Python. The
declared property types of the engine turn text back into times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from graphcorr.errors import StoreError
from graphcorr.graph.schema import EDGES, NODES, Edge, Node, Property, properties_of
from graphcorr.store.difference import TABLES, Difference
from graphcorr.store.embedded_java import LABEL_SEPARATOR, java, to_java_map
from graphcorr.store.plan import check as check
from graphcorr.store.plan import having, kind_ends, property_types
from graphcorr.store.plan import report as report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphcorr.store.base import Progress

# Zoned is the only type under which stored times behave as Neo4j's do (docs/cypher-dialect.md).
_JAVA_TYPES = {
    "string": "STRING",
    "integer": "LONG",
    "boolean": "BOOLEAN",
    "datetime": "ZONED_DATETIME",
    "strings": "LIST",
}
_T = TypeVar("_T", Node, Edge)
_KEY = Property("key", "string", "")
# A bulk load holds what it has not connected yet on the Java heap: closing it often bounds the memory.
_BULK_NODES = 25_000
_BULK_EDGES = 25_000
_CHUNK = 5_000
_BULK_EDGE_BYTES = 30_000
_TRANSACTION_ROWS = 1_000
# Bytes; the engine's own 256 KiB make an empty database of 115 MB. An indexed value must fit into a page.
_INDEX_PAGE = 65_536


def create_schema(database: Any) -> None:
    """Create every type, property and index of the schema in an empty database.

    A label set that is first used while loading would lock the database for a minute, so all of them are created here.
    """
    schema = database.getSchema()
    database.begin()  # one transaction: 0.15 s; one for every change: 2 s
    for node in NODES:
        for label in sorted({label for labels in node.label_sets for label in labels}):
            vertex_type = schema.buildVertexType().withName(label).withTotalBuckets(1).create()
            _declare(vertex_type, properties_of(node))
            for prop in properties_of(node):
                if prop.indexed:
                    _index(schema, label, prop.name, unique=prop.name == "key")
        for labels in node.label_sets:
            if len(labels) > 1:
                builder = schema.buildVertexType().withName(type_name(labels)).withTotalBuckets(1)
                for label in sorted(labels):
                    builder = builder.withSuperType(label)
                builder.create()
    for edge in EDGES:
        edge_type = schema.buildEdgeType().withName(edge.type).withTotalBuckets(1).create()
        _declare(edge_type, (_KEY, *edge.properties))
    database.commit()


def type_name(labels: Sequence[str]) -> str:
    """The engine's type for a label set."""
    return LABEL_SEPARATOR.join(sorted(labels))


def _declare(java_type: Any, properties: Sequence[Property]) -> None:
    types = java("com.arcadedb.schema.Type")
    for prop in properties:
        java_type.createProperty(prop.name, getattr(types, _JAVA_TYPES[prop.type]))


def _index(schema: Any, label: str, name: str, *, unique: bool) -> None:
    tree = java("com.arcadedb.schema.Schema$INDEX_TYPE").LSM_TREE
    schema.buildTypeIndex(label, [name]).withType(tree).withUnique(unique).withPageSize(_INDEX_PAGE).create()


def add_all(database: Any, difference: Difference, progress: Progress | None, *, bulk: bool) -> None:
    """Add the added nodes, then the added edges.

    `bulk` writes without the write-ahead log: for a new database only, a kill leaves it unreadable.
    """
    check(difference)
    adder = _Adder(database, difference, progress, bulk=bulk)
    for node in having(NODES, difference, difference.added):
        adder.add_nodes(node)
    edges = having(EDGES, difference, difference.added)
    if edges:
        adder.find_ends(edges)
    for edge in edges:
        adder.add_edges(edge)


class _Adder:
    """Adds rows through the engine's bulk loader and remembers where nodes went, to connect them."""

    def __init__(self, database: Any, difference: Difference, progress: Progress | None, *, bulk: bool) -> None:
        self._database = database
        self._difference = difference
        self._progress = progress
        self._bulk = bulk
        self._done = 0
        self._total = sum(difference.count(difference.added(table)) for table in TABLES)
        self._positions = difference.connection.cursor()
        self._positions.execute("CREATE TABLE positions (label VARCHAR, key VARCHAR, position VARCHAR)")

    def add_nodes(self, node: Node) -> None:
        for labels in node.label_sets:
            sql = (
                f"SELECT key, {_json(property_types(node))} AS row FROM {self._difference.added(node)} "
                f"WHERE labels = '{':'.join(labels)}'"
            )
            for group in _groups(self._difference.stream(sql, _CHUNK), _BULK_NODES):
                batch = self._open(_BULK_NODES)
                try:
                    for rows in group:
                        text = _array(rows.column("row"))
                        made = java("com.arcadedb.python.VertexBatcher").createVerticesJson(
                            batch, type_name(labels), text
                        )
                        self._remember(node.label, rows.column("key"), str(made).split(";"))
                        self._report(rows.num_rows)
                finally:
                    batch.close()

    def find_ends(self, edges: Sequence[Edge]) -> None:
        """Look up nodes that were there before and get a new edge; raises StoreError for ends that do not exist."""
        ends = " UNION ".join(
            f'SELECT "{end}Label" AS label, "{end}Key" AS key FROM {self._difference.added(edge)}'
            for edge in edges
            for end in ("from", "to")
        )
        missing = f"SELECT * FROM ({ends}) ANTI JOIN positions USING (label, key)"
        found: dict[str, dict[str, str]] = {}
        for row in self._difference.rows(missing):
            position = _position(self._database, row["label"], row["key"])
            if position is None:
                raise StoreError(f"an edge ends at {row['label']} {row['key']!r}, which is not in the projection",
                                 hint="project the archive again")  # fmt: skip
            found.setdefault(row["label"], {})[row["key"]] = str(position)
        # Only now: the query above reads what this writes.
        for label, positions in found.items():
            self._remember(label, pa.array(list(positions)), list(positions.values()))

    def add_edges(self, edge: Edge) -> None:
        types = {"_src": "string", "_dst": "string", **property_types(edge)}
        rows_sql = (
            f"SELECT {_json(types)} AS row FROM (SELECT e.*, s.position AS _src, t.position AS _dst "
            f"FROM {self._difference.added(edge)} e "
            'JOIN positions s ON s.label = e."fromLabel" AND s.key = e."fromKey" '
            'JOIN positions t ON t.label = e."toLabel" AND t.key = e."toKey")'
        )
        fits = f"SELECT row FROM ({rows_sql}) WHERE strlen(row) <= {_BULK_EDGE_BYTES}"
        for group in _groups(self._difference.stream(fits, _CHUNK), _BULK_EDGES):
            batch = self._open(_BULK_EDGES)
            try:
                for rows in group:
                    java("com.arcadedb.python.EdgeBatcher").newEdgesJson(batch, edge.type, _array(rows.column("row")))
                    self._report(rows.num_rows)
            finally:
                batch.close()
        for batch in self._difference.stream(
            f"SELECT row FROM ({rows_sql}) WHERE strlen(row) > {_BULK_EDGE_BYTES}", 10
        ):
            self._add_long_edges(edge, batch.column("row").to_pylist())
            self._report(batch.num_rows)

    def _add_long_edges(self, edge: Edge, rows: list[str]) -> None:
        """Add edges that do not fit into a page, which the bulk loader cannot."""
        self._database.begin()
        for text in rows:
            row = java("com.arcadedb.serializer.json.JSONObject")(text)
            source, target = (self._database.newRID(str(row.remove(end))) for end in ("_src", "_dst"))
            made = source.asVertex().newEdge(edge.type, target, [])
            made.set(row.toMap())
            made.save()
        self._database.commit()

    def _open(self, size: int) -> Any:
        # On two cores the parallel flush costs more than it gains (measured: 25 s and 15 s for 400,000 edges).
        builder = self._database.batch().withBatchSize(size).withParallelFlush(False)
        return builder.withWAL(not self._bulk).build()

    def _remember(self, label: str, keys: pa.Array, positions: list[str]) -> None:
        table = pa.table({"label": pa.repeat(label, len(keys)), "key": keys, "position": pa.array(positions)})
        self._positions.register("fresh_positions", table)
        self._positions.execute("INSERT INTO positions SELECT * FROM fresh_positions")
        self._positions.unregister("fresh_positions")

    def _report(self, rows: int) -> None:
        self._done += rows
        if self._progress is not None:
            self._progress("writing the graph", self._done, self._total)


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
    return "[" + ",".join(rows.to_pylist()) + "]"


def _groups(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[Iterator[pa.RecordBatch]]:
    """Batches in groups of about `size` rows; each group must be read before the next is asked for."""
    pending = next(batches, None)

    def group() -> Iterator[pa.RecordBatch]:
        nonlocal pending
        rows = 0
        while pending is not None and rows < size:
            yield pending
            rows += pending.num_rows
            pending = next(batches, None)

    while pending is not None:
        yield group()
