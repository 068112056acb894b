"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def constructed() -> Path:
    """Our own constructed records: 40 events of one tenant in every carrier (see data/constructed/README.md)."""
    return _REPOSITORY / "tests" / "data" / "constructed"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Observed records beside the project; they are read there and never copied.

    A stranger's clone does not have them: tests skip. Where GRAPHCORR_SHARED_DATA names the folder it must exist.
    """
    named = os.environ.get("GRAPHCORR_SHARED_DATA")
    folder = Path(named) if named else _REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        if named:
            pytest.fail(f"GRAPHCORR_SHARED_DATA names {named}, which does not exist")
        pytest.skip("no folder of observed records beside the project (GRAPHCORR_SHARED_DATA)")
    return folder
