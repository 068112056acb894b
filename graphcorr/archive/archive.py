"""The archive: Delta tables that hold a set of events, filled from loaders' records, read by the projection.

Every table is a set of its own: rows of `records.KINDS` tables are *versions* of events, `raw` holds the original
text of a version, `origins` where it was seen, `inputs` what was read. Adding something twice, in pieces or in
another order gives the same sets, and a load that was killed is completed by repeating it.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections import Counter, defaultdict
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import ColumnProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import TableNotFoundError

from graphcorr import ids
from graphcorr.archive import tables
from graphcorr.archive.duck import connect, create_view, escaped, quoted
from graphcorr.archive.parts import InputFact, Part
from graphcorr.errors import UsageError
from graphcorr.records import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from types import TracebackType

    import duckdb

    from graphcorr.ingest.run import Delivered

_STAGING_MEMORY = "512MB"
_DAY = re.compile(r"(?:^|/)day=(\d{4}-\d{2}-\d{2})/")
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)

# A partition's writer holds one row group in memory: small groups keep loads that touch many days bounded, and let
# a look-up of one event skip most of a day.
_UNIQUE = ColumnProperties(dictionary_enabled=False)
_EVENT_FILES = WriterProperties(
    compression="ZSTD",
    compression_level=1,
    max_row_group_size=32_000,
    column_properties={"event_key": _UNIQUE, "raw_hash": _UNIQUE},
)
_RAW_FILES = WriterProperties(
    compression="ZSTD",
    compression_level=3,
    max_row_group_size=4_000,
    column_properties={"raw": _UNIQUE, "raw_hash": _UNIQUE},
)
# Characters of a path with which the Delta library fails or writes elsewhere (measured with deltalake 1.6).
_IMPOSSIBLE = frozenset("[]^|%\\")
_BATCH_ROWS = 8_000


@dataclass(frozen=True)
class ArchiveReport:
    """What a load added. A version is one wording of an event; repeated ones are known."""

    # Versions per source: new to the archive / delivered again or already there.
    new: Mapping[str, int] = field(default_factory=dict)
    known: Mapping[str, int] = field(default_factory=dict)
    # Days that got new versions, per kind.
    days: Mapping[str, frozenset[date]] = field(default_factory=dict)
    new_raw: int = 0


@dataclass(frozen=True)
class Evidence:
    """One version of an event as its source wrote it."""

    kind: str
    source: str
    event_key: str
    at: datetime | None
    carrier: str
    raw_hash: str
    raw: str
    # File and line of every place it was seen at.
    origins: tuple[tuple[str, int], ...]


class Archive:
    """The archive below `root`. Whoever writes (staging, compact) holds the home's lock exclusively."""

    def __init__(self, root: Path) -> None:
        """Raises UsageError for a path that Delta tables cannot have."""
        if found := _IMPOSSIBLE & set(root.absolute().as_posix()):
            shown = " ".join(sorted(found))
            raise UsageError(f"an archive cannot lie in {root}: the path holds {shown}", hint="choose another home")
        self.root = root

    def staging(self) -> Staging:
        """Where a load collects what it reads; use as a context manager. Removes what dead runs left behind."""
        for left_behind in (self.root / "staging", *self.root.glob("spill-*")):
            shutil.rmtree(left_behind, ignore_errors=True)
        return Staging(self, self.root / "staging" / uuid.uuid4().hex)

    def schema(self, kind: str) -> pa.Schema:
        """All columns of a table, `day` included."""
        return tables.schema(kind)

    def files(self, kind: str, days: Collection[date] | None = None) -> list[str]:
        """Absolute paths of the parquet files that make up a table now (of these days), sorted; [] if there is none.

        `day` is not in the files but in their folders (`day=2026-05-11`): read them with `duck.create_view`.
        """
        wanted = None if days is None else {day.isoformat() for day in days}
        return [
            str(self._table_path(kind) / path)
            for path in self._active(kind)
            if wanted is None or _partition(path) in wanted
        ]

    def days(self, kind: str) -> dict[date, str]:
        """Days of a table → digest of the names of their files: equal digest, equal rows. Reads no data."""
        by_day: dict[date, list[str]] = defaultdict(list)
        for path in self._active(kind):
            by_day[date.fromisoformat(_partition(path))].append(path)
        return {day: ids.digest(*sorted(paths)) for day, paths in sorted(by_day.items())}

    def inputs(self) -> list[InputFact]:
        """What was read so far, each fact once, sorted by file."""
        read = (pq.read_table(file, schema=tables.INPUTS, partitioning=None) for file in self.files("inputs"))
        facts = {InputFact(**row) for table in read for row in table.to_pylist()}
        return sorted(facts, key=_fact_order)

    def evidence(self, event_id: str) -> list[Evidence]:
        """All versions of an event, as written, oldest first; [] if the archive does not know the id.

        Takes an event key, a sign-in's id in any spelling (also as a token id), an `EventDataId`, and the key at the
        precision of a second, by which coarser exports of the same event are found as well.
        """
        spellings = {event_id, event_id.lower(), ids.guid(event_id), ids.token_guid(event_id)} - {None}
        files = {kind: self.files(kind) for kind in KINDS}
        if not any(files.values()):
            return []
        found: list[Evidence] = []
        with connect(self.root / f"spill-{uuid.uuid4().hex}", _STAGING_MEMORY) as duck:
            for kind in KINDS:
                create_view(duck, kind, files[kind], self.schema(kind))
                found += self._evidence_of(duck, kind, sorted(map(str, spellings)))
        return sorted(found, key=lambda e: (e.at or _NEVER, e.event_key, e.raw_hash, e.carrier))

    def compact(self, max_small_files: int) -> dict[str, int]:
        """Merge the files of every day that has more than `max_small_files`; files merged per table.

        Where something was merged, files that the table needs no longer go, also those of killed loads. Needs the
        home's lock exclusively: no reader may still use an older state. Compacted days are projected again.
        """
        merged: dict[str, int] = {}
        for kind in (*KINDS, "raw", "origins", "inputs"):
            counts = Counter(map(_partition, self._active(kind)))
            if not counts:
                continue
            table = DeltaTable(self._table_path(kind))
            for day, count in sorted(counts.items()):
                if count > max_small_files:
                    only = [("day", "=", day)] if day else None
                    table.optimize.compact(partition_filters=only, writer_properties=_writer(kind))
                    merged[kind] = merged.get(kind, 0) + count
            if kind in merged:
                table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
        return merged

    def _table_path(self, kind: str) -> Path:
        return self.root.absolute() / kind

    def _active(self, kind: str) -> list[str]:
        """Paths of the active files relative to the table's folder."""
        path = self._table_path(kind)
        try:
            table = DeltaTable(path)
        except TableNotFoundError:
            return []
        return sorted(unquote(name) for name in pa.table(table.get_add_actions()).column("path").to_pylist())

    def _evidence_of(self, duck: duckdb.DuckDBPyConnection, kind: str, spellings: list[str]) -> list[Evidence]:
        stated = "OR event_data_id IN (SELECT unnest($ids))" if kind == "activities" else ""
        hits = _hits(
            duck,
            kind,
            f"event_key IN (SELECT unnest($ids)) OR second_key IN (SELECT unnest($ids)) {stated}",
            spellings,
        )
        # Coarser exports of the same event have another event key (merge.py).
        seconds = [key for key in hits.column("second_key").unique().to_pylist() if key is not None]
        if seconds:
            coarser = "whole_seconds AND second_key IN (SELECT unnest($ids))"
            hits = pa.concat_tables([hits, _hits(duck, kind, coarser, seconds)])
        if hits.num_rows == 0:
            return []
        days = tables.days_of(hits)
        hashes = hits.column("raw_hash").unique().to_pylist()
        raw: dict[str, bytes] = {}
        for row in self._by_hash(duck, "raw", hashes, days):
            raw[row["raw_hash"]] = row["raw"]
        origins: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for row in self._by_hash(duck, "origins", hashes, days):
            origins[row["raw_hash"]].add((row["file"], row["line"]))
        # One wording of an event is shown once, also where it came with different tenants or times.
        ordered = sorted(hits.to_pylist(), key=lambda row: row["at"] or _NEVER)
        versions = {(row["event_key"], row["raw_hash"], row["carrier"]): row for row in ordered}
        return [
            Evidence(
                kind=kind,
                source=row["source"],
                event_key=row["event_key"],
                at=row["at"],
                carrier=row["carrier"],
                raw_hash=row["raw_hash"],
                raw=raw[row["raw_hash"]].decode("utf-8", "replace"),
                origins=tuple(sorted(origins[row["raw_hash"]])),
            )
            for row in versions.values()
        ]

    def _by_hash(
        self, duck: duckdb.DuckDBPyConnection, table: str, hashes: list[str], days: set[date]
    ) -> list[dict[str, Any]]:
        name = uuid.uuid4().hex
        create_view(duck, name, self.files(table, days), self.schema(table))
        wanted = f"SELECT * FROM {quoted(name)} WHERE raw_hash IN (SELECT unnest($hashes))"
        rows: list[dict[str, Any]] = duck.sql(wanted, params={"hashes": hashes}).to_arrow_table().to_pylist()
        return rows


class Staging:
    """Collects deliveries on disk until `commit` adds what is new to the archive; leaving without it discards them.

    Memory is bounded by a batch and DuckDB's limit, not by the size of the load.
    """

    def __init__(self, archive: Archive, folder: Path) -> None:
        self._archive = archive
        self._folder = folder
        self._count = 1
        self._all = Part(folder, 0)
        self._limited: set[str] = set()
        self._empty: set[str] = set()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, batch: Sequence[Delivered]) -> None:
        """Take a batch of deliveries of any kinds."""
        self._all.add(batch)

    def part(self) -> Part:
        """A part of this load for another process to fill; it counts once it is taken back."""
        self._count += 1
        return Part(self._folder, self._count)

    def take(self, part: Part) -> None:
        """Make a filled part count."""
        self._all.join(part)

    def note_input(self, file: str, *, row_limit: bool = False) -> None:
        """Remember that a file was read although it may have held no record, and whether it stopped at a row limit.

        What a file's records say (sources, rows, first and last time) is remembered without being told.
        """
        self._empty.add(file)
        if row_limit:
            self._limited.add(file)

    def commit(self) -> ArchiveReport:
        """Add what is new. Raw text, places and inputs go first, so that an event in the archive has its evidence."""
        with connect(self._folder / "spill", _STAGING_MEMORY) as duck:
            # Rows are sorted where order matters; keeping the files' order on top would cost memory.
            duck.execute("SET preserve_insertion_order = false")
            new_raw = self._commit_deliveries(duck)
            self._commit_inputs(duck)
            new: Counter[str] = Counter()
            known: Counter[str] = Counter()
            days: dict[str, frozenset[date]] = {}
            for kind in KINDS:
                if kind in self._all.days:
                    touched = self._commit_versions(duck, kind, new, known)
                    if touched:
                        days[kind] = touched
        return ArchiveReport(dict(new), dict(known), days, new_raw)

    # -- commit -------------------------------------------------------------------------------------------------

    def _commit_deliveries(self, duck: duckdb.DuckDBPyConnection) -> int:
        days = self._all.days.get("deliveries")
        if not days:
            return 0
        self._view_staged(duck, "deliveries", "deliveries")
        new_raw = self._append_new(duck, "raw", "deliveries", ("raw_hash", "day"), days)
        self._append_new(duck, "origins", "deliveries", ("raw_hash", "file", "line", "day"), days)
        return new_raw

    def _commit_inputs(self, duck: duckdb.DuckDBPyConnection) -> None:
        stated = {fact.file for fact in self._all.facts.values()}
        facts = [replace(fact, row_limit=fact.file in self._limited) for fact in self._all.facts.values()]
        facts += [
            InputFact(file, None, None, None, None, 0, None, None, row_limit=file in self._limited)
            for file in self._empty - stated
        ]
        new = sorted(set(facts) - set(self._archive.inputs()), key=_fact_order)
        if new:
            rows = [dict(zip(tables.INPUTS.names, astuple(fact), strict=True)) for fact in new]
            write_deltalake(
                self._archive._table_path("inputs"),
                pa.Table.from_pylist(rows, tables.INPUTS),
                mode="append",
            )

    def _commit_versions(
        self, duck: duckdb.DuckDBPyConnection, kind: str, new: Counter[str], known: Counter[str]
    ) -> frozenset[date]:
        staged = f"staged_{kind}"
        self._view_staged(duck, kind, staged)
        order = tables.columns_sql(("day", "at", "event_key", "raw_hash"))
        self._append_new(duck, kind, staged, tables.version_key(), self._all.days[kind], order)
        counts = duck.sql(
            f"""SELECT source, day, count(*) AS delivered, count(fresh.staged) AS fresh
                FROM {quoted(staged)} AS s LEFT JOIN fresh USING (staged) GROUP BY ALL"""
        ).to_arrow_table()
        touched = set()
        for row in counts.to_pylist():
            new[row["source"]] += row["fresh"]
            known[row["source"]] += row["delivered"] - row["fresh"]
            if row["fresh"]:
                touched.add(row["day"])
        return frozenset(touched)

    def _view_staged(self, duck: duckdb.DuckDBPyConnection, name: str, view: str) -> None:
        files = sorted(str(path) for path in self._folder.glob(f"{name}-*.parquet"))
        duck.read_parquet(escaped(files), hive_partitioning=False).create_view(view)

    def _append_new(
        self,
        duck: duckdb.DuckDBPyConnection,
        kind: str,
        staged: str,
        key: Sequence[str],
        days: set[date],
        order: str | None = None,
    ) -> int:
        """Append the rows of a staged view whose key the archive does not hold in these days, each key once.

        Leaves the numbers of the rows chosen in the table `fresh`; returns how many there are.
        """
        columns = tables.columns_sql(key)
        known_files = self._archive.files(kind, days)
        duck.sql("DROP VIEW IF EXISTS known")
        create_view(duck, "known", known_files, tables.schema(kind))
        same = " AND ".join(f"known.{quoted(name)} IS NOT DISTINCT FROM s.{quoted(name)}" for name in key)
        anti = f"ANTI JOIN known ON {same}" if known_files else ""
        duck.sql(
            f"""CREATE OR REPLACE TEMP TABLE fresh AS
                SELECT min(staged) AS staged FROM {quoted(staged)} AS s {anti} GROUP BY {columns}"""
        )
        count: int = duck.table("fresh").count("*").to_arrow_table().column(0)[0].as_py()
        if count:
            sorting = f"ORDER BY {order}" if order else ""
            names = tables.columns_sql(tables.schema(kind).names)
            rows = duck.sql(f"SELECT {names} FROM {quoted(staged)} SEMI JOIN fresh USING (staged) {sorting}")
            write_deltalake(
                self._archive._table_path(kind),
                rows.to_arrow_reader(_BATCH_ROWS),
                partition_by=["day"],
                mode="append",
                schema_mode="merge",
                writer_properties=_writer(kind),
            )
        return count


def _hits(duck: duckdb.DuckDBPyConnection, kind: str, condition: str, wanted: list[str]) -> pa.Table:
    names = tables.columns_sql(("source", "event_key", "second_key", "at", "carrier", "raw_hash", "day"))
    query = f"SELECT {names} FROM {quoted(kind)} WHERE {condition}"
    return duck.sql(query, params={"ids": wanted}).to_arrow_table()


def _writer(kind: str) -> WriterProperties:
    return _RAW_FILES if kind == "raw" else _EVENT_FILES


def _partition(path: str) -> str:
    """The day in the path of a file; empty for tables without days."""
    match = _DAY.search(path)
    return match.group(1) if match else ""


def _fact_order(fact: InputFact) -> tuple[Any, ...]:
    return tuple((part is not None, part) if not isinstance(part, bool) else part for part in astuple(fact))
