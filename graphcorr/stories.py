"""Stories: findings and leads that belong together, told as one item in the order of events, and what connects them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import networkx as nx

from graphcorr.findings import Finding, fingerprint_of, severity_rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphcorr.store.base import Store

# Keys, names and owners of one undertaking change within about a week; the patterns that look around a change use the
# same span.
WINDOW = timedelta(days=7)

# An address or a person connects only what few others share: an egress or an administrator of everything tells nothing.
FEW = 5

# A person at another address is one hand only in one sitting: an account may be its owner's and an attacker's.
SITTING = timedelta(hours=1)

# Where somebody has been for that long is a place of their own, and tells nothing of who else is there.
AT_HOME = timedelta(days=1)

# A story has a finding of at least this severity: a key that expires and is renewed is daily life.
LEAST = "medium"

# Share of the score that a finding takes of what is left; each pattern counts once, with its worst finding.
WEIGHTS = {"critical": 0.9, "high": 0.6, "medium": 0.35, "low": 0.15, "info": 0.05}
LEAD_WEIGHT = 0.05
# A chain over several identities is no coincidence of one of them.
CHAIN_WEIGHT = 0.3


class Connection(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Why two items of a story belong together."""

    # event: one event shows both. identity: about one identity. acted: the identity of one did what the other shows.
    # credential: about one credential. actor: one principal, who does not do such things all the time, did both.
    # address: from one address, which few principals share.
    kind: Literal["event", "identity", "acted", "credential", "actor", "address"]
    # Event id, identity key, credential key, key of the actor, address.
    via: str
    # Fingerprints, the earlier item first.
    source: str
    target: str


class Step(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A finding or lead as part of a story."""

    at: str | None
    pattern: str
    verdict: str
    severity: str
    fingerprint: str
    sentence: str


class Story(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Two or more items, at least one of them a finding of medium severity; steps are in the order of first events."""

    # Stays the same while its first finding does.
    id: str
    tenant_id: str
    # 0 to 100, with the reasons for it.
    score: int
    severity: str
    title: str
    reasons: tuple[str, ...]
    first_at: str | None
    last_at: str | None
    # Captions of what it is about.
    about: tuple[str, ...]
    steps: tuple[Step, ...]
    # A tree: as many connections as it takes to hold the steps together, the strongest kinds first.
    connections: tuple[Connection, ...]


def tell(store: Store, items: Iterable[Finding]) -> tuple[Story, ...]:
    """The stories among findings and leads of all tenants, highest score first.

    Reads what the graph says about the events behind the items: who acted, from where, on which identity, with which
    credential. Two items are connected if something of that is common to both and they lie within a week of each other.
    """
    by_tenant: dict[str, list[Finding]] = defaultdict(list)
    for item in items:
        if item.verdict != "notDecidable":
            by_tenant[item.tenant_id].append(item)
    stories = [story for tenant, told in sorted(by_tenant.items()) for story in _tenant(store, tenant, told)]
    return tuple(sorted(stories, key=lambda story: (-story.score, story.first_at or "", story.id)))


# -- what connects --------------------------------------------------------------------------------------------------

# Strongest first: a story is held together by these before weaker ones.
_KINDS = ("event", "identity", "acted", "credential", "actor", "address")

# Ids of what an inventory states. It tells of everything there is, and connects none of it.
_INVENTORY = "inv:"

# All of these start from unique keys: a tenant's or an address's own index would be read as a whole for each row.
# Changes behind the items: who made them, from where, whom and what they touched.
_CHANGES = """
UNWIND $ids AS id
MATCH (c:Change {key: id})
OPTIONAL MATCH (c)<-[:MADE]-(actor)
OPTIONAL MATCH (c)-[:FROM]->(ip:IPAddress)
OPTIONAL MATCH (c)-[:CHANGED]->(o:DirectoryObject)
OPTIONAL MATCH (c)-[:ADDED|REMOVED]->(k:Credential)
RETURN id, c.tenantId AS tenant, actor.key AS actor, actor.identityId AS actorIdentity, ip.address AS address,
  o.identityId AS changed, k.key AS credential, c.at AS at,
  coalesce(c.lifecycle IN ['deleted', 'hardDeleted'], false) OR coalesce(c.enabled = false, false)
    OR (EXISTS { (c)-[:REMOVED]->() } AND NOT EXISTS { (c)-[:ADDED]->() }) AS takesAway
ORDER BY id, actor, address, changed, credential
"""
_PRINCIPALS_OF_ADDRESS = """
UNWIND $addresses AS address
MATCH (ip:IPAddress {key: address})
WHERE ip.scope IN ['public', 'documentation', 'azure'] AND NOT coalesce(ip.declared, false)
MATCH (ip)<-[seen:SEEN_FROM]-(p) WHERE p.tenantId = $tenantId
RETURN address, coalesce(p.identityId, p.key) AS principal, min(seen.firstSuccess) AS since
ORDER BY address, principal
"""
# Apart, and only for addresses that few signed in from: a busy one has hundreds of thousands of events.
_ACTORS_AT_ADDRESS = """
UNWIND $addresses AS address
MATCH (ip:IPAddress {key: address})
WHERE ip.scope IN ['public', 'documentation', 'azure'] AND NOT coalesce(ip.declared, false)
MATCH (ip)<-[:FROM]-(:Change)<-[:MADE]-(p) WHERE p.tenantId = $tenantId
RETURN DISTINCT address, coalesce(p.identityId, p.key) AS principal, null AS since
ORDER BY address, principal
"""
_IDENTITIES_OF_ACTOR = """
UNWIND $actors AS key
MATCH (a:DirectoryObject {key: key})-[:MADE]->(:Change)-[:CHANGED]->(o:DirectoryObject)
WHERE o.identityId IS NOT NULL
RETURN DISTINCT key, o.identityId AS identity, null AS since
ORDER BY key, identity
"""

_CHAINED = {
    "event": "one event",
    "acted": "one acted on the other",
    "credential": "one credential",
    "actor": "one actor",
    "address": "one address",
}

Handle = tuple[str, str, str]
"""A kind of connection, what it goes through, and of an actor the address."""


@dataclass
class _Item:
    finding: Finding
    handles: set[Handle]
    # Keys of the identities that did what it shows.
    acted: set[str]
    # Who made a change that it shows, and when.
    acts: set[tuple[str, datetime]]
    # Address → the principals that it shows there.
    seen: Mapping[str, set[str]]
    start: datetime | None
    stop: datetime | None


def _tenant(store: Store, tenant: str, findings: Sequence[Finding]) -> Iterable[Story]:
    items = _items(store, tenant, findings)
    found = [number for number, item in enumerate(items) if item.finding.verdict == "found"]
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    graph.add_nodes_from(found)
    for kind, via, (one, other) in _pairs(items, found):
        if one != other:
            graph.add_edge(one, other, kind=kind, via=via, weight=_KINDS.index(kind))
    # A lead goes to the finding that it has most in common with. It holds nothing together: two stories stay two.
    for lead, kind, via, other in _leads(items, found):
        graph.add_edge(lead, other, kind=kind, via=via, weight=_KINDS.index(kind))
    for component in nx.connected_components(graph):
        members = [items[number].finding for number in sorted(component)]
        if len(members) > 1 and any(map(_telling, members)):
            yield _story(tenant, members, _tree(graph.subgraph(component), items))


def _sharing(items: Sequence[_Item], found: Iterable[int]) -> dict[Handle, list[int]]:
    """Handle → findings that have it, in the order of time."""
    sharing: dict[Handle, list[int]] = defaultdict(list)
    for number in found:
        for handle in sorted(items[number].handles):
            sharing[handle].append(number)
    return sharing


def _pairs(items: Sequence[_Item], found: Sequence[int]) -> Iterable[tuple[str, str, tuple[int, int]]]:
    """Findings that something connects: what kind, what it goes through, and the two."""
    sharing = _sharing(items, found)
    # In the order of time neighbours are enough: what lies between two items connects them as well.
    near = [(kind, via, pair) for (kind, via, _), numbers in sorted(sharing.items()) for pair in pairwise(numbers)]
    sittings: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for number in found:
        for via in sorted(items[number].acted):
            near += [("acted", via, (number, other)) for other in sharing.get(("identity", via, ""), ())]
        for actor, at in items[number].acts:
            sittings[actor].append((at, number))
    yield from ((kind, via, (one, other)) for kind, via, (one, other) in near if _near(items[one], items[other]))
    for actor, acts in sorted(sittings.items()):
        for (then, one), (later, other) in pairwise(sorted(acts)):
            if later - then <= SITTING:
                yield "actor", actor, (one, other)


def _leads(items: Sequence[_Item], found: Sequence[int]) -> Iterable[tuple[int, str, str, int]]:
    """Leads that have something in common with a finding: the lead, what kind, what it goes through, the finding."""
    sharing = _sharing(items, found)
    for number in sorted(set(range(len(items))) - set(found)):
        common = [
            (_KINDS.index(kind), other, kind, via)
            for kind, via, place in items[number].handles
            for other in sharing.get((kind, via, place), ())
            if _near(items[number], items[other])
        ]
        if common:
            _, other, kind, via = min(common)
            yield number, kind, via, other


def _telling(finding: Finding) -> bool:
    """What makes a story: a finding that somebody should look at."""
    return finding.verdict == "found" and severity_rank(finding.severity) >= severity_rank(LEAST)


def _items(store: Store, tenant: str, findings: Sequence[Finding]) -> list[_Item]:
    """Items in the order of time, with everything that may connect them."""
    changes: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    ids = sorted({event for finding in findings for event in finding.evidence})
    for row in store.query(_CHANGES, {"ids": ids}).dicts() if ids else ():
        if row["tenant"] == tenant:
            changes[row["id"]].append(row)
    items = [
        _item(tenant, finding, [row for event in finding.evidence for row in changes.get(event, ())])
        for finding in sorted(findings, key=_in_time)
    ]
    _drop_common(store, tenant, items)
    return items


def _item(tenant: str, finding: Finding, changes: Sequence[Mapping[str, Any]]) -> _Item:
    seen: dict[str, set[str]] = defaultdict(set)
    for row in changes:
        if row["address"] is not None and row["actor"] is not None:
            seen[row["address"]].add(row["actorIdentity"] or row["actor"])
    if finding.subject.identity_id is not None:
        for address in _addresses(finding):
            seen[address].add(finding.subject.identity_id)
    # Who only takes something away, a key or an application, has opened nothing.
    acted = [row for row in changes if row["actor"] is not None and not row["takesAway"]]
    return _Item(
        finding,
        set(_handles(tenant, finding, changes, acted)),
        {f"{tenant}/{row['actorIdentity']}" for row in acted if row["actorIdentity"] is not None},
        {(row["actor"], row["at"]) for row in acted if row["at"] is not None and finding.verdict == "found"},
        seen,
        *(None if at is None else datetime.fromisoformat(at) for at in (finding.first_at, finding.last_at)),
    )


def _handles(
    tenant: str, finding: Finding, changes: Sequence[Mapping[str, Any]], acted: Sequence[Mapping[str, Any]]
) -> Iterable[Handle]:
    # A hole in a log lies beside everything that happened around it, and belongs to nothing of it.
    if finding.subject.label == "LogSource":
        return
    if finding.subject.identity_id is not None:
        yield "identity", f"{tenant}/{finding.subject.identity_id}", ""
    yield from (("event", event, "") for event in finding.evidence if not event.startswith(_INVENTORY))
    yield from (("credential", row["credential"], "") for row in changes if row["credential"] is not None)
    # A lead accuses nobody: it belongs to a story by what it is about, not by who or where.
    if finding.verdict != "found":
        return
    for row in acted:
        yield "actor", row["actor"], row["address"] or "not stated"
        if row["address"] is not None:
            yield "address", row["address"], ""
    yield from (("address", address, "") for address in _addresses(finding))


def _addresses(finding: Finding) -> Iterable[str]:
    """Addresses that a finding is about: of its subject, and columns named like one (`address`, `newAddresses`)."""
    if finding.subject.address is not None:
        yield finding.subject.address
    for name, value in finding.details.items():
        if name.lower().endswith(("address", "addresses")):
            yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))


def _drop_common(store: Store, tenant: str, items: Sequence[_Item]) -> None:
    """Remove what connects nothing: addresses that many share or that are home to who is seen there, busy actors."""
    every = _all(items, "address")
    signed_in = _beside(store, _PRINCIPALS_OF_ADDRESS, {"addresses": every, "tenantId": tenant})
    rare = sorted(address for address in every if len(signed_in.get(address, ())) <= FEW)
    acting = _beside(store, _ACTORS_AT_ADDRESS, {"addresses": rare, "tenantId": tenant})
    few = {address for address in rare if 0 < len({*signed_in.get(address, ()), *acting.get(address, ())}) <= FEW}
    changed = _beside(store, _IDENTITIES_OF_ACTOR, {"actors": _all(items, "actor")})
    calm = {actor for actor, identities in changed.items() if len(identities) <= FEW}
    for item in items:
        item.handles = {
            (kind, via, place)
            for kind, via, place in item.handles
            if (kind == "address" and via in few and not _at_home(item, signed_in.get(via, {}), via))
            or (kind == "actor" and via in calm)
            or kind not in ("address", "actor")
        }
        item.acts = {(actor, at) for actor, at in item.acts if actor in calm}


def _at_home(item: _Item, since: Mapping[str, datetime | None], address: str) -> bool:
    """True if a principal that the item shows at the address had been signing in from there for long."""
    firsts = [since.get(principal) for principal in item.seen.get(address, ())]
    return item.start is not None and any(first is not None and first < item.start - AT_HOME for first in firsts)


def _all(items: Sequence[_Item], kind: str) -> list[str]:
    return sorted({via for item in items for of, via, _ in item.handles if of == kind})


def _beside(store: Store, query: str, parameters: Mapping[str, Any]) -> dict[str, dict[str, datetime | None]]:
    """What the query finds beside each name, and since when."""
    found: dict[str, dict[str, datetime | None]] = defaultdict(dict)
    if any(value for value in parameters.values() if isinstance(value, list)):
        for name, beside, since in store.query(query, parameters).rows:
            found[name][beside] = since
    return found


def _near(one: _Item, other: _Item) -> bool:
    """Within the window; what is undated is near nothing."""
    if one.start is None or other.start is None:
        return False
    gap = max(one.start, other.start) - min(one.stop or one.start, other.stop or other.start)
    return gap <= WINDOW


def _tree(graph: nx.MultiGraph[int], items: Sequence[_Item]) -> tuple[Connection, ...]:
    tree = nx.minimum_spanning_edges(graph, keys=True, data=True)
    found = [
        Connection(
            kind=data["kind"],
            via=data["via"],
            source=items[min(one, other)].finding.fingerprint,
            target=items[max(one, other)].finding.fingerprint,
        )
        for one, other, _, data in tree
    ]
    return tuple(sorted(found, key=lambda c: (_KINDS.index(c.kind), c.via, c.source, c.target)))


# -- how it is told -------------------------------------------------------------------------------------------------


def _story(tenant: str, members: Sequence[Finding], connections: tuple[Connection, ...]) -> Story:
    score, reasons = _score(members, connections)
    first = next(member for member in members if member.verdict == "found")
    about = tuple(dict.fromkeys(member.subject.caption or member.subject.key for member in members))
    patterns = dict.fromkeys(member.pattern.replace("_", " ") for member in members if member.verdict == "found")
    return Story(
        id=fingerprint_of("story", [tenant, first.fingerprint]),
        tenant_id=tenant,
        score=score,
        severity=max((m.severity for m in members if m.verdict == "found"), key=severity_rank),
        title=", then ".join(patterns),
        reasons=reasons,
        first_at=min((m.first_at for m in members if m.first_at is not None), default=None),
        last_at=max((m.last_at for m in members if m.last_at is not None), default=None),
        about=about,
        steps=tuple(
            Step(
                at=m.first_at, pattern=m.pattern, verdict=m.verdict, severity=m.severity, fingerprint=m.fingerprint,
                sentence=m.sentence,
            )
            for m in members
        ),
        connections=connections,
    )  # fmt: skip


def _score(members: Sequence[Finding], connections: Sequence[Connection]) -> tuple[int, tuple[str, ...]]:
    """Share of certainty that something is wrong: each pattern takes its weight of what is left."""
    worst: dict[str, str] = {}
    for member in members:
        if member.verdict == "found":
            worst[member.pattern] = max(worst.get(member.pattern, "info"), member.severity, key=severity_rank)
    parts = [(WEIGHTS[severity], f"{severity}: {pattern}") for pattern, severity in worst.items()]
    leads = {member.pattern for member in members if member.verdict == "lead"} - set(worst)
    parts += [(LEAD_WEIGHT, f"lead: {pattern}") for pattern in leads]
    identities = {m.subject.identity_id for m in members if m.verdict == "found"} - {None}
    chained = sorted({c.kind for c in connections if c.kind != "identity"})
    if len(identities) > 1:
        how = ", ".join(_CHAINED[kind] for kind in chained) or "one acted on the other"
        parts.append((CHAIN_WEIGHT, f"{len(identities)} identities in one chain: {how}"))
    left = 1.0
    for weight, _ in parts:
        left *= 1 - weight
    ordered = sorted(parts, key=lambda part: (-part[0], part[1]))
    return round(100 * (1 - left)), tuple(text for _, text in ordered)


def _in_time(finding: Finding) -> tuple[str, str, str, str]:
    return finding.first_at or "~", finding.last_at or "~", finding.pattern, finding.fingerprint
