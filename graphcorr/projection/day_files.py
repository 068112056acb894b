"""Tables with a column `day` as parquet files, one a day: written, kept under digests of what they are made of."""

from __future__ import annotations

import json
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from graphcorr.archive.duck import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import duckdb

    from graphcorr.store.base import Progress

# Days are computed together up to about this many rows: bounds memory, and reads neighbours once for many days.
_ROWS_AT_ONCE = 600_000
# Fewer at the end are no chunk of their own: their neighbours would be read for them alone.
_FEW_AT_ONCE = _ROWS_AT_ONCE // 10
# So many chunks are computed at a time: one statement alone rarely keeps two cores busy.
_WORKERS = 2
# Rows from which a table is written day by day: parting it into days costs as much as writing it once more, many small
# statements cost something too.
_MANY = 5_000
# Bytes of files up to which a table is read once and kept in memory, instead of at each use.
_SMALL = 4_000_000
_MANIFEST = "manifest.json"


def chunks(days: Sequence[date], rows: Mapping[date, int]) -> Iterator[list[date]]:
    """Days to compute together, in parts of about the same size; one empty chunk if there are none."""
    total = sum(rows.get(day, 0) for day in days)
    parts = -(-total // _ROWS_AT_ONCE)
    found: dict[int, list[date]] = {}
    before = 0
    for day in days:
        part = before * parts // total if total else 0
        if total - before < _FEW_AT_ONCE:
            part = max(found, default=part)
        found.setdefault(part, []).append(day)
        before += rows.get(day, 0)
    yield from found.values() if days else ([],)


def each(
    work: Callable[[list[date]], int], parts: Sequence[list[date]], what: str, progress: Progress | None = None
) -> None:
    """Work on chunks of days, some at a time; `work` returns how many days it did."""
    total, done = sum(map(len, parts)), 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        try:
            for count in pool.map(work, parts):
                done += count
                if progress is not None:
                    progress(what, done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def write(
    duck: duckdb.DuckDBPyConnection,
    table: str,
    rows: int,
    days: Collection[date],
    work: Path,
    target: Callable[[date], Path],
    *,
    with_day: bool,
) -> None:
    """Write the rows of each day to `target(day)`, with or without the day itself; days without rows get no file.

    The table holds `rows` rows, of these days only. `work` is a folder on the same disk; a file appears there first.
    """
    columns = "*" if with_day else "* EXCLUDE (day)"
    if len(days) == 1 or rows > _MANY:
        for day in days:
            part = work / f"{uuid.uuid4().hex}.parquet"
            query = f"SELECT {columns} FROM {table} WHERE day = DATE '{day}'"
            if _copied(duck, f"({query})", part, ""):
                _put(part, target(day))
            else:
                part.unlink(missing_ok=True)
    elif rows:
        parts = work / uuid.uuid4().hex
        _copied(duck, table, parts, f", partition_by (day), write_partition_columns {str(with_day).lower()}")
        for day in days:
            for part in (parts / f"day={day}").glob("*.parquet"):
                _put(part, target(day))


def keep(duck: duckdb.DuckDBPyConnection, root: Path, wanted: Mapping[date, str], tables: Collection[str]) -> None:
    """Write the tables of these days (day → digest) below `root`, where `kept` finds them."""
    work = root / f"work-{uuid.uuid4().hex}"
    work.mkdir()
    counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables)
    for table, rows in duck.execute(counts).fetchall():
        files = {day: _kept_at(root, day, digest, table) for day, digest in wanted.items()}
        write(duck, table, rows, wanted, work, files.__getitem__, with_day=True)
    shutil.rmtree(work)


def kept(root: Path, wanted: Mapping[date, str], table: str) -> list[Path]:
    """Files of a table of these days (day → digest); days without rows have none."""
    found = [_kept_at(root, day, digest, table) for day, digest in sorted(wanted.items())]
    return [path for path in found if path.exists()]


def show(duck: duckdb.DuckDBPyConnection, table: str, types: Mapping[str, str], files: Sequence[Path]) -> None:
    """Make files readable as a table; `types` says what it looks like without any."""
    paths = escaped(map(str, files))
    if not files:
        typed = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in types.items())
        duck.execute(f"CREATE OR REPLACE VIEW {table} AS SELECT {typed} WHERE false")
    elif sum(file.stat().st_size for file in files) < _SMALL:
        everything = "SELECT * FROM read_parquet($1, hive_partitioning = false)"
        duck.execute(f"CREATE OR REPLACE TABLE {table} AS {everything}", [paths])
    else:
        duck.read_parquet(paths, hive_partitioning=False).create_view(table)


def read_manifest(root: Path) -> dict[str, Any]:
    """What was last published below `root`: `days` (day → digest) and what was published with them."""
    path = root / _MANIFEST
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return manifest if isinstance(manifest.get("days"), dict) else {}


def publish(root: Path, days: Mapping[date, str], **more: Any) -> None:
    """Make these days the current ones, then remove what no longer belongs to any."""
    current = {day.isoformat(): digest for day, digest in days.items()}
    fresh = root / f"{_MANIFEST}.new"
    fresh.write_text(json.dumps({"days": current, **more}, indent=0, sort_keys=True), encoding="utf-8")
    fresh.replace(root / _MANIFEST)
    for folder in root.iterdir():
        if not folder.is_dir():
            continue
        digest = current.get(folder.name)
        if digest is None:
            shutil.rmtree(folder)
        else:
            for version in folder.iterdir():
                if version.name != digest:
                    shutil.rmtree(version)


def _kept_at(root: Path, day: date, digest: str, table: str) -> Path:
    return root / day.isoformat() / digest / f"{table}.parquet"


def _copied(duck: duckdb.DuckDBPyConnection, what: str, path: Path, options: str) -> int:
    ((written,),) = duck.execute(f"COPY {what} TO $1 (FORMAT parquet{options})", [str(path)]).fetchall()
    return int(written)


def _put(part: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part.replace(path)
