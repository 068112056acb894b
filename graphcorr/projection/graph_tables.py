"""The graph's tables as the schema declares them: columns and types in SQL, and no key twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphcorr.archive.duck import quoted
from graphcorr.errors import GraphcorrError
from graphcorr.graph import schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

_SQL_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "datetime": "TIMESTAMP WITH TIME ZONE",
    "strings": "VARCHAR[]",
    "day": "DATE",
}
_ENDS = ("fromLabel", "fromKey", "toLabel", "toKey")


def nodes_sql(node: schema.Node, beside: Iterable[str] = ()) -> str:
    """The rows of the view `node_<Label>` as its table has them; `day` may stand beside them."""
    columns = [("labels", "string"), *((p.name, p.type) for p in schema.properties_of(node))]
    return f"SELECT {_typed([*((name, name) for name in beside), *columns])} FROM node_{node.label}"


def edges_sql(edge: schema.Edge, beside: Iterable[str] = ()) -> str:
    """The rows of the view `edge_<TYPE>` as its table has them, with their keys."""
    columns = [*((name, name) for name in beside), *((end, "string") for end in _ENDS)]
    columns += [(p.name, p.type) for p in edge.properties]
    return f"""
        SELECT edge_key('{edge.type}', fromKey, toKey, extra) AS key, * EXCLUDE (extra)
        FROM (SELECT {_typed(columns)}, extra FROM edge_{edge.type})
        WHERE fromKey IS NOT NULL AND toKey IS NOT NULL"""


# Grouping numbers is several times faster than grouping keys.
_TWICE = """
SELECT key FROM out WHERE hash(key) IN (SELECT hash(key) AS number FROM out GROUP BY number HAVING count(*) > 1)
GROUP BY key HAVING count(*) > 1 LIMIT 1"""


def make(duck: duckdb.DuckDBPyConnection, query: str, name: str) -> int:
    """Make the table `out` of a query and return how many rows it has.

    Raises GraphcorrError if two of them have one key.
    """
    ((rows,),) = duck.execute(f"CREATE OR REPLACE TEMP TABLE out AS {query}").fetchall()
    twice = duck.execute(_TWICE).fetchall() if rows else ()
    if twice:
        raise GraphcorrError(
            f"the projection made two rows with one key for {name} ({twice[0][0]})", hint="please report this"
        )
    return int(rows)


def _typed(columns: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"CAST({quoted(name)} AS {_SQL_TYPES[kind]}) AS {quoted(name)}" for name, kind in columns)
