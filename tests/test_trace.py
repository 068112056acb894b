"""What `trace` tells of things that a caption alone does not tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphcorr.config import Config
from graphcorr.load import load
from graphcorr.trace import trace
from tests.builders import SUBSCRIPTION, TENANT, arm_act, at, audit, guid, jsonl, managed_sign_in, sign_in, target

pytest.importorskip("arcadedb_embedded")


def test_a_federated_credential_is_told_with_what_it_trusted_then(tmp_path: Path) -> None:
    old = {"Name": "ci", "Issuer": "https://issuer.example", "Subject": "repo:ours", "Id": guid("9", 1)}
    change = target(
        "Application", guid("b", 1), FederatedIdentityCredentials=([old], [{**old, "Subject": "repo:theirs"}])
    )
    logs = tmp_path / "logs.jsonl"
    logs.write_bytes(jsonl(audit(1, at("06:00"), "Update application", change, details={"AppId": guid("a", 1)})))
    load([logs], home=tmp_path / "home", config=Config())
    (step,) = (step for step in trace(guid("a", 1), home=tmp_path / "home").steps if step.kind == "change")
    assert step.text == (
        "Update application: added “ci for repo:theirs of https://issuer.example”; "
        "removed “ci for repo:ours of https://issuer.example” on application by user1@contoso.example from 198.51.100.7"
    )


def test_the_story_of_a_user_assigned_identity_tells_who_wrote_its_federated_credentials(tmp_path: Path) -> None:
    identity = (
        f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg1/providers/microsoft.managedidentity"
        "/userassignedidentities/id-build"
    )
    known = managed_sign_in(1, at("05:00"), ManagedServiceIdentity={"associatedResourceId": identity})
    operation = "MICROSOFT.MANAGEDIDENTITY/USERASSIGNEDIDENTITIES/FEDERATEDIDENTITYCREDENTIALS/"
    written, removed = (
        arm_act(
            number, at(when), app=None, user=2, resource=f"{identity}/federatedIdentityCredentials/ci",
            operation=operation + verb,
        )
        for number, when, verb in ((2, "06:00", "WRITE"), (3, "08:00", "DELETE"))
    )  # fmt: skip
    logs = tmp_path / "logs.jsonl"
    logs.write_bytes(jsonl(known, written, removed))
    load([logs], home=tmp_path / "home", config=Config(subscriptions={SUBSCRIPTION: TENANT}))
    steps = trace(guid("d", 1), home=tmp_path / "home").steps
    assert [(step.at.hour, step.text.split("by ")[1]) for step in steps if step.kind == "activity" and step.at] == [
        (6, "user2@contoso.example from 203.0.113.10"),
        (8, "user2@contoso.example from 203.0.113.10"),
    ]


def test_each_step_of_an_application_in_several_tenants_names_its_own(tmp_path: Path) -> None:
    other = guid("1", 2)
    logs = tmp_path / "logs.jsonl"
    logs.write_bytes(
        jsonl(
            sign_in(1, at("06:00")),
            sign_in(2, at("06:00"), principal=2, tenant=other),
            sign_in(3, at("07:00"), app=3, principal=3),
        )
    )
    load([logs], home=tmp_path / "home", config=Config())
    told = trace(guid("a", 1), home=tmp_path / "home")
    signed_in = {step.tenant_id: step.event_ids for step in told.steps if step.kind == "signIn"}
    assert signed_in == {TENANT: (guid("5", 1),), other: (guid("5", 2),)}
    marked = [line for line in told.to_text() if line.startswith("  06:00")]
    assert [line.rpartition(" (tenant ")[2] for line in marked if "Sign-in" in line] == [f"{TENANT})", f"{other})"]
    # Where there is one tenant, no step has to say so.
    assert not any("(tenant" in line for line in trace(guid("a", 3), home=tmp_path / "home").to_text())
