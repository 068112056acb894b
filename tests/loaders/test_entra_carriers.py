"""The constructed events in every carrier give the same records, except for what a carrier does not state."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from dataclasses import replace

import loader_cases
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcorr.errors import RecordError
from graphcorr.ingest.loader import Carrier, Context
from graphcorr.ingest.run import ReadOptions
from graphcorr.times import zone_named

SIGN_INS = ["graph-api/signIns-page1.json", "graph-api/signIns-page2.json"]
FILES = {
    "entra_service_principal_sign_ins": ("serviceprincipalsigninlogs", "AADServicePrincipalSignInLogs", SIGN_INS),
    "entra_managed_identity_sign_ins": ("managedidentitysigninlogs", "AADManagedIdentitySignInLogs", SIGN_INS),
    "entra_sign_ins": ("signinlogs", "SigninLogs", []),
    "entra_non_interactive_sign_ins": (
        "noninteractiveusersigninlogs",
        "AADNonInteractiveUserSignInLogs",
        [],
    ),
    "entra_audit_logs": ("auditlogs", "AuditLogs", ["graph-api/directoryAudits.json"]),
}
# Fields that only some carriers state.
LACKING = {
    "graphApi": {"tenant_id", "received_at", "app_owner_tenant_id", "resource_owner_tenant_id"},
    "logAnalytics": {"app_owner_tenant_id", "resource_owner_tenant_id", "app_name", "credential_type", "tenant_id"},
}
LACKING["csv"] = LACKING["logAnalytics"]
# Fields that no export states: the workspace, the resource behind a managed identity, credential types of 2026.
ADDED = {"whole_seconds", "workspace_id", "managed_identity_resource_id", "credential_type"}


def carriers_of(name, root):
    export, table, pages = FILES[name]
    yield "diagnosticExport", [f"diagnostic-export/insights-logs-{export}.jsonl"]
    yield "logAnalytics", [f"log-analytics-json/{table}.jsonl"]
    if (root / f"log-analytics-json/{table}.tables.json").exists():
        yield "logAnalytics", [f"log-analytics-json/{table}.tables.json"]
    yield "csv", [f"log-analytics-csv/{table}.csv"]
    if pages:
        yield "graphApi", pages


def objects_of(name, carrier, files, root):
    """The objects of a carrier that the loader claims, as detection hands them over."""
    loader = loader_cases.loader_named(name)
    for file in files:
        for obj in loader_cases.read_objects(root / file):
            if carrier != "graphApi" or loader.claims[Carrier.GRAPH](frozenset(obj), obj, Context()):
                yield obj


def records_of(name, carrier, files, root):
    loader = loader_cases.loader_named(name)
    found = [
        record for obj in objects_of(name, carrier, files, root) for record in loader_cases.parse(loader, carrier, obj)
    ]
    return {record.event_key: loader_cases.stated(record) for record in found}


@pytest.mark.parametrize("name", FILES)
def test_every_carrier_gives_the_record_of_the_export(name, constructed):
    (_, files), *others = carriers_of(name, constructed)
    exported = records_of(name, "diagnosticExport", files, constructed)
    for carrier, other_files in others:
        found = records_of(name, carrier, other_files, constructed)
        assert found.keys() == exported.keys(), carrier
        for key, record in found.items():
            expected = dict(exported[key])
            for field in LACKING[carrier] - record.keys():
                expected.pop(field, None)
            for field in ADDED - expected.keys():
                record.pop(field, None)
            for field in {"at", "received_at"} & record.keys():
                assert_same_instant(record.pop(field), expected.pop(field), carrier, field)
            assert record == expected, (carrier, key)


def assert_same_instant(found, exported, carrier, field):
    if field == "received_at":
        return  # each delivery of an event has its own
    if carrier == "csv":
        assert found.rstrip("0Z") == exported[:23].rstrip("0")
    elif "." not in found:
        assert found == exported[:19] + "Z"  # Graph states whole seconds
    else:
        assert found == exported


@pytest.mark.parametrize("name", FILES)
def test_claims_of_rows_without_table_and_category_name_exactly_one_loader(name, constructed):
    for carrier, files in carriers_of(name, constructed):
        if carrier not in ("logAnalytics", "csv", "graphApi"):
            continue
        for obj in objects_of(name, carrier, files, constructed):
            row = {key: value for key, value in obj.items() if key not in ("Type", "Category", "$table")}
            claimed = [
                other
                for other in FILES
                if loader_cases.loader_named(other).claims[Carrier(carrier)](frozenset(row), row, Context())
            ]
            expected = name
            if name == "entra_managed_identity_sign_ins" and carrier == "csv":
                # Empty cells are left out, and with them the columns that only managed identities have.
                expected = "entra_service_principal_sign_ins"
            assert claimed == [expected], (carrier, sorted(row))


@pytest.mark.parametrize(
    ("keys", "claimed"),
    [
        ("TimeGenerated AppId ServicePrincipalId IPAddress RequestId RequestUri", None),
        ("TimeGenerated Caller CallerIpAddress OperationNameValue ResourceId", None),
        ("TimeGenerated ServicePrincipalName ResourceIdentity IPAddress", "entra_service_principal_sign_ins"),
        ("TimeGenerated UserPrincipalName AppId ResourceIdentity", "entra_sign_ins"),
        ("TimeGenerated OperationName InitiatedBy TargetResources Id", "entra_audit_logs"),
        ("TimeGenerated OperationName Identity ResultType", None),
    ],
)
def test_projected_rows_are_recognised_by_columns_that_only_their_table_has(keys, claimed):
    names = frozenset(keys.split())
    found = [n for n in FILES if loader_cases.loader_named(n).claims[Carrier.ROW](names, {}, Context())]
    assert found == ([claimed] if claimed else [])


@pytest.mark.parametrize(
    ("kinds", "claimed"),
    [
        (["interactiveUser"], "entra_sign_ins"),
        (["nonInteractiveUser"], "entra_non_interactive_sign_ins"),
        (["servicePrincipal"], "entra_service_principal_sign_ins"),
        (["managedIdentity"], "entra_managed_identity_sign_ins"),
        ('["servicePrincipal"]', "entra_service_principal_sign_ins"),
    ],
)
def test_one_page_of_graph_sign_ins_is_shared_out_by_event_type(kinds, claimed):
    obj = {"id": "x", "createdDateTime": "2026-05-11T06:00:02Z", "appId": "y", "resourceDisplayName": "z"}
    obj |= {"signInEventTypes": kinds}
    found = [n for n in FILES if loader_cases.loader_named(n).claims.get(Carrier.GRAPH)(frozenset(obj), obj, Context())]
    assert found == [claimed]


@pytest.mark.parametrize(
    ("version", "chosen", "claimed"),
    [
        ("beta", "servicePrincipalId servicePrincipalName", ["entra_service_principal_sign_ins"]),
        (None, "servicePrincipalName", ["entra_service_principal_sign_ins"]),
        ("beta", "servicePrincipalId userId", ["entra_sign_ins"]),
        (None, "userPrincipalName", ["entra_sign_ins"]),
        ("v1.0", "ipAddress", ["entra_sign_ins"]),
        ("beta", "ipAddress", []),
        (None, "ipAddress", []),
    ],
)
def test_a_graph_sign_in_with_chosen_properties_is_told_by_whose_they_are(version, chosen, claimed):
    obj = dict.fromkeys(["id", "createdDateTime", "appId", "resourceDisplayName", *chosen.split()], "x")
    context = Context(odata_context=f"https://graph.microsoft.com/{version}/$metadata#x" if version else None)
    claims = {name: loader_cases.loader_named(name).claims[Carrier.GRAPH] for name in FILES}
    assert [name for name, claim in claims.items() if claim(frozenset(obj), obj, context)] == claimed


# -- through the readers -----------------------------------------------------------------------------------------


def stated_by_key(path, options=None):
    sources = {loader_cases.loader_named(name).source for name in FILES}
    found = [one.record for one in loader_cases.read(path, options) if one.record.source in sources]
    return {record.event_key: loader_cases.stated(record) for record in found}


def test_the_event_hub_gives_the_records_of_the_storage_account(constructed):
    stored = stated_by_key(constructed / "diagnostic-export")
    assert len(stored) == 24
    hub = stated_by_key(constructed / "eventhub")
    assert hub.keys() == stored.keys()
    # One sign-in is delivered twice; which delivery comes last differs.
    for record in (*hub.values(), *stored.values()):
        record.pop("received_at", None)
    assert hub == stored


def test_a_union_of_tables_gives_the_records_of_each(constructed):
    tables = [stated_by_key(constructed / f"log-analytics-csv/{FILES[name][1]}.csv") for name in list(FILES)[2:4]]
    assert stated_by_key(constructed / "log-analytics-csv/SigninLogs-union.csv") == tables[0] | tables[1]


def test_a_projected_csv_in_local_time_is_read_once_its_zone_is_given(constructed):
    path = constructed / "log-analytics-csv/AuditLogs-local-time.csv"
    assert stated_by_key(path) == {}
    found = stated_by_key(path, ReadOptions(time_zone=zone_named("+02:00")))
    full = stated_by_key(constructed / "log-analytics-csv/AuditLogs.csv")
    assert len(found) == 3
    for key, record in found.items():
        # ActivityDateTime and AdditionalDetails were projected away.
        assert record.pop("at_is_event_time") is False
        assert all(bridge in full[key]["bridges"] for bridge in record.pop("bridges", ()))
        assert {name: full[key][name] for name in record} == record


# -- order and hostile shapes ------------------------------------------------------------------------------------


def shuffled(value, chance):
    """The same audit content with targets, properties, details and keys in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, chance)) for key, item in value.items()]
        chance.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        items = [shuffled(item, chance) for item in value]
        chance.shuffle(items)
        return items
    return value


AUDIT_CASES = [case for case in loader_cases.cases() if case.loader == "entra_audit_logs" and not case.error]


@pytest.mark.parametrize("case", AUDIT_CASES, ids=lambda case: case.name)
def test_the_order_of_targets_properties_and_details_means_nothing(case):
    for seed in range(5):
        again = loader_cases.Case(
            case.loader, case.name, case.carrier, shuffled(case.record, random.Random(seed)), case.expect
        )
        assert loader_cases.outcome(again) == case.expect


def loosened(value, write):
    """Lists of one object as what is written of it, at every level."""
    if isinstance(value, dict):
        return {name: loosened(part, write) for name, part in value.items()}
    if not isinstance(value, list):
        return value
    members = [loosened(member, write) for member in value]
    return write(members[0]) if len(members) == 1 and isinstance(members[0], dict) else members


@pytest.mark.parametrize(
    "write",
    [
        lambda only: only,  # mv-expand
        json.dumps,
        lambda only: {"value": [only], "Count": 1},  # PowerShell 5.1
        lambda only: {"Count": 1, "value": [only]},
    ],
)
@pytest.mark.parametrize("case", AUDIT_CASES, ids=lambda case: case.name)
def test_a_list_of_one_object_may_be_the_object(case, write):
    assert loader_cases.outcome(replace(case, record=loosened(case.record, write))) == loader_cases.outcome(case)


@pytest.mark.parametrize("case", AUDIT_CASES, ids=lambda case: case.name)
def test_a_record_without_id_has_one_key_in_every_order(case):
    record = deepcopy(case.record)
    record.get("properties", record).pop("id", None)
    record.pop("Id", None)
    loader = loader_cases.loader_named(case.loader)
    keys = {
        loader_cases.parse(loader, case.carrier, shuffled(record, random.Random(seed)))[0].event_key
        for seed in range(4)
    }
    assert len(keys) == 1
    assert keys.pop().startswith("nokey:")


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def replaced(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


ODD = st.sampled_from([None, "", 0, -1, 2.5, True, [], {}, [[]], [None], {"a": []}, "x", "[", '{"a":', "[[[", "\ud800"])
ALL_CASES = [case for case in loader_cases.cases() if case.loader in FILES and not case.error]


@settings(max_examples=400)
@given(data=st.data())
def test_an_odd_value_anywhere_is_not_stated_or_refused_but_never_a_crash(data):
    case = data.draw(st.sampled_from(ALL_CASES))
    path = data.draw(st.sampled_from([place for place in places(case.record) if place]))
    record = replaced(case.record, path, data.draw(ODD))
    try:
        found = loader_cases.parse(loader_cases.loader_named(case.loader), case.carrier, record)
    except RecordError:
        return
    (only,) = found
    assert only.event_key and isinstance(hash(only), int)
