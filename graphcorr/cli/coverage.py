"""`graphcorr coverage`: what was delivered, and what cannot be decided because something was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from graphcorr.cli.shared import Command, Options, format_option, note, note_if_stale, note_without_tenant, pass_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphcorr.tables import Table


@click.command(cls=Command)
@click.option("--undecided", is_flag=True, help="Show sign-ins whose use cannot be judged instead, and why.")
@format_option
@pass_options
def coverage(options: Options, undecided: bool, form: str) -> None:
    """Show what each log source delivered: time, entries, size, delay in seconds, duplicates, gaps, unknown fields.

    How many sign-ins cannot be judged because of what is missing is said below.

    \b
    Example:  graphcorr coverage
              graphcorr coverage --undecided
    """
    from graphcorr.cli.tables import show_table
    from graphcorr.coverage import coverage as delivered
    from graphcorr.coverage import totals
    from graphcorr.coverage import undecided as not_judged

    def ask(question: Callable[..., Table]) -> Table:
        patience = options.lock_timeout
        return question(home=options.home, store=options.store, lock_timeout=patience, waiting=options.waiting)

    note_if_stale(options)
    open_questions = ask(not_judged)
    table = open_questions if undecided else ask(delivered)
    show_table(table.columns, table.rows, form)
    note_without_tenant(options)
    for reason, count, meaning in () if undecided else totals(open_questions):
        note(options, f"{count} sign-ins cannot be judged ({reason}): {meaning}; --undecided says which")
