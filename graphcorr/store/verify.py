"""Proves that a store holds exactly the projection: `graphcorr verify`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from graphcorr.store.difference import TABLES, Difference, Table, arrow_schema, compare, table_name, table_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphcorr.store.base import Store

_ROWS = 10_000
# Rows that are named per table and kind of difference; all are counted.
_NAMED = 100


@dataclass(frozen=True)
class RowDifference:
    """A row that differs: `missing` in the store, `unexpected` there, or `changed`; edges may be missing and
    unexpected at once, if they lead elsewhere, and so may nodes with other labels."""

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


def verify(store: Store, tables: Path) -> VerifyReport:
    """Compare all rows of a store with the tables of a projection, both ways.

    Raises StoreError where either cannot be read.
    """
    with TemporaryDirectory(prefix="graphcorr-") as folder:
        checked = sum(_write(store, table, Path(folder)) for table in TABLES)
        # An edge of a node with other labels is no difference of its own.
        with compare(Path(folder), tables, edges_follow=False) as difference:
            found = [(t, kind, relation) for t in TABLES for kind, relation in _relations(difference, t)]
            found = [entry for entry in found if difference.count(entry[2])]
            counts = {f"{table_name(t)} {kind}": difference.count(relation) for t, kind, relation in found}
            rows = tuple(
                RowDifference(table_name(t), row["key"], kind)
                for t, kind, relation in found
                for row in difference.rows(f"SELECT key FROM {relation} ORDER BY key LIMIT {_NAMED}")
            )
    return VerifyReport(checked, counts, rows)


def _relations(difference: Difference, table: Table) -> tuple[tuple[str, str], ...]:
    return (
        ("missing", difference.added(table)),
        ("unexpected", difference.removed(table)),
        ("changed", difference.changed(table)),
    )


def _write(store: Store, table: Table, folder: Path) -> int:
    """Write the store's rows of a table as the projection would; returns their number."""
    path = table_path(folder, table)
    path.parent.mkdir(exist_ok=True)
    schema = arrow_schema(table)
    count = 0
    rows: list[Mapping[str, object]] = []
    stored = store.rows(table_name(table))
    first = next(stored, None)
    if first is None:
        return 0
    with pq.ParquetWriter(path, schema) as writer:
        for row in chain([first], stored):
            rows.append(row)
            if len(rows) == _ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                count += len(rows)
                rows = []
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    return count + len(rows)
