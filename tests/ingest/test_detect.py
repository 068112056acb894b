"""Who reads an object is decided by table, then category, then claims; tables nobody reads are named and counted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ingest_samples import ALPHA, BETA

from graphcorr.errors import ConfigError, RecordError
from graphcorr.ingest.detect import Detector, Match, NotLoaded
from graphcorr.ingest.loader import Carrier, Context
from graphcorr.ingest.readers import CSV_PAGE, PLAIN, ROW_PAGE, Page
from graphcorr.times import parse_time

E = {"time": "2026-05-11T08:00:00Z", "resourceId": "/x", "operationName": "o", "properties": {"n": 1}}
T = {"TimeGenerated": "2026-05-11T08:00:00Z", "TenantId": "w"}
P = {"ActorUPN": "x", "ScopeType": "x", "Area": "x"}
OF_BETA = "/SUBSCRIPTIONS/1/RESOURCEGROUPS/2/PROVIDERS/MICROSOFT.BETA/THINGS/T"
OF_OTHER = OF_BETA.replace("BETA", "OTHER")

# object, page, what it is
OBJECTS = [
    ({**E, "category": "AlphaCategory"}, PLAIN, ("Alpha", Carrier.EXPORT)),
    ({**E, "category": "alphacategory"}, PLAIN, ("Alpha", Carrier.EXPORT)),
    ({"category": "BetaCategory", "time": "x", "N": 1}, PLAIN, ("Beta", Carrier.EXPORT)),
    ({key.lower(): E[key] for key in E} | {"category": "AlphaCategory"}, PLAIN, ("Alpha", Carrier.EXPORT)),
    ({**E, "category": "Unread"}, PLAIN, "Unread"),
    (E, PLAIN, None),
    ({**T, "Type": "Alpha"}, PLAIN, ("Alpha", Carrier.ROW)),
    ({**T, "Type": "alpha"}, ROW_PAGE, ("Alpha", Carrier.ROW)),
    ({**T, "$table": "Beta", "Type": "x"}, CSV_PAGE, ("Beta", Carrier.CSV)),
    ({**T, "Type": "Alpha", "Category": "BetaCategory"}, PLAIN, ("Alpha", Carrier.ROW)),
    ({**T, "Category": "BetaCategory"}, PLAIN, ("Beta", Carrier.ROW)),
    ({**T, "Category": "ApplicationManagement", "N": 1, "OnlyHere": 1}, PLAIN, ("Alpha", Carrier.ROW)),
    ({**T, "Type": "AzureDiagnostics", "Category": "AuditThing"}, PLAIN, ("Beta", Carrier.ROW)),
    ({**T, "Type": "AzureDiagnostics", "Category": "Other"}, PLAIN, "AzureDiagnostics Other"),
    ({**T, "Type": "AzureDiagnostics", "Category": "AlphaCategory"}, PLAIN, "AzureDiagnostics AlphaCategory"),
    ({**T, "Type": "AzureDiagnostics_RST", "Category": "AuditThing"}, PLAIN, ("Beta", Carrier.ROW)),
    ({**T, "Type": "LAQueryLogs", "N": 1}, PLAIN, "LAQueryLogs"),
    # A table decides, whoever claims its rows; a list may have a column of that name.
    ({**T, "Type": "Unread", "N": 1, "OnlyHere": 1}, PLAIN, "Unread"),
    ({"Type": "Unread", "N": "1", "OnlyHere": "1", "TimeGenerated": "x"}, CSV_PAGE, "Unread"),
    ({"Type": "ipv4", "N": "1", "OnlyHere": "1"}, CSV_PAGE, ("Alpha", Carrier.CSV)),
    ({"Type": "Unread", "N": 1, "OnlyHere": 1}, ROW_PAGE, "Unread"),
    # A word for nothing is no table.
    ({**T, "$table": "None", "Type": "Alpha"}, PLAIN, ("Alpha", Carrier.ROW)),
    ({**T, "Type": "None", "Category": "null", "N": 1, "OnlyHere": 1}, PLAIN, ("Alpha", Carrier.ROW)),
    # Tables with names that somebody chose.
    ({**T, "Type": "Mine_CL", "N": 1, "OnlyHere": 1}, PLAIN, "Mine_CL"),
    ({**T, "Type": "Mine_CL", "Category": "BetaCategory"}, PLAIN, ("Beta", Carrier.ROW)),
    ({**T, "Type": "Alpha_RST"}, PLAIN, ("Alpha", Carrier.ROW)),
    ({**T, "Type": "Case1_RST", "Category": "BetaCategory"}, PLAIN, ("Beta", Carrier.ROW)),
    ({**T, "Type": "Case1_SRCH", "_OriginalType": "Alpha"}, PLAIN, ("Alpha", Carrier.ROW)),
    ({**T, "Type": "Case1_SRCH", "_OriginalType": "Unread", "N": 1, "OnlyHere": 1}, PLAIN, "Unread"),
    # Several services have a category of one name.
    ({**E, "category": "BetaCategory", "resourceId": OF_BETA}, PLAIN, ("Beta", Carrier.EXPORT)),
    ({**E, "category": "BetaCategory", "resourceId": OF_OTHER}, PLAIN, "BetaCategory (microsoft.other)"),
    ({**E, "category": "AlphaCategory", "resourceId": OF_OTHER}, PLAIN, ("Alpha", Carrier.EXPORT)),
    ({**E, "category": "Unread", "resourceId": OF_OTHER}, PLAIN, "Unread (microsoft.other)"),
    ({**T, "Category": "BetaCategory", "_ResourceId": OF_OTHER}, PLAIN, "BetaCategory (microsoft.other)"),
    ({**T, "Category": "BetaCategory", "ResourceProvider": "MICROSOFT.BETA"}, PLAIN, ("Beta", Carrier.ROW)),
    (
        {**T, "Type": "AzureDiagnostics", "Category": "AuditThing", "ResourceProvider": "MICROSOFT.OTHER"},
        PLAIN,
        "AzureDiagnostics AuditThing (microsoft.other)",
    ),
    # An envelope in any case of letters.
    ({"Time": "x", "Category": "BetaCategory", "TenantId": "x", "Properties": {}}, PLAIN, ("Beta", Carrier.EXPORT)),
    ({"TIME": "x", "CATEGORY": "BetaCategory", "PROPERTIES": {}}, PLAIN, ("Beta", Carrier.EXPORT)),
    ({"TIME": "x", "CATEGORY": "Unread", "PROPERTIES": {}}, PLAIN, "Unread"),
    ({"N": "1", "OnlyHere": "1"}, CSV_PAGE, ("Alpha", Carrier.CSV)),
    ({"N": 1, "OnlyHere": 1}, PLAIN, ("Alpha", Carrier.ROW)),
    ({"Timestamp": 1, "ErrorCode": 1, "ServicePrincipalId": 1, "ApplicationId": 1}, PLAIN, "EntraIdSpnSignInEvents"),
    ({"QueryText": "x", "AADClientId": "x"}, CSV_PAGE, "LAQueryLogs"),
    ({"CreationTime": "x", "RecordType": 8, "Workload": "x", "Operation": "x", "Id": 1}, PLAIN, "UnifiedAuditLog"),
    ({"CreationDate": "x", "UserIds": "x", "Operations": "x", "AuditData": "{}"}, CSV_PAGE, "UnifiedAuditLog"),
    ({"n": 1, "graphOnly": 1}, Page("https://x/$metadata#alphas"), ("Alpha", Carrier.GRAPH)),
    ({"n": 1, "graphOnly": 1}, PLAIN, ("Alpha", Carrier.GRAPH)),
    # Names of another log come before claims, and before a category of its own.
    ({**P, "Timestamp": "x", "Category": "BetaCategory"}, PLAIN, "AzureDevOpsAuditing"),
    ({"actorUPN": "x", "scopeType": "x", "area": "x", "category": "access"}, PLAIN, "AzureDevOpsAuditing"),
    ({**T, "CycleId": "x", "ProvisioningSteps": "[]", "N": 1, "OnlyHere": 1}, PLAIN, "AADProvisioningLogs"),
    ({"riskLastUpdatedDateTime": "x", "userPrincipalName": "x"}, PLAIN, "AADRiskyUsers"),
    ({"riskEventType": "x", "userPrincipalName": "x", "detectedDateTime": "x"}, PLAIN, "AADUserRiskEvents"),
    ({"Timestamp": "x", "DeviceId": "x", "ActionType": "x"}, CSV_PAGE, "unknown table of advanced hunting"),
    (
        {"Date (UTC)": "x", "Service": "x", "Category": "ApplicationManagement", "Activity": "x"},
        CSV_PAGE,
        "Entra portal audit CSV (download JSON instead)",
    ),
    (
        {"Date (UTC)": "x", "Request ID": "x", "Correlation ID": "x"},
        CSV_PAGE,
        "Entra portal sign-in CSV (download JSON instead)",
    ),
    ({"id": 1}, Page("https://x/$metadata#auditLogs/provisioning"), "Graph auditLogs/provisioning"),
    ({"@odata.type": "#microsoft.graph.user", "id": 1}, PLAIN, "Graph user"),
    ({"eventDataId": "x", "operationName": {"value": "x"}}, PLAIN, ("Beta", Carrier.REST)),
    ({"some": 1, "thing": 2}, PLAIN, None),
    ({}, PLAIN, None),
]  # fmt: skip


@pytest.mark.parametrize(("obj", "page", "expected"), OBJECTS)
def test_an_object_finds_its_loader(obj, page, expected):
    detector = Detector((ALPHA, BETA))
    context = Context(odata_context=page.odata_context)
    found = detector.detect(obj, page, context)
    if isinstance(found, Match):
        assert (found.loader.source, found.carrier) == expected
        assert detector.detect(dict(obj), page, context) is found, "kept per signature"
    else:
        assert found == (NotLoaded(expected) if expected else None)


def test_whose_a_record_is_may_differ_among_records_that_look_alike():
    detector = Detector((ALPHA, BETA))
    record = {**E, "category": "BetaCategory"}
    of_path = Context(path_resource_id=OF_OTHER.lower())
    assert isinstance(detector.detect({**record, "resourceId": OF_BETA}, PLAIN, Context()), Match)
    assert detector.detect({**record, "resourceId": OF_OTHER}, PLAIN, Context()) == NotLoaded(
        "BetaCategory (microsoft.other)"
    )
    assert detector.detect(record, PLAIN, of_path) == NotLoaded("BetaCategory (microsoft.other)")
    assert isinstance(detector.detect(record, PLAIN, Context()), Match)


@pytest.mark.parametrize(
    ("search", "at"),
    [
        ({"Type": "Case1_SRCH", "_OriginalType": "Alpha", "_OriginalTimeGenerated": "2026-05-11T08:00:00Z"}, True),
        ({"_OriginalType": "Alpha", "_OriginalTimeGenerated": "2026-05-11T08:00:00Z"}, True),
        ({"Type": "Case1_SRCH", "_OriginalType": "Alpha"}, False),
        ({"Type": "Case1_SRCH", "Category": "AlphaCategory"}, False),
    ],
)
def test_what_a_search_job_found_has_the_time_of_its_event_or_none(search, at, read):
    row = {"TimeGenerated": "2026-06-01T00:00:00Z", "_ItemId": "job", "_OriginalItemId": "x", "N": 7} | search
    (delivered,), report = read(json.dumps(row).encode())
    assert (delivered.record.source, delivered.record.operation) == ("Alpha", "7")
    assert delivered.record.at == (parse_time("2026-05-11T08:00:00Z") if at else None)
    assert "TimeGenerated" not in report.unknown_columns.get("Alpha", {})


def test_two_loaders_must_not_want_the_same():
    other = replace(ALPHA, source="Other", categories=())
    context = Context()
    with pytest.raises(ConfigError, match="two loaders claim an object: Alpha and Other"):
        Detector((ALPHA, other)).detect({"N": 1, "OnlyHere": 1}, PLAIN, context)
    with pytest.raises(ConfigError, match="two loaders for category AlphaCategory: Alpha and Other"):
        Detector((ALPHA, replace(other, categories=("AlphaCategory",))))
    with pytest.raises(ConfigError, match="two loaders for table Alpha: Alpha and Other"):
        Detector((ALPHA, replace(other, tables=("Alpha",))))


def test_a_claim_that_fails_takes_nothing_from_others_and_is_named():
    broken = replace(BETA, source="Broken", categories=(), tables=(), claims={Carrier.GRAPH: lambda *_: {}["n"]})
    broken = replace(broken, parse={Carrier.GRAPH: broken.parse[Carrier.REST]})
    detector = Detector((ALPHA, broken))
    found = detector.detect({"n": 1, "graphOnly": 1}, PLAIN, Context())
    assert isinstance(found, Match) and found.loader is ALPHA
    with pytest.raises(RecordError, match="claims of the loader of Broken failed: KeyError: 'n'"):
        detector.detect({"n": 1, "other": 1}, PLAIN, Context())


def test_unread_tables_are_counted_and_are_no_error(read):
    rows = [{**T, "Type": "LAQueryLogs"}] * 3 + [{**E, "category": "StorageRead"}]
    delivered, report = read("\n".join(map(json.dumps, rows)).encode())
    assert (delivered, report.not_loaded) == ([], {"LAQueryLogs": 3, "StorageRead": 1})
    assert (report.problem_count, report.skipped, report.nothing_readable) == (0, 0, False)


def test_envelopes_in_lower_case_reach_the_loader_in_usual_case(read):
    seen = []

    def parse(obj, context):
        seen.append(obj)

    spy = replace(ALPHA, parse={Carrier.EXPORT: parse})
    lowered = {"time": "t", "resulttype": 1, "calleripaddress": "x", "Level": "4", "category": "AlphaCategory"}
    record = {**lowered, "properties": {"resultType": "kept"}, "p_event_time": "t"}
    delivered, report = read(json.dumps(record).encode(), loaders=[spy])
    assert seen == [
        {
            "time": "t", "resultType": 1, "callerIpAddress": "x", "Level": "4", "category": "AlphaCategory",
            "properties": {"resultType": "kept"}, "p_event_time": "t",
        }
    ]  # fmt: skip
    assert (delivered, report.without_content) == ([], 1)


def test_columns_no_loader_knows_are_counted(read):
    rows = [{**T, "Type": "Alpha", "N": 1, "New": 1}] * 2 + [{**T, "Type": "Alpha", "N": 1, "New": 1, "Newer": 2}]
    exports = [{**E, "category": "AlphaCategory", "p_type": 1, "properties": {"n": 1, "added": 1}}] * 2
    _, report = read("\n".join(map(json.dumps, rows + exports)).encode())
    assert report.unknown_columns == {"Alpha": {"New": 3, "Newer": 1, "added": 2, "p_type": 2}}
