"""The Java side of the embedded store: its start, and values across the border both ways."""

from __future__ import annotations

import gc
import importlib.resources
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphcorr.errors import StoreError, UsageError
from graphcorr.store.base import GraphEdge, GraphNode, GraphPath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A node with several labels is of a type named after all of them, in alphabetical order.
LABEL_SEPARATOR = "~"
# Rows that cross the border at a time.
_ROWS = 500
# How often Java runs code before it compiles it once more, with all its art: ten times as often as by default. Most
# that runs here is over soon, and that compiler took a sixth to a quarter of the processor time of all patterns at a
# million events. Writing a million events takes the same time with either.
_LATE_OPTIMISING = (
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
# How the engine's bridge marks a value that JSON does not have, and what each mark stands for.
_TAG = "\u0001"
_TAGGED: Mapping[str, Callable[[Any], Any]] = {
    "n": float,
    "i": int,
    "D": str,
    "T": str,
    "Z": datetime.fromisoformat,
    "s": list,
}


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
        *_LATE_OPTIMISING,
        "-XX:+DisableExplicitGC",  # JPype asks for a full collection whenever this process grows
        "-XX:-CreateCoredumpOnCrash",
        "-Xrs",  # its own handler of SIGTERM ends Python under its feet: a crash and its log in the working directory
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


def rows(found: Any) -> Iterator[dict[str, Any]]:
    """Rows of a Java result set, each by column: values of `store.base.Value`, nodes, edges and paths.

    They cross the border some hundred at a time, as JSON text beside the objects that JSON does not have.
    """
    drained = False
    while not drained:
        text, others, drained = java("com.arcadedb.python.TypedRows").nextRows(found, _ROWS)
        yield from json.loads(str(text), object_hook=_restorer(_all_to_python(others)))


def properties(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Properties of nodes or edges; those that are null are absent."""
    found = java("com.arcadedb.query.sql.executor.InternalResultSet")()
    for record in records:
        found.add(java("com.arcadedb.query.sql.executor.ResultInternal")(record))
    return [{name: value for name, value in row.items() if value is not None} for row in rows(found)]


def labels(vertex: Any) -> frozenset[str]:
    """All labels of a node."""
    return frozenset(str(vertex.getTypeName()).split(LABEL_SEPARATOR))


def _restorer(others: Sequence[Any]) -> Callable[[dict[str, Any]], Any]:
    """What JSON objects stand for: `others` by their index, values of other types by a tag, maps and rows."""

    def restore(value: dict[str, Any]) -> Any:
        tagged = value.get(_TAG)
        if tagged is None:
            return value
        kind, stated = tagged
        if kind == "x":
            return others[stated]
        if kind == "r":  # a row with a column of the tag's name
            return dict(zip(*others[stated], strict=True))
        return _TAGGED[kind](stated)

    return restore


def _all_to_python(values: Sequence[Any]) -> list[Any]:
    """Java objects as `store.base.Value`, node, edge or path; dates and durations as ISO text."""
    types: list[type] = [type(value) for value in values]
    converters = [_converter(kind) for kind in types]
    records = [value for value, convert in zip(values, converters, strict=True) if convert in _OF_RECORDS]
    known = iter(properties(records) if records else ())
    return [
        convert(value, next(known)) if convert in _OF_RECORDS else convert(value)
        for value, convert in zip(values, converters, strict=True)
    ]


@cache
def _converter(kind: type) -> Callable[..., Any]:
    for name, convert in _CONVERTERS:
        if issubclass(kind, java(name)):
            return convert
    return str


def _instant(value: Any) -> datetime:
    return _EPOCH + timedelta(seconds=int(value.getEpochSecond()), microseconds=int(value.getNano()) // 1000)


def _node(value: Any, stated: dict[str, Any]) -> GraphNode:
    return GraphNode(labels(value), stated)


def _edge(value: Any, stated: dict[str, Any]) -> GraphEdge:
    return GraphEdge(str(value.getTypeName()), stated)


def _path(value: Any) -> GraphPath:
    return GraphPath(tuple(_all_to_python(value.getVertices())), tuple(_all_to_python(value.getEdges())))


def _map(value: Any) -> dict[str, Any]:
    return {str(entry.getKey()): item for entry in value.entrySet() for item in _all_to_python([entry.getValue()])}


_OF_RECORDS = (_node, _edge)
# First match wins.
_CONVERTERS: tuple[tuple[str, Callable[..., Any]], ...] = (
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
    ("java.util.Collection", _all_to_python),
    ("java.lang.Object[]", _all_to_python),
)
