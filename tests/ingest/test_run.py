"""Reading as a whole: batches, counts, determinism, and the real loaders on all records there are."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from ingest_samples import J1, J2, LOADERS, Kept

from graphcorr.errors import ConfigError
from graphcorr.ingest import run
from graphcorr.ingest.columns import table_of
from graphcorr.ingest.loader import Carrier, Loader
from graphcorr.ingest.run import ReadOptions, read_logs
from graphcorr.records import Activity


def test_a_delivery_says_how_the_record_came(read, tmp_path):
    tenant = "d9139857-9d9d-40ae-b846-10539c9dfb58"
    delivered, _ = read(J1, options=ReadOptions(tenant_id=tenant))
    only = delivered[0]
    assert (only.carrier, only.raw, only.raw_size, only.line) == ("logAnalytics", J1, len(J1), 1)
    assert only.raw_hash == sha256(J1).hexdigest()[:32]
    assert (only.file, only.path_tenant_id, only.given_tenant_id) == (str(tmp_path / "0" / "input"), None, tenant)


def test_records_come_in_batches_over_file_borders(monkeypatch, tmp_path):
    monkeypatch.setattr(run, "BATCH_RECORDS", 4)
    for name in "ab":
        (tmp_path / name).write_bytes(b"\n".join([J1, J2, J1]))
    steps = []

    def progress(what, done, total):
        steps.append((what, done))

    sink = Kept()
    report = read_logs([tmp_path], sink, registry=LOADERS, progress=progress)
    assert [len(batch) for batch in sink.batches] == [4, 2]
    assert (report.records, report.repeated, report.by_source) == (6, 2, {"Alpha": 6})
    assert steps == [("records read", 3), ("records read", 4), ("records read", 6)]


def test_large_records_make_small_batches(monkeypatch, tmp_path):
    monkeypatch.setattr(run, "BATCH_BYTES", 2 * len(J1))
    (tmp_path / "a").write_bytes(b"\n".join([J1] * 5))
    sink = Kept()
    read_logs([tmp_path], sink, registry=LOADERS)
    assert [len(batch) for batch in sink.batches] == [2, 2, 1]


def test_what_says_nothing_is_counted(read):
    _, report = read(b'{"Type":"Alpha","N":"empty"}\n' + J1)
    assert (report.records, report.without_content, report.problem_count) == (1, 1, 0)


def test_one_object_may_give_several_records(read):
    alpha = LOADERS[0]
    parse = next(iter(alpha.parse.values()))
    twice = replace(alpha, parse=dict.fromkeys(alpha.parse, lambda obj, context: [parse(obj, context)] * 2))
    delivered, report = read(J1, loaders=[twice])
    assert [(d.line, d.raw) for d in delivered] == [(1, J1), (1, J1)]
    assert (report.records, report.repeated) == (2, 0)


def test_a_file_read_twice_gives_the_same(read):
    content = b"\n".join([J1, J2, b"nonsense"])
    assert [d.raw_hash for d in read(content)[0]] == [d.raw_hash for d in read(content)[0]]


# source → records of all carriers in the constructed files
@pytest.fixture(scope="module")
def constructed_report(constructed):
    sink = Kept()
    return sink, read_logs([constructed], sink)


def test_every_constructed_file_is_read(constructed_report):
    sink, report = constructed_report
    assert [(p.file.rpartition("/")[2], p.line) for p in report.problems] == [("AuditLogs-local-time.csv", 1)]
    assert (report.skipped, report.without_content) == (0, 0)
    assert len(sink.all) == report.records


def test_the_event_hub_messages_hold_41_records(constructed):
    sink = Kept()
    report = read_logs([constructed / "eventhub"], sink)
    counts = Counter(report.not_loaded) + Counter(report.by_source)
    assert sum(counts.values()) == 41
    first, second = report.files
    assert (first.shapes, second.shapes) == (("records",), ("array",))
    for delivered in sink.all:
        assert delivered.line == 1
        assert delivered.raw in Path(delivered.file).read_bytes()


def test_the_blob_tree_states_the_tenant(constructed_report):
    sink, _ = constructed_report
    blobs = {d.path_tenant_id for d in sink.all if "/blob/" in d.file}
    assert blobs == {"d9139857-9d9d-40ae-b846-10539c9dfb58"}


def test_raw_is_json_and_hashes_follow_it(constructed_report):
    sink, _ = constructed_report
    for delivered in sink.all:
        assert isinstance(json.loads(delivered.raw), dict)
        assert delivered.raw_hash == sha256(delivered.raw).hexdigest()[:32]


@pytest.mark.shared_data
def test_every_observed_file_passes_through(shared_data):
    sink = Kept()
    report = read_logs(sorted(path for path in shared_data.iterdir() if path.name != "constructed"), sink)
    named = {(p.file.rpartition("/")[2], p.line) for p in report.problems}
    assert {name for name in named if name[0].endswith((".json", ".jsonl"))} == {
        ("applications-beta-list.json", 5),  # the two state no object id
        ("servicePrincipals-beta-list.json", 5),
        ("flattened-vm-extension-stratus.invalid.json", 17),
        ("signIns-v1-list.invalid.json", 64),
    }
    assert all(b"[redacted]" not in delivered.raw for delivered in sink.all)


def _of_one_loader(read, records, **made):
    """What is read of rows with a loader that makes records of these fields, or raises what is given."""

    def parse(obj, context):
        found = {name: value(obj) if callable(value) else value for name, value in made.items()}
        return Activity(**{"source": "Made", "event_key": "k", "service": "s", "operation": "o", **found})

    loader = Loader(source="Made", record=Activity, title="t", parse={Carrier.ROW: parse})
    return read("\n".join(records).encode(), loaders=[loader])


ROW = '{"Type":"Made","TimeGenerated":"2026-05-11T08:00:00Z","N":1}'


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"event_key": None}, "the loader of Made made no Activity of its source with an event key"),
        ({"source": "Other"}, "the loader of Made made no Activity of its source with an event key"),
        ({"operation": {"a": 1}}, "the loader of Made put a dict into Activity.operation, which takes string"),
        ({"at": "2026-05-11"}, "the loader of Made put a str into Activity.at, which takes timestamp"),
    ],
)
def test_a_mistake_in_a_loader_is_told_as_such(read, made, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        delivered, _ = _of_one_loader(read, [ROW], **made)
        table_of(Activity, [one.record for one in delivered])


def test_a_shape_that_a_loader_does_not_know_names_the_loader(read):
    _, report = _of_one_loader(read, [ROW], operation=lambda obj: obj["Nope"])
    (problem,) = report.problems
    assert (problem.message, problem.hint) == (
        "unexpected shape: KeyError: 'Nope'",
        "the loader of Made does not know it",
    )
