"""Tables for every command: for people, as a JSON array of row objects, or as CSV. All cells are safe to print."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphcorr.report.safe import csv_cell, printable
from graphcorr.store.base import GraphEdge, GraphNode, GraphPath
from graphcorr.times import to_iso


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], form: str = "text") -> None:
    """Print rows to stdout: `text` (drawn on a terminal, plain and uncut when piped), `json` or `csv`."""
    if form == "json":
        show_json([dict(zip(columns, map(plain, row), strict=True)) for row in rows])
    elif form == "csv":
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([csv_cell(column) for column in columns])
        writer.writerows([csv_cell(plain(value)) for value in row] for row in rows)
        click.echo(buffer.getvalue(), nl=False)
    else:
        shown = [[cell(value) for value in row] for row in rows]
        if sys.stdout.isatty():
            _draw([cell(column) for column in columns], shown)
        else:
            _align([cell(column) for column in columns], shown)


def show_json(value: Any) -> None:
    """Print one JSON document. ASCII only: escapes inside log values must reach no terminal."""
    click.echo(json.dumps(plain(value), indent=2))


def plain(value: Any) -> Any:
    """A value as JSON knows it: times in ISO, nodes and edges as objects, never an id of the store's own."""
    match value:
        case datetime():
            return to_iso(value)
        case GraphNode():
            return {"labels": sorted(value.labels), "properties": _stated(value.properties)}
        case GraphEdge():
            return {"type": value.type, "properties": _stated(value.properties)}
        case GraphPath():
            return {"nodes": plain(value.nodes), "edges": plain(value.edges)}
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def _stated(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in properties.items() if value is not None}


def cell(value: Any) -> str:
    """A value in one line for a person."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return to_iso(value)
        case int():
            return f"{value:,}"
        case GraphNode():
            return f"(:{_label(value)} {printable(value.properties.get('caption'))})"
        case GraphEdge():
            return f"-[:{value.type}]->"
        case GraphPath():
            return " ".join(cell(part) for part in _steps(value))
        case list() | tuple():
            return ", ".join(cell(item) for item in value)
        case Mapping():
            return printable(json.dumps(plain(value), ensure_ascii=False))
        case _:
            return printable(value)


def _label(node: GraphNode) -> str:
    # DirectoryObject says least about a node that has another label.
    return min(node.labels, key=lambda label: (label == "DirectoryObject", -len(label), label), default="")


def _steps(path: GraphPath) -> Iterable[GraphNode | GraphEdge]:
    for node, edge in zip(path.nodes, path.edges, strict=False):
        yield node
        yield edge
    yield from path.nodes[-1:]


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    Console(highlight=False).print(table)


def _align(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [columns, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        click.echo("  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip())
