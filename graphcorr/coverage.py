"""Coverage: what each source delivered, where it is silent, and what cannot be decided because of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from graphcorr.archive.archive import Archive
from graphcorr.home import Home, Waiting
from graphcorr.projection.project import current
from graphcorr.stores import StoreChoice, open_store
from graphcorr.tables import Table

_SOURCES = """
MATCH (l:LogSource)
OPTIONAL MATCH (l)-[:HAS_GAP]->(g:Gap)
WITH l, g ORDER BY g.start
WITH l, count(g) AS gaps, collect(g.kind)[..20] AS kinds
RETURN l.tenantId AS tenant, l.source AS source, l.scope AS scope, l.firstSeen AS first, l.lastSeen AS last,
       l.eventCount AS entries, l.bytes AS bytes,
       CASE WHEN l.eventCount > 0 THEN l.bytes / l.eventCount END AS bytesPerEntry,
       l.delayP50 AS delayP50, l.delayP95 AS delayP95, l.duplicates AS duplicates, l.declared AS declared,
       gaps, kinds
ORDER BY tenant, source, scope
"""

# Of nothing the stores do not know the columns.
_OF_SOURCES = ("tenant", "source", "scope", "first", "last", "entries", "bytes", "bytesPerEntry", "delayP50",
               "delayP95", "duplicates", "declared", "gaps", "gapKinds", "unknownFields")  # fmt: skip
_OF_UNDECIDED = ("tenant", "resource", "evidence", "signIns", "meaning")

_UNDECIDED = """
MATCH (s:SignIn) WHERE s.kind <> 'user' AND NOT s.evidence IN ['complete', 'notApplicable']
RETURN s.tenantId AS tenant, coalesce(s.resourceName, s.resourceAppId, '') AS resource, s.evidence AS evidence,
       sum(s.count) AS signIns
ORDER BY tenant, resource, evidence
"""

REASONS = {
    "noSource": "no log shows what is done with such tokens",
    "noLoader": "the log exists, but graphcorr does not read it",
    "notCollected": "the log was not loaded",
    "tooRecent": "the newest records are not yet late enough to tell",
    "gap": "the log is silent or unproven in that time",
    "changesOnly": "the log shows changes only, no reads",
    "partialScopes": "not every known scope is in the log",
}


def coverage(
    *,
    home: str | Path = "graphcorr-data",
    store: StoreChoice = "embedded",
    lock_timeout: float = 30.0,
    waiting: Waiting | None = None,
) -> Table:
    """One row per tenant, source and scope: entries, bytes, delay (seconds), duplicates, gaps by kind, unknown fields.

    Below them one row, without a tenant, for each source with entries of which nothing says whose they are.
    The fields that no loader knows are those of the source in anything loaded into the home, whatever the tenant.
    """
    place = Home(home)
    with place.lock(False, "coverage", lock_timeout, waiting), closing(open_store(place.root, store)) as opened:
        rows = list(opened.query(_SOURCES).rows)
        unknown = place.unknown_fields
        lost = without_tenant(place)
    source = _OF_SOURCES.index("source")
    nothing: dict[str, Any] = {**dict.fromkeys(_OF_SOURCES[:-1]), "gapKinds": []}
    rows += [tuple({**nothing, "source": name, "entries": count}.values()) for name, count in lost.items()]
    return Table(_OF_SOURCES, [(*row[:-1], _counted(row[-1]), unknown.get(row[source], [])) for row in rows])


def without_tenant(home: Home) -> Mapping[str, int]:
    """Source → events of the home that are in no graph, since nothing says to which tenant they belong.

    None are known if archive or configuration changed since the last projection.
    """
    settings = home.settings
    made = current(Archive(home.archive_dir), settings.config, home.projection_dir, users=settings.users)
    return made.without_tenant if made is not None else {}


def undecided(
    *,
    home: str | Path = "graphcorr-data",
    store: StoreChoice = "embedded",
    lock_timeout: float = 30.0,
    waiting: Waiting | None = None,
) -> Table:
    """Sign-ins whose use cannot be judged, by resource and reason."""
    place = Home(home)
    with place.lock(False, "coverage", lock_timeout, waiting), closing(open_store(place.root, store)) as opened:
        rows = opened.query(_UNDECIDED).rows
    return Table(_OF_UNDECIDED, [(*row, REASONS.get(row[2], "")) for row in rows])


def totals(open_questions: Table) -> list[tuple[str, int, str]]:
    """(reason, sign-ins, what it means) over all tenants and resources of `undecided`, the most frequent first."""
    reason, sign_ins = (_OF_UNDECIDED.index(name) for name in ("evidence", "signIns"))
    counts: Counter[str] = Counter()
    for row in open_questions.rows:
        counts[row[reason]] += row[sign_ins]
    return [(name, count, REASONS.get(name, "")) for name, count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]


def _counted(kinds: list[str]) -> str:
    return ", ".join(f"{kind} {kinds.count(kind)}" for kind in sorted(set(kinds)))
