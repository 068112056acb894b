"""Every command is documented, and the reference is current."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from graphcorr.cli import EXIT_CODES, graphcorr
from graphcorr.cli.document import commands_markdown
from graphcorr.cli.scan import SEVERITIES
from graphcorr.patterns import model

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def commands(group: click.Group = graphcorr, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


ALL = dict(commands())


def test_the_reference_is_current() -> None:
    written = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == commands_markdown(), "run: python -m graphcorr.cli.document > docs/commands.md"


@pytest.mark.parametrize("name", ALL)
def test_every_command_says_what_it_does_and_shows_an_example(name: str) -> None:
    help_text = ALL[name].help or ""
    assert f"Example:  graphcorr {name}" in help_text
    assert help_text.splitlines()[0].endswith(".")


@pytest.mark.parametrize("name", ALL)
def test_every_option_is_explained(name: str) -> None:
    silent = [p.name for p in ALL[name].params if isinstance(p, click.Option) and not p.hidden and not p.help]
    assert silent == []


def test_severities_are_those_of_patterns() -> None:
    assert SEVERITIES == model.SEVERITIES


def test_the_exit_codes_of_errors_are_documented() -> None:
    from graphcorr import errors

    raised = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type)}
    assert raised <= set(EXIT_CODES)


PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_has_one_command_for_the_first_run_and_one_for_the_tests() -> None:
    """`.ci/run` calls them as they are written there."""
    lines = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv ")]
    assert [command.rsplit("/", 1)[1] for command in commands] == ["graphcorr demo", "python -m pytest"]
