"""Progress of long work: a live line on a terminal, plain lines elsewhere, nothing with --quiet. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from graphcorr.cli.shared import Options
from graphcorr.report.safe import printable

if TYPE_CHECKING:
    from rich.progress import Progress as Live
    from rich.progress import TaskID

    from graphcorr.store.base import Progress

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown_progress(options: Options) -> Iterator[Progress | None]:
    """What to hand to a library call as `progress`."""
    if options.quiet:
        yield None
    elif sys.stderr.isatty():
        with _live() as live:
            yield _Drawn(live)
    else:
        yield _Lines()


def _live() -> Live:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    rate = TextColumn("{task.fields[rate]}", markup=False)
    return Progress(*columns, rate, TimeElapsedColumn(), console=Console(stderr=True), transient=True)


class _Drawn:
    """One line for each kind of work, with its rate."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._tasks: dict[str, tuple[TaskID, float]] = {}

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if what not in self._tasks:
            task = self._live.add_task(printable(what), total=total, rate="")
            self._tasks[what] = (task, time.monotonic())
        task, since = self._tasks[what]
        spent = time.monotonic() - since
        rate = f"{done / spent:,.0f}/s" if spent > 1 else ""
        self._live.update(task, completed=done, total=total, rate=rate)


class _Lines:
    """A line when a kind of work begins, and now and then while it goes on."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def __call__(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._told.get(what, -_SECONDS_BETWEEN_LINES) < _SECONDS_BETWEEN_LINES:
            return
        self._told[what] = now
        reached = "" if not done else f": {done:,}" if total is None else f": {done:,} of {total:,}"
        click.echo(f"{printable(what)}{reached}", err=True)
