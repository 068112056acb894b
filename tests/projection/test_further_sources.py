"""What Logic Apps, detections and threat intelligence become in the graph: from records to whole nodes and edges."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from graphcorr.archive.archive import Archive
from graphcorr.config import Config
from graphcorr.ingest.run import ReadOptions, read_logs
from graphcorr.projection.indicators import covered
from graphcorr.projection.project import project

T = "d9139857-9d9d-40ae-b846-10539c9dfb58"
OTHER = "0e6a4d0c-5a51-4a3b-9a60-3f6f5ac1f7aa"
SP = "13b00951-7190-4249-a603-988a803ecbf7"
WORKFLOW = (
    "/subscriptions/bb6fc856-b52e-4f4c-9c47-7547100df6fe/resourcegroups/rg-reports"
    "/providers/microsoft.logic/workflows/la-nightly-report"
)
TI = "contoso-ti---b7cfd1a6-2144-4472-9518-fb78a5c2a06e"


@pytest.fixture
def tables(tmp_path):
    """Load files, project, and read tables as lists of rows without those values that are absent."""

    def load(*paths, tenant=None):
        archive = Archive(tmp_path / "archive")
        with archive.staging() as staging:
            read_logs(paths, staging, ReadOptions(tenant_id=tenant))
            staging.commit()
        folder = project(archive, Config(), tmp_path / "projection").tables

        def rows(name):
            path = folder / name
            return [
                {key: value for key, value in row.items() if value not in (None, [])}
                for row in (pq.read_table(path).to_pylist() if path.exists() else [])
            ]

        return rows

    return load


def lines(path, *objects):
    path.write_text("\n".join(map(json.dumps, objects)))
    return path


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def sign_in(number, ip, tenant=T):
    return {
        "time": "2026-05-11T08:05:00Z", "tenantId": tenant, "category": "ServicePrincipalSignInLogs", "resultType": "0",
        "properties": {
            "id": f"0b9dd3f8-7d0b-4e1c-a6a4-0c2f1a1b5c{number:02}", "createdDateTime": "2026-05-11T08:00:00.1234567Z",
            "servicePrincipalId": SP, "appId": "9536314a-6327-486b-b65c-ae8d9b85ff85", "ipAddress": ip,
            "status": {"errorCode": 0},
        },
    }  # fmt: skip


# -- workflows -------------------------------------------------------------------------------------------------------

RUN = {
    "labels": "WorkflowRun", "key": f"{T}{WORKFLOW}/runs/08584231460401839813",
    "caption": "la-nightly-report (Succeeded)",
    "firstSeen": at("2026-05-11T06:15:04.004549Z"), "lastSeen": at("2026-05-11T06:15:20.404157Z"), "tenantId": T,
    "runId": "08584231460401839813", "status": "Succeeded", "startedAt": at("2026-05-11T06:14:58.207844Z"),
    "endedAt": at("2026-05-11T06:15:20.404157Z"), "actions": ["Get_secret"],
}  # fmt: skip


def test_a_run_and_its_actions_are_one_node_from_every_shape(tables, constructed):
    rows = tables(
        constructed / "diagnostic-export/insights-logs-workflowruntime.jsonl",
        constructed / "log-analytics-json/LogicAppWorkflowRuntime.jsonl",
        constructed / "log-analytics-csv/LogicAppWorkflowRuntime.csv",
        tenant=T,
    )
    assert rows("nodes/WorkflowRun.parquet") == [RUN]
    (ran,) = rows("edges/RAN.parquet")
    assert (ran["fromLabel"], ran["fromKey"], ran["toKey"]) == ("Resource", T + WORKFLOW, RUN["key"])
    assert rows("edges/RUN_BY.parquet") == []
    (source,) = rows("nodes/LogSource.parquet")
    assert (source["source"], source["scope"], source["eventCount"]) == ("LogicAppWorkflowRuntime", WORKFLOW, 2)


def test_the_workflow_s_own_managed_identity_is_a_low_guess_at_who_ran(tables, constructed):
    rows = tables(
        constructed / "diagnostic-export/insights-logs-workflowruntime.jsonl",
        constructed / "graph-api/servicePrincipals-2026-05-10.json",
        tenant=T,
    )
    (run_by,) = rows("edges/RUN_BY.parquet")
    (represents,) = (row for row in rows("edges/REPRESENTS.parquet") if row["toKey"] == T + WORKFLOW)
    assert (run_by["fromKey"], run_by["toKey"]) == (RUN["key"], represents["fromKey"])
    assert (run_by["basis"], run_by["confidence"]) == ("time+configuration", "low")


# -- detections ------------------------------------------------------------------------------------------------------


def detection(state, updated):
    properties = {
        "id": "d-1", "riskEventType": "suspiciousSignins", "riskState": state, "riskLevel": "high",
        "servicePrincipalId": SP, "activityDateTime": "2026-05-11T08:00:00Z", "lastUpdatedDateTime": updated,
    }  # fmt: skip
    return {"time": updated, "tenantId": T, "category": "ServicePrincipalRiskEvents", "properties": properties}


@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_version_of_a_detection_counts_in_any_order(tables, tmp_path, order):
    versions = [detection("atRisk", "2026-05-11T08:12:00Z"), detection("dismissed", "2026-05-12T09:00:00Z")]
    rows = tables(lines(tmp_path / "risk.jsonl", *versions[::order]))
    assert rows("nodes/RiskEvent.parquet") == [
        {
            "labels": "RiskEvent", "key": f"{T}/d-1", "caption": "suspiciousSignins (dismissed)", "tenantId": T,
            "firstSeen": at("2026-05-11T08:00:00Z"), "lastSeen": at("2026-05-12T09:00:00Z"),
            "eventId": "d-1@1778576400", "riskType": "suspiciousSignins", "riskLevel": "high", "riskState": "dismissed",
        }
    ]  # fmt: skip
    (about,) = rows("edges/ABOUT.parquet")
    assert (about["fromKey"], about["toKey"]) == (f"{T}/d-1", f"{T}/{SP}")


# -- threat intelligence ---------------------------------------------------------------------------------------------


def test_the_newest_row_of_an_indicator_counts_and_a_revoked_one_is_gone(tables, constructed, tmp_path):
    logs = lines(tmp_path / "sign-ins.jsonl", sign_in(1, "198.51.100.77"), sign_in(2, "203.0.113.10"))
    rows = tables(logs, constructed / "log-analytics-json/ThreatIntelIndicators.jsonl")
    (found,) = rows("nodes/Indicator.parquet")
    key = found.pop("key")
    assert found == {
        "labels": "Indicator", "caption": "198.51.100.77", "tenantId": T, "indicatorId": TI, "value": "198.51.100.77",
        "firstSeen": at("2026-05-09T00:00:00Z"), "lastSeen": at("2026-05-09T00:00:00Z"), "score": 85,
        "validFrom": at("2026-05-02T00:00:00Z"), "validTo": at("2026-08-01T00:00:00Z"),
    }  # fmt: skip
    (edge,) = rows("edges/INDICATES.parquet")
    assert (edge["fromKey"], edge["toKey"], edge["validTo"]) == (key, "198.51.100.77", found["validTo"])


def test_a_list_holds_for_every_tenant_and_shows_only_what_it_covers(tables, tmp_path):
    logs = lines(tmp_path / "logs.jsonl", sign_in(1, "203.0.113.9"), sign_in(2, "203.0.113.9", OTHER))
    feed = tmp_path / "feed.txt"
    feed.write_text("203.0.113.0/28\n192.0.2.0/24\n")
    rows = tables(logs, feed)
    assert {(row["tenantId"], row["value"]) for row in rows("nodes/Indicator.parquet")} == {
        (T, "203.0.113.0/28"),
        (OTHER, "203.0.113.0/28"),
    }
    assert [row["toKey"] for row in rows("edges/INDICATES.parquet")] == ["203.0.113.9"] * 2


def test_indicators_of_a_workspace_hold_for_its_tenant_alone(tables, tmp_path, constructed):
    logs = lines(tmp_path / "logs.jsonl", sign_in(1, "192.0.2.1"), sign_in(2, "198.51.100.77", OTHER))
    rows = tables(logs, constructed / "log-analytics-json/ThreatIntelIndicators.jsonl")
    assert rows("nodes/Indicator.parquet") == []


def test_networks_cover_the_addresses_inside_them():
    values = ["0.0.0.0/0", "203.0.113.0/28", "203.0.113.9", "2001:db8::/32"]
    assert covered(["203.0.113.9", "203.0.113.16", "2001:db8:1::1", "2001:db9::1"], values) == [
        ("0.0.0.0/0", "203.0.113.16"),
        ("0.0.0.0/0", "203.0.113.9"),
        ("2001:db8::/32", "2001:db8:1::1"),
        ("203.0.113.0/28", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
    ]
