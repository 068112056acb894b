"""Which days a load computes anew: those with new events and those that can be linked to them, no others.

Of the graph's files, also those of days about which something else became known.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from graphcorr.projection import daily_layer, dated_layer, steps
from tests.builders import (
    arm_act,
    at,
    audit,
    guid,
    jsonl,
    managed_sign_in,
    rename,
    sign_in,
    target,
    user_sign_in,
    vault_act,
    vault_id,
)
from tests.endtoend.harness import Graph, Place

Row = dict[str, Any]

_DAYS = ("2026-05-11", "2026-05-12", "2026-05-13", "2026-05-14", "2026-05-15")


def _computed(root: Path, what: str = "daily") -> dict[str, str]:
    """Day → digest under which its tables are kept."""
    return {
        day.name: version.name
        for day in (root / "projection" / what).iterdir()
        if day.is_dir()
        for version in day.iterdir()
    }


@pytest.mark.parametrize(
    ("late", "touched"),
    [
        # 28 hours and ten minutes on either side of a day count: the morning of the second day after it, too.
        (vault_act(90, at("12:00", 2)), {1, 2, 3}),
        (vault_act(90, at("04:09", 2)), {0, 1, 2, 3}),
        (vault_act(90, at("04:11", 2)), {1, 2, 3}),
        (sign_in(90, at("19:51", 2)), {1, 2, 3, 4}),
        (sign_in(90, at("19:49", 2)), {1, 2, 3}),
        # Two versions of one event state different times: which one counts may depend on both.
        (sign_in(2, at("12:00", 2)), {0, 1, 2, 3, 4}),
    ],
    ids=["noon", "before four", "after four", "before eight", "earlier", "another version"],
)
def test_a_late_event_touches_the_days_within_reach(tmp_path: Path, late: Row, touched: set[int]) -> None:
    place = Place(tmp_path)
    rows = [row for day in range(5) for row in (sign_in(day, at("09:00", day)), vault_act(day, at("09:01", day)))]
    # One event has two versions from the start, also where its day is computed again for another day's event.
    place.load({"rows.jsonl": jsonl(*rows, sign_in(0, at("09:00", 0), ip="203.0.113.99"))})
    place.graph()
    before, surveyed = _computed(tmp_path), _computed(tmp_path, "survey")
    place.load({"late.jsonl": jsonl(late)})
    incremental = place.graph().tables()
    after = _computed(tmp_path)
    assert sorted(after) == list(_DAYS)
    # Only the day of the event is looked over again.
    assert dict(_computed(tmp_path, "survey").items() - surveyed.items()).keys() == {_DAYS[2]}
    assert {day for day in _DAYS if after[day] != before[day]} == {_DAYS[day] for day in touched}
    shutil.rmtree(tmp_path / "projection")
    assert place.graph().tables() == incremental


@pytest.mark.parametrize(
    "late",
    [
        sign_in(3, at("04:05", 2), UniqueTokenIdentifier=guid("5", 77)),
        sign_in(3, at("05:59", 2), UniqueTokenIdentifier=guid("5", 77)),
        sign_in(3, at("05:59", 2), Id=guid("5", 77)),
    ],
    ids=["states it in reach", "states it out of reach", "is it"],
)
def test_a_token_id_means_the_same_from_the_day_of_the_sign_in_and_from_that_of_the_act(
    tmp_path: Path, late: Row
) -> None:
    token = guid("5", 77)
    rows = (sign_in(1, at("23:50"), UniqueTokenIdentifier=token), arm_act(2, at("02:00", 1), token=token))
    place = Place(tmp_path)
    place.load({"rows.jsonl": jsonl(*rows)})
    place.graph()
    place.load({"late.jsonl": jsonl(late)})
    incremental = place.graph().tables()
    shutil.rmtree(tmp_path / "projection")
    assert place.graph().tables() == incremental


def test_one_more_version_in_another_day_is_seen_in_the_day_of_its_event(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.load({"rows.jsonl": jsonl(sign_in(1, at("09:00", 4)), sign_in(1, at("23:58:00.001", 1), ip="203.0.113.11"))})
    place.graph()
    place.load({"late.jsonl": jsonl(sign_in(1, at("23:58", 1), ip="203.0.113.12"))})
    incremental = place.graph()
    assert incremental.node("LogSource")["duplicates"] == 2
    shutil.rmtree(tmp_path / "projection")
    assert place.graph().tables() == incremental.tables()


# Nine days of one principal; a user on the first, an app id alone on the second, activity of another principal whose
# sign-ins are missing on the third. The last two days are about everything of a day before being settled.
_HISTORY = [
    *(row for day in range(9) for row in (sign_in(day, at("09:00", day)), vault_act(day, at("09:01", day)))),
    user_sign_in(20, at("10:00"), user=5),
    user_sign_in(21, at("23:50"), user=6, UniqueTokenIdentifier=guid("5", 21)),
    arm_act(21, at("00:10", 1), user=6, principal=None, token=guid("5", 21)),
    sign_in(22, at("10:00", 1), principal=None, app=7),
    vault_act(23, at("10:00", 2), principal=8, app=8),
    *(managed_sign_in(25 + day, at("10:00", day), principal=3, app=3) for day in (0, 7)),
    audit(24, at("11:00", 3), "Update application", target("Application", guid("b", 1)), user=9),
]
_SETTLED = set(range(7))


@pytest.mark.parametrize(
    ("late", "made"),
    [
        (sign_in(90, at("12:00", 8)), set()),
        # Who acts is shown, on all days on which that user signed in, and with what that led to on the day after.
        (rename(90, at("12:00", 8), "a", "b", user=5), {0}),
        (rename(90, at("12:00", 8), "a", "b", user=6), {0, 1}),
        (rename(90, at("12:00", 8), "a", "b", user=7), set()),
        # The one service principal of an app id takes what the app id did alone.
        (sign_in(90, at("12:00", 8), principal=7, app=7), {1}),
        # A managed identity: its activity waits for another log.
        (managed_sign_in(90, at("12:00", 8), principal=8, app=8), {2}),
        # Another vault than the one that delivers: the log is no longer all there is.
        (arm_act(90, at("12:00", 8), resource=vault_id("kv-other"), principal=9, app=9), _SETTLED),
    ],
    ids=["an hour more", "an actor", "an actor's links", "a new actor", "an app's principal", "a kind", "a scope"],
)
def test_the_files_of_a_day_are_made_anew_only_if_it_shows_something_else(
    tmp_path: Path, late: Row, made: set[int]
) -> None:
    place = Place(tmp_path)
    place.load({"rows.jsonl": jsonl(*_HISTORY)})
    before = _files(place.graph())
    place.load({"late.jsonl": jsonl(late)})
    incremental = place.graph()
    after = _files(incremental)
    assert {day for day in _SETTLED if after[day] != before[day]} == made
    tables = incremental.tables()
    shutil.rmtree(tmp_path / "projection")
    again = place.graph()
    assert again.tables() == tables
    assert _files(again) == after


def _files(graph: Graph) -> dict[int, set[str]]:
    """Day → names of the files that belong to it, over all tables."""
    found: dict[int, set[str]] = {day: set() for day in range(9)}
    for path in graph.projection.tables.glob("*/*.parquet/*.parquet"):
        found[int(path.name[8:10]) - 11].add(f"{path.parent.name}/{path.name}")
    return found


def test_what_belongs_to_a_day_is_made_of_that_day_alone() -> None:
    sql = "".join(steps.files("dated").values())
    made = re.compile(r"CREATE OR REPLACE (?:TEMP )?(?:TABLE|VIEW) (\w+)")
    known = {*daily_layer.TABLES, *made.findall("".join(steps.files("whole").values()))}
    read = set(re.findall(r"\b(?:FROM|JOIN) (\w+)", sql)) & known
    assert read == {*dated_layer.DAILY, *dated_layer.CONTEXT}
    shown = {f"node_{label}" for label in dated_layer.NODES} | {f"edge_{kind}" for kind in dated_layer.EDGES}
    assert {name for name in made.findall(sql) if name.startswith(("node_", "edge_"))} == shown
