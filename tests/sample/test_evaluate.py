"""Evaluation: nothing that was put into a sample is missed, nobody else is accused, and public rules are beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphcorr.baselines import BASELINES
from graphcorr.cli import run
from graphcorr.errors import InputError
from graphcorr.evaluate import Evaluation, evaluate, read_truth
from graphcorr.sample.generate import generate

SEEDS = (1,)


@pytest.fixture(scope="module", params=SEEDS)
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    place = tmp_path_factory.mktemp(f"seed-{request.param}")
    generate(place / "sample", seed=request.param, days=8, events_per_day=500)
    return evaluate(place / "sample", place / "home")


def test_nothing_is_missed_and_nobody_is_accused_falsely(result: Evaluation) -> None:
    assert {score.id: (score.missed, score.false) for score in result.patterns if score.missed or score.false} == {}
    assert {score.id for score in result.patterns if score.expected} >= {
        "renamed_principal",
        "unexplained_credential_update",
        "failed_sign_ins_bad_credential",
    }


def test_every_attack_is_one_story_and_no_story_two_attacks(result: Evaluation) -> None:
    assert result.telling.attacks > 10
    assert (result.telling.split, result.telling.mixed) == ((), ())


def test_the_join_by_name_loses_renamed_principals(result: Evaluation) -> None:
    by_name = next(score for score in result.baselines if score.id == "name_join")
    ours = next(score for score in result.patterns if score.id == "unexplained_credential_update")
    assert by_name.renamed_recall is not None
    # It finds one only if the new name signed in before the key came.
    assert by_name.renamed_recall < 1.0
    assert ours.renamed_recall == 1.0


def test_all_baselines_are_judged(result: Evaluation) -> None:
    assert [score.id for score in result.baselines] == [baseline.id for baseline in BASELINES]


def test_a_truth_without_its_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the truth"):
        read_truth(tmp_path / "truth.json")
    (tmp_path / "truth.json").write_text('{"stories": [{}]}')
    with pytest.raises(InputError, match="no truth file"):
        read_truth(tmp_path / "truth.json")


def test_the_commands_write_and_judge_a_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = str(tmp_path / "sample")
    assert run(["-q", "sample", sample, "--days", "8", "--events-per-day", "500", "--story", "stolen_key"]) == 0
    assert "stolen_key" in capsys.readouterr().out
    assert run(["-q", "sample", sample]) == 2
    assert "is not empty" in capsys.readouterr().err
    truth_file = tmp_path / "sample" / "truth.json"
    truth = json.loads(truth_file.read_text(encoding="utf-8"))
    absent = {
        "pattern": "renamed_principal",
        "verdict": "found",
        "subjectAppId": "00000000-0000-4000-8000-000000000001",
    }
    truth["stories"].append({"id": "never", "variant": "told", "principals": [], "findings": [absent]})
    truth["stories"] = [story for story in truth["stories"] if story["id"] != "good_rename"]
    truth_file.write_text(json.dumps(truth), encoding="utf-8")
    command = ["-q", "evaluate", sample, "--pattern", "renamed_principal", "--format", "json", "--recall", "1"]
    assert run(command) == 1
    shown = json.loads(capsys.readouterr().out)
    score = shown["patterns"][0]
    assert (score["recall"], score["precision"]) == (0.0, 0.0)
    assert [miss["story"] for miss in score["missed"]] == ["never: told"]
    assert len(score["false"]) == 1
