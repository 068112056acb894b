"""DuckDB as the archive and the projection use it: in memory, bounded, UTC, never downloading anything."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa


def connect(temp: Path, memory: str = "1GB", threads: int = 2) -> duckdb.DuckDBPyConnection:
    """An in-memory database that spills to `temp` (created when needed) beyond `memory`.

    Times are UTC and extensions are neither downloaded nor loaded by themselves. Read results through Arrow
    (`arrow_table`, `to_arrow_reader`): `fetchall` would hand out times of other types.
    """
    temp.parent.mkdir(parents=True, exist_ok=True)  # DuckDB makes and removes the last folder only
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": memory,
            "threads": threads,
            "temp_directory": str(temp),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def create_view(connection: duckdb.DuckDBPyConnection, name: str, files: Sequence[str], schema: pa.Schema) -> None:
    """Make parquet files of the archive readable as a view with exactly the columns of `schema`.

    Columns that older files lack are NULL; without files the view is empty but typed. Paths never enter SQL text.
    """
    typed = connection.from_arrow(schema.empty_table())
    types = dict(zip(typed.columns, typed.types, strict=True))
    if files:
        # Not `hive_partitioning`: it would take every `name=value` folder above the home for a column of ours.
        relation = connection.read_parquet(escaped(files), hive_partitioning=False, union_by_name=True, filename=True)
    else:
        relation = connection.sql("SELECT NULL AS filename WHERE false")
    present = set(relation.columns)
    columns = [
        quoted(column)
        if column in present
        else f"CAST({_ABSENT.get(column, 'NULL')} AS {types[column]}) AS {quoted(column)}"
        for column in schema.names
    ]
    relation.project(", ".join(columns)).create_view(name)


# The partition is in the name of a file's folder only.
DAY_OF_PATH = r"regexp_extract(filename, '[/\\]day=(\d{4}-\d{2}-\d{2})[/\\][^/\\]*$', 1)"
"""SQL: the day that a file's path states, as text."""

_ABSENT = {"day": DAY_OF_PATH}


def escaped(files: Iterable[str]) -> list[str]:
    """Paths in which DuckDB sees no wildcard: a home may lie in a folder named `[old]`."""
    return [glob.escape(file) for file in files]


def quoted(identifier: str) -> str:
    """An identifier of ours as SQL text."""
    return '"' + identifier.replace('"', '""') + '"'
