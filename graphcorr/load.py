"""Loading: files of logs → archive → projection → store, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from graphcorr.archive.archive import Archive
from graphcorr.home import Home, Waiting
from graphcorr.ingest.run import ReadOptions, read_logs
from graphcorr.stores import StoreChoice

if TYPE_CHECKING:
    from graphcorr.archive.archive import ArchiveReport
    from graphcorr.config import Config
    from graphcorr.ingest.report import ReadReport
    from graphcorr.store.base import Progress, WriteReport


# Hourly loads leave a small file each; the small files of a day with more than this are merged.
FILES_A_DAY = 48


@dataclass(frozen=True)
class LoadResult:
    """What was read, what of it was new, and what changed in the store (None: nothing, or `archive_only`)."""

    read: ReadReport
    archived: ArchiveReport
    written: WriteReport | None


def load(
    paths: Sequence[str | Path],
    *,
    home: str | Path = "graphcorr-data",
    config: Config | None = None,
    store: StoreChoice = "embedded",
    tenant: str | None = None,
    observed_at: datetime | None = None,
    time_zone: tzinfo | None = None,
    users: str | None = None,
    archive_only: bool = False,
    progress: Progress | None = None,
    lock_timeout: float = 30.0,
    waiting: Waiting | None = None,
) -> LoadResult:
    """Load files, folders and standard input (`-`) into a home, made if it does not exist.

    Loading a file twice, in pieces or in another order gives the same archive and graph. Bad input is in the report,
    not raised. `config` and `users` are remembered in the home. Raises UsageError for a folder that is no home,
    LockedError if another run holds it, StoreError if the store cannot be written.
    """
    place = Home(home)
    place.create()
    with place.lock(True, "load", lock_timeout, waiting):
        settings = place.remember(users=users, config=config)
        archive = Archive(place.archive_dir)
        with archive.staging() as staging:
            read = read_logs(paths, staging, ReadOptions(tenant, observed_at, time_zone), progress=progress)
            place.note_unknown_fields(read.unknown_columns)
            for file in read.row_limited:
                staging.note_input(file, row_limit=True)
            for file in read.cut_off:
                staging.note_input(file, cut_off=True)
            if progress is not None:
                progress("adding to the archive", 0, None)
            archived = staging.commit()
        archive.compact(FILES_A_DAY)
        written = None
        if not archive_only:
            # Only here: what it imports takes as long to import as all the rest.
            from graphcorr.refresh import refresh

            # Arrow keeps what reading let go of, and DuckDB and Java take what they are allowed beside it.
            pa.default_memory_pool().release_unused()
            written = refresh(place, settings, store, progress)
    return LoadResult(read, archived, written)
