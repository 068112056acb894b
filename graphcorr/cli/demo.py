"""`graphcorr demo`: a small made-up tenant with three attacks in it, loaded, scanned and told."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphcorr.cli.shared import Command, Options, note, pass_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphcorr.scan import ScanDocument

DEMO_HOME = Path("graphcorr-demo")
STORIES = ("rename_key_rename_back", "rekeying_chain", "vault_theft")
# Of this tenant the three are: renamed back after the first use of the key, three links, all secrets of the vault.
SEED, DAYS, EVENTS_PER_DAY = 3, 12, 500


@click.command(cls=Command)
@pass_options
def demo(options: Options) -> None:
    """Make the logs of a small made-up tenant with three attacks in it, load and scan them, and say what to try next.

    Uses a folder of its own (./graphcorr-demo, or --home), which may be deleted at any time. The logs are in its folder
    `sample`, with the truth about them.

    \b
    Example:  graphcorr demo
    """
    from graphcorr.cli.progress import shown_progress
    from graphcorr.config import load_config
    from graphcorr.home import Home
    from graphcorr.load import load
    from graphcorr.report import text
    from graphcorr.sample.generate import CONFIG, LOGS
    from graphcorr.scan import scan

    home = options.home if "home" in options.given else DEMO_HOME
    note(options, "The logs of this demonstration are made up: no record was observed.")
    Home(home).create()
    sample = _sample(home / "sample")
    with shown_progress(options) as progress:
        loaded = load(
            [sample / LOGS],
            home=home,
            config=load_config(sample / CONFIG),
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
    click.echo(f"Read {read.records:,} records of {len(read.by_source)} logs from {len(read.files)} files.\n")
    click.echo(text.render_stories(document, colour=text.coloured(sys.stdout)), nl=False)
    click.echo("\nTry next:")
    for purpose, line in _next_commands(home, document):
        click.echo(f"  {purpose}:\n    {line}")


def _sample(folder: Path) -> Path:
    """The logs, made once; what a run that was stopped left behind is made again."""
    from graphcorr.sample.generate import TRUTH, generate

    if not (folder / TRUTH).is_file():  # written last
        shutil.rmtree(folder, ignore_errors=True)
        generate(folder, seed=SEED, days=DAYS, events_per_day=EVENTS_PER_DAY, stories=STORIES)
    return folder


def _next_commands(home: Path, document: ScanDocument) -> Iterable[tuple[str, str]]:
    command = f"{_program()} --home {shlex.quote(str(home))}"
    for finding in document.findings:
        if finding.pattern == "renamed_principal":
            name = finding.details["newName"]
            yield "All that is known of the renamed application, by any name", f"{command} trace {shlex.quote(name)}"
            yield "A record behind a step, with file and line", f"{command} evidence {finding.evidence[-1]}"
            break
    yield "Every finding, with what was looked for and what would disprove it", f"{command} scan"
    query = "MATCH (i:Identity) WHERE size(i.formerNames) > 0 RETURN i.name, i.formerNames"
    yield "A question of your own", f"{command} query '{query}'"


def _program() -> str:
    """How this command was called, if its short name would not be found."""
    called = Path(sys.argv[0])
    return "graphcorr" if called.stem != "graphcorr" or shutil.which("graphcorr") else shlex.quote(str(called))
