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
        ("ip\n198.51.100.7\n203.0.113.9\n", {"AddressList": 2}),
        ('"IP Address"\r\n"198.51.100.7"\r\n', {"AddressList": 1}),
        ('\'198.51.100.7\'\n"203.0.113.9","proxy"\n', {"AddressList": 2}),
        ("[2001:db8::1]:443\n", {"AddressList": 1}),
        ('["198.51.100.7", "203.0.113.0\\/28",\n "[2001:db8::1]:443"]', {"AddressList": 3}),
        ('[\n  "198.51.100.7",\n  "203.0.113.9"\n]\n', {"AddressList": 2}),
        ('[{"ip": "198.51.100.7", "description": "scanner"}]', {"AddressList": 1}),
        ('{"cidr": "203.0.113.0/28", "sblid": "SBL1", "rir": "arin"}\n', {"AddressList": 1}),
        (
            '# a feed\n#\n"first_seen_utc","dst_ip","c2_status"\n"2026-05-02","198.51.100.7","online"\n# 1 entry',
            {"AddressList": 1},
        ),
        ("198.51.100.7 - 198.51.100.8 proxy\n", {"AddressList": 2}),
        ('198.51.100.7 - - [11/May/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 12\n', {}),
        ("# a page\n\nSome text, with commas\n", {}),
        ("IPAddress\n198.51.100.7\n", {}),
        ("IPAddress,Status\n198.51.100.7,0\n", {}),
        ("IndicatorId,NetworkIP\nx,198.51.100.7\n", {"ThreatIntelligenceIndicator": 1}),
        ("ip,my_own_column\n198.51.100.7,x\n", {}),
        ('["x", "198.51.100.7"]', {}),
        ('[{"ipAddress": "198.51.100.7"}]', {}),
        ("some words\nin lines\n", {}),
        ("TimeGenerated,IPAddress\n2026-05-11T08:00:00Z,198.51.100.7\n", {}),
        ("IPAddress,UserId\n198.51.100.7,u\n", {}),
    ],
)
def test_lists_of_addresses_and_logs_with_addresses_are_told_apart(text, sources, tmp_path):
    path = tmp_path / "feed.txt"
    path.write_text(text)
    assert read_logs([path], Nowhere()).by_source == sources


@pytest.mark.parametrize(
    ("text", "lines", "problem"),
    [
        ('["198.51.100.7",\n"203.0.113.9", "x"]', [1, 2], (2, "not an address or network: 'x'")),
        ("# a\n\nip,port\n198.51.100.7,1\n# b\nx,2\n", [4], (6, "not an address or network: 'x'")),
        ("ip\n198.51.100.7\n\n203.0.113.9\n198.51.100.8\nx", [2, 4, 5], (6, "not an address or network: 'x'")),
    ],
)
def test_lines_of_a_list_are_counted_from_the_first_one_of_the_file(text, lines, problem, tmp_path):
    path = tmp_path / "feed.txt"
    path.write_text(text)
    sink = []
    report = read_logs([path], type("Sink", (), {"add": lambda self, batch: sink.extend(batch)})())
    assert [found.line for found in sink] == lines
    assert [(found.line, found.message) for found in report.problems] == [problem]


def test_a_list_with_other_columns_is_told_what_a_list_may_have(tmp_path):
    path = tmp_path / "feed.csv"
    path.write_text("ip,my_own_column\n198.51.100.7,x\n")
    (problem,) = read_logs([path], Nowhere()).problems
    assert problem.message == "no known log: ip, my_own_column"
    assert problem.hint is not None
    assert problem.hint.endswith("a list of addresses has no columns but those in docs/sources.md")
