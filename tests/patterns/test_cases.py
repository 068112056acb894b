"""Every case of every pattern, through the door: files in, scan document out, on every store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from graphcorr.config import parse_config
from graphcorr.load import load
from graphcorr.patterns.cases import Case, read_cases, told
from graphcorr.patterns.model import Pattern
from graphcorr.patterns.parse import load_patterns
from graphcorr.scan import ScanDocument, scan

CASES = [
    pytest.param(pattern, case, id=f"{pattern.id}: {case.name}")
    for pattern in load_patterns()
    if pattern.cases_path.is_file()
    for case in read_cases(pattern.cases_path)
]


def answer(home: Path, pattern: Pattern, files: Mapping[str, bytes], config: str | None) -> ScanDocument:
    logs = home / "logs"
    logs.mkdir(parents=True)
    for name, content in files.items():
        (logs / name).write_bytes(content)
    loaded = load([logs], home=home / "home", config=parse_config(config or ""))
    assert not [problem for file in loaded.read.files for problem in file.problems]
    return scan(home=home / "home", patterns=[pattern.id])


@pytest.mark.parametrize(("pattern", "case"), CASES)
def test_a_case_gives_exactly_what_it_expects(pattern: Pattern, case: Case, tmp_path: Path) -> None:
    document = answer(tmp_path, pattern, case.files, case.config)
    assert list(told(document, pattern.id)) == sorted(
        (dict(row) for row in case.expect), key=lambda row: json.dumps(row, sort_keys=True)
    )
