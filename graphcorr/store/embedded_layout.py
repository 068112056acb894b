"""Rows to add to the embedded store, laid out in files in the order in which its bulk loader takes them.

Joining edges with their nodes takes memory and so does Java; laid out first, a full build never needs both at a time.
Nodes are numbered as they will be added, and edges name their ends by number.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from graphcorr.archive.duck import escaped
from graphcorr.graph.schema import EDGES, NODES, Edge, Node
from graphcorr.store.base import Progress
from graphcorr.store.difference import Difference, Table
from graphcorr.store.plan import having, kind_ends, property_types

_T = TypeVar("_T")

# Nodes that the bulk loader holds on the Java heap until it is closed: those it made, or whose edges it connects.
PART_NODES = 50_000
_CHUNK = 2_048
# A reader of every edge type is open at a time and holds a group: the fewest rows that DuckDB makes one of.
_GROUP_ROWS = 2_048


@dataclass(frozen=True)
class Layout:
    """Files with the rows to add, as JSON texts without nulls: a property that is null does not exist in a graph."""

    # Labels and rows of new nodes, which are numbered from 0 in this order.
    node_files: Sequence[Path]
    # Label and key of nodes that are there already and get an edge; their numbers follow those of the new ones.
    others: Sequence[tuple[str, str]]
    edge_files: Sequence[tuple[str, Path]]
    # Nodes and edges to add.
    rows: int

    def nodes(self) -> Iterator[tuple[str, pa.Array]]:
        """Labels as the projection writes them, and some rows, in the order of numbers."""
        for path in self.node_files:
            for rows in pq.ParquetFile(path, pre_buffer=False).iter_batches(_CHUNK, columns=["labels", "row"]):
                for labels, start, stop in _runs(rows.column("labels").to_pylist()):
                    yield labels, rows.column("row").slice(start, stop - start)

    def edges(self) -> Iterator[tuple[int, str, pa.RecordBatch]]:
        """Part, type, and some edges: the numbers `src` and `dst`, and `row` without its opening brace.

        Parts come one after the other, and types within them. Edges that meet in a node of a large table are in one
        part, so that the engine finds its page and writes it once: such nodes have few edges, each at its other end
        with a node of a small table, and of both ends the one with the higher number says the part.
        """
        streams = (_parts(kind, path) for kind, path in self.edge_files)
        return heapq.merge(*streams, key=lambda some: some[:2])


def _parts(kind: str, path: Path) -> Iterator[tuple[int, str, pa.RecordBatch]]:
    for rows in pq.ParquetFile(path, pre_buffer=False).iter_batches(_CHUNK):
        for part, start, stop in _runs(rows.column("part").to_pylist()):
            yield part, kind, rows.slice(start, stop - start)


def lay_out(difference: Difference, folder: Path, progress: Progress | None = None) -> Layout:
    """Write what is added to `folder`, which must be empty."""
    return _Writer(difference, folder, progress).write()


class _Writer:
    def __init__(self, difference: Difference, folder: Path, progress: Progress | None) -> None:
        self._difference = difference
        self._folder = folder
        self._progress = progress
        # Largest last: their nodes have few edges, each with a node before them.
        self._nodes = sorted(having(NODES, difference, difference.added), key=self._count)
        self._edges = having(EDGES, difference, difference.added)
        self._rows = sum(self._count(table) for tables in (self._nodes, self._edges) for table in tables)
        self._done = 0
        self._duck = difference.connection.cursor()

    def write(self) -> Layout:
        self._duck.execute("SET TimeZone = 'UTC'")
        self._duck.execute("CREATE TEMP TABLE numbers (label VARCHAR, key VARCHAR, number BIGINT)")
        node_files = [self._lay_out_nodes(node) for node in self._nodes]
        edge_files = [(edge.type, self._lay_out_edges(edge)) for edge in self._edges]
        first = sum(map(self._count, self._nodes))
        others = self._duck.sql(f"SELECT label, key FROM numbers WHERE number >= {first} ORDER BY number")
        found = others.to_arrow_table().to_pylist()
        self._duck.execute("DROP TABLE numbers")
        return Layout(node_files, [(row["label"], row["key"]) for row in found], edge_files, self._rows)

    def _lay_out_nodes(self, node: Node) -> Path:
        path = self._folder / f"node-{node.label}.parquet"
        order = "ORDER BY labels" if len(node.label_sets) > 1 else ""
        row = json_text(property_types(node))
        self._copy(f"SELECT labels, key, {row} AS row FROM {self._added(node)} {order}", path)
        self._duck.execute(
            f"INSERT INTO numbers SELECT '{node.label}', key, {self._done} + file_row_number "
            "FROM read_parquet($1, file_row_number = true)",
            [escaped([str(path)])],
        )
        self._report(self._count(node))
        return path

    def _lay_out_edges(self, edge: Edge) -> Path:
        path = self._folder / f"edge-{edge.type}.parquet"
        starts, ends = (_listed({pair[n] for pair in kind_ends(edge)}) for n in (0, 1))
        joined = (
            f"SELECT greatest(_src, _dst) // {PART_NODES} AS part, _src AS src, _dst AS dst, "
            f"substr({json_text(property_types(edge))}, 2) AS row "
            f"FROM (SELECT e.*, s.number AS _src, t.number AS _dst FROM {self._added(edge)} e "
            f"JOIN (SELECT * FROM numbers WHERE label IN ({starts})) s "
            'ON s.label = e."fromLabel" AND s.key = e."fromKey" '
            f"JOIN (SELECT * FROM numbers WHERE label IN ({ends})) t "
            'ON t.label = e."toLabel" AND t.key = e."toKey") ORDER BY part'
        )
        # In a full build all nodes are new: whether others are met is asked only where an edge found no end.
        if self._copy(joined, path) < self._count(edge):
            self._number_others(edge)
            self._copy(joined, path)
        self._report(self._count(edge))
        return path

    def _number_others(self, edge: Edge) -> None:
        """Number the ends of added edges that are no added nodes."""
        for end in ("from", "to"):
            self._duck.execute(
                "INSERT INTO numbers SELECT label, key, (SELECT count(*) FROM numbers) + row_number() OVER () - 1 FROM "
                f'(SELECT DISTINCT "{end}Label" AS label, "{end}Key" AS key FROM {self._added(edge)}) '
                "ANTI JOIN numbers USING (label, key)"
            )

    def _copy(self, sql: str, path: Path) -> int:
        """Write the rows of a query to a file and return how many they are."""
        options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {_GROUP_ROWS}"
        ((rows,),) = self._duck.execute(f"COPY ({sql}) TO $1 ({options})", [str(path)]).fetchall()
        return int(rows)

    def _added(self, table: Table) -> str:
        return self._difference.added(table)

    def _count(self, table: Table) -> int:
        return self._difference.count(self._difference.added(table))

    def _report(self, rows: int) -> None:
        self._done += rows
        if self._progress is not None:
            self._progress("laying out the graph", self._done, self._rows)


def json_text(types: dict[str, str]) -> str:
    """SQL for a row as a JSON object without its nulls."""
    fields = ", ".join(f"'{name}': {_text(name, kind)}" for name, kind in types.items())
    return f"CAST(json_merge_patch('{{}}', to_json({{{fields}}})) AS VARCHAR)"


def _text(name: str, kind: str) -> str:
    if kind == "datetime":  # the session is in UTC
        return f"strftime(CAST(\"{name}\" AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f'"{name}"'


def _listed(labels: set[str]) -> str:
    """Labels, which come from the schema, as a list in SQL."""
    return ", ".join(f"'{label}'" for label in sorted(labels))


def _runs(values: Iterable[_T]) -> Iterator[tuple[_T, int, int]]:
    """Equal values in a row: value, start, end."""
    start = 0
    for value, run in itertools.groupby(values):
        stop = start + sum(1 for _ in run)
        yield value, start, stop
        start = stop
