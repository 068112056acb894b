"""`graphcorr verify`: is the store what the archive and configuration say?"""

from __future__ import annotations

import click

from graphcorr.cli.shared import Command, Options, pass_options


@click.command(cls=Command)
@pass_options
def verify(options: Options) -> int:
    """Compare the store with the projection, both ways; exit with 7 if they differ.

    \b
    Example:  graphcorr verify
    """
    raise NotImplementedError
