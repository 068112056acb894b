"""What `trace` tells of things that a caption alone does not tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphcorr.config import Config
from graphcorr.load import load
from graphcorr.trace import trace
from tests.builders import at, audit, guid, jsonl, target

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
