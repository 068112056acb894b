"""Pattern files: what is read, what is refused and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from good import GOOD, write

from graphcorr.errors import PatternError
from graphcorr.patterns.parse import load_patterns, read_pattern


def test_metadata_and_query_are_read(tmp_path: Path) -> None:
    pattern = read_pattern(write(tmp_path))
    assert (pattern.id, pattern.severity, pattern.fingerprint) == ("good", "low", ("tenantId", "objectId"))
    assert pattern.defaults() == {"window": "P3D"}
    assert pattern.query == GOOD


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("severity: low", "severity: bad", 5, "'severity' is 'bad'"),
        ("severity: low", "severe: low", 5, "unknown key 'severe'"),
        ("title: Good\n", "", 2, "'title' is missing"),
        ("title: Good", "title: {a", 4, "metadata is no YAML"),
        ("    reason: Long enough.\n", "", 9, "parameter 'window' needs exactly"),
        ("needs: [AuditLogs]", "needs: AuditLogs", 7, "'needs' is not a list"),
        ("/*\nid", "id", 1, "no metadata"),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(PatternError) as caught:
        read_pattern(path)
    assert caught.value.message.startswith(message)
    assert caught.value.where in (f"{path}:{line}", f"{path}:{line - 1}", f"{path}:{line + 1}")


def test_one_id_in_two_folders_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write(folder)
    with pytest.raises(PatternError, match="already used"):
        load_patterns([tmp_path / "a", tmp_path / "b"])


def test_the_patterns_of_graphcorr_are_found() -> None:
    assert {
        "failed_sign_ins_bad_credential",
        "orphan_sign_in",
        "renamed_principal",
        "unexplained_credential_update",
    } <= {pattern.id for pattern in load_patterns()}
