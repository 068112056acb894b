"""The constructed tenant (tests/data/constructed/README.md): one truth from every carrier."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.endtoend.harness import Graph, graph_of

TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"

_GRAPH_LA = ("AzureActivity.jsonl", "AZKVAuditLogs.jsonl", "AzureDiagnostics.jsonl", "MicrosoftGraphActivityLogs.jsonl",
             "SigninLogs.jsonl", "AADNonInteractiveUserSignInLogs.jsonl")  # fmt: skip
CARRIERS = ("export", "blob", "json", "csv", "hub", "graph")


def _files(folder: Path, carrier: str) -> list[Path]:
    export, json, csv = folder / "diagnostic-export", folder / "log-analytics-json", folder / "log-analytics-csv"
    if carrier == "export":
        return sorted(export.glob("*.jsonl"))
    if carrier == "blob":  # sign-ins of service principals out of a storage account
        others = [path for path in sorted(export.glob("*.jsonl")) if "serviceprincipal" not in path.name]
        return [export / "blob", *others]
    if carrier == "json":
        return sorted(json.glob("*.jsonl"))
    if carrier == "csv":
        return [
            path for path in sorted(csv.glob("*.csv")) if "local-time" not in path.name and "union" not in path.name
        ]
    if carrier == "hub":
        return sorted((folder / "eventhub").glob("*.json"))
    graph = [
        path
        for path in sorted((folder / "graph-api").glob("*.json"))
        if path.name[0] in "ds" and "Principals" not in path.name
    ]
    return [*graph, *(json / name for name in _GRAPH_LA)]


@pytest.fixture(scope="module")
def graphs(constructed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Graph]:
    """One graph per carrier."""
    return {
        carrier: graph_of(tmp_path_factory.mktemp(carrier), *_files(constructed, carrier), users="all", tenant=TENANT)
        for carrier in CARRIERS
    }


@pytest.fixture(params=CARRIERS)
def graph(request: pytest.FixtureRequest, graphs: dict[str, Graph]) -> Graph:
    return graphs[request.param]


def _second(when: datetime | None) -> str | None:
    """To the second: Graph cuts the times of sign-ins."""
    return None if when is None else when.strftime("%H:%M:%S")


def _captions(graph: Graph) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for name, rows in graph.tables().items() if name.startswith("nodes/") for row in rows}


def test_every_act_leads_back_to_its_sign_in(graph: Graph) -> None:
    nodes = _captions(graph)
    found = sorted(
        (_second(e["firstAt"]), nodes[e["toKey"]]["caption"].split(" ")[0], _second(nodes[e["fromKey"]]["firstSeen"]),
         e["basis"], e["confidence"], e["events"], e["candidates"])
        for e in graph.edges("LED_TO")
    )  # fmt: skip
    token, window = ("token", "exact", 1, 1), ("window", "high", 1, 1)
    assert found == [
        ("06:00:02", "SecretGet", "06:00:02", *window),
        ("06:10:31", "storageaccounts/write", "06:10:00", *token),
        ("06:10:33", "storageaccounts/write", "06:10:00", *token),
        ("06:15:03", "SecretGet", "06:15:01", *window),
        ("08:07:20", "SecretList", "08:07:05", *window),
        ("08:07:22", "SecretGet", "08:07:05", *window),
        ("08:08:01", "SecretGet", "08:07:05", *window),
        ("08:12:51", "deployments/write", "08:12:20", *token),
        ("08:12:58", "VaultGet", "08:12:20", *window),
        ("08:13:04", "deployments/write", "08:12:20", *token),
        ("08:13:40", "roleassignments/write", "08:12:20", *token),
        ("08:20:31", "GET", "08:20:11", *token),
        ("08:31:54", "POST", "08:20:11", *token),
        ("08:31:55", "Update", "08:20:11", *window),
    ]


def test_identities_with_their_three_ids_and_names(graph: Graph) -> None:
    # Graph's sign-ins do not say who owns the resource: its app id is on the list of Microsoft's.
    rows = {
        row["identityId"]: (row["kind"], row["name"], row["formerNames"], row["formerIds"])
        for row in graph.nodes("Identity")
    }
    assert rows == {
        "app:9536314a-6327-486b-b65c-ae8d9b85ff85": (
            "application", "Azure Backup Agent", ["contoso-billing-sync"],
            ["reg:5a5ca5af-5ead-4cab-8ac6-6ca3e486b796", "sp:13b00951-7190-4249-a603-988a803ecbf7"]),
        "app:e00a7cc6-249a-4c8f-bc13-d8f339386589": (
            "application", "contoso-deploy", [],
            ["reg:c3b1406f-00d9-42c0-88da-7169b5b37a89", "sp:58d24623-0e05-4414-985f-28fa4b5bb5e4"]),
        "app:3f7c6dcb-4d66-4645-813e-b4817923fd13": (
            "application", "contoso-legacy-export-v2", ["contoso-legacy-export"],
            ["reg:dce7bc79-ddc2-432c-8484-9912e4d41834", "sp:ac2fe574-b076-42da-9400-ae31d13797ba"]),
        "app:91ca2ca8-0400-4643-af0e-f4aedba0d191": (
            "managedIdentity", "vm-build01", [], ["sp:880c7352-150d-40bf-a48d-136e2db0ed94"]),
        "app:dacb81db-4564-4349-b533-455ff76dce2b": (
            "managedIdentity", "la-nightly-report", [], ["sp:a63535d1-faa1-4815-b3db-656f292e13d4"]),
        "app:00000003-0000-0000-c000-000000000000": (
            "microsoft", None, [], ["sp:db093ab1-b21c-4b48-a8ec-6f53ad50c3c0"]),
        "app:797f4846-ba00-4fd7-ba43-dac1f8f63013": (
            "microsoft", None, [], ["sp:739cefb7-cd37-46f3-8f60-178433687209"]),
        "app:cfa8b339-82a2-471a-a3c9-0fc0be7a4093": (
            "microsoft", None, [], ["sp:4834aae3-2e13-4579-9ed2-da47418a5ea3"]),
        "app:e406a681-f3d4-42a8-90b6-c2b029497af1": (
            "microsoft", None, [], ["sp:047ddd1e-4c09-4ef3-a497-7fbfdc0b5a73"]),
        # "Managed Service Identity", which rotated a key: no record states its app id.
        "sp:b3dd5181-ed8a-417d-9965-7e369b47de5a": ("unknown", None, [], []),
    }  # fmt: skip


def test_two_renames_and_names_in_time(graph: Graph) -> None:
    nodes = _captions(graph)
    found = sorted(
        (nodes[e["fromKey"]]["objectId"][:8], e["basis"], _second(e["validFrom"]) or "", _second(e["validTo"]) or "",
         nodes[e["toKey"]]["value"], e["changeId"] is not None)
        for e in graph.edges("NAMED")
    )  # fmt: skip
    old, new = "contoso-billing-sync", "Azure Backup Agent"
    assert found == [
        ("13b00951", "audit", "", "07:58:31", old, False),
        ("13b00951", "audit", "07:58:31", "", new, True),
        ("13b00951", "signIn", "06:00:02", "06:00:20", old, False),
        ("13b00951", "signIn", "08:06:40", "08:20:11", new, False),
        ("58d24623", "signIn", "08:40:30", "08:40:30", "contoso-deploy", False),
        ("5a5ca5af", "audit", "", "07:58:31", old, False),
        ("5a5ca5af", "audit", "07:58:31", "", new, True),
        ("880c7352", "signIn", "06:10:00", "06:10:00", "vm-build01", False),
        ("a63535d1", "signIn", "06:15:01", "06:15:01", "la-nightly-report", False),
        ("ac2fe574", "audit", "", "10:15:00", "contoso-legacy-export", False),
        ("ac2fe574", "audit", "10:15:00", "", "contoso-legacy-export-v2", True),
        ("ac2fe574", "signIn", "09:30:00", "09:30:00", "contoso-legacy-export", False),
    ]
    # The records of application object and service principal are twins under one correlation id.
    changes = {row["key"]: row["correlationId"] for row in graph.nodes("Change")}
    assert len({changes[e["fromKey"]] for e in graph.edges("RENAMED_TO")}) == 2


def test_five_additions_one_removal_and_the_lives_of_credentials(graph: Graph) -> None:
    found = sorted(
        ((row["keyId"] or row["federatedId"])[:8], row["labels"].split(":")[1],
         _second(row["addedAt"]), _second(row["firstUsed"]),
         _second(row["lastUsed"]), _second(row["removedAt"]), row["origin"], row["displayName"])
        for row in graph.nodes("Credential")
    )  # fmt: skip
    c1 = "CN=backup-agent, OU=Operations, O=Contoso, C=DE"
    platform = "CN=91ca2ca8-0400-4643-af0e-f4aedba0d191"
    assert found == [
        ("12af5e5d", "Certificate", "08:05:47", "08:12:20", "08:12:20", None, "added", c1),
        ("2240e939", "Secret", "09:40:00", None, None, None, "added", None),
        ("252c1077", "Certificate", "05:10:00", None, None, None, "added", platform),
        ("3d8c2f4e", "Secret", None, None, None, None, "listed", None),
        ("8395a2fb", "Certificate", None, None, None, None, "listed", platform),
        ("aa69a500", "Secret", None, "06:00:02", "06:00:20", "09:02:10", "listed", "prod secret"),
        ("b9411010", "Secret", "08:03:14", "08:07:05", "08:20:11", None, "added", "backup, temp=1"),
        ("e2e28a0c", "FederatedCredential", "08:31:55", "08:40:30", "08:40:30", None, "added", "github-main"),
    ]
    assert graph.node("Credential", displayName=c1)["thumbprint"] == "49E41F7F976E944D7953AC067B7CCFA6800333AD"
    assert (len(graph.edges("ADDED")), len(graph.edges("REMOVED"))) == (5, 1)


def test_sign_ins_are_counted_and_the_address_of_an_application_is_derived(graph: Graph) -> None:
    found = sorted(
        (_second(row["firstSeen"]), row["resultCode"], row["linkedCount"], row["possibleSameAddressCount"],
         row["possibleOtherAddressCount"], row["unexplainedCount"])
        for row in graph.nodes("SignIn") if row["kind"] == "servicePrincipal"
    )  # fmt: skip
    assert found == [
        ("06:00:02", "0", 1, 0, 0, 0),
        ("06:00:20", "0", 0, 0, 0, 1),
        ("08:06:40", "7000215", 0, 0, 0, 0),
        ("08:07:05", "0", 1, 0, 0, 0),
        ("08:12:20", "0", 1, 0, 0, 0),
        ("08:20:11", "0", 1, 0, 0, 0),
        ("08:40:30", "0", 0, 0, 0, 1),
        ("09:30:00", "7000222", 0, 0, 0, 0),
    ]
    derived = [(e["toKey"], e["country"]) for e in graph.edges("FROM", basis="signIn")]
    assert derived == [("2001:db8:77::9", None)]


# Properties that a carrier cannot state alike: sizes, delays and repetitions of the delivery itself, and the type of
# credential, which only newer columns of Log Analytics name for managed identities.
_DELIVERY = {"bytes", "delayP50", "delayP95", "duplicates", "credentialType"}


def _without(table: list[dict[str, Any]], names: set[str]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in names} for row in table]


@pytest.mark.parametrize("carrier", ["blob", "json", "hub"])
def test_carriers_with_full_times_give_equal_graphs(graphs: dict[str, Graph], carrier: str) -> None:
    expected, found = graphs["export"].tables(), graphs[carrier].tables()
    names = [name for name in expected if not name.endswith("/Indicator") and not name.endswith("/INDICATES")]
    for name in names:
        assert _without(found[name], _DELIVERY) == _without(expected[name], _DELIVERY), name


def _in_milliseconds(value: Any) -> Any:
    return value.replace(microsecond=value.microsecond // 1000 * 1000) if isinstance(value, datetime) else value


def test_the_portals_csv_differs_by_parts_of_milliseconds_only(graphs: dict[str, Graph]) -> None:
    # Keys of edges in time and of gaps hold the instant; lags are differences of cut times.
    skipped = _DELIVERY | {"key", "fromKey", "toKey", "minLag", "maxLag"}
    for name, expected in graphs["export"].tables().items():
        found = graphs["csv"].tables()[name]
        if name.endswith(("/Indicator", "/INDICATES", "HAS_GAP")):
            continue
        cut = [
            sorted(str({k: _in_milliseconds(v) for k, v in row.items()}) for row in _without(table, skipped))
            for table in (found, expected)
        ]
        assert cut[0] == cut[1], name
