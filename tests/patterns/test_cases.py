"""Every case of every pattern, through the door: files in, scan document out, on every store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graphcorr.config import parse_config
from graphcorr.load import load
from graphcorr.patterns.cases import Case, read_cases, told
from graphcorr.patterns.model import Pattern
from graphcorr.patterns.parse import load_patterns
from graphcorr.scan import ScanDocument, scan
from tests.neo4j_server import GENERATIONS, Servers
from tests.stores import choice

CASES = [
    pytest.param(pattern, case, id=f"{pattern.id}: {case.name}")
    for pattern in load_patterns()
    if pattern.cases_path.is_file()
    for case in read_cases(pattern.cases_path)
]

Answer = Callable[[Pattern, Case], tuple[Path, ScanDocument]]


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Home and scan document of a case on the embedded store; a case is loaded once for all stores."""
    answers: dict[tuple[str, str], tuple[Path, ScanDocument]] = {}

    def answer(pattern: Pattern, case: Case) -> tuple[Path, ScanDocument]:
        if (pattern.id, case.name) not in answers:
            folder = tmp_path_factory.mktemp("case")
            logs, home = folder / "logs", folder / "home"
            logs.mkdir()
            for name, content in case.files.items():
                (logs / name).write_bytes(content)
            loaded = load([logs], home=home, config=parse_config(case.config or ""))
            assert not [problem for file in loaded.read.files for problem in file.problems]
            answers[pattern.id, case.name] = home, scan(home=home, patterns=[pattern.id])
        return answers[pattern.id, case.name]

    return answer


@pytest.mark.parametrize(("pattern", "case"), CASES)
def test_a_case_gives_exactly_what_it_expects(answer: Answer, pattern: Pattern, case: Case) -> None:
    _, document = answer(pattern, case)
    assert list(told(document, pattern.id)) == sorted(
        (dict(row) for row in case.expect), key=lambda row: json.dumps(row, sort_keys=True)
    )


def _on_servers() -> Iterator[Any]:
    """Every pattern on every generation of servers: all cases on the first, one on the others, which differ little.

    One test for a pattern, not for a case: writing a small graph to a server costs as much as a test does.
    """
    first, *others = GENERATIONS
    for pattern in dict.fromkeys(param.values[0] for param in CASES):
        cases = [param.values[1] for param in CASES if param.values[0] is pattern]
        yield pytest.param(first, pattern, cases, marks=pytest.mark.neo4j, id=f"{first}-{pattern.id}")
        for server in others:
            yield pytest.param(server, pattern, cases[:1], marks=pytest.mark.neo4j, id=f"{server}-{pattern.id}")


@pytest.mark.parametrize(("server", "pattern", "cases"), list(_on_servers()))
def test_a_server_gives_the_same_documents(
    answer: Answer, neo4j_servers: Servers, tmp_path: Path, server: str, pattern: Pattern, cases: list[Case]
) -> None:
    store = choice(neo4j_servers.get(server), tmp_path)
    for case in cases:
        home, document = answer(pattern, case)
        assert scan(home=home, patterns=[pattern.id], store=store) == document, case.name
