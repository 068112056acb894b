"""`graphcorr loaders`: which logs can be read."""

from __future__ import annotations

import click

from graphcorr.cli.shared import Command, Options, format_option, pass_options


@click.command(cls=Command)
@format_option
@pass_options
def loaders(options: Options, form: str) -> None:
    """List the log sources that can be loaded, and the shapes that each is known in.

    \b
    Example:  graphcorr loaders --format csv
    """
    from graphcorr.cli.tables import show_table
    from graphcorr.ingest import registry

    rows = [(loader.source, loader.title, sorted(loader.parse)) for loader in registry.all()]
    show_table(("source", "title", "shapes"), sorted(rows), form)
