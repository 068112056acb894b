"""The difference between two folders of projection tables, row by row; between projection and stores.

A node is the same node if its key *and* its labels are the same, an edge if its key and both ends are: anything else is
a removal and an addition, which is also what the stores have to do (a label cannot be changed in place everywhere).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from graphcorr.archive.duck import connect
from graphcorr.errors import StoreError
from graphcorr.graph.schema import EDGES, NODES, Edge, Node, edge_columns, node_columns, properties_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Table = Node | Edge
TABLES: tuple[Table, ...] = (*NODES, *EDGES)

_ARROW = {
    "string": pa.string(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "strings": pa.list_(pa.string()),
}
_SQL = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "datetime": "TIMESTAMPTZ",
    "strings": "VARCHAR[]",
}
_NODE_IDENTITY = ("key", "labels")
_EDGE_IDENTITY = ("key", "fromLabel", "fromKey", "toLabel", "toKey")
_BATCH_ROWS = 10_000


def table_name(table: Table) -> str:
    """Label of a node table, type of an edge table."""
    return table.label if isinstance(table, Node) else table.type


def table_path(folder: Path, table: Table) -> Path:
    """Where a projection keeps a table; an absent file is an empty table."""
    kind = "nodes" if isinstance(table, Node) else "edges"
    return folder / kind / f"{table_name(table)}.parquet"


def column_types(table: Table) -> dict[str, str]:
    """Columns of a table in order, each with its schema type."""
    if isinstance(table, Node):
        declared = {p.name: p.type for p in properties_of(table)}
        return {name: declared.get(name, "string") for name in node_columns(table)}
    declared = {p.name: p.type for p in table.properties}
    return {name: declared.get(name, "string") for name in edge_columns(table)}


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table, for whoever writes one."""
    return pa.schema([(name, _ARROW[kind]) for name, kind in column_types(table).items()])


@dataclass(frozen=True)
class Difference:
    """Added, changed and removed rows as DuckDB relations `added(table)` …, and a way to stream them.

    Added and changed rows are whole new rows, removed ones whole old rows. Changed nodes keep their labels, changed
    edges their ends. Edges of a node that must be created anew count as added, because they went with the old node.
    A relation that `count` says is empty may not exist: ask first.
    """

    connection: duckdb.DuckDBPyConnection
    full: bool
    # Rows of the new tables, and of every relation that has any.
    total: int
    counts: Mapping[str, int]

    def added(self, table: Table) -> str:
        """Name of the relation with the rows to add."""
        return _relation("new" if self.full else "added", table)

    def changed(self, table: Table) -> str:
        """Name of the relation with the rows whose properties differ."""
        return _relation("changed", table)

    def removed(self, table: Table) -> str:
        """Name of the relation with the rows to remove."""
        return _relation("removed", table)

    def count(self, relation: str) -> int:
        """Rows of one of the relations above."""
        return self.counts.get(relation, 0)

    @property
    def size(self) -> int:
        """Rows that differ, over all tables."""
        return sum(self.counts.values())

    def stream(self, sql: str, rows: int = _BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """The result of a query over the relations, in batches; several streams may be open at once."""
        with self.connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            yield from cursor.sql(sql).to_arrow_reader(rows)

    def rows(self, sql: str) -> Iterator[dict[str, Any]]:
        """The same, row by row as dicts."""
        for batch in self.stream(sql):
            yield from batch.to_pylist()


@contextmanager
def compare(
    previous: Path | None, tables: Path, *, edges_follow: bool = True, memory: str = "256MB"
) -> Iterator[Difference]:
    """Compare two folders of tables; without `previous` every row is added.

    With `edges_follow`, all edges of nodes that have to be created anew count as added, as a writer needs it.

    Raises StoreError for a table that cannot be read, or has rows and other columns than those of the schema.
    """
    new = {table: _rows_of(table, tables) for table in TABLES}
    old = {table: _rows_of(table, previous) if previous is not None else 0 for table in TABLES}
    # Most tables of a small graph are empty: each costs milliseconds if DuckDB is asked about it.
    present = [table for table in TABLES if new[table] or old[table]]
    with TemporaryDirectory(prefix="graphcorr-") as spill, connect(Path(spill) / "duck", memory) as connection:
        for table in present:
            _view(connection, "new", table, tables)
            if previous is not None:
                _view(connection, "old", table, previous)
        if previous is not None:
            for table in present:
                _compare(connection, table)
            if edges_follow:
                _take_edges_along(connection, present)
        if previous is None:
            counts = {_relation("new", table): new[table] for table in present}
        else:
            states = ("added", "changed", "removed")
            counts = _count(connection, [_relation(state, table) for table in present for state in states])
        yield Difference(connection, previous is None, sum(new.values()), counts)


def _rows_of(table: Table, folder: Path) -> int:
    """Rows of a table, from the file's footer."""
    path = table_path(folder, table)
    try:
        return int(pq.read_metadata(path).num_rows) if path.exists() else 0
    except (pa.ArrowException, OSError) as error:
        raise _no_table(table, path, error) from error


def _no_table(table: Table, path: Path, error: Exception) -> StoreError:
    reason = str(error).splitlines()[0]
    return StoreError(
        f"not a table of {table_name(table)}: {reason}", where=str(path), hint="project the archive again"
    )


def _count(connection: duckdb.DuckDBPyConnection, relations: list[str]) -> dict[str, int]:
    """Rows of every relation that has any."""
    if not relations:
        return {}
    each = (f"SELECT {number} AS number, count(*) AS rows FROM {name}" for number, name in enumerate(relations))
    found = connection.sql(" UNION ALL ".join(each)).to_arrow_table().to_pylist()
    return {relations[row["number"]]: row["rows"] for row in found if row["rows"]}


def _relation(state: str, table: Table) -> str:
    # Names come from the schema only; the prefix keeps a label and a type of one spelling apart.
    return f'"{state} {"node" if isinstance(table, Node) else "edge"} {table_name(table)}"'


def _view(connection: duckdb.DuckDBPyConnection, state: str, table: Table, folder: Path) -> None:
    path = table_path(folder, table)
    types = {name: _SQL[kind] for name, kind in column_types(table).items()}
    try:
        if path.exists():
            columns = ", ".join(f'CAST("{name}" AS {sql}) AS "{name}"' for name, sql in types.items())
            relation = connection.read_parquet(str(path)).project(columns)
        else:
            columns = ", ".join(f'CAST(NULL AS {sql}) AS "{name}"' for name, sql in types.items())
            relation = connection.sql(f"SELECT {columns} WHERE false")
        relation.create_view(_relation(state, table)[1:-1])
    except duckdb.Error as error:
        raise _no_table(table, path, error) from error


def _compare(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    identity = _NODE_IDENTITY if isinstance(table, Node) else _EDGE_IDENTITY
    same = " AND ".join(f'n."{column}" = o."{column}"' for column in identity)
    others = [column for column in column_types(table) if column not in identity]
    differs = " OR ".join(f'n."{column}" IS DISTINCT FROM o."{column}"' for column in others) or "false"
    new, old = _relation("new", table), _relation("old", table)
    for state, sql in (
        ("added", f"SELECT n.* FROM {new} n ANTI JOIN {old} o ON {same}"),
        ("removed", f"SELECT o.* FROM {old} o ANTI JOIN {new} n ON {same}"),
        ("changed", f"SELECT n.* FROM {new} n JOIN {old} o ON {same} WHERE {differs}"),
    ):
        connection.execute(f"CREATE TABLE {_relation(state, table)} AS {sql}")


def _take_edges_along(connection: duckdb.DuckDBPyConnection, present: Sequence[Table]) -> None:
    """Edges of nodes that are deleted and created anew (other labels) have to be added again."""
    connection.execute("CREATE TABLE anew (label VARCHAR, key VARCHAR)")
    for node in (table for table in present if isinstance(table, Node)):
        both = f"{_relation('added', node)} JOIN {_relation('removed', node)} USING (key)"
        connection.execute(f"INSERT INTO anew SELECT '{node.label}', key FROM {both}")
    if not _count(connection, ["anew"]):
        return
    for edge in (table for table in present if isinstance(table, Edge)):
        added, changed, new = (_relation(state, edge) for state in ("added", "changed", "new"))
        touched = (
            "((e.\"fromLabel\", e.\"fromKey\") IN (SELECT (label, key) FROM anew) "
            "OR (e.\"toLabel\", e.\"toKey\") IN (SELECT (label, key) FROM anew))"
        )  # fmt: skip
        connection.execute(
            f"INSERT INTO {added} SELECT e.* FROM {new} e WHERE {touched} AND e.key NOT IN (SELECT key FROM {added})"
        )
        connection.execute(f"DELETE FROM {changed} e WHERE {touched}")
