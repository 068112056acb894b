"""Writes projection tables into a Neo4j database: constraints, then rows in parameterised batches, or their difference.

Labels, types and property names come from the schema; everything else is a parameter. Every transaction counts what it
wrote: a row that found no place is an error, never lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import neo4j

from graphcorr.errors import OverLimit, PatternError, StoreError
from graphcorr.graph.schema import EDGES, NODES, Edge, Node, properties_of
from graphcorr.store.base import Progress
from graphcorr.store.difference import TABLES, Difference
from graphcorr.store.neo4j_connection import AFTER_A_FULL_DISK, Connection, run
from graphcorr.store.neo4j_lease import MARKER_LABEL, Lease
from graphcorr.store.neo4j_values import to_rows
from graphcorr.store.plan import having, property_types

if TYPE_CHECKING:
    from graphcorr.store.difference import Table

# 2,000 to 10,000 rows were equally fast; a transaction that is too large is halved (see _send).
_BATCH_ROWS = 5_000
# Deleting a node deletes its edges in the same transaction.
_DELETED_NODES = 2_000
# For one statement on the schema, of labels that nothing has yet.
_PATIENCE_SECONDS = 60.0
_LABELS = {node.label for node in NODES}
# Nearly all edges lead to one of these: when they are gone no other node is a hub that outgrows a transaction.
_MANY = ("SignIn", "Activity", "Change")


class Disagrees(StoreError):
    """The database does not hold what its marker says: rows to change are not there."""


@dataclass(frozen=True)
class _Statement:
    """Cypher over `$rows` that returns how many it found a place for; `again` is for rows that may be there already."""

    first: str
    again: str
    # False: rows that are not there are as good as done.
    complete: bool = True


def create_marker_constraint(connection: Connection) -> None:
    """Make the marker unique, so that two first writers meet at one."""
    _create(connection, [next(_schema())])


def create_schema(connection: Connection) -> None:
    """Create the constraints and indexes that are not there yet, and wait until they can be used."""
    _create(connection, list(_schema()))


def drop_schema(connection: Connection) -> None:
    """Drop our constraints and indexes, by name."""
    constraints, indexes = _made(connection)
    kinds = dict.fromkeys(indexes, "INDEX") | dict.fromkeys(constraints, "CONSTRAINT")
    _change_schema(connection, [f"DROP {kinds[name]} {name} IF EXISTS" for name, _, _ in _schema() if name in kinds])


def _create(connection: Connection, wanted: Sequence[tuple[str, str, str]]) -> None:
    constraints, indexes = _without_leftovers(connection, wanted)
    made = {"CONSTRAINT": constraints, "INDEX": set(indexes)}
    statements = [f"CREATE {kind} {name} IF NOT EXISTS {rest}" for name, kind, rest in wanted if name not in made[kind]]
    _change_schema(connection, statements, lambda: _without_leftovers(connection, wanted))


def _without_leftovers(
    connection: Connection, wanted: Sequence[tuple[str, str, str]]
) -> tuple[set[str], dict[str, str]]:
    """What is there of the schema, once indexes are dropped that stand in the way of what is wanted.

    A full disk leaves indexes that failed; a server that is killed, or 5.26 on a full disk, the index of a constraint
    that was never made.
    """
    constraints, indexes = _made(connection)
    left = {
        name
        for name, kind, _ in wanted
        if indexes.get(name) == "FAILED" or (kind == "CONSTRAINT" and name in indexes and name not in constraints)
    }
    _change_schema(connection, [f"DROP INDEX {name} IF EXISTS" for name in sorted(left)])
    return constraints, {name: state for name, state in indexes.items() if name not in left}


def _made(connection: Connection) -> tuple[set[str], dict[str, str]]:
    """Names of constraints that are there, names and states of indexes."""
    constraints = {str(name) for (name,) in connection.stream("SHOW CONSTRAINTS YIELD name")}
    indexes = {str(name): str(state) for name, state in connection.stream("SHOW INDEXES YIELD name, state")}
    return constraints, indexes


def _change_schema(
    connection: Connection, statements: Sequence[str], before_again: Callable[[], object] = lambda: None
) -> None:
    """Run statements in one transaction and wait until all indexes can be used.

    `before_again` runs before the statements are tried again. Raises StoreError when the server fails to make an index,
    or does not answer: Neo4j 5.26 keeps whoever waits for an index that finds the disk full waiting for as long as it
    runs. So a thread waits, which is left behind then.
    """
    if not statements:
        return
    done = 0
    outcome: Future[None] = Future()

    def work(transaction: neo4j.Transaction, again: bool) -> None:
        nonlocal done
        if again:
            before_again()
        for statement in statements:
            run(transaction, statement, {}).consume()
            done += 1

    def wait_for_server() -> None:
        try:
            connection.transaction(work)
            _await_indexes(connection)
            outcome.set_result(None)
        except Exception as error:
            outcome.set_exception(error)

    threading.Thread(target=wait_for_server, daemon=True).start()
    before = -1
    while not wait([outcome], _PATIENCE_SECONDS).done:
        if done == before:
            raise StoreError("the server does not answer while it makes an index: its disk is probably full",
                             where=connection.name, hint=AFTER_A_FULL_DISK)  # fmt: skip
        before = done
    outcome.result()


def _await_indexes(connection: Connection) -> None:
    try:
        connection.read("CALL db.awaitIndexes(600)", {})
    except PatternError as error:
        raise StoreError(f"the server cannot make all indexes: {error}", where=connection.name,
                         hint=f"see its log; if its disk is full, {AFTER_A_FULL_DISK}") from error  # fmt: skip


def _schema() -> Iterator[tuple[str, str, str]]:
    """Name, kind and the rest of its statement, for every constraint and index."""
    indexed = []
    yield _constraint(MARKER_LABEL, "key")
    for node in NODES:
        for label in sorted({label for labels in node.label_sets for label in labels}):
            names = [prop.name for prop in properties_of(node) if prop.indexed]
            yield from (_constraint(label, name) for name in names if name == "key")
            indexed += [(label, name) for name in names if name != "key"]
    for label, prop in indexed:
        yield f"graphcorr_{label}_{prop}", "INDEX", f"FOR (n:{label}) ON (n.{prop})"


def _constraint(label: str, prop: str) -> tuple[str, str, str]:
    return f"graphcorr_{label}_{prop}", "CONSTRAINT", f"FOR (n:{label}) REQUIRE n.{prop} IS UNIQUE"


def foreign_labels(connection: Connection) -> tuple[list[str], list[str]]:
    """What is in a database that graphcorr never wrote to: up to five labels, and up to five that are also ours."""
    ours = {label for node in NODES for labels in node.label_sets for label in labels}
    found = [
        str(row[0])
        for row in connection.stream(
            f"MATCH (n) WHERE NOT n:{MARKER_LABEL} WITH labels(n) AS labels LIMIT 10000 "
            "UNWIND CASE labels WHEN [] THEN ['(without a label)'] ELSE labels END AS label "
            "RETURN DISTINCT label ORDER BY label LIMIT 5"
        )
    ]
    mixing = [label for label in sorted(ours) if list(connection.stream(f"MATCH (n:{label}) RETURN 1 LIMIT 1"))]
    return found, mixing[:5]


class Writer:
    """Writes under a lease. A method that fails leaves what was committed; the marker says that it is not complete."""

    def __init__(self, connection: Connection, lease: Lease) -> None:
        self._connection = connection
        self._lease = lease
        self._rows = _BATCH_ROWS

    def delete_everything(self) -> None:
        """Delete all nodes of the schema's kinds, with their edges."""
        # The server keeps these counts: it is asked once, not in a transaction for each label.
        counts = (f"MATCH (n:{label}) RETURN '{label}' AS label, count(n) AS nodes" for label in sorted(_LABELS))
        _, rows = self._connection.read(" UNION ALL ".join(counts), {})
        used = {str(label) for label, nodes in rows if nodes}
        for label in (*(label for label in _MANY if label in used), *sorted(used - set(_MANY))):
            size = _DELETED_NODES
            statement = f"MATCH (n:{label}) WHERE n.key IS NOT NULL WITH n LIMIT $size DETACH DELETE n RETURN count(*)"
            while size:
                try:
                    deleted = self._transaction(statement, {"size": size})
                except OverLimit:
                    if size == 1:
                        raise
                    size //= 2
                    continue
                if deleted < size:
                    break

    def add_all(self, difference: Difference, progress: Progress | None) -> None:
        """Add the added nodes, then the added edges. Raises StoreError for an edge whose ends do not exist."""
        done, total = 0, sum(difference.count(difference.added(table)) for table in TABLES)
        for table in having(TABLES, difference, difference.added):  # type: ignore[type-var]
            for statement, sql in _additions(difference, table):
                for rows in _batches(difference, sql):
                    self._send(statement, rows)
                    done += len(rows)
                    if progress is not None:
                        progress("writing the graph", done, total)

    def remove_all(self, difference: Difference) -> None:
        """Remove the removed edges, then the removed nodes with whatever edges they still have."""
        for edge in having(EDGES, difference, difference.removed):
            relation = difference.removed(edge)
            for start, end in _ends(difference, relation):
                cypher = f"{_match_edge(edge, start, end)} DELETE e RETURN count(*)"
                sql = f'SELECT "fromKey", "toKey", key FROM {relation} WHERE {_between(start, end)}'
                for rows in _batches(difference, sql):
                    self._send(_Statement(cypher, cypher, complete=False), rows)
        for node in having(NODES, difference, difference.removed):
            cypher = f"UNWIND $rows AS row MATCH (n:{node.label} {{key: row[0]}}) DETACH DELETE n RETURN count(*)"
            for rows in _batches(difference, f"SELECT key FROM {difference.removed(node)}", _DELETED_NODES):
                self._send(_Statement(cypher, cypher, complete=False), rows)

    def change_all(self, difference: Difference) -> None:
        """Give the changed nodes and edges their new properties; those that are null now are dropped."""
        for node in having(NODES, difference, difference.changed):
            names = list(property_types(node))
            cypher = (
                f"UNWIND $rows AS row MATCH (n:{node.label} {{key: row[{names.index('key')}]}}) "
                f"SET n = {_map(names)} RETURN count(*)"
            )
            for rows in _batches(difference, f"SELECT {_columns(names)} FROM {difference.changed(node)}"):
                self._send(_Statement(cypher, cypher), rows)
        for edge in having(EDGES, difference, difference.changed):
            relation = difference.changed(edge)
            names = _edge_properties(edge)
            for start, end in _ends(difference, relation):
                cypher = f"{_match_edge(edge, start, end)} SET e = {_map(names, 2)} RETURN count(*)"
                sql = f"SELECT {_columns(['fromKey', 'toKey', *names])} FROM {relation} WHERE {_between(start, end)}"
                for rows in _batches(difference, sql):
                    self._send(_Statement(cypher, cypher), rows)

    def _send(self, statement: _Statement, rows: list[list[Any]]) -> None:
        """Rows in transactions that halve where the server has too little memory or time, and grow again where not."""
        start = 0
        while start < len(rows):
            part = rows[start : start + self._rows]
            try:
                self._write(statement, part)
            except OverLimit:
                if len(part) == 1:
                    raise
                self._rows = len(part) // 2
                continue
            start += len(part)
            # Slowly: what was too large costs as much as what was not.
            self._rows = min(_BATCH_ROWS, self._rows + self._rows // 4 + 1)

    def _write(self, statement: _Statement, rows: list[list[Any]]) -> None:
        def work(transaction: neo4j.Transaction, again: bool) -> None:
            self._lease.renew(transaction)
            result = run(transaction, statement.again if again else statement.first, {"rows": rows})
            done = result.single(strict=True)[0]
            if statement.complete and done != len(rows):
                raise Disagrees(_what_is_missing(transaction, statement, rows, done), where=self._connection.name,
                                hint="project the archive again")  # fmt: skip

        self._connection.transaction(work)

    def _transaction(self, cypher: str, parameters: dict[str, Any]) -> int:
        def work(transaction: neo4j.Transaction, _: bool) -> int:
            self._lease.renew(transaction)
            return int(run(transaction, cypher, parameters).single(strict=True)[0])

        return self._connection.transaction(work)


def _additions(difference: Difference, table: Table) -> Iterator[tuple[_Statement, str]]:
    """Statement and rows for each label set of a node table, each pair of ends of an edge table."""
    relation = difference.added(table)
    if isinstance(table, Node):
        names = list(property_types(table))
        for labels in table.label_sets:
            node = f"(n:{':'.join(labels)} {_map(names)})"
            merge = f"(n:{table.label} {{key: row[{names.index('key')}]}})"
            yield (
                _Statement(
                    f"UNWIND $rows AS row CREATE {node} RETURN count(*)",
                    f"UNWIND $rows AS row MERGE {merge} SET n:{':'.join(labels)}, n = {_map(names)} RETURN count(*)",
                ),
                f"SELECT {_columns(names)} FROM {relation} WHERE labels = '{':'.join(labels)}'",
            )
        return
    names = _edge_properties(table)
    for start, end in _ends(difference, relation):
        nodes = f"UNWIND $rows AS row MATCH (a:{start} {{key: row[0]}}) MATCH (b:{end} {{key: row[1]}})"
        yield (
            _Statement(
                f"{nodes} CREATE (a)-[e:{table.type} {_map(names, 2)}]->(b) RETURN count(*)",
                f"{nodes} MERGE (a)-[e:{table.type} {{key: row[2]}}]->(b) SET e = {_map(names, 2)} RETURN count(*)",
            ),
            f"SELECT {_columns(['fromKey', 'toKey', *names])} FROM {relation} WHERE {_between(start, end)}",
        )


def _what_is_missing(transaction: neo4j.Transaction, statement: _Statement, rows: list[list[Any]], done: int) -> str:
    """A sentence that names one of the rows that found no place, as well as that can be told."""
    found = statement.first.partition(" CREATE ")[0].partition(" SET ")[0]
    if "MATCH (a:" not in found:
        return f"{len(rows) - done} nodes to change are not in the database"
    keys = {tuple(record.values()) for record in run(transaction, f"{found} RETURN row[0], row[1]", {"rows": rows})}
    lost = next((row for row in rows if (row[0], row[1]) not in keys), rows[0])
    return f"{len(rows) - done} edges have an end or place that does not exist: {lost[0]!r} to {lost[1]!r}"


def _ends(difference: Difference, relation: str) -> Sequence[tuple[str, str]]:
    """The pairs of base labels that edges of a relation lie between. Raises StoreError for one not in the schema."""
    pairs = f'SELECT DISTINCT "fromLabel" AS start, "toLabel" AS "end" FROM {relation} ORDER BY ALL'
    found = [(str(row["start"]), str(row["end"])) for row in difference.rows(pairs)]
    for label in (label for pair in found for label in pair):
        if label not in _LABELS:
            raise StoreError(f"an edge ends at a node of kind {label!r}, which the schema does not know")
    return found


def _batches(difference: Difference, sql: str, most: int | None = None) -> Iterator[list[list[Any]]]:
    return (to_rows(batch) for batch in difference.stream(sql, min(_BATCH_ROWS, most or _BATCH_ROWS)))


def _match_edge(edge: Edge, start: str, end: str) -> str:
    return (
        f"UNWIND $rows AS row MATCH (a:{start} {{key: row[0]}}) MATCH (b:{end} {{key: row[1]}}) "
        f"MATCH (a)-[e:{edge.type} {{key: row[2]}}]->(b)"
    )


def _between(start: str, end: str) -> str:
    return f"\"fromLabel\" = '{start}' AND \"toLabel\" = '{end}'"


def _edge_properties(edge: Edge) -> list[str]:
    return ["key", *(prop.name for prop in edge.properties)]


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _map(names: Sequence[str], start: int = 0) -> str:
    """A map of a row's values; those that are null become no property."""
    return "{" + ", ".join(f"{name}: row[{number}]" for number, name in enumerate(names, start)) + "}"
