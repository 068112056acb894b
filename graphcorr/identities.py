"""Identities as a table: which ids and names belong together, and the records that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphcorr import ids
from graphcorr.tables import Table

if TYPE_CHECKING:
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
OPTIONAL MATCH (o)-[e:INSTANCE_OF|REGISTERED_AS]->(a:Application)
RETURN i.identityId AS identityId, i.name AS name, o.objectId AS objectId, labels(o) AS labels, o.name AS objectName,
       p.basis AS basis, p.confidence AS confidence, p.eventIds AS eventIds,
       a.appId AS statedAppId, e.firstSeen AS firstStated, e.lastSeen AS lastStated, e.eventIds AS statedBy
ORDER BY identityId, objectId, statedAppId
"""

_FIND = """
MATCH (i:Identity) WHERE i.appId = $id OR i.identityId = $text RETURN i.key AS key
UNION
MATCH (o:DirectoryObject) WHERE o.objectId = $id MATCH (o)-[:PART_OF]->(i:Identity) RETURN i.key AS key
UNION
MATCH (c:Credential) WHERE c.keyId = $id OR c.federatedId = $id OR c.thumbprint = toUpper($text)
MATCH (c)<-[:HAS_CREDENTIAL]-(o:DirectoryObject)-[:PART_OF]->(i:Identity) RETURN i.key AS key
UNION
MATCH (n:Name) WHERE n.value = $text MATCH (n)<-[:NAMED]-(o:DirectoryObject)-[:PART_OF]->(i:Identity)
RETURN i.key AS key
"""

_FIND_ALIKE = """
MATCH (n:Name {skeleton: $skeleton})<-[:NAMED]-(o:DirectoryObject)-[:PART_OF]->(i:Identity) RETURN DISTINCT i.key AS key
"""

# Weakest first: an identity is as sure as its weakest bridge.
_CONFIDENCE = ("low", "medium", "high", "exact")


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


def find(store: Store, what: str) -> list[str]:
    """Keys of the identities that an id, or a present or former name, leads to; sorted.

    A name that nothing carries exactly is looked up by its look-alike form.
    """
    text = what.strip()
    found = {row[0] for row in store.query(_FIND, {"text": text, "id": ids.object_id(text) or text}).rows}
    if not found:
        found = {row[0] for row in store.query(_FIND_ALIKE, {"skeleton": ids.skeleton(text)}).rows}
    return sorted(found)


def explain(store: Store, what: str) -> Table:
    """One row for each object, and app id stated for it, of the identities that `what` leads to, with the records."""
    keys = find(store, what)
    rows = store.query(_EXPLAIN, {"keys": keys}).dicts() if keys else []
    columns = (
        "identityId", "name", "object", "objectId", "objectName", "basis", "confidence", "eventIds",
        "statedAppId", "firstStated", "lastStated", "statedBy",
    )  # fmt: skip
    return Table(
        columns, tuple(tuple(_kind(row["labels"]) if c == "object" else row[c] for c in columns) for row in rows)
    )


def _kind(labels: Any) -> str:
    """The label that says most."""
    named = [label for label in labels or () if label not in ("DirectoryObject", "MicrosoftOwned")]
    return max(named, key=len) if named else "DirectoryObject"
