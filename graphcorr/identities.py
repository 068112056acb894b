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


def _step(
    beyond: str,
    says: str,
    basis: str = "e.basis",
    *,
    confidence: str = "null",
    since: str = "null",
    until: str = "null",
    event_ids: str = "e.eventIds",
) -> str:
    """A query for what is said of the objects `o` that are part (`p`) of identities, by what is `beyond` them."""
    return f"""
        MATCH (i:Identity)<-[p:PART_OF]-(o:DirectoryObject){beyond} WHERE i.key IN $keys
        RETURN i.tenantId AS tenantId, i.identityId AS identityId, labels(o) AS labels, o.objectId AS objectId,
               {says} AS says, {basis} AS basis, {confidence} AS confidence, {since} AS since, {until} AS until,
               {event_ids} AS eventIds
        """


# What belongs together, what it is called, and what only might belong to it, in the order in which it is told.
_STEPS = {
    "partOf": _step(
        "", "i.identityId", "p.basis",
        confidence="p.confidence", since="o.firstSeen", until="o.lastSeen", event_ids="p.eventIds",
    ),
    "appId": _step(
        "-[e:INSTANCE_OF|REGISTERED_AS]->(x:Application)", "x.appId", since="e.firstSeen", until="e.lastSeen"
    ),
    "represents": _step("-[e:REPRESENTS]->(x:Resource)", "x.resourceId"),
    "assignedTo": _step("-[e:ASSIGNED_TO]->(x:Resource)", "x.resourceId"),
    "name": _step("-[e:NAMED]->(x:Name)", "x.value", since="e.validFrom", until="e.validTo"),
    "conflict": _step("<-[:BETWEEN]-(x:Conflict)", "x.reason", "x.kind", event_ids="x.eventIds"),
    "recreatedAs": _step(
        "-[e:RECREATED_AS]->(x:DirectoryObject)", "x.objectId", since="o.deletedAt", event_ids="x.originEventIds"
    ),
    "recreationOf": _step(
        "<-[e:RECREATED_AS]-(x:DirectoryObject)", "x.objectId", since="x.deletedAt", event_ids="o.originEventIds"
    ),
    "notJoined": _step("-[e:SAME_NAME_AS]-(x:DirectoryObject)", "x.objectId", event_ids="null"),
}  # fmt: skip
_EXPLAINED = ("identityId", "step", "object", "objectId", "says", "basis", "confidence", "since", "until", "eventIds",
              "tenantId")  # fmt: skip

_FIND = """
MATCH (i:Identity) WHERE i.appId = $id OR i.identityId = $text RETURN i.key AS key
UNION
MATCH (o:DirectoryObject) WHERE o.objectId = $id MATCH (o)-[:PART_OF]->(i:Identity) RETURN i.key AS key
UNION
MATCH (a:Application) WHERE a.appId = $id
MATCH (a)<-[:INSTANCE_OF|REGISTERED_AS]-(o:DirectoryObject)-[:PART_OF]->(i:Identity) RETURN i.key AS key
UNION
MATCH (c:Credential) WHERE c.keyId = $id OR c.federatedId = $id OR c.thumbprint = $thumbprint
MATCH (c)<-[:HAS_CREDENTIAL]-(o:DirectoryObject)-[:PART_OF]->(i:Identity) RETURN i.key AS key
UNION
MATCH (r:Resource) WHERE r.resourceId = toLower($text)
MATCH (r)<-[:REPRESENTS]-(o:DirectoryObject)-[:PART_OF]->(i:Identity) RETURN i.key AS key
UNION
MATCH (n:Name) WHERE n.value = $text MATCH (n)<-[:NAMED]-(o:DirectoryObject)-[:PART_OF]->(i:Identity)
RETURN i.key AS key
UNION
MATCH (n:Name) WHERE n.value = $text MATCH (n)<-[r:RENAMED_FROM|RENAMED_TO]-(:Change)
MATCH (o:DirectoryObject) WHERE o.key = r.objectKey MATCH (o)-[:PART_OF]->(i:Identity) RETURN i.key AS key
"""

_FIND_ALIKE = "MATCH (n:Name) WHERE n.skeleton = $skeleton RETURN n.value AS name"

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
    found = _found(store, what.strip())
    if not found:
        alike = store.query(_FIND_ALIKE, {"skeleton": ids.skeleton(what)}).rows
        found = {key for (name,) in alike for key in _found(store, name)}
    return sorted(found)


def _found(store: Store, text: str) -> set[str]:
    parameters = {"text": text, "id": ids.object_id(text) or text, "thumbprint": ids.thumbprint(text) or text.upper()}
    return {row[0] for row in store.query(_FIND, parameters).rows}


def explain(store: Store, what: str) -> Table:
    """What the identities that `what` leads to are made of, record by record.

    One row for each object that is part of them (`partOf`), each app id stated for it, the Azure resource that a
    managed identity is (`represents`), those that can get its tokens (`assignedTo`), each present or former name, each
    conflict and re-creation; last the objects that only have the same name (`notJoined`). Empty if nothing had to be
    put together.
    """
    keys = find(store, what)
    found = [
        (step, row)
        for step, query in _STEPS.items()
        for row in (store.query(query, {"keys": keys}).dicts() if keys else ())
    ]
    rows = [
        tuple({**row, "step": step, "object": _kind(row["labels"])}[column] for column in _EXPLAINED)
        for step, row in sorted(found, key=_explained_order)
    ]
    return Table(_EXPLAINED, tuple(rows))


def _explained_order(found: tuple[str, dict[str, Any]]) -> tuple[Any, ...]:
    step, row = found
    since = row["since"].isoformat() if row["since"] is not None else ""
    timed = (since, row["objectId"]) if step == "name" else (row["objectId"], since)
    return (row["tenantId"], row["identityId"], list(_STEPS).index(step), *timed, row["says"] or "", row["basis"] or "")


def _kind(labels: Any) -> str:
    """The label that says most."""
    named = [label for label in labels or () if label not in ("DirectoryObject", "MicrosoftOwned")]
    return max(named, key=len) if named else "DirectoryObject"
