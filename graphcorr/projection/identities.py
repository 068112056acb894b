"""Identities: which objects of a tenant are one workload identity. Only stated id pairs and twin records decide.

Works on distinct id pairs (small). A disagreement is reported as a conflict and never merged away (design 7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import networkx as nx

Node = tuple[str, str]  # (object type, object id)


@dataclass(frozen=True)
class Member:
    """One object and the identity it is part of."""

    tenant: str
    object_type: str
    object_id: str
    app_id: str | None
    identity_id: str
    basis: str
    confidence: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True)
class Conflict:
    """Ids that cannot be one identity: `ids` are `type:id`, sorted."""

    tenant: str
    kind: str
    reason: str
    ids: tuple[str, ...]
    event_ids: tuple[str, ...]


@dataclass
class _Pairs:
    """What one tenant's records state about object ids."""

    apps: dict[Node, dict[str, tuple[list[str], list[str]]]] = field(default_factory=lambda: defaultdict(dict))
    twins: nx.Graph[Node] = field(default_factory=nx.Graph)
    twin_ids: dict[frozenset[Node], list[str]] = field(default_factory=dict)

    def drop(self, object_id: str) -> None:
        """Forget what joins an object whose kind is disputed."""
        for kind in _PREFIX:
            self.apps.pop((kind, object_id), None)
            if (kind, object_id) in self.twins:
                self.twins.remove_node((kind, object_id))


_PREFIX = {"servicePrincipal": "sp:", "application": "reg:"}


def resolve(
    objects: Iterable[Mapping[str, Any]], pairs: Iterable[Mapping[str, Any]]
) -> tuple[list[Member], list[Conflict]]:
    """Members and conflicts of all tenants.

    `objects`: tenant, object_id, kinds (sorted, none of them unknown), first_at, created_at, deleted_at, left_at and
    restored_at (its latest return), event_ids; those of several kinds and all applications and service principals.
    Objects of several kinds are no members.
    `pairs`: tenant, left_type, left_id, right_type, right_id, bases, event_ids. Types: application, servicePrincipal,
    appId, resourceId. The result does not depend on the order of either.
    """
    by_tenant: dict[str, _Pairs] = defaultdict(_Pairs)
    for pair in pairs:
        _take(by_tenant[pair["tenant"]], pair)
    found: dict[str, dict[Node, Mapping[str, Any]]] = defaultdict(dict)
    members: list[Member] = []
    conflicts: list[Conflict] = []
    for item in sorted(objects, key=lambda item: (item["tenant"], item["object_id"])):
        if len(item["kinds"]) > 1:
            conflicts.append(_two_kinds(item))
            by_tenant[item["tenant"]].drop(item["object_id"])
        else:
            found[item["tenant"]][(item["kinds"][0], item["object_id"])] = item
    for tenant in sorted(found):
        stated = by_tenant[tenant]
        placed = [_place(tenant, node, stated) for node in sorted(found[tenant])]
        members.extend(placed)
        conflicts.extend(_two_app_ids(tenant, stated, found[tenant]))
        conflicts.extend(_two_objects(tenant, placed, found[tenant]))
    return members, conflicts


def _take(stated: _Pairs, pair: Mapping[str, Any]) -> None:
    left: Node = (pair["left_type"], pair["left_id"])
    right: Node = (pair["right_type"], pair["right_id"])
    if right[0] in _PREFIX and left[0] == "appId":
        left, right = right, left
    if left[0] in _PREFIX and right[0] == "appId":
        # An agent identity's app id is its own object id: a statement like any other (log-facts 2.1).
        bases, event_ids = stated.apps[left].setdefault(right[1], ([], []))
        bases.extend(pair["bases"])
        event_ids.extend(pair["event_ids"])
    elif left[0] in _PREFIX and right[0] in _PREFIX:
        stated.twins.add_edge(left, right)
        stated.twin_ids.setdefault(frozenset((left, right)), []).extend(pair["event_ids"])


def _place(tenant: str, node: Node, stated: _Pairs) -> Member:
    object_type, object_id = node
    own = stated.apps.get(node, {})
    if len(own) == 1:
        ((app_id, (bases, event_ids)),) = own.items()
        return Member(
            tenant,
            object_type,
            object_id,
            app_id,
            f"app:{app_id}",
            "+".join(sorted(set(bases))),
            "exact",
            _five(event_ids),
        )
    alone = _PREFIX[object_type] + object_id
    if own or node not in stated.twins:
        return Member(tenant, object_type, object_id, None, alone, "own", "exact", ())
    component = sorted(nx.node_connected_component(stated.twins, node))
    apps = {app for twin in component for app in stated.apps.get(twin, {})}
    disputed = any(len(stated.apps.get(twin, {})) > 1 for twin in component)
    principals = [twin for twin in component if twin[0] == "servicePrincipal"]
    registrations = [twin for twin in component if twin[0] == "application"]
    twin_events = _five(e for twin in stated.twins[node] for e in stated.twin_ids[frozenset((node, twin))])
    if disputed or len(apps) > 1 or len(principals) > 1 or len(registrations) > 1:
        return Member(tenant, object_type, object_id, None, alone, "own", "exact", ())
    if apps:
        (app_id,) = apps
        return Member(tenant, object_type, object_id, app_id, f"app:{app_id}", "auditTwin", "high", twin_events)
    return Member(tenant, object_type, object_id, None, f"sp:{principals[0][1]}", "auditTwin", "high", twin_events)


def _two_kinds(item: Mapping[str, Any]) -> Conflict:
    ids = tuple(f"{kind}:{item['object_id']}" for kind in item["kinds"])
    reason = "records call this id different kinds of object"
    return Conflict(item["tenant"], "twoKinds", reason, ids, _five(item["event_ids"]))


def _two_app_ids(tenant: str, stated: _Pairs, found: Mapping[Node, Mapping[str, Any]]) -> Iterable[Conflict]:
    for node in sorted(found):
        apps = stated.apps.get(node, {})
        if len(apps) > 1:
            event_ids = _five(e for _, ids in apps.values() for e in ids)
            ids = (f"{node[0]}:{node[1]}", *(f"appId:{app}" for app in sorted(apps)))
            yield Conflict(tenant, "twoAppIds", "records state more than one app id for this object", ids, event_ids)


def _two_objects(tenant: str, placed: Sequence[Member], found: Mapping[Node, Mapping[str, Any]]) -> Iterable[Conflict]:
    """Objects of one kind that live at the same time under one app id. One after the other is re-creation."""
    groups: dict[tuple[str, str], list[Member]] = defaultdict(list)
    for member in placed:
        if member.app_id is not None:
            groups[(member.app_id, member.object_type)].append(member)
    for (app_id, object_type), group in sorted(groups.items()):
        lives = sorted(life for m in group for life in _lives(found[(m.object_type, m.object_id)]))
        if any(later[0] < earlier[1] for earlier, later in zip(lives, lives[1:], strict=False)):
            kind = "twoServicePrincipals" if object_type == "servicePrincipal" else "twoApplicationObjects"
            ids = (f"appId:{app_id}", *(f"{m.object_type}:{m.object_id}" for m in group))
            reason = "objects with one app id were alive at the same time"
            yield Conflict(tenant, kind, reason, ids, _five(e for m in group for e in m.event_ids))


_PAST = datetime.min.replace(tzinfo=UTC)
_FUTURE = datetime.max.replace(tzinfo=UTC)


def _lives(item: Mapping[str, Any]) -> list[tuple[datetime, datetime]]:
    """From creation (else first sight) to deletion (else for ever), without the time before its latest restore."""
    start = item["created_at"] or item["first_at"] or _PAST
    end = item["deleted_at"] or _FUTURE
    if item["left_at"] is None:
        return [(start, end)]
    return [(start, item["left_at"]), (item["restored_at"], end)]


def _five(event_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(event_ids))[:5])
