"""What the Neo4j store promises beyond the contract: the whole way through the door, refusals, errors, foreign data."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import neo4j
import pytest
from neo4j.exceptions import Neo4jError, SessionExpired

from graphcorr.cli import run
from graphcorr.errors import LockedError, OverLimit, PatternError, StoreError, UsageError
from graphcorr.graph.schema import NODES
from graphcorr.store import neo4j_write
from graphcorr.store.neo4j import Neo4jStore
from graphcorr.store.neo4j_connection import Connection, Credentials, failure, read_credentials
from graphcorr.store.neo4j_lease import Lease
from graphcorr.store.verify import verify
from tests.graphs import edge, node, write
from tests.neo4j_server import GENERATIONS, AnyServer, Given, Servers
from tests.store.faults import OldServer
from tests.stores import SERVERS, connect, open_empty

USERS = [node("DirectoryObject:User", f"t/u{number}", objectId=f"u{number}") for number in range(20)]
OWNER = node("DirectoryObject:ServicePrincipal", "t/sp", objectId="sp")
OWNS = [edge("OWNS", user, OWNER) for user in USERS]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, neo4j_servers: Servers, tmp_path: Path) -> Iterator[AnyServer]:
    """A server without data of ours; what a test leaves behind of its own is removed."""
    open_empty(request.param, tmp_path, neo4j_servers).close()
    found = neo4j_servers.get(request.param)
    yield found
    with driver(found) as other:
        other.execute_query("MATCH (n) WHERE any(label IN labels(n) WHERE label STARTS WITH 'Foreign') DETACH DELETE n")
        other.execute_query("MATCH (n:Identity) WHERE n.key IS NULL DETACH DELETE n")


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    return write(tmp_path / "tables", [*USERS, OWNER], OWNS)


def driver(server: AnyServer) -> neo4j.Driver:
    """A way in beside ours, for what others do to the database."""
    return neo4j.GraphDatabase.driver(server.address, auth=(server.user, server.password))


# -- through the door --------------------------------------------------------------------------------------------

# A server whose indexes are new plans every pattern anew, which takes longer than all else here: once is enough.
# Every pattern is compared on both generations in tests/patterns.
FEW_PATTERNS = ["--pattern", "renamed_principal", "--pattern", "unexplained_credential_update"]


def answering(
    server: AnyServer, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Callable[[list[str], list[str]], tuple[int, str]]:
    """Runs a command with options as a user of the server: its exit code and output, which never hold the password."""
    monkeypatch.setenv("NEO4J_USERNAME", server.user)
    monkeypatch.setenv("NEO4J_PASSWORD", server.password)

    def answer(command: list[str], options: list[str]) -> tuple[int, str]:
        code = run([*command, *options])
        shown = capsys.readouterr()
        assert server.password not in shown.out + shown.err
        return code, shown.out

    return answer


def test_the_command_line_gives_the_same_answers_as_on_the_embedded_store(
    server: AnyServer,
    constructed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    request: pytest.FixtureRequest,
) -> None:
    answer = answering(server, monkeypatch, capsys)
    logs = constructed / "log-analytics-json"
    embedded = ["--home", str(tmp_path / "one"), "-q"]
    remote = ["--home", str(tmp_path / "two"), "-q", "--store", server.address, "--database", "neo4j"]
    assert answer(["load", str(logs)], embedded)[0] == 0
    # In two steps, the second a difference.
    assert answer(["load", str(logs / "AuditLogs.jsonl")], remote)[0] == 0
    assert answer(["load", str(logs)], remote)[0] == 0
    few = ["scan", "--format", "json", *FEW_PATTERNS]
    scan = ["scan", "--format", "json"] if request.node.callspec.params["server"] == [*GENERATIONS][-1] else few
    code, document = answer(scan, remote)
    assert (code, document) == answer(scan, embedded)
    assert json.loads(document)["findings"]
    for command in (["coverage", "--format", "json"], ["identities", "--format", "json"]):
        assert answer(command, remote) == answer(command, embedded)
    assert answer(["verify", "--format", "json"], remote) == (0, "[]\n")

    with driver(server) as other:
        other.execute_query("MATCH (i:Identity) WITH i ORDER BY i.key LIMIT 1 SET i.name = 'tampered'")
    code, rows = answer(["verify", "--format", "json"], remote)
    assert (code, [(row["table"], row["difference"]) for row in json.loads(rows)]) == (7, [("Identity", "changed")])

    assert answer(["clear"], remote)[0] == 0
    with driver(server) as other:
        assert other.execute_query("MATCH (n) RETURN count(n)").records[0][0] == 0
        assert not [r for r in other.execute_query("SHOW INDEXES").records if r["name"].startswith("graphcorr")]
    assert answer(few, remote) == answer(few, embedded)  # built again
    assert answer(["verify", "--format", "json"], remote) == (0, "[]\n")


# What is wrong → options, user, exit code and words of `graphcorr clear`.
REFUSED: dict[str, tuple[list[str], str, int, str]] = {
    "nobody's password": ([], "nobody", 5, "refuses user or password (set NEO4J_USERNAME and NEO4J_PASSWORD"),
    "no such database": (["--database", "nowhere"], "", 5, "nowhere"),
    "nothing listens there": (["--store", "bolt://127.0.0.1:9"], "", 5, "cannot be reached"),
    "an old server": (["--store", "5.20.0"], "", 5, "the server is Neo4j/5.20.0 (Neo4j 5.26 or newer is needed)"),
    "an older one": (["--store", "4.4.30"], "", 5, "an older protocol than Neo4j 5 (Neo4j 5.26 or newer is needed)"),
    "not a server": (["--store", "http://127.0.0.1"], "", 2, "not the address of a Neo4j server"),
    "a password in the address": (["--store", "bolt://neo4j:pa55@127.0.0.1"], "", 2, "do not belong into the address"),
    "no credentials file": (["--credentials-file", "nowhere"], "", 2, "no credentials can be read"),
    "another writer": (["--lock-timeout", "0"], "", 6, "held by load (process"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_command_line_says_what_is_wrong_in_one_line(
    server: AnyServer, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, case: str
) -> None:
    options, user, code, words = REFUSED[case]
    with connect(server) as store:
        store.write(tables, "p", None)
    monkeypatch.setenv("NEO4J_USERNAME", user or server.user)
    monkeypatch.setenv("NEO4J_PASSWORD", server.password)
    old = {"5.20.0": OldServer("5.20.0", (5, 4)), "4.4.30": OldServer("4.4.30", (4, 4))}
    holder = Lease(Connection(server.address, Credentials(server.user, server.password)), "load")
    with closing(holder.connection), holder.held(1) if case == "another writer" else nullcontext():
        stated = [old[option].address if option in old else option for option in options]
        assert run(["clear", "--home", str(tmp_path / "home"), "--store", server.address, *stated]) == code
    for played in old.values():
        played.close()
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert "pa55" not in said and server.password not in said


def test_a_connection_that_is_lost_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(20)
                client.sendall(bytes.fromhex("00000405"))  # Bolt 5.4 it is
                client.recv(1_000)

        threading.Thread(target=hang_up, daemon=True).start()
        address = f"bolt://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "graphcorr", "clear", "--store", address]
        told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 5 and told.stdout == ""
    assert told.stderr.startswith(f"graphcorr: {address}: the server cannot be reached")
    assert told.stderr.count("\n") == 1


# -- data of others ----------------------------------------------------------------------------------------------


def test_a_database_with_foreign_data_is_written_only_when_told(server: AnyServer, tables: Path) -> None:
    with driver(server) as other:
        other.execute_query("CREATE (:ForeignThing {key: 't/u1'})-[:OWNS {key: 'x'}]->(:ForeignThing)")
        store = connect(server)
        with pytest.raises(StoreError, match=r"not graphcorr's: ForeignThing.*--into-shared"):
            store.write(tables, "p", None)
        assert store.marker() is None
        store.close()
        shared = Neo4jStore(Connection(server.address, Credentials(server.user, server.password)), into_shared=True)
        shared.write(tables, "p", None)
        assert verify(shared, tables).counts == {}
        shared.clear()
        left = other.execute_query("MATCH (a)-[e]->(b) RETURN labels(a), type(e), labels(b)").records
        assert [tuple(record.values()) for record in left] == [(["ForeignThing"], "OWNS", ["ForeignThing"])]
        assert other.execute_query("MATCH (n) RETURN count(n)").records[0][0] == 2
        shared.close()


# What others may have in a database: our keys and edge types under labels of theirs, a node without a label, an index.
FOREIGN = (
    "CREATE CONSTRAINT foreign_key IF NOT EXISTS FOR (n:ForeignThing) REQUIRE n.key IS UNIQUE",
    "CREATE INDEX foreign_name IF NOT EXISTS FOR (n:ForeignThing) ON (n.name)",
    "CREATE (:ForeignThing {key: 't/u1', name: 'theirs'})-[:OWNS {key: 'x'}]->(:ForeignThing:ForeignKind {key: 'y'})",
    "CREATE ({name: 'without a label'})",
)
_THEIRS = "NOT any(label IN labels({0}) WHERE label IN $ours OR label = 'GraphcorrMarker')"


def theirs(other: neo4j.Driver) -> list[list[Any]]:
    """Everything in the database that is not ours: nodes, edges between them, constraints and indexes."""
    ours = sorted({label for node in NODES for labels in node.label_sets for label in labels})
    nodes = f"MATCH (n) WHERE {_THEIRS.format('n')} RETURN labels(n), properties(n) ORDER BY n.name"
    edges = f"MATCH (a)-[e]->() WHERE {_THEIRS.format('a')} RETURN type(e), properties(e), a.key"
    schema = [
        f"SHOW {kind} YIELD name, type, labelsOrTypes, properties WHERE NOT name STARTS WITH 'graphcorr' "
        "RETURN name, type, labelsOrTypes, properties ORDER BY name"
        for kind in ("CONSTRAINTS", "INDEXES")
    ]
    return [[r.data() for r in other.execute_query(cypher, ours=ours).records] for cypher in (nodes, edges, *schema)]


def test_the_command_line_writes_beside_data_of_others_when_told_and_leaves_it_as_it_was(
    server: AnyServer, constructed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    answer = answering(server, monkeypatch, capsys)
    logs = constructed / "log-analytics-json"
    embedded = ["--home", str(tmp_path / "one"), "-q"]
    remote = ["--home", str(tmp_path / "two"), "-q", "--store", server.address]

    with driver(server) as other:
        try:
            assert answer(["load", str(logs)], embedded)[0] == 0
            assert answer(["clear"], remote)[0] == 0  # schema of the tests before
            for statement in FOREIGN:
                other.execute_query(statement)
            before = theirs(other)

            assert answer(["load", str(logs / "AuditLogs.jsonl")], remote)[0] == 5
            assert answer(["clear"], remote)[0] == 0  # nothing of ours is there
            assert theirs(other) == before
            assert answer(["load", str(logs / "AuditLogs.jsonl"), "--into-shared"], remote)[0] == 0
            # From then on the marker says that it was meant.
            assert answer(["load", str(logs)], remote)[0] == 0
            few = ["scan", "--format", "json", *FEW_PATTERNS]
            assert answer(few, remote) == answer(few, embedded)
            assert answer(["verify", "--format", "json"], remote) == (0, "[]\n")
            assert theirs(other) == before

            assert answer(["clear"], remote)[0] == 0
            assert theirs(other) == before
            assert other.execute_query("MATCH (n) RETURN count(n)").records[0][0] == len(before[0])
            assert not [r for r in other.execute_query("SHOW INDEXES").records if r["name"].startswith("graphcorr")]
            assert answer(["verify"], remote)[0] == 5  # nothing to compare with
            assert answer(["load", str(logs)], remote)[0] == 5  # and it has to be told again
            assert theirs(other) == before
        finally:
            other.execute_query("MATCH (n) WHERE labels(n) = [] DELETE n")
            other.execute_query("DROP CONSTRAINT foreign_key IF EXISTS")
            other.execute_query("DROP INDEX foreign_name IF EXISTS")


def test_foreign_data_under_our_labels_is_refused_even_when_told(server: AnyServer, tables: Path) -> None:
    with driver(server) as other:
        other.execute_query("CREATE (:Identity {name: 'theirs'})")
    store = Neo4jStore(Connection(server.address, Credentials(server.user, server.password)), into_shared=True)
    with pytest.raises(StoreError, match="labels of ours: Identity"):
        store.write(tables, "p", None)
    store.close()


def test_rows_that_others_removed_are_noticed_and_built_anew(server: AnyServer, tables: Path, tmp_path: Path) -> None:
    with connect(server) as store, driver(server) as other:
        store.write(tables, "before", None)
        other.execute_query("MATCH (u:User {key: 't/u3'}) DETACH DELETE u")
        renamed = [{**user, "name": "renamed"} for user in USERS[:5]]
        after = write(tmp_path / "after", [*renamed, *USERS[5:], OWNER], OWNS)
        assert store.write(after, "after", tables).full
        assert verify(store, after).counts == {}


# What others may do to our nodes and edges → what verify says of it.
TAMPERED = {
    "SET o.name = 'other'": {"DirectoryObject changed": 1},
    "SET o.name = 5": {"DirectoryObject changed": 1},
    "SET o.key = 5": dict.fromkeys(("DirectoryObject missing", "DirectoryObject unexpected"), 1)
    | dict.fromkeys(("OWNS missing", "OWNS unexpected"), 20),
    "SET o.reviewed = true": {"DirectoryObject extended": 1},
    "SET o:ForeignThing": {"DirectoryObject missing": 1, "DirectoryObject unexpected": 1},
    "DETACH DELETE u": {"DirectoryObject missing": 1, "OWNS missing": 1},
    "DELETE e": {"OWNS missing": 1},
    "SET e.validFrom = datetime()": {"OWNS changed": 1},
    "CREATE (u)-[f:OWNS]->(o) SET f = properties(e)": {"OWNS double": 1},
    "CREATE (u)-[:OWNS {key: 'x'}]->(:ForeignThing)": {"OWNS unexpected": 1},
    "CREATE (:User:ForeignThing {key: 'x'})": {"DirectoryObject unexpected": 1},
    "CREATE (:DirectoryObject:User)": {"DirectoryObject unexpected": 1},
}  # fmt: skip


@pytest.mark.parametrize("statement", TAMPERED)
def test_verify_sees_whatever_others_did(server: AnyServer, tables: Path, statement: str) -> None:
    with connect(server) as store, driver(server) as other:
        store.write(tables, "p", None)
        other.execute_query(f"MATCH (u:User {{key: 't/u3'}})-[e:OWNS]->(o) {statement}")
        found = verify(store, tables)
        other.execute_query("MATCH (n:User) WHERE n.key IS NULL DETACH DELETE n")
        other.execute_query("MATCH (n:DirectoryObject) WHERE n.key = 5 SET n.key = 't/sp'")
    assert found.counts == TAMPERED[statement]
    assert len(found.rows) == sum(found.counts.values())


# -- the lease ---------------------------------------------------------------------------------------------------


def test_a_second_writer_is_told_who_writes(server: AnyServer, tables: Path) -> None:
    connection = Connection(server.address, Credentials(server.user, server.password))
    second = Neo4jStore(Connection(server.address, Credentials(server.user, server.password)), lock_timeout=0.3)
    with connect(server) as first:
        first.write(tables, "p", None)
    lease = Lease(connection, "load")
    with lease.held(1), pytest.raises(LockedError, match=r"held by load \(process \d+ on .*its lease ends at 20"):
        second.write(tables, "q", None)
    assert not second.write(tables, "p", None).full  # given back
    connection.close()
    second.close()


def test_whoever_lost_the_lease_writes_no_more(server: AnyServer, tables: Path) -> None:
    with connect(server) as store, driver(server) as other:

        def steal(*_: Any) -> None:
            other.execute_query("MATCH (m:GraphcorrMarker) SET m.holderId = 'another'")

        with pytest.raises(LockedError, match="took over"):
            store.write(tables, "p", None, steal)
        other.execute_query("MATCH (m:GraphcorrMarker) SET m.leaseUntil = datetime() - duration('PT1S')")
        assert store.write(tables, "p", None).full  # a lease that ended is free
        assert verify(store, tables).counts == {}


def test_a_database_that_is_being_written_is_not_read(server: AnyServer, tables: Path) -> None:
    with connect(server) as writer, connect(server) as reader:

        def read(*_: Any) -> None:
            with pytest.raises(StoreError, match="under way"):
                reader.query("MATCH (n) RETURN n")

        writer.write(tables, "p", None, read)
        assert reader.query("MATCH (u:User) RETURN count(u)").rows == ((20,),)


# -- large transactions ------------------------------------------------------------------------------------------


def test_batches_shrink_to_what_the_server_has_memory_for(server: AnyServer, tmp_path: Path) -> None:
    if isinstance(server, Given):
        pytest.skip("needs a server with a small db.memory.transaction.max")
    long = [node("DirectoryObject:User", f"t/{n}", name=f"{n:05}" * 6_000) for n in range(900)]
    rows = [{"name": row["name"]} for row in long]
    with connect(server) as store, driver(server) as other:
        # Not `execute_query`, which tries again for half a minute.
        with other.session() as session, pytest.raises(Neo4jError, match="memory"):
            session.run("UNWIND $rows AS row CREATE (n:Foreign) SET n = row", rows=rows).consume()
        store.write(write(tmp_path / "long", long, []), "long", None)
        found = store.query("MATCH (u:User) RETURN count(u), sum(size(u.name))").rows
        assert found == ((900, 900 * 30_000),)


def test_batches_grow_again(server: AnyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [node("DirectoryObject:User", f"t/{number}") for number in range(200)]
    sizes = []
    send = neo4j.Transaction.run

    def too_large_at_first(self: Any, query: Any, *arguments: Any, **more: Any) -> Any:
        if "CREATE (n" in query:
            sizes.append(len(arguments[0]["rows"]))
            if len(sizes) == 1:
                raise Neo4jError._hydrate_neo4j(code="Neo.TransientError.General.TransactionMemoryLimit", message="x")
        return send(self, query, *arguments, **more)

    monkeypatch.setattr(neo4j_write, "_BATCH_ROWS", 20)
    monkeypatch.setattr(neo4j.Transaction, "run", too_large_at_first)
    with connect(server) as store:
        store.write(write(tmp_path / "users", users, []), "users", None)
    assert sizes == [20, 10, 10, 17, 3, *[20] * 8]


# -- what goes wrong on the way ----------------------------------------------------------------------------------


def test_a_wrong_password_is_said_and_not_shown(server: AnyServer) -> None:
    with (
        Neo4jStore(Connection(server.address, Credentials(server.user, "wr0ng-secret"))) as store,
        pytest.raises(StoreError, match="refuses user or password.*--credentials-file") as caught,
    ):
        store.marker()
    assert "wr0ng" not in str(caught.value)


def test_a_database_that_does_not_exist_is_named(server: AnyServer) -> None:
    connection = Connection(server.address, Credentials(server.user, server.password), "nowhere")
    with Neo4jStore(connection) as store, pytest.raises(StoreError, match="nowhere.*--database"):
        store.marker()


def test_a_server_that_is_not_there_is_said_at_once() -> None:
    with (
        Neo4jStore(Connection("bolt://127.0.0.1:9")) as store,
        pytest.raises(StoreError, match="bolt://127.0.0.1:9: the server cannot be reached"),
    ):
        store.marker()


ADDRESSES = {
    "http://host": "not the address",
    "neo4j://": "not the address",
    "neo4j://user:pa55@host": "credentials do not belong",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_not_understood_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match=ADDRESSES[address]) as caught:
        Connection(address)
    assert "pa55" not in str(caught.value)


# Code and message of the server → our error and words; what a Community server cannot be made to say.
ANSWERS: dict[tuple[str, str], tuple[type[Exception], str]] = {
    ("Neo.ClientError.Security.Forbidden", "Create node is not allowed"): (StoreError, "may not write"),
    ("Neo.TransientError.General.TransactionMemoryLimit", "x"): (OverLimit, "db.memory.transaction.max"),
    ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", "x"): (OverLimit, "db.memory.transaction.max"),
    ("Neo.ClientError.Transaction.TransactionTimedOut", "x"): (OverLimit, "db.transaction.timeout"),
    ("Neo.DatabaseError.General.UnknownError", "write: No space left on device"): (StoreError, "disk.*probably full"),
    ("Neo.DatabaseError.Transaction.TransactionLogError", "x"): (StoreError, "disk.*probably full.*restart the server"),
    (
        "Neo.DatabaseError.Schema.ConstraintCreationFailed",
        "Unable to create Constraint( name='x' ):\nCould not append transaction: Transaction #6 to log.",
    ): (StoreError, "disk.*probably full"),
    ("Neo.TransientError.Transaction.BookmarkTimeout", "x"): (StoreError, "disk may be full.*restart the server"),
    ("Neo.ClientError.Cluster.NotALeader", "No write on follower"): (StoreError, "neo4j:// instead of bolt://"),
    ("Neo.ClientError.Statement.SyntaxError", "Invalid input"): (PatternError, "not valid: Invalid input"),
    ("Neo.DatabaseError.General.UnknownError", "boom"): (StoreError, "server failed.*boom"),
}


def test_a_server_that_never_answers_while_it_makes_an_index_is_not_waited_for(
    server: AnyServer, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, freed = [], threading.Event()
    send = neo4j.Transaction.run

    def stuck(self: Any, query: Any, *arguments: Any, **more: Any) -> Any:
        if str(query).startswith("CREATE CONSTRAINT graphcorr_Identity_key"):
            waiting.append(threading.current_thread())
            freed.wait()
        return send(self, query, *arguments, **more)

    with connect(server) as store:
        store.write(tables, "p", None)
        store.clear()  # its constraints too
        with monkeypatch.context() as patch:
            patch.setattr(neo4j_write, "_PATIENCE_SECONDS", 2)
            patch.setattr(neo4j.Transaction, "run", stuck)
            with pytest.raises(StoreError, match="does not answer.*disk is probably full.*free space there"):
                store.write(tables, "p", None)
            freed.set()
            waiting[0].join()
        assert store.write(tables, "p", None).full
        assert verify(store, tables).counts == {}


def test_an_index_that_is_left_where_a_constraint_belongs_gives_way(server: AnyServer, tables: Path) -> None:
    with connect(server) as store, driver(server) as other:
        store.write(tables, "p", None)
        store.clear()
        other.execute_query("CREATE INDEX graphcorr_GraphcorrMarker_key FOR (n:GraphcorrMarker) ON (n.key)")
        other.execute_query("CREATE INDEX graphcorr_Identity_key FOR (n:Identity) ON (n.key)")
        store.write(tables, "p", None)
        names = {record["name"] for record in other.execute_query("SHOW CONSTRAINTS YIELD name").records}
        assert {"graphcorr_GraphcorrMarker_key", "graphcorr_Identity_key"} <= names
        store.clear()
        assert not [r for r in other.execute_query("SHOW INDEXES").records if r["name"].startswith("graphcorr")]


def test_a_server_that_is_killed_while_it_makes_a_constraint_leaves_nothing_in_the_way(
    server: AnyServer, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = neo4j.Transaction.run
    killed = []
    with connect(server) as store, driver(server) as other:
        store.write(tables, "p", None)
        store.clear()

        def half_done(self: Any, query: Any, *arguments: Any, **more: Any) -> Any:
            """What is found after its start: the index, without the constraint."""
            if not killed and str(query).startswith("CREATE CONSTRAINT graphcorr_Identity_key"):
                killed.append(query)
                self.rollback()
                other.execute_query("CREATE INDEX graphcorr_Identity_key FOR (n:Identity) ON (n.key)")
                raise SessionExpired("x")
            return send(self, query, *arguments, **more)

        monkeypatch.setattr(neo4j.Transaction, "run", half_done)
        store.write(tables, "p", None)
        assert killed and verify(store, tables).counts == {}
        names = {record["name"] for record in other.execute_query("SHOW CONSTRAINTS YIELD name").records}
        assert "graphcorr_Identity_key" in names


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer[0])
def test_errors_of_the_server_say_what_to_do(answer: tuple[str, str]) -> None:
    code, message = answer
    kind, words = ANSWERS[answer]
    ours = failure(Neo4jError._hydrate_neo4j(code=code, message=message), "neo4j://host")
    assert type(ours) is kind
    with pytest.raises(kind, match=words):
        raise ours


def test_credentials_come_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("# Aura\nNEO4J_URI=neo4j+s://x\nNEO4J_USERNAME=reader\nNEO4J_PASSWORD=a=b\n")
    assert read_credentials(file, {}) == Credentials("reader", "a=b")
    assert "a=b" not in repr(read_credentials(file, {}))
    assert read_credentials(None, {"NEO4J_PASSWORD": "x"}) == Credentials("neo4j", "x")
    assert read_credentials(None, {}) is None
    file.write_text("secret-without-a-name")
    for broken in (file, tmp_path / "missing"):
        with pytest.raises(UsageError) as caught:
            read_credentials(broken, {})
        assert "secret-without" not in str(caught.value)


@pytest.mark.skipif(os.environ.get("GRAPHCORR_REQUIRE_RUST") != "1", reason="for the lane with neo4j-rust-ext")
def test_the_driver_packs_with_rust() -> None:
    from neo4j._codec.packstream import v1
    from neo4j._rust.codec.packstream.v1 import pack

    assert v1._rust_pack is pack
