"""Proves that a store holds exactly the projection: `graphcorr verify`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from graphcorr.store.difference import TABLES, Difference, Table, arrow_schema, compare, table_name, table_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphcorr.store.base import Store

_ROWS = 10_000
# Rows that are named per table and kind of difference; all are counted.
_NAMED = 100


@dataclass(frozen=True)
class RowDifference:
    """A row that differs: `missing` in the store, `unexpected` there, `changed`, there more than once (`double`), or
    with properties that are not ours (`extended`).

    Edges may be missing and unexpected at once, if they lead elsewhere, and so may nodes with other labels.
    """

    table: str
    key: str
    kind: str


@dataclass(frozen=True)
class VerifyReport:
    """How store and projection differ. `rows` names up to a hundred rows per table and kind, `counts` has all."""

    checked: int
    counts: Mapping[str, int]
    rows: tuple[RowDifference, ...]

    @property
    def equal(self) -> bool:
        return not self.counts


@dataclass
class _Stored:
    """What the store has of a table: rows, and those of them with properties that no table has."""

    count: int = 0
    extended: int = 0
    named: list[str] = field(default_factory=list)


def verify(store: Store, tables: Path) -> VerifyReport:
    """Compare all rows of a store with the tables of a projection, both ways.

    Raises StoreError where either cannot be read.
    """
    with TemporaryDirectory(prefix="graphcorr-") as folder:
        stored = {table: _write(store, table, Path(folder)) for table in TABLES}
        # An edge of a node with other labels is no difference of its own.
        with compare(Path(folder), tables, edges_follow=False) as difference:
            found = {
                (table_name(table), kind): (count, keys)
                for table in TABLES
                for kind, count, keys in _differences(difference, table, Path(folder), stored[table])
                if count
            }
    return VerifyReport(
        sum(rows.count for rows in stored.values()),
        {f"{table} {kind}": count for (table, kind), (count, _) in found.items()},
        tuple(RowDifference(table, key, kind) for (table, kind), (_, keys) in found.items() for key in keys),
    )


def _differences(
    difference: Difference, table: Table, folder: Path, stored: _Stored
) -> Iterator[tuple[str, int, list[str]]]:
    """Each kind with the number of rows and the first of their keys."""

    def keys(relation: str) -> list[str]:
        # Only nodes and edges of others have no key.
        first = f"SELECT coalesce(key, '') AS key FROM {relation} ORDER BY key LIMIT {_NAMED}"
        return [row["key"] for row in difference.rows(first)]

    for kind, relation in (
        ("missing", difference.added(table)),
        ("unexpected", difference.removed(table)),
        ("changed", difference.changed(table)),
    ):
        if count := difference.count(relation):
            yield kind, count, keys(relation)
    if stored.count:
        path = str(table_path(folder, table)).replace("'", "''")
        doubles = f"(SELECT key, count(*) - 1 AS more FROM read_parquet('{path}') GROUP BY key HAVING more > 0)"
        (total,) = difference.rows(f"SELECT coalesce(sum(more), 0)::BIGINT AS rows FROM {doubles}")
        yield "double", total["rows"], keys(doubles)
    yield "extended", stored.extended, stored.named


def _write(store: Store, table: Table, folder: Path) -> _Stored:
    """Write the store's rows of a table as the projection would."""
    path = table_path(folder, table)
    path.parent.mkdir(exist_ok=True)
    schema = arrow_schema(table)
    found = _Stored()
    stored = store.rows(table_name(table))
    first = next(stored, None)
    if first is None:
        return found
    with pq.ParquetWriter(path, schema) as writer:
        for rows in _chunks(chain([first], stored)):
            writer.write_table(_table(rows, schema))
            found.count += len(rows)
            extended = [str(row["key"] or "") for row in rows if len(row) > len(schema)]
            found.extended += len(extended)
            found.named += extended[: _NAMED - len(found.named)]
    return found


def _table(rows: list[Mapping[str, object]], schema: pa.Schema) -> pa.Table:
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except pa.ArrowException:  # others wrote a value of another type: as good as another value
        typed = [{field.name: _typed(row[field.name], field.type) for field in schema} for row in rows]
        return pa.Table.from_pylist(typed, schema=schema)


def _typed(value: object, kind: pa.DataType) -> object:
    try:
        pa.scalar(value, kind)
    except pa.ArrowException:
        return str(value) if kind == pa.string() else None
    return value


def _chunks(rows: Iterator[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    while chunk := list(islice(rows, _ROWS)):
        yield chunk
