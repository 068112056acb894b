"""Trace: from any id, address or present or former name to a story in the order of time, with evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from graphcorr import identities, ids
from graphcorr.errors import UsageError
from graphcorr.home import Home, Waiting
from graphcorr.report.safe import printable
from graphcorr.stores import StoreChoice, open_store
from graphcorr.times import to_iso

if TYPE_CHECKING:
    from graphcorr.store.base import Store


class Subject(msgspec.Struct, frozen=True, rename="camel"):
    """Something the trace is about."""

    label: str
    key: str
    caption: str


class Step(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that happened. `kind`: name, credential, change, signIn, activity, risk, conflict."""

    at: datetime | None
    kind: str
    text: str
    event_ids: tuple[str, ...] = ()
    # Sign-ins that led to it, or steps it led to, in words.
    because: str | None = None
    tenant_id: str | None = None


class Trace(msgspec.Struct, frozen=True, rename="camel"):
    """The story of what was asked for; steps in the order of time, undated ones first."""

    asked: str
    subjects: tuple[Subject, ...]
    steps: tuple[Step, ...]

    columns = ("at", "kind", "text", "because", "eventIds", "tenantId")

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return [
            (step.at, step.kind, step.text, step.because, list(step.event_ids), step.tenant_id) for step in self.steps
        ]

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(self)
        for step, built in zip(self.steps, found["steps"], strict=True):
            built["at"] = to_iso(step.at) if step.at else None
        return found

    def to_text(self) -> Iterable[str]:
        """Lines for a terminal; log values are made safe. Each step names its tenant where there are several."""
        several = len({step.tenant_id for step in self.steps}) > 1
        for subject in self.subjects:
            yield printable(f"{subject.label}: {subject.caption}  ({subject.key})")
        yield ""
        day = None
        for step in self.steps:
            if step.at is not None and step.at.date() != day:
                day = step.at.date()
                yield f"{day.isoformat()} (UTC)"
            clock = step.at.strftime("%H:%M:%S.%f")[:12] if step.at else "undated     "
            yield printable(f"  {clock}  {step.text}{f' (tenant {step.tenant_id})' if several else ''}")
            if step.because:
                yield printable(f"                {step.because}")
            if step.event_ids:
                yield printable(f"                evidence {', '.join(step.event_ids)}")


def trace(
    what: str,
    *,
    home: str | Path = "graphcorr-data",
    store: StoreChoice = "embedded",
    lock_timeout: float = 30.0,
    waiting: Waiting | None = None,
) -> Trace:
    """The story of an object id, app id, key id, thumbprint, address, token id, resource, or present or former name.

    Raises UsageError if nothing in the graph carries it.
    """
    place = Home(home)
    with place.lock(False, "trace", lock_timeout, waiting), closing(open_store(place.root, store)) as opened:
        return trace_store(opened, what)


def trace_store(store: Store, what: str) -> Trace:
    """As `trace`, on an open store."""
    # What was done to a machine is asked by its Azure id; its identity has ids of its own.
    keys = [] if ids.subscription_of(what) else identities.find(store, what)
    scope, parameters = ("identity", {"keys": keys}) if keys else _elsewhere(store, what)
    subjects = tuple(Subject(*row) for row in store.query(_SUBJECTS[scope], parameters).rows)
    if not subjects:
        raise UsageError(
            f"nothing in the graph is called {what!r}",
            hint="give an object id, app id, key id, thumbprint, address, token id, or a name; "
            "`graphcorr identities` lists the identities",
        )
    steps = [
        msgspec.structs.replace(_step(kind, row), tenant_id=row["tenantId"])
        for kind, query in _STEPS[scope].items()
        for row in store.query(query, parameters).dicts()
    ]
    return Trace(what, subjects, tuple(sorted(set(steps), key=_order)))


def _elsewhere(store: Store, what: str) -> tuple[str, dict[str, Any]]:
    """What `what` may be, if it is no identity: an address, credential, token, user or resource."""
    text = what.strip()
    address = ids.ip_address(text)
    if address is not None:
        return "address", {"keys": [address]}
    found = [
        ("credential", "(n:Credential) WHERE n.keyId = $id OR n.federatedId = $id OR n.thumbprint = $thumbprint"),
        ("user", "(n:User) WHERE n.objectId = $id OR n.userPrincipalName = $text"),
        ("object", "(n:DirectoryObject) WHERE n.objectId = $id"),
        ("resource", "(n:Resource) WHERE n.resourceId = toLower($text)"),
    ]
    parameters = {"id": ids.object_id(text) or text, "text": text, "thumbprint": ids.thumbprint(text) or text.upper()}
    for scope, pattern in found:
        keys = sorted(row[0] for row in store.query(f"MATCH {pattern} RETURN n.key AS key", parameters).rows)
        if keys:
            return scope, {"keys": keys}
    token = ids.token_guid(text)
    if token is not None:
        return "event", {"keys": [token, text]}
    return "event", {"keys": [text]}


_SIGN_IN_OF_KEYS = """
MATCH (s:SignIn) WHERE any(id IN s.sampleIds WHERE id IN $keys) OR any(id IN s.unexplainedIds WHERE id IN $keys)
"""


def _named(label: str, shown: str, caption: str = "n.caption") -> str:
    """Query for the subjects with a key; the words are ours."""
    return f"""
        MATCH (n:{label}) WHERE n.key IN $keys
        RETURN '{shown}' AS label, n.key AS key, {caption} AS caption ORDER BY key"""


_SUBJECTS = {
    "identity": _named("Identity", "Identity"),
    "address": _named("IPAddress", "Address", "n.caption + ' (' + n.scope + ', ' + n.network + ')'"),
    "credential": _named("Credential", "Credential"),
    "user": _named("User", "User"),
    "object": _named("DirectoryObject", "Object"),
    "resource": _named("Resource", "Resource"),
    "event": _SIGN_IN_OF_KEYS
    + """
        RETURN 'Sign-in' AS label, s.key AS key, s.caption AS caption
        UNION
        MATCH (t:Token) WHERE t.tokenId IN $keys RETURN 'Token' AS label, t.key AS key, t.caption AS caption
        UNION
        MATCH (c:Change) WHERE c.eventId IN $keys OR c.correlationId IN $keys
        RETURN 'Change' AS label, c.key AS key, c.caption AS caption
    """,
}

_SIGN_IN = """
OPTIONAL MATCH (s)-[:FROM]->(ip:IPAddress)
OPTIONAL MATCH (s)-[:USED]->(c:Credential)
RETURN DISTINCT s.tenantId AS tenantId, s.firstSeen AS at, s.caption AS caption, ip.address AS address,
       c.caption AS credential, who, s.evidence AS evidence, s.linkedCount AS linked,
       s.possibleSameAddressCount AS same, s.possibleOtherAddressCount AS other,
       s.unexplainedCount AS unexplained, s.sampleIds AS events
"""

_ACTIVITY = """
OPTIONAL MATCH (a)-[:ON]->(r:Resource)
OPTIONAL MATCH (a)-[:FROM]->(ip:IPAddress)
OPTIONAL MATCH (s:SignIn)-[l:LED_TO]->(a)
RETURN DISTINCT a.tenantId AS tenantId, a.firstSeen AS at, a.caption AS caption, r.caption AS resource,
       ip.address AS address, who, l.basis AS basis, l.confidence AS confidence, s.firstSeen AS signedInAt,
       a.sampleIds AS events
"""

_CHANGE = """
OPTIONAL MATCH (actor)-[:MADE]->(c)
OPTIONAL MATCH (c)-[f:FROM]->(ip:IPAddress)
OPTIONAL MATCH (c)-[:RENAMED_FROM]->(old:Name)
OPTIONAL MATCH (c)-[:RENAMED_TO]->(new:Name)
OPTIONAL MATCH (c)-[plus:ADDED]->(added)
OPTIONAL MATCH (c)-[minus:REMOVED]->(removed)
OPTIONAL MATCH (c)-[:GRANTED]->(granted)
OPTIONAL MATCH (c)-[:REVOKED]->(revoked)
OPTIONAL MATCH (s:SignIn)-[l:LED_TO]->(c)
RETURN c.tenantId AS tenantId, c.at AS at, c.caption AS caption, c.result AS result, target, actor.caption AS actor,
       ip.address AS address, f.basis AS addressBasis,
       collect(DISTINCT old.value) AS old, collect(DISTINCT new.value) AS new,
       collect(DISTINCT added.caption + coalesce(' for ' + plus.subject + ' of ' + plus.issuer, '')) AS added,
       collect(DISTINCT removed.caption + coalesce(' for ' + minus.subject + ' of ' + minus.issuer, '')) AS removed,
       collect(DISTINCT granted.caption) AS granted,
       collect(DISTINCT revoked.caption) AS revoked,
       l.basis AS basis, l.confidence AS confidence, min(s.firstSeen) AS signedInAt,
       [c.eventId] AS events
"""

_OBJECTS = "MATCH (i:Identity)<-[:PART_OF]-(o:DirectoryObject) WHERE i.key IN $keys "
_PRINCIPALS = "MATCH (i:Identity)<-[:PART_OF*0..1]-(p) WHERE i.key IN $keys "
_WHO_SIGNED_IN = "OPTIONAL MATCH (p)-[:SIGNED_IN]->(s) WITH s, p.caption AS who" + _SIGN_IN
_WHO_ACTED = "OPTIONAL MATCH (p)-[:PERFORMED]->(a) WITH a, p.caption AS who" + _ACTIVITY
_WHAT_CHANGED = (
    "OPTIONAL MATCH (c)-[:CHANGED]->(t:DirectoryObject) "
    "WITH DISTINCT c, coalesce(t.kind + ' ', '') + t.caption AS target" + _CHANGE
)

_CONFLICT = """
MATCH (o)<-[:BETWEEN]-(c:Conflict)
RETURN DISTINCT c.tenantId AS tenantId, null AS at, c.reason AS reason, c.kind AS kind, c.eventIds AS events
"""

_STEPS = {
    "identity": {
        "conflict": _OBJECTS + _CONFLICT,
        "risk": _OBJECTS
        + """
            MATCH (o)<-[:ABOUT]-(r:RiskEvent)
            RETURN DISTINCT r.tenantId AS tenantId, r.firstSeen AS at, r.caption AS caption, [r.eventId] AS events""",
        "credential": _OBJECTS
        + """
            MATCH (o)-[h:HAS_CREDENTIAL]->(c:Credential) WHERE h.basis = 'inventory'
            RETURN DISTINCT o.tenantId AS tenantId, h.validFrom AS at, h.validTo AS until, o.kind AS object,
                   c.caption AS credential, c.expiresAt AS expires, h.eventIds AS events""",
        "name": _OBJECTS
        + """
            MATCH (o)-[n:NAMED]->(name:Name) WHERE n.basis <> 'audit'
            RETURN DISTINCT o.tenantId AS tenantId, n.validFrom AS at, n.validTo AS until, n.basis AS basis,
                   o.kind AS object, name.value AS name, n.eventIds AS events""",
        "change": _OBJECTS + "MATCH (o)<-[:CHANGED]-(c:Change) WITH DISTINCT c, o.kind AS target" + _CHANGE,
        "made": _OBJECTS + "MATCH (o)-[:MADE]->(c:Change) " + _WHAT_CHANGED,
        # What was done in Azure to its credentials, by whomever.
        "keeping": _OBJECTS
        + "MATCH (o)-[:HAS_CREDENTIAL]->(:Credential)<-[:ADDED|REMOVED]-(a:Activity) WITH DISTINCT a "
        + _WHO_ACTED,
        "signIn": _PRINCIPALS + "MATCH (p)-[:SIGNED_IN]->(s:SignIn) WITH s, null AS who" + _SIGN_IN,
        "activity": _PRINCIPALS + "MATCH (p)-[:PERFORMED]->(a:Activity) WITH a, null AS who" + _ACTIVITY,
    },
    "address": {
        "signIn": "MATCH (n:IPAddress)<-[:FROM]-(s:SignIn) WHERE n.key IN $keys " + _WHO_SIGNED_IN,
        "activity": "MATCH (n:IPAddress)<-[:FROM]-(a:Activity) WHERE n.key IN $keys " + _WHO_ACTED,
        "change": "MATCH (n:IPAddress)<-[:FROM]-(c:Change) WHERE n.key IN $keys " + _WHAT_CHANGED,
    },
    "credential": {
        "signIn": "MATCH (n:Credential)<-[:USED]-(s:SignIn) WHERE n.key IN $keys " + _WHO_SIGNED_IN,
        "change": "MATCH (n:Credential)<-[:ADDED|REMOVED]-(c:Change) WHERE n.key IN $keys " + _WHAT_CHANGED,
        "keeping": "MATCH (n:Credential)<-[:ADDED|REMOVED]-(a:Activity) WHERE n.key IN $keys " + _WHO_ACTED,
    },
    "user": {
        "signIn": "MATCH (n:User)-[:SIGNED_IN]->(s:SignIn) WHERE n.key IN $keys WITH s, null AS who" + _SIGN_IN,
        "activity": "MATCH (n:User)-[:PERFORMED]->(a:Activity) WHERE n.key IN $keys WITH a, null AS who" + _ACTIVITY,
        "change": "MATCH (n:User)-[:MADE]->(c:Change) WHERE n.key IN $keys " + _WHAT_CHANGED,
    },
    # What is part of no identity: a group, a policy, an id about which the records disagree.
    "object": {
        "conflict": "MATCH (o:DirectoryObject) WHERE o.key IN $keys " + _CONFLICT,
        "change": "MATCH (n:DirectoryObject)<-[:CHANGED]-(c:Change) WHERE n.key IN $keys " + _WHAT_CHANGED,
        "made": "MATCH (n:DirectoryObject)-[:MADE]->(c:Change) WHERE n.key IN $keys " + _WHAT_CHANGED,
        "signIn": "MATCH (n:DirectoryObject)-[:SIGNED_IN]->(s:SignIn) WHERE n.key IN $keys WITH s, null AS who"
        + _SIGN_IN,
        "activity": "MATCH (n:DirectoryObject)-[:PERFORMED]->(a:Activity) WHERE n.key IN $keys WITH a, null AS who"
        + _ACTIVITY,
    },
    "resource": {"activity": "MATCH (n:Resource)<-[:ON]-(a:Activity) WHERE n.key IN $keys " + _WHO_ACTED},
    "event": {
        "signIn": _SIGN_IN_OF_KEYS + _WHO_SIGNED_IN,
        "activity": _SIGN_IN_OF_KEYS + "MATCH (s)-[:LED_TO]->(a:Activity) " + _WHO_ACTED,
        "tokenUse": "MATCH (t:Token)-[:USED_FOR]->(a:Activity) WHERE t.tokenId IN $keys " + _WHO_ACTED,
        "change": "MATCH (c:Change) WHERE c.eventId IN $keys OR c.correlationId IN $keys " + _WHAT_CHANGED,
    },
}


def _step(kind: str, row: Mapping[str, Any]) -> Step:
    if kind == "name":
        seen = f", last seen {to_iso(row['until'])}" if row["until"] and row["until"] != row["at"] else ""
        source = "inventory" if row["basis"] == "inventory" else "sign-ins"
        return Step(row["at"], "name", f"named “{row['name']}” in {source} ({row['object']}{seen})", _events(row))
    if kind == "credential":
        known = f", expires {to_iso(row['expires'])}" if row["expires"] else ""
        return Step(row["at"], "credential", f"{row['credential']} in inventory ({row['object']}{known})", _events(row))
    if kind == "risk":
        return Step(row["at"], "risk", f"Microsoft detected: {row['caption']}", _events(row))
    if kind == "conflict":
        return Step(row["at"], "conflict", f"conflict: {row['reason']} ({row['kind']})", _events(row))
    if kind == "signIn":
        return _sign_in(row)
    if kind in ("activity", "keeping", "tokenUse"):
        return _activity(row)
    return _change(row)


def _sign_in(row: Mapping[str, Any]) -> Step:
    text = " ".join(
        [
            row["caption"],
            *([f"by {row['who']}"] if row["who"] else []),
            *([f"from {row['address']}"] if row["address"] else []),
            *([f"with {row['credential']}"] if row["credential"] else []),
        ]
    )
    counts = {
        "led to activity": row["linked"],
        "could have led to some": row["same"],
        "could only have led to some from another address": row["other"],
        f"nothing seen that came of it ({row['evidence']})": row["unexplained"],
    }
    because = "; ".join(f"{count} {words}" for words, count in counts.items() if count)
    return Step(row["at"], "signIn", text, _events(row), because or None)


def _activity(row: Mapping[str, Any]) -> Step:
    text = " ".join(
        [
            row["caption"],
            *([f"on {row['resource']}"] if row["resource"] else []),
            *([f"by {row['who']}"] if row["who"] else []),
            *([f"from {row['address']}"] if row["address"] else []),
        ]
    )
    return Step(row["at"], "activity", text, _events(row), _because(row))


def _change(row: Mapping[str, Any]) -> Step:
    what = []
    for old in row["old"]:
        what.append(f"renamed “{old}” to {_quoted(row['new'])}")
    for verb in ("added", "removed", "granted", "revoked"):
        if row[verb]:
            what.append(f"{verb} {_quoted(row[verb])}")
    details = f": {'; '.join(what)}" if what else ""
    failed = "" if row["result"] in (None, "success") else f" ({row['result']})"
    derived = {"signIn": " (address of the sign-in that led to it)", "envelope": " (address of the export envelope)"}
    text = " ".join(
        [
            f"{row['caption']}{failed}{details}",
            *([f"on {row['target']}"] if row["target"] else []),
            *([f"by {row['actor']}"] if row["actor"] else []),
            *([f"from {row['address']}{derived.get(row['addressBasis'], '')}"] if row["address"] else []),
        ]
    )
    return Step(row["at"], "change", text, _events(row), _because(row))


def _because(row: Mapping[str, Any]) -> str | None:
    if not row["basis"]:
        return None
    by = {"token": "by its token", "tokenTime": "by the issue time in its token", "window": "by time and address"}
    when = f" of {to_iso(row['signedInAt'])}" if row["signedInAt"] else ""
    return f"led to by the sign-in{when}, {by.get(row['basis'], row['basis'])} ({row['confidence']})"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _events(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row["events"] or ())


def _order(step: Step) -> tuple[bool, str, str, str, tuple[str, ...], str]:
    at = step.at.isoformat() if step.at else ""
    return (step.at is not None, at, step.kind, step.text, step.event_ids, step.tenant_id or "")
