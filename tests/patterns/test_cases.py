"""Every case of every pattern, through the door: files in, scan document out, on every store.

A home of its own is most of what a case costs, so cases of a pattern share one: each is a tenant of its own, with ids
of its own, and nobody's findings depend on the records of other tenants. `graphcorr patterns test` runs cases alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from graphcorr.archive.archive import Archive
from graphcorr.config import parse_config
from graphcorr.home import Home
from graphcorr.load import load
from graphcorr.patterns.cases import Case, read_cases, told
from graphcorr.patterns.model import Pattern
from graphcorr.patterns.parse import load_patterns
from graphcorr.projection.survey import EVENTS
from graphcorr.scan import ScanDocument, scan
from tests.neo4j_server import GENERATIONS, Servers
from tests.stores import choice

PATTERNS = [pattern for pattern in load_patterns() if pattern.cases_path.is_file()]


@dataclass(frozen=True, eq=False)
class Load:
    """Cases that are loaded together, under one configuration."""

    pattern: Pattern
    cases: tuple[Case, ...]


@cache
def _loads(pattern: Pattern) -> tuple[Load, ...]:
    """The cases of a pattern: those that may share, by configuration, and each of the others alone."""
    groups: dict[str | None | int, list[Case]] = {}
    for number, case in enumerate(read_cases(pattern.cases_path)):
        groups.setdefault(case.config if _may_share(case) else number, []).append(case)
    return tuple(Load(pattern, tuple(cases)) for cases in groups.values())


# -- cases side by side ------------------------------------------------------------------------------------------------

# Ids that are made up for cases. The 0000 of a GUID is free for the number of a case; ids keep their order.
_GUID = re.compile(r"\b([0-9a-f]{8})-0000-(4000-8000-[0-9a-f]{12})\b")
_NUMBERED = re.compile(_GUID.pattern.replace("-0000-", "-[0-9a-f]{4}-"))
_WORD = re.compile(r"\b(Directory_|indicator--)(\w+)")
# Tables whose records name their tenant: by this column, their own id and another event's by those.
_TENANT_COLUMNS = {
    "AADManagedIdentitySignInLogs": "AADTenantId",
    "AADNonInteractiveUserSignInLogs": "AADTenantId",
    "AADServicePrincipalSignInLogs": "AADTenantId",
    "AuditLogs": "AADTenantId",
    "MicrosoftGraphActivityLogs": "AadTenantId",
    "SigninLogs": "AADTenantId",
}
_ID_COLUMNS = ("Id", "RequestId", "SignInActivityId")


def _may_share(case: Case) -> bool:
    """True if every record names its tenant, and every id of an event can be made that of one case."""
    if _broken_lines(case) or not all(name.endswith(".jsonl") for name in case.files):
        return False
    for record in (json.loads(line) for content in case.files.values() for line in content.splitlines()):
        tenant = record.get(_TENANT_COLUMNS.get(record.get("Type"), ""), "")
        ids = [record[column] for column in _ID_COLUMNS if record.get(column)]
        if not _GUID.fullmatch(tenant) or not all(_GUID.fullmatch(each) or _WORD.fullmatch(each) for each in ids):
            return False
    return True


def _broken_lines(case: Case) -> int:
    """Lines that a case has on purpose and nobody can read: each must be a problem of its load, and nothing else."""
    lines = (line for name, text in case.files.items() if name.endswith(".jsonl") for line in text.splitlines())
    return sum(not _is_json(line) for line in lines)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return False
    return True


def _mark(number: int) -> str:
    return f"-{number:04x}-4000-8000-"


def _numbered(text: str, number: int) -> str:
    """The text with the ids of a case of this number; those of number 0 are as written."""
    if number == 0:
        return text
    return _WORD.sub(rf"\g<1>n{number:04x}_\g<2>", _GUID.sub(rf"\g<1>-{number:04x}-\g<2>", text))


def _as_written(text: str, number: int) -> str:
    return text if number == 0 else text.replace(_mark(number), _mark(0)).replace(f"n{number:04x}_", "")


def _of_case(load: Load, case: Case, document: ScanDocument) -> list[Any]:
    """What a scan of the load says of one of its cases, with the ids that the case states."""
    number = load.cases.index(case)

    def mine(row: Any) -> bool:
        tenant = getattr(row, "tenant_id", None) or row.subject.key.partition("/")[0]
        if len(load.cases) == 1:
            return True
        assert _NUMBERED.fullmatch(tenant), f"of no case: {row}"
        return _mark(number) in tenant

    parts = {
        name: tuple(row for row in getattr(document, name) if mine(row)) for name in ("findings", "leads", "undecided")
    }
    rows = told(msgspec.structs.replace(document, **parts), load.pattern.id)
    return list(json.loads(_as_written(json.dumps(rows), number)))


# -- tests -------------------------------------------------------------------------------------------------------------

Answer = Callable[[Load], tuple[Path, ScanDocument]]


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Home of a load, and its scan document on the embedded store."""

    @cache
    def answer(wanted: Load) -> tuple[Path, ScanDocument]:
        folder = tmp_path_factory.mktemp("cases")
        logs, home = folder / "logs", folder / "home"
        for number, case in enumerate(wanted.cases):
            for name, content in case.files.items():
                path = logs / str(number) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(_numbered(content.decode(), number).encode() if number else content)
        loaded = load([logs], home=home, config=parse_config(wanted.cases[0].config or ""))
        problems = [problem for file in loaded.read.files for problem in file.problems]
        assert len(problems) == sum(map(_broken_lines, wanted.cases)), problems
        if len(wanted.cases) > 1:
            archive = Archive(Home(home).archive_dir)
            tables = [pq.read_table(file, columns=["tenant_id"]) for kind in EVENTS for file in archive.files(kind)]
            assert not any(table["tenant_id"].null_count for table in tables), "a record is nobody's"
        return home, scan(home=home, patterns=[wanted.pattern.id])

    return answer


@pytest.mark.parametrize(
    ("pattern", "load", "case"),
    [
        pytest.param(pattern, load, case, id=f"{pattern.id}: {case.name}")
        for pattern in PATTERNS
        for load in _loads(pattern)
        for case in load.cases
    ],
)
def test_a_case_gives_exactly_what_it_expects(answer: Answer, pattern: Pattern, load: Load, case: Case) -> None:
    _, document = answer(load)
    assert _of_case(load, case, document) == sorted(
        (dict(row) for row in case.expect), key=lambda row: json.dumps(row, sort_keys=True)
    )


def _on_servers() -> Iterator[Any]:
    """Every pattern on every generation of servers: all loads on the first, one on the others, which differ little.

    One test for a pattern, not for a load: writing a small graph to a server costs as much as a test does.
    GRAPHCORR_ALL_CASES=1 runs all loads on the others as well.
    """
    first, *others = GENERATIONS
    most = None if os.environ.get("GRAPHCORR_ALL_CASES") == "1" else 1
    for pattern in PATTERNS:
        loads = _loads(pattern)
        yield pytest.param(first, pattern, loads, marks=pytest.mark.neo4j, id=f"{first}-{pattern.id}")
        for server in others:
            yield pytest.param(server, pattern, loads[:most], marks=pytest.mark.neo4j, id=f"{server}-{pattern.id}")


@pytest.mark.parametrize(("server", "pattern", "loads"), list(_on_servers()))
def test_a_server_gives_the_same_documents(
    answer: Answer, neo4j_servers: Servers, tmp_path: Path, server: str, pattern: Pattern, loads: tuple[Load, ...]
) -> None:
    store = choice(neo4j_servers.get(server), tmp_path)
    for each in loads:
        home, document = answer(each)
        assert scan(home=home, patterns=[pattern.id], store=store) == document, each.cases[0].name
