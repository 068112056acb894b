"""`graphcorr coverage`: what was delivered, and what cannot be decided because something was not."""

from __future__ import annotations

import click

from graphcorr.cli.shared import Command, Options, format_option, note_if_stale, pass_options


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
    from graphcorr.cli.tables import show_table
    from graphcorr.coverage import coverage as delivered
    from graphcorr.coverage import undecided as not_judged

    asked = not_judged if undecided else delivered
    note_if_stale(options)
    table = asked(home=options.home, store=options.store, lock_timeout=options.lock_timeout, waiting=options.waiting)
    show_table(table.columns, table.rows, form)
