"""What all commands share: the global options, accepted before and after the command, and small openers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphcorr.config import Config, find_config, load_config
from graphcorr.home import DEFAULT_HOME, Home
from graphcorr.stores import EMBEDDED, Neo4jDatabase, StoreChoice

if TYPE_CHECKING:
    from graphcorr.store.base import Store


@dataclass
class Options:
    """The global options of one run, filled while click parses the command line."""

    home: Path = DEFAULT_HOME
    address: str = EMBEDDED
    database: str | None = None
    credentials_file: Path | None = None
    into_shared: bool = False
    config: Path | None = None
    lock_timeout: float = 30.0
    verbose: bool = False
    quiet: bool = False
    # Names of options that were given, not defaulted.
    given: set[str] = field(default_factory=set)

    @property
    def opened_home(self) -> Home:
        return Home(self.home)

    @property
    def store(self) -> StoreChoice:
        """Where the graph is, as the library takes it."""
        if self.address == EMBEDDED:
            return self.address
        return Neo4jDatabase(
            self.address, self.database, self.credentials_file, self.into_shared, lock_timeout=self.lock_timeout
        )

    def waiting(self, line: str) -> None:
        """Tells a person who holds the home."""
        note(self, line)

    def configuration(self) -> Config | None:
        """The configuration of this run; None = no file found, what the home remembers applies."""
        path = find_config(self.config, self.home)
        return None if path is None else load_config(path)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    # A default of the second place must not undo what was given in the first.
    name = parameter.name or ""
    if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
        setattr(context.obj, name, value)
        context.obj.given.add(name)


def _option(*names: str, **settings: Any) -> Callable[..., click.Option]:
    def make(**more: Any) -> click.Option:
        return click.Option(list(names), callback=_remember, expose_value=False, **settings, **more)

    return make


GLOBAL_OPTIONS = (
    _option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Folder for archive, projection, store and ledger. Default: ./graphcorr-data",
    ),
    _option("--store", "address", metavar="STORE", help="`embedded` (default), or a Neo4j server: neo4j://HOST."),
    _option("--database", metavar="NAME", help="Database of the Neo4j server. Default: the user's default database."),
    _option(
        "--credentials-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Lines NEO4J_USERNAME=… and NEO4J_PASSWORD=…. Default: the environment variables of these names.",
    ),
    _option("--into-shared", is_flag=True, help="Write into a Neo4j database that holds other data, beside it."),
    _option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Configuration. Default: ./graphcorr.toml, else the one in the home, else what the home remembers.",
    ),
    _option(
        "--lock-timeout",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="How long to wait for another run. Default: 30",
    ),
    _option("-v", "--verbose", is_flag=True, help="Tell more, with tracebacks."),
    _option("-q", "--quiet", is_flag=True, help="No progress and no notes."),
)


class Command(click.Command):
    """A command that takes the global options too, so that `graphcorr scan --home DIR` works as people type it."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += [option(hidden=True) for option in GLOBAL_OPTIONS]


pass_options = click.make_pass_decorator(Options)

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    help="How to print: text for people (default), JSON, or CSV that is safe to open in a spreadsheet.",
)


def note(options: Options, line: str) -> None:
    """A line for a person on stderr; nothing with --quiet."""
    from graphcorr.report.safe import printable

    if not options.quiet:
        click.echo(printable(line), err=True)


def note_if_stale(options: Options) -> None:
    """Say on stderr if the store does not show what the archive and configuration say by now."""
    from graphcorr.refresh import is_current

    options.opened_home.require()
    if not is_current(options.opened_home, options.store, options.configuration()):
        note(options, "the graph is older than the archive or the configuration: `graphcorr scan` brings it up to date")


def note_without_tenant(options: Options) -> None:
    """Say on stderr what is in no graph, because nothing says whose it is."""
    from graphcorr.coverage import without_tenant

    for source, count in without_tenant(options.opened_home).items():
        note(
            options,
            f"{source}: nothing says to which tenant {count:,} of its entries belong, so no graph shows them "
            "(name it under [subscriptions] or [workspaces] in graphcorr.toml, or load the files with --tenant)",
        )


@contextmanager
def reading(options: Options, purpose: str) -> Iterator[Store]:
    """The home's store, open for reading, under the shared lock."""
    from graphcorr.stores import open_store

    home = options.opened_home
    with home.lock(False, purpose, options.lock_timeout, options.waiting):
        store = open_store(home.root, options.store)
        try:
            note_if_stale(options)
            yield store
        finally:
            store.close()
