"""`graphcorr config`: what the configuration says."""

from __future__ import annotations

import click

from graphcorr.cli.shared import Command, Options, note, pass_options
from graphcorr.config import Config, find_config, load_config


@click.group()
def config() -> None:
    """Check what graphcorr.toml declares."""


@config.command(cls=Command)
@pass_options
def check(options: Options) -> None:
    """Check the configuration, and print it in its canonical form.

    \b
    Example:  graphcorr config check --config graphcorr.toml
    """
    path = find_config(options.config, options.home)
    if path is not None:
        found, origin = load_config(path), str(path)
    else:
        found, origin = options.opened_home.settings.config, f"what {options.home} remembers"
    note(options, f"from {origin}" if found != Config() else "no configuration: nothing is declared")
    for source in _unknown_sources(found):
        note(options, f"[[complete]] names the source {source!r}, which no loader reads: see `graphcorr loaders`")
    click.echo(found.to_text(), nl=False)


def _unknown_sources(found: Config) -> list[str]:
    from graphcorr.ingest import registry

    known = {loader.source for loader in registry.all()}
    return sorted({entry.source for entry in found.complete} - known)
