"""How fast the Neo4j store is built, beside a bare UNWIND loop of the same driver on the same server in the same run.

    python benchmarks/neo4j_write.py [--nodes 100000] [--rounds 2] [--generation neo4j-5]

The bare loop has its rows in memory as dicts, and the same constraints and indexes: what it leaves out is reading
tables, checking, counting, lease and marker. The goal is at least 0.7 of its rate.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import neo4j

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from graphcorr.store.neo4j_connection import Connection, Credentials  # noqa: E402
from graphcorr.store.neo4j_write import create_schema  # noqa: E402
from tests.graphs import Row, edge, node, write  # noqa: E402
from tests.neo4j_server import GENERATIONS, Server  # noqa: E402
from tests.stores import connect  # noqa: E402

BATCH = 5_000
GOAL = 0.7


def graph(count: int) -> tuple[list[Row], list[Row]]:
    """Sign-ins as folded from a tenant, 100 per principal, with three edges each."""
    start = datetime(2026, 5, 1, tzinfo=UTC)
    principals = [node("DirectoryObject:ServicePrincipal", f"t/sp{n}", objectId=f"sp{n}") for n in range(count // 100)]
    addresses = [node("IPAddress", f"10.{n >> 8}.{n & 255}.1") for n in range(1_000)]
    applications = [node("Application", f"app{n}", appId=f"app{n}") for n in range(50)]
    sign_ins = [
        node("SignIn", f"t/signin/{n:032x}", tenantId="11111111-2222-3333-4444-555555555555", kind="servicePrincipal",
             resultCode="0", resultClass="success", hour=start + timedelta(hours=n % 700),
             firstSeen=start, lastSeen=start, appId=f"app-{n % 977}", servicePrincipalId=f"sp{n % len(principals)}",
             count=n % 50, linkedCount=n % 7,
             possibleSameAddressCount=0, possibleOtherAddressCount=0, unexplainedCount=1, evidence="complete",
             sampleIds=[f"{n:032x}", f"{n + 1:032x}"], unexplainedIds=[])
        for n in range(count)
    ]  # fmt: skip
    edges = [
        made
        for n, sign_in in enumerate(sign_ins)
        for made in (
            edge("SIGNED_IN", principals[n % len(principals)], sign_in),
            edge("FROM", sign_in, addresses[n % 1_000], country="DE", basis="record"),
            edge("TO", sign_in, applications[n % 50]),
        )
    ]
    return [*principals, *addresses, *applications, *sign_ins], edges


def bare(server: Server, nodes: list[Row], edges: list[Row]) -> float:
    """Seconds of a plain loop over rows in memory."""
    by_labels: dict[str, list[dict[str, Any]]] = {}
    for row in nodes:
        kept = {name: value for name, value in row.items() if name != "labels"}
        by_labels.setdefault(row["labels"], []).append(kept)
    by_ends: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in edges:
        own = {n: v for n, v in row.items() if n not in ("type", "fromLabel", "fromKey", "toLabel", "toKey")}
        pair = {"from": row["fromKey"], "to": row["toKey"], "own": own}
        by_ends.setdefault((row["fromLabel"], row["type"], row["toLabel"]), []).append(pair)
    with neo4j.GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
        driver.verify_connectivity()
        began = time.perf_counter()
        with driver.session() as session:
            for labels, rows in by_labels.items():
                send(session, f"UNWIND $rows AS row CREATE (n:{labels}) SET n = row", rows)
            for (start, kind, end), rows in by_ends.items():
                cypher = (
                    f"UNWIND $rows AS row MATCH (a:{start} {{key: row.from}}) MATCH (b:{end} {{key: row.to}}) "
                    f"CREATE (a)-[e:{kind}]->(b) SET e = row.own"
                )
                send(session, cypher, rows)
        return time.perf_counter() - began


def send(session: neo4j.Session, cypher: Any, rows: list[dict[str, Any]]) -> None:
    for begin in range(0, len(rows), BATCH):
        part = rows[begin : begin + BATCH]
        session.execute_write(lambda tx, part=part: tx.run(cypher, rows=part).consume())


def empty(server: Server) -> None:
    with neo4j.GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
        driver.execute_query("MATCH (m:GraphcorrMarker) DELETE m")
        with driver.session() as session:
            session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS").consume()
    with closing(Connection(server.address, Credentials(server.user, server.password))) as connection:
        create_schema(connection)


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--nodes", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--generation", choices=GENERATIONS, default="neo4j-5")
    given = options.parse_args()
    nodes, edges = graph(given.nodes)
    rows = len(nodes) + len(edges)
    best = {"bare": float("inf"), "store": float("inf")}
    with TemporaryDirectory() as folder:
        tables = write(Path(folder) / "tables", nodes, edges)
        server = Server(given.generation, Path(folder) / "server", heap="1g", quick=False)
        server.start()
        try:
            for _ in range(given.rounds):
                empty(server)
                seconds = {"bare": bare(server, nodes, edges)}
                empty(server)
                with connect(server) as store:
                    began = time.perf_counter()
                    store.write(tables, "p", None)
                    seconds["store"] = time.perf_counter() - began
                for name, value in seconds.items():
                    best[name] = min(best[name], value)
                    print(f"{name:6} {value:7.1f} s  {rows / value:9,.0f} rows/s", flush=True)
        finally:
            server.stop()
    ratio = best["bare"] / best["store"]
    print(f"{len(nodes):,} nodes, {len(edges):,} edges on {given.generation}: store / bare = {ratio:.2f} (goal {GOAL})")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
