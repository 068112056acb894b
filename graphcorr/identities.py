"""Identities as a table: which ids and names belong together, and the records that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphcorr import ids
from graphcorr.store.base import Store

_OVERVIEW = """
MATCH (i:Identity)
OPTIONAL MATCH (i)<-[p:PART_OF]-(o:DirectoryObject)
RETURN i.key AS key, i.name AS name, i.kind AS kind, i.appId AS appId, i.formerNames AS formerNames,
       i.tenantId AS tenantId, i.identityId AS identityId, i.lastSeen AS lastSeen,
       o.objectId AS objectId, labels(o) AS labels, p.confidence AS confidence
ORDER BY key, objectId
"""

_EXPLAIN = """
MATCH (i:Identity)<-[p:PART_OF]-(o:DirectoryObject)
WHERE i.key IN $keys
RETURN i.identityId AS identityId, i.name AS name, o.objectId AS objectId, labels(o) AS labels, o.name AS objectName,
       p.basis AS basis, p.confidence AS confidence, p.eventIds AS eventIds
ORDER BY identityId, objectId
"""

_FIND = """
MATCH (i:Identity)
WHERE i.identityId = $text OR i.appId = $id OR i.name = $text OR $text IN i.formerNames
RETURN i.key AS key
UNION
MATCH (i:Identity)<-[:PART_OF]-(o:DirectoryObject)
WHERE o.objectId = $id
RETURN i.key AS key
"""

# Weakest first: an identity is as sure as its weakest bridge.
_CONFIDENCE = ("low", "medium", "high", "exact")


@dataclass(frozen=True)
class Table:
    """Rows for a person or a file; `columns` name the values of each row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def overview(store: Store) -> Table:
    """One row for each identity, by tenant and name."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in store.query(_OVERVIEW).dicts():
        grouped.setdefault(row["key"], []).append(row)
    rows = [_identity_row(parts) for parts in grouped.values()]
    columns = ("name", "kind", "appId", "objects", "formerNames", "confidence", "lastSeen", "tenantId", "identityId")
    return Table(columns, tuple(sorted(rows, key=lambda row: (row[7] or "", row[0] or "", row[8] or ""))))


def _identity_row(parts: list[dict[str, Any]]) -> tuple[Any, ...]:
    first = parts[0]
    objects = [f"{_kind(part['labels'])} {part['objectId']}" for part in parts if part["objectId"]]
    known = [part["confidence"] for part in parts if part["confidence"] in _CONFIDENCE]
    weakest = min(known, key=_CONFIDENCE.index) if known else None
    names = tuple(first["formerNames"] or ())
    seen, tenant, identity = first["lastSeen"], first["tenantId"], first["identityId"]
    return (first["name"], first["kind"], first["appId"], objects, names, weakest, seen, tenant, identity)


def explain(store: Store, what: str) -> Table:
    """One row for each object of the identities that carry an id or a present or former name, with its records."""
    found = store.query(_FIND, {"text": what, "id": ids.object_id(what) or what})
    rows = store.query(_EXPLAIN, {"keys": [row[0] for row in found.rows]}).dicts() if found.rows else []
    columns = ("identityId", "name", "object", "objectId", "objectName", "basis", "confidence", "eventIds")
    return Table(
        columns, tuple(tuple(_kind(row["labels"]) if c == "object" else row[c] for c in columns) for row in rows)
    )


def _kind(labels: Any) -> str:
    """The label that says most."""
    named = [label for label in labels or () if label not in ("DirectoryObject", "MicrosoftOwned")]
    return max(named, key=len) if named else "DirectoryObject"
