"""The projection: archive + configuration → the graph's tables, in three layers, kept under digests of their inputs."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphcorr import ids
from graphcorr.projection import blobs, daily_layer, dated_layer, steps, whole_layer
from graphcorr.projection.survey import survey
from graphcorr.records import KINDS

if TYPE_CHECKING:
    from graphcorr.archive.archive import Archive
    from graphcorr.config import Config
    from graphcorr.store.base import Progress


@dataclass(frozen=True)
class Projection:
    """The graph's tables on disk. Equal ids, equal tables."""

    id: str
    tables: Path
    # Source → events in the archive that belong to no known tenant, and so to no graph.
    without_tenant: Mapping[str, int]


def tables_dir(root: Path, projection_id: str) -> Path:
    """Where the tables of a projection are, if they are still on disk."""
    return root / "tables" / projection_id


def current(archive: Archive, config: Config, root: Path, *, users: str = "actors") -> Projection | None:
    """The projection of this very state of archive and configuration, if it was made; reads no data."""
    return _current(root, _state(archive, config, users))


def project(
    archive: Archive, config: Config, root: Path, *, users: str = "actors", progress: Progress | None = None
) -> Projection:
    """Compute what changed and return the current projection below `root`.

    A pure function of archive, configuration, `users` and code: equal inputs give equal tables, whatever was loaded
    when. A kill leaves former results in place; the next call completes the work.
    """
    state = _state(archive, config, users)
    made = _current(root, state)
    if made is not None:
        return made
    temp = root / "temp"
    shutil.rmtree(temp, ignore_errors=True)
    with daily_layer.opened(config, users, temp) as duck:
        surveyed = survey(duck, archive, config, users, root / "survey")
        without_tenant = daily_layer.without_tenant(duck, archive, surveyed.only_tenant)
        daily = daily_layer.build(duck, archive, config, surveyed, root / "daily", progress)
        inputs = archive.inputs()
        projection_id = ids.digest(
            steps.code_digest(),
            daily.digest,
            surveyed.only_tenant,
            sorted(archive.days("directory_objects").items()),
            sorted(archive.days("indicators").items()),
            sorted(str(fact) for fact in inputs if fact.row_limit or fact.cut_off),
            blobs.missing(inputs),
            config.digest,
            users,
        )
        target = tables_dir(root, projection_id)
        if not target.is_dir():
            if progress is not None:
                progress("building the graph's tables", 0, None)
            work = temp / f"tables-{uuid.uuid4().hex}"
            work.mkdir(parents=True)
            whole_layer.build(duck, archive, inputs, daily, config, surveyed.only_tenant)
            target.parent.mkdir(parents=True, exist_ok=True)
            earlier = sorted(path for path in target.parent.iterdir() if path.is_dir())
            with ThreadPoolExecutor(1) as beside:
                written = beside.submit(whole_layer.write, duck, work)
                dated_layer.build(duck, daily, surveyed.rows, config.digest, work, earlier, progress)
                written.result()
            work.replace(target)
    fresh = root / "current.json.new"
    made_now = {"state": state, "id": projection_id, "withoutTenant": without_tenant}
    fresh.write_text(json.dumps(made_now), encoding="utf-8")
    fresh.replace(root / "current.json")
    shutil.rmtree(temp, ignore_errors=True)
    return Projection(projection_id, target, without_tenant)


def forget_tables(root: Path, keep: set[str]) -> None:
    """Remove the tables of projections that no store needs any more for a difference."""
    folder = root / "tables"
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in keep:
            shutil.rmtree(path)


def _current(root: Path, state: str) -> Projection | None:
    path = root / "current.json"
    if not path.is_file():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    tables = tables_dir(root, stored["id"])
    if stored["state"] != state or not tables.is_dir():
        return None
    return Projection(stored["id"], tables, stored["withoutTenant"])


def _state(archive: Archive, config: Config, users: str) -> str:
    """Changes whenever a projection could: names of the archive's files, configuration, users, code."""
    held = [sorted(archive.days(kind).items()) for kind in KINDS]
    return ids.digest(steps.code_digest(), *held, sorted(archive.files("inputs")), config.digest, users)
