"""Cases beside a pattern: log records in, whole findings out; the runner takes any way from files to a scan."""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from graphcorr.errors import PatternError
from graphcorr.patterns.parse import safe_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from graphcorr.findings import Finding, Subject
    from graphcorr.patterns.model import Pattern
    from graphcorr.scan import ScanDocument, Undecided

KINDS = ("fires", "silent", "nearMiss")

Answer = Callable[[Mapping[str, bytes], str | None], "ScanDocument"]
"""Loads files (name → content) under a configuration (text of graphcorr.toml) and scans with the pattern."""

_TOP_KEYS = {"about", "records", "cases"}
_CASE_KEYS = {"name", "kind", "files", "config", "expect"}
_REQUIRED_KEYS = {"name", "kind", "files", "expect"}


@dataclass(frozen=True)
class Case:
    """Files in a log's own shape, and the findings, leads and undecided subjects that they must give."""

    name: str
    kind: str
    files: Mapping[str, bytes]
    config: str | None
    expect: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class CaseResult:
    """What a case gave; `passed` if it is exactly what was expected."""

    pattern: str
    case: str
    expected: tuple[Mapping[str, Any], ...]
    got: tuple[Mapping[str, Any], ...]

    @property
    def passed(self) -> bool:
        return self.expected == self.got


def read_cases(path: Path) -> tuple[Case, ...]:
    """The cases of a `.cases.yaml` file. Raises PatternError with file and case for what is not understood."""
    try:
        data = safe_yaml(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PatternError(f"no YAML: {error.problem}", where=f"{path}:{line}") from error
    if not isinstance(data, dict) or not set(data) <= _TOP_KEYS or not isinstance(data.get("cases"), list):
        raise PatternError("not a case file", where=str(path), hint=f"keys: {', '.join(sorted(_TOP_KEYS))}")
    templates = data.get("records") or {}
    cases = tuple(_case(body, templates, f"{path}: case {n}") for n, body in enumerate(data["cases"], start=1))
    names = [case.name for case in cases]
    if len(set(names)) < len(names):
        raise PatternError("two cases have one name", where=str(path))
    return cases


def run_cases(pattern: Pattern, answer: Answer) -> tuple[CaseResult, ...]:
    """Every case of a pattern through `answer`: what it expects and what the scan document says of this pattern."""
    results = []
    for case in read_cases(pattern.cases_path):
        document = answer(case.files, case.config)
        expected = tuple(sorted(case.expect, key=_sorting))
        results.append(CaseResult(pattern.id, case.name, expected, told(document, pattern.id)))
    return tuple(results)


def told(document: ScanDocument, pattern_id: str) -> tuple[dict[str, Any], ...]:
    """Findings, leads and undecided subjects of a pattern in the form of `expect`, in one order."""
    rows = [_finding(f) for f in (*document.findings, *document.leads) if f.pattern == pattern_id]
    rows.extend(_undecided(row) for row in document.undecided if row.pattern == pattern_id)
    failures = [status.message for status in document.patterns if status.id == pattern_id and status.message]
    rows.extend({"failed": message} for message in failures)
    return tuple(sorted(rows, key=_sorting))


def _finding(finding: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {
        "verdict": finding.verdict,
        "severity": finding.severity,
        "sentence": finding.sentence,
        "subject": _subject(finding.subject),
        "firstAt": finding.first_at,
        "lastAt": finding.last_at,
        "evidence": list(finding.evidence),
    }
    if finding.reason is not None:
        told["reason"] = finding.reason
    if finding.explanations:
        told["explainedBy"] = [explanation.id for explanation in finding.explanations if explanation.present]
    return told


def _undecided(row: Undecided) -> dict[str, Any]:
    return {
        "verdict": "notDecidable",
        "reason": row.reason,
        "count": row.count,
        "subject": _subject(row.subject),
    }


def _subject(subject: Subject) -> dict[str, str]:
    ids = {
        "label": subject.label,
        "identityId": subject.identity_id,
        "objectId": subject.object_id,
        "keyId": subject.key_id,
        "address": subject.address,
    }
    return {name: value for name, value in ids.items() if value is not None}


def _sorting(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, default=str)


def _case(body: Any, templates: Mapping[str, Any], where: str) -> Case:
    if not isinstance(body, dict) or not set(body) <= _CASE_KEYS or not set(body) >= _REQUIRED_KEYS:
        raise PatternError("a case lacks or adds keys", where=where, hint=f"keys: {', '.join(sorted(_CASE_KEYS))}")
    if body["kind"] not in KINDS:
        raise PatternError(f"unknown kind {body['kind']!r}", where=where, hint=f"one of {', '.join(KINDS)}")
    return Case(
        name=body["name"],
        kind=body["kind"],
        files={name: _file(name, records, templates, where) for name, records in body["files"].items()},
        config=body.get("config"),
        expect=tuple(body["expect"] or ()),
    )


def _file(name: str, records: Any, templates: Mapping[str, Any], where: str) -> bytes:
    """JSON Lines of the records, or CSV where the name says so; a text is taken as the file's content."""
    if isinstance(records, str):
        return records.encode()
    # Exports that stop at a row limit are long: `times` writes a record that often.
    made = [(_record(record, templates, where), int(record.get("times", 1))) for record in records]
    if not name.endswith(".csv"):
        return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" * times for record, times in made).encode()
    text = io.StringIO()
    table = csv.DictWriter(text, fieldnames=list(dict.fromkeys(column for record, _ in made for column in record)))
    table.writeheader()
    for record, times in made:
        table.writerows([{column: _cell(value) for column, value in record.items()}] * times)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _record(stated: Mapping[str, Any], templates: Mapping[str, Any], where: str) -> Any:
    """A record, or a template (`base`) with values replaced by dotted path (`set`); may be stacked."""
    if "base" not in stated:
        return stated
    if not set(stated) <= {"base", "set", "times"} or stated["base"] not in templates:
        raise PatternError(f"no such base record: {stated['base']!r}", where=where, hint="list it under `records`")
    record = copy.deepcopy(_record(templates[stated["base"]], templates, where))
    for path, value in (stated.get("set") or {}).items():
        _put(record, str(path), value, where)
    return record


def _put(record: Any, path: str, value: Any, where: str) -> None:
    *steps, last = path.split(".")
    try:
        for step in steps:
            record = record[int(step)] if isinstance(record, list) else record[step]
        record[int(last) if isinstance(record, list) else last] = value
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise PatternError(f"no place {path!r} in the base record", where=where) from error
