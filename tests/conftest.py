"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from graphcorr.store.embedded_schema import TEMPLATES
from tests.neo4j_server import Servers

# No test fails because the machine is busy.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "neo4j: needs a real Neo4j server (tests/neo4j_server.py)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what is dear to make run in one process, which makes it once; all others run where one is free.

    Shared are servers, the cases of an area with their answers, and what a module or a folder makes for its tests.
    """
    for item in items:
        if isinstance(item, pytest.Function) and (group := _shared(item)):
            item.add_marker(pytest.mark.xdist_group(group))


def _shared(item: pytest.Function) -> str | None:
    """A name for what this test shares with others, if it shares anything."""
    if item.path.name == "test_cases.py":
        return f"cases of {item.callspec.params['load'].area}"
    if item.get_closest_marker("neo4j"):
        return "servers"
    used = [definitions[-1] for definitions in item._fixtureinfo.name2fixturedefs.values()]
    # What is made for the whole run (baseid of this file, or of a plugin) is made by each process.
    return min((each.baseid for each in used if each.scope != "function" and each.baseid.count("/")), default=None)


@pytest.fixture(scope="session", autouse=True)
def embedded_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Empty embedded databases are made once and copied, also by processes that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get(TEMPLATES):
            patch.setenv(TEMPLATES, str(tmp_path_factory.mktemp("templates")))
        yield


@pytest.fixture(scope="session")
def neo4j_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Real Neo4j servers by generation, each started when it is first asked for."""
    servers = Servers(tmp_path_factory.mktemp("neo4j"))
    yield servers
    servers.stop()


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
