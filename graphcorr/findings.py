"""Findings: rows of a pattern, checked, with a stable fingerprint; the vocabulary of every output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from graphcorr.patterns.model import SEVERITIES, VERDICTS
from graphcorr.times import to_iso


class Subject(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a finding is about, as far as the graph says; None where a key does not apply."""

    label: str
    key: str
    identity_id: str | None = None
    object_id: str | None = None
    app_id: str | None = None
    key_id: str | None = None
    address: str | None = None
    caption: str | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A harmless reason that was looked for: whether it is in the logs, and the events that show it."""

    id: str
    present: bool
    text: str
    evidence: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One row of one pattern, for one tenant. Times are ISO texts in UTC; None = the logs do not say."""

    pattern: str
    # Stays the same from scan to scan while it is the same finding.
    fingerprint: str
    tenant_id: str
    # found, lead or notDecidable.
    verdict: str
    # info, low, medium, high, critical.
    severity: str
    # exact, high, medium, low.
    confidence: str | None = None
    sentence: str
    # Why it is only a lead, or not decidable.
    reason: str | None = None
    first_at: str | None = None
    last_at: str | None = None
    subject: Subject
    # Event ids: `graphcorr evidence ID` shows the record.
    evidence: tuple[str, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    # What else the pattern returned, by column.
    details: dict[str, Any] = {}
    # What would show that it is harmless.
    disproof: str
    # MITRE ATT&CK ids.
    attack: tuple[str, ...] = ()


def fingerprint_of(pattern_id: str, values: Iterable[object]) -> str:
    """16 hexadecimal digits over the pattern's id and the values of its fingerprint columns."""
    stated = json.dumps([pattern_id, *(plain(value) for value in values)], ensure_ascii=False)
    return hashlib.sha256(stated.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def plain(value: object) -> Any:
    """A value as a document can hold it: times as ISO text, lists and mappings of plain values."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return to_iso(value)
        case Mapping():
            return {str(key): plain(value[key]) for key in sorted(value, key=str)}
        case list() | tuple():
            return [plain(part) for part in value]
        case set() | frozenset():
            return sorted((plain(part) for part in value), key=str)
        case _:
            return str(value)


def strength(verdict: str) -> int:
    """Order of verdicts: notDecidable < lead < found."""
    return VERDICTS.index(verdict)


def severity_rank(severity: str) -> int:
    """Order of severities: info < low < medium < high < critical."""
    return SEVERITIES.index(severity)


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per fingerprint: the strongest one speaks, with all times and evidence of its equals.

    A row that is not decidable adds nothing to one that is decided. Ordered as `order` says.
    """
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.fingerprint, []).append(finding)
    return tuple(sorted((_merge(group) for group in groups.values()), key=order))


def order(finding: Finding) -> tuple[object, ...]:
    """Worst first, then by time; total, so that every document has one order."""
    return (
        -severity_rank(finding.severity),
        finding.first_at or "",
        finding.pattern,
        finding.fingerprint,
        finding.tenant_id,
    )


def _merge(group: list[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    strongest = max(strength(finding.verdict) for finding in group)
    equals = [finding for finding in group if strength(finding.verdict) == strongest]
    speaker = min(equals, key=lambda finding: (*order(finding), finding.sentence))
    return msgspec.structs.replace(
        speaker,
        first_at=min((f.first_at for f in equals if f.first_at is not None), default=None),
        last_at=max((f.last_at for f in equals if f.last_at is not None), default=None),
        evidence=tuple(sorted({event for f in equals for event in f.evidence})),
    )
