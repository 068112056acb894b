"""The daily layer: events of a day and 28 hours on either side → daily tables, kept under the digest of those days.

Sign-ins of users are most of all events and hardly any is shown: those of users who cannot be shown (`survey`) are
counted and make links, but are not folded.
"""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from graphcorr import ids
from graphcorr.archive.duck import connect, create_view, quoted, room
from graphcorr.archive.merge import event_columns, merged_sql, shared_sql, single_sql
from graphcorr.projection import day_files, steps
from graphcorr.projection.survey import EVENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import duckdb

    from graphcorr.archive.archive import Archive
    from graphcorr.config import Config
    from graphcorr.projection.survey import File, Survey
    from graphcorr.store.base import Progress

# Tables that the daily SQL leaves behind, each with a column `day`.
TABLES = (
    "sign_in_fold", "activity_fold", "led_to", "token", "fold_span", "bare_app", "half_named", "mentioned", "id_pair",
    "twin_target", "object_seen", "name_run", "rename", "credential_change", "credential_use", "owner_change",
    "grant_change", "change_made", "change_target", "act_fold", "seen_from", "reached", "delivery", "workflow_run",
    "risk_seen", "key_statement", "carried", "change_address", "shown_name",
)  # fmt: skip

# A token lives up to 28 hours (clocks may differ by minutes), so a day can depend on events two calendar days away.
_AROUND = timedelta(hours=28, minutes=10)
_NEIGHBOURS = 2
# What DuckDB may hold of them and of everything else.
_MEMORY = "650MB"

# Columns that say whose an event is.
_TENANT_COLUMNS = ("tenant_id", "path_tenant_id", "given_tenant_id", "workspace_id", "subscription_id")
# What is told of all sign-ins of users, most of which are never shown.
_USER_COLUMNS = (
    "source", "at", "received_at", "scope", "app_id", "user_id", "user_principal_name", "resource_app_id", "ip",
    "raw_size", "day",
)  # fmt: skip
# What links need of the time around a day; of other kinds nothing.
_AROUND_COLUMNS = {
    "directory_changes": ("event_key", "at", "actor_type", "actor_id", "actor_app_id"),
    "activities": (
        "event_key", "at", "service", "operation", "outcome", "platform", "service_principal_id", "user_id",
        "user_principal_name", "app_id", "ip", "token_id", "token_issued_at",
    ),
    "sign_ins": (
        "event_key", "at", "kind", "app_id", "service_principal_id", "user_id", "user_principal_name",
        "resource_app_id", "resource_service_principal_id", "ip", "result_code", "result_class", "key_id", "thumbprint",
        "federated_credential_id", "token_id", "app_owner_tenant_id",
    ),
}  # fmt: skip
# Most users do nothing that a log shows: for links a sign-in counts only if something was done by the same user, or
# with that very token.
_USER_ACTED = """
    (user_id IN (SELECT user_id FROM activity)
     OR lower(user_principal_name) IN (SELECT lower(user_principal_name) FROM activity)
     OR event_key IN (SELECT token_id FROM activity) OR token_id IN (SELECT token_id FROM activity))"""
_AROUND_FILTER = {"sign_ins": f" AND (kind <> 'user' OR {_USER_ACTED})"}
_TIME = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Daily:
    """The daily tables on disk. `digest` changes when any of them does."""

    root: Path
    days: Mapping[date, str]
    # Table → column → type: what tables without rows look like.
    types: Mapping[str, Mapping[str, str]]
    digest: str

    def show(
        self, duck: duckdb.DuckDBPyConnection, tables: Collection[str] = TABLES, days: Collection[date] | None = None
    ) -> None:
        """Make daily tables (of these days) readable under their names."""
        wanted = self.days if days is None else {day: self.days[day] for day in days}
        for table in tables:
            day_files.show(duck, table, self.types[table], day_files.kept(self.root, wanted, table))


def build(
    duck: duckdb.DuckDBPyConnection,
    archive: Archive,
    config: Config,
    surveyed: Survey,
    root: Path,
    progress: Progress | None = None,
) -> Daily:
    """Bring the daily tables below `root` up to date and return them.

    Only days whose events, neighbours or circumstances (tenants, code) changed are computed. A kill leaves the former
    tables readable: new ones are published by one rename of the manifest. `duck` is a database as `opened` makes it.
    """
    root.mkdir(parents=True, exist_ok=True)
    shared = ids.digest(
        steps.code_digest(),
        sorted(config.workspaces.items()),
        sorted(config.subscriptions.items()),
        surveyed.only_tenant,
    )
    wanted = _digests(archive, surveyed, shared)
    before = day_files.read_manifest(root)
    types: dict[str, dict[str, str]] = before["types"] if before.get("made_by") == shared else {}
    known = before.get("days", {})
    touched = sorted(day for day, digest in wanted.items() if known.get(day.isoformat()) != digest)
    if touched or not types:

        def compute(chunk: list[date]) -> int:
            with seen(duck, archive, surveyed, chunk) as days:
                steps.run_files(days, "daily")
                types.update(_types(days))
                day_files.keep(days, root, {day: wanted[day] for day in chunk}, TABLES)
            return len(chunk)

        day_files.each(compute, list(day_files.chunks(touched, surveyed.rows)), "projecting days", progress)
    day_files.publish(root, wanted, made_by=shared, types=types)
    return Daily(root, wanted, types, ids.digest(shared, sorted(wanted.items())))


@contextmanager
def opened(config: Config, users: str, temp: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the macros and the declared tables that all SQL of the projection needs."""
    with connect(temp / "spill", _MEMORY) as duck:
        # No table has an order; keeping that of the files would cost memory.
        duck.execute("SET preserve_insertion_order = false")
        steps.prepare(duck, config, users)
        yield duck


def tenant_sql(view: str, schema: pa.Schema, more: Sequence[str] = ()) -> str:
    """SELECT of columns of a view of events plus `tenant`, resolved in the order of design 5; texts are bounded.

    Of the view's columns those of `schema` and `more` are selected; the view must hold all that name tenants.
    """
    columns = [
        f"bounded(e.{quoted(field.name)}) AS {quoted(field.name)}"
        if pa.types.is_string(field.type)
        else f"e.{quoted(field.name)}"
        for field in schema
    ]
    columns += [f"e.{quoted(name)}" for name in more]
    return f"""
        SELECT {", ".join(columns)},
               coalesce(e.tenant_id, e.path_tenant_id, w.tenant, s.tenant, e.given_tenant_id, o.tenant) AS tenant
        FROM {view} e
        LEFT JOIN workspace w ON w.id = e.workspace_id
        LEFT JOIN subscription s ON s.id = e.subscription_id
        CROSS JOIN only_tenant o"""


def event_schema(archive: Archive, kind: str) -> pa.Schema:
    """Columns that the events of a kind have; a version has some that no event has."""
    return pa.schema([field for field in archive.schema(kind) if field.name in event_columns(kind)])


def without_tenant(duck: duckdb.DuckDBPyConnection, archive: Archive, only_tenant: str | None) -> dict[str, int]:
    """Source → events of which nothing says whose they are: they are in no graph. After the survey."""
    put_only_tenant(duck, only_tenant)
    days: dict[str, list[date]] = defaultdict(list)
    if only_tenant is None:
        unstated = "coalesce(tenant_id, path_tenant_id, given_tenant_id) IS NULL"
        found = duck.execute(f"SELECT DISTINCT kind, day FROM looked_over WHERE {unstated}").fetchall()
        for kind, day in found:
            days[kind].append(day)
    counts: dict[str, int] = {}
    for kind in sorted(days):
        schema = archive.schema(kind)
        create_view(duck, "unstated", archive.files(kind, days[kind]), schema)
        few = pa.schema([schema.field("source"), schema.field("event_key")])
        counts |= duck.execute(f"""
            SELECT source, count(*) FROM (
                SELECT source, event_key FROM ({tenant_sql("unstated", few)})
                GROUP BY source, event_key HAVING count(tenant) = 0)
            GROUP BY source ORDER BY source""").fetchall()
    return counts


def put_only_tenant(duck: duckdb.DuckDBPyConnection, only_tenant: str | None) -> None:
    steps.put(duck, "only_tenant", {"tenant": pa.string()}, [(only_tenant,)])


def _digests(archive: Archive, surveyed: Survey, shared: str) -> dict[date, str]:
    """Day → digest of everything its daily tables depend on: its own events, and others within reach."""
    own: dict[date, list[str]] = defaultdict(list)
    moved: dict[date, list[str]] = defaultdict(list)
    files: dict[date, list[File]] = defaultdict(list)
    for kind in EVENTS:
        stored = archive.days(kind)
        for day, digest in stored.items():
            own[day].append(f"{kind}:{digest}")
        for event_key, from_day, home_day in surveyed.moved[kind]:
            moved[from_day].append(f"{kind}-{event_key}")
            # One more version there, and the event here is another one.
            moved[home_day].append(f"{kind}+{event_key}:{stored[from_day]}:{surveyed.users.get(from_day)}")
        for file in surveyed.files.get(kind, ()):
            files[file.day].append(file)
    unsettled = set().union(*surveyed.unsettled.values())
    found: dict[date, str] = {}
    for day in sorted({*own, *moved}):
        since, until = _reach(day)
        parts: list[object] = [shared, day, surveyed.users.get(day), *sorted(own.get(day, ()))]
        for near in _near([day]):
            parts += [near, *sorted(moved.get(near, ()))]
            # Which time counts for an unsettled event can depend on versions out of reach.
            everything = near in unsettled
            parts += sorted({f.name for f in files.get(near, ()) if everything or f.overlaps(since, until)})
        found[day] = ids.digest(*parts)
    return found


def _reach(day: date) -> tuple[datetime, datetime]:
    """The time that the links of a day can depend on."""
    return _midnight(day) - _AROUND, _midnight(day + timedelta(days=1)) + _AROUND


def _near(days: Collection[date]) -> list[date]:
    """The days and their neighbours."""
    return sorted({day + timedelta(days=n) for day in days for n in range(-_NEIGHBOURS, _NEIGHBOURS + 1)})


@contextmanager
def seen(
    duck: duckdb.DuckDBPyConnection, archive: Archive, surveyed: Survey, days: Sequence[date]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to `duck` where the daily SQL finds the events of these days and of the time around them.

    All tables that it makes are gone afterwards.
    """
    with room(duck) as connection:
        _load(connection, archive, surveyed, days)
        yield connection


def _load(duck: duckdb.DuckDBPyConnection, archive: Archive, surveyed: Survey, days: Sequence[date]) -> None:
    """Tables change, activity, workflow, risk and sign_in: merged events of the days (`home`) and, as far as links need
    them, of the time around them.

    Of users, `sign_in` holds those that did something, and those that may be shown, whose sign-ins alone are `home`.
    `user_sign_in` has a few columns of all sign-ins of users on these days.
    """
    put_only_tenant(duck, surveyed.only_tenant)
    spans = _joined([_reach(day) for day in days])
    steps.put(duck, "span", {"since": _TIME, "until": _TIME}, spans)
    around = [day for day in _near(days) if day not in days]
    for kind, name in EVENTS.items():
        full = event_schema(archive, kind)
        named = pa.schema([field for field in full if field.name in _named() or field.name == "day"])
        view = _view_events(duck, archive, surveyed, kind, "home", days, named.names)
        if kind == "sign_ins":
            _load_sign_ins(duck, view, named)
        else:
            events = tenant_sql(view, named, ["versions"])
            duck.execute(f"CREATE TEMP TABLE {name} AS SELECT *, true AS home FROM ({events}) WHERE tenant IS NOT NULL")
        if kind in _AROUND_COLUMNS and archive.files(kind, around):
            linking = pa.schema([full.field(column) for column in (*_AROUND_COLUMNS[kind], "day")])
            view = _view_events(duck, archive, surveyed, kind, "around", around, linking.names, spans)
            # The first two conditions follow from the third; with them files are not read as a whole.
            duck.execute(
                f"""
                INSERT INTO {name} BY NAME SELECT *, false AS home
                FROM ({tenant_sql(view, linking)}) e
                WHERE tenant IS NOT NULL AND e."at" >= $1 AND e."at" < $2
                  AND EXISTS (SELECT 1 FROM span WHERE e."at" >= span.since AND e."at" < span.until)
                  {_AROUND_FILTER.get(kind, "")}""",
                [spans[0][0], spans[-1][1]],
            )


def _load_sign_ins(duck: duckdb.DuckDBPyConnection, view: str, named: pa.Schema) -> None:
    """Tables user_sign_in and sign_in of the events in `view`; the table `activity` says who did something."""
    # What is said of a key or an Azure resource counts, whoever signs in.
    stated = "coalesce(key_id, thumbprint, federated_credential_id, managed_identity_resource_id) IS NOT NULL"
    told = f"""
        SELECT *, user_id IN (SELECT user_id FROM showable_user) OR {stated} AS home, {_USER_ACTED} AS acted
        FROM {view} WHERE kind = 'user'"""
    few = pa.schema([named.field(column) for column in _USER_COLUMNS])
    events = tenant_sql(f"({told})", few, ["versions", "event_key", "home", "acted"])
    duck.execute(f"CREATE TEMP TABLE user_sign_in AS SELECT * FROM ({events}) WHERE tenant IS NOT NULL")
    counting = f"""
        SELECT *, true AS home FROM {view} WHERE kind <> 'user'
        UNION ALL BY NAME
        SELECT v.*, coalesce(u.home, false) AS home FROM {view} AS v
        JOIN (SELECT event_key, home FROM user_sign_in WHERE home OR acted) u USING (event_key)"""
    events = tenant_sql(f"({counting})", named, ["versions", "home"])
    duck.execute(f"CREATE TEMP TABLE sign_in AS SELECT * FROM ({events}) WHERE tenant IS NOT NULL")


def _view_events(
    duck: duckdb.DuckDBPyConnection,
    archive: Archive,
    surveyed: Survey,
    kind: str,
    name: str,
    days: Sequence[date],
    columns: Sequence[str],
    spans: Sequence[tuple[datetime, datetime]] = (),
) -> str:
    """Make a view of the merged events of these days and return what it is called.

    It has these columns, `versions`, and those that name tenants. Events outside the `spans` of time may be missing.
    """
    moved = surveyed.moved[kind]
    view, versions = f"{kind}_{name}", f"{kind}_{name}_versions"
    borrowed = {from_day for _, from_day, home in moved if home in days}
    files = archive.files(kind, {*days, *borrowed})
    create_view(duck, versions, files, archive.schema(kind))
    if moved:
        of_days, keys = f"{versions}_of_days", {"event_key": pa.string(), "from_day": pa.date32()}
        gone = [(key, from_day) for key, from_day, home in moved if home not in days]
        steps.put(duck, f"{versions}_gone", keys, gone)
        steps.put(duck, f"{versions}_borrowed", keys, [(key, day) for key, day, home in moved if home in days])
        steps.put(duck, f"{versions}_day", {"day": pa.date32()}, [(day,) for day in days])
        duck.execute(f"""
            CREATE OR REPLACE TEMP VIEW {of_days} AS SELECT * FROM {versions}
            WHERE (event_key, day) IN (SELECT (event_key, from_day) FROM {versions}_borrowed)
               OR (day IN (SELECT day FROM {versions}_day)
                   AND (event_key, day) NOT IN (SELECT (event_key, from_day) FROM {versions}_gone))""")
        versions = of_days
    settled = not surveyed.unsettled[kind] & {*days, *borrowed}
    if spans and settled:
        # All versions of an event state its time: others need not be looked at.
        in_time = f"{versions}_in_time"
        since, until = spans[0][0].isoformat(), spans[-1][1].isoformat()
        duck.execute(f"""
            CREATE OR REPLACE TEMP VIEW {in_time} AS SELECT * FROM {versions}
            WHERE "at" >= TIMESTAMPTZ '{since}' AND "at" < TIMESTAMPTZ '{until}'""")
        versions = in_time
    wanted = tuple(dict.fromkeys((*columns, *_TENANT_COLUMNS, "versions")))
    select = single_sql(versions, wanted)
    # Most events have one version. Which have more the survey knows, but for those that whole seconds join.
    if not settled or surveyed.repeated[kind] & {*days, *borrowed}:
        shared, merged, several = f"{view}_shared", f"{view}_merged", versions
        if settled:
            several = f"{versions}_several"
            duck.execute(f"""
                CREATE OR REPLACE TEMP VIEW {several} AS SELECT * FROM {versions}
                WHERE hash(event_key) IN (SELECT number FROM repeated)""")
        duck.execute(f"CREATE OR REPLACE TEMP TABLE {shared} AS {shared_sql(several, whole_seconds=not settled)}")
        if duck.table(shared).limit(1).fetchall():
            # Several statements read the view; what is merged is merged once.
            duck.execute(f"CREATE OR REPLACE TEMP TABLE {merged} AS {merged_sql(kind, versions, shared, wanted)}")
            select += f" ANTI JOIN {shared} USING (event_key) UNION ALL SELECT * FROM {merged}"
    duck.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {select}")
    return view


@cache
def _named() -> frozenset[str]:
    """Every word of the daily SQL: a column that is not among them need not be loaded."""
    return frozenset(re.findall(r"\w+", " ".join(sql for sql in steps.files("daily").values())))


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


def _types(duck: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Columns of the daily tables."""
    types: dict[str, dict[str, str]] = {table: {} for table in TABLES}
    for table, column, kind in duck.execute(_COLUMNS).fetchall():
        if table in types:
            types[table][column] = kind
    return types


_COLUMNS = """
SELECT table_name, column_name, data_type FROM duckdb_columns()
WHERE schema_name = current_schema() ORDER BY column_index"""
