"""The difference between two folders of projection tables, row by row; between projection and stores.

A node is the same node if its key *and* its labels are the same, an edge if its key and both ends are: anything else is
a removal and an addition, which is also what the stores have to do (a label cannot be changed in place everywhere).

A table is a file, or a folder of files of which those with one name are equal in all projections: they are not read.
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

from graphcorr.archive.duck import connect, escaped
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
_SUFFIX = ".parquet"
_Files = dict[Table, list[Path]]


def table_name(table: Table) -> str:
    """Label of a node table, type of an edge table."""
    return table.label if isinstance(table, Node) else table.type


def table_path(folder: Path, table: Table) -> Path:
    """Where a projection keeps a table: a file or a folder of files; what is absent is an empty table."""
    kind = "nodes" if isinstance(table, Node) else "edges"
    return folder / kind / f"{table_name(table)}.parquet"


def table_files(folder: Path, table: Table) -> list[Path]:
    """The parquet files of a table, sorted."""
    path = table_path(folder, table)
    if path.is_dir():
        return sorted(path.glob("*.parquet"))
    return [path] if path.exists() else []


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
    files = {table: table_files(tables, table) for table in TABLES}
    rows = {table: _rows_of(table, files[table]) for table in TABLES}
    with TemporaryDirectory(prefix="graphcorr-") as spill, connect(Path(spill) / "duck", memory) as connection:
        if previous is None:
            present = [table for table in TABLES if rows[table]]
            for table in present:
                _view(connection, "new", table, files[table])
            counts = {_relation("new", table): rows[table] for table in present}
        else:
            counts = _differences(
                connection, files, {table: table_files(previous, table) for table in TABLES}, edges_follow
            )
        yield Difference(connection, previous is None, sum(rows.values()), counts)


def _differences(connection: duckdb.DuckDBPyConnection, new: _Files, old: _Files, edges_follow: bool) -> dict[str, int]:
    """Make the relations `added` … of all tables; returns the rows of those that have any."""
    fresh = {table: _without(new[table], old[table]) for table in TABLES}
    stale = {table: _without(old[table], new[table]) for table in TABLES}
    # Most tables of a small graph are empty, and most of a large one the same: each costs milliseconds.
    compared = [table for table in TABLES if fresh[table] or stale[table]]
    for table in compared:
        _compare(connection, table, fresh[table], stale[table])
    if edges_follow and _find_anew(connection, compared):
        for edge in EDGES:
            if new[edge]:
                if edge not in compared:
                    compared.append(edge)
                    _compare(connection, edge, [], [])
                _take_along(connection, edge, new[edge])
    states = ("added", "changed", "removed")
    return _count(connection, [_relation(state, table) for table in compared for state in states])


def _without(files: Sequence[Path], others: Sequence[Path]) -> list[Path]:
    """The files whose like is not among the others. A table that is one file has no like."""
    same = {file.name for file in others if file.parent.suffix == _SUFFIX}
    return [file for file in files if file.parent.suffix != _SUFFIX or file.name not in same]


def _rows_of(table: Table, files: Sequence[Path]) -> int:
    """Rows of a table, from the files' footers."""
    rows = 0
    for path in files:
        try:
            rows += int(pq.read_metadata(path).num_rows)
        except (pa.ArrowException, OSError) as error:
            raise _no_table(table, path, error) from error
    return rows


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


def _view(connection: duckdb.DuckDBPyConnection, state: str, table: Table, files: Sequence[Path]) -> None:
    types = {name: _SQL[kind] for name, kind in column_types(table).items()}
    try:
        if files:
            columns = ", ".join(f'CAST("{name}" AS {sql}) AS "{name}"' for name, sql in types.items())
            relation = connection.read_parquet(escaped(map(str, files)), hive_partitioning=False).project(columns)
        else:
            columns = ", ".join(f'CAST(NULL AS {sql}) AS "{name}"' for name, sql in types.items())
            relation = connection.sql(f"SELECT {columns} WHERE false")
        relation.create_view(_relation(state, table)[1:-1])
    except duckdb.Error as error:
        raise _no_table(table, files[0], error) from error


def _compare(connection: duckdb.DuckDBPyConnection, table: Table, fresh: Sequence[Path], stale: Sequence[Path]) -> None:
    """Make the relations `added`, `removed` and `changed` of a table from the files that are not in both."""
    _view(connection, "fresh", table, fresh)
    _view(connection, "stale", table, stale)
    identity = _NODE_IDENTITY if isinstance(table, Node) else _EDGE_IDENTITY
    same = " AND ".join(f'n."{column}" = o."{column}"' for column in identity)
    others = [column for column in column_types(table) if column not in identity]
    differs = " OR ".join(f'n."{column}" IS DISTINCT FROM o."{column}"' for column in others) or "false"
    new, old = _relation("fresh", table), _relation("stale", table)
    for state, sql in (
        ("added", f"SELECT n.* FROM {new} n ANTI JOIN {old} o ON {same}"),
        ("removed", f"SELECT o.* FROM {old} o ANTI JOIN {new} n ON {same}"),
        ("changed", f"SELECT n.* FROM {new} n JOIN {old} o ON {same} WHERE {differs}"),
    ):
        connection.execute(f"CREATE TABLE {_relation(state, table)} AS {sql}")


def _find_anew(connection: duckdb.DuckDBPyConnection, compared: Sequence[Table]) -> bool:
    """Nodes that are deleted and created anew (other labels), into the table `anew`; whether there are any."""
    connection.execute("CREATE TABLE anew (label VARCHAR, key VARCHAR)")
    for node in (table for table in compared if isinstance(table, Node)):
        both = f"{_relation('added', node)} JOIN {_relation('removed', node)} USING (key)"
        connection.execute(f"INSERT INTO anew SELECT '{node.label}', key FROM {both}")
    return bool(_count(connection, ["anew"]))


def _take_along(connection: duckdb.DuckDBPyConnection, edge: Edge, files: Sequence[Path]) -> None:
    """Edges of nodes that are created anew have to be added again."""
    _view(connection, "new", edge, files)
    added, changed, new = (_relation(state, edge) for state in ("added", "changed", "new"))
    ends = (
        "((e.\"fromLabel\", e.\"fromKey\") IN (SELECT (label, key) FROM anew) "
        "OR (e.\"toLabel\", e.\"toKey\") IN (SELECT (label, key) FROM anew))"
    )  # fmt: skip
    connection.execute(
        f"INSERT INTO {added} SELECT e.* FROM {new} e WHERE {ends} AND e.key NOT IN (SELECT key FROM {added})"
    )
    connection.execute(f"DELETE FROM {changed} e WHERE {ends}")
