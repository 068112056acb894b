"""The archive: Delta tables that hold a set of events, filled from loaders' records, read by the projection.

Every table is a set of its own: rows of `records.KINDS` tables are *versions* of events, `raw` holds the original
text of a version, `origins` where it was seen, `inputs` what was read. Adding something twice, in pieces or in
another order gives the same sets, and a load that was killed is completed by repeating it.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import ColumnProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from graphcorr import ids
from graphcorr.archive import tables
from graphcorr.archive.duck import DAY_OF_PATH, connect, create_view, cursor, escaped, quoted
from graphcorr.archive.parts import Part, StagedFile
from graphcorr.errors import UsageError
from graphcorr.ingest.columns import storable_text
from graphcorr.records import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from types import TracebackType

    import duckdb

    from graphcorr.ingest.delivery import Batch

_STAGING_MEMORY = "384MB"
_DAY = re.compile(r"(?:^|/)day=(\d{4}-\d{2}-\d{2})/")
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)

# Rows of staging files are numbered by file and place; no file has as many as this.
_FILE_ROWS = 1 << 32
# Characters of a path with which the Delta library fails or writes elsewhere (measured with deltalake 1.6).
_IMPOSSIBLE = frozenset("[]^|%\\")
_BATCH_ROWS = 8_000
# Hashes that are compared at a time: ten million at once do not fit into what DuckDB may hold (measured).
_COMPARED_ROWS = 2_000_000
# Loads of as many records are added to two tables at a time. Smaller ones gain nothing, larger ones need the memory.
_SIDE_BY_SIDE = range(100_000, 2_000_000)
# Compaction merges files below the one size into files of up to the other. A large load leaves larger ones than these.
_SMALL_FILE = 1 << 20
_MERGED_FILE = 16 << 20


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


@dataclass(frozen=True)
class InputFact:
    """What one input held of one source: a witness for coverage, also when it held nothing."""

    # As the records' origins name it.
    file: str
    # None: nothing was read from it.
    source: str | None
    carrier: str | None
    path_tenant_id: str | None
    given_tenant_id: str | None
    rows: int
    # Earliest and latest event time.
    first_at: datetime | None
    last_at: datetime | None
    # It stopped at a known limit of the exporting tool: later (or earlier) records may be missing.
    row_limit: bool = False
    # It ended in the middle of a record, or said that it is partial.
    cut_off: bool = False


class Archive:
    """The archive below `root`. Whoever writes (staging, compact) holds the home's lock exclusively."""

    def __init__(self, root: Path) -> None:
        """Raises UsageError for a path that Delta tables cannot have."""
        if found := _IMPOSSIBLE & set(root.absolute().as_posix()):
            shown = " ".join(sorted(found))
            raise UsageError(f"an archive cannot lie in {root}: the path holds {shown}", hint="choose another home")
        self.root = root
        # Table → its log when its files were last listed, and the files.
        self._listed: dict[str, tuple[tuple[str, ...], list[str]]] = {}

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
        # Archives that were begun before a column was there do not have it.
        facts = {InputFact(**{**row, "cut_off": bool(row["cut_off"])}) for table in read for row in table.to_pylist()}
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
        """Merge small files of every day that has more than `max_small_files`; how many, per table.

        Where something was merged, files that the table needs no longer go, also those of killed loads. Needs the
        home's lock exclusively: no reader may still use an older state. Compacted days are projected again.
        """
        merged: dict[str, int] = {}
        for kind in (*KINDS, "raw", "origins", "inputs"):
            counts = Counter(_partition(path) for path, size in self._sizes(kind) if size < _SMALL_FILE)
            if not counts:
                continue
            table = DeltaTable(self._table_path(kind))
            for day, count in sorted(counts.items()):
                if count > max_small_files:
                    only = [("day", "=", day)] if day else None
                    table.optimize.compact(
                        partition_filters=only, target_size=_MERGED_FILE, writer_properties=_writer(kind)
                    )
                    merged[kind] = merged.get(kind, 0) + count
            if kind in merged:
                table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
        return merged

    def _table_path(self, kind: str) -> Path:
        return self.root.absolute() / kind

    def _active(self, kind: str) -> list[str]:
        """Paths of the active files relative to the table's folder."""
        return [path for path, _ in self._sizes(kind)]

    def _sizes(self, kind: str) -> list[tuple[str, int]]:
        """Active files with their bytes, sorted by path."""
        path = self._table_path(kind)
        try:
            table = DeltaTable(path)
        except TableNotFoundError:
            return []
        actions = table.get_add_actions()
        paths = map(unquote, actions.column("path").to_pylist())
        return sorted(zip(paths, actions.column("size_bytes").to_pylist(), strict=True))

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
        # Inputs that were noted, with and without more to say of them.
        self._noted: set[str] = set()
        self._limited: set[str] = set()
        self._cut_off: set[str] = set()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, batch: Batch) -> None:
        """Take a batch of deliveries of any kinds."""
        self._all.add(batch)

    def part(self) -> Part:
        """A part of this load for another process to fill; it counts once it is taken back."""
        self._count += 1
        return Part(self._folder, self._count)

    def take(self, part: Part) -> None:
        """Make a filled part count."""
        self._all.join(part)

    def note_input(self, file: str, *, row_limit: bool = False, cut_off: bool = False) -> None:
        """Remember that a file was read although it may have held no record, and whether more may have been in it.

        `row_limit`: it stopped at a known limit; `cut_off`: it ended in the middle of a record, or said that it is
        partial.
        What a file's records say (sources, rows, first and last time) is remembered without being told.
        """
        file = storable_text(file)
        self._noted.add(file)
        if row_limit:
            self._limited.add(file)
        if cut_off:
            self._cut_off.add(file)

    def commit(self) -> ArchiveReport:
        """Add what is new. Raw text, places and inputs go first, so that an event in the archive has its evidence."""
        self._all.close()
        kinds = [kind for kind in KINDS if self._all.files[kind]]
        evidence = ("raw", "origins") if kinds else ()
        new: Counter[str] = Counter()
        days: dict[str, frozenset[date]] = {}
        with connect(self._folder / "spill", _STAGING_MEMORY) as duck:
            if kinds:
                self._find_suspects(duck)
            records = sum(file.rows for file in self._all.files["origins"])
            with ThreadPoolExecutor(2 if records in _SIDE_BY_SIDE else 1) as pool:
                add = partial(self._commit_rows, duck)
                added = pool.map(add, evidence)
                inputs = pool.submit(self._commit_inputs, duck)
                new_raw = [counted.total() for counted in added][:1]
                inputs.result()
                for kind, counted in zip(kinds, pool.map(add, kinds), strict=True):
                    for (source, _), fresh in counted.items():
                        new[source] += fresh
                    if counted:
                        days[kind] = frozenset(day for _, day in counted)
        delivered = self._delivered()
        known = {source: rows - new[source] for source, rows in delivered.items()}
        return ArchiveReport({source: new[source] for source in delivered}, known, days, new_raw=sum(new_raw))

    # -- commit -------------------------------------------------------------------------------------------------

    def _delivered(self) -> dict[str, int]:
        """Rows of each source, repetitions included."""
        delivered: Counter[str] = Counter()
        for facts in self._all.facts:
            for row in facts.select(["source", "rows"]).to_pylist():
                delivered[row["source"]] += row["rows"]
        return dict(sorted(delivered.items()))

    def _commit_inputs(self, database: duckdb.DuckDBPyConnection) -> None:
        # By way of a file: DuckDB imports pandas, a fifth of a second, before it looks at an Arrow table.
        facts = self._folder / "facts.parquet"
        pq.write_table(pa.concat_tables([_no_rows(tables.FACTS), *self._all.facts]), facts)
        with cursor(database) as duck:
            create_view(duck, "facts", [str(facts)], tables.FACTS)
            create_view(duck, "known_inputs", self._archive.files("inputs"), tables.INPUTS)
            noted = {"noted": self._noted, "limited": self._limited, "cut_off": self._cut_off}
            new = duck.sql(_NEW_INPUTS, params={name: sorted(files) for name, files in noted.items()}).to_arrow_table()
        if new.num_rows:
            write_deltalake(
                self._archive._table_path("inputs"),
                new.cast(tables.INPUTS),
                mode="append",
                schema_mode="merge",
            )

    def _find_suspects(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Raw texts that are staged twice or that the archive knows, into the table `suspects`.

        Rows with another raw text are new in every table: what one part repeats at once is not staged (`Part.close`),
        and events never enter the archive before their raw text.
        """
        files = self._all.files["raw"]
        self._view_staged(duck, files, "raw")
        create_view(duck, "known_raw", self._known_files("raw"), tables.schema("raw"))
        duck.sql("CREATE TABLE suspects (raw_hash VARCHAR)")
        slices = sum(file.rows for file in files) // _COMPARED_ROWS + 1
        for number in range(slices):
            part = f"WHERE hash(raw_hash) % {slices} = {number}"
            duck.sql(
                f"""INSERT INTO suspects
                    SELECT raw_hash FROM raw {part} GROUP BY raw_hash HAVING count(*) > 1
                    UNION SELECT raw_hash FROM known_raw {part} AND raw_hash IN (SELECT raw_hash FROM raw {part})"""
            )

    def _commit_rows(self, database: duckdb.DuckDBPyConnection, kind: str) -> Counter[tuple[Any, date]]:
        """Add the staged rows of a table that it does not hold; returns how many there are of each source and day.

        Tables are added at the same time: what is made in the database has the table in its name or is of one cursor.
        """
        with cursor(database) as duck:
            # Rows are sorted where order matters; keeping the files' order on top would cost memory.
            duck.execute("SET preserve_insertion_order = false")
            return self._commit_by(duck, kind)

    def _commit_by(self, duck: duckdb.DuckDBPyConnection, kind: str) -> Counter[tuple[Any, date]]:
        files = self._all.files[kind]
        self._view_staged(duck, files, kind)
        self._find_stale(duck, kind)
        counted = duck.sql(
            f"""SELECT staged // {_FILE_ROWS} AS number, source, day, count(*) AS rows
                FROM suspected SEMI JOIN stale USING (staged) GROUP BY ALL"""
        )
        fresh = self._all.rows[kind].copy()
        stale: Counter[int] = Counter()
        for row in counted.to_arrow_table().to_pylist():
            stale[row["number"]] += row["rows"]
            fresh[row["source"], row["day"]] -= row["rows"]
        whole = [file for file in files if file.day is not None and file.number not in stale]
        others = [file for file in files if file.day is None or 0 < stale[file.number] < file.rows]
        if sum(file.rows - stale[file.number] for file in others):
            self._view_staged(duck, others, kind)
            sorting = tables.columns_sql(("day", "at", "event_key", "raw_hash"))
            order = "" if kind in tables.OTHERS else f"ORDER BY {sorting}"
            names = tables.columns_sql(tables.schema(kind).names)
            rows = duck.sql(f"SELECT {names} FROM {quoted(kind)} ANTI JOIN stale USING (staged) {order}")
            self._append(kind, rows.to_arrow_reader(_BATCH_ROWS))
        if whole:
            self._take_over(kind, whole)
        return +fresh

    def _view_staged(self, duck: duckdb.DuckDBPyConnection, files: Sequence[StagedFile], view: str) -> None:
        """A view of all rows in staged files, with the number `staged` of each row."""
        shared = [str(file.path) for file in files if file.day is None]
        of_days = [str(file.path) for file in files if file.day is not None]
        relations = []
        for paths, day in ((shared, "day"), (of_days, DAY_OF_PATH)):
            if paths:
                paths = escaped(paths)
                rows = duck.read_parquet(paths, hive_partitioning=False, filename=True, file_row_number=True)
                names = tables.columns_sql([name for name in tables.schema(view).names if name != "day"])
                relations.append(rows.project(f"{names}, CAST({day} AS DATE) AS day, {_STAGED} AS staged"))
        relation = relations[0] if len(relations) == 1 else relations[0].union(relations[1])
        relation.create_view(view)

    def _find_stale(self, duck: duckdb.DuckDBPyConnection, kind: str) -> None:
        """The numbers of staged rows that add nothing, into the table `stale`: the table knows them, or they repeat."""
        key = tables.key_of(kind)
        known_files = self._known_files(kind)
        known = quoted(f"known_{kind}")
        create_view(duck, f"known_{kind}", known_files, tables.schema(kind))
        same = " AND ".join(f"known.{quoted(name)} IS NOT DISTINCT FROM s.{quoted(name)}" for name in key)
        anti = f"ANTI JOIN {known} AS known ON {same}" if known_files else ""
        source = "CAST(NULL AS VARCHAR) AS source" if kind in tables.OTHERS else "source"
        duck.sql(
            f"""CREATE OR REPLACE TEMP TABLE suspected AS
                SELECT staged, {source}, {tables.columns_sql(key if "day" in key else ("day", *key))}
                FROM {quoted(kind)} SEMI JOIN suspects USING (raw_hash)"""
        )
        duck.sql(
            f"""CREATE OR REPLACE TEMP TABLE stale AS
                SELECT staged FROM suspected
                EXCEPT
                SELECT min(staged) FROM suspected AS s {anti} GROUP BY {tables.columns_sql(key)}"""
        )

    def _known_files(self, kind: str) -> list[str]:
        """Files of the archive that may hold what was staged."""
        return self._archive.files(kind, {day for _, day in self._all.rows[kind]})

    def _append(self, kind: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        write_deltalake(
            self._archive._table_path(kind),
            rows,
            partition_by=["day"],
            mode="append",
            schema_mode="merge",
            writer_properties=_writer(kind),
        )

    def _take_over(self, kind: str, files: Sequence[StagedFile]) -> None:
        """Make staged files of one day each the table's own. Until the last line they do not count."""
        schema = tables.schema(kind)
        path = self._archive._table_path(kind)
        if not _has_columns(path, schema):
            self._append(kind, _no_rows(schema))
        added: list[AddAction | RemoveAction] = []
        for file in files:
            day = str(file.day)
            name = f"day={day}/{uuid.uuid4().hex}.parquet"
            (path / name).parent.mkdir(exist_ok=True)
            file.path.rename(path / name)
            state = (path / name).stat()
            added.append(
                AddAction(
                    path=name,
                    size=state.st_size,
                    partition_values={"day": day},
                    modification_time=int(state.st_mtime * 1000),
                    data_change=True,
                    stats=json.dumps({"numRecords": file.rows}),
                )
            )
        DeltaTable(path).create_write_transaction(added, "append", schema, partition_by=["day"])


# Inputs and what was read of them, also of those that held nothing; in one order.
_NEW_INPUTS = f"""
WITH read AS (
  SELECT file, source, carrier, path_tenant_id, given_tenant_id,
    CAST(sum(rows) AS BIGINT) AS rows, min(first_at) AS first_at, max(last_at) AS last_at
  FROM facts GROUP BY ALL
),
found AS (
  SELECT * FROM read
  UNION ALL BY NAME
  SELECT file, 0 AS rows FROM (SELECT unnest($noted) AS file) ANTI JOIN read USING (file)
),
stated AS (
  SELECT *, list_contains($limited, file) AS row_limit, list_contains($cut_off, file) AS cut_off FROM found
)
SELECT {tables.columns_sql(tables.INPUTS.names)} FROM stated
EXCEPT
SELECT * REPLACE (coalesce(cut_off, false) AS cut_off) FROM known_inputs
ORDER BY ALL NULLS FIRST
"""
_STAGED = rf"CAST(regexp_extract(filename, '(\d+)\.parquet$', 1) AS BIGINT) * {_FILE_ROWS} + file_row_number"


def _no_rows(schema: pa.Schema) -> pa.Table:
    """Not `empty_table`: that imports pandas."""
    return pa.Table.from_batches([], schema)


def _has_columns(path: Path, schema: pa.Schema) -> bool:
    try:
        present = {field.name for field in DeltaTable(path).schema().fields}
    except TableNotFoundError:
        return False
    return present.issuperset(schema.names)


def _hits(duck: duckdb.DuckDBPyConnection, kind: str, condition: str, wanted: list[str]) -> pa.Table:
    names = tables.columns_sql(("source", "event_key", "second_key", "at", "carrier", "raw_hash", "day"))
    query = f"SELECT {names} FROM {quoted(kind)} WHERE {condition}"
    return duck.sql(query, params={"ids": wanted}).to_arrow_table()


def _writer(kind: str) -> WriterProperties:
    unique = ColumnProperties(dictionary_enabled=False)
    names = tables.schema(kind).names
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        max_row_group_size=tables.group_rows(kind),
        column_properties={name: unique for name in tables.UNIQUE if name in names},
    )


def _partition(path: str) -> str:
    """The day in the path of a file; empty for tables without days."""
    match = _DAY.search(path)
    return match.group(1) if match else ""


def _fact_order(fact: InputFact) -> tuple[Any, ...]:
    return tuple((getattr(fact, name) is not None, getattr(fact, name)) for name in tables.INPUTS.names)
