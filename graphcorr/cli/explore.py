"""`graphcorr trace`, `evidence` and `query`: from any id to its story, its records, and free Cypher."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from graphcorr.cli.shared import Command, Options, format_option, pass_options, reading
from graphcorr.cli.values import named_value
from graphcorr.errors import UsageError

if TYPE_CHECKING:
    from graphcorr.archive.archive import Evidence


@click.command(cls=Command)
@click.argument("what", metavar="ANYTHING")
@format_option
@pass_options
def trace(options: Options, what: str, form: str) -> None:
    """Tell the story of one identity, credential, address or token, in the order of time.

    ANYTHING is an object id, app id, key id, thumbprint, address, token id, or a present or former name.

    \b
    Example:  graphcorr trace contoso-billing-sync
    """
    from graphcorr.cli.tables import show_json, show_table
    from graphcorr.trace import trace_store

    with reading(options, "trace") as store:
        found = trace_store(store, what)
    if form == "json":
        show_json(found.to_dict())
    elif form == "csv":
        show_table(found.columns, found.rows, form)
    else:
        for line in found.to_text():
            click.echo(line)


@click.command(cls=Command)
@click.argument("event_id")
@format_option
@pass_options
def evidence(options: Options, event_id: str, form: str) -> None:
    """Show the original record of an event, with the files and lines that it was read from.

    EVENT_ID is what findings, trace and the graph call an event id.

    \b
    Example:  graphcorr evidence 28f99310-6f3e-4e1b-9d1e-93a6f5b0f7c1
    """
    from graphcorr.archive.archive import Archive
    from graphcorr.cli.tables import show_table

    home = options.opened_home
    with home.lock(False, "evidence", options.lock_timeout, options.waiting):
        versions = Archive(home.archive_dir).evidence(event_id)
    if not versions:
        raise UsageError(f"no event {event_id!r} in the archive", hint="event ids are printed by scan and trace")
    if form != "text":
        columns = ("source", "eventKey", "at", "carrier", "raw", "origins")
        show_table(columns, [(e.source, e.event_key, e.at, e.carrier, e.raw, _places(e)) for e in versions], form)
        return
    for version in versions:
        _show_version(version)


def _show_version(version: Evidence) -> None:
    from graphcorr.cli.tables import cell

    click.echo(f"{version.source}  {cell(version.event_key)}  {cell(version.at)}  ({version.carrier})")
    for place in _places(version):
        click.echo(f"  from {cell(place)}")
    try:
        # ASCII only: escapes inside log values must reach no terminal.
        shown = json.dumps(json.loads(version.raw), indent=2)
    except ValueError:
        shown = cell(version.raw)
    click.echo("\n".join(f"  {line}" for line in shown.splitlines()) + "\n")


def _places(version: Evidence) -> list[str]:
    return [f"{file}:{line}" for file, line in version.origins]


@click.command(cls=Command)
@click.argument("cypher")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A $parameter; may be repeated.")
@format_option
@pass_options
def query(options: Options, cypher: str, parameters: tuple[str, ...], form: str) -> None:
    """Run one read-only Cypher statement.

    \b
    Example:  graphcorr query 'MATCH (i:Identity {name: $name}) RETURN i.appId, i.formerNames' \\
                --param name='Azure Backup Agent'
    """
    from graphcorr.cli.tables import show_table

    values = dict(named_value(text, "NAME=VALUE") for text in parameters)
    with reading(options, "query") as store:
        result = store.query(cypher, values)
    show_table(result.columns, result.rows, form)
