"""Loaders are found by looking; a broken one is named with file and reason."""

from __future__ import annotations

import pytest

from graphcorr.errors import ConfigError
from graphcorr.ingest import registry
from graphcorr.ingest.loader import Loader

GOOD = """
from graphcorr.ingest.loader import Carrier, Loader
from graphcorr.records import Activity

LOADER = Loader(source="{source}", record=Activity, title="t", parse={{Carrier.ROW: lambda obj, context: None}})
"""


def test_the_bundled_loaders_are_found_and_kept():
    found = registry.all()
    assert found
    assert all(isinstance(loader, Loader) for loader in found)
    assert registry.all() is found


def test_a_folder_of_the_user_adds_loaders(tmp_path):
    (tmp_path / "mine.py").write_text(GOOD.format(source="Mine"))
    (tmp_path / "README.md").write_text("no loader")
    found = registry.discover((tmp_path,))
    assert [loader.source for loader in found[len(registry.all()) :]] == ["Mine"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1\n", r"broken\.py: no LOADER in this file"),
        ("LOADER = 7\n", r"broken\.py: no LOADER in this file"),
        ("def (:\n", r"broken\.py: broken loader: SyntaxError: .*line 1"),
        ("import no_such_module\n", r"broken\.py: broken loader: ModuleNotFoundError: .*'no_such_module'"),
        ("LOADER = undefined\n", r"broken\.py: broken loader: NameError"),
        (GOOD.format(source="AuditLogs"), r"two loaders for AuditLogs: .*entra_audit_logs\.py and .*broken\.py"),
        (GOOD.format(source="B").replace("record=Activity", "record=dict"), r"LOADER\.record is no record class"),
        (GOOD.format(source="C").replace("Carrier.ROW", "'row'"), r"take members of Carrier as keys"),
        (GOOD.format(source="D").replace('title="t"', 'title="t", categories="D"'), r"LOADER\.categories is a text"),
        (
            GOOD.format(source="E").replace('title="t"', 'title="t", tables=("AuditLogs",)'),
            r"two loaders for table AuditLogs",
        ),
        (
            GOOD.format(source="F").replace('title="t"', 'title="t", claims={Carrier.CSV: lambda *_: True}'),
            r"LOADER\.claims has csv, which LOADER\.parse does not read",
        ),
    ],
)
def test_a_broken_loader_is_named(tmp_path, content, message):
    (tmp_path / "broken.py").write_text(content)
    with pytest.raises(ConfigError, match=message):
        registry.discover((tmp_path,))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match="not a folder of loaders"):
        registry.discover((tmp_path / "none",))
