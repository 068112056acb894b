"""`graphcorr identities`: which ids are one identity, and why."""

from __future__ import annotations

import click

from graphcorr.cli.shared import Command, Options, format_option, note, pass_options, reading
from graphcorr.errors import UsageError


@click.command(cls=Command)
@click.option("--explain", metavar="ID", help="Show the records behind one identity, by any of its ids or names.")
@format_option
@pass_options
def identities(options: Options, explain: str | None, form: str) -> None:
    """List the workload identities, with the object ids and names that belong together.

    With --explain, one line for each record that says so: objects (partOf), app ids, the Azure resource that a managed
    identity is, those that can get its tokens, present and former names, conflicts, what was deleted and created
    again; last what only has the same name and was not joined.

    \b
    Example:  graphcorr identities --explain 9536314a-6327-486b-b65c-ae8d9b85ff85
    """
    from graphcorr import identities as resolved
    from graphcorr.cli.tables import show_table

    with reading(options, "identities") as store:
        if explain is None:
            table = resolved.overview(store)
        elif resolved.find(store, explain):
            table = resolved.explain(store, explain)
        else:
            hint = "run `graphcorr identities` for the list"
            raise UsageError(f"no identity has the id or name {explain!r}", hint=hint)
    if not table.rows and explain is not None:
        note(options, "only this one id of the identity is known: there is nothing that had to be put together")
    show_table(table.columns, table.rows, form)
