"""`graphcorr coverage`: what was delivered, and what cannot be decided because something was not."""

from __future__ import annotations

import click

from graphcorr.cli.shared import Command, Options, format_option, pass_options


@click.command(cls=Command)
@format_option
@pass_options
def coverage(options: Options, form: str) -> None:
    """Show what each log source delivered: time, entries, size, delay, duplicates, gaps.

    \b
    Example:  graphcorr coverage
    """
    from graphcorr.cli.tables import show_table
    from graphcorr.coverage import coverage as covered

    table = covered(home=options.home, store=options.store)
    show_table(table.columns, table.rows, form)
