"""The demonstration runs as the README promises; the logs that many tests load are whole."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from graphcorr.cli import run
from graphcorr.cli.demo import STORIES
from graphcorr.config import load_config
from graphcorr.ingest import registry
from graphcorr.ingest.run import read_logs
from tests.demo import LOGS

# 40 events of 11 May in several shapes, quiet days around them, and two tokens that nobody used.
BY_SOURCE = {
    "AADManagedIdentitySignInLogs": 18,
    "AADNonInteractiveUserSignInLogs": 1,
    "AADServicePrincipalSignInLogs": 23,
    "AZKVAuditLogs": 30,
    "AuditLogs": 20,
    "AzureActivity": 21,
    "LogicAppWorkflowRuntime": 2,
    "MicrosoftGraphActivityLogs": 4,
    "SigninLogs": 1,
    "applications": 6,
    "servicePrincipals": 18,
}


class Nowhere:
    def add(self, batch: list[object]) -> None: ...


def test_every_file_is_read_without_a_problem() -> None:
    report = read_logs([LOGS / "logs"], Nowhere())
    assert report.problems == ()
    assert report.by_source == BY_SOURCE
    assert report.unknown_columns == {}


def test_the_logs_say_that_they_are_constructed() -> None:
    assert "EVERYTHING HERE IS CONSTRUCTED" in (LOGS / "README.txt").read_text(encoding="utf-8")


def test_copied_records_are_byte_for_byte_the_constructed_ones(constructed: Path) -> None:
    originals = {path.read_bytes() for path in constructed.rglob("*") if path.is_file()}
    copies = [p for p in (LOGS / "logs").rglob("*") if p.is_file() and p.suffix != ".gz" and "other-days" not in p.name]
    assert [path.name for path in copies if path.read_bytes() not in originals] == []


def test_the_configuration_names_real_sources() -> None:
    config = load_config(LOGS / "graphcorr.toml")
    assert {entry.source for entry in config.complete} <= {loader.source for loader in registry.all()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that `graphcorr demo` leaves behind."""
    home = tmp_path_factory.mktemp("demo") / "home"
    assert run(["demo", "--quiet", "--home", str(home)]) == 0
    return home


def test_three_attacks_are_three_stories(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = json.loads((home / "sample" / "truth.json").read_text(encoding="utf-8"))
    attacks = {story["id"]: {who["appId"] for who in story["principals"]} for story in truth["stories"]}
    capsys.readouterr()
    assert run(["scan", "--quiet", "--home", str(home), "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert "failed" not in {pattern["status"] for pattern in document["patterns"]}
    subjects = {item["fingerprint"]: item["subject"]["appId"] for item in document["findings"] + document["leads"]}
    told = [{subjects[step["fingerprint"]] for step in story["steps"]} for story in document["stories"]]
    assert sorted(sorted(about - {None}) for about in told) == sorted(sorted(attacks[story]) for story in STORIES)


def test_the_commands_that_the_demonstration_names_work(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--quiet", "--home", str(home)]) == 0
    named = re.findall(r"^    graphcorr (.+)$", capsys.readouterr().out, flags=re.MULTILINE)
    assert [shlex.split(line)[2] for line in named] == ["trace", "evidence", "scan", "query"]
    for line in named:
        assert run(shlex.split(line)) == (1 if " scan" in line else 0), line
        assert capsys.readouterr().out.strip(), line
