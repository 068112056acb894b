"""The command line as people and scripts meet it: streams, exit codes, forms of output."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graphcorr.cli import run
from graphcorr.cli.progress import _Lines
from graphcorr.cli.tables import show_table
from graphcorr.cli.values import named_value
from graphcorr.home import Home
from graphcorr.ingest import registry
from graphcorr.store.base import GraphEdge, GraphNode, GraphPath

NODE = GraphNode(frozenset({"DirectoryObject", "ServicePrincipal"}), {"key": "k", "caption": "[red]evil\x1b[31m"})
HOSTILE = [
    ("=cmd|'/c calc'!A1", "+1", "@x"),
    ("a\x1b]0;title\x07b", "c\x9bd", "e\u202ef"),
    ("[bold]x[/bold]", "line\nbreak", "\ud800"),
]
UNSAFE = "\x1b\x07\x9b\u202e\ud800"


def test_help_and_version_need_no_home(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "demo" in capsys.readouterr().out
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("graphcorr, version ")


@pytest.mark.parametrize("arguments", [["nonsense"], ["load"], ["load", "--tenant", "contoso", "x"], ["--format", "x"]])
def test_a_wrong_command_line_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Error" in shown.err


@pytest.mark.parametrize("place", ["before", "after"])
def test_global_options_stand_before_or_after_the_command(place: str, tmp_path: Path, capsys) -> None:
    home = ["--home", str(tmp_path / "none")]
    arguments = [*home, "evidence", "x"] if place == "before" else ["evidence", "x", *home]
    assert run(arguments) == 2
    assert capsys.readouterr().err.startswith(f"graphcorr: {tmp_path / 'none'}: no graphcorr home here (run ")


def test_a_held_home_is_6_and_says_who_holds_it(tmp_path: Path, capsys) -> None:
    home = Home(tmp_path)
    home.create()
    with home.lock(True, "load of everything"):
        assert run(["--home", str(tmp_path), "--lock-timeout", "0", "evidence", "x"]) == 6
    assert "held by load of everything (process " in capsys.readouterr().err


def test_an_unexpected_failure_is_70_and_one_line(monkeypatch, capsys) -> None:
    def broken() -> None:
        raise RuntimeError("a\x1b[31mb")

    monkeypatch.setattr(registry, "all", broken)
    assert run(["loaders"]) == 70
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "RuntimeError" in shown
    assert "\x1b" not in shown
    assert "Traceback" not in shown
    assert run(["-v", "loaders"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    command = [sys.executable, "-m", "graphcorr", "loaders"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_tables_have_three_forms_with_the_same_cells(capsys) -> None:
    run(["loaders", "--format", "json"])
    rows = json.loads(capsys.readouterr().out)
    assert {row["source"] for row in rows} == {loader.source for loader in registry.all()}
    run(["loaders", "--format", "csv"])
    assert [row["source"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == [
        r["source"] for r in rows
    ]
    run(["loaders"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["source", *(row["source"] for row in rows)]


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_hostile_values_reach_no_terminal_and_no_spreadsheet(form: str, capsys) -> None:
    show_table(("a", "b", "c"), [*HOSTILE, (NODE, None, [NODE])], form)
    shown = capsys.readouterr().out
    assert not [character for character in UNSAFE if character in shown]
    if form == "csv":
        cells = [cell for row in csv.reader(io.StringIO(shown)) for cell in row]
        assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
    if form == "text":
        assert len(shown.splitlines()) == 5


def test_graph_values_are_shown_whole_in_json_and_short_in_text(capsys) -> None:
    edge = GraphEdge("SIGNED_IN", {"key": "e"})
    when = datetime(2026, 5, 11, 8, 7, 5, 302467, UTC)
    row = (NODE, edge, GraphPath((NODE, NODE), (edge,)), when, True, None, 1234)
    columns = ("n", "e", "p", "t", "b", "none", "i")
    show_table(columns, [row], "json")
    shown = json.loads(capsys.readouterr().out)[0]
    node = {"labels": ["DirectoryObject", "ServicePrincipal"], "properties": dict(NODE.properties)}
    assert shown == {
        "n": node,
        "e": {"type": "SIGNED_IN", "properties": {"key": "e"}},
        "p": {"nodes": [node, node], "edges": [{"type": "SIGNED_IN", "properties": {"key": "e"}}]},
        "t": "2026-05-11T08:07:05.302Z",
        "b": True,
        "none": None,
        "i": 1234,
    }
    show_table(columns, [row], "text")
    text = capsys.readouterr().out
    assert "(:ServicePrincipal [red]evil\\x1b[31m)" in text
    assert "-[:SIGNED_IN]->" in text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=1", 1),
        ("a=true", True),
        ("a=x", "x"),
        ('a="1"', "1"),
        ("a=P7D", "P7D"),
        ('a=["x"]', ["x"]),
        ("a=b=c", "b=c"),
    ],
)
def test_parameters_are_json_where_they_can_be(text: str, value: object) -> None:
    assert named_value(text, "NAME=VALUE") == ("a", value)


def test_progress_outside_a_terminal_is_a_few_plain_lines(capsys) -> None:
    progress = _Lines()
    for done in range(1000):
        progress("reading a\x1b.json", done, 1000)
    progress("writing", 5, None)
    assert capsys.readouterr().err == "reading a\\x1b.json\nwriting: 5\n"


def test_config_check_prints_the_canonical_form_and_warns_of_unknown_sources(tmp_path: Path, capsys) -> None:
    path = tmp_path / "graphcorr.toml"
    path.write_text('[[complete]]\nsource = "SigninLogs"\n[[complete]]\nsource = "SignInLogs"\n')
    assert run(["config", "check", "--config", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.out == '[[complete]]\nsource = "SignInLogs"\n\n[[complete]]\nsource = "SigninLogs"\n'
    assert "'SignInLogs', which no loader reads" in shown.err
    path.write_text("[[complete]]\nsauce = 1\n")
    assert run(["config", "check", "--config", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"graphcorr: {path}:2: unknown key in [[complete]] `sauce` (did you mean `source`?)\n"
    )
