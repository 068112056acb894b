"""Running the projection's SQL files, and the settings and configuration they see as tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from graphcorr import ids
from graphcorr.archive.duck import quoted, sql_type
from graphcorr.graph import schema
from graphcorr.ingest import registry
from graphcorr.projection import services
from graphcorr.records import DirectoryObject

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from graphcorr.config import Config

_HERE = Path(__file__).resolve().parent


@cache
def code_digest() -> str:
    """Changes whenever the code that makes daily or whole tables changes: cached tables of older code are not used.

    So it does with the sources that can be read, and the services that they are the logs of.
    """
    declared = [str((loader.source, loader.record.__name__)) for loader in registry.all()]
    declared += [str(service) for service in services.services()]
    parts = [path for pattern in ("*.py", "*.sql", "*/*.sql") for path in sorted(_HERE.glob(pattern))]
    return ids.digest(schema.VERSION, *declared, *(path.read_text(encoding="utf-8") for path in parts))


def run_files(duck: duckdb.DuckDBPyConnection, folder: str, first: str = "", last: str = "~") -> None:
    """Execute the SQL files of a folder whose names lie between `first` and `last`, in order."""
    for name, sql in files(folder).items():
        if first <= name < last:
            duck.execute(sql)


@cache
def files(folder: str) -> dict[str, str]:
    """The SQL files of a folder in order: name → text."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((_HERE / folder).glob("*.sql"))}


def prepare(duck: duckdb.DuckDBPyConnection, config: Config, users: str) -> None:
    """Macros, settings, and everything that is declared in code or configuration, as tables."""
    text, stamp = pa.string(), pa.timestamp("us", "UTC")
    put(duck, "workspace", {"id": text, "tenant": text}, list(config.workspaces.items()))
    put(duck, "subscription", {"id": text, "tenant": text}, list(config.subscriptions.items()))
    put(
        duck,
        "complete",
        {"source": text, "scope": text, "since": stamp, "until": stamp},
        [(c.source, c.scope, c.start, c.end) for c in config.complete],
    )
    put(
        duck,
        "service",
        {
            "app_id": text, "name": text, "source": text, "groups": pa.list_(text),
            "changes_only": pa.bool_(), "scoped": pa.bool_(), "latency": pa.int64(),
        },
        [
            (s.app_id, s.name, source, list(s.acts) or None, s.changes_only, s.scoped, s.latency_minutes)
            for source, s in services.services()
        ],
    )  # fmt: skip
    put(duck, "microsoft_tenant", {"tenant": text}, [(tenant,) for tenant in sorted(ids.MICROSOFT_TENANTS)])
    put(duck, "entra_source", {"source": text}, [(source,) for source in services.ENTRA_SOURCES])
    read = [(loader.source, issubclass(loader.record, DirectoryObject)) for loader in registry.all()]
    put(duck, "loader_source", {"source": text, "inventory": pa.bool_()}, read)
    whole = pa.int64()
    put(
        duck,
        "setting",
        {"users": text, "life_application": whole, "life_long": whole, "life_user": whole},
        [(users, services.LIFE_APPLICATION, services.LIFE_LONG, services.LIFE_USER)],
    )
    duck.execute((_HERE / "macros.sql").read_text(encoding="utf-8"))


def put(
    duck: duckdb.DuckDBPyConnection, name: str, columns: dict[str, pa.DataType], rows: Sequence[Sequence[Any]]
) -> None:
    """Make a table of ours. Values travel as parameters or as Arrow, never as SQL text."""
    types = {column: sql_type(kind) for column, kind in columns.items()}
    if not rows:
        typed = ", ".join(f"{quoted(column)} {kind}" for column, kind in types.items())
        duck.execute(f"CREATE OR REPLACE TABLE {name} ({typed})")
        return
    values = [[row[i] for row in rows] for i in range(len(columns))]
    if len(rows) <= _FEW_ROWS:
        unnested = (
            f"unnest(CAST(${number} AS {kind}[])) AS {quoted(column)}"
            for number, (column, kind) in enumerate(types.items(), 1)
        )
        duck.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {', '.join(unnested)}", values)
        return
    arrays = [pa.array(column, kind) for column, kind in zip(values, columns.values(), strict=True)]
    duck.register("incoming", pa.table(arrays, names=list(columns)))
    duck.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")
    duck.unregister("incoming")


# Up to here parameters are faster than Arrow.
_FEW_ROWS = 1_000
