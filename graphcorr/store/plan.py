"""What every writer does with a difference: check its rows first, find the tables it concerns, report it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from graphcorr.errors import StoreError
from graphcorr.graph.schema import EDGES, NODES, Edge, Node, node_of_label, properties_of
from graphcorr.store.base import INDEXED_BYTES, WriteReport
from graphcorr.store.difference import Difference, Table, column_types, table_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T", Node, Edge)


def check(difference: Difference) -> None:
    """Refuse label sets that the schema does not know and indexed values that no index takes.

    Raises StoreError naming the node: the first would be left out silently, the second would fail half-way.
    """
    checks = []
    for node in having(NODES, difference, difference.added):
        known = ", ".join("'" + ":".join(labels) + "'" for labels in node.label_sets)
        indexed = [p.name for p in properties_of(node) if p.indexed]
        lengths = ", ".join(f'coalesce(strlen("{name}"), 0)' for name in indexed)
        longest = f"greatest({lengths})"
        checks.append(
            f"(SELECT left(key, 80) AS key, left(labels, 80) AS labels, {longest} AS longest "
            f"FROM {difference.added(node)} "
            f"WHERE labels IS NULL OR labels NOT IN ({known}) OR {longest} > {INDEXED_BYTES} LIMIT 1)"
        )
    for row in difference.rows(" UNION ALL ".join(checks)) if checks else ():
        if row["longest"] > INDEXED_BYTES:
            raise StoreError(f"node {row['key']!r} ({row['labels']}) indexes a value of {row['longest']} bytes",
                             hint=f"indexes take {INDEXED_BYTES}; the projection must shorten it")  # fmt: skip
        raise StoreError(f"node {row['key']!r} has the labels {row['labels']!r}, which the schema does not know")


def having(tables: Sequence[_T], difference: Difference, relation: Callable[[Table], str]) -> list[_T]:
    """The tables whose relation has rows."""
    return [table for table in tables if difference.count(relation(table))]


def report(difference: Difference) -> WriteReport:
    """What a difference writes and deletes, per table; tables without any are left out."""

    def counts(tables: Sequence[Table], *relations: str) -> dict[str, int]:
        found = {
            table_name(table): sum(difference.count(getattr(difference, relation)(table)) for relation in relations)
            for table in tables
        }
        return {name: rows for name, rows in found.items() if rows}

    return WriteReport(
        full=difference.full,
        nodes_written=counts(NODES, "added", "changed"),
        nodes_deleted=counts(NODES, "removed"),
        edges_written=counts(EDGES, "added", "changed"),
        edges_deleted=counts(EDGES, "removed"),
    )


def property_types(table: Table) -> dict[str, str]:
    """Columns of a table that become properties, each with its schema type."""
    left_out = {"labels", "fromLabel", "fromKey", "toLabel", "toKey"}
    return {name: kind for name, kind in column_types(table).items() if name not in left_out}


def kind_ends(edge: Edge) -> set[tuple[str, str]]:
    """Base labels that an edge type may connect, from and to."""
    return {(node_of_label(start).label, node_of_label(end).label) for start, end in edge.ends}
