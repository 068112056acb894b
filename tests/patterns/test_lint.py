"""The pattern lint: every check fires on its mistake, on nothing else, and our patterns pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from good import CASES, GOOD, write

from graphcorr.patterns.lint import lint
from graphcorr.patterns.parse import load_patterns, read_pattern

RETURN = "RETURN 'found' AS verdict"


def test_our_patterns_have_no_problem() -> None:
    assert [str(problem) for problem in lint(load_patterns())] == []


def test_a_good_pattern_has_no_problem(tmp_path: Path) -> None:
    assert lint([read_pattern(write(tmp_path))]) == ()


@pytest.mark.parametrize(
    "guarded",
    [
        # Asked first; in the very match that finds it; a value that is never null.
        "OPTIONAL MATCH (s)-[:FROM]->(ip) WITH p, s, ip WHERE ip IS NOT NULL AND EXISTS { (p)-[:SEEN_FROM]->(ip) }",
        "OPTIONAL MATCH (s)-[:FROM]->(ip) WHERE EXISTS { (p)-[:SEEN_FROM]->(ip) }",
        "OPTIONAL MATCH (p)-[:PART_OF]->(i) WITH p, s, coalesce(i, p) AS i WHERE EXISTS { (i)<-[:PART_OF]-() }",
    ],
)
def test_a_node_that_cannot_be_null_may_be_asked_about(tmp_path: Path, guarded: str) -> None:
    pattern = read_pattern(write(tmp_path, GOOD.replace("WITH p AS", f"{guarded} WITH p AS", 1)))
    assert [problem.check for problem in lint([pattern]) if problem.check == "NoNullNodeInside"] == []


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        ("id: good", "id: other", "IdIsFileName"),
        ("[Anything not logged.]", "[]", "BlindSpotsStated"),
        ("fingerprint: [tenantId, objectId]", "fingerprint: []", "FingerprintDeclared"),
        ("null AS reason, ", "", "ColumnsReturned"),
        ("evidence, $tenantId", "evidence AS events, $tenantId", "ColumnsReturned"),
        ("{signIns} times", "{often} times", "SentenceColumns"),
        # What moves may not identify a finding, under whatever alias.
        ("p.objectId AS objectId", "p.name AS objectId", "FingerprintStable"),
        ("p.objectId AS objectId", "coalesce(p.caption, 'x') AS objectId", "FingerprintStable"),
        ("p.objectId AS objectId", "p.identityId AS objectId", "FingerprintStable"),
        ("p.objectId AS objectId", "count(s) AS objectId", "FingerprintStable"),
        ("p.objectId AS objectId", "p.firstSeen AS objectId", "FingerprintStable"),
        ("tenantId, objectId, signIns", "tenantId, signIns + '' AS objectId, signIns", "FingerprintStable"),
        ("fingerprint: [tenantId, objectId]", "fingerprint: [tenantId, firstAt]", "FingerprintStable"),
        ("(s:SignIn)", "(s:Signin)", "SchemaNames"),
        ("[:SIGNED_IN]", "[:SIGNED]", "SchemaNames"),
        ("[:SIGNED_IN]", "[:SIGNED_IN|DID]", "SchemaNames"),
        ("s.resultClass", "s.resultclass", "SchemaNames"),
        ("{tenantId: $tenantId}", "{tenant: $tenantId}", "SchemaNames"),
        ("duration($window)", "duration($other)", "DeclaredParameters"),
        ("{tenantId: $tenantId}", "{tenantId: 'x'}", "DeclaredParameters"),
        ("WITH p AS", "SET p.enabled = true WITH p AS", "ReadOnly"),
        ("WITH p AS", "CREATE (:SignIn) WITH p AS", "ReadOnly"),
        ("WITH p AS", "CALL db.labels() YIELD label WITH p AS", "ReadOnly"),
        ("count(s)", "apoc.coll.sum(collect(s.count))", "ReadOnly"),
        ("$asOf -", "datetime() -", "Deterministic"),
        ("p.objectId AS objectId", "id(p) AS objectId", "Deterministic"),
        ("ORDER BY tenantId, objectId", "ORDER BY tenantId", "Deterministic"),
        ("ORDER BY tenantId, objectId", "ORDER BY tenantId, objectId LIMIT 10", "Deterministic"),
        ("WITH p AS", "WITH p, s LIMIT 10 WITH p AS", "Deterministic"),
        ("p.enabled = false AND", "NOT p.enabled AND", "UnknownIsNotFalse"),
        ("p.objectId AS objectId", "toString(p.createdAt) AS objectId", "DialectTraps"),
        ("s.firstSeen > $asOf", "exists(s.hour) AND s.firstSeen > $asOf", "DialectTraps"),
        ("WHERE p.enabled", "MATCH (i:Identity {appId: p.appId}) WHERE p.enabled", "DialectTraps"),
        (
            "WITH p AS",
            "OPTIONAL MATCH (s)-[:FROM]->(ip) WITH p, s, ip WHERE EXISTS { (p)-[:SEEN_FROM]->(ip) } WITH p AS",
            "NoNullNodeInside",
        ),
        (RETURN, "RETURN 'found'", "readable"),
        ("'found' AS verdict", "'found AS verdict", "readable"),
        ("count(s)", "count(s", "readable"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, check: str) -> None:
    changed = GOOD.replace(old, new)
    assert changed != GOOD
    found = {problem.check for problem in lint([read_pattern(write(tmp_path, changed))])}
    assert check in found


@pytest.mark.parametrize(
    "cases",
    [
        None,
        CASES.replace("nearMiss", "silent"),
        CASES.replace("kind: fires, ", ""),
        CASES.replace("files: {}", "files: {a.jsonl: [{base: nothing}]}"),
        "[",
    ],
)
def test_cases_cover_both_sides(tmp_path: Path, cases: str | None) -> None:
    found = lint([read_pattern(write(tmp_path, cases=cases))])
    assert {problem.check for problem in found} == {"CasesCoverBothSides"}


def test_titles_are_unique(tmp_path: Path) -> None:
    second = write(tmp_path, GOOD.replace("id: good", "id: twin"), name="twin")
    found = lint([read_pattern(write(tmp_path)), read_pattern(second)])
    assert {problem.check for problem in found} == {"UniqueTitle"}
