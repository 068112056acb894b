"""The demonstration: its logs are whole, and it runs as the README promises."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from graphcorr.cli import run
from graphcorr.cli.demo import LOGS
from graphcorr.config import load_config
from graphcorr.ingest import registry
from graphcorr.ingest.run import read_logs

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
def home(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The home that `graphcorr demo` leaves behind."""
    home = tmp_path_factory.mktemp("demo") / "home"
    assert run(["demo", "--quiet", "--home", str(home)]) == 0
    return home


def test_the_first_patterns_find_something_and_none_fails(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "--quiet", "--home", str(home), "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    status = {pattern["id"]: pattern["status"] for pattern in document["patterns"]}
    assert status.items() >= {
        "failed_sign_ins_bad_credential": "found",
        "orphan_sign_in": "found",
        "renamed_principal": "found",
        "unexplained_credential_update": "found",
    }.items()
    assert "failed" not in status.values()


def test_the_commands_that_the_demonstration_names_work(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["demo", "--quiet"]) == 0
    named = re.findall(r"^  graphcorr (.+)$", capsys.readouterr().out, flags=re.MULTILINE)
    assert len(named) == 3
    for line in named:
        assert run(shlex.split(line)) == 0, line
        assert capsys.readouterr().out.strip(), line
