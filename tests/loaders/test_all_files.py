"""Every file of the shared records is read by the loader of its log, and by no other; unread tables are named."""

from __future__ import annotations

from pathlib import Path

import loader_cases
import pytest
import yaml

from graphcorr.ingest.run import read_logs

HERE = Path(__file__).resolve().parent


class Nowhere:
    def add(self, batch):
        pass


@pytest.mark.shared_data
def test_every_file_gives_the_stated_records(shared_data):
    expected = yaml.safe_load((HERE / "shared_data.yaml").read_text("utf-8"))["files"]
    found = {}
    for path in sorted(path for path in shared_data.rglob("*") if path.is_file()):
        name = path.relative_to(shared_data).as_posix()
        if path.suffix == ".md" or name.startswith("licences") or path.name.startswith("."):
            continue
        report = read_logs([path], Nowhere())
        found[name] = {**report.by_source, **{f"not loaded: {table}": n for table, n in report.not_loaded.items()}}
        if report.problem_count:
            found[name]["problems"] = report.problem_count
    assert found == expected


# The same two records as an answer of the query interface.
@pytest.mark.parametrize("name", ["MicrosoftGraphActivityLogs", "LogicAppWorkflowRuntime", "ThreatIntelIndicators"])
def test_an_answer_of_the_query_interface_gives_the_records_of_its_rows(name, constructed, tmp_path):
    import json

    rows = [json.loads(line) for line in (constructed / f"log-analytics-json/{name}.jsonl").read_text().splitlines()]
    columns = list(rows[0])
    table = {"name": "PrimaryResult", "columns": [{"name": column, "type": "string"} for column in columns]}
    # Dynamic columns arrive as text here.
    cells = [[json.dumps(row[c]) if isinstance(row[c], dict) else row[c] for c in columns] for row in rows]
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"tables": [{**table, "rows": cells}]}))
    assert [d.record for d in loader_cases.read(path)] == [
        d.record for d in loader_cases.read(constructed / f"log-analytics-json/{name}.jsonl")
    ]


LIST = """\
# Feed of 2026-05-09, made of 3 addresses, one a line
198.51.100.77
; another comment
203.0.113.7/28 ; SBL1

2001:DB8::0:1\t# scanner
300.1.2.3
198.51.100.77
"""


def test_a_plain_list_is_known_by_its_content(tmp_path):
    path = tmp_path / "feed"
    path.write_text(LIST)
    sink = []
    report = read_logs([path], type("Sink", (), {"add": lambda self, batch: sink.extend(batch)})())
    assert [(d.line, d.record.value, d.record.description, d.record.tenant_id) for d in sink] == [
        (2, "198.51.100.77", None, None),
        (4, "203.0.113.0/28", "SBL1", None),
        (6, "2001:db8::1", "scanner", None),
        (8, "198.51.100.77", None, None),
    ]
    assert [(p.line, p.message) for p in report.problems] == [(7, "not an address or network: '300.1.2.3'")]
    assert len({d.record.event_key for d in sink}) == 3
    (file,) = report.files
    assert file.shapes == ("list",)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("198.51.100.7", {"AddressList": 1}),
        ("198.51.100.7\n", {"AddressList": 1}),
        ("198.51.100.7,scanner\n203.0.113.9,proxy\n", {"AddressList": 2}),
        ("ip;comment\n198.51.100.7;scanner\n", {"AddressList": 1}),
        ("some words\nin lines\n", {}),
        ("TimeGenerated,IPAddress\n2026-05-11T08:00:00Z,198.51.100.7\n", {}),
        ("IPAddress,UserId\n198.51.100.7,u\n", {}),
    ],
)
def test_lists_of_addresses_and_logs_with_addresses_are_told_apart(text, sources, tmp_path):
    path = tmp_path / "feed.txt"
    path.write_text(text)
    assert read_logs([path], Nowhere()).by_source == sources
