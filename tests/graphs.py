"""Small graphs for tests: rows as dicts become a folder of projection tables."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graphcorr.graph.schema import Edge, Node, edge_of_type, node_of_label
from graphcorr.store.difference import arrow_schema, table_path

Row = dict[str, Any]


def node(labels: str, key: str, **properties: Any) -> Row:
    """A node row; `labels` is the complete label set, `DirectoryObject:User`."""
    return {"labels": labels, "key": key, "caption": f"caption of {key[:20]}", **properties}


def edge(edge_type: str, start: Row, end: Row, *, key: str | None = None, **properties: Any) -> Row:
    """An edge row between two node rows."""
    ends = {"fromLabel": _kind(start).label, "fromKey": start["key"], "toLabel": _kind(end).label, "toKey": end["key"]}
    return {"type": edge_type, "key": key or f"{edge_type}|{start['key']}|{end['key']}", **ends, **properties}


def write(folder: Path, nodes: list[Row], edges: list[Row]) -> Path:
    """Write the tables of a graph and return their folder. Properties that the schema does not know are refused."""
    rows: dict[Node | Edge, list[Row]] = defaultdict(list)
    for row in nodes:
        rows[_kind(row)].append(row)
    for row in edges:
        rows[edge_of_type(row["type"])].append({name: value for name, value in row.items() if name != "type"})
    for table, its_rows in rows.items():
        schema = arrow_schema(table)
        unknown = {name for row in its_rows for name in row} - set(schema.names)
        assert not unknown, f"not in the schema: {unknown}"
        path = table_path(folder, table)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(its_rows, schema=schema), path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _kind(row: Row) -> Node:
    return node_of_label(row["labels"].split(":")[0])
