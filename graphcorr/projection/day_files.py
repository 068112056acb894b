"""Tables with a column `day` become parquet files, one a day."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import date
    from pathlib import Path

    import duckdb

# Rows from which a table is written day by day: parting it into days costs as much as writing it once more, many small
# statements cost something too.
_MANY = 5_000


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


def _copied(duck: duckdb.DuckDBPyConnection, what: str, path: Path, options: str) -> int:
    ((written,),) = duck.execute(f"COPY {what} TO $1 (FORMAT parquet{options})", [str(path)]).fetchall()
    return int(written)


def _put(part: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part.replace(path)
