"""`load`, `scan` and `verify` as a script meets them: what goes to which stream, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphcorr.cli import run
from graphcorr.home import Home

AUDIT = "log-analytics-csv/AuditLogs.csv"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, constructed: Path) -> Path:
    """A home with the audit log of the constructed tenant: two renames, found."""
    home = tmp_path_factory.mktemp("runs") / "home"
    assert run(["load", "-q", str(constructed / AUDIT), "--home", str(home)]) == 0
    return home


def test_load_tells_what_each_file_held_and_what_was_wrong_in_it(tmp_path: Path, constructed: Path, capsys) -> None:
    (tmp_path / "broken.jsonl").write_text('{"half": \n')
    good = constructed / "log-analytics-json" / "SigninLogs.jsonl"
    paths = [str(good), str(tmp_path / "broken.jsonl"), str(tmp_path / "missing")]
    arguments = ["load", *paths, "--archive-only", "--home", str(tmp_path / "home"), "--format", "json"]
    assert run(arguments) == 0
    shown = capsys.readouterr()
    files = {Path(row["file"]).name: row for row in json.loads(shown.out)}
    assert files["SigninLogs.jsonl"]["sources"] == {"SigninLogs": 1}
    assert files["broken.jsonl"]["records"] == 0
    assert f"{tmp_path / 'broken.jsonl'}:1: " in shown.err
    assert str(tmp_path / "missing") in shown.err


def test_what_belongs_to_no_known_tenant_is_said_by_all_that_could_be_taken_to_show_it(
    tmp_path: Path, constructed: Path, capsys
) -> None:
    log = constructed / "log-analytics-json" / "AZKVAuditLogs.jsonl"
    place = ["--home", str(tmp_path / "home")]
    for command in (["load", str(log)], ["scan"], ["coverage"]):
        assert run([*command, *place]) == 0
        assert "AZKVAuditLogs: nothing says to which tenant 1 of its entries belong" in capsys.readouterr().err
    assert run(["coverage", *place, "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["tenant"], row["source"], row["entries"]) == (None, "AZKVAuditLogs", 1)


def test_load_of_nothing_readable_is_3(tmp_path: Path, capsys) -> None:
    assert run(["load", str(tmp_path / "missing"), "--archive-only", "--home", str(tmp_path / "home")]) == 3
    assert str(tmp_path / "missing") in capsys.readouterr().err


def test_load_into_a_folder_of_something_else_is_2_and_touches_nothing(tmp_path: Path, constructed: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    assert run(["load", str(constructed / AUDIT), "--home", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 1),
        (["--fail-on", "critical"], 0),
        (["--fail-on", "never"], 0),
        (["--pattern", "failed_sign_ins_bad_credential"], 0),
        (["--pattern", "nonsense"], 2),
        (["--param", "renamed_principal=1"], 2),
        (["--param", "renamed_principal.nonsense=1"], 2),
        (["--patterns", "nowhere"], 2),
    ],
)
def test_scan_exits_by_what_was_found(options: list[str], code: int, home: Path) -> None:
    assert run(["scan", "-q", "--home", str(home), *options]) == code


def test_scan_refuses_a_broken_pattern_with_4(home: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "mine.cypher").write_text("MATCH (n) RETURN n")
    assert run(["scan", "--home", str(home), "--patterns", str(tmp_path)]) == 4
    assert "mine.cypher" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "csv", "text"])
def test_scan_prints_the_same_findings_in_every_form(form: str, home: Path, capsys) -> None:
    run(["scan", "-q", "--home", str(home), "--format", "json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    run(["scan", "-q", "--home", str(home), "--format", form])
    shown = capsys.readouterr()
    assert [finding["fingerprint"] for finding in findings if finding["fingerprint"] not in shown.out] == []
    assert "\x1b" not in shown.out


def test_scan_without_a_home_says_to_load_first(tmp_path: Path, capsys) -> None:
    assert run(["scan", "--home", str(tmp_path / "none")]) == 2
    assert "graphcorr load" in capsys.readouterr().err


def test_verify_finds_the_store_equal_and_then_a_planted_difference(home: Path, capsys) -> None:
    assert run(["verify", "--home", str(home)]) == 0
    assert ", 0 differ" in capsys.readouterr().err
    table = next(Home(home).projection_dir.glob("tables/*/nodes/Name.parquet"))
    kept = table.read_bytes()
    table.unlink()
    try:
        assert run(["verify", "--home", str(home), "--format", "json"]) == 7
        rows = json.loads(capsys.readouterr().out)
        assert {(row["table"], row["difference"]) for row in rows} == {("Name", "unexpected")}
    finally:
        table.write_bytes(kept)
