"""`graphcorr demo`: the bundled logs of a constructed tenant, loaded, scanned and explained."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import click

import graphcorr.sample
from graphcorr.cli.shared import Command, Options, note, pass_options
from graphcorr.config import load_config

DEMO_HOME = Path("graphcorr-demo")
LOGS = Path(graphcorr.sample.__file__).parent / "demo"


@click.command(cls=Command)
@pass_options
def demo(options: Options) -> None:
    """Load the bundled logs of a constructed tenant, scan them, and say what to try next.

    Uses a folder of its own (./graphcorr-demo, or --home), which may be deleted at any time.

    \b
    Example:  graphcorr demo
    """
    from graphcorr.cli.progress import shown_progress
    from graphcorr.cli.scan import show_document
    from graphcorr.load import load
    from graphcorr.scan import scan

    home = options.home if "home" in options.given else DEMO_HOME
    config = load_config(LOGS / "graphcorr.toml")
    note(options, "The logs of this demonstration are constructed: no record was observed.")
    with shown_progress(options) as progress:
        loaded = load(
            [LOGS / "logs"],
            home=home,
            config=config,
            store=options.store,
            progress=progress,
            lock_timeout=options.lock_timeout,
            waiting=options.waiting,
        )
        document = scan(
            home=home,
            store=options.store,
            progress=progress,
            lock_timeout=options.lock_timeout,
            waiting=options.waiting,
        )
    read = loaded.read
    click.echo(f"Read {read.records:,} records of {len(read.by_source)} sources from {len(read.files)} files.\n")
    show_document(document, "text")
    click.echo("\nTry next:")
    for line in _next_commands(home):
        click.echo(f"  {line}")


def _next_commands(home: Path) -> tuple[str, ...]:
    command = f"{_program()} --home {shlex.quote(str(home))}"
    return (
        f"{command} trace contoso-billing-sync",
        f"{command} evidence 27067ee2-7694-44cc-9aa4-c681e1d06000",
        f"{command} query 'MATCH (i:Identity) WHERE size(i.formerNames) > 0 RETURN i.name, i.formerNames'",
    )


def _program() -> str:
    """How this command was called, if its short name would not be found."""
    called = Path(sys.argv[0])
    return "graphcorr" if called.stem != "graphcorr" or shutil.which("graphcorr") else shlex.quote(str(called))
