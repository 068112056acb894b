"""Writes that are hurt on the way: whatever happens, the next write (or the same one) ends with store = projection."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import neo4j
import pytest
from neo4j.exceptions import Neo4jError, SessionExpired

from graphcorr.errors import StoreError
from graphcorr.graph.schema import VERSION
from graphcorr.store import neo4j_write
from graphcorr.store.base import Marker
from graphcorr.store.neo4j import Neo4jStore
from graphcorr.store.neo4j_connection import Connection, Credentials
from graphcorr.store.verify import verify
from tests.graphs import Row, edge, node, write
from tests.neo4j_server import Container, Given, Server, Servers
from tests.store.faults import COMMIT, POINTS, Attempt, Proxy, write_and_die
from tests.stores import SERVERS, connect, open_empty

# Each kill point and cut is tried this often; ten rounds and more are for a quiet hour: they restart servers.
REPEATS = int(os.environ.get("GRAPHCORR_FAULT_ROUNDS", "1"))

# Ten starts of a server, or twenty writes, on a machine that is busy with other things.
pytestmark = pytest.mark.timeout(1_200)

USERS = [node("DirectoryObject:User", f"t/u{number}", objectId=f"u{number}", name="before") for number in range(60)]
PRINCIPAL = node("DirectoryObject:ServicePrincipal", "t/sp", objectId="sp")
IDENTITY = node("Identity", "i", tenantId="t")
OWNS = [edge("OWNS", user, PRINCIPAL) for user in USERS]
OTHERS = [node("Token", f"t/{number}", tokenId=str(number)) for number in range(300)]
MANAGED = {**PRINCIPAL, "labels": "DirectoryObject:ServicePrincipal:ManagedIdentity"}
RENAMED = [{**user, "name": "after"} for user in USERS[:30]]
# Between the two: nodes and edges that are added, changed and removed, and a node with other labels.
GRAPHS: dict[str, tuple[list[Row], list[Row]]] = {
    "before": ([*OTHERS, *USERS, PRINCIPAL], OWNS),
    "after": (
        [*OTHERS, *RENAMED, *USERS[30:50], MANAGED, IDENTITY],
        [*OWNS[:50], edge("PART_OF", PRINCIPAL, IDENTITY)],
    ),
}


def told(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """What differs between the two, row by row in one order."""
    names = ("key", "labels", "name", "fromKey", "toKey")
    return sorted(tuple(str(row.get(name)) for name in names) for row in rows)


@dataclass
class Bench:
    """A server and two projections to write to it in turns."""

    server: Server | Container
    tables: dict[str, Path]

    def open(self, address: str | None = None, **more: Any) -> Neo4jStore:
        credentials = Credentials(self.server.user, self.server.password)
        connection = Connection(address or self.server.address, credentials, retry_seconds=300)
        return Neo4jStore(connection, **more)

    def prepare(self, name: str) -> None:
        """Write a projection, unhurt."""
        with self.open() as store:
            store.write(self.tables[name], name, None)

    def check(self, name: str) -> None:
        """The database holds exactly this projection and says so."""
        with self.open() as store:
            assert store.marker() == Marker(VERSION, name)
            nodes, edges = GRAPHS[name]
            assert store.query("MATCH (n) WHERE NOT n:GraphcorrMarker RETURN count(n)").rows == ((len(nodes),),)
            assert store.query("MATCH ()-[e]->() RETURN count(e)").rows == ((len(edges),),)
            for table in ("DirectoryObject", "Identity", "OWNS", "PART_OF"):
                stored = {
                    row["key"]: (row.get("labels"), row.get("name"), row.get("fromKey")) for row in store.rows(table)
                }
                rows = [row for row in (*nodes, *edges) if table in row.get("labels", row.get("type", "")).split(":")]
                assert stored == {row["key"]: (row.get("labels"), row.get("name"), row.get("fromKey")) for row in rows}

    def attempt(self, name: str, previous: str | None) -> Attempt:
        at = self.server
        return Attempt(
            at.address, at.user, at.password, self.tables[name], name, self.tables[previous] if previous else None
        )


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: write(tmp_path_factory.mktemp(name), *rows) for name, rows in GRAPHS.items()}


# What is tried here lies between the driver and us: one generation of servers shows it, the newest.
@pytest.fixture(params=SERVERS[-1:])
def bench(
    request: pytest.FixtureRequest, neo4j_servers: Servers, tables: dict[str, Path], tmp_path: Path
) -> Iterator[Bench]:
    server = neo4j_servers.get(request.param)
    if isinstance(server, Given):
        pytest.skip("needs a server that may be hurt")
    open_empty(request.param, tmp_path, neo4j_servers).close()
    bench = Bench(server, tables)
    bench.prepare("before")
    yield bench


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many transactions in a small graph."""
    monkeypatch.setattr(neo4j_write, "_BATCH_ROWS", 20)


def turns() -> Iterator[tuple[int, str, str]]:
    """Number of a repetition, the projection that is there, and the one to write."""
    names = itertools.cycle([("before", "after"), ("after", "before")])
    return ((number, *next(names)) for number in range(REPEATS))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("point", POINTS)
def test_a_writer_that_is_killed_leaves_what_the_next_run_completes(bench: Bench, point: str) -> None:
    children = multiprocessing.get_context("forkserver")
    children.set_forkserver_preload(["tests.store.faults"])
    built = "build" in point
    for number, there, wanted in turns():
        attempt = bench.attempt(wanted, None if built else there)
        child = children.Process(target=write_and_die, args=(attempt, point, 1 + number % 4))
        child.start()
        child.join()
        assert child.exitcode == -9
        with bench.open() as store:
            store.write(bench.tables[wanted], wanted, bench.tables[there])
        bench.check(wanted)


CUTS = {
    "before a commit arrives": ("cut_before", COMMIT),
    "after a commit, before its answer": ("cut_after", COMMIT),
    "in the middle of a batch": ("cut_before", b"UNWIND"),
    "after a batch arrived": ("cut_after", b"UNWIND"),
}


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("cut", CUTS)
def test_a_connection_that_is_cut_is_made_again_and_nothing_is_lost_or_doubled(bench: Bench, cut: str) -> None:
    direction, message = CUTS[cut]
    proxy = Proxy(bench.server.port)
    for number, there, wanted in turns():
        seen = itertools.count(-number - 1)  # one message later each time

        def hit(piece: bytes, seen: Iterator[int] = seen) -> bool:
            return message in piece and next(seen) == 0

        with bench.open(proxy.address) as store:
            setattr(proxy, direction, hit)
            store.write(bench.tables[wanted], wanted, bench.tables[there] if number % 3 else None)
            setattr(proxy, direction, lambda _: False)
        bench.check(wanted)
    proxy.close()


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_server_that_is_started_again_goes_on_with_the_same_write(bench: Bench, how: str) -> None:
    for number, there, wanted in turns():
        reached, failed = threading.Event(), []
        batches = itertools.count(-number)

        def watch(*_: Any, reached: threading.Event = reached, batches: Iterator[int] = batches) -> None:
            if next(batches) == 0:
                reached.set()

        def work(there: str = there, wanted: str = wanted, failed: list[Any] = failed, watch: Any = watch) -> None:
            try:
                with bench.open() as store:
                    store.write(bench.tables[wanted], wanted, None, watch)
            except StoreError as error:
                failed.append(error)

        writer = threading.Thread(target=work)
        writer.start()
        assert reached.wait(120)
        getattr(bench.server, how)()
        bench.server.start()  # by this thread: a server ends with the thread that started it
        writer.join(300)
        assert not failed
        bench.check(wanted)


# What the driver raises when a cluster elects another leader, drops a connection, breaks a deadlock or takes too long.
ERRORS = {
    "another leader": "Neo.ClientError.Cluster.NotALeader",
    "no leader yet": "Neo.TransientError.Cluster.NoLeaderAvailable",
    "read-only for a moment": "Neo.TransientError.General.ForbiddenOnReadOnlyDatabase",
    "deadlock": "Neo.TransientError.Transaction.DeadlockDetected",
    "transaction time-out": "Neo.ClientError.Transaction.TransactionTimedOut",
    "transaction memory": "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
    "session expired": None,
}


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("error", ERRORS)
def test_errors_that_pass_are_waited_out_and_what_is_too_large_is_halved(
    bench: Bench, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = ERRORS[error]
    run = neo4j.Transaction.run
    for number, there, wanted in turns():
        seen = itertools.count(-number)

        def failing(self: Any, query: Any, *arguments: Any, seen: Iterator[int] = seen, **more: Any) -> Any:
            # One row cannot be halved.
            if "UNWIND" in query and len(arguments[0]["rows"]) > 3 and next(seen) in (0, 1):
                raise Neo4jError._hydrate_neo4j(code=code, message="x") if code else SessionExpired("x")
            return run(self, query, *arguments, **more)

        with monkeypatch.context() as patch, bench.open() as store:
            patch.setattr(neo4j.Transaction, "run", failing)
            store.write(bench.tables[wanted], wanted, bench.tables[there])
        bench.check(wanted)


@pytest.mark.usefixtures("small_batches")
def test_two_loads_at_once_take_turns(bench: Bench) -> None:
    for _ in range(REPEATS):
        failed: list[BaseException] = []
        start = threading.Barrier(2)

        def work(name: str, start: threading.Barrier = start, failed: list[BaseException] = failed) -> None:
            try:
                with bench.open(lock_timeout=60) as store:
                    start.wait()
                    store.write(bench.tables[name], name, None)
            except StoreError as error:
                failed.append(error)

        writers = [threading.Thread(target=work, args=(name,)) for name in GRAPHS]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert not failed
        with connect(bench.server) as store:
            marker = store.marker()
        assert marker is not None
        bench.check(marker.projection_id)


def test_the_checks_of_this_module_agree_with_verify(bench: Bench) -> None:
    bench.check("before")
    with bench.open() as store:
        assert verify(store, bench.tables["before"]).counts == {}
