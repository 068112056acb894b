"""The embedded store: the graph in a folder of the home, opened by an engine inside this process.

    <root>/CURRENT               name of the published generation
    <root>/<generation>/graph/   the database
    <root>/<generation>/marker.json

A full build goes into a new generation that is published by one rename, so that a kill leaves the old graph or the
new one. A difference is written into the current generation while its marker says dirty; the next write sees that
and builds anew. Writers are kept apart by the home's lock, not here.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, Self

from graphcorr.errors import GraphcorrError, OverLimit, PatternError, StoreError
from graphcorr.graph.schema import VERSION, Node, node_of_label
from graphcorr.store import embedded_java as bridge
from graphcorr.store import embedded_schema, embedded_write, read_only
from graphcorr.store.base import Marker, Result, WriteReport
from graphcorr.store.difference import TABLES, column_types, compare, table_name
from graphcorr.store.embedded_layout import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from graphcorr.store.base import Progress
    from graphcorr.store.difference import Difference
    from graphcorr.store.embedded_layout import Layout

_CURRENT = "CURRENT"
_EMPTY = "the store is empty"
_LOAD_FIRST = "run graphcorr load first"
# Beyond this share of all rows a difference in transactions takes longer than a build in bulk.
_WORTH_A_BUILD = 0.5
# What DuckDB may use for a build, before Java takes its heap.
_BEFORE_JAVA = "500MB"
# What Java takes for objects, and takes whole: half of it the engine fills with pages. Queries over millions of nodes
# read the same pages again and again and slow down with less (measured with 400m: a third more processor time for all
# patterns at ten million events); writing does not, and has Python's and Arrow's memory beside it.
_HEAP_TO_READ = "500m"
_HEAP_TO_WRITE = "420m"
# What the engine says when a statement would hold more than it lets one hold: the setting that limits it.
_ENGINE_LIMIT = "arcadedb.queryMax"
# Rows that are laid out; below the root, where there is room for a graph.
_LAYOUT = "layout"
# Rows that `rows` reads at a time.
_ROWS = 1_000


class EmbeddedStore:
    """See `store.base.Store`. Java starts and the database opens with the first call that needs them."""

    name = "embedded"

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self._root = root
        self._read_only = read_only
        self._heap = _HEAP_TO_READ if read_only else _HEAP_TO_WRITE
        self._database: Any = None

    @classmethod
    def open(cls, root: Path, read_only: bool = False) -> Self:
        """The store in `root`, which need not exist."""
        return cls(root, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def marker(self) -> Marker | None:
        generation = self._generation()
        if generation is None:
            return None
        path = generation / "marker.json"
        try:
            return Marker(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            # Unreadable is as good as cut short: the next write builds anew.
            return Marker(VERSION, "", dirty=True)

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> Result:
        read_only.check(cypher)
        database = self._open()
        return _collect(database, cypher, bridge.to_java_map(parameters or {}))

    def rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        database = self._open()
        for kind in TABLES:
            if table_name(kind) == table:
                columns = tuple(column_types(kind))
                records = iter(database.iterateType(table, True))
                while some := list(itertools.islice(records, _ROWS)):
                    rows = _node_rows(kind, some) if isinstance(kind, Node) else _edge_rows(some)
                    yield from ({column: row.get(column) for column in columns} for row in rows)
                return
        raise StoreError(f"no table {table}", hint="tables are the labels and edge types of graphcorr.graph.schema")

    def clear(self) -> None:
        self._writable()
        self.close()
        (self._root / _CURRENT).unlink(missing_ok=True)
        self._remove_leftovers()

    def write(
        self, tables: Path, projection_id: str, previous: Path | None, progress: Progress | None = None
    ) -> WriteReport:
        self._writable()
        self._remove_leftovers()
        marker = self.marker()
        wanted = Marker(VERSION, projection_id)
        if marker == wanted:
            return WriteReport(full=False)
        try:
            if previous is not None and marker is not None and not marker.dirty and marker.schema_version == VERSION:
                report = self._write_difference(tables, previous, marker, wanted, progress)
                if report is not None:
                    return report
            return self._build(tables, wanted, progress)
        except GraphcorrError:
            raise
        except bridge.java_error() as error:
            raise _failure(error) from error

    def _write_difference(
        self, tables: Path, previous: Path, old: Marker, wanted: Marker, progress: Progress | None
    ) -> WriteReport | None:
        """Write the difference in transactions; None if a build is cheaper."""
        with compare(previous, tables) as difference:
            if difference.size > _WORTH_A_BUILD * difference.total:
                return None
            layout = self._lay_out(difference, progress)
            database = self._open()
            self._mark(Marker(old.schema_version, old.projection_id, dirty=True))
            # Removals are committed before anything is added: a node with other labels keeps its unique key.
            embedded_write.remove_all(database, difference)
            embedded_write.add_all(database, layout, progress, bulk=False)
            embedded_write.change_all(database, difference)
            self._mark(wanted)
            self._remove_leftovers()
            return embedded_write.report(difference)

    def _build(self, tables: Path, wanted: Marker, progress: Progress | None) -> WriteReport:
        """Build everything in a new generation and publish it."""
        self.close()
        with compare(None, tables, memory=_BEFORE_JAVA) as difference:
            layout = self._lay_out(difference, progress)
            report = embedded_write.report(difference)
        old = self._generation()
        number = int(old.name[1:]) + 1 if old is not None else 1
        generation = self._root / f"g{number:06d}"
        generation.mkdir(parents=True)
        bridge.start(self._heap)
        database = embedded_schema.new_database(generation / "graph")
        try:
            embedded_write.add_all(database, layout, progress, bulk=True)
        finally:
            database.close()
        _write_text(generation / "marker.json", _marker_text(wanted))
        _write_text(self._root / _CURRENT, generation.name)
        self._remove_leftovers()
        return report

    def _lay_out(self, difference: Difference, progress: Progress | None) -> Layout:
        embedded_write.check(difference)
        folder = self._root / _LAYOUT
        folder.mkdir(parents=True)
        return lay_out(difference, folder, progress)

    def _open(self) -> Any:
        if self._database is None:
            generation = self._generation()
            if generation is None:
                raise StoreError(_EMPTY, where=str(self._root), hint=_LOAD_FIRST)
            bridge.start(self._heap)
            modes = bridge.java("com.arcadedb.engine.ComponentFile$MODE")
            factory = bridge.java("com.arcadedb.database.DatabaseFactory")(str(generation / "graph"))
            try:
                self._database = factory.open(modes.READ_ONLY if self._read_only else modes.READ_WRITE)
            except bridge.java_error() as error:
                raise StoreError(f"the graph cannot be opened: {_first_line(error)}", where=str(generation),
                                 hint="if no other graphcorr has it open, run graphcorr load") from error  # fmt: skip
        return self._database

    def _generation(self) -> Path | None:
        try:
            name = (self._root / _CURRENT).read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        return self._root / name if (self._root / name).is_dir() else None

    def _remove_leftovers(self) -> None:
        """Remove what is not published: old generations, and what writes that were cut short left behind."""
        shutil.rmtree(self._root / _LAYOUT, ignore_errors=True)
        current = self._generation()
        for folder in self._root.glob("g[0-9]*"):
            if folder != current:
                shutil.rmtree(folder)

    def _mark(self, marker: Marker) -> None:
        generation = self._generation()
        assert generation is not None
        _write_text(generation / "marker.json", _marker_text(marker))

    def _writable(self) -> None:
        if self._read_only:
            raise StoreError("the store was opened for reading only", where=str(self._root))


def _collect(database: Any, cypher: str, parameters: Any) -> Result:
    try:
        found = database.query("opencypher", cypher, parameters)
        try:
            return _read(found)
        finally:
            # Else the engine counts its rows against the memory of every later query.
            found.close()
    except bridge.java_error() as error:
        raise _failure(error, cypher) from error


def _read(found: Any) -> Result:
    rows = list(bridge.rows(found))
    return Result(tuple(rows[0]) if rows else (), tuple(tuple(row.values()) for row in rows))


def _node_rows(kind: Node, records: Sequence[Any]) -> Iterator[dict[str, Any]]:
    in_order = {frozenset(labels): ":".join(labels) for labels in kind.label_sets}
    for record, stated in zip(records, bridge.properties(records), strict=True):
        yield {"labels": in_order[bridge.labels(record)], **stated}


def _edge_rows(records: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for record, row in zip(records, bridge.properties(records), strict=True):
        edge = record.asEdge()
        for end, vertex in (("from", edge.getOutVertex()), ("to", edge.getInVertex())):
            row[f"{end}Label"] = node_of_label(next(iter(bridge.labels(vertex)))).label
            row[f"{end}Key"] = str(vertex.getString("key"))
        yield row


def _failure(error: Exception, cypher: str | None = None) -> GraphcorrError:
    """The engine's complaint as ours: about the statement if there is one and the engine itself is well."""
    kind = type(error).__name__.rpartition(".")[2]
    message = _first_line(error)
    if kind == "OutOfMemoryError" or _ENGINE_LIMIT in message:
        words = f"too much for the memory of the embedded store: {message}"
        return OverLimit(words, hint="use a Neo4j server for a graph of this size")
    broken = ("Database", "Transaction", "Concurrent", "NeedRetry", "Timeout", "Lock", "Schema")
    if cypher is None or kind.startswith(broken):
        return StoreError(f"the embedded store failed: {kind}: {message}", hint="run graphcorr load to build it anew")
    return PatternError(f"the query is not valid: {message}")


def _first_line(error: BaseException) -> str:
    text = str(error).partition("\n")[0]
    return text.removeprefix(type(error).__name__ + ": ")


def _marker_text(marker: Marker) -> str:
    return json.dumps(
        {"schema_version": marker.schema_version, "projection_id": marker.projection_id, "dirty": marker.dirty}
    )


def _write_text(path: Path, text: str) -> None:
    """Replace a small file so that a kill leaves the old or the new text, never a part."""
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
