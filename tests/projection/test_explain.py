"""`identities --explain` from records: bridges, names, conflicts, re-creation, and candidates that were not joined."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import graphcorr
from graphcorr.errors import UsageError
from graphcorr.identities import explain, find
from graphcorr.trace import trace_store
from tests.builders import (
    OTHER_TENANT,
    SUBSCRIPTION,
    TENANT,
    arm_act,
    at,
    audit,
    created,
    deleted,
    guid,
    jsonl,
    managed_sign_in,
    rename,
    sign_in,
    target,
)


def test_an_identity_is_explained_record_by_record(tmp_path: Path) -> None:
    rows = [
        created(1, at("05:00"), kind="Application"),
        sign_in(1, at("05:30")),
        rename(2, at("06:00"), "Payroll", "Backup"),
        deleted(3, at("07:00")),
        created(4, at("08:00"), number_of=2),
        # Another identity of the former name.
        sign_in(2, at("09:00"), principal=3, app=3),
        sign_in(3, at("09:10"), principal=4, app=4, ServicePrincipalName="Backup"),
    ]
    (tmp_path / "rows.jsonl").write_bytes(jsonl(*rows))
    graphcorr.load([tmp_path / "rows.jsonl"], home=tmp_path / "home")
    with closing(graphcorr.open_store(tmp_path / "home")) as store:
        by_name = explain(store, "Backup").rows
        table = explain(store, guid("b", 1))
        assert table.rows == tuple(row for row in by_name if row[0] == f"app:{guid('a', 1)}")
    app, b, one, two, four = f"app:{guid('a', 1)}", guid("b", 1), guid("d", 1), guid("d", 2), guid("d", 4)
    parts = "AdditionalDetails.AppId"
    assert [(r[0], *r[1:6], r[9]) for r in table.rows] == [
        (app, "partOf", "AppRegistration", b, app, f"audit:{parts}+audit:AppId", ["Directory_1"]),
        (app, "partOf", "ServicePrincipal", one, app, "signIn", [guid("5", 1)]),
        (app, "partOf", "ServicePrincipal", two, app, f"audit:{parts}+audit:AppPrincipalId", ["Directory_4"]),
        (app, "appId", "AppRegistration", b, guid("a", 1), f"audit:{parts}+audit:AppId", ["Directory_1"]),
        (app, "appId", "ServicePrincipal", one, guid("a", 1), "signIn", [guid("5", 1)]),
        (app, "appId", "ServicePrincipal", two, guid("a", 1), f"audit:{parts}+audit:AppPrincipalId", ["Directory_4"]),
        (app, "name", "AppRegistration", b, "Payroll", "audit", ["Directory_2"]),
        (app, "name", "ServicePrincipal", one, "Payroll", "signIn", [guid("5", 1)]),
        (app, "name", "AppRegistration", b, "Backup", "audit", ["Directory_2"]),
        (app, "recreatedAs", "ServicePrincipal", one, two, "appId", ["Directory_4"]),
        (app, "recreationOf", "ServicePrincipal", two, one, "appId", ["Directory_4"]),
        (app, "notJoined", "AppRegistration", b, four, "name", None),
    ]


def test_a_managed_identity_is_explained_with_the_azure_resource_that_it_is(tmp_path: Path) -> None:
    machine = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg1/providers/microsoft.compute/virtualmachines/vm1"
    signed_in = managed_sign_in(1, at("05:00"), ManagedServiceIdentity={"associatedResourceId": machine.upper()})
    touched = arm_act(2, at("06:00"), principal=9, app=9, resource=machine)
    (tmp_path / "rows.jsonl").write_bytes(jsonl(signed_in, touched))
    graphcorr.load([tmp_path / "rows.jsonl"], home=tmp_path / "home")
    with closing(graphcorr.open_store(tmp_path / "home")) as store:
        rows = explain(store, machine).rows
        assert rows == explain(store, guid("d", 1)).rows
        # The story of the machine stays the story of the machine.
        assert [subject.label for subject in trace_store(store, machine).subjects] == ["Resource"]
    assert [(row[1], row[4], row[5], row[9]) for row in rows if row[1] == "represents"] == [
        ("represents", machine, "signIn", [guid("5", 1)])
    ]


_THUMBPRINT = "AB" * 20
# What a person may ask → numbers of the identities that it leads to.
_ASKED: dict[str, list[int]] = {
    "Payroll": [1],
    "Backup": [1],
    "backuρ": [1],
    "Back up": [1],
    " Billing ": [2],
    "Invoices": [2],
    guid("b", 1): [1],
    guid("d", 1).upper(): [1],
    guid("d", 1).replace("-", ""): [1],
    guid("a", 1): [1],
    guid("f", 1): [1],
    _THUMBPRINT: [2],
    ":".join(["ab"] * 20): [2],
    "q6urq6urq6urq6urq6urq6urq6s=": [2],
    # Two principals are said to be this application: both, and neither is joined.
    guid("a", 3): [3],
    "as shown": [],
    "Pay": [],
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[graphcorr.Store]:
    folder = tmp_path_factory.mktemp("asked")
    keyed = {
        "id": guid("b", 1),
        "appId": guid("a", 1),
        "keyCredentials": [],
        "signInAudience": "AzureADMyOrg",
        "identifierUris": [],
        "passwordCredentials": [{"keyId": guid("f", 1), "displayName": "old", "endDateTime": at("00:00", 30)}],
    }
    listed = {
        "id": guid("b", 2),
        "appId": guid("a", 2),
        "passwordCredentials": [],
        "signInAudience": "AzureADMyOrg",
        "identifierUris": [],
        "keyCredentials": [{"keyId": guid("f", 2), "customKeyIdentifier": _THUMBPRINT}],
    }
    rows = [
        rename(1, at("06:00"), "Payroll", "Backup", number_of=1),
        # Without a time a rename opens no interval, and its names lead to the identity all the same.
        rename(2, None, "Billing", "Invoices", number_of=2),
        sign_in(1, at("07:00"), principal=3, app=3, ServicePrincipalName="Two"),
        sign_in(2, at("07:00"), principal=3, app=4, ServicePrincipalName="Two"),
        # One id as two kinds of object is part of nothing.
        audit(3, at("08:00"), "Update application", target("Application", guid("d", 5))),
        sign_in(3, at("08:30"), principal=5, app=5, ServicePrincipalName="Disputed"),
        {
            "Type": "AADServicePrincipalRiskEvents",
            "DetectedDateTime": at("09:00"),
            "Id": guid("7", 1),
            "RiskEventType": "leakedCredentials",
            "AppId": guid("a", 1),
            "ServicePrincipalId": guid("d", 1),
        },
    ]
    (folder / "rows.jsonl").write_bytes(jsonl(*rows))
    (folder / "applications_2026-05-12.json").write_text(json.dumps({"value": [keyed, listed]}))
    graphcorr.load([folder], home=folder / "home", tenant=TENANT)
    with closing(graphcorr.open_store(folder / "home")) as store:
        yield store


@pytest.mark.parametrize("what", _ASKED)
def test_every_id_and_name_leads_to_its_identity(asked: graphcorr.Store, what: str) -> None:
    ids = {1: f"app:{guid('a', 1)}", 2: f"app:{guid('a', 2)}", 3: f"sp:{guid('d', 3)}"}
    assert find(asked, what) == [f"{TENANT}/{ids[number]}" for number in _ASKED[what]]
    if _ASKED[what]:
        traced = trace_store(asked, what)
        assert [subject.key for subject in traced.subjects] == find(asked, what)
        assert traced.steps != ()
    else:
        with pytest.raises(UsageError):
            trace_store(asked, what)


def test_a_trace_tells_of_detections_listed_keys_and_conflicts(asked: graphcorr.Store) -> None:
    steps = [(step.kind, step.text, step.event_ids) for step in trace_store(asked, "Backup").steps]
    assert [kind for kind, _, _ in steps] == ["change", "risk", "credential"]
    assert steps[1][1:] == ("Microsoft detected: leakedCredentials", (guid("7", 1),))
    assert steps[2][1] == "old in inventory (application, expires 2026-06-10T00:00:00.000Z)"
    (conflict, *_) = trace_store(asked, guid("a", 4)).steps
    assert (conflict.kind, conflict.text) == (
        "conflict", "conflict: records state more than one app id for this object (twoAppIds)",
    )  # fmt: skip
    disputed = trace_store(asked, guid("d", 5))
    assert [subject.label for subject in disputed.subjects] == ["Object"]
    assert [step.kind for step in disputed.steps] == ["conflict", "change", "signIn"]


def test_one_application_in_two_tenants_is_explained_tenant_by_tenant(tmp_path: Path) -> None:
    rows = [sign_in(1, at("05:30")), sign_in(2, at("05:40"), principal=2, tenant=OTHER_TENANT)]
    (tmp_path / "rows.jsonl").write_bytes(jsonl(*rows))
    graphcorr.load([tmp_path / "rows.jsonl"], home=tmp_path / "home")
    with closing(graphcorr.open_store(tmp_path / "home")) as store:
        table = explain(store, guid("a", 1))
    rows_told = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    told = [(row["tenantId"], row["step"], row["objectId"]) for row in rows_told]
    assert told == [
        (tenant, step, guid("d", principal))
        for principal, tenant in ((1, TENANT), (2, OTHER_TENANT)) for step in ("partOf", "appId", "name")
    ]  # fmt: skip
