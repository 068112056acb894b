"""Versions → events, as SQL: what the records of one event say together, whatever the order they came in.

The rule, field by field: stated beats absent, then the richer carrier, then the larger value. Event times win over
times that may be ingestion times, and finer times over whole seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from graphcorr.archive import tables
from graphcorr.archive.duck import quoted
from graphcorr.records import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

# A carrier's rank as the first character of a text: comparing texts is several times faster than comparing structs.
_RANK_DIGITS = 1


def event_columns(kind: str) -> tuple[str, ...]:
    """Columns of `merge_sql`, in order: record fields, then what the delivery of all versions says."""
    delivery = ("carrier", "rank", "raw_size", "versions", "path_tenant_id", "given_tenant_id", "day")
    return (*tables.record_schema(kind).names, *delivery)


def shared_sql(versions_view: str, *, whole_seconds: bool = True) -> str:
    """A SELECT of (event_key, target): versions of these keys are, together with others, the event `target`.

    Usually there are few or none; all other versions are events of their own. The view must hold all versions of the
    events of interest (see `moved_sql`). A version that states whole seconds joins the finer event of the same
    `second_key`: the one with its own key, else the smallest key; without a finer event such versions are one event.
    `whole_seconds`: whether the view may have such versions.
    """
    view = quoted(versions_view)
    if not whole_seconds:
        return f"SELECT event_key, event_key AS target FROM {view} GROUP BY event_key HAVING count(*) > 1"
    return f"""
WITH whole AS MATERIALIZED (
  SELECT DISTINCT event_key, second_key FROM {view} WHERE whole_seconds AND second_key IS NOT NULL
),
coarse AS MATERIALIZED (
  SELECT event_key, second_key FROM whole
  ANTI JOIN (SELECT event_key FROM {view} SEMI JOIN whole USING (event_key) WHERE NOT whole_seconds) USING (event_key)
),
finer AS MATERIALIZED (
  SELECT second_key, min(event_key) AS target FROM {view} SEMI JOIN coarse USING (second_key)
  WHERE NOT whole_seconds GROUP BY second_key
),
coarsest AS MATERIALIZED (SELECT second_key, min(event_key) AS target FROM coarse GROUP BY second_key),
moved AS MATERIALIZED (
  SELECT coarse.event_key, min(coalesce(finer.target, coarsest.target)) AS target
  FROM coarse LEFT JOIN finer USING (second_key) JOIN coarsest USING (second_key) GROUP BY coarse.event_key
),
several AS MATERIALIZED (
  SELECT coalesce(moved.target, v.event_key) AS event_key
  FROM {view} AS v LEFT JOIN moved USING (event_key) GROUP BY 1 HAVING count(*) > 1
)
SELECT event_key, event_key AS target FROM several UNION SELECT event_key, target FROM moved
"""


def merge_sql(kind: str, versions_view: str) -> str:
    """A SELECT that turns the versions in a view (columns of `tables.schema(kind)`) into events, one row each.

    Columns are `event_columns(kind)`: `carrier` and `rank` of the richest version, `versions` the number of distinct
    raw texts, `raw_size` their bytes, `day` the UTC day of the merged time.
    """
    columns = event_columns(kind)
    return f"""
WITH shared AS MATERIALIZED ({shared_sql(versions_view)})
{single_sql(versions_view, columns)} ANTI JOIN shared USING (event_key)
UNION ALL
{merged_sql(kind, versions_view, "shared", columns)}
"""


def merged_sql(kind: str, versions_view: str, shared: str, columns: Sequence[str]) -> str:
    """The part of `merge_sql` (some of its columns) that several versions make: those of the table `shared`.

    Usually few, so that the aggregates see few rows. `shared` holds the rows of `shared_sql`.
    """
    view, several = quoted(versions_view), quoted(shared)
    merged = ",\n  ".join(f"{_merged(kind, column)} AS {quoted(column)}" for column in columns)
    return f"""
SELECT
  {merged}
FROM (SELECT v.* REPLACE (s.target AS event_key) FROM {view} AS v JOIN {several} AS s USING (event_key))
JOIN (
  SELECT event_key, count(*) AS texts, sum(raw_size) AS size FROM (
    SELECT DISTINCT s.target AS event_key, raw_hash, raw_size FROM {view} AS v JOIN {several} AS s USING (event_key)
  ) GROUP BY event_key
) USING (event_key)
GROUP BY event_key
"""


def single_sql(versions_view: str, columns: Sequence[str]) -> str:
    """The part of `merge_sql` (some of its columns) for versions that are events of their own."""
    selected = ", ".join("1 AS versions" if name == "versions" else quoted(name) for name in columns)
    return f"SELECT {selected} FROM {quoted(versions_view)}"


def moved_sql(kind: str, versions_view: str) -> str:
    """A SELECT of (event_key, from_day, home_day): versions in `from_day` belong to an event of another day.

    Versions of one event lie in different days if one of them states ingestion time, no time, or a time in a zone that
    a user named, or if they contradict each other. A projection of one day leaves out versions moved away from it and
    reads those that are moved to it. The view holds the versions of all days.
    """
    view = quoted(versions_view)
    assert kind in KINDS
    home = _day_of(_best_time("at"))
    # Numbers first: texts of millions of keys would fill the memory.
    return f"""
WITH suspects AS MATERIALIZED (
  SELECT hash(event_key) AS number FROM {view} GROUP BY number HAVING min(day) <> max(day)
),
spread AS MATERIALIZED (SELECT * FROM {view} WHERE hash(event_key) IN (SELECT number FROM suspects)),
home AS (SELECT event_key, {home} AS home_day FROM spread GROUP BY event_key HAVING count(DISTINCT day) > 1)
SELECT DISTINCT spread.event_key, spread.day AS from_day, home.home_day
FROM spread JOIN home USING (event_key) WHERE spread.day <> home.home_day
"""


def _merged(kind: str, column: str) -> str:
    special = {
        "event_key": "event_key",
        "whole_seconds": "bool_and(whole_seconds)",
        "at": _best_time("at"),
        "at_is_event_time": f"coalesce({_best_time('at_is_event_time')}, bool_or(at_is_event_time))",
        "received_at": "min(received_at)",
        "rank": "max(rank)",
        "raw_size": "CAST(any_value(size) AS BIGINT)",
        "versions": "CAST(any_value(texts) AS INTEGER)",
        "day": _day_of(_best_time("at")),
    }
    if column in special:
        return special[column]
    name = quoted(column)
    arrow = tables.schema(kind).field(column).type
    if pa.types.is_string(arrow):
        return f"substr(max(CAST(rank AS VARCHAR) || {name}), {_RANK_DIGITS + 1})"
    best = f"max(struct_pack(r := rank, v := {name})) FILTER (WHERE {name} IS NOT NULL"
    if pa.types.is_list(arrow):
        # An empty list states less than a filled one, but more than none.
        return f"coalesce(({best} AND len({name}) > 0)).v, max({name}))"
    return f"({best})).v"


def _best_time(field: str) -> str:
    """`at` or `at_is_event_time` of the version whose time is best."""
    better = 'struct_pack(e := at_is_event_time, f := NOT whole_seconds, r := rank, t := "at")'
    chosen = f'(max({better}) FILTER (WHERE "at" IS NOT NULL))'
    return f"{chosen}.t" if field == "at" else f"{chosen}.e"


def _day_of(time: str) -> str:
    return f"coalesce(CAST({time} AS DATE), DATE '1970-01-01')"
