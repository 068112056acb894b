"""The graph of generated logs on a Neo4j server, beside a bare UNWIND loop of the same driver in the same run.

    python benchmarks/neo4j_store.py                                   # one million events
    python benchmarks/neo4j_store.py --sizes 1000000,5000000 --generation neo4j-2026

For each size: nodes and edges a second of the bare loop and of the store, which writes the same rows to the same
server; one more hour by difference; every pattern, on a server just started and once more. The bare loop gets its rows
as dicts, and the same constraints and indexes: what it leaves out is reading tables, checking, counting, lease and
marker. Processor time is that of this process and the server together: the better yardstick where other programs run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import neo4j
from pyarrow import parquet

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from run import Figure, generate, shown, step_archive, step_projection  # noqa: E402

from graphcorr.archive.archive import Archive  # noqa: E402
from graphcorr.content import content_dir  # noqa: E402
from graphcorr.graph.schema import EDGES, NODES, Node  # noqa: E402
from graphcorr.home import Home  # noqa: E402
from graphcorr.patterns.parse import load_patterns  # noqa: E402
from graphcorr.projection.project import Projection, current  # noqa: E402
from graphcorr.scan import scan_store  # noqa: E402
from graphcorr.store.base import WriteReport  # noqa: E402
from graphcorr.store.difference import table_files  # noqa: E402
from graphcorr.store.neo4j_connection import Connection, Credentials  # noqa: E402
from graphcorr.store.neo4j_write import create_schema  # noqa: E402
from tests.neo4j_server import GENERATIONS, Server  # noqa: E402
from tests.stores import connect  # noqa: E402

BATCH = 5_000
GOAL = 0.7
SLOWEST = 5
# Batches of nodes and of edges before anything is measured: the server compiles what runs often.
WARM_UP = 15
_ENDS = ("fromLabel", "fromKey", "toLabel", "toKey")

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Cost:
    """What some rows cost: seconds by the clock, and of processors."""

    rows: int = 0
    seconds: float = 0.0
    processor: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.rows + other.rows, self.seconds + other.seconds, self.processor + other.processor)

    @property
    def rate(self) -> str:
        return f"{self.rows / self.seconds:,.0f}/s"


class Watch:
    """Tells what passed since it was made or last asked."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._seconds, self._processor = self._now()

    def lap(self, rows: int) -> Cost:
        before = self._seconds, self._processor
        self._seconds, self._processor = self._now()
        return Cost(rows, self._seconds - before[0], self._processor - before[1])

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), sum(os.times()[:4]) + self._server.processor_seconds


def pieces(tables: Path, kind: str) -> Iterator[tuple[str, Rows]]:
    """Statement and rows, a batch at a time, of each label set, or of each edge type and pair of labels."""
    for table in NODES if kind == "nodes" else EDGES:
        waiting: dict[str, Rows] = defaultdict(list)
        batches = chain.from_iterable(parquet.ParquetFile(file).iter_batches() for file in table_files(tables, table))
        for row in chain.from_iterable(batch.to_pylist() for batch in batches):
            stated = {name: value for name, value in row.items() if value is not None}
            cypher, given = node(stated) if isinstance(table, Node) else edge(table.type, stated)
            waiting[cypher].append(given)
            if len(waiting[cypher]) == BATCH:
                yield cypher, waiting.pop(cypher)
        yield from waiting.items()


def node(row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return f"UNWIND $rows AS row CREATE (n:{row.pop('labels')}) SET n = row", row


def edge(kind: str, row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    start, one, end, other = (row.pop(name) for name in _ENDS)
    cypher = (
        f"UNWIND $rows AS row MATCH (a:{start} {{key: row.one}}) MATCH (b:{end} {{key: row.other}}) "
        f"CREATE (a)-[e:{kind}]->(b) SET e = row.own"
    )
    return cypher, {"one": one, "other": other, "own": row}


def bare(server: Server, tables: Path, most: int | None = None) -> dict[str, Cost]:
    """What a plain loop costs, for nodes and for edges: at most so many batches of each."""
    costs = {"nodes": Cost(), "edges": Cost()}
    with neo4j.GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
        driver.verify_connectivity()
        for kind in costs:
            for cypher, rows in islice(pieces(tables, kind), most):
                watch = Watch(server)
                with driver.session() as session:
                    session.execute_write(lambda tx, q=cypher, rows=rows: tx.run(q, rows=rows).consume())
                costs[kind] += watch.lap(len(rows))
    return costs


def ours(server: Server, made: Projection, rows: dict[str, int]) -> dict[str, Cost]:
    """What the store costs for the same."""
    costs: dict[str, Cost] = {}
    with connect(server) as store:
        watch = Watch(server)

        def progress(what: str, done: int, total: int | None) -> None:
            if done >= rows["nodes"] and not costs:
                costs["nodes"] = watch.lap(rows["nodes"])

        store.write(made.tables, made.id, None, progress)
        costs["edges"] = watch.lap(rows["edges"])
    return costs


def empty(server: Server) -> None:
    with neo4j.GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
        driver.execute_query("MATCH (m:GraphcorrMarker) DELETE m")
        with driver.session() as session:
            session.run("MATCH ()-[e]->() CALL (e) { DELETE e } IN TRANSACTIONS OF 20000 ROWS").consume()
            session.run("MATCH (n) CALL (n) { DELETE n } IN TRANSACTIONS OF 20000 ROWS").consume()
    with closing(Connection(server.address, Credentials(server.user, server.password))) as connection:
        create_schema(connection)


def projected(home: Path) -> Projection:
    step_projection(str(home))
    place = Home(home)
    made = current(Archive(place.archive_dir), place.settings.config, place.projection_dir, users=place.settings.users)
    assert made is not None
    return made


def measure(server: Server, logs: Path, home: Path) -> list[Figure]:
    """The table of one size."""
    watch = Watch(server)
    step_archive(str(logs / "logs"), str(home))
    made = projected(home)
    before = watch.lap(0)
    empty(server)
    bare(server, made.tables, WARM_UP)
    empty(server)
    plain = bare(server, made.tables)
    empty(server)
    stored = ours(server, made, {kind: cost.rows for kind, cost in plain.items()})
    whole, yardstick = (sum(costs.values(), Cost()) for costs in (stored, plain))
    figures = [(kind, stored[kind].rate, f"bare loop {plain[kind].rate}; {compared(stored[kind], plain[kind])}")
               for kind in stored]  # fmt: skip
    size = f"{stored['nodes'].rows:,} nodes, {stored['edges'].rows:,} edges"
    figures.append(("full build", f"{whole.seconds:.1f} s", f"{size}; {compared(whole, yardstick)}, goal {GOAL}"))
    watch = Watch(server)
    step_archive(str(logs / "hour"), str(home))
    later = projected(home)
    before_hour = watch.lap(0)
    with connect(server) as store:
        watch = Watch(server)
        written = store.write(later.tables, later.id, made.tables)
        hour = watch.lap(_rows(written))
        figures.append(share("one more hour", hour, whole, f"of the full build, goal 5 %; {hour.rows:,} rows"))
        figures.append(share("one more hour, from files", before_hour + hour, before + whole, "of the load from files"))
    figures += patterns(server)
    return figures


def patterns(server: Server) -> list[Figure]:
    """All patterns on a server that was started just now, which has each to plan and to compile, and once more."""
    server.stop()
    server.start()
    figures: list[Figure] = []
    with connect(server) as store:
        for when in ("after a start", "again"):
            each: dict[str, Cost] = {}
            for pattern in load_patterns([content_dir("cypher") / "patterns"]):
                watch = Watch(server)
                (status,) = scan_store(store, [pattern]).patterns
                assert status.status != "failed", status
                each[pattern.id] = watch.lap(0)
            total = sum(each.values(), Cost())
            figures.append((f"all patterns, {when}", f"{total.seconds:.1f} s", f"{len(each)} patterns, "
                            f"{total.processor:.1f} s of processors, goal 30 s at 1,000,000 events"))  # fmt: skip
            for name in sorted(each, key=lambda name: each[name].seconds, reverse=True)[:SLOWEST]:
                cost = each[name]
                figures.append((name, f"{cost.seconds:.2f} s", f"{cost.processor:.2f} s of processors, goal 2 s"))
    return figures


def share(what: str, part: Cost, whole: Cost, of: str) -> Figure:
    by_processor = f"by processor time {part.processor / whole.processor:.1%}"
    return what, f"{part.seconds:.1f} s", f"{part.seconds / whole.seconds:.1%}, {by_processor} {of}"


def compared(ours: Cost, plain: Cost) -> str:
    """How much of the yardstick's speed is ours."""
    by_clock, by_processor = (
        (yardstick / plain.rows) / (own / ours.rows)
        for own, yardstick in ((ours.seconds, plain.seconds), (ours.processor, plain.processor))
    )
    return f"{by_clock:.2f} of it, by processor time {by_processor:.2f}"


def _rows(written: WriteReport) -> int:
    each = (written.nodes_written, written.nodes_deleted, written.edges_written, written.edges_deleted)
    return sum(sum(counts.values()) for counts in each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default="1000000", help="events, comma-separated")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--generation", choices=GENERATIONS, default="neo4j-5")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "graphcorr-benchmarks")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    for events in (int(size) for size in given.sizes.split(",")):
        logs = generate(given.work, events, given.days)
        folder = Path(tempfile.mkdtemp(prefix="neo4j-", dir=given.work))
        server = Server(given.generation, folder / "server", heap="2g", quick=False)
        try:
            server.start()
            found = measure(server, logs, folder / "home")
        finally:
            server.stop()
            shutil.rmtree(folder)
        print(shown(f"{events:,} events on {given.generation}", found, given.markdown), flush=True)


if __name__ == "__main__":
    main()
