"""The graph of generated logs on a Neo4j server, beside a bare UNWIND loop of the same driver in the same run.

    python benchmarks/neo4j_store.py                                   # one million events
    python benchmarks/neo4j_store.py --sizes 1000000,5000000 --generation neo4j-2026

For each size: nodes and edges a second of the bare loop and of the store, which writes the same rows to the same
server; one more hour by difference; every pattern. The bare loop has its rows in memory as dicts, and the same
constraints and indexes: what it leaves out is reading tables, checking, counting, lease and marker.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import neo4j
from pyarrow import parquet

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from run import Figure, generate, shown, step_archive, step_projection  # noqa: E402

from graphcorr.archive.archive import Archive  # noqa: E402
from graphcorr.content import content_dir  # noqa: E402
from graphcorr.home import Home  # noqa: E402
from graphcorr.patterns.parse import load_patterns  # noqa: E402
from graphcorr.projection.project import Projection, current  # noqa: E402
from graphcorr.scan import scan_store  # noqa: E402
from graphcorr.store.neo4j_connection import Connection, Credentials  # noqa: E402
from graphcorr.store.neo4j_write import create_schema  # noqa: E402
from tests.neo4j_server import GENERATIONS, Server  # noqa: E402
from tests.stores import connect  # noqa: E402

BATCH = 5_000
GOAL = 0.7
_ENDS = ("fromLabel", "fromKey", "toLabel", "toKey")

Rows = list[dict[str, Any]]


def statements(tables: Path, kind: str) -> Iterator[tuple[str, Rows]]:
    """The statement and the rows of each label set, or of each edge type and pair of labels."""
    for path in sorted((tables / kind).glob("*.parquet")):
        groups: dict[str, Rows] = defaultdict(list)
        for row in parquet.read_table(path).to_pylist():
            stated = {name: value for name, value in row.items() if value is not None}
            if kind == "nodes":
                groups[f"UNWIND $rows AS row CREATE (n:{stated.pop('labels')}) SET n = row"].append(stated)
            else:
                start, one, end, other = (stated.pop(name) for name in _ENDS)
                groups[
                    f"UNWIND $rows AS row MATCH (a:{start} {{key: row.one}}) MATCH (b:{end} {{key: row.other}}) "
                    f"CREATE (a)-[e:{path.stem}]->(b) SET e = row.own"
                ].append({"one": one, "other": other, "own": stated})
        yield from groups.items()


def bare(server: Server, tables: Path) -> dict[str, tuple[int, float]]:
    """Rows and seconds of a plain loop, for nodes and for edges."""
    measured = {}
    with neo4j.GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
        driver.verify_connectivity()
        for kind in ("nodes", "edges"):
            count, seconds = 0, 0.0
            for cypher, rows in statements(tables, kind):
                began = time.perf_counter()
                with driver.session() as session:
                    for place in range(0, len(rows), BATCH):
                        part = rows[place : place + BATCH]
                        session.execute_write(lambda tx, q=cypher, part=part: tx.run(q, rows=part).consume())
                seconds += time.perf_counter() - began
                count += len(rows)
            measured[kind] = count, seconds
    return measured


def ours(server: Server, made: Projection, counts: dict[str, tuple[int, float]]) -> dict[str, tuple[int, float]]:
    """The same for the store."""
    at: dict[str, float] = {}

    def progress(what: str, done: int, total: int | None) -> None:
        if done >= counts["nodes"][0]:
            at.setdefault("nodes", time.perf_counter())

    with connect(server) as store:
        began = time.perf_counter()
        store.write(made.tables, made.id, None, progress)
        ended = time.perf_counter()
    return {"nodes": (counts["nodes"][0], at["nodes"] - began), "edges": (counts["edges"][0], ended - at["nodes"])}


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
    step_archive(str(logs / "logs"), str(home))
    made = projected(home)
    empty(server)
    plain = bare(server, made.tables)
    empty(server)
    stored = ours(server, made, plain)
    figures = [
        (kind, f"{stored[kind][0] / stored[kind][1]:,.0f}/s", f"bare loop {plain[kind][0] / plain[kind][1]:,.0f}/s")
        for kind in ("nodes", "edges")
    ]
    seconds, bare_seconds = (sum(part for _, part in each.values()) for each in (stored, plain))
    size = f"{stored['nodes'][0]:,} nodes, {stored['edges'][0]:,} edges"
    figures.append(
        ("full build", f"{seconds:.1f} s", f"{size}; {bare_seconds / seconds:.2f} of the bare loop, goal {GOAL}")
    )
    step_archive(str(logs / "hour"), str(home))
    later = projected(home)
    with connect(server) as store:
        began = time.perf_counter()
        store.write(later.tables, later.id, made.tables)
        hour = time.perf_counter() - began
        figures.append(("one more hour", f"{hour:.1f} s", f"{hour / seconds:.1%} of the full build, goal 5 %"))
        each: dict[str, float] = {}
        for pattern in load_patterns([content_dir("cypher") / "patterns"]):
            began = time.perf_counter()
            (status,) = scan_store(store, [pattern]).patterns
            each[pattern.id] = time.perf_counter() - began
            assert status.status != "failed", status
    slowest = max(each, key=each.__getitem__)
    figures.append(
        ("all patterns", f"{sum(each.values()):.1f} s", f"{len(each)} patterns, goal 30 s at 1,000,000 events")
    )
    figures.append(("slowest pattern", f"{each[slowest]:.2f} s", f"{slowest}, goal 2 s"))
    return figures


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
