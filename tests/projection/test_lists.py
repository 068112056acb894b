"""What the operator's lists add to the graph of the demo's logs: names, risk, owners, places; and no edge."""

from __future__ import annotations

import pytest

from graphcorr.config import Config, parse_config
from tests.demo import LOGS
from tests.endtoend.harness import Graph, Place

DEPLOY = "e00a7cc6-249a-4c8f-bc13-d8f339386589"
LISTED = parse_config(f"""
[first_party]
"{DEPLOY}" = "Microsoft Deploy"

[[networks]]
name = "office"
cidr = "203.0.113.0/26"
purpose = "egress"

[[issuers]]
issuer = "https://token.actions.githubusercontent.com"

[[risks]]
kind = "azureRole"
value = "b24988ac-6180-42a0-ab88-20f7382dd24c"
risk = "high"

[[owners]]
id = "{DEPLOY}"
owner = "platform team"
tier = "tier 1"

[azure]
ranges = ["198.51.100.128/25"]
""")


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Graph, Graph]:
    """The demo's graph without and with lists."""
    place = Place(tmp_path_factory.mktemp("lists"))
    place.load(LOGS / "logs")
    plain = place.graph(Config())
    kept = {name: list(rows) for name, rows in plain.tables().items()}
    listed = place.graph(LISTED)
    plain.tables = lambda: kept  # type: ignore[method-assign]
    return plain, listed


CASES = [
    ("Application", {"appId": DEPLOY}, {"name": None}, {"name": "Microsoft Deploy", "skeleton": "mlcrosoftdeploy"}),
    ("AzureRole", {"name": "Contributor"}, {"risk": "medium"}, {"risk": "high"}),
    ("IPAddress", {"address": "198.51.100.140"}, {"scope": "documentation"}, {"scope": "azure", "declared": False}),
    (
        "IPAddress",
        {"address": "203.0.113.10"},
        {"network": "203.0.113.0/24", "purpose": None, "declared": False},
        {"network": "office", "purpose": "egress", "declared": True},
    ),
    ("Identity", {"appId": DEPLOY}, {"owner": None, "tier": None}, {"owner": "platform team", "tier": "tier 1"}),
    ("Credential", {"displayName": "github-main"}, {"issuerDeclared": None}, {"issuerDeclared": True}),
]


@pytest.mark.parametrize(("label", "which", "without", "listed"), CASES)
def test_lists_describe(
    graphs: tuple[Graph, Graph],
    label: str,
    which: dict[str, str],
    without: dict[str, object],
    listed: dict[str, object],
) -> None:
    for graph, expected in zip(graphs, (without, listed), strict=True):
        (row,) = [
            row for row in graph.tables()[f"nodes/{label}"] if all(row[name] == value for name, value in which.items())
        ]
        assert {name: row[name] for name in expected} == expected


def test_lists_join_nothing(graphs: tuple[Graph, Graph]) -> None:
    plain, listed = (graph.tables() for graph in graphs)
    for name in plain:
        assert [row["key"] for row in plain[name]] == [row["key"] for row in listed[name]], name
