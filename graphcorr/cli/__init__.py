"""The command line: a thin skin over the library. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from graphcorr import __version__
from graphcorr.cli.shared import GLOBAL_OPTIONS, Options
from graphcorr.errors import GraphcorrError
from graphcorr.report.safe import printable

EXIT_CODES = {
    0: "done; for `scan`: no finding at or above --fail-on",
    1: "`scan`: findings at or above --fail-on (default low); undecided ones only with --fail-on-undecided; "
    "`evaluate`: a pattern below --recall or --precision",
    2: "the command, an option or graphcorr.toml is wrong",
    3: "nothing could be read from what was given",
    4: "a pattern is not valid",
    5: "the store cannot be opened or reached",
    6: "another run holds the home",
    7: "`verify`: the store differs from the projection",
    8: "`scan`: a pattern failed",
    70: "internal error",
}
"""Every exit code of every command. Expected failures carry theirs (`GraphcorrError.exit_code`)."""

_INTERRUPTED = 130

# In the order in which a newcomer needs them: name → module and attribute, imported when the command is used.
_COMMANDS = {
    "demo": "demo:demo",
    "load": "load:load",
    "scan": "scan:scan",
    "trace": "explore:trace",
    "evidence": "explore:evidence",
    "coverage": "coverage:coverage",
    "identities": "identities:identities",
    "query": "explore:query",
    "patterns": "patterns:patterns",
    "loaders": "loaders:loaders",
    "verify": "verify:verify",
    "browser": "browser:browser",
    "sample": "sample:sample",
    "evaluate": "evaluate:evaluate",
    "calibrate": "calibrate:calibrate",
    "clear": "clear:clear",
    "config": "configuration:config",
}


class _ReaderGone(Exception):
    """Whoever read our output has seen enough (`| head`)."""


class _Commands(click.Group):
    """Lists the commands in a telling order and imports a command only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(f"graphcorr.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        # click would end with 1, which means findings here.
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGone from error


@click.group(cls=_Commands, params=[option() for option in GLOBAL_OPTIONS], no_args_is_help=True)
@click.version_option(__version__, prog_name="graphcorr")
def graphcorr(**_: object) -> None:
    """Follow one workload identity of Microsoft Entra ID and Azure through all of its logs.

    Reads exported log files, works out which ids are one identity, and finds renamed principals, unexplained
    credential updates and orphan sign-ins. Everything stays on this machine.

    \b
    Try it:           graphcorr demo
    With your logs:   graphcorr load ./exports
                      graphcorr scan
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_SafeLines("%(levelname)s %(name)s: %(message)s"))
    verbose = click.get_current_context().obj.verbose
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    # A connection that is lost is made again, or told in our words.
    logging.getLogger("neo4j").setLevel(logging.NOTSET if verbose else logging.CRITICAL)


class _SafeLines(logging.Formatter):
    """Log messages hold values of logs: none of them may reach the terminal as it is."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(printable(line) for line in super().format(record).split("\n"))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected failures become one line on stderr."""
    options = Options()
    try:
        code = graphcorr.main(args=arguments, prog_name="graphcorr", standalone_mode=False, obj=options)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except GraphcorrError as error:
        return _fail(str(error), error.exit_code, options)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", _INTERRUPTED, Options())
    except (_ReaderGone, BrokenPipeError):
        # What is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a stranger gets a sentence, not a traceback
        where = _innermost(error)
        message = f"internal error: {type(error).__name__}: {error}{where} (run again with -v for the traceback)"
        return _fail(message, GraphcorrError.exit_code, options)


def main() -> NoReturn:
    """Entry point of the command `graphcorr`."""
    sys.exit(run())


def _fail(message: str, code: int, options: Options) -> int:
    if options.verbose:
        traceback.print_exc()
    click.echo(f"graphcorr: {printable(message)}", err=True)
    return code


def _innermost(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
