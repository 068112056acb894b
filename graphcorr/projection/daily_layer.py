"""The daily layer: events of a day and 28 hours on either side → daily tables, kept under the digest of those days."""

from __future__ import annotations

import json
import shutil
import uuid
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from graphcorr import ids
from graphcorr.archive.duck import connect, create_view, quoted
from graphcorr.archive.merge import merge_sql, moved_sql
from graphcorr.projection import steps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import duckdb

    from graphcorr.archive.archive import Archive
    from graphcorr.config import Config
    from graphcorr.store.base import Progress

# Event kinds of the archive and the names under which the SQL sees them.
EVENTS = {
    "sign_ins": "sign_in", "directory_changes": "change", "activities": "activity", "workflow_events": "workflow",
    "risk_events": "risk",
}  # fmt: skip

# Tables that the daily SQL leaves behind, each with a column `day`.
TABLES = (
    "sign_in_fold", "activity_fold", "led_to", "token", "id_pair", "twin_target", "object_seen", "name_run", "rename",
    "credential_change", "credential_use", "owner_change", "grant_change", "change_made", "act_fold",
    "seen_from", "reached", "delivery", "workflow_run", "risk_seen", "key_statement", "carried", "change_address",
    "shown_name",
)  # fmt: skip

# A token lives up to 28 hours (clocks may differ by minutes), so a day can depend on events two calendar days away.
_AROUND = timedelta(hours=28, minutes=10)
_NEIGHBOURS = 2
# Days are computed together up to about this many rows: bounds memory, and reads neighbours once for many days.
_ROWS_AT_ONCE = 1_000_000

# Columns that no daily SQL reads.
_UNUSED = (
    "app_name", "user_name", "user_agent", "session_id", "home_tenant_id", "second_key", "whole_seconds",
    "at_is_event_time", "workspace_id", "subscription_id", "path_tenant_id", "given_tenant_id", "tenant_id", "carrier",
    "rank", "result_reason", "category", "event_data_id", "client_auth_method", "token_resource_id",
)  # fmt: skip
_TIME = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Daily:
    """The daily tables on disk. `digest` changes when any of them does."""

    root: Path
    days: Mapping[date, str]
    digest: str

    def files(self, table: str) -> list[str]:
        """Parquet files of a table; the first holds no rows and gives the columns."""
        found = [self.root / day.isoformat() / name / f"{table}.parquet" for day, name in sorted(self.days.items())]
        return [str(self.root / "empty" / f"{table}.parquet"), *(str(path) for path in found if path.exists())]


def build(
    archive: Archive,
    config: Config,
    surveyed: Survey,
    root: Path,
    temp: Path,
    progress: Progress | None = None,
) -> Daily:
    """Bring the daily tables below `root` up to date and return them.

    Only days whose events, neighbours or circumstances (tenants, code) changed are computed. A kill leaves the former
    tables readable: new ones are published by one rename of the manifest.
    """
    root.mkdir(parents=True, exist_ok=True)
    temp.mkdir(parents=True, exist_ok=True)
    shared = ids.digest(
        steps.code_digest(),
        sorted(config.workspaces.items()),
        sorted(config.subscriptions.items()),
        surveyed.only_tenant,
    )
    wanted = _digests(archive, surveyed, shared)
    known = _read_manifest(root)
    empty_is_current = known.pop("empty", None) == shared and (root / "empty").is_dir()
    have = {date.fromisoformat(day): digest for day, digest in known.items()}
    touched = sorted(day for day, digest in wanted.items() if have.get(day) != digest)
    if touched or not empty_is_current:
        for done, chunk in chunks(touched, surveyed.rows):
            if progress is not None:
                progress("projecting days", done, len(touched))
            with seen(archive, config, surveyed, chunk, temp) as duck:
                steps.run_files(duck, "daily")
                _export(duck, root, {day: wanted[day] for day in chunk})
    manifest = {"empty": shared, **{day.isoformat(): digest for day, digest in wanted.items()}}
    _publish(root, manifest)
    return Daily(root, wanted, ids.digest(shared, sorted(manifest.items())))


@dataclass(frozen=True)
class Survey:
    """What has to be known about the whole archive before any day can be computed."""

    # The only tenant that the archive and configuration know, else None (design 5, "Tenant").
    only_tenant: str | None
    # Kind → versions that belong to an event of another day: (event key, their day, its day).
    moved: Mapping[str, Sequence[tuple[str, date, date]]]
    # Day → number of versions.
    rows: Mapping[date, int]


def survey(archive: Archive, config: Config, temp: Path) -> Survey:
    """Look over a few columns of the whole archive."""
    tenants = {*config.workspaces.values(), *config.subscriptions.values()}
    moved: dict[str, list[tuple[str, date, date]]] = {}
    rows: dict[date, int] = defaultdict(int)
    with connect(temp / "survey") as duck:
        for kind in (*EVENTS, "directory_objects"):
            create_view(duck, kind, archive.files(kind), archive.schema(kind))
            stated = duck.sql(f"""
                SELECT DISTINCT unnest([tenant_id, path_tenant_id, given_tenant_id]) AS tenant
                FROM (SELECT DISTINCT tenant_id, path_tenant_id, given_tenant_id FROM {kind})""").to_arrow_table()
            tenants.update(tenant for tenant in stated["tenant"].to_pylist() if tenant is not None)
        for kind in EVENTS:
            found = duck.sql(moved_sql(kind, kind)).to_arrow_table().to_pylist()
            moved[kind] = sorted((r["event_key"], r["from_day"], r["home_day"]) for r in found)
            for row in duck.sql(f"SELECT day, count(*) AS n FROM {kind} GROUP BY day").to_arrow_table().to_pylist():
                rows[row["day"]] += row["n"]
    return Survey(tenants.pop() if len(tenants) == 1 else None, moved, rows)


def tenant_sql(view: str, schema: pa.Schema) -> str:
    """SELECT of all columns of a view of events plus `tenant`, resolved in the order of design 5; texts are bounded."""
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    bounded = ", ".join(f"bounded(e.{quoted(name)}) AS {quoted(name)}" for name in texts if name != "raw_hash")
    return f"""
        SELECT e.* REPLACE ({bounded}),
               coalesce(e.tenant_id, e.path_tenant_id, w.tenant, s.tenant, e.given_tenant_id, o.tenant) AS tenant
        FROM {view} e
        LEFT JOIN workspace w ON w.id = e.workspace_id
        LEFT JOIN subscription s ON s.id = e.subscription_id
        CROSS JOIN only_tenant o"""


def put_only_tenant(duck: duckdb.DuckDBPyConnection, only_tenant: str | None) -> None:
    steps.put(duck, "only_tenant", {"tenant": pa.string()}, [(only_tenant,)])


def _digests(archive: Archive, surveyed: Survey, shared: str) -> dict[date, str]:
    """Day → digest of everything its daily tables depend on."""
    own: dict[date, list[str]] = defaultdict(list)
    for kind in EVENTS:
        for day, digest in archive.days(kind).items():
            own[day].append(f"{kind}:{digest}")
        for event_key, from_day, home_day in surveyed.moved[kind]:
            own[from_day].append(f"{kind}-{event_key}")
            own[home_day].append(f"{kind}+{event_key}")
    return {
        day: ids.digest(shared, *(part for near in _near([day]) for part in (near, *sorted(own.get(near, ())))))
        for day in sorted(own)
    }


def _near(days: Collection[date]) -> list[date]:
    """The days and their neighbours."""
    return sorted({day + timedelta(days=n) for day in days for n in range(-_NEIGHBOURS, _NEIGHBOURS + 1)})


def chunks(days: Sequence[date], rows: Mapping[date, int]) -> Iterator[tuple[int, list[date]]]:
    """Days to compute together, with how many are done before; one empty chunk if there are none."""
    chunk: list[date] = []
    size = done = 0
    for day in days:
        if chunk and size + rows.get(day, 0) > _ROWS_AT_ONCE:
            yield done, chunk
            done += len(chunk)
            chunk, size = [], 0
        chunk.append(day)
        size += rows.get(day, 0)
    if chunk or not days:
        yield done, chunk


@contextmanager
def seen(
    archive: Archive, config: Config, surveyed: Survey, days: Sequence[date], temp: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in which the daily SQL finds the events of these days and of the time around them."""
    with TemporaryDirectory(dir=temp) as folder, connect(Path(folder) / "spill") as duck:
        steps.prepare(duck, config, "all")
        _load(duck, archive, surveyed, days, Path(folder))
        yield duck


def _load(
    duck: duckdb.DuckDBPyConnection, archive: Archive, surveyed: Survey, days: Sequence[date], folder: Path
) -> None:
    """Views sign_in, change and activity: merged events of the days (`home`) and of the time around them."""
    put_only_tenant(duck, surveyed.only_tenant)
    near = _near(days)
    steps.put(duck, "near_day", {"day": pa.date32()}, [(day,) for day in near])
    steps.put(duck, "home_day", {"day": pa.date32()}, [(day,) for day in days])
    spans = [(_midnight(day) - _AROUND, _midnight(day + timedelta(days=1)) + _AROUND) for day in days]
    steps.put(duck, "span", {"since": _TIME, "until": _TIME}, _joined(spans))
    for kind, name in EVENTS.items():
        borrowed = {from_day for _, from_day, home in surveyed.moved[kind] if home in near}
        create_view(duck, f"{kind}_files", archive.files(kind, {*near, *borrowed}), archive.schema(kind))
        columns = {"event_key": pa.string(), "from_day": pa.date32(), "home_day": pa.date32()}
        steps.put(duck, f"{kind}_moved", columns, surveyed.moved[kind])
        duck.execute(f"""
            CREATE OR REPLACE TEMP VIEW {kind}_versions AS
            SELECT v.* FROM {kind}_files v LEFT JOIN {kind}_moved m ON m.event_key = v.event_key AND m.from_day = v.day
            WHERE coalesce(m.home_day, v.day) IN (SELECT day FROM near_day)""")
        duck.execute(f"CREATE OR REPLACE TEMP VIEW {kind}_events AS {merge_sql(kind, f'{kind}_versions')}")
        unused = ", ".join(column for column in _UNUSED if column in archive.schema(kind).names)
        events = f"""
            SELECT e.* EXCLUDE ({unused}), day IN (SELECT day FROM home_day) AS home
            FROM ({tenant_sql(f"{kind}_events", archive.schema(kind))}) e
            WHERE tenant IS NOT NULL AND (day IN (SELECT day FROM home_day)
                OR EXISTS (SELECT 1 FROM span WHERE e."at" >= span.since AND e."at" < span.until))"""
        # In a file, not a table: the SQL reads few columns at a time, and wide tables would fill the memory.
        path = folder / f"{name}.parquet"
        duck.sql(events).write_parquet(str(path), compression="uncompressed")
        duck.read_parquet([str(path)]).create_view(name)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _joined(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Overlapping spans as one; `spans` are in order."""
    joined: list[tuple[datetime, datetime]] = []
    for since, until in spans:
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], until)
        else:
            joined.append((since, until))
    return joined


def _export(duck: duckdb.DuckDBPyConnection, root: Path, wanted: Mapping[date, str]) -> None:
    """Write the daily tables of these days to `root/<day>/<digest>/<table>.parquet`, and the empty ones."""
    work = root / f"work-{uuid.uuid4().hex}"
    (work / "empty").mkdir(parents=True)
    for table in TABLES:
        target = work / table
        duck.table(table).limit(0).write_parquet(str(work / "empty" / f"{table}.parquet"))
        target.mkdir()
        duck.table(table).write_parquet(str(target), partition_by=["day"], write_partition_columns=True, overwrite=True)
        for folder in sorted(target.glob("day=*")):
            day = date.fromisoformat(folder.name.removeprefix("day="))
            home = root / day.isoformat() / wanted[day]
            home.mkdir(parents=True, exist_ok=True)
            (part,) = folder.glob("*.parquet")
            part.replace(home / f"{table}.parquet")
    shutil.rmtree(root / "empty", ignore_errors=True)
    (work / "empty").replace(root / "empty")
    shutil.rmtree(work)


def _read_manifest(root: Path) -> dict[str, str]:
    path = root / "manifest.json"
    manifest: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return manifest


def _publish(root: Path, manifest: Mapping[str, str]) -> None:
    """Make these days the current ones, then remove what no longer belongs to any."""
    fresh = root / "manifest.json.new"
    fresh.write_text(json.dumps(manifest, indent=0, sort_keys=True), encoding="utf-8")
    fresh.replace(root / "manifest.json")
    for folder in root.iterdir():
        if not folder.is_dir() or folder.name == "empty":
            continue
        keep = manifest.get(folder.name)
        if keep is None:
            shutil.rmtree(folder)
        else:
            for version in folder.iterdir():
                if version.name != keep:
                    shutil.rmtree(version)
