"""`graphcorr patterns`: list, explain, check and test patterns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphcorr.cli.shared import Command, Options, format_option, note, pass_options
from graphcorr.errors import PatternError, UsageError

if TYPE_CHECKING:
    from graphcorr.patterns.model import Pattern

_folders = click.option(
    "--patterns",
    "pattern_dirs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder of your own patterns, instead of the ones that come with graphcorr; may be repeated.",
)


@click.group()
def patterns() -> None:
    """List, explain, check and test patterns."""


@patterns.command("list", cls=Command)
@_folders
@format_option
@pass_options
def list_(options: Options, pattern_dirs: tuple[Path, ...], form: str) -> None:
    """List the patterns.

    \b
    Example:  graphcorr patterns list
    """
    from graphcorr.cli.tables import show_table

    rows = [(p.id, p.severity, p.maturity, p.group, p.title) for p in _loaded(pattern_dirs)]
    show_table(("id", "severity", "maturity", "group", "title"), rows, form)


@patterns.command(cls=Command)
@click.argument("pattern_id", metavar="ID")
@_folders
@pass_options
def show(options: Options, pattern_id: str, pattern_dirs: tuple[Path, ...]) -> None:
    """Print a pattern as it is written: what it finds, its parameters and blind spots, and its query.

    \b
    Example:  graphcorr patterns show renamed_principal
    """
    for pattern in _loaded(pattern_dirs):
        if pattern.id == pattern_id:
            click.echo(pattern.query)
            return
    raise UsageError(f"no pattern {pattern_id!r}", hint="`graphcorr patterns list` shows their ids")


@patterns.command(cls=Command)
@_folders
@pass_options
def lint(options: Options, pattern_dirs: tuple[Path, ...]) -> None:
    """Check that patterns are well-formed: metadata, schema, parameters, fingerprints, cases.

    \b
    Example:  graphcorr patterns lint --patterns ./my-patterns
    """
    from graphcorr.cli.tables import cell
    from graphcorr.patterns.lint import lint as lint_patterns

    found = _loaded(pattern_dirs)
    complaints = lint_patterns(found)
    for complaint in complaints:
        click.echo(cell(str(complaint)))
    if complaints:
        raise PatternError(
            f"{len(complaints)} complaints about {len(found)} patterns", hint="each line says the remedy"
        )
    note(options, f"{len(found)} patterns are well-formed")


@patterns.command("test", cls=Command)
@click.argument("pattern_ids", nargs=-1, metavar="[ID]...")
@_folders
@pass_options
def test(options: Options, pattern_ids: tuple[str, ...], pattern_dirs: tuple[Path, ...]) -> None:
    """Run the cases that lie beside patterns: records in, exact findings out.

    \b
    Example:  graphcorr patterns test renamed_principal
    """
    from graphcorr.answer import answering
    from graphcorr.cli.tables import cell, plain
    from graphcorr.patterns.cases import run_cases

    chosen = [p for p in _loaded(pattern_dirs) if not pattern_ids or p.id in pattern_ids]
    missing = sorted(set(pattern_ids) - {p.id for p in chosen})
    if missing:
        raise UsageError(f"no pattern {missing[0]!r}", hint="`graphcorr patterns list` shows their ids")
    failed = 0
    for pattern in chosen:
        answer = answering(only=[pattern.id], pattern_dirs=pattern_dirs, store=options.store)
        for result in run_cases(pattern, answer):
            failed += not result.passed
            click.echo(f"{'ok  ' if result.passed else 'FAIL'} {pattern.id}: {cell(result.case)}")
            for sign, rows, others in (("-", result.expected, result.got), ("+", result.got, result.expected)):
                for row in rows:
                    if row not in others:
                        click.echo(f"  {sign} {json.dumps(plain(row), sort_keys=True)}")
    if failed:
        raise PatternError(f"{failed} cases failed", hint="- is expected and missing, + was not expected")


def _loaded(folders: tuple[Path, ...]) -> tuple[Pattern, ...]:
    from graphcorr.patterns.parse import load_patterns

    return load_patterns(folders or None)
