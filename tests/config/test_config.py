"""What graphcorr.toml may say, and how errors in it are told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcorr.config import Complete, Config, Network, find_config, load_config, parse_config
from graphcorr.errors import ConfigError

TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
WORKSPACE = "5d3853a4-83bc-4a88-8b58-761163250bb1"
SUBSCRIPTION = "bb6fc856-b52e-4f4c-9c47-7547100df6fe"

FULL = f"""
[workspaces]
"{WORKSPACE.upper()}" = "{TENANT}"

[subscriptions]
{SUBSCRIPTION} = "{{{TENANT.upper()}}}"

[[complete]]
source = "AzureActivity"
scope = "/SUBSCRIPTIONS/{SUBSCRIPTION}/"
from = 2026-05-01
until = "2026-05-12T02:00:00+02:00"

[[complete]]
source = "AuditLogs"

[[networks]]
name = "office"
cidr = "203.0.113.0/24"
purpose = "egress"
"""

READ = Config(
    workspaces={WORKSPACE: TENANT},
    subscriptions={SUBSCRIPTION: TENANT},
    complete=(
        Complete("AuditLogs"),
        Complete(
            "AzureActivity",
            f"/subscriptions/{SUBSCRIPTION}",
            datetime(2026, 5, 1, tzinfo=UTC),
            datetime(2026, 5, 12, tzinfo=UTC),
        ),
    ),
    networks=(Network("office", "203.0.113.0/24", "egress"),),
)

REFUSED = [
    ("[workspace]\n", ":1", "unknown table or key `workspace`", "did you mean `workspaces`?"),
    ("\n\n[networks]\n", ":3", "networks must be written as [[networks]]", "one block"),
    ('users = "all"\n', ":1", "unknown table or key `users`", "known: workspaces"),
    ("[workspaces]\nabc = 1\n", ":2", "'abc' is no GUID", "expected"),
    (f'[workspaces]\n"{WORKSPACE}" = "contoso"\n', ":2", f"the tenant of {WORKSPACE} is no GUID", "expected"),
    (f'[workspaces]\n"{WORKSPACE}" = 7\n', ":2", "is no GUID", "expected"),
    (f'[workspaces]\n"{WORKSPACE}" = "00000000-0000-0000-0000-000000000000"\n', ":2", "is no GUID", "expected"),
    (
        f'[workspaces]\n"{WORKSPACE}" = "{TENANT}"\n"{WORKSPACE.upper()}" = "{WORKSPACE}"\n',
        ":3",
        "is given two tenants",
        "keep one",
    ),
    ('[[complete]]\nsource = "A"\n[[complete]]\nscope = "/x"\n', ":3", "[[complete]] needs `source`", "write source"),
    ('[[complete]]\nsource = "A"\nform = 2026-05-01\n', ":3", "unknown key in [[complete]] `form`", "`from`"),
    ('[[complete]]\nsource = "A"\nscope = "kv-prod"\n', ":3", "scope 'kv-prod' is no ARM id", "/subscriptions/"),
    ('[[complete]]\nsource = "A"\nfrom = "soon"\n', ":3", "not a time", "2026-05-01"),
    ('[[complete]]\nsource = "A"\nfrom = 2026-05-02\nuntil = 2026-05-01\n', ":4", "`until` does not lie", ""),
    ('[[networks]]\nname = "a"\ncidr = "203.0.113.7/24"\n', ":3", "not a network", "203.0.113.0/24"),
    ('[[networks]]\nname = " "\ncidr = "::/0"\n', ":2", "must be a text that is not blank", "write name"),
    ("[workspaces\n", ":1", "not valid TOML", ""),
]


def test_everything_that_may_be_written_is_read_and_normalised() -> None:
    assert parse_config(FULL) == READ


def test_the_canonical_text_gives_the_same_configuration_back() -> None:
    assert parse_config(READ.to_text()) == READ
    assert parse_config(FULL).digest == READ.digest
    assert Config().to_text() == ""
    assert Config().digest != READ.digest


def test_the_order_of_entries_does_not_matter() -> None:
    blocks = FULL.split("\n\n")
    assert parse_config("\n\n".join(reversed(blocks))).digest == READ.digest


@pytest.mark.parametrize(("text", "line", "message", "hint"), REFUSED)
def test_mistakes_are_told_with_line_and_remedy(text: str, line: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config(text)
    assert raised.value.where == f"graphcorr.toml{line}"
    assert message in raised.value.message
    assert hint in (raised.value.hint or "")
    assert raised.value.exit_code == 2


@given(st.text(min_size=1).filter(str.strip), st.text())
def test_any_text_survives_the_canonical_form(name: str, purpose: str) -> None:
    config = Config(networks=(Network(name, "10.0.0.0/8", purpose if purpose.strip() else None),))
    try:
        name.encode()
        purpose.encode()
    except UnicodeEncodeError:
        return  # lone surrogates cannot stand in a file
    assert parse_config(config.to_text()) == config


def test_a_file_is_looked_for_in_the_working_folder_then_in_the_home(tmp_path: Path, monkeypatch) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    assert find_config(None, home) is None
    (home / "graphcorr.toml").write_text("")
    assert find_config(None, home) == home / "graphcorr.toml"
    (here / "graphcorr.toml").write_text("")
    assert find_config(None, home) == Path("graphcorr.toml")
    assert find_config(Path("other.toml"), home) == Path("other.toml")


def test_a_missing_or_unreadable_file_is_told(tmp_path: Path) -> None:
    assert load_config(None) == Config()
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path / "bad.toml")
