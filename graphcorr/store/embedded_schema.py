"""The schema in the embedded store's own terms, and empty databases that have it.

Creating every type and index takes 0.2 s warm and more than a second in a new process. Where the environment variable
GRAPHCORR_TEMPLATES names a folder, an empty database is kept there and copied: for those who make many small homes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphcorr.graph import schema as declared
from graphcorr.graph.schema import EDGES, NODES, Property, properties_of
from graphcorr.store.embedded_java import LABEL_SEPARATOR, java

if TYPE_CHECKING:
    from collections.abc import Sequence

TEMPLATES = "GRAPHCORR_TEMPLATES"
"""Environment variable: the folder of templates."""

# Zoned is the only type under which stored times behave as Neo4j's do (docs/cypher-dialect.md).
_JAVA_TYPES = {
    "string": "STRING",
    "integer": "LONG",
    "boolean": "BOOLEAN",
    "datetime": "ZONED_DATETIME",
    "strings": "LIST",
}
# Bytes; the engine's own 256 KiB make an empty database of 115 MB. An indexed value must fit into a page.
_INDEX_PAGE = 65_536


def new_database(folder: Path) -> Any:
    """An open database in `folder`, which must not exist: empty, with every type, property and index of the schema."""
    templates = os.environ.get(TEMPLATES)
    if not templates:
        return _made(folder)
    template = Path(templates) / _digest()
    if not template.is_dir():
        _publish(template)
    shutil.copytree(template, folder)
    return _factory(folder).open()


def type_name(labels: Sequence[str]) -> str:
    """The engine's type for a label set."""
    return LABEL_SEPARATOR.join(sorted(labels))


def _publish(template: Path) -> None:
    """Make a template, whole or not at all; whoever else makes it at the same time makes the same."""
    template.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=template.parent, prefix="new-") as draft:
        _made(Path(draft) / "graph").close()
        if not template.is_dir():
            try:
                (Path(draft) / "graph").rename(template)
            except OSError:
                if not template.is_dir():
                    raise


@cache
def _digest() -> str:
    """Changes with anything that an empty database depends on."""
    told = hashlib.sha256(version("arcadedb-embedded").encode())
    for source in (__file__, declared.__file__):
        told.update(Path(source).read_bytes())
    return told.hexdigest()[:16]


def _made(folder: Path) -> Any:
    database = _factory(folder).create()
    try:
        _create_schema(database)
    except BaseException:
        database.close()
        raise
    return database


def _factory(folder: Path) -> Any:
    return java("com.arcadedb.database.DatabaseFactory")(str(folder))


def _create_schema(database: Any) -> None:
    """Create every type, property and index of the schema in an empty database.

    A label set that is first used while loading would lock the database for a minute, so all of them are created here.
    """
    schema = database.getSchema()
    database.begin()  # one transaction: 0.15 s; one for every change: 2 s
    for node in NODES:
        for label in sorted({label for labels in node.label_sets for label in labels}):
            vertex_type = schema.buildVertexType().withName(label).withTotalBuckets(1).create()
            _declare(vertex_type, properties_of(node))
            for prop in properties_of(node):
                if prop.indexed:
                    _index(schema, label, prop.name, unique=prop.name == "key")
        for labels in node.label_sets:
            if len(labels) > 1:
                builder = schema.buildVertexType().withName(type_name(labels)).withTotalBuckets(1)
                for label in sorted(labels):
                    builder = builder.withSuperType(label)
                builder.create()
    for edge in EDGES:
        edge_type = schema.buildEdgeType().withName(edge.type).withTotalBuckets(1).create()
        # The bulk loader takes twice as long for an edge of a type that declares anything; texts need no declaration.
        _declare(edge_type, [prop for prop in edge.properties if prop.type != "string"])
    database.commit()


def _declare(java_type: Any, properties: Sequence[Property]) -> None:
    types = java("com.arcadedb.schema.Type")
    for prop in properties:
        java_type.createProperty(prop.name, getattr(types, _JAVA_TYPES[prop.type]))


def _index(schema: Any, label: str, name: str, *, unique: bool) -> None:
    tree = java("com.arcadedb.schema.Schema$INDEX_TYPE").LSM_TREE
    schema.buildTypeIndex(label, [name]).withType(tree).withUnique(unique).withPageSize(_INDEX_PAGE).create()
