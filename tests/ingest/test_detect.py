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

E = {"time": "2026-05-11T08:00:00Z", "resourceId": "/x", "operationName": "o", "properties": {"n": 1}}
T = {"TimeGenerated": "2026-05-11T08:00:00Z", "TenantId": "w"}

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
    ({**T, "Type": "LAQueryLogs", "N": 1}, PLAIN, "LAQueryLogs"),
    ({"N": "1", "OnlyHere": "1"}, CSV_PAGE, ("Alpha", Carrier.CSV)),
    ({"N": 1, "OnlyHere": 1}, PLAIN, ("Alpha", Carrier.ROW)),
    ({"Timestamp": 1, "ErrorCode": 1, "ServicePrincipalId": 1, "ApplicationId": 1}, PLAIN, "EntraIdSpnSignInEvents"),
    ({"QueryText": "x", "AADClientId": "x"}, CSV_PAGE, "LAQueryLogs"),
    ({"CreationTime": "x", "RecordType": 8, "Workload": "x", "Operation": "x", "Id": 1}, PLAIN, "UnifiedAuditLog"),
    ({"CreationDate": "x", "UserIds": "x", "Operations": "x", "AuditData": "{}"}, CSV_PAGE, "UnifiedAuditLog"),
    ({"n": 1, "graphOnly": 1}, Page("https://x/$metadata#alphas"), ("Alpha", Carrier.GRAPH)),
    ({"n": 1, "graphOnly": 1}, PLAIN, ("Alpha", Carrier.GRAPH)),
    ({"id": 1}, Page("https://x/$metadata#auditLogs/provisioning"), "Graph auditLogs/provisioning"),
    ({"@odata.type": "#microsoft.graph.user", "id": 1}, PLAIN, "Graph microsoft"),
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
