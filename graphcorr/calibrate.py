"""Calibration: links that are known by token id, made again without it → how often links by time are right.

The projection's own SQL runs over the archive's days with token ids, without them, and without issue times as well. No
graph is read or changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from graphcorr.archive.archive import Archive
from graphcorr.home import Home, Waiting
from graphcorr.projection import daily_layer, day_files, steps
from graphcorr.projection.survey import survey
from graphcorr.tables import Table

if TYPE_CHECKING:
    import duckdb

    from graphcorr.config import Config
    from graphcorr.store.base import Progress

HIGH = 0.95
"""The least share of right links for which `high` is no exaggeration."""
MEDIUM = 0.7
"""The same for `medium`; `low` promises nothing."""
ENOUGH_TOKENS = 20
"""With fewer tokens a share says nothing. Not events: the thousand calls of a token are right or wrong together."""

ALL = "all"
"""In place of a resource: every one that was measured."""

_WORDS = ("low", "medium", "high")
_CLASSES = ("none", "1", "2-5", "more than 5")

# What is hidden to force a basis: pass → columns.
_HIDDEN = {"tokenTime": ("token_id",), "window": ("token_id", "token_issued_at")}

# The SQL files of the daily layer up to the links.
_LAST = "21"

# The links of the first pass. Everything done without a token id can be linked by time only and stays unmeasured.
_KNOWN = """
CREATE OR REPLACE TEMP TABLE known AS
SELECT a.act_id, a.act_group AS resource, a.token_id, a.token_issued_at IS NOT NULL AS timed, t.sign_in_id,
       CASE WHEN a.user_id IS NULL AND a.user_principal_name IS NULL THEN 'application' ELSE 'user' END AS caller,
       l.sign_in_id IS NOT NULL AND l.basis <> 'token' AS by_time
FROM act a LEFT JOIN token_link t USING (act_id) LEFT JOIN link l USING (act_id)
WHERE a.home"""

_BARE = """
SELECT resource, caller, count(*) AS events, count(*) FILTER (by_time) AS links
FROM known WHERE token_id IS NULL GROUP BY ALL"""

_MEASURED = """
SELECT k.resource, k.caller,
       CASE WHEN coalesce(c.candidates, 0) = 0 THEN 'none' WHEN c.candidates = 1 THEN '1'
            WHEN c.candidates <= 5 THEN '2-5' ELSE 'more than 5' END AS candidates,
       max(l.confidence) AS confidence,
       count(DISTINCT k.token_id) FILTER (l.sign_in_id IS NOT NULL) AS tokens,
       count(*) AS events, count(k.sign_in_id) AS known, count(l.sign_in_id) AS links,
       count(*) FILTER (l.sign_in_id = k.sign_in_id) AS correct,
       count(*) FILTER (l.sign_in_id IS NOT NULL AND k.sign_in_id IS NULL) AS strangers
FROM known k LEFT JOIN link l USING (act_id) LEFT JOIN candidate_count c USING (act_id)
WHERE k.token_id IS NOT NULL AND (k.timed OR $basis = 'window')
GROUP BY ALL"""


@dataclass(frozen=True)
class Measure:
    """How the links by time did for one resource (or `all`), caller, basis and number of candidates."""

    # The service that the token was for, as activities name it: arm, graph …
    resource: str
    # `application` or `user`.
    caller: str
    # `tokenTime`: with the token id hidden; `window`: with the token's issue time hidden as well.
    basis: str
    # How many sign-ins could have led to an event: none, 1, 2-5, more than 5.
    candidates: str
    # The word that such links carry in the graph; None where there is no link.
    confidence: str | None
    # Different token ids among the linked events.
    tokens: int
    # Events with a token id; those whose sign-in is in the logs; those that were given a sign-in by time.
    events: int
    known: int
    links: int
    # Links to the sign-in that the token names, and links although the token's sign-in is not in the logs.
    right: int
    strangers: int

    @property
    def precision(self) -> float | None:
        """Share of the links that are right; None without links."""
        return self.right / self.links if self.links else None

    @property
    def recall(self) -> float | None:
        """Share of the events with a known sign-in that were linked to it; None without any."""
        return self.right / self.known if self.known else None

    @property
    def earned(self) -> str | None:
        """The word that the precision deserves; None if there are too few tokens to tell."""
        if self.precision is None or self.tokens < ENOUGH_TOKENS:
            return None
        return "high" if self.precision >= HIGH else "medium" if self.precision >= MEDIUM else "low"

    @property
    def verdict(self) -> str:
        """Whether the word deserves its name: deserved, too high, too low, too few to tell, no links."""
        if self.confidence is None:
            return "no links"
        if self.earned is None:
            return "too few to tell"
        above = _WORDS.index(self.confidence) - _WORDS.index(self.earned)
        return "too high" if above > 0 else "too low" if above < 0 else "deserved"


@dataclass(frozen=True)
class Uncalibrated:
    """Links by time that nothing can check: the records of this resource carry no token ids."""

    resource: str
    caller: str
    events: int
    links: int


@dataclass(frozen=True)
class Calibration:
    """Measures by resource, then over all of them; and what cannot be measured."""

    measures: tuple[Measure, ...]
    uncalibrated: tuple[Uncalibrated, ...]

    def to_table(self) -> Table:
        """One row per measure and per resource that cannot be measured."""
        measured = [
            (
                m.resource, m.caller, m.basis, m.candidates, m.confidence, m.tokens, m.events, m.known, m.links,
                m.right, m.strangers, m.precision, m.recall, m.verdict,
            )
            for m in self.measures
        ]  # fmt: skip
        blank = (None,) * 3
        unmeasured = [
            (
                u.resource,
                u.caller,
                "window",
                *blank,
                u.events,
                None,
                u.links,
                *blank,
                None,
                "uncalibrated: no token ids",
            )
            for u in self.uncalibrated
        ]
        return Table(COLUMNS, [*measured, *unmeasured])


COLUMNS = (
    "resource", "caller", "basis", "candidates", "confidence", "tokens", "events", "known", "links", "right",
    "strangers", "precision", "recall", "verdict",
)  # fmt: skip


def calibrate(
    *,
    home: str | Path = "graphcorr-data",
    config: Config | None = None,
    progress: Progress | None = None,
    lock_timeout: float = 30.0,
    waiting: Waiting | None = None,
) -> Calibration:
    """Measure the links by time against the links by token id in a home's own logs.

    `config` as in `load`; None = what the home remembers. Changes nothing. Raises UsageError for a folder that is no
    home, LockedError if another run holds it.
    """
    place = Home(home)
    place.require()
    with place.lock(False, "calibrate", lock_timeout, waiting), TemporaryDirectory(prefix="graphcorr-") as folder:
        return _calibrated(Archive(place.archive_dir), config or place.settings.config, Path(folder), progress)


def _calibrated(archive: Archive, config: Config, temp: Path, progress: Progress | None) -> Calibration:
    measured: list[dict[str, Any]] = []
    bare: list[dict[str, Any]] = []
    done = 0
    with daily_layer.opened(config, "all", temp) as opened:
        surveyed = survey(opened, archive, config, "all", temp / "survey")
        days = sorted(surveyed.rows)
        for chunk in day_files.chunks(days, surveyed.rows):
            if progress is not None:
                progress("calibrating days", done, len(days))
            done += len(chunk)
            with daily_layer.seen(opened, archive, surveyed, chunk) as duck:
                steps.run_files(duck, "daily", last=_LAST)
                duck.execute(_KNOWN)
                bare += duck.sql(_BARE).to_arrow_table().to_pylist()
                duck.execute("ALTER TABLE activity RENAME TO stated_activity")
                for basis, hidden in _HIDDEN.items():
                    measured += [{**row, "basis": basis} for row in _without(duck, basis, hidden)]
    return Calibration(_summed(measured), _uncalibrated(bare, {row["resource"] for row in measured}))


def _without(duck: duckdb.DuckDBPyConnection, basis: str, hidden: Iterable[str]) -> list[dict[str, Any]]:
    """The links made again with columns of the activities hidden, compared with the known ones."""
    blanked = ", ".join(f"nullif({column}, {column}) AS {column}" for column in hidden)
    duck.execute(f"CREATE OR REPLACE TEMP VIEW activity AS SELECT * REPLACE ({blanked}) FROM stated_activity")
    steps.run_files(duck, "daily", last=_LAST)
    rows: list[dict[str, Any]] = duck.sql(_MEASURED, params={"basis": basis}).to_arrow_table().to_pylist()
    return rows


_COUNTS = ("tokens", "events", "known", "links", "correct", "strangers")


def _summed(rows: Iterable[dict[str, Any]]) -> tuple[Measure, ...]:
    """Rows of all days as measures by resource, and over all resources."""
    sums: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0] * len(_COUNTS))
    words: dict[tuple[str, str, str, str], str] = {}
    for row in rows:
        for resource in (row["resource"], ALL):
            group = (resource, row["caller"], row["basis"], row["candidates"])
            sums[group] = [sofar + row[name] for sofar, name in zip(sums[group], _COUNTS, strict=True)]
            if row["confidence"] is not None:
                words[group] = row["confidence"]
    ordered = sorted(sums, key=lambda g: (g[0] == ALL, g[0], g[1], g[2], _CLASSES.index(g[3])))
    return tuple(Measure(*group, words.get(group), *sums[group]) for group in ordered)


def _uncalibrated(rows: Iterable[dict[str, Any]], measured: set[str]) -> tuple[Uncalibrated, ...]:
    sums: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows:
        if row["resource"] not in measured:
            events, links = sums[row["resource"], row["caller"]]
            sums[row["resource"], row["caller"]] = (events + row["events"], links + row["links"])
    return tuple(Uncalibrated(*group, *counts) for group, counts in sorted(sums.items()))
