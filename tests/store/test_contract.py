"""What every store promises (graphcorr/store/base.py)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphcorr.errors import OverLimit, PatternError, StoreError, UsageError
from graphcorr.graph.schema import EDGES, NODES, VERSION
from graphcorr.store.base import GraphEdge, GraphNode, GraphPath, Marker, Store
from graphcorr.store.difference import column_types, table_name
from graphcorr.store.verify import RowDifference, verify
from tests.graphs import Row, edge, node, write

T1 = datetime(2026, 5, 11, 8, 3, 14, 103456, tzinfo=UTC)
T2 = datetime(2026, 5, 12, 0, 0, 0, tzinfo=UTC)

IDENTITY = node("Identity", "t/app:1", tenantId="t", identityId="app:1", name="backup", formerNames=["old", "older"])
PRINCIPAL = node(
    "DirectoryObject:ServicePrincipal", "t/sp1", objectId="sp1", createdAt=T1, enabled=False, originEventIds=[]
)
MANAGED = node("DirectoryObject:ServicePrincipal:ManagedIdentity", "t/mi1", objectId="mi1", createdAt=T2)
USER = node("DirectoryObject:User", "t/u1", objectId="u1", userPrincipalName="u@x")
PLAIN = node("DirectoryObject", "t/x1", objectId="x1", kind="group")
CHANGE = node("Change", "c1", tenantId="t", eventId="c1", at=T1)
UNDATED = node("Change", "c2", tenantId="t", eventId="c2")
SIGN_IN = node("SignIn", "s1", tenantId="t", count=3, hour=datetime(2026, 5, 11, 8, tzinfo=UTC))
NODE_ROWS = [IDENTITY, PRINCIPAL, MANAGED, USER, PLAIN, CHANGE, UNDATED, SIGN_IN]
EDGE_ROWS = [
    edge("PART_OF", PRINCIPAL, IDENTITY, basis="signIn", confidence="exact", eventIds=["e1", "e2"]),
    edge("PART_OF", MANAGED, IDENTITY, basis="audit", confidence="high"),
    edge("SIGNED_IN", PRINCIPAL, SIGN_IN),
    edge("MADE", USER, CHANGE),
    edge("CHANGED", CHANGE, PRINCIPAL, role="ServicePrincipal"),
    edge("OWNS", USER, PRINCIPAL, validFrom=T1),
]


def changed(row: Row, **values: Any) -> Row:
    return {**row, **values}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("first"), NODE_ROWS, EDGE_ROWS)


@pytest.fixture
def filled(shared_store: Store, tables: Path) -> Store:
    if shared_store.marker() != Marker(VERSION, "first"):
        shared_store.write(tables, "first", None)
    return shared_store


def values(store: Store, cypher: str, **parameters: Any) -> list[Any]:
    """The only column of a result."""
    return [row[0] for row in store.query(cypher, parameters).rows]


# -- writing -----------------------------------------------------------------------------------------------------


def test_a_store_that_was_never_written_has_no_marker_and_says_what_to_do(store: Store) -> None:
    assert store.marker() is None
    with pytest.raises(StoreError, match="graphcorr load"):
        store.query("MATCH (n) RETURN n")


def test_a_build_writes_every_row_and_the_marker(store: Store, tables: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    report = store.write(tables, "first", None, lambda *step: seen.append(step))
    assert report.full
    assert dict(report.nodes_written) == {"Identity": 1, "DirectoryObject": 4, "Change": 2, "SignIn": 1}
    assert dict(report.edges_written) == {"PART_OF": 2, "SIGNED_IN": 1, "MADE": 1, "CHANGED": 1, "OWNS": 1}
    assert store.marker() == Marker(VERSION, "first")
    assert seen[-1][1:] == (14, 14)
    assert verify(store, tables).equal


def test_writing_the_same_projection_again_writes_nothing(filled: Store, tables: Path) -> None:
    report = filled.write(tables, "first", tables)
    assert not report.full
    assert not report.nodes_written and not report.edges_written
    assert verify(filled, tables).equal


NEW_USER = node("DirectoryObject:User", "t/u2", objectId="u2")
RELABELLED = changed(PRINCIPAL, labels="DirectoryObject:ServicePrincipal:AgentIdentity")
DIFFERENCES: dict[str, tuple[list[Row], list[Row]]] = {
    "nothing": (NODE_ROWS, EDGE_ROWS),
    "a node and an edge to an old node added": (
        [*NODE_ROWS, NEW_USER],
        [*EDGE_ROWS, edge("OWNS", NEW_USER, PRINCIPAL)],
    ),
    "properties changed, added and dropped": (
        [changed(row, name="renamed", formerNames=None, createdAt=T2) if row is IDENTITY else row for row in NODE_ROWS],
        [
            changed(row, basis="audit", eventIds=None, confidence="low") if row is EDGE_ROWS[0] else row
            for row in EDGE_ROWS
        ],
    ),
    "a property of an edge from the many side": (
        NODE_ROWS,
        [changed(row, validFrom=None, validTo=T2) if row["type"] == "OWNS" else row for row in EDGE_ROWS],
    ),
    "edges removed": (NODE_ROWS, EDGE_ROWS[:2] + EDGE_ROWS[3:5]),
    "a node removed with its edges": ([r for r in NODE_ROWS if r is not USER], [*EDGE_ROWS[:3], EDGE_ROWS[4]]),
    "a node relabelled keeps its edges": ([RELABELLED if r is PRINCIPAL else r for r in NODE_ROWS], EDGE_ROWS),
    "a node relabelled while its edges change": (
        [RELABELLED if r is PRINCIPAL else r for r in NODE_ROWS],
        [changed(EDGE_ROWS[0], basis="audit"), *EDGE_ROWS[1:5]],
    ),
    "an edge leads elsewhere under its old key": (
        NODE_ROWS,
        [*EDGE_ROWS[:5], edge("OWNS", USER, MANAGED, key=EDGE_ROWS[5]["key"])],
    ),
    "everything else": ([node("Token", "k", tokenId="k")], []),
    "nothing left": ([], []),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_a_difference_makes_the_store_equal_to_the_new_tables(
    filled: Store, tables: Path, tmp_path: Path, case: str
) -> None:
    after = write(tmp_path / "second", *DIFFERENCES[case])
    report = filled.write(after, "second", tables)
    found = verify(filled, after)
    assert (found.counts, filled.marker()) == ({}, Marker(VERSION, "second"))
    assert report.full == case.startswith(("everything", "nothing left"))
    back = filled.write(tables, "first", after)
    assert verify(filled, tables).counts == {}
    assert not back.full or case.startswith(("everything", "nothing left"))


@pytest.mark.parametrize("relabelled", [False, True])
def test_of_a_table_in_files_only_those_with_another_name_are_compared(
    store: Store, tmp_path: Path, relabelled: bool
) -> None:
    new = node("SignIn", "s2", tenantId="t", count=1)
    before = write(tmp_path / "first", NODE_ROWS, EDGE_ROWS)
    after = write(
        tmp_path / "second",
        [*(RELABELLED if relabelled and row is PRINCIPAL else row for row in NODE_ROWS), new],
        [*EDGE_ROWS, edge("SIGNED_IN", PRINCIPAL, new)],
    )
    for table in ("nodes/SignIn", "edges/SIGNED_IN"):
        _in_parts(before, table, {"a": {"s1"}})
        _in_parts(after, table, {"a": {"s1"}, "b": {"s2"}})
    store.write(before, "first", None)
    for path in before.glob("*/*.parquet/a.parquet"):
        path.write_bytes(b"not read")
    report = store.write(after, "second", before)
    assert (report.full, verify(store, after).counts) == (False, {})
    assert report.nodes_written == {"SignIn": 1} | ({"DirectoryObject": 1} if relabelled else {})


def _in_parts(folder: Path, table: str, parts: dict[str, set[str]]) -> None:
    """Turn a table into a folder: part → keys of the sign-ins that it has."""
    path = folder / f"{table}.parquet"
    rows = pq.read_table(path)
    path.unlink()
    path.mkdir()
    of = rows.column("toKey" if "toKey" in rows.column_names else "key").to_pylist()
    for part, keys in parts.items():
        pq.write_table(rows.filter(pa.array([key in keys for key in of])), path / f"{part}.parquet")


def test_the_report_of_a_difference_counts_what_was_written(filled: Store, tables: Path, tmp_path: Path) -> None:
    after = write(tmp_path / "second", *DIFFERENCES["a node relabelled while its edges change"])
    report = filled.write(after, "second", tables)
    assert dict(report.nodes_written) == {"DirectoryObject": 1}
    assert dict(report.nodes_deleted) == {"DirectoryObject": 1}
    assert dict(report.edges_written) == {"PART_OF": 1, "SIGNED_IN": 1, "CHANGED": 1}
    assert dict(report.edges_deleted) == {"OWNS": 1}


def test_without_previous_tables_everything_is_built_anew(filled: Store, tmp_path: Path) -> None:
    after = write(tmp_path / "second", [IDENTITY], [])
    assert filled.write(after, "second", None).full
    assert verify(filled, after).equal


def test_a_failed_write_leaves_what_the_next_one_repairs(filled: Store, tables: Path, tmp_path: Path) -> None:
    dangling = edge("OWNS", node("DirectoryObject:User", "t/ghost"), PRINCIPAL)
    broken = write(tmp_path / "broken", NODE_ROWS, [*EDGE_ROWS, dangling])
    for previous in (tables, None):
        with pytest.raises(StoreError, match="ghost"):
            filled.write(broken, "broken", previous)
    filled.write(tables, "again", tables)
    assert verify(filled, tables).equal
    assert filled.marker() == Marker(VERSION, "again")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (node("DirectoryObject:Robot", "r"), "Robot"),
        (node("Name", "n", value="x" * 9_000), "indexes a value of 9000 bytes"),
    ],
)
def test_rows_that_no_store_takes_are_refused_by_name(store: Store, tmp_path: Path, row: Row, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        store.write(write(tmp_path / "bad", [row], []), "bad", None)


def test_clear_removes_everything(filled: Store, tables: Path) -> None:
    filled.clear()
    assert filled.marker() is None
    filled.write(tables, "first", None)
    assert verify(filled, tables).equal


# -- values ------------------------------------------------------------------------------------------------------

HOSTILE = {
    "quotes": "' \" ` \\ \\' '}) DETACH DELETE n //",
    "newlines": "a\r\nb\tc\u2028d",
    "control": "".join(chr(i) for i in range(1, 32)) + "\x7f\x1b[31m",
    "emoji": "👩‍💻 ünï \u202e 漢字",
    "template": "{$key} ${x} %s {{ }} #1:0",
    "json": '{"_src": "#1:0", "key": null}',
    "blank": "",
    "long": "ä" * 500_000,
    "nul": "a\x00b",
}


def test_hostile_text_comes_back_exactly(store: Store, tmp_path: Path) -> None:
    nodes = [node("DirectoryObject:User", f"t/{name}", name=text) for name, text in HOSTILE.items()]
    nodes.append(node("Name", HOSTILE["quotes"], value=HOSTILE["newlines"]))
    lists = node("Identity", "i", formerNames=list(HOSTILE.values()))
    edges = [edge("CHANGED", CHANGE, row, role=row["name"]) for row in nodes[:-1]]
    tables = write(tmp_path / "hostile", [*nodes, lists, CHANGE], edges)
    store.write(tables, "hostile", None)
    assert {key: HOSTILE[key[2:]] for key in values(store, "MATCH (u:User) RETURN u.key")} == {
        row[0]: row[1] for row in store.query("MATCH (u:User) RETURN u.key, u.name").rows
    }
    assert values(store, "MATCH (i:Identity) RETURN i.formerNames") == [list(HOSTILE.values())]
    for name, text in HOSTILE.items():
        assert values(store, "MATCH (u:User) WHERE u.name = $text RETURN u.key", text=text) == [f"t/{name}"]
        assert values(store, "RETURN $text", text=text) == [text]
    assert verify(store, tables).equal
    # The same through a difference.
    after = write(
        tmp_path / "after", [changed(row, caption=row["key"] * 2) for row in nodes] + [lists, CHANGE], edges[1:]
    )
    store.write(after, "after", tables)
    assert verify(store, after).equal


def test_nodes_edges_and_paths_have_labels_and_properties_and_no_inner_ids(filled: Store) -> None:
    row = filled.query("MATCH p = (s {key: 't/sp1'})-[e:PART_OF]->(i) RETURN s, e, p, [i] AS l, {n: i} AS m").dicts()[0]
    principal = GraphNode(
        frozenset({"DirectoryObject", "ServicePrincipal"}),
        {
            "key": "t/sp1",
            "caption": "caption of t/sp1",
            "objectId": "sp1",
            "createdAt": T1,
            "enabled": False,
            "originEventIds": [],
        },
    )
    identity = GraphNode(frozenset({"Identity"}), {name: value for name, value in IDENTITY.items() if name != "labels"})
    part_of = GraphEdge(
        "PART_OF", {"key": EDGE_ROWS[0]["key"], "basis": "signIn", "confidence": "exact", "eventIds": ["e1", "e2"]}
    )
    assert row == {
        "s": principal,
        "e": part_of,
        "p": GraphPath((principal, identity), (part_of,)),
        "l": [identity],
        "m": {"n": identity},
    }


def test_columns_keep_the_order_of_the_query_and_nulls(filled: Store) -> None:
    result = filled.query("MATCH (c:Change) RETURN c.at AS z, c.key AS a, c.nothing AS m ORDER BY a")
    assert result.columns == ("z", "a", "m")
    assert result.rows == ((T1, "c1", None), (None, "c2", None))


LABELS = {
    "(n:DirectoryObject)": {"t/sp1", "t/mi1", "t/u1", "t/x1"},
    "(n:ServicePrincipal)": {"t/sp1", "t/mi1"},
    "(n:ServicePrincipal:ManagedIdentity)": {"t/mi1"},
    "(n:ManagedIdentity:ServicePrincipal)": {"t/mi1"},
    "(n:User)": {"t/u1"},
    "(n:AgentIdentity)": set(),
    "(n:DirectoryObject {objectId: 'x1'})": {"t/x1"},
    "(n:ServicePrincipal {key: 't/mi1'})": {"t/mi1"},
    "(n) WHERE n:User OR n:Identity": {"t/u1", "t/app:1"},
    "(n:DirectoryObject) WHERE NOT n:ServicePrincipal": {"t/u1", "t/x1"},
    "(:User)-[:OWNS]->(n:ServicePrincipal)": {"t/sp1"},
    "(n)-[:PART_OF*0..1]->(:Identity)": {"t/sp1", "t/mi1", "t/app:1"},
}


@pytest.mark.parametrize("pattern", LABELS)
def test_nodes_are_found_by_any_of_their_labels(filled: Store, pattern: str) -> None:
    found = values(filled, f"MATCH {pattern} RETURN n.key")
    assert (sorted(found), len(found)) == (sorted(LABELS[pattern]), len(set(found)))


def test_every_label_and_type_of_the_schema_can_be_asked_for(filled: Store) -> None:
    for kind in NODES:
        for label in {label for labels in kind.label_sets for label in labels}:
            filled.query(f"MATCH (n:{label}) RETURN n")
    for edge_kind in EDGES:
        filled.query(f"MATCH ()-[e:{edge_kind.type}]->() RETURN e")


# Expression over c (the dated Change, at = T1), with $asOf = T2 and $iso = T1 as text → what both stores answer.
TIMES: dict[str, Any] = {
    "c.at": T1,
    "c.at < $asOf": True,
    "c.at = $same": True,
    "c.at = datetime($iso)": True,
    "c.at IN [$same]": True,
    "c.at - duration($day)": T1 - timedelta(days=1),
    "c.at + duration('P3D') > $asOf": True,
    "$asOf - duration($day) <= c.at": True,
    "$asOf - duration($day)": T2 - timedelta(days=1),
    "c.at.epochMillis": 1_778_486_594_103,
    "$asOf.epochMillis - c.at.epochMillis": 57_405_897,
    "c.at.hour": 8,
    "duration.inSeconds(c.at, $asOf).seconds": 57_405,
    "datetime.truncate('day', c.at)": datetime(2026, 5, 11, tzinfo=UTC),
    "datetime.truncate('hour', c.at)": datetime(2026, 5, 11, 8, tzinfo=UTC),
    "toString(date(c.at))": "2026-05-11",
    "date(c.at)": "2026-05-11",
    "max(c.at)": T1,
    "collect(c.at)": [T1],
    "coalesce(c.validTo, $asOf)": T2,
    "datetime({epochMillis: c.at.epochMillis})": T1.replace(microsecond=103_000),
    "$offset": T2,
    "$times[0]": T1,
    "c.nothing.epochMillis": None,
    "c.nothing - duration($day)": None,
    "c.nothing < $asOf": None,
    "CASE WHEN c.at < $asOf THEN 'before' ELSE 'after' END": "before",
}


@pytest.mark.parametrize("expression", TIMES)
def test_times_behave_the_same_on_every_store(filled: Store, expression: str) -> None:
    offset = T2.astimezone(timezone(timedelta(hours=5, minutes=30)))
    found = values(filled, f"MATCH (c:Change) WHERE c.at IS NOT NULL RETURN {expression} AS x", asOf=T2, same=T1,
                   iso=T1.isoformat(), day="P1D", offset=offset, times=[T1])  # fmt: skip
    assert found == [TIMES[expression]]


def test_undated_nodes_sort_last(filled: Store) -> None:
    assert values(filled, "MATCH (c:Change) RETURN c.key ORDER BY c.at") == ["c1", "c2"]


@pytest.mark.parametrize("value", ["ü", 2**62, -1, 0.5, True, None, [1, 2], ["a", None], {"a": [T1]}, T1])
def test_parameters_come_back_as_they_were(filled: Store, value: Any) -> None:
    assert values(filled, "RETURN $value", value=value) == [value]


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), {1, 2}, object()])  # noqa: DTZ001
def test_parameters_without_a_meaning_are_refused(filled: Store, value: Any) -> None:
    with pytest.raises(UsageError):
        filled.query("RETURN $value", {"value": value})


# -- known differences -------------------------------------------------------------------------------------------

# Statement → kind, why, and what the embedded store and Neo4j answer. Kinds: `never` (by nature), `upstream` (an engine
# may mend it), `ours`. Patterns avoid all of them. A row that stops being true fails: then it goes.
DIFFERENT: dict[str, tuple[str, str, Any, Any]] = {
    "MATCH (n:GraphcorrMarker) RETURN count(n)": ("never", "Neo4j keeps the marker as a node", 0, 1),
    "RETURN toString($asOf)": (
        "upstream", "seconds that are 0 are left out", "2026-05-12T00:00Z", "2026-05-12T00:00:00Z"),
    "MATCH (c:Change {key: 'c1'}) RETURN duration.between(c.at, $asOf) < duration('P1D')": (
        "never", "Neo4j does not order durations", True, None),
    "MATCH (u:User) OPTIONAL MATCH (u)-[:OWNS]->(t:User) RETURN EXISTS { MATCH (u)-[:OWNS]->(t) }": (
        "upstream", "a null from outside is taken for any node", True, False),
    "MATCH (u:User) LET k = u.key RETURN k": ("upstream", "Cypher 25, not the default of Neo4j", "t/u1", PatternError),
    "MATCH (u:User) FILTER u.key = 't/u1' RETURN u.key": ("upstream", "as LET", "t/u1", PatternError),
    "RETURN apoc.text.join(['a'], 'b')": ("never", "a plug-in on Neo4j", "a", PatternError),
}  # fmt: skip


@pytest.mark.parametrize("statement", DIFFERENT)
def test_known_differences_are_as_stated(filled: Store, statement: str) -> None:
    _, _, embedded, server = DIFFERENT[statement]
    expected = embedded if filled.name == "embedded" else server
    if expected is PatternError:
        with pytest.raises(PatternError):
            filled.query(statement, {"asOf": T2})
    else:
        assert values(filled, statement, asOf=T2) == [expected]


# -- reading only ------------------------------------------------------------------------------------------------

REFUSED = [
    "CREATE (n:User {key: 'z'})",
    "MATCH (n) SET n.name = 'x'",
    "MATCH (n) DETACH DELETE n",
    "MERGE (n:User {key: 'z'}) RETURN n",
    "MATCH (n) REMOVE n.name",
    "MATCH (n) CALL (n) { CREATE (:User {key: 'u'}) } RETURN n",
    "MATCH (n) FOREACH (x IN [1] | SET n.count = x)",
    "CREATE INDEX foo FOR (n:User) ON (n.zz)",
    "DROP INDEX foo",
    "CALL db.labels()",
    "CALL db.labels() YIELD label RETURN label",
    "OPTIONAL CALL db.labels() YIELD label RETURN label",
    "CALL/**/db.labels()",
    "CALL `db`.labels()",
    "LOAD CSV FROM 'file:///etc/hosts' AS l RETURN l",
    "load /* x */ csv FROM 'file:///etc/hosts' AS l RETURN l",
    "RETURN '\\u0027' LOAD CSV FROM 'x' AS l",
    "SHOW INDEXES",
    "EXPLAIN MATCH (n) RETURN n",
    "RETURN 1; RETURN 2",
    "MATCH (n RETURN n",
    "MATCH (n) RETURN m",
    "MATCH (n) WHERE n.key = $missing RETURN n",
    "",
]


@pytest.mark.parametrize("cypher", REFUSED)
def test_statements_that_are_no_valid_query_are_refused(filled: Store, tables: Path, cypher: str) -> None:
    with pytest.raises(PatternError):
        filled.query(cypher)
    # Neo4j keeps its marker as a node.
    assert values(filled, "MATCH (n) WHERE NOT n:GraphcorrMarker RETURN count(n)") == [len(NODE_ROWS)]


def test_a_statement_too_large_for_the_store_is_told_from_a_wrong_one(filled: Store) -> None:
    with pytest.raises(OverLimit):
        filled.query("UNWIND range(1, 100000) AS i UNWIND range(1, 1000) AS j WITH collect([i, j]) AS x RETURN size(x)")
    assert values(filled, "RETURN 1") == [1]


ALLOWED = [
    "MATCH (n) RETURN 'CREATE' AS a, \"x // SET\" AS b // DELETE",
    "MATCH (c:Change)-[:CHANGED]->(n) CALL (n) { MATCH (n)-[:PART_OF]->(i) RETURN count(i) AS k } RETURN k",
    "MATCH (n) WHERE n.operation CONTAINS 'Remove' RETURN n.set AS `delete`",
    "MATCH (c:Change) OPTIONAL MATCH (c)-[:REMOVED]->(x) RETURN c.at AS start, x AS end",
]


@pytest.mark.parametrize("cypher", ALLOWED)
def test_harmless_statements_with_alarming_words_run(filled: Store, cypher: str) -> None:
    filled.query(cypher)


# -- rows and verify ---------------------------------------------------------------------------------------------


def test_rows_are_those_of_the_projection(filled: Store) -> None:
    for kind in NODES:
        rows = [dict(row) for row in filled.rows(kind.label)]
        expected = [row for row in NODE_ROWS if kind.label == row["labels"].split(":")[0]]
        columns = column_types(kind)
        assert sorted(rows, key=lambda row: row["key"]) == sorted(
            ({name: row.get(name) for name in columns} for row in expected), key=lambda row: row["key"]
        )
    owns = next(kind for kind in EDGES if kind.type == "OWNS")
    assert [dict(row) for row in filled.rows("OWNS")] == [{name: EDGE_ROWS[5].get(name) for name in column_types(owns)}]
    with pytest.raises(StoreError):
        list(filled.rows("Nonsense"))
    assert table_name(owns) == "OWNS"


def test_verify_names_every_planted_difference(filled: Store, tmp_path: Path) -> None:
    nodes = [
        *(row for row in NODE_ROWS if row not in (USER, IDENTITY, PRINCIPAL)),
        changed(IDENTITY, name="other"),
        RELABELLED,
        NEW_USER,
    ]
    edges = [changed(EDGE_ROWS[0], confidence="low"), *EDGE_ROWS[1:3], edge("OWNS", NEW_USER, MANAGED)]
    report = verify(filled, write(tmp_path / "planted", nodes, edges))
    assert not report.equal
    assert set(report.rows) == {
        RowDifference("DirectoryObject", "t/u1", "unexpected"),
        RowDifference("DirectoryObject", "t/u2", "missing"),
        RowDifference("DirectoryObject", "t/sp1", "unexpected"),
        RowDifference("DirectoryObject", "t/sp1", "missing"),
        RowDifference("Identity", "t/app:1", "changed"),
        RowDifference("PART_OF", EDGE_ROWS[0]["key"], "changed"),
        RowDifference("MADE", EDGE_ROWS[3]["key"], "unexpected"),
        RowDifference("CHANGED", EDGE_ROWS[4]["key"], "unexpected"),
        RowDifference("OWNS", EDGE_ROWS[5]["key"], "unexpected"),
        RowDifference("OWNS", "OWNS|t/u2|t/mi1", "missing"),
    }
    assert report.checked == len(NODE_ROWS) + len(EDGE_ROWS)
    assert sum(report.counts.values()) == len(report.rows)
