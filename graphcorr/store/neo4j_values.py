"""Values on their way to and from a Neo4j server: plain Python on our side, aware UTC for every time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import neo4j.graph
import neo4j.time
import pyarrow as pa

from graphcorr.errors import UsageError
from graphcorr.store.base import GraphEdge, GraphNode, GraphPath

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_parameter(value: Any) -> Any:
    """A query parameter for the driver; times in UTC, because Neo4j holds equal instants of two zones for different.

    Raises UsageError for values that no store takes: naive datetimes, sets, objects.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise UsageError(f"parameter datetime without a zone: {value.isoformat()}", hint="pass aware UTC datetimes")
        return value.astimezone(UTC)
    if isinstance(value, list | tuple):
        return [to_parameter(item) for item in value]
    if isinstance(value, dict):
        return {name: to_parameter(item) for name, item in value.items()}
    raise UsageError(f"not a query parameter: {type(value).__name__}")


def to_python(value: Any) -> Any:
    """A value of a result as `store.base.Value`, node, edge or path; dates and durations as ISO text."""
    for kind, convert in _CONVERTERS:
        if isinstance(value, kind):
            return convert(value)
    return value


def properties(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of a node or edge."""
    return {name: to_python(value) for name, value in entity.items()}


def to_rows(batch: pa.RecordBatch) -> list[list[Any]]:
    """A batch of a table row by row, values in column order, ready for the driver."""
    return [list(row) for row in zip(*map(_column, batch.columns), strict=True)]


def _column(column: pa.Array) -> Iterable[Any]:
    if not pa.types.is_timestamp(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    # Arrow gives times a zone by name, which Neo4j would store as such and then never find equal to UTC.
    micros = column.cast(pa.int64()).to_pylist()
    return (None if value is None else _EPOCH + timedelta(microseconds=value) for value in micros)


def _instant(value: neo4j.time.DateTime) -> datetime:
    native = value.to_native()
    return native.replace(tzinfo=UTC) if native.tzinfo is None else native.astimezone(UTC)


def _node(value: neo4j.graph.Node) -> GraphNode:
    return GraphNode(frozenset(value.labels), properties(dict(value.items())))


def _edge(value: neo4j.graph.Relationship) -> GraphEdge:
    return GraphEdge(value.type, properties(dict(value.items())))


def _path(value: neo4j.graph.Path) -> GraphPath:
    return GraphPath(tuple(_node(node) for node in value.nodes), tuple(_edge(edge) for edge in value.relationships))


# First match wins; what is not named here is plain already.
_CONVERTERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (str, str),
    (list, lambda value: [to_python(item) for item in value]),
    (neo4j.time.DateTime, _instant),
    ((neo4j.time.Date, neo4j.time.Time, neo4j.time.Duration), lambda value: str(value.iso_format())),
    (neo4j.graph.Node, _node),
    (neo4j.graph.Relationship, _edge),
    (neo4j.graph.Path, _path),
    (dict, properties),
)
