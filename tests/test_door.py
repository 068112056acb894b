"""`import graphcorr`: the public functions, and what the command line does with the same words."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import graphcorr
from tests.demo import LOGS

TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
FUNCTIONS = [name for name in graphcorr.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_is_there_and_says_what_it_promises(name: str) -> None:
    function = getattr(graphcorr, name)
    assert inspect.getdoc(function)
    assert inspect.signature(function).return_annotation is not inspect.Signature.empty


def test_other_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = graphcorr.nothing_of_that_name


def test_a_folder_of_logs_becomes_findings_in_two_calls(tmp_path: Path) -> None:
    home = tmp_path / "home"
    loaded = graphcorr.load([LOGS / "logs" / "portal-csv" / "AuditLogs.csv"], home=home)
    assert loaded.read.by_source == {"AuditLogs": 12}
    document = graphcorr.scan(home=home, patterns=["renamed_principal"])
    assert [(finding.pattern, finding.verdict) for finding in document.findings] == [("renamed_principal", "found")] * 2
    story = graphcorr.trace("contoso-billing-sync", home=home)
    assert [subject.key for subject in story.subjects] == [f"{TENANT}/app:9536314a-6327-486b-b65c-ae8d9b85ff85"]
    assert [row[1] for row in graphcorr.coverage(home=home).rows] == ["AuditLogs"]
    store = graphcorr.open_store(home)
    assert store.query("MATCH (n:Change) RETURN count(n) AS n").rows == ((12,),)
    store.close()
