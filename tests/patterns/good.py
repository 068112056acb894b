"""A small pattern that passes the lint; tests change one thing in it."""

from __future__ import annotations

from pathlib import Path

GOOD = """/*
id: good
title: Good
description: Disabled principals that sign in.
severity: low
maturity: experimental
needs: [AuditLogs]
params:
  window:
    default: P3D
    reason: Long enough.
fingerprint: [tenantId, objectId]
subject: subject
sentence: "{objectId} signed in {signIns} times."
disproof: It was enabled again.
attack: [T1078.004]
blind_spots: [Anything not logged.]
false_positives: []
references: []
*/
// SET and CREATE in a comment, 'DELETE' in a string: neither is a write.
MATCH (p:ServicePrincipal {tenantId: $tenantId})-[:SIGNED_IN]->(s:SignIn)
WHERE p.enabled = false AND s.resultClass <> 'CREATE (n)' AND s.firstSeen > $asOf - duration($window)
WITH p AS subject, p.objectId AS objectId, count(s) AS signIns, min(s.firstSeen) AS firstAt,
  max(s.lastSeen) AS lastAt, collect(head(s.sampleIds)) AS evidence
RETURN 'found' AS verdict, null AS reason, subject, firstAt, lastAt, evidence, $tenantId AS tenantId, objectId, signIns
ORDER BY tenantId, objectId
"""

CASES = """
cases:
  - {name: a, kind: fires, files: {}, expect: [{verdict: found}]}
  - {name: b, kind: silent, files: {}, expect: []}
  - {name: c, kind: nearMiss, files: {}, expect: []}
"""


def write(folder: Path, text: str = GOOD, cases: str | None = CASES, name: str = "good") -> Path:
    """The pattern and its cases as files; returns the pattern's path."""
    path = folder / f"{name}.cypher"
    path.write_text(text, encoding="utf-8")
    if cases is not None:
        (folder / f"{name}.cases.yaml").write_text(cases, encoding="utf-8")
    return path
