"""`graphcorr calibrate`: what it measures is what token ids say, and it changes nothing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from graphcorr.calibrate import ENOUGH_TOKENS, Measure, Uncalibrated, calibrate
from graphcorr.cli import run
from graphcorr.config import Config
from graphcorr.load import load
from graphcorr.projection import day_files
from tests.builders import ARM, SUBSCRIPTION, TENANT, arm_act, at, guid, jsonl, moment, sign_in, vault_act
from tests.demo import LOGS

_CONFIG = Config(subscriptions={SUBSCRIPTION: TENANT})


def _calm() -> list[dict[str, Any]]:
    """Every principal signs in once and acts twice: nothing to confuse. Over two days."""
    rows = []
    for n in range(1, ENOUGH_TOKENS + 1):
        who = {"principal": n, "app": n}
        rows.append(sign_in(n, at("07:00", day=n % 2), resource=ARM, **who))
        for m in range(2):
            when, issued = at(f"07:0{m + 1}", day=n % 2), moment("06:55", day=n % 2)
            rows.append(arm_act(10 * n + m, when, token=guid("5", n), issued=issued, **who))
    return rows


def _confused() -> list[dict[str, Any]]:
    """A principal with two live tokens that uses the older one, and one whose sign-in is in no log."""
    who, stranger = {"principal": 90, "app": 90}, {"principal": 91, "app": 91}
    return [
        sign_in(501, at("07:00"), resource=ARM, **who),
        sign_in(502, at("07:30"), resource=ARM, **who),
        arm_act(901, at("07:31"), token=guid("5", 501), issued=moment("06:55"), **who),
        sign_in(503, at("07:00"), resource=ARM, **stranger),
        arm_act(902, at("07:01"), token=guid("5", 999), **stranger),
        arm_act(903, at("07:02"), token=guid("5", 503), ip="198.51.100.99", **stranger),
        vault_act(904, at("07:03"), **who),
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrate")
    (folder / "rows.jsonl").write_bytes(jsonl(*_calm(), *_confused()))
    load([folder / "rows.jsonl"], home=folder / "home", config=_CONFIG, archive_only=True)
    return folder / "home"


def test_links_by_time_are_compared_with_those_by_token(home: Path) -> None:
    calm = (ENOUGH_TOKENS, 2 * ENOUGH_TOKENS)
    result = calibrate(home=home)
    expected = [
        # The calls of the calm ones, and of one with two tokens: its issue time tells them apart.
        ("tokenTime", "1", "high", calm[0] + 1, calm[1] + 1, calm[1] + 1, calm[1] + 1, calm[1] + 1, 0),
        # Without issue times: a stranger's call is blamed on the sign-in that is there; one from elsewhere on none.
        ("window", "1", "high", calm[0] + 1, calm[1] + 2, calm[1] + 1, calm[1] + 1, calm[1], 1),
        # The later of two live tokens is taken, and the earlier one was used.
        ("window", "2-5", "medium", 1, 1, 1, 1, 0, 0),
    ]
    assert result.measures == tuple(
        Measure(resource, "application", *row) for resource in ("arm", "all") for row in expected
    )
    assert result.uncalibrated == (Uncalibrated("keyVault", "application", 1, 0),)


def test_days_computed_apart_give_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = calibrate(home=home)
    monkeypatch.setattr(day_files, "_ROWS_AT_ONCE", 1)
    assert calibrate(home=home) == together


def _measure(word: str | None, tokens: int, links: int, right: int) -> Measure:
    return Measure("arm", "user", "window", "1", word, tokens, links, links, links, right, 0)


@pytest.mark.parametrize(
    ("measure", "verdict"),
    [
        (_measure("high", ENOUGH_TOKENS, 100, 95), "deserved"),
        (_measure("high", ENOUGH_TOKENS, 100, 94), "too high"),
        (_measure("high", ENOUGH_TOKENS - 1, 100, 0), "too few to tell"),
        (_measure("medium", ENOUGH_TOKENS, 100, 70), "deserved"),
        (_measure("medium", ENOUGH_TOKENS, 100, 69), "too high"),
        (_measure("medium", ENOUGH_TOKENS, 100, 95), "too low"),
        (_measure("low", ENOUGH_TOKENS, 100, 0), "deserved"),
        (_measure("low", ENOUGH_TOKENS, 100, 70), "too low"),
        (_measure(None, 0, 0, 0), "no links"),
    ],
)
def test_a_word_is_judged_by_the_share_of_right_links(measure: Measure, verdict: str) -> None:
    assert measure.verdict == verdict


def test_the_three_forms_say_the_same(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["-q", "--home", str(home), "calibrate"]
    assert run([*command, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["thresholds"] == {"high": 0.95, "medium": 0.7, "tokens": 20}
    assert document["uncalibrated"] == [{"resource": "keyVault", "caller": "application", "events": 1, "links": 0}]
    assert run([*command, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    shown = [(row["resource"], row["basis"], row["candidates"], row["verdict"]) for row in rows]
    assert shown == [
        *((m["resource"], m["basis"], m["candidates"], m["verdict"]) for m in document["measures"]),
        ("keyVault", "window", "", "uncalibrated: no token ids"),
    ]
    assert run(command) == 0
    text = capsys.readouterr().out
    assert "`high` by window, applications, candidates 1: 40 of 41 links (21 tokens) are right: deserved\n" in text
    assert "keyVault, applications: uncalibrated, its records carry no token ids (0 of 1 events are linked" in text


def test_it_changes_nothing_in_the_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    load([LOGS / "logs" / "portal-csv"], home=home, archive_only=True)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file() and "locks" not in path.parts}
    assert calibrate(home=home).measures is not None
    after = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file() and "locks" not in path.parts}
    assert after == before


def test_a_folder_that_is_no_home_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(tmp_path / "none"), "calibrate"]) == 2
    assert "no graphcorr home here" in capsys.readouterr().err
