"""Tables of the archive: Arrow schemas derived from the records, and batches of records turned into columns."""

from __future__ import annotations

from datetime import date
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphcorr.ingest import columns, delivery
from graphcorr.ingest.loader import RANK
from graphcorr.records import KINDS, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphcorr.ingest.delivery import Run

UNDATED = date(1970, 1, 1)
"""Day of records that state no time."""

# More runs of one day each, and a table is sorted before it is cut into them.
_MOST_RUNS = 1_000

DELIVERY = pa.schema(
    [
        pa.field("carrier", pa.string()),
        # Richness of the carrier, higher is richer (ingest.loader.RANK).
        pa.field("rank", pa.int64()),
        pa.field("raw_hash", pa.string()),
        pa.field("raw_size", pa.int64()),
        pa.field("path_tenant_id", pa.string()),
        pa.field("given_tenant_id", pa.string()),
        # UTC day of `at`, UNDATED if there is none; the partition.
        pa.field("day", pa.date32()),
    ]
)
RAW = pa.schema([("raw_hash", pa.string()), ("raw", pa.binary()), ("day", pa.date32())])
ORIGINS = pa.schema([("raw_hash", pa.string()), ("file", pa.string()), ("line", pa.int64()), ("day", pa.date32())])
INPUTS = pa.schema(
    [
        ("file", pa.string()),
        ("source", pa.string()),
        ("carrier", pa.string()),
        ("path_tenant_id", pa.string()),
        ("given_tenant_id", pa.string()),
        ("rows", pa.int64()),
        ("first_at", columns.TIME),
        ("last_at", columns.TIME),
        ("row_limit", pa.bool_()),
        ("cut_off", pa.bool_()),
    ]
)
FACTS = pa.schema([field for field in INPUTS if field.name not in ("row_limit", "cut_off")])
"""What the rows of an input say of it."""


def record_schema(kind: str) -> pa.Schema:
    """The columns that a record class declares, in its order."""
    return columns.schema_of(KINDS[kind])


@cache
def schema(kind: str) -> pa.Schema:
    """All columns of a table: of `records.KINDS` (record fields, then delivery), or of raw, origins, inputs."""
    if kind in OTHERS:
        return OTHERS[kind]
    return pa.schema([*record_schema(kind), *DELIVERY])


OTHERS = {"raw": RAW, "origins": ORIGINS, "inputs": INPUTS}
"""Tables that hold no records."""


@cache
def kind_of(record_type: type[Record]) -> str:
    """The table of a record class. Raises KeyError for a class that is no kind of record."""
    return {declared: kind for kind, declared in KINDS.items()}[record_type]


def staged_tables(kind: str, runs: Sequence[Run]) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Runs of one kind that became alike as rows of its table, of `raw` and of `origins`, all in their order."""
    records = delivery.columns_of(runs)
    days = pc.fill_null(records.column("at").cast(pa.date32()), pa.scalar(UNDATED, pa.date32()))
    hashes = pa.array(chain.from_iterable(run.hashes for run in runs), pa.string())
    raws = pa.chunked_array([run.raws for run in runs], pa.binary())
    lines = pa.array(chain.from_iterable(run.lines for run in runs), pa.int64())
    of_run = pa.array(np.repeat(np.arange(len(runs)), [len(run) for run in runs]))

    def same(values: list[Any], type_: pa.DataType) -> pa.Array:
        """What a run has in common, for each of its rows."""
        return columns.array(values, type_).take(of_run)

    delivered = [
        same([str(run.carrier) for run in runs], pa.string()),
        same([RANK[run.carrier] for run in runs], pa.int64()),
        hashes,
        pc.binary_length(raws).cast(pa.int64()),
        same([run.path_tenant_id for run in runs], pa.string()),
        same([run.given_tenant_id for run in runs], pa.string()),
        days,
    ]
    files = same([run.file for run in runs], pa.string())
    return (
        pa.Table.from_arrays([*records.columns, *delivered], schema=schema(kind)),
        pa.Table.from_arrays([hashes, raws, days], schema=RAW),
        pa.Table.from_arrays([hashes, files, lines, days], schema=ORIGINS),
    )


def distinct(table: pa.Table, key: Sequence[str], repeated: set[str]) -> pa.Table:
    """The rows of a table whose key no earlier row has; only rows with one of the `repeated` raw hashes may repeat."""
    suspected = pc.indices_nonzero(pc.is_in(table.column("raw_hash"), value_set=pa.array(list(repeated), pa.string())))
    numbered = table.select(list(key)).take(suspected).append_column("row", suspected)
    first = numbered.group_by(list(key)).aggregate([("row", "min")]).column("row_min")
    if len(first) == len(suspected):
        return table
    kept = np.ones(table.num_rows, bool)
    kept[suspected.to_numpy()] = False
    kept[first.to_numpy()] = True
    parts: list[pa.RecordBatch] = []
    start = 0
    for part in table.to_batches():  # few hold what goes: the others are not copied
        of_part = kept[start : start + part.num_rows]
        start += part.num_rows
        parts.append(part if of_part.all() else part.filter(pa.array(of_part)))
    return pa.Table.from_batches(parts, table.schema)


def by_day(table: pa.Table) -> dict[date, pa.Table]:
    """The rows of each day, in their order. Rows of a day mostly stand together: then nothing is copied."""
    days = table.column("day").combine_chunks()
    starts = [0, *_changes(days), len(days)]
    if len(starts) > _MOST_RUNS:
        order = np.argsort(days.cast(pa.int32()).to_numpy(), kind="stable")
        table = table.combine_chunks().take(pa.array(order))
        days = table.column("day").combine_chunks()
        starts = [0, *_changes(days), len(days)]
    runs: dict[date, list[pa.Table]] = {}
    for start, end in pairwise(starts):
        runs.setdefault(days[start].as_py(), []).append(table.slice(start, end - start))
    return {day: pa.concat_tables(parts) for day, parts in sorted(runs.items())}


def _changes(values: pa.Array) -> list[int]:
    """Where a value differs from the one before."""
    differs = pc.not_equal(values.slice(1), values.slice(0, max(len(values) - 1, 0)))
    places: list[int] = pc.add(pc.indices_nonzero(differs), 1).to_pylist()
    return places


def sources(table: pa.Table) -> dict[str | None, int]:
    """Rows of each source; None for a table without sources."""
    if "source" not in table.column_names:
        return {None: table.num_rows}
    return {counted["values"]: counted["counts"] for counted in table.column("source").value_counts().to_pylist()}


def days_of(table: pa.Table) -> set[date]:
    """The days that rows lie in."""
    found: set[date] = set(table.column("day").unique().to_pylist())
    return found


def key_of(kind: str) -> tuple[str, ...]:
    """Columns that make two rows of a table the same; the first tells most rows apart.

    For records: the event and the raw text first of all. What surrounds a raw text (blob path, `--tenant`,
    `--time-zone`) can give it another tenant or time: that is kept beside, or the first load would decide for good.
    """
    if kind == "raw":
        return ("raw_hash", "day")
    if kind == "origins":
        return ("raw_hash", "file", "line", "day")
    return ("event_key", "raw_hash", "carrier", "path_tenant_id", "given_tenant_id", "at", "scope")


def group_rows(kind: str) -> int:
    """Rows of a row group: a writer holds one in memory, and a look-up of one event can skip the others."""
    return 4_000 if kind == "raw" else 32_000


UNIQUE = (
    "raw", "raw_hash", "event_key", "second_key", "at", "received_at", "token_id", "correlation_id", "session_id",
)  # fmt: skip
"""Columns in which values hardly repeat: with a dictionary they take longer to write and more space (measured)."""


@cache
def repeating(kind: str) -> list[str]:
    """Paths of the columns of a table in which values repeat, as parquet names them."""
    return [path for field in schema(kind) if field.name not in UNIQUE for path in _leaves(field.name, field.type)]


def _leaves(path: str, kind: pa.DataType) -> Iterator[str]:
    if pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    else:
        yield path


def columns_sql(names: Sequence[str]) -> str:
    """Column names of ours as a SELECT list."""
    return ", ".join(f'"{name}"' for name in names)
