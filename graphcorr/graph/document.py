"""The graph schema as a page for people: `cypher/schema.md` is what this returns."""

from __future__ import annotations

from collections.abc import Iterable

from graphcorr.graph.schema import EDGES, NODES, Edge, Node, Property, properties_of

_HEAD = """# The graph

Generated from `graphcorr/graph/schema.py`; run `python -m graphcorr.graph.document > cypher/schema.md` after a change.

Every node has `key`, unique and never null; `caption` is what a person wants to read. Datetimes are UTC. A missing
property means that the logs do not say, never "no". `confidence` is exact, high, medium or low.
"""


def schema_markdown() -> str:
    """Labels, properties and edge types in Markdown, in the order of the schema; ends with a newline."""
    parts = [_HEAD, "## Nodes\n", *map(_node, NODES), "## Edges\n", _edges(EDGES)]
    return "\n".join(parts)


def _node(node: Node) -> str:
    variants = [":".join(labels) for labels in node.label_sets if len(labels) > 1]
    lines = [f"### {node.label}\n", node.description]
    if variants:
        lines.append("\nWith further labels: " + ", ".join(f"`:{variant}`" for variant in variants) + ".")
    shared = " Shared by all tenants." if node.shared else ""
    lines.append(f"\nKey from {node.key_from}.{shared}\n")
    lines.extend(_table(("property", "type", "meaning"), map(_property_row, properties_of(node))))
    return "\n".join(lines) + "\n"


def _property_row(stated: Property) -> tuple[str, str, str]:
    return f"`{stated.name}`", stated.type, stated.description + (" Indexed." if stated.indexed else "")


def _edges(edges: Iterable[Edge]) -> str:
    rows = []
    for edge in edges:
        ends = ", ".join(f"{start} → {end}" for start, end in edge.ends)
        properties = "<br>".join(f"`{p.name}` ({p.type}): {p.description}" for p in edge.properties)
        rows.append((f"`{edge.type}`", ends, edge.description, properties))
    return "\n".join(_table(("type", "from → to", "meaning", "properties"), rows)) + "\n"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in (header, ("---",) * len(header), *rows))
    return ["| " + " | ".join(row) + " |" for row in escaped]


if __name__ == "__main__":
    import sys

    sys.stdout.write(schema_markdown())
