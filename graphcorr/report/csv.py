"""The scan document as CSV: a row for each finding, lead and undecided subject, safe in spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from graphcorr.report.safe import csv_cell

if TYPE_CHECKING:
    from graphcorr.findings import Finding
    from graphcorr.scan import ScanDocument, Undecided

COLUMNS = (
    "verdict", "severity", "pattern", "firstAt", "lastAt", "sentence", "reason", "count", "confidence", "tenantId",
    "subjectLabel", "subjectCaption", "identityId", "objectId", "appId", "keyId", "address", "subjectKey", "evidence",
    "fingerprint", "attack",
)  # fmt: skip


def render(document: ScanDocument) -> str:
    """Header and rows (RFC 4180, LF); list cells are joined with blanks."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    rows = [*map(_finding, (*document.findings, *document.leads)), *map(_undecided, document.undecided)]
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
    return buffer.getvalue()


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict,
        "severity": finding.severity,
        "pattern": finding.pattern,
        "firstAt": finding.first_at,
        "lastAt": finding.last_at,
        "sentence": finding.sentence,
        "reason": finding.reason,
        "count": 1,
        "confidence": finding.confidence,
        "tenantId": finding.tenant_id,
        **_subject(finding),
        "evidence": finding.evidence,
        "fingerprint": finding.fingerprint,
        "attack": finding.attack,
    }


def _undecided(row: Undecided) -> dict[str, Any]:
    return {
        "verdict": "notDecidable",
        "pattern": row.pattern,
        "reason": row.reason,
        "count": row.count,
        **_subject(row),
    }


def _subject(row: Finding | Undecided) -> dict[str, Any]:
    subject = row.subject
    return {
        "subjectLabel": subject.label,
        "subjectCaption": subject.caption,
        "identityId": subject.identity_id,
        "objectId": subject.object_id,
        "appId": subject.app_id,
        "keyId": subject.key_id,
        "address": subject.address,
        "subjectKey": subject.key,
    }
