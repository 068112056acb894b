"""Key vault events from exports, AzureDiagnostics and AZKVAuditLogs are the same events."""

from __future__ import annotations

import json

import pytest
from carriers import differences, loader, objects, parse

from graphcorr.errors import RecordError
from graphcorr.ingest.loader import Carrier, Context

VAULTS = loader("azure_key_vault")
OID = "13b00951-7190-4249-a603-988a803ecbf7"
APP = "9536314a-6327-486b-b65c-ae8d9b85ff85"
LONG_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
FLAT_OID = "identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier"
VAULT = "/subscriptions/bb6fc856-b52e-4f4c-9c47-7547100df6fe/resourcegroups/rg/providers/microsoft.keyvault/vaults/kv"


def export(properties=None, claim=None, **fields):
    record = {
        "time": "2026-05-11T06:00:02.6038807Z",
        "category": "AuditEvent",
        "operationName": "SecretGet",
        "resultType": "Success",
        "resultSignature": "OK",
        "correlationId": "d117ecfa-3071-4fe0-af6c-5ce9c29bee5c",
        "resourceId": VAULT.upper(),
        "identity": {"claim": {"oid": OID, "appid": APP} if claim is None else claim},
        "properties": {"id": "https://kv.vault.azure.net/secrets/payroll/0772", "httpStatusCode": 200}
        | (properties or {}),
    }
    return record | fields


def diagnostics(**columns):
    row = {
        "TimeGenerated": "2026-05-11T06:00:02.6038807Z",
        "Category": "AuditEvent",
        "OperationName": "SecretGet",
        "ResultSignature": "OK",
        "CorrelationId": "d117ecfa-3071-4fe0-af6c-5ce9c29bee5c",
        "ResourceId": VAULT.upper(),
        "id_s": "https://kv.vault.azure.net/secrets/payroll/0772",
        "httpStatusCode_d": 200.0,
    }
    return row | columns


def read(record):
    return parse(VAULTS, Carrier.EXPORT, record)


def read_row(row):
    return parse(VAULTS, Carrier.ROW, row)


# -- one event in every shape ------------------------------------------------------------------------------------


def by_time(records):
    return sorted(records, key=lambda record: record.at)


def test_export_rows_cells_and_event_hub_of_one_event_differ_only_in_what_they_state(constructed):
    exported = by_time(map(read, objects(constructed / "diagnostic-export" / "insights-logs-auditevent.jsonl")))
    rows = by_time(
        read_row(obj)
        for name in ("AzureDiagnostics.jsonl", "AZKVAuditLogs.jsonl")
        for obj in objects(constructed / "log-analytics-json" / name)
        if obj.get("Category") != "WorkflowRuntime"
    )
    cells = by_time(
        parse(VAULTS, Carrier.CSV, obj)
        for name in ("AzureDiagnostics.csv", "AZKVAuditLogs.csv")
        for obj in objects(constructed / "log-analytics-csv" / name)
        if obj.get("Category") != "WorkflowRuntime"
    )
    hub = by_time(
        read(obj)
        for name in ("message-01.json", "message-02.json")
        for obj in objects(constructed / "eventhub" / name)
        if obj["category"] == "AuditEvent"
    )
    assert len({record.event_key for record in exported}) == 7
    assert hub == exported
    for event, row, cell in zip(exported, rows, cells, strict=True):
        assert differences(event, row) == {"workspace_id"}
        assert differences(row, cell) == {"at"}
    assert [(record.operation, record.outcome, record.object_path) for record in exported] == [
        ("Authentication", "challenge", "secrets/billing-db"),
        ("SecretGet", "success", "secrets/billing-db"),
        ("SecretGet", "success", "secrets/report-sas"),
        ("SecretList", "success", "secrets"),
        ("SecretGet", "success", "secrets/erp-admin"),
        ("SecretGet", "failure", "secrets/payroll"),
        ("VaultGet", "success", None),
    ]
    assert [record.service_principal_id for record in exported] == [
        None, OID, "a63535d1-faa1-4815-b3db-656f292e13d4", OID, OID, OID, OID,
    ]  # fmt: skip


def test_the_tenant_of_the_vault_is_not_taken_for_that_of_the_caller():
    record = read_row(diagnostics(properties_tenantId_g=APP, TenantId="5d3853a4-83bc-4a88-8b58-761163250bb1"))
    assert (record.tenant_id, record.workspace_id) == (None, "5d3853a4-83bc-4a88-8b58-761163250bb1")
    assert read(export(claim={"iss": f"https://sts.windows.net/{APP}/"})).tenant_id == APP


# -- claims ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        {"identity_claim_oid_g": OID},
        {"identity_claim_oid_s": OID},
        {FLAT_OID + "_g": OID},
        {FLAT_OID + "_s": OID},
        {"identity_claim_oid_g": "", FLAT_OID + "_g": OID},
        {"identity_claim_oid_g": OID, FLAT_OID + "_g": APP},
        {FLAT_OID + "_g": APP, "identity_claim_oid_s": OID},
        {"identity_claim_oid_s": APP, "identity_claim_oid_g": OID},
        {"AdditionalFields": json.dumps({"identity_claim_oid_g": OID})},
    ],
)
def test_the_object_id_is_found_in_every_column_it_may_land_in(columns):
    record = read_row(diagnostics(identity_claim_appid_g=APP, **columns))
    assert (record.principal_type, record.service_principal_id, record.app_id) == ("app", OID, APP)


@pytest.mark.parametrize(
    ("claim", "who"),
    [
        ({"oid": OID, "appid": APP, "idtyp": "app"}, ("app", OID, None, None)),
        ({LONG_OID: OID, "appid": APP}, ("app", OID, None, None)),
        ({"oid": OID, "appid": APP, "upn": "u@x.example"}, ("user", None, OID, "u@x.example")),
        (
            {
                LONG_OID: OID,
                "appid": APP,
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "u_x.example#EXT#@y.example",
            },
            ("user", None, OID, "u_x.example#EXT#@y.example"),
        ),
        ({"oid": OID, "appid": APP, "scp": "user_impersonation"}, ("user", None, OID, None)),
        ({"oid": OID}, (None, None, None, None)),
        ({}, (None, None, None, None)),
    ],
)
def test_the_claims_say_who_acted(claim, who):
    record = read(export(claim=claim))
    assert (record.principal_type, record.service_principal_id, record.user_id, record.user_principal_name) == who


# -- outcome and object ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "claim", "outcome"),
    [
        (200, None, "success"),
        (204.0, None, "success"),
        ("200", None, "success"),
        (401, {}, "challenge"),
        ("401", {}, "challenge"),
        (401, None, "failure"),
        (403, None, "failure"),
        (404, {}, "failure"),
        (None, None, "success"),
        ("many", None, "success"),
    ],
)
def test_the_outcome_is_the_http_status_not_the_result_type(status, claim, outcome):
    assert read(export({"httpStatusCode": status}, claim)).outcome == outcome


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("https://kv.vault.azure.net/secrets/Payroll/0772c32e", "secrets/payroll"),
        ("https://kv.vault.azure.net/secrets/payroll/", "secrets/payroll"),
        ("https://kv.vault.azure.net/keys/k/1/sign?api-version=7.4", "keys/k"),
        ("https://kv.vault.azure.net/secrets", "secrets"),
        ("https://kv.vault.azure.net/", None),
        ("https://management.azure.com/subscriptions/1/resourceGroups/rg", None),
        ("https://[kv", None),
        (7, None),
    ],
)
def test_the_object_path_has_no_host_and_no_version(uri, path):
    assert read(export({"id": uri})).object_path == path


def test_without_an_id_the_request_names_the_object():
    record = read(export({"id": None, "requestUri": "https://kv.vault.azure.net/secrets/payroll/?api-version=7.4"}))
    assert record.object_path == "secrets/payroll"
    assert record.event_key == read(export()).event_key


# -- key -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 200.0, "200", "200.0"])
def test_the_spelling_of_the_status_is_no_part_of_the_key(status):
    assert read_row(diagnostics(httpStatusCode_d=status)).event_key == read(export()).event_key


def test_a_time_in_whole_seconds_shares_the_second_key():
    coarse, fine = read(export(time="2026-05-11T06:00:02Z")), read(export())
    assert (coarse.whole_seconds, fine.whole_seconds) == (True, False)
    assert coarse.second_key == fine.second_key
    assert coarse.event_key != fine.event_key


@pytest.mark.parametrize(
    "record",
    [
        export(operationName="SecretList"),
        export({"httpStatusCode": 403}),
        export({"id": "https://kv.vault.azure.net/secrets/other"}),
        export(correlationId="d117ecfa-0000-4fe0-af6c-5ce9c29bee5c"),
        export(resourceId=VAULT + "2"),
        export(time="2026-05-11T06:00:02.604Z"),
    ],
)
def test_another_operation_status_object_correlation_vault_or_time_is_another_event(record):
    assert read(record).event_key != read(export()).event_key


# -- bad input and recognition ---------------------------------------------------------------------------------------

ODD_VALUES = [None, "", "<null>", 7, -1.5, True, [], ["x"], {}, {"claim": []}, {"claim": {"oid": {}}}, "{", "\ud800"]


@pytest.mark.parametrize("odd", ODD_VALUES, ids=range(len(ODD_VALUES)))
def test_values_of_unexpected_types_are_absent_not_fatal(odd):
    for carrier, obj in (
        (Carrier.EXPORT, export()),
        (Carrier.ROW, diagnostics(Identity={}, Properties={}, AdditionalFields={}, identity_claim_oid_g="x")),
    ):
        for name in obj:
            try:
                VAULTS.parse[carrier](obj | {name: odd}, Context())
            except RecordError:
                assert name in ("time", "TimeGenerated", "operationName", "OperationName")
    read(export({"id": odd, "requestUri": odd, "httpStatusCode": odd, "clientInfo": odd}, {"oid": odd, "upn": odd}))


def test_a_record_without_an_operation_is_refused():
    with pytest.raises(RecordError, match="without an operation"):
        read(export(operationName=""))


@pytest.mark.parametrize(
    ("row", "claimed"),
    [
        ({"OperationName": "SecretGet", "identity_claim_oid_g": OID}, True),
        ({"Identity": {}, "RequestUri": "x", "HttpStatusCode": 200}, True),
        ({"OperationName": "SecretGet", "CorrelationId": OID}, False),
        ({"Type": "Other", "OperationName": "SecretGet", "identity_claim_oid_g": OID}, False),
    ],
)
def test_projected_rows_are_recognised_by_columns_of_their_own(row, claimed):
    assert VAULTS.claims[Carrier.ROW](frozenset(row), row, Context()) is claimed
