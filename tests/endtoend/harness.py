"""Files of logs → archive → projection → tables as rows, without a store: a second or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from graphcorr.archive.archive import Archive, ArchiveReport
from graphcorr.config import Config
from graphcorr.ingest.report import ReadReport
from graphcorr.ingest.run import ReadOptions, read_logs
from graphcorr.projection.project import Projection, project

Row = dict[str, Any]
NOTHING = Config()


class Graph:
    """The tables of one projection."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.id = projection.id

    def nodes(self, label: str, **wanted: Any) -> list[Row]:
        """Nodes of a table in the order of their keys, those with these properties."""
        return _rows(self.projection.tables / "nodes" / f"{label}.parquet", wanted)

    def edges(self, edge_type: str, **wanted: Any) -> list[Row]:
        """Edges of a type in the order of their keys, those with these properties."""
        return _rows(self.projection.tables / "edges" / f"{edge_type}.parquet", wanted)

    def node(self, label: str, **wanted: Any) -> Row:
        """The one node with these properties."""
        (row,) = self.nodes(label, **wanted)
        return row

    def tables(self) -> dict[str, list[Row]]:
        """Every row of every table."""
        return {
            f"{path.parent.name}/{path.stem}": _rows(path, {})
            for path in sorted(self.projection.tables.glob("*/*.parquet"))
        }


class Place:
    """An archive and its projection below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.archive = Archive(root / "archive")
        self._written = 0

    def load(
        self, *files: Mapping[str, bytes] | Path, tenant: str | None = None, limited: Sequence[str] = ()
    ) -> tuple[ReadReport, ArchiveReport]:
        """Read files (name → content, or paths) as one load. `limited`: names of inputs that hit a row limit."""
        paths: list[Path] = []
        for given in files:
            if isinstance(given, Path):
                paths.append(given)
                continue
            self._written += 1
            for name, content in given.items():
                path = self.root / "input" / str(self._written) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                paths.append(path)
        with self.archive.staging() as staging:
            read = read_logs(paths, staging, ReadOptions(tenant))
            for file in read.cut_off:
                staging.note_input(file, cut_off=True)
            for path in paths:
                if path.name in limited:
                    staging.note_input(str(path), row_limit=True)
            return read, staging.commit()

    def graph(self, config: Config = NOTHING, *, users: str = "actors") -> Graph:
        """The current graph."""
        return Graph(project(self.archive, config, self.root / "projection", users=users))


def graph_of(
    root: Path,
    *files: Mapping[str, bytes] | Path,
    config: Config = NOTHING,
    users: str = "actors",
    tenant: str | None = None,
) -> Graph:
    """The graph of one load into a fresh place below `root`. Fails on any problem in the input."""
    place = Place(root)
    read, _ = place.load(*files, tenant=tenant)
    assert read.problems == (), read.problems
    return place.graph(config, users=users)


def _rows(path: Path, wanted: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = pq.read_table(path).to_pylist() if path.exists() else []
    rows.sort(key=lambda row: row["key"])  # the files are in no order
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]
