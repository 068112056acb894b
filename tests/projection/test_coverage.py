"""How far "nothing seen" can be believed: evidence of sign-ins and activities, gaps, scopes, declarations."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from graphcorr.config import Complete, Config
from graphcorr.projection.project import current
from tests.builders import (
    OTHER_TENANT,
    SUBSCRIPTION,
    TENANT,
    at,
    audit,
    guid,
    jsonl,
    moment,
    sign_in,
    vault_act,
    vault_id,
)
from tests.endtoend.harness import Graph, Place, graph_of
from tests.evidence import ACTIVITIES, OTHERS, SIGN_INS, Case, apart, configured, tenant_of

Row = dict[str, Any]
_TENANTS = {SUBSCRIPTION: TENANT}


def _evidence_of_cases(folder: Path, cases: list[Case], label: str) -> list[str]:
    """Evidence of each case's first record. Equal declarations share a graph, each case in its own tenant."""
    found = {}
    for members, rows, config in configured(cases):
        graph = graph_of(folder / str(members[0]), {"rows.jsonl": jsonl(*rows)}, config=config)
        kind = "SIGNED_IN" if label == "SignIn" else "PERFORMED"
        nodes = {row["key"]: row for row in graph.nodes(label)}
        for number in members:
            principal = f"{tenant_of(number)}/{apart({'id': guid('d', 1)}, number)['id']}"
            acts = [nodes[e["toKey"]] for e in graph.edges(kind, fromKey=principal)]
            found[number] = max(acts, key=lambda row: row["firstSeen"])["evidence"]
    return [found[number] for number in range(len(cases))]


@pytest.fixture(scope="module")
def sign_in_evidence(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return _evidence_of_cases(tmp_path_factory.mktemp("sign-ins"), SIGN_INS, "SignIn")


@pytest.mark.parametrize("number", range(len(SIGN_INS)))
def test_evidence_of_a_sign_in(sign_in_evidence: list[str], number: int) -> None:
    assert sign_in_evidence[number] == SIGN_INS[number][3]


@pytest.fixture(scope="module")
def activity_evidence(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return _evidence_of_cases(tmp_path_factory.mktemp("activities"), ACTIVITIES, "Activity")


@pytest.mark.parametrize("number", range(len(ACTIVITIES)))
def test_evidence_of_an_activity(activity_evidence: list[str], number: int) -> None:
    assert activity_evidence[number] == ACTIVITIES[number][3]


def test_silence_is_told_from_a_thin_source(tmp_path: Path) -> None:
    # Twenty events in every hour of three days, but for three hours of the second; an audit source beside it is thin.
    busy = [
        sign_in(1000 * day + 40 * hour + n, at(f"{hour:02d}:{n * 3:02d}", day))
        for day in range(3) for hour in range(24) for n in range(20) if not (day == 1 and 9 <= hour < 12)
    ]  # fmt: skip
    thin = [vault_act(1, at("01:00"), **OTHERS), vault_act(2, at("23:00", 2), **OTHERS)]
    graph = graph_of(tmp_path, {"rows.jsonl": jsonl(*busy, *thin)}, config=Config(subscriptions=_TENANTS))
    found = {(row["source"], row["kind"], row["start"], row["end"]) for row in graph.nodes("Gap")}
    assert found == {
        ("AADServicePrincipalSignInLogs", "silence", moment("08:57", 1), moment("12:00", 1)),
        ("AZKVAuditLogs", "unproven", moment("01:00"), moment("23:00", 2)),
    }
    assert len(graph.edges("HAS_GAP")) == 2


def test_another_category_of_the_same_export_proves_silence(tmp_path: Path) -> None:
    audits = [
        {"Type": "AuditLogs", "AADTenantId": TENANT, "TimeGenerated": at("12:00", day), "Id": f"Directory_{day}",
         "OperationName": "Update user", "TargetResources": [], "InitiatedBy": {}}
        for day in range(4)
    ]  # fmt: skip
    sign_ins = [sign_in(1, at("07:00")), sign_in(2, at("20:00", 3))]
    graph = graph_of(tmp_path / "1", {"rows.jsonl": jsonl(*audits, *sign_ins)})
    assert {row["source"] for row in graph.nodes("Gap")} == {"AuditLogs"}
    # Not on every day of the silence.
    graph = graph_of(tmp_path / "2", {"rows.jsonl": jsonl(*audits[:2], *audits[3:], *sign_ins)})
    assert {row["source"] for row in graph.nodes("Gap")} == {"AuditLogs", "AADServicePrincipalSignInLogs"}
    # What another tenant delivered proves nothing.
    of_others = [{**audit, "AADTenantId": OTHER_TENANT} for audit in audits]
    graph = graph_of(tmp_path / "3", {"rows.jsonl": jsonl(*of_others, *sign_ins)})
    found = {(row["tenantId"], row["source"]) for row in graph.nodes("Gap")}
    assert found == {(OTHER_TENANT, "AuditLogs"), (TENANT, "AADServicePrincipalSignInLogs")}


def _limits(place: Place) -> set[tuple[str, datetime, datetime]]:
    return {(row["tenantId"], row["start"], row["end"]) for row in place.graph().nodes("Gap", kind="rowLimit")}


def test_an_input_at_a_row_limit_is_a_gap_of_the_tenants_in_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.load({"limited.jsonl": jsonl(sign_in(1, at("07:00")), sign_in(2, at("08:00")))}, limited=["limited.jsonl"])
    expected = {(TENANT, moment("07:00"), moment("08:00"))}
    assert _limits(place) == expected
    # A second tenant does not make the first one's gap go away, and has none of its own.
    place.load({"other.jsonl": jsonl(sign_in(3, at("07:30"), tenant=OTHER_TENANT))})
    assert _limits(place) == expected


def test_an_input_that_ends_in_the_middle_is_a_gap_until_it_is_read_again_whole(tmp_path: Path) -> None:
    whole = jsonl(sign_in(1, at("07:00")), sign_in(2, at("08:00")), sign_in(3, at("09:00")))
    place, file = Place(tmp_path), tmp_path / "rows.jsonl"
    for content, gaps in ((whole[:-40], [(moment("07:00"), moment("08:00"))]), (whole, [])):
        file.write_bytes(content)
        place.load(file)
        assert [(row["start"], row["end"]) for row in place.graph().nodes("Gap", kind="cutOff")] == gaps


def test_what_a_source_delivered(tmp_path: Path) -> None:
    rows = [sign_in(1, at("07:00"), TimeGenerated=at("07:05")), sign_in(2, at("08:00"), TimeGenerated=at("08:10"))]
    again = {**rows[0], "TimeGenerated": at("07:06")}
    source = graph_of(tmp_path, {"rows.jsonl": jsonl(*rows, rows[1], again)}).node("LogSource")
    assert (source["eventCount"], source["duplicates"], source["declared"]) == (2, 1, False)
    assert (source["firstSeen"], source["lastSeen"]) == (moment("07:00"), moment("08:00"))
    assert 280 <= source["delayP50"] <= 320 and 570 <= source["delayP95"] <= 630


# -- hour blobs -----------------------------------------------------------------------------------------------------


def _blob(hour: int, *, tenant: str, folder: str = "", day: int = 0) -> dict[str, bytes]:
    """An hour blob of audit records in the layout of a storage account."""
    when = moment("00:00", day)
    place = f"insights-logs-auditlogs/tenantId={tenant}/y={when:%Y}/m={when:%m}/d={when:%d}/h={hour:02}/m=00/PT1H.json"
    record = audit(hour, at(f"{hour:02}:10", day), "Update group", tenant=tenant) | {"Id": f"{tenant}{day}{hour}"}
    return {f"{folder}{place}": jsonl(record)}


_DECLARED_AUDITS = Config(complete=(Complete("AuditLogs"),))
_BLOBS: dict[str, tuple[list[tuple[str, int]], list[tuple[str, str]]]] = {
    "one missing": ([("", 6), ("", 8)], [("07:00", "08:00")]),
    "two missing in a row": ([("", 5), ("", 6), ("", 9), ("", 10)], [("07:00", "09:00")]),
    "two missing": ([("", 5), ("", 7), ("", 9)], [("06:00", "07:00"), ("08:00", "09:00")]),
    "none missing": ([("", 6), ("", 7), ("", 8)], []),
    "the missing one lies in another folder": ([("one/", 6), ("one/", 8), ("two/", 7)], []),
    "a log that is silent most of the time": ([("", 2), ("", 3), ("", 9)], []),
}


def _missing(graph: Graph, tenant: str) -> list[tuple[datetime, datetime]]:
    rows = graph.nodes("Gap", tenantId=tenant, source="AuditLogs", kind="missingBlob")
    return sorted((row["start"], row["end"]) for row in rows)


def test_an_hour_blob_missing_between_others_is_a_gap(tmp_path: Path) -> None:
    files: dict[str, bytes] = {}
    for number, (present, _) in enumerate(_BLOBS.values()):
        for folder, hour in present:
            files |= _blob(hour, tenant=guid("1", 100 + number), folder=folder)
    place = Place(tmp_path)
    place.load(files)
    graph = place.graph()
    found = [_missing(graph, guid("1", 100 + number)) for number in range(len(_BLOBS))]
    expected = [[(moment(start), moment(end)) for start, end in gaps] for _, gaps in _BLOBS.values()]
    assert dict(zip(_BLOBS, found, strict=True)) == dict(zip(_BLOBS, expected, strict=True))
    declared = place.graph(_DECLARED_AUDITS)
    assert declared.nodes("Gap") == []


def test_an_hour_without_a_blob_is_quiet_if_another_category_delivered_in_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.load(_blob(6, tenant=TENANT), _blob(8, tenant=TENANT), {"s.jsonl": jsonl(sign_in(1, at("07:30")))})
    assert _missing(place.graph(), TENANT) == []
    # Unless that hour usually brings events.
    usual = [audit(n, at("07:30", n % 2 + 1), "Update group", tenant=TENANT) for n in range(8)]
    place.load({"usual.jsonl": jsonl(*usual)})
    assert len(_missing(place.graph(), TENANT)) == 1


def test_the_missing_blob_closes_its_gap_even_if_it_holds_nothing_new(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.load(_blob(6, tenant=TENANT), _blob(8, tenant=TENANT))
    assert len(_missing(place.graph(), TENANT)) == 1
    (content,) = _blob(8, tenant=TENANT).values()
    (name,) = _blob(7, tenant=TENANT)
    place.load({name: content})
    assert _missing(place.graph(), TENANT) == []


def test_blobs_of_a_vault_are_a_matter_of_that_vault(tmp_path: Path) -> None:
    place = f"insights-logs-auditevent/resourceId={vault_id('kv-hr').upper()}/y=2026/m=05/d=11"
    files = {f"{place}/h={hour:02}/m=00/PT1H.json": jsonl(vault_act(hour, at(f"{hour:02}:10"))) for hour in (6, 8)}
    graph = graph_of(tmp_path, files, tenant=TENANT)
    (gap,) = graph.nodes("Gap", kind="missingBlob")
    assert (gap["source"], gap["scope"], gap["start"]) == ("AZKVAuditLogs", vault_id("kv-hr"), moment("07:00"))


@pytest.mark.parametrize(
    ("others", "tenant", "configured", "lost"),
    [
        ([], None, Config(), {"AZKVAuditLogs": 2}),
        ([TENANT], None, Config(), {}),  # the only tenant there is
        ([TENANT, OTHER_TENANT], None, Config(), {"AZKVAuditLogs": 2}),
        ([TENANT, OTHER_TENANT], TENANT, Config(), {}),
        ([TENANT, OTHER_TENANT], None, Config(subscriptions={SUBSCRIPTION: TENANT, "x": OTHER_TENANT}), {}),
    ],
)
def test_events_of_no_known_tenant_are_counted(
    tmp_path: Path, others: list[str], tenant: str | None, configured: Config, lost: dict[str, int]
) -> None:
    place = Place(tmp_path)
    place.load({"vault.jsonl": jsonl(vault_act(1, at("08:00")), vault_act(2, at("09:00")))})
    # Another delivery of one of them, which may state a tenant.
    place.load({"again.jsonl": jsonl(vault_act(1, at("08:00")), vault_act(2, at("09:00")))}, tenant=tenant)
    place.load({"others.jsonl": jsonl(*(sign_in(n, at("08:00"), tenant=other) for n, other in enumerate(others)))})
    projected = place.graph(configured).projection
    assert projected.without_tenant == lost
    held = current(place.archive, configured, tmp_path / "projection")
    assert held is not None and held.without_tenant == lost
