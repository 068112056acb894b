"""Objects of Microsoft Graph and of the activity log as PowerShell writes them: the same records, under other names."""

from __future__ import annotations

import json

import loader_cases
import pytest

from graphcorr.ingest.loader import Carrier, Context
from graphcorr.ingest.run import ReadOptions, read_logs
from graphcorr.times import parse_time

OBSERVED = ReadOptions(observed_at=parse_time("2026-05-12"))


def spelled(value, *, nested=False):
    """A value as the types of the Graph module write it: capital letters, and a bag for names that a type lacks."""
    if isinstance(value, list):
        return [spelled(member, nested=True) for member in value]
    if not isinstance(value, dict):
        return value
    found = {name[:1].upper() + name[1:]: spelled(part, nested=True) for name, part in value.items() if name[0] != "@"}
    additional = {name: part for name, part in value.items() if name[0] == "@"}
    if "IpAddress" in found:
        found["IPAddress"] = found.pop("IpAddress")
    return {**found, "AdditionalProperties": additional} if additional or not nested else found


class Sink:
    def __init__(self):
        self.all = []

    def add(self, batch):
        self.all += batch


@pytest.fixture
def read(tmp_path):
    """Reads objects from a file; the problems with them if there are any."""

    def run(*objects):
        path = tmp_path / "objects.json"
        path.write_text(json.dumps(objects))
        sink = Sink()
        report = read_logs([path], sink, OBSERVED)
        return [str(problem) for problem in report.problems] or sink.all

    return run


# -- Microsoft Graph -----------------------------------------------------------------------------------------------


def records(delivered):
    return [(found.carrier, found.record) for found in delivered]


# Files of threat feeds, which come from no API.
FEEDS = ("address_lists", "stix_indicators")


def of_graph():
    """Objects of Graph pages, with the page's context where an object is known by it alone."""
    for case in loader_cases.cases():
        if case.carrier != Carrier.GRAPH or case.error is not None or case.loader in FEEDS or "type" in case.record:
            continue  # what states a type is of Azure Resource Manager
        context = case.context.get("odata_context")
        obj = {**({"@odata.context": context} if context else {}), **case.record}
        if loader_cases.loader_named(case.loader).claims[Carrier.GRAPH](frozenset(obj), obj, Context()):
            yield f"{case.loader}-{case.name}", obj


@pytest.mark.parametrize("obj", [pytest.param(obj, id=name) for name, obj in of_graph()])
def test_an_object_of_a_case_says_the_same_in_both_spellings(obj, read):
    expected = read(obj)
    assert records(read(spelled(obj))) == records(expected)


@pytest.mark.parametrize("file", ["signIns-page1.json", "directoryAudits.json", "applications-2026-05-10.json"])
def test_a_page_says_the_same_in_both_spellings(file, constructed, read):
    objects = loader_cases.read_objects(constructed / "graph-api" / file)
    assert records(read(*map(spelled, objects))) == records(read(*objects))


SIGN_IN = {
    "AppDisplayName": "contoso sync", "AppId": "9536314a-6327-486b-b65c-ae8d9b85ff85",
    "ConditionalAccessStatus": "notApplied", "CreatedDateTime": "2026-05-11T06:00:02Z", "IPAddress": "203.0.113.10",
    "Id": "28b993b9-d01f-45c3-af80-628bda83d600",
    "Location": {"City": "Frankfurt", "CountryOrRegion": "DE", "GeoCoordinates": {"Latitude": 50.1}},
    "ResourceDisplayName": "Azure Key Vault", "ResourceId": "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
    "ServicePrincipalId": "13b00951-7190-4249-a603-988a803ecbf7", "SignInEventTypes": ["servicePrincipal"],
    "Status": {"AdditionalDetails": None, "ErrorCode": 7000215, "FailureReason": "Invalid client secret"}, "UserId": "",
}  # fmt: skip
KEY = "252c1077-6670-47b8-aa14-f4f34a0615a8"
AUDIT = {
    "ActivityDateTime": "2026-05-11T08:03:14.2211234Z",
    "ActivityDisplayName": "Update application \u2013 Certificates and secrets management ",
    "AdditionalDetails": [{"Key": "AppId", "Value": "9536314a-6327-486b-b65c-ae8d9b85ff85"}],
    "Id": "Directory_2ad7320e-2e05-4905-8975-4437edc3fa27_79M4G_1",
    "InitiatedBy": {"App": None, "User": {"IPAddress": "198.51.100.77", "Id": "aaaaaaaa-0000-4000-8000-000000000001"}},
    "Result": "success",
    "TargetResources": [
        {
            "DisplayName": "contoso-billing-sync", "Id": "5a5ca5af-0000-4000-8000-000000000001", "Type": "Application",
            "ModifiedProperties": [
                {
                    "DisplayName": "KeyDescription",
                    "NewValue": f'["[KeyIdentifier={KEY},KeyType=Password,KeyUsage=Verify,DisplayName=k2]"]',
                    "OldValue": "[]",
                }
            ],
        }
    ],
}  # fmt: skip


def test_a_sign_in_says_what_the_api_said(read):
    (found,) = read(SIGN_IN)
    assert loader_cases.stated(found.record) == {
        "source": "AADServicePrincipalSignInLogs", "event_key": "28b993b9-d01f-45c3-af80-628bda83d600",
        "at": "2026-05-11T06:00:02Z", "whole_seconds": True, "kind": "servicePrincipal",
        "app_id": "9536314a-6327-486b-b65c-ae8d9b85ff85", "app_name": "contoso sync",
        "service_principal_id": "13b00951-7190-4249-a603-988a803ecbf7",
        "resource_app_id": "cfa8b339-82a2-471a-a3c9-0fc0be7a4093", "resource_name": "Azure Key Vault",
        "ip": "203.0.113.10", "country": "DE", "result_code": "7000215", "result_class": "credentialFailed",
    }  # fmt: skip
    assert json.loads(found.raw) == SIGN_IN, "what is stored is what was read"


@pytest.mark.parametrize(
    "targets",
    [
        {"value": AUDIT["TargetResources"], "Count": 1},  # as PowerShell 5.1 writes some lists
        AUDIT["TargetResources"][0],
        [{**AUDIT["TargetResources"][0], "ModifiedProperties": AUDIT["TargetResources"][0]["ModifiedProperties"][0]}],
    ],
)
def test_an_audit_record_says_the_same_whatever_became_of_its_lists(targets, read):
    (expected,), (found,) = read(AUDIT), read({**AUDIT, "TargetResources": targets})
    assert found.record == expected.record
    assert [(c.change, c.key_id) for c in found.record.credentials] == [
        ("added", "252c1077-6670-47b8-aa14-f4f34a0615a8")
    ]
    assert found.record.actor_id == "aaaaaaaa-0000-4000-8000-000000000001"


ROW = {
    "CreatedDateTime": "2026-05-11T06:00:02Z", "Id": "28b993b9-d01f-45c3-af80-628bda83d600", "UserId": "",
    "AppId": "9536314a-6327-486b-b65c-ae8d9b85ff85", "ConditionalAccessStatus": "notApplied",
    "ServicePrincipalId": "13b00951-7190-4249-a603-988a803ecbf7",
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "carrier"),
    [
        ({"Status": {"errorCode": 0}}, Carrier.ROW),
        ({"Status": {"ErrorCode": 0}}, Carrier.GRAPH),
        ({"Status": {"ErrorCode": 0}, "LocationDetails": {"city": "Frankfurt"}}, Carrier.ROW),
        ({"Status": {"ErrorCode": 0}, "TimeGenerated": "2026-05-11T06:01:00Z"}, Carrier.ROW),
        ({}, Carrier.ROW),
        ({"SignInEventTypes": ["servicePrincipal"]}, Carrier.GRAPH),
        ({"SignInEventTypes": ["servicePrincipal"], "ResultType": "0"}, Carrier.ROW),
        ({"AdditionalProperties": {}}, Carrier.GRAPH),
    ],
)
def test_what_need_not_be_of_powershell_is_a_row(more, carrier, read):
    (found,) = read({**ROW, **more})
    assert found.carrier == carrier


def test_columns_of_sign_ins_alone_may_be_of_a_row_and_are_not_taken_for_an_object(read):
    flat = {name: SIGN_IN[name] for name in ("AppId", "CreatedDateTime", "Id", "ResourceDisplayName", "ResourceId")}
    (problem,) = read(flat)
    assert "no known log" in problem


def test_an_object_that_nobody_reads_is_told_by_its_own_names(read, tmp_path):
    (problem,) = read({"Id": "x", "DisplayName": "y", "AdditionalProperties": {}})
    assert "no known log: Id, DisplayName, AdditionalProperties" in problem
    unified = {"CreationTime": "x", "RecordType": 8, "Workload": "x", "Operation": "x", "Parameters": [{"Name": "n"}]}
    (tmp_path / "unified.json").write_text(json.dumps([unified]))
    assert read_logs([tmp_path / "unified.json"], Sink()).not_loaded == {"UnifiedAuditLog": 1}


MODEL = "Microsoft.Graph.PowerShell.Models.MicrosoftGraph"


@pytest.mark.parametrize(
    "obj",
    [
        {**SIGN_IN, "Status": f"{MODEL}SignInStatus"},
        {**SIGN_IN, "Status": f"{MODEL}SignInStatus", "Location": f"{MODEL}SignInLocation"},
        {**AUDIT, "TargetResources": [f"{MODEL}TargetResource"]},
        {**AUDIT, "InitiatedBy": {"App": f"{MODEL}AppIdentity", "User": f"{MODEL}UserIdentity"}},
        {**AUDIT, "TargetResources": [{**AUDIT["TargetResources"][0], "ModifiedProperties": [f"{MODEL}Property"]}]},
    ],
)
def test_an_object_that_is_cut_off_is_refused(obj, read):
    (problem,) = read(obj)
    assert "is cut off" in problem and "-Depth 10" in problem


def test_what_no_loader_reads_may_be_cut_off(read):
    (found,) = read({**SIGN_IN, "Location": {"CountryOrRegion": "DE", "GeoCoordinates": f"{MODEL}GeoCoordinates"}})
    assert found.record.country == "DE"


def test_an_export_to_csv_lost_what_was_nested_and_is_refused(tmp_path):
    path = tmp_path / "sign-ins.csv"
    path.write_text(f"Id,AppId,UserId,ConditionalAccessStatus,Status\nx,y,z,success,{MODEL}SignInStatus\n")
    (problem,) = read_logs([path], Sink()).problems
    assert "Status is cut off" in problem.message


def test_an_object_nested_very_deeply_is_refused(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text('[{"Deep":' + '{"A":' * 900 + "1" + "}" * 900 + "}]")
    (problem,) = read_logs([path], Sink()).problems
    assert problem.message == "nested too deeply"


# -- the activity log ----------------------------------------------------------------------------------------------

ACTION = "Microsoft.Storage/storageAccounts/write"
GROUP = "/subscriptions/bb6fc856-b52e-4f4c-9c47-7547100df6fe/resourceGroups/rg"
RESOURCE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st1"
CLAIMS = {
    "appid": "91ca2ca8-0400-4643-af0e-f4aedba0d191", "uti": "OIHzCdtjyUamcO3JhGqJAA",
    "http://schemas.microsoft.com/identity/claims/objectidentifier": "880c7352-150d-40bf-a48d-136e2db0ed94",
}  # fmt: skip
EVENT = {
    "authorization": {"action": ACTION, "scope": RESOURCE},
    "caller": "880c7352-150d-40bf-a48d-136e2db0ed94",
    "category": {"value": "Administrative", "localizedValue": "Verwaltung"},
    "claims": CLAIMS,
    "correlationId": "4312f052-ae8c-41a3-b975-e5433c4a4c4a",
    "eventDataId": "f5c5899d-268e-4aa5-ad3a-737a30febf4c",
    "eventTimestamp": "2026-05-11T06:10:31.0021721Z",
    "httpRequest": {"clientIpAddress": "203.0.113.60"},
    "operationName": {"value": ACTION, "localizedValue": "Speicherkonto erstellen"},
    "properties": {"Hierarchy": "not PowerShell's name"},
    "resourceId": RESOURCE,
    "status": {"value": "Started", "localizedValue": "Gestartet"},
    "submissionTimestamp": "2026-05-11T06:14:55Z",
}
OLDER = spelled(EVENT) | {"Claims": {"Content": CLAIMS}, "Properties": {"Content": EVENT["properties"]}}
CURRENT = OLDER | {"Category": "Administrative", "OperationName": "Create/Update Storage Account", "Status": "Started"}


@pytest.mark.parametrize("event", [OLDER, CURRENT, CURRENT | {"OperationName": ACTION}])
def test_an_event_of_the_activity_log_says_what_the_api_said(event, read):
    (expected,) = read(EVENT)
    assert expected.record.service_principal_id == "880c7352-150d-40bf-a48d-136e2db0ed94"
    assert records(read(event)) == records([expected])


@pytest.mark.parametrize(
    "told",
    [
        {"Status": "Gestartet"},
        {"Category": "Verwaltung"},
        {"Category": "Policy"},  # its operation is another than the action that was checked
        {"Authorization": {"Action": None, "Scope": RESOURCE}},
        {"OperationName": "Speicherkontoerstellung", "Status": "Erfolgreich"},
    ],
)
def test_an_event_told_in_words_of_some_language_is_refused(told, read):
    (problem,) = read(CURRENT | told)
    assert "told in words of some language" in problem
