"""The activity log in every shape gives the same events, callers and grants."""

from __future__ import annotations

import json

import loader_cases
import pytest
from carriers import differences, loader, objects, parse

from graphcorr.errors import RecordError
from graphcorr.ingest.loader import Carrier, Context
from graphcorr.records import CredentialChange, Grant

ACTIVITY = loader("azure_activity")
SUBSCRIPTION = "bb6fc856-b52e-4f4c-9c47-7547100df6fe"
TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
APP = "9536314a-6327-486b-b65c-ae8d9b85ff85"
PRINCIPAL = "13b00951-7190-4249-a603-988a803ecbf7"
OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def rest(**fields):
    event = {
        "operationName": {"value": "Microsoft.Compute/virtualMachines/write", "localizedValue": "Create VM"},
        "eventTimestamp": "2026-05-11T08:00:00.1234567Z",
        "status": {"value": "Succeeded"},
        "resourceId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v",
        "correlationId": "4312f052-ae8c-41a3-b975-e5433c4a4c4a",
    }
    return event | fields


def read(event):
    return parse(ACTIVITY, Carrier.REST, event)


# -- one event in every shape ------------------------------------------------------------------------------------


def test_export_row_csv_and_event_hub_of_one_event_differ_only_in_what_they_state(constructed):
    export = [
        parse(ACTIVITY, Carrier.EXPORT, obj)
        for obj in objects(constructed / "diagnostic-export" / "insights-activity-logs.jsonl")
    ]
    rows = [
        parse(ACTIVITY, Carrier.ROW, obj) for obj in objects(constructed / "log-analytics-json" / "AzureActivity.jsonl")
    ]
    cells = [
        parse(ACTIVITY, Carrier.CSV, obj) for obj in objects(constructed / "log-analytics-csv" / "AzureActivity.csv")
    ]
    hub = [
        parse(ACTIVITY, Carrier.EXPORT, obj)
        for name in ("message-01.json", "message-02.json")
        for obj in objects(constructed / "eventhub" / name)
        if obj["category"] == "Administrative"
    ]
    assert len({record.event_key for record in export}) == 5
    assert len({record.second_key for record in export}) == 5
    assert hub == export
    for exported, row, cell in zip(export, rows, cells, strict=True):
        assert differences(exported, row) == {"received_at", "workspace_id", "event_data_id"}
        assert differences(row, cell) == {"at", "received_at"}
        assert cell.at == row.at.replace(microsecond=row.at.microsecond // 1000 * 1000)


def test_a_managed_identity_writing_a_storage_account_is_read_in_full(constructed):
    obj = objects(constructed / "diagnostic-export" / "insights-activity-logs.jsonl")[0]
    group = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-build/providers/"
    found = loader_cases.stated(parse(ACTIVITY, Carrier.EXPORT, obj))
    keys = {found.pop("event_key"), found.pop("second_key")}
    assert len(keys) == 2 and all(key.startswith("arm:") for key in keys)
    assert found == {
        "source": "AzureActivity",
        "at": "2026-05-11T06:10:31.002172Z",
        "tenant_id": TENANT,
        "subscription_id": SUBSCRIPTION,
        "scope": f"/subscriptions/{SUBSCRIPTION}",
        "service": "arm",
        "operation": "microsoft.storage/storageaccounts/write",
        "outcome": "start",
        "status": "Start",
        "principal_type": "app",
        "service_principal_id": "880c7352-150d-40bf-a48d-136e2db0ed94",
        "app_id": "91ca2ca8-0400-4643-af0e-f4aedba0d191",
        "ip": "203.0.113.60",
        "resource_id": group + "microsoft.storage/storageaccounts/stbuild01",
        "token_id": "09f38138-63db-46c9-a670-edc9846a8900",
        "token_issued_at": "2026-05-11T06:05:00Z",
        "token_expires_at": "2026-05-11T07:10:00Z",
        "managed_identity_resource_id": group + "microsoft.compute/virtualmachines/vm-build01",
        "client_auth_method": "2",
        "correlation_id": "4312f052-ae8c-41a3-b975-e5433c4a4c4a",
    }


def test_a_role_assignment_names_who_received_which_role_where(constructed):
    obj = objects(constructed / "diagnostic-export" / "insights-activity-logs.jsonl")[4]
    assert parse(ACTIVITY, Carrier.EXPORT, obj).grants == (
        Grant(
            change="added",
            kind="azureRole",
            grantee_type="ServicePrincipal",
            grantee_id="58d24623-0e05-4414-985f-28fa4b5bb5e4",
            permission_id="b24988ac-6180-42a0-ab88-20f7382dd24c",
            scope=f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-billing",
        ),
    )


# -- key -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"status": "Start"}, {"status": {"value": "Started"}}),
        ({"status": "Success"}, {"status": {"value": "Succeeded"}}),
        ({"status": "Failure"}, {"status": {"value": "Failed"}}),
        ({"status": "Accept"}, {"status": {"value": "Accepted"}}),
        ({"status": '{"localizedValue": "Accepted", "value": "Accepted"}'}, {"status": {"value": "Accepted"}}),
        ({"eventTimestamp": "2026-05-11T08:00:00.123Z"}, {"eventTimestamp": "2026-05-11T08:00:00.1239999Z"}),
        ({"eventTimestamp": "2026-05-11T10:00:00.123+02:00"}, {}),
        ({"operationName": {"value": "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE"}}, {}),
        ({"correlationId": "4312F052-AE8C-41A3-B975-E5433C4A4C4A"}, {}),
        ({"eventDataId": "587eda65-125e-48c2-9b04-ab5e8d3a1d8e"}, {}),
    ],
)
def test_spellings_of_one_event_share_its_key(one, other):
    assert read(rest(**one)).event_key == read(rest(**other)).event_key


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"value": "Failed"}},
        {"eventTimestamp": "2026-05-11T08:00:00.124Z"},
        {"operationName": {"value": "Microsoft.Compute/virtualMachines/delete"}},
        {"correlationId": "00000000-ae8c-41a3-b975-e5433c4a4c4a"},
        {"resourceId": f"/subscriptions/{SUBSCRIPTION}"},
    ],
)
def test_another_status_time_operation_resource_or_correlation_is_another_event(change):
    assert read(rest(**change)).event_key != read(rest()).event_key


def test_a_time_in_whole_seconds_shares_the_second_key_of_the_finer_record():
    fine, coarse = read(rest()), read(rest(eventTimestamp="2026-05-11T08:00:00Z"))
    assert (fine.whole_seconds, coarse.whole_seconds) == (False, True)
    assert fine.second_key == coarse.second_key
    assert fine.event_key != coarse.event_key


def test_undated_events_stay_apart_and_undated():
    one, other = read(rest(eventTimestamp=None, caller="a@x.example")), read(rest(eventTimestamp=None))
    assert one.at is None
    assert one.second_key is None
    assert one.event_key != other.event_key
    assert read(rest(eventTimestamp=None)).event_key == other.event_key


# -- legacy and current columns ------------------------------------------------------------------------------------


def test_current_columns_win_over_legacy_ones_and_legacy_ones_fill_gaps():
    both = {
        "OperationName": "Create or update virtual machine",
        "OperationNameValue": "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE",
        "ActivityStatus": "Succeeded",
        "ActivityStatusValue": "Success",
        "ResourceId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Old",
        "_ResourceId": f"/subscriptions/{SUBSCRIPTION}/resourcegroups/new",
        "TimeGenerated": "2021-04-28T14:08:45.221Z",
    }
    current = parse(ACTIVITY, Carrier.ROW, both)
    assert (current.operation, current.status, current.resource_id) == (
        "microsoft.compute/virtualmachines/write",
        "Success",
        f"/subscriptions/{SUBSCRIPTION}/resourcegroups/new",
    )
    empty = {"OperationNameValue": "", "ActivityStatusValue": "", "_ResourceId": None}
    legacy = parse(ACTIVITY, Carrier.ROW, both | empty)
    assert (legacy.operation, legacy.status, legacy.outcome, legacy.resource_id) == (
        "create or update virtual machine",
        "Succeeded",
        "success",
        f"/subscriptions/{SUBSCRIPTION}/resourcegroups/old",
    )


@pytest.mark.parametrize("nothing", [None, "None", "null", "{}", {}, "N/A", "{broken"])
def test_a_column_that_states_nothing_does_not_hide_its_twin(nothing):
    twins = {
        "Claims": {"appid": APP, OID: PRINCIPAL, "uti": "OIHzCdtjyUamcO3JhGqJAA"},
        "Authorization": {"scope": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"},
        "Properties": {"hierarchy": f"{TENANT}/{SUBSCRIPTION}"},
    }
    row = {"OperationNameValue": "x", "Caller": "None", "EventSubmissionTimestamp": "None"}
    for name, value in twins.items():
        row |= {f"{name}_d": nothing, name: json.dumps(value)}
    expected = {
        "tenant_id": TENANT,
        "resource_id": f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg",
        "principal_type": "app",
        "service_principal_id": PRINCIPAL,
        "app_id": APP,
        "token_id": "09f38138-63db-46c9-a670-edc9846a8900",
    }
    read = loader_cases.stated(parse(ACTIVITY, Carrier.ROW, row))
    assert {name: read.get(name) for name in expected} == expected


def test_the_workspace_of_a_row_is_no_tenant():
    record = parse(ACTIVITY, Carrier.ROW, {"OperationNameValue": "x", "TenantId": TENANT})
    assert (record.workspace_id, record.tenant_id) == (TENANT, None)


@pytest.mark.parametrize(
    ("hierarchy", "tenant"),
    [
        (f"{TENANT}/{SUBSCRIPTION}", TENANT),
        (f"{TENANT}/root-group/{SUBSCRIPTION}", TENANT),
        (SUBSCRIPTION, None),
        (f"{SUBSCRIPTION}/{SUBSCRIPTION}", None),
        ("<your-tenant-id>/<your-subscription-id>", None),
    ],
)
def test_a_hierarchy_names_the_tenant_only_in_front_of_a_subscription(hierarchy, tenant):
    assert read(rest(properties={"hierarchy": hierarchy})).tenant_id == tenant
    row = {"OperationNameValue": "x", "Hierarchy": hierarchy, "SubscriptionId": SUBSCRIPTION}
    assert parse(ACTIVITY, Carrier.ROW, row).tenant_id == tenant


# -- who -------------------------------------------------------------------------------------------------------------

APP_CLAIMS = {"idtyp": "app", "appid": APP, OID: PRINCIPAL}
USER_CLAIMS = {
    "appid": APP,
    OID: PRINCIPAL,
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": "live.com#user@x.example",
}
EVIDENCE = {"evidence": {"principalId": PRINCIPAL.replace("-", ""), "principalType": "ServicePrincipal"}}


@pytest.mark.parametrize(
    ("fields", "who"),
    [
        ({"claims": APP_CLAIMS}, ("app", PRINCIPAL, None, None, APP)),
        ({"claims": APP_CLAIMS | {"idtyp": "user"}}, ("user", None, PRINCIPAL, None, APP)),
        ({"claims": USER_CLAIMS}, ("user", None, PRINCIPAL, "user@x.example", APP)),
        ({"claims": {"appid": APP, OID: PRINCIPAL}}, ("app", PRINCIPAL, None, None, APP)),
        (
            {"claims": {"appid": APP, OID: PRINCIPAL}, "caller": "user@x.example"},
            ("user", None, PRINCIPAL, "user@x.example", APP),
        ),
        ({"caller": "user@x.example"}, ("user", None, None, "user@x.example", None)),
        ({"caller": PRINCIPAL.upper()}, ("app", PRINCIPAL, None, None, None)),
        ({"authorization": EVIDENCE}, ("app", PRINCIPAL, None, None, None)),
        (
            {"authorization": {"evidence": EVIDENCE["evidence"] | {"principalType": "Group"}}},
            (None, None, None, None, None),
        ),
        ({"caller": "Microsoft.Advisor"}, (None, None, None, None, None)),
        ({"claims": {}, "caller": ""}, (None, None, None, None, None)),
    ],
)
def test_the_caller_is_read_from_claims_then_caller_then_evidence(fields, who):
    record = read(rest(**fields))
    assert (
        record.principal_type,
        record.service_principal_id,
        record.user_id,
        record.user_principal_name,
        record.app_id,
    ) == who


@pytest.mark.parametrize(
    ("fields", "platform"),
    [
        ({"operationName": {"value": "Microsoft.Authorization/policies/auditIfNotExists/action"}}, True),
        (
            {
                "operationName": {"value": "Microsoft.Authorization/policies/deployIfNotExists/action"},
                "claims": APP_CLAIMS,
            },
            True,
        ),
        ({"caller": "Microsoft.Advisor"}, True),
        ({"category": {"value": "ServiceHealth"}}, True),
        ({"category": {"value": "Administrative"}}, None),
        ({"caller": PRINCIPAL}, None),
        ({"claims": APP_CLAIMS, "category": {"value": "Policy"}}, None),
    ],
)
def test_acts_of_the_platform_are_marked(fields, platform):
    assert read(rest(**fields)).platform is platform


def test_the_address_in_the_claims_is_not_that_of_the_caller():
    assert read(rest(claims=APP_CLAIMS | {"ipaddr": "203.0.113.1"})).ip is None
    assert read(rest(httpRequest={"clientIpAddress": "203.0.113.2:443"})).ip == "203.0.113.2"


# -- what was changed ------------------------------------------------------------------------------------------------

ASSIGNMENT = {
    "operationName": {"value": "Microsoft.Authorization/roleAssignments/delete"},
    "resourceId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/1",
    "properties": {"responseBody": json.dumps({"properties": {"principalId": PRINCIPAL, "roleDefinitionId": "x"}})},
}


def test_a_removed_role_assignment_takes_its_scope_from_the_resource_id():
    assert read(rest(**ASSIGNMENT)).grants == (
        Grant(change="removed", kind="azureRole", grantee_id=PRINCIPAL, scope=f"/subscriptions/{SUBSCRIPTION}"),
    )


def test_what_failed_changed_nothing():
    assert read(rest(**ASSIGNMENT, status={"value": "Failed"})).grants == ()


@pytest.mark.parametrize("body", [None, "", "{", "[]", '{"properties":"x"}', '{"properties":{"principalId":7}}', 7])
def test_an_unreadable_body_is_no_grant(body):
    assert read(rest(**ASSIGNMENT | {"properties": {"requestbody": body}})).grants == ()


def test_a_federated_credential_of_a_managed_identity_is_a_credential_change():
    identity = (
        f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg/providers/microsoft.managedidentity/userassignedidentities/mi"
    )
    record = read(
        rest(
            operationName={
                "value": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"
            },
            resourceId=f"{identity}/federatedIdentityCredentials/GitHub",
            properties={"requestbody": '{"properties":{"issuer":"https://i.example","subject":"repo:x"}}'},
        )
    )
    assert record.credentials == (
        CredentialChange(
            object_type="managedIdentityResource",
            object_id=identity,
            change="added",
            kind="federated",
            federated_name="github",
            issuer="https://i.example",
            subject="repo:x",
        ),
    )


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"operationName": None},
        {"operationName": {"value": ""}},
        {"operationName": {"value": ["x"]}},
        {"eventTimestamp": "yesterday"},
        {"eventTimestamp": {"a": 1}},
        {"eventTimestamp": "1601-01-01T00:00:00Z"},
    ],
)
def test_a_record_without_operation_or_with_an_impossible_time_is_refused(fields):
    with pytest.raises(RecordError):
        read(rest(**fields))


ODD_VALUES = [None, "", "<null>", 7, -1.5, True, [], ["x"], [[]], {}, {"value": []}, "{", "\ud800", "x" * 100_000]


@pytest.mark.parametrize("odd", ODD_VALUES, ids=range(len(ODD_VALUES)))
@pytest.mark.parametrize("carrier", [Carrier.EXPORT, Carrier.ROW, Carrier.REST])
def test_values_of_unexpected_types_are_absent_not_fatal(carrier, odd, constructed):
    file = "diagnostic-export/insights-activity-logs.jsonl"
    if carrier is Carrier.ROW:
        file = "log-analytics-json/AzureActivity.jsonl"
    sample = rest(claims=APP_CLAIMS, authorization=EVIDENCE, properties={}, httpRequest={}, caller="x", id="y")
    obj = sample if carrier is Carrier.REST else objects(constructed / file)[4]
    for name in obj:
        try:
            ACTIVITY.parse[carrier](obj | {name: odd}, Context())
        except RecordError:
            assert name.lower() in ("time", "timegenerated", "eventtimestamp", "operationname", "operationnamevalue")
    claims = dict.fromkeys([*APP_CLAIMS, *USER_CLAIMS, "uti", "iat", "exp", "wids", "scp", "iss", "xms_mirid"], odd)
    read(rest(claims=claims, properties={"CallerInfo": odd, "hierarchy": odd}))


# -- recognition -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("carrier", "obj", "claimed"),
    [
        (Carrier.REST, rest(), True),
        (Carrier.REST, {"operationName": {"value": "x"}, "properties": {}}, True),
        (Carrier.REST, {"operation_name": {"value": "x"}, "event_timestamp": "t"}, True),
        (Carrier.REST, {"time": "t", "operationName": "x", "category": "New", "properties": {}}, False),
        # Logs of resources have categories of these names too; their operations are hardly ever changes.
        (Carrier.EXPORT, {"category": "Security", "operationName": "MICROSOFT.SECURITY/ALERTS/ACTIVATE/ACTION"}, True),
        (Carrier.EXPORT, {"category": "write", "operationName": "Microsoft.Web/sites/Write"}, True),
        (Carrier.EXPORT, {"category": "Security", "operationName": "Microsoft.Web/sites/read"}, False),
        (Carrier.EXPORT, {"category": "Security", "operationName": "LogOn"}, False),
        (Carrier.EXPORT, {"category": "StorageWrite", "operationName": "Microsoft.Web/sites/write"}, False),
        (Carrier.EXPORT, {"category": "Policy"}, False),
        (Carrier.EXPORT, {"category": 7, "operationName": "Microsoft.Web/sites/write"}, False),
        (Carrier.REST, {"operationName": "x", "category": "New", "properties": {}}, False),
        (Carrier.REST, {"evt": {"name": "x"}, "resourceId": "y", "properties": {}}, True),
        (Carrier.REST, {"evt": {"name": "x"}, "time": "t", "resourceId": "y"}, False),
        (Carrier.ROW, {"TimeGenerated": "t", "OperationNameValue": "x", "Caller": "y"}, True),
        (Carrier.ROW, {"TimeGenerated": "t", "OperationName": "x", "Caller": "y"}, True),
        (Carrier.ROW, {"TimeGenerated": "t", "OperationName": "x", "CorrelationId": "y"}, False),
        (Carrier.ROW, {"Type": "SomethingElse", "OperationNameValue": "x"}, False),
    ],
)
def test_projected_rows_and_rest_events_are_recognised(carrier, obj, claimed):
    assert ACTIVITY.claims[carrier](frozenset(obj), obj, Context()) is claimed


# -- observed records ------------------------------------------------------------------------------------------------


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("file", "carrier", "records", "events", "principals"),
    [
        # Two of the 20 rows agree in everything but EventDataId, which exports do not have.
        ("log-analytics-json/AzureActivity-msticnb.jsonl", Carrier.ROW, 20, 19, ["user"] * 20),
        ("diagnostic-export/AzureActivity-administrative-otel.json", Carrier.EXPORT, 2, 2, ["user"] * 2),
        ("diagnostic-export/AzureActivity-pim-otel.json", Carrier.EXPORT, 3, 3, [None, "user", "user"]),
        ("activity-log-rest/events-splunk.jsonl", Carrier.REST, 3, 3, ["user"] * 3),
        ("activity-log-rest/event-managed-identity-fic-stratus.json", Carrier.REST, 1, 1, [None]),
        ("activity-log-rest/event-vm-run-command-stratus.json", Carrier.REST, 1, 1, ["user"]),
        ("activity-log-rest/event-list-keys-stratus.json", Carrier.REST, 1, 1, ["user"]),
        ("activity-log-sdk/azure_activity_log-plaso.jsonl", Carrier.REST, 4, 4, ["app", "user"] * 2),
    ],
)
def test_observed_files_give_their_events(shared_data, file, carrier, records, events, principals):
    found = [parse(ACTIVITY, carrier, obj) for obj in objects(shared_data / file)]
    assert len(found) == records
    assert len({record.event_key for record in found}) == events
    assert [record.principal_type for record in found] == principals
    assert all(record.operation == record.operation.lower() for record in found)


@pytest.mark.shared_data
def test_activated_roles_are_grants_and_their_end_is_an_act_of_the_platform(shared_data):
    ended, requested, activated = (
        parse(ACTIVITY, Carrier.EXPORT, obj)
        for obj in objects(shared_data / "diagnostic-export" / "AzureActivity-pim-otel.json")
    )
    subject = "00000000-0000-0000-0000-000000000009"
    assert [(grant.change, grant.grantee_id, grant.value) for grant in ended.grants] == [
        ("removed", subject, "Key Vault Crypto Officer")
    ]
    assert [(grant.change, grant.grantee_id, grant.value, grant.scope) for grant in activated.grants] == [
        ("added", subject, "Storage Blob Data Contributor", "/subscriptions/00000000-0000-0000-0000-000000000001")
    ]
    assert requested.grants == ()
    assert (ended.platform, requested.platform, activated.platform) == (True, None, None)
    assert (ended.user_id, activated.user_id) == (None, "00000000-0000-0000-0000-000000000008")
    assert {record.tenant_id for record in (ended, requested, activated)} == {"00000000-0000-0000-0000-000000000003"}


@pytest.mark.shared_data
def test_token_ids_of_observed_events_decode_to_sign_in_ids(shared_data):
    found = [
        parse(ACTIVITY, Carrier.REST, obj) for obj in objects(shared_data / "activity-log-rest/events-splunk.jsonl")
    ]
    assert [record.token_id for record in found] == [
        "a840233b-face-49d2-aacf-156bea3c2d00",
        "e50fc060-a6f3-4b32-ae05-48017be67900",
        "632d987a-39ef-4709-9be9-a269684d0a01",
    ]
