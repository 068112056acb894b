"""The store contract: a sink for the projection and an engine for read-only Cypher, never the truth.

Tables come from the projection: `nodes/<Node.label>.parquet` and `edges/<Edge.type>.parquet` below one folder, each a
parquet file or a folder of them, with the columns of `graph.schema.node_columns` / `edge_columns`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

# Longest value of an indexed property, in bytes of UTF-8: Neo4j's range indexes end a little above it.
INDEXED_BYTES = 8_000

Value = None | str | int | float | bool | datetime | list[Any] | dict[str, Any]


@dataclass(frozen=True)
class GraphNode:
    """A node in a query result. Datetimes are aware UTC."""

    labels: frozenset[str]
    properties: Mapping[str, Any]

    @property
    def key(self) -> str:
        return str(self.properties["key"])


@dataclass(frozen=True)
class GraphEdge:
    """An edge in a query result."""

    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class GraphPath:
    """A path in a query result: nodes and edges in order."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


@dataclass(frozen=True)
class Result:
    """Rows of a query, in order: plain Python (see Value), GraphNode, GraphEdge, GraphPath or lists of them.

    Without rows a store may not know the columns.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def dicts(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Marker:
    """What the store holds: which schema and which projection, and whether a write was cut short."""

    schema_version: int
    projection_id: str
    dirty: bool = False


@dataclass(frozen=True)
class WriteReport:
    """Rows written by a build or a difference, per label and edge type."""

    full: bool
    nodes_written: Mapping[str, int] = field(default_factory=dict)
    nodes_deleted: Mapping[str, int] = field(default_factory=dict)
    edges_written: Mapping[str, int] = field(default_factory=dict)
    edges_deleted: Mapping[str, int] = field(default_factory=dict)


class Store(Protocol):
    """What every store does. All methods raise StoreError with a hint when the store itself fails."""

    # Shown to people: `embedded`, `neo4j://host`.
    name: str

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> Result:
        """Run one read-only statement.

        Parameters and results are plain values; datetimes are aware UTC both ways, dates and durations come back as
        ISO text. Raises PatternError for a statement that the engine refuses or that is not read-only
        (`read_only.check`), OverLimit for one that needs more memory or time than there is, StoreError if nothing was
        ever written.
        """
        ...

    def marker(self) -> Marker | None:
        """What the store holds, None if it is empty or was never written by graphcorr."""
        ...

    def write(
        self, tables: Path, projection_id: str, previous: Path | None, progress: Progress | None = None
    ) -> WriteReport:
        """Make the store equal to `tables`.

        With `previous` (the tables behind the marker, still on disk) only the difference is written; without, or if the
        marker disagrees or is dirty, everything is built anew. A kill at any moment leaves a store that the next call
        completes or rebuilds.
        """
        ...

    def rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        """All nodes of a label or edges of a type as rows of the projection's table, for `verify`.

        A row has every column of the table, and beyond them what others wrote onto the node or edge.
        """
        ...

    def clear(self) -> None:
        """Remove all of our data."""
        ...

    def close(self) -> None: ...


class Progress(Protocol):
    """Called with what is being done and how far it is; `total` None = unknown."""

    def __call__(self, what: str, done: int, total: int | None) -> None: ...
