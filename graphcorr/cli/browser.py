"""`graphcorr browser`: writes the kit for Neo4j Browser, and offers it to the Browser if asked."""

from __future__ import annotations

from pathlib import Path

import click

from graphcorr.cli.shared import Command, Options, note, pass_options


@click.command(cls=Command)
@click.argument("out", type=click.Path(file_okay=False, path_type=Path), metavar="OUT")
@click.option(
    "--serve",
    "port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Then offer the kit on this port until interrupted, for `:play http://localhost:PORT/guide.html`.",
)
@click.option(
    "--listen",
    metavar="ADDRESS",
    default="127.0.0.1",
    help="Address to listen on with --serve. Default: 127.0.0.1, this machine only.",
)
@pass_options
def browser(options: Options, out: Path, port: int | None, listen: str) -> None:
    """Write the kit for Neo4j Browser into a folder: favourites, style, guide, and how to load them.

    The favourites draw on the graph that `load --store neo4j://HOST` wrote.

    \b
    Example:  graphcorr browser ./kit --serve 8001
    """
    from graphcorr.browser_kit import server, write_kit

    for file in write_kit(out):
        click.echo(str(file))
    note(options, f"drop style.grass and favourites.zip onto the Browser's window; {out / 'README.md'} says more")
    if port is None:
        return
    with server(listen, port) as offered:
        note(options, f"in the Browser:  :play http://localhost:{port}/guide.html   (end with Ctrl-C)")
        try:
            offered.serve_forever()
        except KeyboardInterrupt:
            note(options, "ended")
