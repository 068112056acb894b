"""From rows to the scan document and its outputs; the store is played, the rest is real."""

from __future__ import annotations

import csv as csv_reader
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from good import GOOD, write

from graphcorr.errors import InputError, OverLimit, PatternError, UsageError
from graphcorr.patterns.model import Pattern
from graphcorr.patterns.parse import read_pattern
from graphcorr.report import csv, text
from graphcorr.report import json as json_report
from graphcorr.scan import ScanDocument, decode, encode, exit_code, scan_store
from graphcorr.store.base import GraphNode, Result

AT = datetime(2026, 5, 11, 8, tzinfo=UTC)
LATER = datetime(2026, 5, 12, 8, tzinfo=UTC)
COLUMNS = (
    "verdict", "reason", "subject", "firstAt", "lastAt", "evidence", "tenantId", "objectId", "signIns", "severity",
)  # fmt: skip


def row(object_id: str, **changed: Any) -> tuple[Any, ...]:
    node = GraphNode(
        frozenset({"DirectoryObject", "ServicePrincipal"}),
        {"key": f"t/{object_id}", "objectId": object_id, "caption": "=Pay\x1b[31mroll"},
    )
    values = {
        "verdict": "found", "reason": None, "subject": node, "firstAt": AT, "lastAt": AT, "evidence": ["e1", None],
        "tenantId": "t", "objectId": object_id, "signIns": 2, "severity": None,
    }  # fmt: skip
    return tuple({**values, **changed}[name] for name in COLUMNS)


@dataclass
class PlayedStore:
    """Answers the question for tenants and gives the rows of each pattern query."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    tenants: tuple[tuple[Any, ...], ...] = (("t", "AuditLogs", AT), ("t", "AzureActivity", LATER))
    refuse: Exception | None = None
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    name: str = "played"

    def query(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> Result:
        if "LogSource" in cypher:
            return Result(("tenantId", "source", "lastSeen"), self.tenants)
        if cypher.lstrip().startswith("UNWIND"):
            return Result((), ())  # what connects findings to stories
        if self.refuse:
            raise self.refuse
        self.asked.append(dict(parameters or {}))
        return Result(COLUMNS, tuple(self.rows))


@pytest.fixture
def pattern(tmp_path: Path) -> Pattern:
    return read_pattern(write(tmp_path))


def scanned(pattern: Pattern, *rows: tuple[Any, ...], **options: Any) -> ScanDocument:
    return scan_store(PlayedStore(list(rows), **options), [pattern])  # type: ignore[arg-type]


def test_a_pattern_runs_once_per_tenant_as_of_its_newest_event(pattern: Pattern) -> None:
    store = PlayedStore(tenants=(("a", "AuditLogs", AT), ("a", "x", LATER), ("b", "AuditLogs", AT)))
    document = scan_store(store, [pattern], parameters={"good": {"window": "P9D"}})  # type: ignore[arg-type]
    assert store.asked == [
        {"window": "P9D", "tenantId": "a", "asOf": LATER},
        {"window": "P9D", "tenantId": "b", "asOf": AT},
    ]
    assert [(t.tenant_id, t.as_of) for t in document.tenants] == [
        ("a", "2026-05-12T08:00:00.000Z"),
        ("b", "2026-05-11T08:00:00.000Z"),
    ]


def test_rows_with_one_fingerprint_are_one_finding(pattern: Pattern) -> None:
    document = scanned(
        pattern,
        row("o1", lastAt=LATER, evidence=["e2"]),
        row("o1", verdict="lead", evidence=["e9"]),
        row("o1", firstAt=None, evidence=["e1"]),
        row("o2", severity="high"),
    )
    assert [(f.subject.object_id, f.severity) for f in document.findings] == [("o2", "high"), ("o1", "low")]
    merged = document.findings[1]
    assert (merged.first_at, merged.last_at) == ("2026-05-11T08:00:00.000Z", "2026-05-12T08:00:00.000Z")
    assert merged.evidence == ("e1", "e2")
    assert merged.sentence == "o1 signed in 2 times."
    assert merged.details == {"objectId": "o1", "signIns": 2, "tenantId": "t"}
    assert document.leads == ()


def test_fingerprints_stay_what_they_are(pattern: Pattern) -> None:
    # A change here means that every finding of every user is reported as new.
    assert scanned(pattern, row("o1")).findings[0].fingerprint == "175e86cb748a2f4c"


def test_what_is_undecided_is_counted_by_subject_and_reason(pattern: Pattern) -> None:
    document = scanned(
        pattern,
        row("o1", verdict="notDecidable", reason="gap"),
        row("o2", verdict="notDecidable", reason="gap"),
        row("o3", verdict="lead", reason="explained"),
    )
    assert [(u.subject.object_id, u.reason, u.count) for u in document.undecided] == [
        ("o1", "gap", 1),
        ("o2", "gap", 1),
    ]
    assert [(s.status, s.found, s.leads, s.undecided) for s in document.patterns] == [("lead", 0, 1, 2)]


@pytest.mark.parametrize(
    ("rows", "options", "status"),
    [
        ([], {}, "nothing"),
        ([], {"tenants": (("t", "AzureActivity", AT),)}, "noRecords"),
        ([], {"tenants": ()}, "noRecords"),
        ([row("o", verdict="notDecidable", reason="gap")], {}, "notDecidable"),
        ([row("o")], {}, "found"),
        ([row("o")], {"refuse": PatternError("invalid")}, "failed"),
        ([row("o")], {"refuse": OverLimit("too much")}, "failed"),
        ([row("o", verdict="guilty")], {}, "failed"),
        ([row("o", verdict="notDecidable")], {}, "failed"),
        ([row("o", subject=None)], {}, "failed"),
        ([row("o", firstAt="yesterday")], {}, "failed"),
        ([row("o", severity="awful")], {}, "failed"),
    ],
)
def test_the_status_is_the_strongest_that_applies(
    pattern: Pattern, rows: list[tuple[Any, ...]], options: dict[str, Any], status: str
) -> None:
    document = scanned(pattern, *rows, **options)
    assert [s.status for s in document.patterns] == [status]
    assert (document.patterns[0].message is not None) == (status == "failed")


@pytest.mark.parametrize(
    ("rows", "options", "code"),
    [
        ([], {}, 0),
        ([row("o")], {}, 1),
        ([row("o", severity="info")], {}, 0),
        ([row("o")], {"fail_on": "medium"}, 0),
        ([row("o", severity="critical")], {"fail_on": "never"}, 0),
        ([row("o", verdict="lead", severity="critical")], {}, 0),
        ([row("o", verdict="notDecidable", reason="gap")], {}, 0),
        ([row("o", verdict="notDecidable", reason="gap")], {"fail_on_undecided": True}, 1),
        ([row("o", verdict="guilty")], {}, 8),
    ],
)
def test_exit_codes(pattern: Pattern, rows: list[tuple[Any, ...]], options: dict[str, Any], code: int) -> None:
    assert exit_code(scanned(pattern, *rows), **options) == code


def test_a_wrong_severity_pattern_or_parameter_is_a_usage_error(pattern: Pattern) -> None:
    with pytest.raises(UsageError, match="unknown severity"):
        exit_code(ScanDocument(), fail_on="awful")
    store: Any = PlayedStore()
    with pytest.raises(UsageError, match="no pattern 'x'"):
        scan_store(store, [pattern], only=["x"])
    for parameters in ({"good": {"x": 1}}, {"x": {}}, {"good": {"window": 3}}):
        with pytest.raises(UsageError):
            scan_store(store, [pattern], parameters=parameters)


def test_the_document_survives_a_round_trip_and_refuses_what_it_does_not_know(pattern: Pattern) -> None:
    document = scanned(pattern, row("o1"), row("o2", verdict="notDecidable", reason="gap"))
    assert decode(encode(document)) == document
    assert json.loads(json_report.render(document))["findings"][0]["subject"]["objectId"] == "o1"
    content = json.loads(encode(document))
    for wrong in ({**content, "version": 1}, {**content, "more": 1}, [], {**content, "tenants": [{"x": 1}]}):
        with pytest.raises(InputError):
            decode(json.dumps(wrong))
    with pytest.raises(InputError):
        decode(b"{")


def test_outputs_let_no_hostile_value_through(pattern: Pattern) -> None:
    hostile = "\x1b]0;x\x07 [red]{objectId}[/red]\u202e"
    document = scanned(pattern, row("o1", signIns=hostile), row("o2", verdict="lead", reason="\n=1"))
    for rendered in (text.render(document), text.render(document, colour=False), json_report.render(document)):
        assert "\x1b" not in rendered
        assert "\u202e" not in rendered
    assert r"\x1b]0;x\x07 [red]{objectId}[/red]\u202e" in text.render(document)
    rows = list(csv_reader.DictReader(io.StringIO(csv.render(document))))
    assert [r["subjectCaption"] for r in rows] == [r"'=Pay\x1b[31mroll"] * 2
    assert [r["reason"] for r in rows] == ["", r"'\n=1"]


def test_the_text_tells_the_finding(pattern: Pattern) -> None:
    printed = text.render(scanned(pattern, row("o1"))).splitlines()
    assert printed[:8] == [
        "1 finding, 0 leads, 0 not decidable, in 1 tenant",
        "tenant t, newest event 2026-05-12T08:00:00.000Z",
        "",
        "LOW      good  2026-05-11T08:00:00.000Z",
        "  o1 signed in 2 times.",
        r"  subject    ServicePrincipal =Pay\x1b[31mroll (object o1)",
        "  evidence   e1",
        "  disproof   It was enabled again.",
    ]


def test_sentences_say_unknown_where_the_logs_do_not_say(tmp_path: Path) -> None:
    pattern = read_pattern(write(tmp_path, GOOD.replace("{signIns} times", "{signIns} times, {nothing}")))
    assert scanned(pattern, row("o1", signIns=None)).findings[0].sentence == "o1 signed in unknown times, unknown."
