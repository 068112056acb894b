"""Observed and published records of sign-ins and of the audit log, read beside the project and never copied."""

from __future__ import annotations

from collections import Counter

import loader_cases
import pytest

from graphcorr.errors import RecordError

pytestmark = pytest.mark.shared_data


def records(shared_data, loader, carrier, file):
    """The records of a file through the door of the program; all must come from that loader and carrier."""
    delivered = loader_cases.read(shared_data / file)
    source = loader_cases.loader_named(loader).source
    assert {(one.record.source, one.carrier) for one in delivered} == {(source, carrier)}
    return [one.record for one in delivered]


def test_repeated_deliveries_in_a_data_lake_are_two_sign_ins(shared_data):
    found = records(
        shared_data,
        "entra_service_principal_sign_ins",
        "diagnosticExport",
        "diagnostic-export/ServicePrincipalSignInLogs-panther.jsonl",
    )
    assert len(found) == 6
    assert len({record.event_key for record in found}) == 2
    assert Counter((record.result_code, record.result_class, record.key_id is not None) for record in found) == {
        ("7000215", "credentialFailed", False): 5,
        ("0", "success", True): 1,
    }
    first = loader_cases.stated(found[0])
    assert (first["at"], first["received_at"]) == ("2023-07-26T22:58:30.983201Z", "2023-07-26T23:00:20.889000Z")
    assert (first["tenant_id"], first["country"], first["ip"]) == (
        "a2aa49aa-2c0c-49d2-af87-f402c421df0b",
        "IE",
        "12.12.12.12",
    )
    assert (first["resource_app_id"], first["credential_type"]) == ("037694de-8c7d-498d-917d-edb650090fa5", "none")


def test_a_non_interactive_sign_in_without_id_gets_a_key_of_its_content(shared_data):
    (found,) = records(
        shared_data,
        "entra_non_interactive_sign_ins",
        "diagnosticExport",
        "diagnostic-export/NonInteractiveUserSignInLogs-panther.jsonl",
    )
    assert found.event_key.startswith("nokey:")
    assert (found.app_id, found.result_code) == ("app-noninteractive-test-999", "0")
    assert loader_cases.stated(found)["at"] == "2026-02-18T07:32:50.552947Z"


def test_an_interactive_sign_in_arrives_minutes_after_it_happened(shared_data):
    (found,) = records(shared_data, "entra_sign_ins", "diagnosticExport", "diagnostic-export/SignInLogs-splunk.json")
    assert found.event_key == found.token_id == "22608a25-1d9b-44b5-b0f2-cb94f06b2d00"
    assert (found.result_code, found.result_class) == ("50076", "failed")
    assert (found.received_at - found.at).total_seconds() == pytest.approx(739.5, abs=0.1)


def test_rows_with_renamed_columns_and_shuffled_texts_are_read(shared_data):
    found = records(shared_data, "entra_sign_ins", "logAnalytics", "log-analytics-json/SigninLogs-msticnb.jsonl")
    assert len(found) == 8
    assert len({record.event_key for record in found}) == 8
    assert Counter(record.result_code for record in found)["0"] > 0
    assert all(record.at is not None and record.kind == "user" for record in found)
    assert all(record.tenant_id != record.workspace_id for record in found)


@pytest.mark.parametrize(
    ("loader", "file", "key", "token"),
    [
        (
            "entra_sign_ins",
            "graph-api/signIns-beta-list.json",
            "1691d37b-8579-43a7-966a-0f35583c1300",
            "e14997a4-f892-4b0b-b051-febe05c2a49b",
        ),
        (
            "entra_sign_ins",
            "graph-api/signIn-beta-get.json",
            "66ea54eb-blah-4ee5-be62-ff5a759b0100",
            "e14997a4-f892-4b0b-b051-febe05c2a49b",
        ),
        (
            "entra_non_interactive_sign_ins",
            "graph-api/signIns-beta-noninteractive.json",
            "ef1e1fcc-80bd-489b-82c5-16ad80770e00",
            "ef1e1fcc-80bd-489b-82c5-16ad80770e00",
        ),
    ],
)
def test_graph_examples_keep_their_id_beside_the_token_id(shared_data, loader, file, key, token):
    (found,) = records(shared_data, loader, "graphApi", file)
    assert (found.event_key, found.token_id, found.kind) == (key, token, "user")


def test_audit_records_about_users_say_nothing_about_workload_identities(shared_data):
    found = records(shared_data, "entra_audit_logs", "diagnosticExport", "diagnostic-export/AuditLogs-splunk.jsonl")
    assert len(found) == len({record.event_key for record in found}) == 9
    for record in found:
        assert (record.names, record.credentials, record.key_statements, record.owners) == ((), (), (), ())
        assert (record.bridges, record.lifecycle, record.enabled, record.managed_identity) == ((), None, None, None)
        assert (record.actor_type, record.at is not None, record.at_is_event_time) == ("user", True, True)
    assert [loader_cases.stated(record)["grants"] for record in found if record.grants] == [
        [
            {
                "change": "added",
                "kind": "directoryRole",
                "grantee_type": "User",
                "grantee_id": "0d664d57-a3ee-4049-8642-280a5c7243ef",
                "value": "Privileged Role Administrator",
                "permission_id": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
            }
        ]
    ]
    assert "add unverified domain" in {record.operation for record in found}
    assert {record.actor_ip_basis for record in found} <= {"record", "envelope", None}


def test_a_federated_credential_without_id_and_time_is_kept(shared_data):
    (found,) = records(shared_data, "entra_audit_logs", "graphApi", "graph-api/directoryAudit-fic-stratus.json")
    assert (found.at, found.at_is_event_time, found.actor_type) == (None, False, None)
    assert found.event_key.startswith("nokey:")
    ((credential,), (statement,)) = found.credentials, found.key_statements
    assert (credential.change, credential.kind, credential.subject) == ("added", "federated", "stratus-red-team-oidc")
    assert (statement.stated, statement.before, statement.after) == ("federated", True, True)


@pytest.mark.parametrize("file", ["directoryAudits-v1-list.json", "directoryAudits-v1-get.json"])
def test_both_spellings_of_targets_in_the_graph_documentation(shared_data, file):
    (found,) = records(shared_data, "entra_audit_logs", "graphApi", f"graph-api/{file}")
    assert (found.event_key, found.operation) == ("id", "add member to group")
    assert [target.type for target in found.targets] == ["Group", "User"]


def test_an_audit_object_without_wrapper_names_its_user(shared_data):
    (found,) = records(shared_data, "entra_audit_logs", "graphApi", "graph-api/directoryAudit-beta-get.json")
    assert (found.actor_id, found.actor_ip) == ("2c940657-1026-4386-bcfd-3176637ba01f", None)


def test_records_of_other_logs_are_refused_or_read_but_never_a_crash(shared_data):
    seen = 0
    for path in sorted(shared_data.rglob("*.json*")):
        if "constructed" in path.parts or "invalid" in path.name:
            continue
        for obj in loader_cases.read_objects(path):
            for name in ("entra_audit_logs", "entra_sign_ins", "entra_managed_identity_sign_ins"):
                for carrier in loader_cases.loader_named(name).parse:
                    try:
                        seen += len(loader_cases.parse(loader_cases.loader_named(name), carrier, obj))
                    except RecordError:
                        continue
    assert seen > 0
