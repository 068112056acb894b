"""Bringing projection and store up to date with archive and configuration."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

from graphcorr.archive.archive import Archive
from graphcorr.projection.project import current, forget_tables, project, tables_dir
from graphcorr.stores import StoreChoice, open_store

if TYPE_CHECKING:
    from graphcorr.config import Config
    from graphcorr.home import Home, Settings
    from graphcorr.store.base import Progress, WriteReport


def is_current(home: Home, store: StoreChoice, config: Config | None = None) -> bool:
    """True if the store shows the archive as it is now under this configuration (default: the remembered one)."""
    settings = home.settings
    made = current(Archive(home.archive_dir), config or settings.config, home.projection_dir, users=settings.users)
    if made is None:
        return False
    # The store itself is asked: it may have been cleared, or written from another home.
    with closing(open_store(home.root, store)) as opened:
        marker = opened.marker()
    return marker is not None and not marker.dirty and marker.projection_id == made.id


def refresh(home: Home, settings: Settings, store: StoreChoice, progress: Progress | None = None) -> WriteReport | None:
    """Project what changed and write the difference into the store; None if nothing had to be written.

    The caller holds the home's lock exclusively. A kill at any moment is completed by the next call.
    """
    projection = project(
        Archive(home.archive_dir), settings.config, home.projection_dir, users=settings.users, progress=progress
    )
    with closing(open_store(home.root, store, read_only=False)) as target:
        marker = target.marker()
        written = None
        if marker is None or marker.dirty or marker.projection_id != projection.id:
            before = tables_dir(home.projection_dir, marker.projection_id) if marker else None
            previous = before if before is not None and before.is_dir() else None
            written = target.write(projection.tables, projection.id, previous, progress)
    _note_written(home, str(store), projection.id)
    return written


def _written(home: Home) -> dict[str, str]:
    """Store → projection last written to it, to know which tables a difference may still need."""
    path = home.projection_dir / "written.json"
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _note_written(home: Home, store: str, projection_id: str) -> None:
    before = _written(home)
    after = {**before, store: projection_id}
    if after != before:
        fresh = home.projection_dir / "written.json.new"
        fresh.write_text(json.dumps(after), encoding="utf-8")
        fresh.replace(home.projection_dir / "written.json")
    forget_tables(home.projection_dir, set(after.values()))
