"""`graphcorr clear`: the graph out of its store."""

from __future__ import annotations

from contextlib import closing, nullcontext

import click

from graphcorr.cli.shared import Command, Options, note, pass_options
from graphcorr.stores import EMBEDDED


@click.command(cls=Command)
@pass_options
def clear(options: Options) -> None:
    """Remove the graph from its store: every node, edge, constraint and index that graphcorr made there.

    Data of others in a Neo4j database stays. So does the archive: `graphcorr scan` builds the graph again.

    \b
    Example:  graphcorr clear --store neo4j://localhost
    """
    from graphcorr.stores import open_store

    home = options.opened_home
    # A server's graph can be removed from anywhere; its own lease keeps writers away.
    alone = home.lock(True, "clear", options.lock_timeout, options.waiting) if _needs_home(options) else nullcontext()
    with alone, closing(open_store(home.root, options.store, read_only=False)) as store:
        store.clear()
        note(options, f"{store.name}: the graph is removed")


def _needs_home(options: Options) -> bool:
    return options.address == EMBEDDED or options.opened_home.exists
