"""The survey: what has to be known about the whole archive before any day can be computed.

Of every day a few columns are kept in small files under the digest of the archive's files of that day, so that a load
looks only over the days that it added to.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb

from graphcorr import ids
from graphcorr.archive.duck import DAY_OF_PATH, create_view, escaped, quoted, room
from graphcorr.archive.merge import moved_sql
from graphcorr.projection import day_files, steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from graphcorr.archive.archive import Archive
    from graphcorr.config import Config

# Event kinds of the archive and the names under which the SQL sees them.
# Sign-ins come last: which of them count depends on what was done.
EVENTS = {
    "directory_changes": "change", "activities": "activity", "workflow_events": "workflow", "risk_events": "risk",
    "sign_ins": "sign_in",
}  # fmt: skip
# Inventories belong to no day of events; they name tenants and owners.
_KINDS = (*EVENTS, "directory_objects")


@dataclass(frozen=True)
class File:
    """A file of the archive: the day it belongs to, its name, and the first and last time in it."""

    day: date
    name: str
    first: datetime | None
    last: datetime | None

    def overlaps(self, since: datetime, until: datetime) -> bool:
        return self.first is not None and self.last is not None and self.first < until and self.last >= since


@dataclass(frozen=True)
class Survey:
    """What has to be known about the whole archive before any day can be computed."""

    # The only tenant that the archive and configuration know, else None (design 5, "Tenant").
    only_tenant: str | None
    # Kind → versions that belong to an event of another day: (event key, their day, its day).
    moved: Mapping[str, Sequence[tuple[str, date, date]]]
    # Day → number of versions.
    rows: Mapping[date, int]
    # Kind → its files; one that states several tenants may be there several times, each with a part of its time.
    files: Mapping[str, Sequence[File]]
    # Kind → days with an event whose versions state different times, or whole seconds.
    unsettled: Mapping[str, AbstractSet[date]]
    # Kind → days with an event that has several versions.
    repeated: Mapping[str, AbstractSet[date]]
    # Day → digest of the users whose sign-ins of that day may be shown.
    users: Mapping[date, str]


def survey(duck: duckdb.DuckDBPyConnection, archive: Archive, config: Config, users: str, root: Path) -> Survey:
    """Look over a few columns of the archive; of days that are kept below `root` as they are now, over nothing.

    Leaves behind the table `showable_user`: all that `users` (all, actors, none) may show, and some others; and the
    table `repeated`: number of the key, time and day of all versions of events that have several, and of some others.
    """
    root.mkdir(parents=True, exist_ok=True)
    _bring_up_to_date(duck, archive, root)
    tenants: set[str | None] = {*config.workspaces.values(), *config.subscriptions.values()}
    moved: dict[str, list[tuple[str, date, date]]] = {kind: [] for kind in EVENTS}
    unsettled: dict[str, set[date]] = {kind: set() for kind in EVENTS}
    rows: dict[date, int] = defaultdict(int)
    files: dict[str, list[File]] = defaultdict(list)
    for kind, name, day, versions, first, last, coarse, *stated in duck.execute("FROM looked_over").fetchall():
        tenants.update(stated)
        if kind in EVENTS:
            rows[day] += versions
            if coarse:
                unsettled[kind].add(day)
            files[kind].append(File(day, name, _instant(first), _instant(last)))
    repeated, differing = (_days_by_kind(duck, query) for query in (_REPEATED_DAYS, _DIFFERING_DAYS))
    for kind, days in differing.items():
        if days:
            create_view(duck, f"{kind}_differing", archive.files(kind, days), archive.schema(kind))
            moved[kind] = sorted(duck.execute(moved_sql(kind, f"{kind}_differing")).fetchall())
            unsettled[kind] |= days
    tenants.discard(None)
    only = tenants.pop() if len(tenants) == 1 else None
    duck.execute(f"CREATE TABLE showable_user AS SELECT DISTINCT user_id FROM user_seen WHERE {_SHOWABLE[users]}")
    return Survey(only, moved, rows, files, unsettled, repeated, dict(duck.execute(_USERS_OF_DAYS).fetchall()))


# What is kept of a day: a row for each file and the tenants that it states; of each version its time and the number of
# its key (texts of millions of keys would fill the memory); users and what they did.
_TABLES = {
    "looked_over": {
        "kind": "VARCHAR", "name": "VARCHAR", "day": "DATE", "versions": "BIGINT", "first": "BIGINT", "last": "BIGINT",
        "coarse": "BOOLEAN", "tenant_id": "VARCHAR", "path_tenant_id": "VARCHAR", "given_tenant_id": "VARCHAR",
    },
    "key_seen": {"kind": "VARCHAR", "number": "UBIGINT", "at": "BIGINT", "day": "DATE"},
    "user_seen": {
        "user_id": "VARCHAR", "signs_in": "BOOLEAN", "as_user": "BOOLEAN", "acts": "BOOLEAN", "day": "DATE",
    },
}  # fmt: skip

_LOOK_OVER = rf"""
INSERT INTO looked_over
SELECT $2, parse_filename(filename), CAST({DAY_OF_PATH} AS DATE) AS day, count(*),
       epoch_us(min("at")), epoch_us(max("at")), bool_or(whole_seconds), tenant_id, path_tenant_id, given_tenant_id
FROM read_parquet($1, filename = true, hive_partitioning = false, union_by_name = true)
GROUP BY filename, tenant_id, path_tenant_id, given_tenant_id"""
_KEYS = """
INSERT INTO key_seen SELECT '{kind}', hash(event_key), epoch_us("at"), day FROM {kind}"""
_USERS = {
    "sign_ins": "SELECT DISTINCT user_id, true, kind = 'user', false, day FROM sign_ins",
    "directory_changes": """
        SELECT actor_id, false, false, true, day FROM directory_changes
        UNION SELECT o.owner_id, false, false, true, day
        FROM (SELECT unnest(owners) AS o, day FROM directory_changes)""",
    "directory_objects": "SELECT DISTINCT unnest(owner_ids), false, false, true, day FROM directory_objects",
}

# Setting → users who may be shown (whole/40_principals.sql says who is), as any version of any record names them.
_SHOWABLE = {"all": "as_user", "actors": "acts", "none": "false"}
_USERS_OF_DAYS = """
SELECT day, md5(to_json(list(user_id ORDER BY user_id))::VARCHAR)
FROM (SELECT DISTINCT day, user_id FROM user_seen SEMI JOIN showable_user USING (user_id) WHERE signs_in)
GROUP BY day"""


def _bring_up_to_date(duck: duckdb.DuckDBPyConnection, archive: Archive, root: Path) -> None:
    """Look over the days that are not kept as they are now, and show what is kept of all."""
    made_by = ids.digest(steps.code_digest(), duckdb.__version__)
    parts: dict[date, list[str]] = defaultdict(list)
    for kind in _KINDS:
        for day, digest in archive.days(kind).items():
            parts[day].append(f"{kind}:{digest}")
    wanted = {day: ids.digest(made_by, *found) for day, found in sorted(parts.items())}
    before = day_files.read_manifest(root)
    known = {date.fromisoformat(day): digest for day, digest in before.get("days", {}).items()}
    fresh = {day: digest for day, digest in wanted.items() if known.get(day) != digest}
    if fresh:
        _look_over(duck, archive, root, fresh)
    for table, types in _TABLES.items():
        day_files.show(duck, table, types, day_files.kept(root, wanted, table))
    repeated = _repeated_file(root, wanted)
    if not repeated.exists():
        _find_repeated(duck, repeated, _repeated_file(root, known), fresh.keys() | (known.keys() - wanted.keys()))
    day_files.show(duck, "repeated", {}, [repeated])
    day_files.publish(root, wanted)
    for other in root.glob("repeated-*"):
        if other != repeated:
            other.unlink()


def _look_over(duck: duckdb.DuckDBPyConnection, archive: Archive, root: Path, wanted: Mapping[date, str]) -> None:
    """Make the tables of these days and keep them."""
    with _tables(duck, ["looked_over"]) as connection:
        for kind in _KINDS:
            if paths := archive.files(kind, wanted):
                connection.execute(_LOOK_OVER, [escaped(paths), kind])
        day_files.keep(connection, root, wanted, ["looked_over"])
        rows = dict(connection.execute("SELECT day, sum(versions)::BIGINT FROM looked_over GROUP BY day").fetchall())

    def look_over(days: list[date]) -> int:
        with _tables(duck, ["key_seen", "user_seen"]) as connection:
            for kind in _KINDS:
                create_view(connection, kind, archive.files(kind, days), archive.schema(kind))
                if kind in EVENTS:
                    connection.execute(_KEYS.format(kind=kind))
                if kind in _USERS:
                    connection.execute(f"INSERT INTO user_seen {_USERS[kind]}")
            day_files.keep(connection, root, {day: wanted[day] for day in days}, ["key_seen", "user_seen"])
        return len(days)

    day_files.each(look_over, list(day_files.chunks(sorted(wanted), rows)), "looking over the archive", None)


@contextmanager
def _tables(duck: duckdb.DuckDBPyConnection, names: Sequence[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own with some of `_TABLES`, still empty."""
    with room(duck) as connection:
        for name in names:
            typed = ", ".join(f"{quoted(column)} {kind}" for column, kind in _TABLES[name].items())
            connection.execute(f"CREATE TABLE {name} ({typed})")
        yield connection


def _repeated_file(root: Path, days: Mapping[date, str]) -> Path:
    """Where the versions of repeated events are kept, if days have these digests."""
    return root / f"repeated-{ids.digest(sorted(days.items()))}.parquet"


def _find_repeated(duck: duckdb.DuckDBPyConnection, path: Path, earlier: Path, changed: AbstractSet[date]) -> None:
    """Write the versions of events that have several; what is not of the changed days is taken over from `earlier`."""
    versions, others = "key_seen", ""
    if earlier.exists():
        duck.read_parquet(escaped([str(earlier)])).create_view("earlier")
        duck.execute(_NEAR, [sorted(changed)])
        versions, others = "near", "UNION ALL SELECT * FROM earlier ANTI JOIN near USING (number)"
    work = path.with_suffix(".new")
    duck.execute(f"COPY ({_REPEATED.format(versions=versions)} {others}) TO $1 (FORMAT parquet)", [str(work)])
    work.replace(path)


# Grouping numbers is several times faster than grouping keys, or numbers with their kinds.
_REPEATED = """
SELECT * FROM {versions} WHERE number IN (SELECT number FROM {versions} GROUP BY number HAVING count(*) > 1)"""
_NEAR = """
CREATE OR REPLACE TEMP TABLE near AS
SELECT * FROM key_seen WHERE number IN (
    SELECT number FROM key_seen WHERE day IN (SELECT unnest($1))
    UNION ALL SELECT number FROM earlier WHERE day IN (SELECT unnest($1)))"""

_REPEATED_DAYS = "SELECT DISTINCT kind, day FROM repeated"
# Events whose versions state different times: which counts may depend on all of them.
_DIFFERING_DAYS = """
SELECT DISTINCT kind, day FROM repeated JOIN (
    SELECT kind, number FROM repeated GROUP BY ALL HAVING min("at") <> max("at") OR min(day) <> max(day)
) USING (kind, number)"""


def _days_by_kind(duck: duckdb.DuckDBPyConnection, query: str) -> dict[str, set[date]]:
    days: dict[str, set[date]] = {kind: set() for kind in EVENTS}
    for kind, day in duck.execute(query).fetchall():
        days[kind].add(day)
    return days


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
