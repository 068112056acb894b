"""The dated layer: nodes and edges that belong to a day → one parquet file for each table and day.

They are most of a graph, and few of them change with a load. A file is a pure function of the day's daily tables and of
what the whole layer knows about that very day (tables `day_*`): while both are the same, the file of an earlier
projection stands for it. A file is named after the digest of both, so that files of one name are equal.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from graphcorr import ids
from graphcorr.archive.duck import room
from graphcorr.graph import schema
from graphcorr.projection import day_files, graph_tables, steps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date
    from pathlib import Path

    import duckdb

    from graphcorr.projection.daily_layer import Daily
    from graphcorr.store.base import Progress

NODES = ("SignIn", "Activity", "Change")
"""Labels of the nodes that belong to a day."""

EDGES = ("SIGNED_IN", "THROUGH", "USED", "TO", "FROM", "PERFORMED", "OF", "ON", "LED_TO", "MADE", "CHANGED")
"""Types of the edges that belong to a day: that of their SignIn, Activity or Change, of a link that of the act."""

DAILY = ("sign_in_fold", "activity_fold", "led_to", "change_made", "change_target", "change_address")
"""Daily tables that the SQL of this layer reads."""

CONTEXT = ("day_user", "day_app", "day_principal", "day_credential", "day_newest", "day_log", "day_gap", "day_partial",
           "day_half_named")  # fmt: skip
"""Tables of the whole layer that it reads, each row about one day."""

# Day → digest that the files of a folder of tables are named after, also if the day has none.
_DAYS = "days.json"


def build(
    duck: duckdb.DuckDBPyConnection,
    daily: Daily,
    rows: Mapping[date, int],
    circumstances: str,
    target: Path,
    earlier: Iterable[Path],
    progress: Progress | None = None,
) -> None:
    """Add the tables of this layer to those in `target`, as `<table>.parquet/<day>-<digest>.parquet`.

    `duck` holds the tables of the whole layer. Files are taken over from the folders `earlier` as far as they have
    them. `circumstances` is a digest of what else the SQL depends on.
    """
    wanted = _digests(duck, daily, circumstances)
    missing = sorted(set(wanted) - _take_over(earlier, wanted, target))
    parts = list(day_files.chunks(missing, rows)) if missing else []

    def make(days: list[date]) -> int:
        _make(duck, daily, {day: wanted[day] for day in days}, target)
        return len(days)

    day_files.each(make, parts, "building the graph's tables", progress)
    (target / _DAYS).write_text(json.dumps({str(day): digest for day, digest in wanted.items()}), encoding="utf-8")


def _digests(duck: duckdb.DuckDBPyConnection, daily: Daily, circumstances: str) -> dict[date, str]:
    """Day → digest of everything that its nodes and edges depend on."""
    parts = {day: [circumstances, steps.code_digest(), digest] for day, digest in daily.days.items()}
    for table in CONTEXT:
        for day, digest in duck.execute(_CONTEXT_DIGEST.format(table=table)).fetchall():
            parts[day].append(f"{table}:{digest}")
    return {day: ids.digest(*found) for day, found in parts.items()}


_CONTEXT_DIGEST = """
SELECT day, md5(string_agg(row, chr(10) ORDER BY row)) FROM (SELECT day, to_json(t)::VARCHAR AS row FROM {table} t)
GROUP BY day"""


def _take_over(earlier: Iterable[Path], wanted: Mapping[date, str], target: Path) -> set[date]:
    """Take over the files of days that earlier tables have; returns those days."""
    found: set[date] = set()
    for folder in earlier:
        made = json.loads((folder / _DAYS).read_text(encoding="utf-8")) if (folder / _DAYS).is_file() else {}
        same = {day: digest for day, digest in wanted.items() if day not in found and made.get(str(day)) == digest}
        for kind, names in (("nodes", NODES), ("edges", EDGES)):
            for name in names:
                for day, digest in same.items():
                    file = _path(folder, kind, name, day, digest)
                    if file.exists():
                        _link(file, _path(target, kind, name, day, digest))
        found |= same.keys()
    return found


def _path(folder: Path, kind: str, name: str, day: date, digest: str) -> Path:
    return folder / kind / f"{name}.parquet" / f"{day}-{digest}.parquet"


def _link(file: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, path)
    except OSError:
        # Not every file system knows links.
        shutil.copyfile(file, path)


def _make(duck: duckdb.DuckDBPyConnection, daily: Daily, wanted: Mapping[date, str], target: Path) -> None:
    """Make the files of these days."""
    work = target / f"work-{min(wanted)}"
    work.mkdir()
    with room(duck) as connection:
        daily.show(connection, DAILY, wanted)
        steps.run_files(connection, "dated")
        for label in NODES:
            query = graph_tables.nodes_sql(schema.node_of_label(label), ["day"])
            _write(connection, query, "nodes", label, wanted, work, target)
        for kind in EDGES:
            query = graph_tables.edges_sql(schema.edge_of_type(kind), ["day"])
            _write(connection, query, "edges", kind, wanted, work, target)
    shutil.rmtree(work)


def _write(
    duck: duckdb.DuckDBPyConnection,
    query: str,
    kind: str,
    name: str,
    wanted: Mapping[date, str],
    work: Path,
    target: Path,
) -> None:
    rows = graph_tables.make(duck, query, name)
    days: Collection[date] = wanted.keys()
    day_files.write(
        duck, "out", rows, days, work, lambda day: _path(target, kind, name, day, wanted[day]), with_day=False
    )
