"""The reference scenarios end to end, from each of four shapes: the same graph, the same findings, as written here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from graphcorr.archive.archive import Archive
from graphcorr.baselines import run_baselines
from graphcorr.config import Complete, Config
from graphcorr.home import Home
from graphcorr.load import load
from graphcorr.projection.project import current
from graphcorr.scan import scan
from tests.builders import ARM, GRAPH, SUBSCRIPTION, TENANT, guid, moment
from tests.endtoend import scenarios as told
from tests.endtoend.harness import Graph, Row
from tests.shapes import SHAPES

_CONFIG = Config(subscriptions={SUBSCRIPTION: TENANT}, complete=(Complete("AZKVAuditLogs"), Complete("AzureActivity")))

# What the shapes may differ in: table → properties. All times are whole milliseconds, and none may differ. Pages of an
# API say neither when a record was delivered nor who owns an application.
_BYTES = {"nodes/LogSource": {"bytes"}}
_OWNER = {"ownerTenantId"}
ALLOWED = {
    "export": _BYTES,
    "csv": _BYTES,
    "graph": {
        "nodes/LogSource": {"bytes", "delayP50", "delayP95"},
        "nodes/Identity": _OWNER,
        "nodes/DirectoryObject": _OWNER,
    },
}
# Whose an application is only its owner tenant tells where no record is about its registration: another tenant may have
# renamed it.
UNDECIDED = {"graph": {"rename_without_audit_event": "ownedElsewhere"}}


@dataclass(frozen=True)
class Answer:
    """What one shape gave: the graph's tables, the scan document, and whom the public rules accuse."""

    graph: Graph
    document: dict[str, Any]
    baselines: dict[str, frozenset[str]]

    def rows(self, pattern: str, *principals: int, part: str = "findings") -> list[Row]:
        """Findings, leads or undecided rows of a pattern about these principals, by their number and time."""
        keys = [_identity(number) for number in principals]
        found = [r for r in self.document[part] if r["pattern"] == pattern and r["subject"]["key"] in keys]
        return sorted(found, key=lambda row: (keys.index(row["subject"]["key"]), row.get("firstAt")))

    def links(self, number: int) -> list[tuple[Any, ...]]:
        """Basis, confidence, candidates, events, least and greatest lag in ms of links from a principal's sign-ins."""
        nodes = {row["key"]: row for row in self.graph.nodes("SignIn")}
        mine = [e for e in self.graph.edges("LED_TO") if nodes[e["fromKey"]]["servicePrincipalId"] == guid("d", number)]
        return [
            (e["basis"], e["confidence"], e["candidates"], e["events"], e["minLag"], e["maxLag"])
            for e in sorted(mine, key=lambda e: (e["firstAt"], e["key"]))
        ]

    def sign_ins(self, number: int) -> list[tuple[Any, ...]]:
        """Count, linked, possible from the same, possible from another address, unexplained, evidence."""
        names = ("count", "linkedCount", "possibleSameAddressCount", "possibleOtherAddressCount", "unexplainedCount",
                 "evidence")  # fmt: skip
        rows = self.graph.nodes("SignIn", servicePrincipalId=guid("d", number))
        return [tuple(row[name] for name in names) for row in sorted(rows, key=lambda row: row["firstSeen"])]


def _identity(number: int) -> str:
    return f"{TENANT}/app:{guid('a', number)}"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    pytest.importorskip("arcadedb_embedded")
    return {shape: _answer(tmp_path_factory.mktemp(shape), shape) for shape in SHAPES}


def _answer(folder: Path, shape: str) -> Answer:
    logs, home = folder / "logs", Home(folder / "home")
    logs.mkdir()
    for name, content in SHAPES[shape](*told.records()).items():
        (logs / name).write_bytes(content)
    loaded = load([logs], home=home.root, config=_CONFIG)
    assert (loaded.read.problems, loaded.read.records) == ((), len(told.records()))
    document = msgspec.to_builtins(scan(home=home.root))
    archive = Archive(home.archive_dir)
    projection = current(archive, _CONFIG, home.projection_dir)
    assert projection is not None
    return Answer(Graph(projection), document, run_baselines(archive))


@pytest.fixture(params=list(SHAPES))
def answer(request: pytest.FixtureRequest, answers: dict[str, Answer]) -> Answer:
    return answers[request.param]


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "workspace"])
def test_all_shapes_give_one_graph_and_one_scan(answers: dict[str, Answer], shape: str) -> None:
    expected, found = answers["workspace"], answers[shape]
    tables = expected.graph.tables()
    for name, rows in found.graph.tables().items():
        skipped = ALLOWED[shape].get(name, set())
        pair = [[{k: v for k, v in row.items() if k not in skipped} for row in t] for t in (rows, tables.pop(name))]
        assert pair[0] == pair[1], name
    assert tables == {}
    assert found.baselines == expected.baselines
    undecided = UNDECIDED.get(shape, {})
    if not undecided:
        assert found.document == expected.document
    for part in ("findings", "leads", "undecided"):
        pair = [
            [row for row in d[part] if row["pattern"] not in undecided] for d in (found.document, expected.document)
        ]
        assert pair[0] == pair[1], part
    rows = [row for part in ("findings", "leads", "undecided") for row in found.document[part]]
    assert {row["pattern"]: row["reason"] for row in rows if row["pattern"] in undecided} == undecided


def test_identities_have_their_ids_and_their_names(answer: Answer) -> None:
    rows = {
        row["identityId"]: (row["kind"], row["name"], set(row["formerNames"]), set(row["formerIds"]))
        for row in answer.graph.nodes("Identity")
        if row["kind"] != "microsoft"
    }
    backup = told.AZURE_BACKUP
    full = {
        told.PLAIN: ("plain", set()),
        told.RENAMED_OLD: ("payroll", {backup}),  # the newest sign-in still shows the old name
        told.RENAMED_NEW: (backup, {"salaries"}),
        told.RENAMED_BACK: ("billing", {backup}),
        told.SUCCEEDED: ("ledger-old", {"ledger"}),
        told.HEIR: ("ledger", {"spare"}),
        told.BY_PRINCIPAL: (backup, {"export"}),
        told.IMPOSTOR: ("printer", {"scanner"}),
    }
    signed_in = {
        told.DEPLOYER: "deploy-pipeline",
        told.SIEM: "Azure Sentinel Alerts Evidence SIEM",
        told.EDITOR: "ca-editor",
        told.DECOY: "printer",
        9: "other",
    }
    expected: dict[str, tuple[Any, ...]] = {
        **{f"app:{guid('a', n)}": ("application", name, former, {f"sp:{guid('d', n)}", f"reg:{guid('b', n)}"})
           for n, (name, former) in full.items()},
        **{f"app:{guid('a', n)}": ("application", name, set(), {f"sp:{guid('d', n)}"})
           for n, name in signed_in.items()},
        **{f"app:{guid('a', n)}": ("managedIdentity", name, set(), {f"sp:{guid('d', n)}"})
           for n, name in ((told.READER, "vm-reader"), (told.REPORTER, "report"))},
        f"app:{guid('a', told.FAILING)}":
            ("application", "name 2", {"name 0", "name 1"}, {f"sp:{guid('d', told.FAILING)}"}),
    }  # fmt: skip
    assert rows == expected


def test_credentials_have_their_lives(answer: Answer) -> None:
    rows = {
        row["keyId"] or row["thumbprint"]: tuple(
            row[name] for name in ("labels", "addedAt", "firstUsed", "lastUsed", "origin")
        )
        for row in answer.graph.nodes("Credential")
    }
    before, added, after = moment("07:00"), moment("08:30"), moment("10:00")
    with_new_key = set(range(told.PLAIN, told.IMPOSTOR + 1)) - {told.HEIR}
    expected = {told.THUMBPRINT: ("Credential:Certificate", None, *[moment("16:24:39.819")] * 2, "unknown")}
    for n in range(told.PLAIN, told.DECOY + 1):
        # The record that adds the other key lists it; the decoy's and the heir's key is in no list.
        listed = "listed" if n in with_new_key else "unknown"
        expected[guid("f", n)] = ("Credential:Secret", None, before, before, listed)
        if n in with_new_key:
            expected[guid("f", 100 * n + 2)] = ("Credential:Secret", added, after, after, "added")
    assert rows == expected


def test_s1_a_managed_identity_reads_a_vault_through_a_private_endpoint(answer: Answer) -> None:
    assert answer.sign_ins(told.READER) == [(1, 0, 0, 0, 1, "changesOnly"), (1, 1, 0, 0, 0, "complete")]
    assert answer.links(told.READER) == [("window", "high", 1, 1, 59, 59)]
    act = answer.graph.node("Activity", servicePrincipalId=guid("d", told.READER))
    assert (act["operation"], act["firstSeen"], act["linkedCount"]) == ("SecretGet", moment("12:25:33.891"), 1)
    assert answer.rows("orphan_sign_in", told.READER) == []


def test_s2_three_of_four_sign_ins_are_a_lead_in_words(answer: Answer) -> None:
    assert answer.sign_ins(told.DEPLOYER) == [(3, 0, 0, 3, 0, "changesOnly"), (1, 1, 0, 0, 0, "changesOnly")]
    # Four sign-ins could have led to each change by time alone: only the address tells them apart.
    links = answer.links(told.DEPLOYER)
    assert {link[:3] for link in links} == {("window", "medium", 4)}
    # Policy evaluates on its own: its five records are no act of the token.
    assert sum(link[3] for link in links) == 27
    assert (links[0][4], max(link[5] for link in links)) == (527, 105_714)
    (lead,) = answer.rows("orphan_sign_in", told.DEPLOYER, part="leads")
    assert lead["sentence"] == (
        f"3 sign-ins of deploy-pipeline to Azure Resource Manager from {told.FIRST}: no change seen in the collected "
        f"subscriptions (/subscriptions/{SUBSCRIPTION}); changes by this principal came from another address."
    )
    assert (lead["verdict"], lead["reason"], lead["severity"]) == ("lead", "changesOnly", "info")
    assert (lead["firstAt"], lead["lastAt"]) == ("2026-05-11T17:17:20.622Z", "2026-05-11T17:17:21.047Z")
    assert lead["details"]["possibleFromOtherAddress"] == 3
    assert answer.rows("orphan_sign_in", told.DEPLOYER) == []


def test_s3_a_playbook_is_not_decidable_and_only_configuration_names_who_ran(answer: Answer) -> None:
    (undecided,) = answer.rows("orphan_sign_in", told.SIEM, part="undecided")
    assert (undecided["reason"], undecided["count"]) == ("noLoader", 1)
    assert answer.sign_ins(told.SIEM) == [(1, 0, 0, 0, 1, "noLoader")]
    assert answer.links(told.SIEM) == []
    assert answer.rows("orphan_sign_in", told.SIEM) == []
    runs = {row["runId"]: (row["status"], row["startedAt"], row["endedAt"], row["actions"])
            for row in answer.graph.nodes("WorkflowRun")}  # fmt: skip
    assert runs == {
        "run-1301": ("Succeeded", moment("17:09:52.034"), moment("17:09:54.500"), ["Run_query"]),
        "run-1601": ("Succeeded", moment("14:59:58"), moment("15:00:03"), []),
    }
    (by,) = answer.graph.edges("RUN_BY")
    assert by["fromKey"] == f"{TENANT}{told.workflow_id('report')}/runs/run-1601"
    assert by["toKey"] == f"{TENANT}/{guid('d', told.REPORTER)}"
    assert (by["basis"], by["confidence"]) == ("time+configuration", "low")


def test_s4_address_and_certificate_of_the_sign_in_are_those_of_the_changes(answer: Answer) -> None:
    assert answer.links(told.EDITOR) == [("window", "high", 1, 1, 362, 362), ("window", "high", 1, 1, 480, 480)]
    (signed_in,) = answer.graph.nodes("SignIn", servicePrincipalId=guid("d", told.EDITOR))
    changes = {f"Directory_{n}" for n in (1401, 1402)}
    assert {e["toKey"] for e in answer.graph.edges("LED_TO", fromKey=signed_in["key"])} == changes
    derived = {(e["fromKey"], e["toKey"], e["basis"]) for e in answer.graph.edges("FROM") if e["fromKey"] in changes}
    assert derived == {(change, "20.50.2.80", "signIn") for change in changes}
    (used,) = answer.graph.edges("USED", fromKey=signed_in["key"])
    certificate = answer.graph.node("Credential", thumbprint=told.THUMBPRINT)
    assert (used["toKey"], certificate["labels"]) == (certificate["key"], "Credential:Certificate")
    assert answer.graph.node("Application", appId=GRAPH)["name"] == "Microsoft Graph"


def test_r1_failures_are_grouped_by_identity_address_and_kind(answer: Answer) -> None:
    names = ("failure", "codes", "attempts", "address", "resources")
    found = [
        (row["severity"], row["confidence"], *(row["details"][name] for name in names), row["firstAt"], row["lastAt"])
        for row in answer.rows("failed_sign_ins_bad_credential", told.FAILING)
    ]
    resources = ["Windows Azure Service Management API", "Microsoft Graph"]
    assert found == [
        ("medium" if failure.startswith("bad") else "low", "exact", failure, [code], 3, "203.0.113.10", resources,
         f"2026-05-11T{hour:02}:00:00.000Z", f"2026-05-11T{hour:02}:02:00.000Z")
        for hour, (code, failure) in enumerate(told.FAILURES.items(), 7)
    ]  # fmt: skip
    everything = [r for r in answer.document["findings"] if r["pattern"] == "failed_sign_ins_bad_credential"]
    assert len(everything) == len(told.FAILURES)
    assert {row[-1] for row in answer.sign_ins(told.FAILING)} == {"notApplicable"}


# Principal → severity of the finding and numbers of the renames that belong to it.
_ACCUSED = {
    told.PLAIN: [],
    told.RENAMED_OLD: [3],
    told.RENAMED_NEW: [3],
    told.RENAMED_BACK: [3, 4],
    told.SUCCEEDED: [3],
    told.BY_PRINCIPAL: [3],
    told.IMPOSTOR: [3],
}


@pytest.mark.parametrize("number", _ACCUSED)
def test_r2_a_new_key_is_found_by_identity(answer: Answer, number: int) -> None:
    (found,) = answer.rows("unexplained_credential_update", number)
    n = 100 * number
    assert (found["verdict"], found["severity"], found["confidence"]) == ("found", "high", "high")
    assert found["details"]["credentialId"] == guid("f", n + 2)
    assert set(found["evidence"]) == {
        guid("5", n + 1), guid("5", n + 2), f"Directory_{n + 2}", *(f"Directory_{n + r}" for r in _ACCUSED[number])
    }  # fmt: skip
    assert (found["firstAt"], found["lastAt"]) == ("2026-05-11T08:30:00.000Z", "2026-05-11T10:00:00.000Z")
    assert [e["id"] for e in found["explanations"] if e["present"]] == []
    renames = answer.rows("renamed_principal", number)
    # The key stands beside each rename as what happened around it.
    assert [set(row["evidence"]) for row in renames] == [
        {f"Directory_{n + r}", f"Directory_{n + 2}"} for r in _ACCUSED[number]
    ]


def test_r2_nobody_else_is_accused_and_the_join_by_name_is_blind(answer: Answer) -> None:
    found = [
        r["subject"]["key"] for r in answer.document["findings"] if r["pattern"] == "unexplained_credential_update"
    ]
    assert sorted(found) == sorted(_identity(number) for number in _ACCUSED)
    # It sees the plain case, misses every renamed one, and accuses the one whose name was taken.
    assert answer.baselines["name_join"] == {guid("a", told.PLAIN), guid("a", told.DECOY)}
    assert {e["toKey"] for e in answer.graph.edges("TO")} >= {ARM, GRAPH}
