"""`graphcorr coverage`: what was delivered, and what cannot be decided because something was not."""

from __future__ import annotations

import click

from graphcorr.cli.shared import Command, Options, format_option, pass_options


@click.command(cls=Command)
@click.option("--undecided", is_flag=True, help="Show sign-ins whose use cannot be judged instead, and why.")
@format_option
@pass_options
def coverage(options: Options, undecided: bool, form: str) -> None:
    """Show what each log source delivered: time, entries, size, delay in seconds, duplicates, gaps.

    \b
    Example:  graphcorr coverage
              graphcorr coverage --undecided
    """
    from graphcorr import coverage as covered
    from graphcorr.cli.tables import show_table

    asked = covered.undecided if undecided else covered.coverage
    table = asked(home=options.home, store=options.store)
    show_table(table.columns, table.rows, form)
