"""Which findings are told as one story: through the door, from records of attacks that share nothing but the day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphcorr.config import parse_config
from graphcorr.load import load
from graphcorr.report import text
from graphcorr.scan import ScanDocument, scan
from tests.builders import Row, at, guid, jsonl, key, key_change, own_ids, rename, sign_in

PATTERNS = ("renamed_principal", "unexplained_credential_update", "failed_sign_ins_bad_credential")


def renamed(number: int, when: str, of: int, **more: Any) -> Row:
    return rename(number, when, f"app{of}", f"other{of}", number_of=of, details={"AppId": guid("a", of)}, **more)


def keyed(number: int, when: str, of: int, **more: Any) -> Row:
    keys = [key(10 * of)], [key(10 * of), key(10 * of + 1)]
    return key_change(number, when, *keys, number_of=of, details={"AppId": guid("a", of)}, **more)


def used(number: int, when: str, of: int, **more: Any) -> Row:
    return sign_in(number, when, principal=of, app=of, **{"IPAddress": f"203.0.113.{of}", **more})


def from_address(row: Row, address: str) -> Row:
    row["InitiatedBy"]["user"]["ipAddress"] = address
    return row


# Ordinary use of every application, so that a new key is unexplained.
LIFE = [used(900 + of, at("07:00"), of) for of in range(1, 12)]

CASES: dict[str, tuple[list[Row], list[list[tuple[str, int]]], list[set[str]]]] = {
    # records, the stories as (pattern, app) in order, what connects the identities of each
    "a rename and a key of one application are one story, those of another are another": (
        [
            from_address(renamed(1, at("08:00"), 1, user=1), "198.51.100.1"),
            from_address(renamed(2, at("08:01"), 2, user=2), "198.51.100.2"),
            from_address(keyed(3, at("08:30"), 1, user=1), "198.51.100.1"),
            from_address(keyed(4, at("08:31"), 2, user=2), "198.51.100.2"),
        ],
        [
            [("renamed_principal", 1), ("unexplained_credential_update", 1)],
            [("renamed_principal", 2), ("unexplained_credential_update", 2)],
        ],
        [set(), set()],
    ),
    "a re-keyed principal that re-keys another": (
        [
            from_address(keyed(1, at("08:00"), 1, user=1), "198.51.100.1"),
            keyed(2, at("09:00"), 2, by_principal=1),
        ],
        [[("unexplained_credential_update", 1), ("unexplained_credential_update", 2)]],
        [{"acted"}],
    ),
    "one person, few identities": (
        [
            from_address(keyed(1, at("08:00"), 1, user=1), "198.51.100.1"),
            from_address(keyed(2, at("09:00"), 2, user=1), "198.51.100.2"),
        ],
        [[("unexplained_credential_update", 1), ("unexplained_credential_update", 2)]],
        [{"actor"}],
    ),
    "one person, hours later at another address": (
        [
            from_address(renamed(1, at("08:00"), 1, user=1), "198.51.100.1"),
            from_address(keyed(2, at("08:30"), 1, user=1), "198.51.100.1"),
            from_address(renamed(3, at("12:00"), 2, user=1), "198.51.100.2"),
            from_address(keyed(4, at("12:30"), 2, user=1), "198.51.100.2"),
        ],
        [
            [("renamed_principal", 1), ("unexplained_credential_update", 1)],
            [("renamed_principal", 2), ("unexplained_credential_update", 2)],
        ],
        [set(), set()],
    ),
    "one person, two days later at the same address": (
        [
            from_address(keyed(1, at("08:00"), 1, user=1), "198.51.100.1"),
            used(951, at("07:00", 2), 2),
            from_address(keyed(2, at("09:00", 2), 2, user=1), "198.51.100.1"),
        ],
        [[("unexplained_credential_update", 1), ("unexplained_credential_update", 2)]],
        [{"actor"}],
    ),
    "two attacks on applications that have long shared an egress": (
        [
            *(used(950 + of, at("07:00", -3), of, IPAddress="203.0.113.50") for of in (1, 2)),
            *(used(960 + of, at("07:30"), of, IPAddress="203.0.113.50") for of in (1, 2)),
            from_address(renamed(1, at("08:00"), 1, user=1), "198.51.100.1"),
            from_address(renamed(2, at("08:01"), 2, user=2), "198.51.100.2"),
            from_address(keyed(3, at("08:30"), 1, user=1), "198.51.100.1"),
            from_address(keyed(4, at("08:31"), 2, user=2), "198.51.100.2"),
            *(
                used(970 + of, at("09:00"), of, IPAddress="203.0.113.50", ServicePrincipalCredentialKeyId=new)
                for of, new in ((1, guid("f", 11)), (2, guid("f", 21)))
            ),
        ],
        [
            [("renamed_principal", 1), ("unexplained_credential_update", 1)],
            [("renamed_principal", 2), ("unexplained_credential_update", 2)],
        ],
        [set(), set()],
    ),
    "two accounts, one rare address": (
        [
            from_address(keyed(1, at("08:00"), 1, user=1), "198.51.100.1"),
            from_address(keyed(2, at("09:00"), 2, user=2), "198.51.100.1"),
        ],
        [[("unexplained_credential_update", 1), ("unexplained_credential_update", 2)]],
        [{"address"}],
    ),
    "one person who renames everything connects nothing": (
        [from_address(keyed(of, at(f"08:{of:02}"), of, user=1), f"198.51.100.{of}") for of in range(1, 8)],
        [],
        [],
    ),
    "an address of many people connects nothing": (
        [from_address(keyed(of, at(f"08:{of:02}"), of, user=of), "198.51.100.1") for of in range(1, 8)],
        [],
        [],
    ),
    "what lies more than a week apart is two things": (
        [
            from_address(keyed(1, at("08:00"), 1, user=1), "198.51.100.1"),
            used(950, at("07:00", 9), 2),
            from_address(keyed(2, at("09:00", 9), 2, user=1), "198.51.100.2"),
        ],
        [],
        [],
    ),
    "renames alone are no story": (
        [
            from_address(renamed(1, at("08:00"), 1, user=1), "198.51.100.1"),
            from_address(renamed(2, at("09:00"), 2, user=1), "198.51.100.2"),
        ],
        [],
        [],
    ),
    "a single finding is no story": ([from_address(keyed(1, at("08:00"), 1), "198.51.100.1")], [], []),
}


def scanned(folder: Path, rows: list[Row], config: str = "") -> ScanDocument:
    (folder / "logs.jsonl").write_bytes(jsonl(*rows))
    declared = parse_config(config)
    load([folder / "logs.jsonl"], home=folder / "home", config=declared)
    return scan(home=folder / "home", patterns=PATTERNS, config=declared)


def tenant(number: int) -> str:
    return f"10000000-0000-4000-8000-{number:012x}"


def app(of: int, number: int) -> str:
    return guid("a", of).replace("-0000-", f"-{number:04x}-", 1)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> ScanDocument:
    """Every case in a tenant of its own, with ids of its own."""
    rows = [
        {**own_ids(row, number), "AADTenantId": tenant(number)}
        for number, (records, _, _) in enumerate(CASES.values(), start=10)
        for row in (*LIFE, *records)
    ]
    for row in rows:
        row["Id"] = f"{row['Id']}-{row['AADTenantId'][-2:]}" if row["Type"] == "AuditLogs" else row["Id"]
        if "AppOwnerTenantId" in row:
            row["AppOwnerTenantId"] = row["AADTenantId"]
    return scanned(tmp_path_factory.mktemp("stories"), rows)


@pytest.mark.parametrize(("number", "name"), [(n, name) for n, name in enumerate(CASES, start=10)])
def test_stories(document: ScanDocument, number: int, name: str) -> None:
    _, expected, connected = CASES[name]
    subjects = {item.fingerprint: item.subject.app_id for item in (*document.findings, *document.leads)}
    stories = sorted(
        (story for story in document.stories if story.tenant_id == tenant(number)),
        key=lambda story: story.first_at or "",
    )
    assert [[(step.pattern, subjects[step.fingerprint]) for step in story.steps] for story in stories] == [
        [(pattern, app(of, number)) for pattern, of in steps] for steps in expected
    ]
    assert [{c.kind for c in story.connections} - {"identity", "event"} for story in stories] == connected


def test_a_story_is_told_with_its_score_and_steps(tmp_path: Path) -> None:
    rows, _, _ = CASES["a re-keyed principal that re-keys another"]
    document = scanned(tmp_path, [*LIFE, *rows])
    (story,) = document.stories
    assert (story.score, story.severity, story.first_at) == (55, "medium", "2026-05-11T08:00:00.000Z")
    assert story.reasons == (
        "medium: unexplained_credential_update",
        "2 identities in one chain: one acted on the other",
    )
    shown = text.render(document)
    assert shown.startswith("1 story: 2 findings, ")
    assert "MEDIUM   Story about Payroll" in shown
    assert f"one did what the other shows, {story.connections[-1].via}" in shown


def test_what_the_configuration_allows_is_told_apart(tmp_path: Path) -> None:
    rows, _, _ = CASES["a re-keyed principal that re-keys another"]
    allow = f"""
[[allow]]
pattern = "unexplained_credential_update"
subject = "{guid("a", 1)}"
reason = "the pipeline's new vault"
until = 2027-01-01

[[allow]]
pattern = "unexplained_credential_update"
subject = "{guid("a", 2)}"
reason = "was allowed once"
until = 2026-05-01
"""
    document = scanned(tmp_path, [*LIFE, *rows], allow)
    assert [(s.finding.subject.app_id, s.reason, s.until) for s in document.suppressed] == [
        (guid("a", 1), "the pipeline's new vault", "2027-01-01T00:00:00.000Z")
    ]
    assert [finding.subject.app_id for finding in document.findings] == [guid("a", 2)]
    assert document.stories == ()
    assert "until 2027-01-01T00:00:00.000Z: the pipeline's new vault" in text.render(document)
