"""Which days a load computes anew: those with new events and those that can be linked to them, no others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.builders import at, jsonl, sign_in, vault_act
from tests.endtoend.harness import Place

Row = dict[str, Any]

_DAYS = ("2026-05-11", "2026-05-12", "2026-05-13", "2026-05-14", "2026-05-15")


def _computed(root: Path) -> dict[str, str]:
    """Day → digest under which its tables are kept."""
    return {
        day.name: version.name
        for day in (root / "projection" / "daily").iterdir()
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
    place.load({"rows.jsonl": jsonl(*rows)})
    place.graph()
    before = _computed(tmp_path)
    place.load({"late.jsonl": jsonl(late)})
    incremental = place.graph().tables()
    after = _computed(tmp_path)
    assert sorted(after) == list(_DAYS)
    assert {day for day in _DAYS if after[day] != before[day]} == {_DAYS[day] for day in touched}
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
