"""Part of a load: batches of deliveries become staging files and facts, in this process or in another one.

A staging file of one day is written as the archive's own files are, so that a load can take it over as it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graphcorr.archive import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphcorr.ingest.delivery import Batch, Run

# Staging files are numbered over all parts of a load; no part has as many as this.
_PART_FILES = 1 << 20
# Rows are kept as columns until they are written: so much raw text at a time. Every file costs some milliseconds, so
# that it is more than one process gets to read at a time (ingest.run).
_WRITTEN_BYTES = 48 << 20
# A day with as many rows gets a file of its own, which the archive may take over, and so does an only day. Fewer rows
# share a file that is rewritten with the others of their days, so that loads of many days leave few small files.
OWN_FILE_ROWS = 500


@dataclass(frozen=True)
class StagedFile:
    """Rows of one table on disk, no key twice."""

    path: Path
    # Stem of its name; unique in the load.
    number: int
    rows: int
    # The one day of its rows, which it then does not state; None: it has a column `day`.
    day: date | None


class Part:
    """What one process adds to a load. Before it is filled and after `close` it is plain data, which can be pickled."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._number = number
        self._file_count = 0
        self._pending: dict[str, list[pa.Table]] = defaultdict(list)
        self._pending_bytes = 0
        # Of the pending rows.
        self._hashes: list[str] = []
        # Staged files of each table, and how many rows they hold of each source (None: a table without) and day.
        self.files: dict[str, list[StagedFile]] = defaultdict(list)
        self.rows: dict[str, Counter[tuple[str | None, date]]] = defaultdict(Counter)
        # What was read of each input: `tables.FACTS`, an input in several rows if it came in several batches.
        self.facts: list[pa.Table] = []

    def add(self, batch: Batch) -> None:
        """Take a batch of deliveries of any kinds."""
        for runs in batch.alike():
            self._take(tables.kind_of(runs[0].record), runs)
        if self._pending_bytes >= _WRITTEN_BYTES:
            self.close()

    def _take(self, kind: str, runs: Sequence[Run]) -> None:
        versions, raw, origins = tables.staged_tables(kind, runs)
        # With the file beside the versions, so that facts can be counted.
        self._pending[kind].append(versions.append_column("file", origins.column("file")))
        self._pending["raw"].append(raw)
        self._pending["origins"].append(origins)
        self._pending_bytes += pc.sum(versions.column("raw_size")).as_py()
        for run in runs:
            self._hashes += run.hashes

    def close(self) -> None:
        """Write what is still in memory."""
        # A row can only repeat if its raw text does.
        repeated = _repeated(self._hashes)
        for name, pending in self._pending.items():
            table = pa.concat_tables(pending)
            if name not in tables.OTHERS:
                self._note_facts(table)
                table = table.drop_columns("file")
            if repeated:
                table = tables.distinct(table, tables.key_of(name), repeated)
            self._stage(name, table)
        self._pending.clear()
        self._hashes.clear()
        self._pending_bytes = 0

    def join(self, other: Part) -> None:
        """Count what another, closed part holds."""
        for name, files in other.files.items():
            self.files[name] += files
        for name, rows in other.rows.items():
            self.rows[name] += rows
        self.facts += other.facts

    def _stage(self, name: str, table: pa.Table) -> None:
        """One file for each day with enough rows, and one for all the others."""
        days = tables.by_day(table)
        for day, of_day in days.items():
            self.rows[name] += Counter({(source, day): rows for source, rows in tables.sources(of_day).items()})
        shared = []
        for day, of_day in days.items():
            if of_day.num_rows >= OWN_FILE_ROWS or len(days) == 1:
                self._write(name, of_day.drop_columns("day"), day)
            else:
                shared.append(of_day)
        if shared:
            # In one piece: a writer takes long over many small ones.
            self._write(name, pa.concat_tables(shared).combine_chunks(), None)

    def _write(self, name: str, table: pa.Table, day: date | None) -> None:
        number = self._number * _PART_FILES + self._file_count
        self._file_count += 1
        folder = self._folder / name / ("days" if day is None else f"day={day.isoformat()}")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number}.parquet"
        pq.write_table(
            table,
            path,
            compression="zstd",
            compression_level=1,
            row_group_size=tables.group_rows(name),
            use_dictionary=tables.repeating(name),
            write_statistics=["at"],
        )
        self.files[name].append(StagedFile(path, number, table.num_rows, day))

    def _note_facts(self, versions: pa.Table) -> None:
        names = ["file", "source", "carrier", "path_tenant_id", "given_tenant_id"]
        grouped = versions.group_by(names).aggregate([([], "count_all"), ("at", "min"), ("at", "max")])
        self.facts.append(grouped.rename_columns(tables.FACTS.names).cast(tables.FACTS))


def _repeated(hashes: Sequence[str]) -> set[str]:
    if len(set(hashes)) == len(hashes):
        return set()
    return {raw_hash for raw_hash, times in Counter(hashes).items() if times > 1}
