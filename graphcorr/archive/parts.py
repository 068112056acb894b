"""Part of a load: batches of deliveries become staging files and facts, in this process or in another one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from graphcorr.archive import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from graphcorr.ingest.run import Delivered

# Rows are numbered over all parts of a load; no part has as many as this.
_PART_ROWS = 1 << 40


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


class Part:
    """What one process adds to a load. Before and after it is filled it is plain data, which can be pickled."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._number = number
        self._files = 0
        self._rows = 0
        # Days of the rows of each staged table.
        self.days: dict[str, set[date]] = defaultdict(set)
        self.facts: dict[tuple[str, str, str, str | None, str | None], InputFact] = {}

    def add(self, batch: Sequence[Delivered]) -> None:
        """Write a batch of deliveries of any kinds to staging files."""
        by_kind: dict[str, list[Delivered]] = defaultdict(list)
        for item in batch:
            by_kind[tables.kind_of(type(item.record))].append(item)
        for kind, items in by_kind.items():
            versions = tables.version_table(kind, items)
            self._write(kind, versions)
            self._write("deliveries", tables.delivery_table(items, versions.column("day")))
            self._note_facts(items, versions)

    def join(self, other: Part) -> None:
        """Count what another part holds."""
        for name, days in other.days.items():
            self.days[name] |= days
        for fact in other.facts.values():
            self._note(fact)

    def _write(self, name: str, table: pa.Table) -> None:
        """One staging file; `staged` numbers rows so that the chosen ones can be found again."""
        first = self._number * _PART_ROWS + self._rows
        numbers = pa.array(range(first, first + table.num_rows), pa.int64())
        self._rows += table.num_rows
        self._files += 1
        self.days[name] |= tables.days_of(table)
        path = self._folder / f"{name}-{self._number}-{self._files}.parquet"
        unique = ("raw", "raw_hash", "event_key")
        repeating = [column for column in table.column_names if column not in unique]
        pq.write_table(
            table.append_column("staged", numbers), path, compression="lz4", use_dictionary=repeating,
            write_statistics=False,
        )  # fmt: skip

    def _note_facts(self, items: Sequence[Delivered], versions: pa.Table) -> None:
        names = ["file", "source", "carrier", "path_tenant_id", "given_tenant_id"]
        grouped = (
            versions.select([*names[1:], "at"])
            .append_column("file", pa.array([tables.storable_text(item.file) for item in items], pa.string()))
            .group_by(names)
            .aggregate([([], "count_all"), ("at", "min"), ("at", "max")])
        )
        for row in grouped.to_pylist():
            stated = {name: row[name] for name in names}
            self._note(InputFact(**stated, rows=row["count_all"], first_at=row["at_min"], last_at=row["at_max"]))

    def _note(self, fact: InputFact) -> None:
        key = (fact.file, str(fact.source), str(fact.carrier), fact.path_tenant_id, fact.given_tenant_id)
        before = self.facts.get(key)
        self.facts[key] = fact if before is None else _joined(before, fact)


def _joined(left: InputFact, right: InputFact) -> InputFact:
    return replace(
        left,
        rows=left.rows + right.rows,
        first_at=_pick(min, (left.first_at, right.first_at)),
        last_at=_pick(max, (left.last_at, right.last_at)),
    )


def _pick(rule: Any, times: Iterable[datetime | None]) -> datetime | None:
    stated = [when for when in times if when is not None]
    return rule(stated) if stated else None
