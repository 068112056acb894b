"""The Java side of the embedded store: its start, and values across the border both ways."""

from __future__ import annotations

import gc
import importlib.resources
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphcorr.errors import StoreError, UsageError
from graphcorr.store.base import GraphEdge, GraphNode, GraphPath

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A node with several labels is of a type named after all of them, in alphabetical order.
LABEL_SEPARATOR = "~"


def start(heap: str) -> None:
    """Start the Java virtual machine unless this process already has one (whose heap then stays as it is).

    Raises StoreError where the embedded engine is not installed or does not start.
    """
    try:
        import jpype
        from arcadedb_embedded.jvm import get_bundled_jre_lib_path, get_jar_path
    except ImportError as error:
        raise StoreError("the embedded store does not run on this system: arcadedb-embedded is not installed",
                         hint="use a Neo4j server instead: --store neo4j://HOST") from error  # fmt: skip
    if jpype.isJVMStarted():
        return
    logging = importlib.resources.files("graphcorr.store") / "java_logging.properties"
    # Started here and not by arcadedb_embedded: its own start prints a warning about a module that only vector
    # indexes need, and lets the engine write log files into the working directory.
    arguments = (
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",  # one query or one load at a time: half the memory of the parallel collectors
        "-XX:+UseCompactObjectHeaders",
        "-XX:+DisableExplicitGC",  # JPype asks for a full collection whenever this process grows
        "-XX:-CreateCoredumpOnCrash",
        "-Duser.timezone=UTC",
        "-Dfile.encoding=UTF8",
        "-Djava.awt.headless=true",
        f"-Djava.util.logging.config.file={logging}",
        "-Dpolyglot.engine.WarnInterpreterOnly=false",
        # Transactions whose pages wait to be written: each holds megabytes, and 512 of them the heap.
        "-Darcadedb.pageFlushQueue=16",
        "-Darcadedb.opencypher.loadCsv.allowFileUrls=false",
        "-Darcadedb.opencypher.loadCsv.allowRemoteUrls=false",
        "--enable-native-access=ALL-UNNAMED",
        "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
        "--add-opens=java.base/java.nio.channels.spi=ALL-UNNAMED",
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
    )
    jars = [str(Path(get_jar_path()) / "*")]
    try:
        jpype.startJVM(get_bundled_jre_lib_path(), *arguments, classpath=jars, interrupt=False, convertStrings=False)
    except (RuntimeError, OSError) as error:
        raise StoreError(f"the Java runtime of the embedded store does not start: {error}",
                         hint="use a Neo4j server instead: --store neo4j://HOST") from error  # fmt: skip
    # JPype runs Python's collector after each of Java's: it need not look at what is there for good.
    gc.freeze()


@cache
def java(name: str) -> Any:
    """A Java class by its full name. Only after `start`."""
    import jpype

    return jpype.JClass(name)


def java_error() -> type[Exception]:
    """The class of everything that Java throws; to be named in an `except` clause, where it costs nothing."""
    import jpype

    return jpype.JException  # type: ignore[no-any-return]


def to_java(value: Any) -> Any:
    """A query parameter for the engine: datetimes as its own zoned type, lists and maps as Java's.

    Raises UsageError for values that no store takes: naive datetimes, sets, objects.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise UsageError(f"parameter datetime without a zone: {value.isoformat()}", hint="pass aware UTC datetimes")
        utc = value.astimezone(UTC)
        zoned = java("java.time.ZonedDateTime").parse(utc.isoformat().replace("+00:00", "Z"))
        # A bare ZonedDateTime compares, but `$asOf - duration(...)` is refused for it.
        return java("com.arcadedb.query.opencypher.temporal.CypherDateTime").ofStored(zoned)
    if isinstance(value, list | tuple):
        items = java("java.util.ArrayList")(len(value))
        for item in value:
            items.add(to_java(item))
        return items
    if isinstance(value, dict):
        return to_java_map(value)
    raise UsageError(f"not a query parameter: {type(value).__name__}")


def to_java_map(values: Mapping[str, Any]) -> Any:
    """Query parameters by name."""
    java_map = java("java.util.LinkedHashMap")()
    for name, value in values.items():
        java_map.put(name, to_java(value))
    return java_map


def to_python(value: Any) -> Any:
    """A value of a result as `store.base.Value`, node, edge or path; dates and durations as ISO text."""
    if value is None:
        return None
    kind: type = type(value)
    return _converter(kind)(value)


@cache
def _converter(kind: type) -> Callable[[Any], Any]:
    for name, convert in _CONVERTERS:
        if issubclass(kind, java(name)):
            return convert
    return str


def _instant(value: Any) -> datetime:
    return _EPOCH + timedelta(seconds=int(value.getEpochSecond()), microseconds=int(value.getNano()) // 1000)


def properties(record: Any) -> dict[str, Any]:
    """Properties of a node or edge; those that are null are absent."""
    stated = ((str(entry.getKey()), entry.getValue()) for entry in record.propertiesAsMap().entrySet())
    return {name: to_python(value) for name, value in stated if value is not None}


def labels(vertex: Any) -> frozenset[str]:
    """All labels of a node."""
    return frozenset(str(vertex.getTypeName()).split(LABEL_SEPARATOR))


def _map(value: Any) -> dict[str, Any]:
    return {str(entry.getKey()): to_python(entry.getValue()) for entry in value.entrySet()}


def _list(value: Any) -> list[Any]:
    return [to_python(item) for item in value]


def _node(value: Any) -> GraphNode:
    return GraphNode(labels(value), properties(value))


def _edge(value: Any) -> GraphEdge:
    return GraphEdge(str(value.getTypeName()), properties(value))


def _path(value: Any) -> GraphPath:
    return GraphPath(tuple(_node(v) for v in value.getVertices()), tuple(_edge(e) for e in value.getEdges()))


# First match wins.
_CONVERTERS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("java.lang.String", str),
    ("java.lang.Boolean", bool),
    ("java.lang.Long", int),
    ("java.lang.Integer", int),
    ("java.lang.Short", int),
    ("java.lang.Byte", int),
    ("java.lang.Number", float),
    ("com.arcadedb.query.opencypher.temporal.CypherDateTime", lambda v: _instant(v.getValue().toInstant())),
    ("java.time.ZonedDateTime", lambda v: _instant(v.toInstant())),
    ("java.time.OffsetDateTime", lambda v: _instant(v.toInstant())),
    ("com.arcadedb.graph.Vertex", _node),
    ("com.arcadedb.graph.Edge", _edge),
    ("com.arcadedb.query.opencypher.traversal.TraversalPath", _path),
    ("java.util.Map", _map),
    ("java.util.Collection", _list),
)
