"""`graphcorr scan`: run the patterns and tell what they found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphcorr.cli.shared import Command, Options, note_without_tenant, pass_options
from graphcorr.cli.values import named_value

if TYPE_CHECKING:
    from graphcorr.scan import ScanDocument

# As graphcorr.patterns.model has them, which is not imported to show a help text; a test holds them equal.
SEVERITIES = ("info", "low", "medium", "high", "critical")


@click.command(cls=Command)
@click.option("--pattern", "patterns", multiple=True, metavar="ID", help="Only this pattern; may be repeated.")
@click.option(
    "--patterns",
    "pattern_dirs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder of your own patterns, in addition; may be repeated.",
)
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="PATTERN.NAME=VALUE",
    help="Another value for a parameter of a pattern; may be repeated.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, "never"]),
    default="low",
    show_default=True,
    help="Exit with 1 if there is a finding of this severity or above.",
)
@click.option("--fail-on-undecided", is_flag=True, help="Exit with 1 also if something could not be decided.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    help="How to print: text for people (default), the JSON document, or CSV.",
)
@pass_options
def scan(
    options: Options,
    patterns: tuple[str, ...],
    pattern_dirs: tuple[Path, ...],
    parameters: tuple[str, ...],
    fail_on: str,
    fail_on_undecided: bool,
    form: str,
) -> int:
    """Run the patterns over the graph and print findings, leads and what could not be decided.

    \b
    found          the logs prove it
    lead           a fact worth seeing, no accusation
    notDecidable   the logs cannot tell, with the reason

    \b
    Example:  graphcorr scan --fail-on high --format json > scan.json
    """
    from msgspec import structs

    from graphcorr.cli.progress import shown_progress
    from graphcorr.scan import exit_code
    from graphcorr.scan import scan as scan_home

    with shown_progress(options) as progress:
        document = scan_home(
            home=options.home,
            config=options.configuration(),
            store=options.store,
            patterns=patterns or None,
            pattern_dirs=pattern_dirs,
            parameters=_parameters(parameters),
            progress=progress,
            lock_timeout=options.lock_timeout,
            waiting=options.waiting,
        )
    show_document(document, form)
    note_without_tenant(options)
    if fail_on == "never":
        document, fail_on = structs.replace(document, findings=()), SEVERITIES[0]
    return exit_code(document, fail_on=fail_on, fail_on_undecided=fail_on_undecided)


def show_document(document: ScanDocument, form: str) -> None:
    """Print a scan document to stdout in one of its forms."""
    from graphcorr.report import csv, json, text

    if form == "text":
        # The values inside are made safe by the renderer; the colours are ours.
        click.echo(text.render(document, colour=text.coloured(sys.stdout)), nl=False)
    else:
        click.echo((json if form == "json" else csv).render(document), nl=False)


def _parameters(texts: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, value = named_value(text, "PATTERN.NAME=VALUE")
        pattern, dot, parameter = name.partition(".")
        if not dot:
            raise click.UsageError(f"--param {text}: expected PATTERN.NAME=VALUE")
        read.setdefault(pattern, {})[parameter] = value
    return read
