"""What graphcorr.toml may say, and how errors in it are told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcorr.config import (
    Allow,
    Complete,
    Config,
    Issuer,
    Network,
    Owner,
    Risk,
    find_config,
    load_config,
    parse_config,
)
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

[first_party]
"6131D760-6F1B-4C8C-A1B6-1B8B7C7B8B7C" = "Contoso Sync"

[[issuers]]
issuer = "https://token.actions.githubusercontent.com"
purpose = "pipelines"

[[risks]]
kind = "application"
value = "Sites.Selected"
risk = "low"

[[owners]]
id = "7d3f6e2a-98cd-4b3b-9d5e-0c2f9d4b6a11"
owner = "payments team"
tier = "tier 0"

[azure]
ranges = ["20.33.0.0/16", "2603:1000::/24"]

[[allow]]
pattern = "orphan_sign_in"
subject = "7D3F6E2A-98CD-4B3B-9D5E-0C2F9D4B6A11"
reason = "probes its own secret every hour"
until = 2026-12-31
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
    first_party={"6131d760-6f1b-4c8c-a1b6-1b8b7c7b8b7c": "Contoso Sync"},
    issuers=(Issuer("https://token.actions.githubusercontent.com", "pipelines"),),
    risks=(Risk("application", "sites.selected", "low"),),
    owners=(Owner("7d3f6e2a-98cd-4b3b-9d5e-0c2f9d4b6a11", "payments team", "tier 0"),),
    azure=("20.33.0.0/16", "2603:1000::/24"),
    allow=(
        Allow(
            "orphan_sign_in",
            "probes its own secret every hour",
            datetime(2026, 12, 31, tzinfo=UTC),
            subject="7d3f6e2a-98cd-4b3b-9d5e-0c2f9d4b6a11",
        ),
    ),
)

REFUSED = [
    ("[workspace]\n", ":1", "unknown table or key `workspace`", "did you mean `workspaces`?"),
    ("\n\n[networks]\n", ":3", "networks must be written as [[networks]]", "one block"),
    ('colour = "all"\n', ":1", "unknown table or key `colour`", "known: workspaces"),
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
    (f'[first_party]\n"{WORKSPACE}" = ""\n', ":2", f"the name of {WORKSPACE} is no text", '"<app id>" = "<name>"'),
    ('[[risks]]\nkind = "role"\nvalue = "x"\nrisk = "high"\n', ":1", "unknown kind 'role'", "directoryRole"),
    ('[[risks]]\nkind = "azureRole"\nvalue = "x"\nrisk = "huge"\n', ":1", "unknown risk 'huge'", "medium"),
    (f'[[owners]]\nid = "{WORKSPACE}"\n', ":1", "[[owners]] needs `owner`", "write owner"),
    ('[[owners]]\nid = "app"\nowner = "x"\n', ":1", "'app' is no id", "GUID"),
    (
        "".join(f'[[owners]]\nid = "{WORKSPACE}"\nowner = "{name}"\n' for name in "ab"),
        ":1",
        f"owners say two things about {WORKSPACE}",
        "keep one",
    ),
    ('[azure]\nranges = "20.33.0.0/16"\n', ":1", "[azure] holds one list", "ServiceTags.json"),
    ('[azure]\nranges = ["20.33.0.1/16"]\n', ":2", "not a network", "20.33.0.0/16"),
    ('[[allow]]\npattern = "p"\nreason = "r"\nuntil = 2026-12-31\n', ":1", "`subject` or `fingerprint`", "app id"),
    ('[[allow]]\npattern = "p"\nreason = "r"\nsubject = "s"\n', ":1", "needs `until`", "forgotten"),
    ('[[allow]]\npattern = "p"\nsubject = "s"\nuntil = 2026-12-31\n', ":1", "needs `reason`", "write reason"),
    ('[lists]\nroles = "x.csv"\n', ":2", "unknown key in [[lists]] `roles`", "risks"),
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


LISTS = {
    "first.csv": f"app_id,name\n{WORKSPACE},Contoso Sync\n\n",
    "risks.csv": "kind,value,risk\nazureRole,8E3AF657-A8FF-443C-A75C-2FE8C4BCB635,medium\n",
    "owners.csv": f'id,owner,tier\n{TENANT},"payments, Basel",\n{SUBSCRIPTION},ops,tier 1\n',
    "tags.json": json.dumps(
        {"values": [{"name": "AzureCloud", "properties": {"addressPrefixes": ["20.33.0.0/17", "20.33.128.0/17"]}}]}
    ),
}
LISTED = """
[lists]
first_party = "first.csv"
risks = "risks.csv"
owners = "owners.csv"
azure = "tags.json"
"""


def test_lists_are_read_from_files_beside_the_configuration(tmp_path: Path) -> None:
    for name, text in LISTS.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "graphcorr.toml").write_text(LISTED)
    read = load_config(tmp_path / "graphcorr.toml")
    assert read == Config(
        first_party={WORKSPACE: "Contoso Sync"},
        risks=(Risk("azureRole", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "medium"),),
        owners=(Owner(SUBSCRIPTION, "ops", "tier 1"), Owner(TENANT, "payments, Basel")),
        azure=("20.33.0.0/16",),
    )
    assert parse_config(read.to_text()) == read


BAD_LISTS = [
    ("first.csv", "id,name\n", "first.csv:1", "wrong columns"),
    ("first.csv", "app_id,name\nabc,x\n", "first.csv:2", "no app id"),
    ("risks.csv", "kind,value,risk\nazureRole,,high\n", "risks.csv:2", "no value for value"),
    ("owners.csv", "id,owner\na,b,c\n", "owners.csv:2", "too many or too few"),
    ("tags.json", '{"values": []}', "tags.json", "not a file of service tags"),
    ("tags.json", "20.33.0.0/16\nAzure\n", "tags.json:2", "not a network"),
]


@pytest.mark.parametrize(("name", "text", "where", "message"), BAD_LISTS)
def test_mistakes_in_lists_are_told_with_file_and_line(
    tmp_path: Path, name: str, text: str, where: str, message: str
) -> None:
    for other, good in LISTS.items():
        (tmp_path / other).write_text(text if other == name else good)
    (tmp_path / "graphcorr.toml").write_text(LISTED)
    with pytest.raises(ConfigError, match=message) as raised:
        load_config(tmp_path / "graphcorr.toml")
    assert raised.value.where == str(tmp_path / where)


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    (tmp_path / "graphcorr.toml").write_text('[lists]\nazure = "none.json"\n')
    with pytest.raises(ConfigError, match="no such list"):
        load_config(tmp_path / "graphcorr.toml")


def test_what_is_allowed_changes_no_graph() -> None:
    assert READ.digest == parse_config(READ.to_text().partition("[[allow]]")[0]).digest
