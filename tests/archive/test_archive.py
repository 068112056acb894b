"""The archive is a set of events: whatever is delivered how often, in which order, and wherever a load is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_samples import (
    KEY,
    NOON,
    RENAME,
    ROLE,
    activity,
    batch,
    change,
    content,
    delivered,
    events,
    load,
    rows,
    sign_in,
    versions,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcorr.archive import archive as module
from graphcorr.archive import parts
from graphcorr.archive.archive import Archive, ArchiveReport, Evidence, InputFact
from graphcorr.archive.duck import connect, create_view
from graphcorr.errors import UsageError
from graphcorr.ingest.loader import Carrier
from graphcorr.records import KINDS, DirectoryObject, Indicator, RiskEvent, WorkflowEvent

GUID = "8bdb4a20-6f3f-4a5c-9f2e-0a1b2c3d4e5f"
TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
NEXT_DAY = NOON + timedelta(days=1)


def test_an_empty_archive_answers_everything_with_nothing(tmp_path):
    archive = Archive(tmp_path / "archive")
    assert [archive.files(kind) for kind in (*KINDS, "raw", "origins", "inputs")] == [[]] * (len(KINDS) + 3)
    assert archive.days("sign_ins") == {}
    assert archive.inputs() == []
    assert archive.evidence(GUID) == []
    assert archive.compact(1) == {}
    assert not (tmp_path / "archive").exists()


def test_what_goes_in_comes_out_with_every_field(tmp_path):
    listed = DirectoryObject(
        source="inventory", event_key="o-1", object_type="application", keys=(KEY,), full_lists=("keys",)
    )
    others = [
        Indicator(
            source="ThreatIntelIndicators", event_key="i-1", indicator_id="i-1", value="192.0.2.0/24", confidence=80
        ),
        RiskEvent(source="AADServicePrincipalRiskEvents", event_key="r-1", at=NOON, key_ids=("k-1",)),
        WorkflowEvent(source="LogicAppWorkflowRuntime", event_key="w-1", at=NOON, operation="workflowRunStarted"),
    ]
    archive = load(
        tmp_path, [delivered(record) for record in (sign_in(GUID, ip="192.0.2.1"), RENAME, ROLE, listed, *others)]
    )
    found = {kind: rows(archive, kind) for kind in KINDS}
    assert {kind: len(of_kind) for kind, of_kind in found.items()} == dict.fromkeys(KINDS, 1)
    (row,) = found["sign_ins"]
    assert list(row) == archive.schema("sign_ins").names
    assert {name: value for name, value in row.items() if value is not None and not name.startswith("raw")} == {
        "source": "AADServicePrincipalSignInLogs", "event_key": GUID, "whole_seconds": False, "at": NOON,
        "at_is_event_time": True, "kind": "servicePrincipal", "ip": "192.0.2.1", "carrier": "diagnosticExport",
        "rank": 5, "day": date(2026, 5, 11),
    }  # fmt: skip
    assert [n["new"] for n in found["directory_changes"][0]["names"]] == ["Billing"]
    assert found["directory_changes"][0]["owners"] == []
    (acted,) = found["activities"]
    assert (acted["grants"][0]["value"], acted["roles"], acted["scopes"], acted["wids"]) == (
        "Owner",
        ["Mail.Read"],
        [],
        None,
    )
    (undated,) = found["directory_objects"]
    assert (undated["at"], undated["day"]) == (None, date(1970, 1, 1))
    assert (undated["keys"][0]["expires_at"], undated["full_lists"]) == (KEY.expires_at, ["keys"])


@pytest.mark.parametrize("compared", [module._COMPARED_ROWS, 1])
def test_a_report_counts_new_and_known_versions(tmp_path, monkeypatch, compared):
    monkeypatch.setattr(module, "_COMPARED_ROWS", compared)
    items = [delivered(sign_in("a")), delivered(sign_in("a")), delivered(sign_in("b", NEXT_DAY)), delivered(RENAME)]
    archive = Archive(tmp_path)
    reports = []
    for _ in range(2):
        with archive.staging() as staging:
            staging.add(batch(items))
            reports.append(staging.commit())
    days = {"sign_ins": frozenset({NOON.date(), NEXT_DAY.date()}), "directory_changes": frozenset({NOON.date()})}
    source = "AADServicePrincipalSignInLogs"
    assert reports == [
        ArchiveReport({source: 2, "AuditLogs": 1}, {source: 1, "AuditLogs": 0}, days, 3),
        ArchiveReport({source: 0, "AuditLogs": 0}, {source: 3, "AuditLogs": 1}, {}, 0),
    ]


def test_leaving_without_commit_adds_nothing_and_leaves_nothing(tmp_path):
    archive = Archive(tmp_path)
    with archive.staging() as staging:
        staging.add(batch([delivered(sign_in("a"))]))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert archive.files("sign_ins") == []


def test_an_empty_load_commits(tmp_path):
    assert load(tmp_path).files("sign_ins") == []


def test_days_change_where_rows_were_added_and_nowhere_else(tmp_path):
    before = load(tmp_path, [delivered(sign_in("a")), delivered(sign_in("b", NEXT_DAY))]).days("sign_ins")
    same = load(tmp_path, [delivered(sign_in("a"))]).days("sign_ins")
    after = load(tmp_path, [delivered(sign_in("c", NEXT_DAY))]).days("sign_ins")
    assert before == same
    assert [day for day in after if after[day] != before[day]] == [NEXT_DAY.date()]
    files = Archive(tmp_path).files("sign_ins", [NEXT_DAY.date()])
    assert len(files) == 2
    assert all(Path(file).is_absolute() and "day=2026-05-12" in file for file in files)


def test_a_tenant_given_later_is_kept_beside_the_first_delivery(tmp_path):
    record = sign_in(GUID)
    load(tmp_path, [delivered(record)])
    archive = load(tmp_path, [delivered(record, given=TENANT)])
    assert len(set(versions(archive, "sign_ins"))) == 1
    (event,) = events(archive, "sign_ins")
    assert (event["given_tenant_id"], event["versions"], event["raw_size"]) == (TENANT, 1, len(delivered(record).raw))


def test_a_raw_text_with_several_records_is_kept_once(tmp_path):
    both = [delivered(sign_in(key), raw=b"{page}", line=7) for key in ("a", "b")]
    archive = load(tmp_path, both)
    assert [(row["raw"], row["day"]) for row in rows(archive, "raw")] == [(b"{page}", NOON.date())]
    assert [(row["file"], row["line"]) for row in rows(archive, "origins")] == [("logs.json", 7)]


def test_hostile_values_neither_stop_a_load_nor_reach_sql(tmp_path):
    name = "x'); DROP TABLE fresh; --\x00\ud800"
    root = tmp_path / "day=2020-01-01" / "kind=x" / "it's a 'home' * {x} ü"
    huge = Indicator(
        source="ThreatIntelIndicators", event_key="i", indicator_id="i", value="192.0.2.1", confidence=2**70
    )
    load(root, [delivered(sign_in("a", user_name=name), raw=b"\xff{", file="/logs/\udcff.json"), delivered(huge)])
    archive = load(root, [delivered(sign_in("a", user_name=name), raw=b"\xff{", file="/logs/\udcff.json")])
    (row,) = rows(archive, "sign_ins")
    assert (row["user_name"], row["kind"]) == ("x'); DROP TABLE fresh; --\x00?", "servicePrincipal")
    assert row["day"] == NOON.date()
    assert [row["confidence"] for row in rows(archive, "indicators")] == [None]
    (evidence,) = archive.evidence("a")
    assert (evidence.raw, evidence.origins) == ("\ufffd{", (("/logs/?.json", 1),))
    assert archive.evidence("a' OR '1'='1") == []


@pytest.mark.parametrize("name", ["[old]", "50%", "a^b", "a|b", "a\\b"])
def test_a_home_that_the_tables_cannot_live_in_is_refused_at_once(tmp_path, name):
    with pytest.raises(UsageError, match="choose another home"):
        Archive(tmp_path / name)


# -- evidence -------------------------------------------------------------------------------------------------------


def test_evidence_shows_every_version_with_every_place(tmp_path):
    seen = [
        delivered(sign_in(GUID), Carrier.EXPORT, b'{"a":1}', "one.json", 3),
        delivered(sign_in(GUID), Carrier.EXPORT, b'{"a":1}', "two.json", 5),
        delivered(sign_in(GUID, NEXT_DAY, at_is_event_time=False), Carrier.CSV, b'{"Id":1}', "rows.csv", 2),
        delivered(sign_in("other")),
    ]
    archive = load(tmp_path, seen)
    source, export = "AADServicePrincipalSignInLogs", "diagnosticExport"
    places = (("one.json", 3), ("two.json", 5))
    expected = [
        Evidence("sign_ins", source, GUID, NOON, export, seen[0].raw_hash, '{"a":1}', places),
        Evidence("sign_ins", source, GUID, NEXT_DAY, "csv", seen[2].raw_hash, '{"Id":1}', (("rows.csv", 2),)),
    ]
    token_id = "IErbiz9vXEqfLgobLD1OXw"
    for spelling in (GUID, GUID.upper(), "{" + GUID + "}", token_id):
        assert archive.evidence(spelling) == expected, spelling


def test_evidence_finds_activities_by_event_data_id_and_coarser_exports_by_the_second(tmp_path):
    fine = delivered(activity("fine", second_key="second", event_data_id=GUID))
    coarse = delivered(activity("coarse", second_key="second", whole_seconds=True), Carrier.CSV)
    archive = load(tmp_path, [fine, coarse, delivered(activity("other", second_key="other"))])
    for event_id in (GUID, "fine", "second"):
        assert {e.event_key for e in archive.evidence(event_id)} == {"fine", "coarse"}, event_id


# -- inputs ---------------------------------------------------------------------------------------------------------


def test_inputs_are_remembered_once_with_their_span(tmp_path):
    archive = Archive(tmp_path)
    for _ in range(2):
        with archive.staging() as staging:
            staging.add(batch([delivered(sign_in("a", NEXT_DAY), file="x.csv"), delivered(change("c"), file="x.csv")]))
            staging.add(batch([delivered(sign_in("b"), file="x.csv")]))
            staging.note_input("x.csv", row_limit=True)
            staging.note_input("empty/PT1H.json")
            staging.commit()
    export = "diagnosticExport"
    assert archive.inputs() == [
        InputFact("empty/PT1H.json", None, None, None, None, 0, None, None, row_limit=False),
        InputFact("x.csv", "AADServicePrincipalSignInLogs", export, None, None, 2, NOON, NEXT_DAY, row_limit=True),
        InputFact("x.csv", "AuditLogs", export, None, None, 1, NOON, NOON, row_limit=True),
    ]


# -- compaction -----------------------------------------------------------------------------------------------------


def test_compaction_keeps_the_set_and_removes_what_nobody_needs(tmp_path):
    for hour in range(4):
        archive = load(tmp_path, [delivered(sign_in(f"k{hour}", NOON + timedelta(hours=hour), ip="192.0.2.1"))])
    load(tmp_path, [delivered(sign_in("far", NEXT_DAY))])
    orphan = tmp_path / "sign_ins" / "day=2026-05-11" / "part-of-a-killed-load.parquet"
    orphan.write_bytes(b"PAR1")
    before = (versions(archive, "sign_ins"), events(archive, "sign_ins"), archive.evidence("k2"))
    assert archive.compact(2) == {"sign_ins": 4, "raw": 4, "origins": 4, "inputs": 5}
    assert (versions(archive, "sign_ins"), events(archive, "sign_ins"), archive.evidence("k2")) == before
    assert len(list((tmp_path / "sign_ins").rglob("*.parquet"))) == 2
    assert archive.compact(2) == {}
    assert versions(load(tmp_path, [delivered(sign_in("k0", ip="192.0.2.1"))]), "sign_ins") == before[0]


def test_compaction_leaves_large_files_as_they_are(tmp_path, monkeypatch):
    for key in "ab":
        archive = load(tmp_path, [delivered(sign_in(key))])
    monkeypatch.setattr(module, "_SMALL_FILE", 100)
    assert archive.compact(1) == {}
    assert len(archive.files("sign_ins")) == 2


# -- a set, whatever the deliveries ------------------------------------------------------------------------------------

POOL = [
    *(
        delivered(sign_in(key, NOON + timedelta(hours=7 * i), ip=f"192.0.2.{i}"), file=f"{i}")
        for i, key in enumerate("aabbc")
    ),
    delivered(sign_in("a", NOON, country="DE"), Carrier.CSV),
    delivered(sign_in("c", None), Carrier.ROW, given=TENANT),
    delivered(activity("fine", second_key="s")),
    delivered(activity("coarse", second_key="s", whole_seconds=True), Carrier.CSV),
    delivered(RENAME),
]


POOL_KINDS = ("sign_ins", "activities", "directory_changes")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return load(tmp_path_factory.mktemp("whole"), POOL)


@settings(max_examples=6, derandomize=True)
@given(st.data())
def test_order_splitting_and_repetition_of_deliveries_change_nothing(whole, data):
    shuffled = data.draw(st.permutations(POOL + POOL[:5]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=2)))
    loads = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        for part in loads:
            archive = load(Path(folder), part[: len(part) // 2], part[len(part) // 2 :])
        assert content(archive, POOL_KINDS) == content(whole, POOL_KINDS)


# -- staging files that become the archive's --------------------------------------------------------------------------


def test_files_of_days_with_many_rows_become_the_archives_own_and_add_up_to_the_same_set(tmp_path, monkeypatch, whole):
    monkeypatch.setattr(parts, "OWN_FILE_ROWS", 2)
    for first, second in ((POOL[:4], POOL), (POOL + POOL, POOL[::-1])):
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            load(Path(folder), first)
            archive = load(Path(folder), second[:5], second[5:])
            assert content(archive, POOL_KINDS) == content(whole, POOL_KINDS)
            assert archive.inputs() != []
            for kind in POOL_KINDS:
                stored = [str(row) for row in rows(archive, kind)]
                assert len(stored) == len(set(stored)), kind
            archive.compact(1)
            assert content(archive, POOL_KINDS) == content(whole, POOL_KINDS)


def test_a_staging_file_is_taken_over_only_if_all_of_its_rows_are_new(tmp_path, monkeypatch):
    written = []
    real = module.write_deltalake
    monkeypatch.setattr(parts, "OWN_FILE_ROWS", 2)

    def noting(path, *given, **more):
        written.append(path.name)
        real(path, *given, **more)

    monkeypatch.setattr(module, "write_deltalake", noting)
    load(tmp_path, [delivered(sign_in(key)) for key in "ab"])
    assert written == ["raw", "origins", "inputs", "sign_ins"]  # empty tables, then the staging files
    written.clear()
    load(tmp_path, [delivered(sign_in(key)) for key in "cd"])
    assert written == []
    archive = load(tmp_path, [delivered(sign_in(key)) for key in "de"])
    assert written == ["raw", "origins", "sign_ins"]
    assert [key for key, _ in versions(archive, "sign_ins")] == list("abcde")
    assert [row["day"] for row in rows(archive, "sign_ins")] == [NOON.date()] * 5
    assert [evidence.origins for evidence in archive.evidence("c")] == [(("logs.json", 1),)]


def test_a_load_that_fails_while_files_are_taken_over_is_completed_by_repeating_it(tmp_path, monkeypatch):
    items = [delivered(sign_in(key)) for key in "abc"]
    complete = load(tmp_path / "whole", items)
    monkeypatch.setattr(parts, "OWN_FILE_ROWS", 2)

    def fail(*_given, **_more):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, "AddAction", fail)
        with pytest.raises(Killed):
            load(tmp_path / "killed", items)
    archive = load(tmp_path / "killed", items)
    assert content(archive, ["sign_ins"]) == content(complete, ["sign_ins"])
    assert len(list((tmp_path / "killed" / "raw").rglob("*.parquet"))) == 2  # one of them counts
    assert len(archive.files("raw")) == 1


# -- killed loads -----------------------------------------------------------------------------------------------------

WRITES = 6  # raw, origins, inputs, sign_ins, directory_changes, activities


class Killed(Exception):
    pass


@pytest.mark.parametrize("survived", range(WRITES))
@pytest.mark.parametrize("side_by_side", [module._SIDE_BY_SIDE, range(1_000)], ids=["one by one", "side by side"])
def test_a_load_that_fails_between_tables_is_completed_by_repeating_it(
    tmp_path, monkeypatch, whole, survived, side_by_side
):
    monkeypatch.setattr(module, "_SIDE_BY_SIDE", side_by_side)
    calls = []
    real = module.write_deltalake

    def failing(*args, **options):
        if len(calls) == survived:
            raise Killed
        calls.append(args)
        real(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_deltalake", failing)
        with pytest.raises(Killed):
            load(tmp_path / "killed", POOL)
    archive = Archive(tmp_path / "killed")
    raw = {row["raw_hash"] for row in rows(archive, "raw")}
    assert {raw_hash for kind in KINDS for _, raw_hash in versions(archive, kind)} <= raw
    load(tmp_path / "killed", POOL)
    assert content(archive, POOL_KINDS) == content(whole, POOL_KINDS)
    assert archive.inputs() == whole.inputs()
    assert list((tmp_path / "killed" / "staging").iterdir()) == []


KILLED_PROCESS = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from archive_samples import load
from graphcorr.archive import archive as module
from graphcorr.archive import parts
from test_archive import POOL
calls, real = [], module.write_deltalake
def killing(*args, **options):
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    calls.append(args)
    real(*args, **options)
module.write_deltalake = killing
load(Path(sys.argv[1]), POOL)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_killed_process_leaves_an_archive_that_the_next_load_completes(tmp_path, whole):
    here = Path(__file__).resolve().parent
    command = [sys.executable, "-c", KILLED_PROCESS, str(tmp_path / "killed"), "4", str(here), str(here.parents[1])]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    archive = Archive(tmp_path / "killed")
    assert len(list((tmp_path / "killed" / "staging").iterdir())) == 1
    assert (len(archive.files("sign_ins")) > 0, archive.files("activities")) == (True, [])
    load(tmp_path / "killed", POOL)
    assert content(archive, POOL_KINDS) == content(whole, POOL_KINDS)
    assert list((tmp_path / "killed" / "staging").iterdir()) == []


def test_a_view_over_older_files_has_the_fields_that_their_structs_lack(tmp_path):
    older, newer = ([{"id": "a"}], [{"id": "b", "type": "User"}])
    files = [str(tmp_path / name) for name in ("older.parquet", "newer.parquet")]
    for file, targets in zip(files, (older, newer), strict=True):
        pq.write_table(pa.table({"targets": pa.array([targets])}), file)
    text = pa.string()
    schema = pa.schema({"targets": pa.list_(pa.struct({"type": text, "id": text, "name": text}))})
    with connect(tmp_path / "spill") as duck:
        for name, some in (("v", files), ("alone", files[:1])):
            create_view(duck, name, some, schema)
        both, alone = (duck.sql(f"SELECT targets FROM {name}").to_arrow_table().to_pylist() for name in ("v", "alone"))
    assert both == [
        {"targets": [{"type": None, "id": "a", "name": None}]},
        {"targets": [{"type": "User", "id": "b", "name": None}]},
    ]
    assert alone == both[:1]


def test_a_view_over_older_files_has_the_columns_they_lack(tmp_path):
    archive = load(tmp_path, [delivered(sign_in("a"))])
    schema = archive.schema("sign_ins")
    newer = schema.insert(3, schema.field("at").with_name("seen_at"))
    with connect(tmp_path / "spill") as duck:
        create_view(duck, "v", archive.files("sign_ins"), newer)
        table = duck.sql("SELECT * FROM v").to_arrow_table()
    assert table.column_names == newer.names
    assert table.column("seen_at").to_pylist() == [None]
    assert table.column("at").to_pylist() == [datetime(2026, 5, 11, 12, tzinfo=UTC)]
