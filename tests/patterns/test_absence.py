"""Patterns that claim an absence: found only where it is proven, and every other state of the logs is said as it is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from graphcorr.content import content_dir
from graphcorr.load import load
from graphcorr.patterns.cases import read_cases
from graphcorr.patterns.parse import load_patterns
from graphcorr.scan import scan
from tests.builders import guid, jsonl
from tests.evidence import ACTIVITIES, SIGN_INS, Case, apart, configured, tenant_of

pytest.importorskip("arcadedb_embedded")

_Answer = list[tuple[str, str | None]]
# Pattern → cases; evidence → what it answers, where that is not `notDecidable` with the evidence as its reason; and
# number of a case → what it answers where it knows better.
_PATTERNS: dict[str, tuple[list[Case], dict[str, _Answer], dict[int, _Answer]]] = {
    "orphan_sign_in": (
        SIGN_INS,
        {
            "complete": [("found", None)],
            "changesOnly": [("lead", "changesOnly")],
            "partialScopes": [("lead", "partialScopes")],
            "notApplicable": [],
        },
        {},
    ),
    "activity_without_sign_in": (
        ACTIVITIES,
        {"complete": [("found", None)], "microsoftOwned": []},
        # Nothing but this activity is known of the principal: it may be one of Microsoft's.
        {7: [("notDecidable", "microsoftOwned")]},
    ),
}


@pytest.mark.parametrize("pattern", _PATTERNS)
def test_an_absence_is_found_only_where_the_logs_prove_it(tmp_path: Path, pattern: str) -> None:
    cases, answer, better = _PATTERNS[pattern]
    answers: dict[int, _Answer] = {}
    for members, rows, config in configured(cases):
        folder = tmp_path / str(members[0])
        folder.mkdir()
        (folder / "rows.jsonl").write_bytes(jsonl(*rows))
        load([folder / "rows.jsonl"], home=folder / "home", config=config)
        document = msgspec.to_builtins(scan(home=folder / "home", patterns=[pattern]))
        for number in members:
            mine = {f"{tenant_of(number)}/{kind}:{apart({'id': guid(letter, 1)}, number)['id']}"
                    for kind, letter in (("app", "a"), ("sp", "d"))}  # fmt: skip
            answers[number] = [
                (row.get("verdict", "notDecidable"), row["reason"] or None)
                for row in (*document["findings"], *document["leads"], *document["undecided"])
                if row["subject"]["key"] in mine
            ]
    assert answers == {
        number: better.get(number, answer.get(evidence, [("notDecidable", evidence)]))
        for number, (_, _, _, evidence) in enumerate(cases)
    }


def test_every_state_of_the_logs_has_a_case() -> None:
    assert {evidence for *_, evidence in SIGN_INS} == {
        "notApplicable", "noSource", "noLoader", "notCollected", "tooRecent", "gap", "changesOnly", "partialScopes",
        "complete",
    }  # fmt: skip
    assert {evidence for *_, evidence in ACTIVITIES} == {
        "complete", "gap", "notCollected", "tokenOlderThanCoverage", "microsoftOwned", "tooRecent",
    }  # fmt: skip


def test_every_reason_that_a_pattern_names_has_a_case() -> None:
    """Reasons that it takes over from `evidence` are in the cases above."""
    patterns = load_patterns([content_dir("cypher") / "patterns"])
    shown = {
        pattern.id: {
            expected["reason"]
            for case in read_cases(pattern.cases_path)
            for expected in case.expect
            if expected["verdict"] == "notDecidable"
        }
        for pattern in patterns
    }
    reasons = set().union(*shown.values())
    named = {pattern.id: {reason for reason in reasons if f"'{reason}'" in pattern.query} for pattern in patterns}
    assert {id: missing for id in named if (missing := named[id] - shown[id])} == {}
