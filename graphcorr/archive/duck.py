"""DuckDB as the archive and the projection use it: in memory, bounded, UTC, never downloading anything."""

from __future__ import annotations

import glob
import uuid
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


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


def cursor(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """One more connection to the same database, for another thread: with temporary tables of its own."""
    another = connection.cursor()
    another.execute("SET TimeZone = 'UTC'")
    return another


@contextmanager
def room(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor with a schema of its own, which goes with it, before the common one."""
    name = f"room_{uuid.uuid4().hex}"
    with cursor(connection) as another:
        another.execute(f"CREATE SCHEMA {name}")
        try:
            another.execute(f"SET search_path = '{name},main'")
            yield another
        finally:
            another.execute(f"SET search_path = 'main'; DROP SCHEMA {name} CASCADE")


def create_view(connection: duckdb.DuckDBPyConnection, name: str, files: Sequence[str], schema: pa.Schema) -> None:
    """Make parquet files of the archive readable as a view with exactly the columns of `schema`.

    Columns and fields of structs that older files lack are NULL; without files the view is empty but typed. Paths
    never enter SQL text.
    """
    if files:
        # Not `hive_partitioning`: it would take every `name=value` folder above the home for a column of ours.
        relation = connection.read_parquet(escaped(files), hive_partitioning=False, union_by_name=True, filename=True)
    else:
        relation = connection.sql("SELECT NULL AS filename WHERE false")
    present = set(relation.columns)
    columns = [
        _typed(field)
        if field.name in present
        else f"CAST({_ABSENT.get(field.name, 'NULL')} AS {sql_type(field.type)}) AS {quoted(field.name)}"
        for field in schema
    ]
    relation.project(", ".join(columns)).create_view(name)


def _typed(field: pa.Field) -> str:
    """A column of files; older ones may have less in a struct."""
    name = quoted(field.name)
    return f"CAST({name} AS {sql_type(field.type)}) AS {name}" if pa.types.is_nested(field.type) else name


# The partition is in the name of a file's folder only.
DAY_OF_PATH = r"regexp_extract(filename, '[/\\]day=(\d{4}-\d{2}-\d{2})[/\\][^/\\]*$', 1)"
"""SQL: the day that a file's path states, as text."""

_ABSENT = {"day": DAY_OF_PATH}


@cache
def sql_type(arrow: pa.DataType) -> str:
    """The name that SQL has for a type of our columns."""
    if pa.types.is_list(arrow):
        return f"{sql_type(arrow.value_type)}[]"
    if pa.types.is_struct(arrow):
        return f"STRUCT({', '.join(f'{quoted(field.name)} {sql_type(field.type)}' for field in arrow)})"
    return _SQL_TYPES[arrow]


_SQL_TYPES: dict[pa.DataType, str] = {
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
}


def escaped(files: Iterable[str]) -> list[str]:
    """Paths in which DuckDB sees no wildcard: a home may lie in a folder named `[old]`."""
    return [glob.escape(file) for file in files]


def quoted(identifier: str) -> str:
    """An identifier of ours as SQL text."""
    return '"' + identifier.replace('"', '""') + '"'
