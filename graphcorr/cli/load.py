"""`graphcorr load`: files into the archive, projection and store."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from graphcorr.cli.shared import Command, Options, format_option, note, note_without_tenant, pass_options
from graphcorr.home import USERS

if TYPE_CHECKING:
    from graphcorr.ingest.report import FileReport, ReadReport


def _as_time(context: click.Context, option: click.Parameter, value: str | None) -> datetime | None:
    """A date or time; without a zone it is UTC."""
    from graphcorr.errors import RecordError
    from graphcorr.times import parse_time

    try:
        return parse_time(value)
    except RecordError as error:
        raise click.BadParameter(str(error)) from error


def _as_tenant(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A tenant id in any spelling of a GUID."""
    from graphcorr.ids import guid

    found = guid(value)
    if value is not None and found is None:
        raise click.BadParameter(f"{value!r} is no GUID")
    return found


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--tenant", callback=_as_tenant, metavar="GUID", help="Tenant of records that do not state theirs.")
@click.option(
    "--observed-at",
    callback=_as_time,
    metavar="TIME",
    help="When an inventory (applications, service principals) was taken. Default: a date in its file name.",
)
@click.option("--time-zone", metavar="ZONE", help="Zone of CSV files with local times: Europe/Berlin or +02:00.")
@click.option(
    "--users",
    type=click.Choice(USERS),
    help="Whose sign-ins enter the graph: users who act on or own workload identities (actors, default), all, none. "
    "Remembered in the home.",
)
@click.option("--archive-only", is_flag=True, help="Stop when the archive is filled; `scan` does the rest.")
@format_option
@pass_options
def load(
    options: Options,
    paths: tuple[str, ...],
    tenant: str | None,
    observed_at: datetime | None,
    time_zone: str | None,
    users: str | None,
    archive_only: bool,
    form: str,
) -> None:
    """Read log files and folders of any exported shape and bring the graph up to date.

    The table and shape of every file are found from its content: JSON Lines, JSON, CSV, packed as gz or zip, whole
    blob container trees; `-` reads standard input. Loading a file twice changes nothing.

    \b
    Example:  graphcorr load ./exports more-logs.zip
    """
    from graphcorr.cli.progress import shown_progress
    from graphcorr.load import load as load_logs
    from graphcorr.times import zone_named

    zone = zone_named(time_zone) if time_zone else None
    with shown_progress(options) as progress:
        result = load_logs(
            paths,
            home=options.home,
            config=options.configuration(),
            store=options.store,
            tenant=tenant,
            observed_at=observed_at,
            time_zone=zone,
            users=users,
            archive_only=archive_only,
            progress=progress,
            lock_timeout=options.lock_timeout,
            waiting=options.waiting,
        )
    show_summary(options, result.read, form)
    if not archive_only:
        note_without_tenant(options)
    error = result.read.input_error()
    if error is not None:
        raise error


def show_summary(options: Options, report: ReadReport, form: str) -> None:
    """What each file held, on stdout; what was wrong in it, with file and line, on stderr."""
    from graphcorr.cli.tables import show_table

    columns = ("file", "records", "sources", "repeated", "skipped", "notLoaded", "unknownColumns")
    show_table(columns, [_row(file, form) for file in report.files], form)
    for file in report.files:
        for problem in file.problems:
            note(options, str(problem))
        if file.problem_count > len(file.problems):
            note(options, f"{file.path}: {file.problem_count - len(file.problems):,} more problems like these")
    for path in report.row_limited:
        note(options, f"{path}: exactly as many rows as an export gives at most; it may have been cut off")


def _row(file: FileReport, form: str) -> tuple[Any, ...]:
    unknown = sum(len(columns) for columns in file.unknown_columns.values())
    counted = [dict(file.by_source), dict(file.not_loaded)]
    sources, not_loaded = counted if form == "json" else [_counts(counts) for counts in counted]
    return (file.path, file.records, sources, file.repeated, file.skipped, not_loaded, unknown)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
