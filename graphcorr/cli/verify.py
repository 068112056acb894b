"""`graphcorr verify`: is the store what the projection says?"""

from __future__ import annotations

import click

from graphcorr.cli.shared import Command, Options, format_option, note, pass_options, reading
from graphcorr.errors import StoreError

DIFFERS = 7


@click.command(cls=Command)
@format_option
@pass_options
def verify(options: Options, form: str) -> int:
    """Compare every node and edge of the store with the projection, both ways; exit with 7 if they differ.

    \b
    Example:  graphcorr verify
    """
    from graphcorr.cli.tables import show_table
    from graphcorr.projection.project import tables_dir
    from graphcorr.store.verify import verify as compare

    with reading(options, "verify") as store:
        marker = store.marker()
        if marker is None:
            raise StoreError("the store is empty", hint="run `graphcorr load PATH...` first")
        tables = tables_dir(options.opened_home.projection_dir, marker.projection_id)
        if marker.dirty or not tables.is_dir():
            raise StoreError("a write was cut short", hint="`graphcorr scan` completes it, then verify again")
        report = compare(store, tables)
    show_table(("table", "key", "difference"), [(row.table, row.key, row.kind) for row in report.rows], form)
    note(options, f"{report.checked:,} nodes and edges compared, {sum(report.counts.values()):,} differ")
    return 0 if report.equal else DIFFERS
