"""Every case of every pattern, through the door: files in, scan document out, on every store.

A home of its own is most of what a case costs, so the cases of an area share one: each is a tenant of its own, with ids
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
    """Cases of one area that are loaded together, under one configuration, each with its pattern."""

    area: str
    cases: tuple[tuple[Pattern, Case], ...]

    @property
    def patterns(self) -> list[str]:
        return sorted({pattern.id for pattern, _ in self.cases})


def _loads() -> Iterator[Load]:
    """The cases of each area: those that may share, by configuration, and each of the others alone."""
    groups: dict[tuple[str, str | None | int], list[tuple[Pattern, Case]]] = {}
    for pattern in PATTERNS:
        for case in read_cases(pattern.cases_path):
            together = case.config if _may_share(case) else len(groups)
            groups.setdefault((pattern.cases_path.parent.name, together), []).append((pattern, case))
    for (area, _), cases in groups.items():
        yield Load(area, tuple(cases))


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


def _of_case(load: Load, number: int, document: ScanDocument) -> list[Any]:
    """What a scan of the load says of one of its cases, with the ids that the case states."""

    def mine(row: Any) -> bool:
        tenant = getattr(row, "tenant_id", None) or row.subject.key.partition("/")[0]
        if len(load.cases) == 1:
            return True
        assert _NUMBERED.fullmatch(tenant), f"of no case: {row}"
        return _mark(number) in tenant

    parts = {
        name: tuple(row for row in getattr(document, name) if mine(row)) for name in ("findings", "leads", "undecided")
    }
    pattern, _ = load.cases[number]
    rows = told(msgspec.structs.replace(document, **parts), pattern.id)
    return list(json.loads(_as_written(json.dumps(rows), number)))


# -- tests -------------------------------------------------------------------------------------------------------------

LOADS = list(_loads())
Answer = Callable[[Load], tuple[Path, ScanDocument]]


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Home of a load, and its scan document on the embedded store."""

    @cache
    def answer(wanted: Load) -> tuple[Path, ScanDocument]:
        folder = tmp_path_factory.mktemp("cases")
        logs, home = folder / "logs", folder / "home"
        for number, (_, case) in enumerate(wanted.cases):
            for name, content in case.files.items():
                path = logs / str(number) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(_numbered(content.decode(), number).encode() if number else content)
        loaded = load([logs], home=home, config=parse_config(wanted.cases[0][1].config or ""))
        problems = [problem for file in loaded.read.files for problem in file.problems]
        assert len(problems) == sum(_broken_lines(case) for _, case in wanted.cases), problems
        if len(wanted.cases) > 1:
            archive = Archive(Home(home).archive_dir)
            tables = [pq.read_table(file, columns=["tenant_id"]) for kind in EVENTS for file in archive.files(kind)]
            assert not any(table["tenant_id"].null_count for table in tables), "a record is nobody's"
        return home, scan(home=home, patterns=wanted.patterns)

    return answer


@pytest.mark.parametrize(
    ("load", "number"),
    [
        pytest.param(load, number, id=f"{pattern.id}: {case.name}")
        for load in LOADS
        for number, (pattern, case) in enumerate(load.cases)
    ],
)
def test_a_case_gives_exactly_what_it_expects(answer: Answer, load: Load, number: int) -> None:
    _, document = answer(load)
    assert _of_case(load, number, document) == sorted(
        (dict(row) for row in load.cases[number][1].expect), key=lambda row: json.dumps(row, sort_keys=True)
    )


def _on_servers() -> Iterator[Any]:
    """All loads on the first generation of servers; on the others, which differ little, one with each pattern.

    GRAPHCORR_ALL_CASES=1 runs all loads on the others as well: writing a small graph costs more than the scan of it.
    """
    first, *others = GENERATIONS
    seen: set[str] = set()
    for each in sorted(LOADS, key=lambda each: -len(each.patterns)):
        new = not seen.issuperset(each.patterns)
        seen.update(each.patterns)
        chosen = [first, *others] if new or os.environ.get("GRAPHCORR_ALL_CASES") == "1" else [first]
        pattern, case = each.cases[0]
        for server in chosen:
            yield pytest.param(server, each, marks=pytest.mark.neo4j, id=f"{server}-{pattern.id}: {case.name}")


@pytest.mark.parametrize(("server", "load"), list(_on_servers()))
def test_a_server_gives_the_same_document(
    answer: Answer, neo4j_servers: Servers, tmp_path: Path, server: str, load: Load
) -> None:
    home, document = answer(load)
    assert scan(home=home, patterns=load.patterns, store=choice(neo4j_servers.get(server), tmp_path)) == document
