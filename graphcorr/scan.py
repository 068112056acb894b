"""A scan: every pattern once per tenant, and its result as one versioned document that all outputs read."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from graphcorr.content import content_dir
from graphcorr.errors import InputError, OverLimit, PatternError, UsageError
from graphcorr.findings import Finding, Subject, order, severity_rank
from graphcorr.home import DEFAULT_HOME, Home
from graphcorr.patterns.model import SEVERITIES, Pattern
from graphcorr.patterns.parse import load_patterns
from graphcorr.patterns.run import checked_parameters, run_pattern
from graphcorr.refresh import is_current, refresh
from graphcorr.stores import StoreChoice, open_store
from graphcorr.stories import Story, tell
from graphcorr.times import to_iso

if TYPE_CHECKING:
    from datetime import datetime

    from graphcorr.config import Allow, Config
    from graphcorr.home import Waiting
    from graphcorr.store.base import Progress, Store

_LOG = logging.getLogger(__name__)

VERSION = 2
"""Version of the scan document; raised when a reader of the former one could go wrong."""

STATUSES = ("nothing", "noRecords", "notDecidable", "lead", "found", "failed")
"""Weakest first."""

NEVER = "never"
"""A bar for `exit_code` that no finding reaches."""

# What each tenant delivered: when its newest event is, and which logs it has at all.
_TENANTS = """
MATCH (l:LogSource)
RETURN l.tenantId AS tenantId, l.source AS source, max(l.lastSeen) AS lastSeen
ORDER BY tenantId, source
"""


class _Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of the document's parts: camelCase, unknown keys refused."""


class Undecided(_Document, frozen=True):
    """What a pattern could not decide about one subject, and why; `count` rows were like it."""

    pattern: str
    subject: Subject
    reason: str
    count: int


class PatternStatus(_Document, frozen=True):
    """How a pattern fared over all tenants: the strongest status that applies, and how often; allowed or not."""

    id: str
    status: Literal["nothing", "noRecords", "notDecidable", "lead", "found", "failed"]
    found: int = 0
    leads: int = 0
    undecided: int = 0
    # Why it failed.
    message: str | None = None


class TenantScan(_Document, frozen=True):
    """A tenant that was scanned, and its newest event: the "now" of its patterns."""

    tenant_id: str
    as_of: str


class Suppressed(_Document, frozen=True):
    """A finding or lead that the configuration allows (`[[allow]]`): why, and until when."""

    finding: Finding
    reason: str
    until: str


class ScanDocument(_Document, frozen=True):
    """The result of a scan. Lists have one order: worst first, then by time, pattern and fingerprint."""

    version: Literal[2] = 2
    tenants: tuple[TenantScan, ...] = ()
    findings: tuple[Finding, ...] = ()
    leads: tuple[Finding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    # Findings and leads that belong together; each of them is in the lists above as well.
    stories: tuple[Story, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    patterns: tuple[PatternStatus, ...] = ()


def scan(
    *,
    home: str | Path = DEFAULT_HOME,
    config: Config | None = None,
    store: StoreChoice = "embedded",
    patterns: Iterable[str] | None = None,
    pattern_dirs: Sequence[Path] = (),
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
    lock_timeout: float = 30.0,
    waiting: Waiting | None = None,
) -> ScanDocument:
    """Scan a home: bring its graph up to date if archive or configuration changed, then run the patterns.

    `patterns` names ids, `pattern_dirs` adds folders of your own to the patterns that come with graphcorr. Raises
    UsageError and PatternError before anything is run, LockedError if another run holds the home.
    """
    place = Home(home)
    place.require()
    loaded = load_patterns([content_dir("cypher") / "patterns", *pattern_dirs])
    if not is_current(place, store, config):
        with place.lock(True, "scan", lock_timeout, waiting):
            refresh(place, place.remember(config=config), store, progress)
    with place.lock(False, "scan", lock_timeout, waiting), closing(open_store(place.root, store)) as opened:
        allow = (place.settings.config if config is None else config).allow
        return scan_store(opened, loaded, patterns, parameters, allow)


def scan_store(
    store: Store,
    patterns: Sequence[Pattern],
    only: Iterable[str] | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    allow: Sequence[Allow] = (),
) -> ScanDocument:
    """Run the patterns (those named in `only`, else all) over every tenant of the store.

    `parameters` overrides defaults: pattern id → parameter → value. What `allow` names is told apart from the rest. A
    pattern that the store refuses, that needs more memory than it has, or whose rows break its contract gets status
    `failed`, the others go on. Raises UsageError for ids and parameters that do not exist, StoreError if the store
    itself fails.
    """
    chosen = _chosen(patterns, only)
    overrides = parameters or {}
    _check_overrides(chosen, overrides)
    tenants = _tenants(store)
    rows: list[Finding] = []
    statuses: list[PatternStatus] = []
    for pattern in chosen:
        found, status = _scan_pattern(store, pattern, tenants, overrides.get(pattern.id, {}))
        rows.extend(found)
        statuses.append(status)
    rows.sort(key=order)
    rows, suppressed = _allowed(rows, allow, tenants)
    return ScanDocument(
        tenants=tuple(TenantScan(tenant_id=name, as_of=to_iso(max(seen.values()))) for name, seen in tenants.items()),
        findings=tuple(row for row in rows if row.verdict == "found"),
        leads=tuple(row for row in rows if row.verdict == "lead"),
        undecided=_undecided(row for row in rows if row.verdict == "notDecidable"),
        stories=tell(store, rows),
        suppressed=suppressed,
        patterns=tuple(statuses),
    )


def encode(document: ScanDocument) -> bytes:
    """The document as JSON, indented; ASCII only, so that escapes inside log values reach no terminal."""
    return json.dumps(msgspec.to_builtins(document), indent=2).encode("ascii") + b"\n"


def decode(data: bytes | str) -> ScanDocument:
    """Read a scan document. Raises InputError for another version, unknown keys and anything else."""
    try:
        return msgspec.json.decode(data, type=ScanDocument)
    except msgspec.ValidationError as error:
        raise InputError(f"not a scan document of version {VERSION}: {error}") from error
    except msgspec.DecodeError as error:
        raise InputError(f"not JSON: {error}") from error


def exit_code(document: ScanDocument, fail_on: str = "low", fail_on_undecided: bool = False) -> int:
    """0 clean, 1 findings at or above `fail_on`, 8 a pattern failed.

    A failed pattern wins over findings: the scan is incomplete. Leads never count; what is undecided counts (as 1)
    with `fail_on_undecided` only. `fail_on` "never" lets no finding count. Raises UsageError for another severity.
    """
    if fail_on not in (*SEVERITIES, NEVER):
        raise UsageError(f"unknown severity {fail_on!r}", hint=f"one of {', '.join(SEVERITIES)}, {NEVER}")
    if any(pattern.status == "failed" for pattern in document.patterns):
        return 8
    if fail_on != NEVER:
        bar = severity_rank(fail_on)
        if any(severity_rank(finding.severity) >= bar for finding in document.findings):
            return 1
    return 1 if fail_on_undecided and document.undecided else 0


def _chosen(patterns: Sequence[Pattern], only: Iterable[str] | None) -> tuple[Pattern, ...]:
    by_id = {pattern.id: pattern for pattern in patterns}
    if only is None:
        return tuple(by_id[name] for name in sorted(by_id))
    wanted = sorted(set(only))
    for name in wanted:
        if name not in by_id:
            raise UsageError(f"no pattern {name!r}", hint="`graphcorr patterns list` shows their ids")
    return tuple(by_id[name] for name in wanted)


def _check_overrides(patterns: Sequence[Pattern], overrides: Mapping[str, Mapping[str, Any]]) -> None:
    by_id = {pattern.id: pattern for pattern in patterns}
    for name, values in overrides.items():
        if name not in by_id:
            raise UsageError(f"parameters for {name!r}, a pattern that is not run")
        checked_parameters(by_id[name], values)


def _tenants(store: Store) -> dict[str, dict[str, datetime]]:
    """Tenant → source → its newest event, in one order. Sources without dated events are left out."""
    tenants: dict[str, dict[str, datetime]] = {}
    for row in store.query(_TENANTS).dicts():
        if row["tenantId"] is not None and row["lastSeen"] is not None:
            tenants.setdefault(row["tenantId"], {})[row["source"]] = row["lastSeen"]
    return tenants


def _scan_pattern(
    store: Store, pattern: Pattern, tenants: Mapping[str, Mapping[str, datetime]], params: Mapping[str, Any]
) -> tuple[list[Finding], PatternStatus]:
    rows: list[Finding] = []
    message = None
    judged = False
    for tenant, seen in tenants.items():
        judged = judged or not pattern.needs or any(source in seen for source in pattern.needs)
        try:
            rows.extend(run_pattern(pattern, store, tenant, max(seen.values()), params))
        except (PatternError, OverLimit) as error:
            _LOG.warning("pattern %s failed: %s", pattern.id, error)
            message = str(error)
            break
    counts = Counter(row.verdict for row in rows)
    applying = [
        "nothing" if judged else "noRecords",
        *(verdict for verdict in counts),
        *(["failed"] if message is not None else []),
    ]
    status = PatternStatus(
        id=pattern.id,
        status=max(applying, key=STATUSES.index),  # type: ignore[arg-type]
        found=counts["found"],
        leads=counts["lead"],
        undecided=counts["notDecidable"],
        message=message,
    )
    return rows, status


def _allowed(
    rows: Sequence[Finding], allow: Sequence[Allow], tenants: Mapping[str, Mapping[str, datetime]]
) -> tuple[list[Finding], tuple[Suppressed, ...]]:
    """Rows that nothing allows, and those that something does at the time of their tenant's newest event."""
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    for row in rows:
        now = max(tenants[row.tenant_id].values())
        subject = row.subject
        ids = {subject.app_id, subject.object_id, subject.key_id, subject.address}
        holding = [
            entry
            for entry in allow
            if entry.pattern == row.pattern
            and now < entry.until
            and (entry.fingerprint == row.fingerprint or (entry.subject is not None and entry.subject in ids))
        ]
        if holding and row.verdict != "notDecidable":
            last = max(holding, key=lambda entry: (entry.until, entry.reason))
            suppressed.append(Suppressed(finding=row, reason=last.reason, until=to_iso(last.until)))
        else:
            kept.append(row)
    return kept, tuple(suppressed)


def _undecided(rows: Iterable[Finding]) -> tuple[Undecided, ...]:
    counts: Counter[tuple[str, str, str]] = Counter()
    subjects: dict[str, Subject] = {}
    for row in rows:
        counts[row.pattern, row.subject.key, row.reason or ""] += 1
        subjects[row.subject.key] = row.subject
    return tuple(
        Undecided(pattern=pattern, subject=subjects[key], reason=reason, count=count)
        for (pattern, key, reason), count in sorted(counts.items())
    )
