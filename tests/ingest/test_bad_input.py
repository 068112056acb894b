"""Bad input is named with file and line and what to do; good input beside it is read; nothing raises."""

from __future__ import annotations

import copy
import gzip
import json
import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ingest_samples import (
    BATCH,
    FRAMES,
    J1,
    J2,
    KUSTO_ROWS,
    KUSTO_TABLES,
    MESSAGE,
    OLDER_TABLES,
    P1,
    P2,
    SHAPES,
    TABLES,
    zipped,
)

from graphcorr.ingest.csv_rows import MAX_CELL
from graphcorr.ingest.report import KEPT_PROBLEMS

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0"
CSV_HEAD = b"TimeGenerated,Type,N\n"
CSV_1 = b"2026-05-11T08:00:00Z,Alpha,1\n"

# content, operations read, (line, part of the message) of each problem
BAD = {
    "truncated last line": (J1 + b"\n" + J2[:-9], ["1"], [(2, "truncated")]),
    "invalid line between good ones": (J1 + b"\nnonsense\n" + J2, ["1", "2"], [(2, "not a JSON object")]),
    "invalid first line": (b'{"N":\n' + b"\n".join([J1, J2]), ["1", "2"], [(1, "not a JSON object")]),
    "only one good line after an invalid one": (b'{"N" 1}\n' + J1, ["1"], [(1, "not valid JSON")]),
    "a line that is no object": (J1 + b"\n17\n" + J2, ["1", "2"], [(2, "not an object: 17")]),
    "array of something else": (b'[1, "x", null,\n' + J1 + b"]", ["1"], [(1, "not an object")] * 3),
    "array cut off": (b"[\n" + J1 + b",\n" + J2 + b",\n" + J1[:20], ["1", "2"], [(4, "not valid JSON")]),
    "records cut off": (
        json.dumps({"records": [json.loads(J1), json.loads(J2)]}, indent=1).encode()[:-20],
        ["1"],
        [(10, "not valid JSON")],
    ),
    "trailing comma in an object": (b'{\n  "N": 1,\n}\n', [], [(3, "not valid JSON: Expecting property name")]),
    "broken pretty-printed object between good ones": (
        P1 + b'\n{\n  "N": 7,\n}\n' + P2,
        ["1", "2"],
        [(8, "not valid JSON")],
    ),
    "broken element in a pretty-printed list": (
        b'[\n  {\n    "N": 7,\n  },\n  ' + J1 + b",\n  " + J2 + b"\n]",
        ["1", "2"],
        [(4, "not valid JSON")],
    ),
    "invalid UTF-8 in a line": (J1 + b'\n{"Type":"Alpha","N":"\xe9"}\n' + J2, ["1", "2"], [(2, "UTF-8")]),
    "invalid UTF-8 in a document": (b'{\n"N":"\xe9"}', [], [(1, "not UTF-8")]),
    "half a surrogate pair": (J1 + b'\n{"Type":"Alpha","N":"\\ud800"}\n', ["1"], [(2, "not a JSON object")]),
    "broken UTF-16": ((J1 + b"\n").decode().encode("utf-16") + b"A", ["1"], [(None, "broken UTF-16")]),
    "nested too deeply": (J1 + b"\n" + b'{"a":' * 5000 + b"1" + b"}" * 5000, ["1"], [(2, "nested too deeply")]),
    "a secret nested too deeply": (
        J1 + b"\n" + b'{"a":' * 800 + b'{"password":"x"}' + b"}" * 800,
        ["1"],
        [(2, "nested too deeply")],
    ),
    "nested too deeply in a document": (b"[\n" + b"[" * 5000 + b"]" * 5000 + b"\n]", [], None),
    "not a number": (J1 + b'\n{"N": NaN}\n', ["1"], [(2, "not a JSON object")]),
    "empty file": (b"", [], [(None, "empty file")]),
    "blank file": (b" \r\n\n", [], [(None, "empty file")]),
    "picture": (PNG, [], [(None, "a binary file")]),
    "prose": (b"Dear all,\nplease find attached.\n", [], [(None, "neither JSON nor CSV")]),
    "Markdown": (b"# Logs, of today\n", [], [(None, "neither JSON nor CSV")]),
    "empty zip": (zipped(), [], []),
    "broken zip": (zipped(a=J1)[:40], [], [(None, "damaged zip")]),
    "good and bad in a zip": (zipped(a=PNG, b=J1), ["1"], [(None, "a binary file")]),
    "workbook": (zipped(**{"[Content_Types].xml": b"<x/>"}), [], [(None, "an Office document")]),
    "looks like no log": (b'{"some":"thing"}\n' + J1, ["1"], [(1, "no known log: some")]),
    "the loader refuses": (J1 + b'\n{"Type":"Alpha","N":"bad"}', ["1"], [(2, "bad number")]),
    "the loader stumbles": (J1 + b'\n{"Type":"Alpha","N":"crash"}', ["1"], [(2, "unexpected shape: KeyError")]),
    "a time that is none": (J1 + b'\n{"Type":"Alpha","N":1,"TimeGenerated":"soon"}', ["1"], [(2, "not a time")]),
    "table row of another length": (
        SHAPES["tables"][0].replace(b', null]', b"]"),
        ["2"],
        [(2, "the row has 3 values, the table 4 columns")],
    ),
    "CSV row with more cells": (
        CSV_HEAD + b"2026-05-11T08:00:00Z,Alpha,7,8,9\n" + CSV_1,
        ["1"],
        [(2, "the row has 5 cells, the header 3")],
    ),
    "CSV cut off": (CSV_HEAD + CSV_1 + b"2026-05-11T08:0", ["1"], [(3, "the last row has 1 cells, the header 3")]),
    "CSV without empty cells at the end": (
        CSV_HEAD.strip() + b",X,Y\n" + CSV_1 + CSV_1.strip() + b",,\n",
        ["1", "1"],
        [],
    ),
    "CSV in another encoding": (
        CSV_HEAD + b"2026-05-11T08:00:00Z,Alpha,\xfc\n" + CSV_1,
        ["1"],
        [(2, "not UTF-8")],
    ),
    "CSV of another kind": (b"City,People\nUlm,1\n", [], [(2, "no known log: City, People")]),
    "CSV with a lone carriage return": (CSV_HEAD + b"a,b,c\rx\n" + CSV_1, ["1"], [(2, "not a CSV row")]),
}  # fmt: skip
PARTIAL = {**TABLES, "error": {"code": "PartialError", "message": "the answer is too large"}}
BAD["an answer that says that it is partial"] = (
    json.dumps(PARTIAL).encode(),
    ["1", "2"],
    [(1, "the answer is partial: PartialError: the answer is too large")],
)
BAD["a partial answer, by PowerShell"] = (
    json.dumps({"Results": [json.loads(J1)], "Error": {"Code": "PartialError"}}).encode(),
    ["1"],
    [(1, "the answer is partial: PartialError")],
)
BAD["a partial answer of Kusto, version 1"] = (
    json.dumps(
        {"Tables": [{**OLDER_TABLES["Tables"][0], "Rows": [KUSTO_ROWS[0], {"Exceptions": ["too large"]}]}]}
    ).encode(),
    ["1"],
    [(1, "the answer is partial: too large")],
)
BAD["a partial answer of Kusto, version 1, told at its end"] = (
    json.dumps({**OLDER_TABLES, "Exceptions": ["too large"]}).encode(),
    ["1", "2"],
    [(1, "the answer is partial: too large")],
)
BAD["a partial answer of Kusto, version 2"] = (
    json.dumps(
        [
            *FRAMES[:-1],
            {
                "FrameType": "DataSetCompletion",
                "HasErrors": True,
                "OneApiErrors": [{"error": {"code": "LimitsExceeded", "@message": "too many rows"}}],
            },
        ],
    ).encode(),
    ["1", "2"],
    [(1, "the answer is partial: LimitsExceeded: too many rows")],
)
BAD["a progressive answer of Kusto"] = (
    json.dumps(
        [{**FRAMES[2], "FrameType": "TableHeader"}, {"FrameType": "TableFragment", "Rows": KUSTO_ROWS}]
    ).encode(),
    [],
    [(1, "rows of a progressive answer")],
)
BAD["an error instead of an answer, in a batch"] = (
    json.dumps(
        {"responses": [{"id": "1", "status": 403, "body": {"error": {"code": "Forbidden"}}}, *BATCH["responses"]]}
    ).encode(),
    ["1", "2"],
    [(1, "an error instead of an answer: Forbidden")],
)
BAD["a message of an event hub that is no JSON"] = (
    json.dumps({**MESSAGE, "Body": "hello"}).encode() + b"\n" + J2,
    ["2"],
    [(1, "not an object: hello")],
)
BAD["a list by PowerShell that is cut off"] = (
    b'{"Results":[\n' + J1 + b",\n" + J2[:-9],
    ["1"],
    [(3, "not valid JSON")],
)
_NOISE = [b'{"Type":"Alpha","N":1,"x":"' + os.urandom(300).hex().encode() + b'"}' for _ in range(9)]
_packed = gzip.compress(b"\n".join([J1, *_NOISE]))
BAD["half a gzip"] = (_packed[: len(_packed) - 30], None, [(None, "damaged or cut off")])


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_reported_and_the_rest_is_read(read, kind):
    content, operations, problems = BAD[kind]
    delivered, report = read(content, J2)
    assert delivered[-1].record.operation == "2", "the next file is read"
    found = [d.record.operation for d in delivered[:-1]]
    if operations is None:
        assert found[:1] == ["1"]
    else:
        assert found == operations
    if problems is None:
        assert report.problem_count >= 1
        return
    shown = [problem for problem in report.problems if operations is not None or "truncated" not in problem.message]
    assert len(shown) == len(problems), report.problems
    for problem, (line, message) in zip(report.problems, problems, strict=False):
        assert (problem.line, message in problem.message) == (line, True), problem
        assert problem.file.split("!")[0] == report.files[0].path


@pytest.mark.parametrize("kind", [kind for kind in BAD if "partial" in kind])
def test_a_partial_answer_counts_as_cut_off(read, kind):
    _, report = read(BAD[kind][0], J2)
    assert [file.cut_off for file in report.files] == [True, False]


# What may stand where a wrapper has something else.
_ODD = st.sampled_from(
    [
        None,
        True,
        0,
        1e300,
        "",
        "x",
        "[]",
        '{"records":[1]}',
        [],
        [[]],
        [1],
        ["x"],
        [None],
        {},
        {"a": {}},
        {"value": [7]},
    ]
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    wrapper=st.sampled_from([TABLES, OLDER_TABLES, KUSTO_TABLES, FRAMES, BATCH, [{**MESSAGE, "Body": "{}"}], PARTIAL]),
    data=st.data(),
)
def test_no_odd_value_in_a_wrapper_raises(read, wrapper, data):
    changed = copy.deepcopy(wrapper)
    for _ in range(data.draw(st.integers(1, 3))):
        inside = changed
        while True:
            key = data.draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside))))
            deeper = inside[key] if isinstance(inside[key], dict | list) and inside[key] else None
            if deeper is None or data.draw(st.booleans()):
                break
            inside = deeper
        inside[key] = copy.deepcopy(data.draw(_ODD))
    delivered, _ = read(json.dumps(changed).encode(), J1)
    assert delivered[-1].record.operation == "1"


def test_ten_megabytes_in_one_field(read):
    big = b"x" * (10 << 20)
    lines = b'{"Type":"Alpha","N":1,"x":"' + big + b'"}\n' + J2
    rows = CSV_HEAD.strip() + b",x\n" + CSV_1.strip() + b"," + big
    delivered, report = read(lines, rows)
    assert [d.record.operation for d in delivered] == ["1", "2", "1"]
    assert report.problems == ()


def test_a_cell_beyond_the_limit_is_a_problem(read, monkeypatch):
    monkeypatch.setattr("graphcorr.ingest.csv_rows.MAX_CELL", 1000)
    delivered, report = read(CSV_HEAD + b"2026-05-11T08:00:00Z,Alpha," + b"x" * 2000 + b"\n" + CSV_1)
    assert [d.record.operation for d in delivered] == ["1"]
    problem = report.problems[0]
    assert (problem.line, problem.message) == (2, "not a CSV row: field larger than field limit (1000)")
    monkeypatch.undo()
    assert MAX_CELL == 64 << 20


def test_a_document_beyond_the_limit_is_a_problem(read, monkeypatch):
    monkeypatch.setattr("graphcorr.ingest.readers.MAX_DOCUMENT", 1 << 20)
    big = b'{"x":"' + b"x" * (3 << 20) + b'"}'
    delivered, report = read(b"[" + big + b"]", b"[\n" + b",\n".join([J1] * 40_000) + b"]", J1)
    assert [d.record.operation for d in delivered] == ["1"]
    assert [p.message for p in report.problems] == [
        "a line of more than 1 MiB",
        "a JSON document of more than 1 MiB",
    ]  # fmt: skip


def test_paths_that_cannot_be_read_stop_nothing(read, tmp_path):
    (tmp_path / "empty").mkdir()
    delivered, report = read(tmp_path / "missing", tmp_path / "empty", J1)
    assert [d.record.operation for d in delivered] == ["1"]
    assert sorted((p.file, p.message) for p in report.problems) == [
        (str(tmp_path / "empty"), "no files in this folder"),
        (str(tmp_path / "missing"), "cannot be read: No such file or directory"),
    ]
    assert not report.nothing_readable
    assert report.input_error() is None


def test_if_nothing_is_readable_the_report_says_so_as_an_error(read, tmp_path):
    _, report = read(tmp_path / "missing")
    error = report.input_error()
    assert report.nothing_readable
    assert str(error) == f"{tmp_path / 'missing'}: cannot be read: No such file or directory (check the path)"
    assert error.exit_code == 3


@pytest.mark.parametrize(
    ("content", "nothing"),
    [
        (b"[]", False),
        (b'[1, {"some": "thing"}, []]', True),
        (CSV_HEAD + b"2026-05-11T08:00:00Z,Alpha,\xfc\n", True),
        (CSV_HEAD.replace(b"TimeGenerated", b"TimeGenerated [Local Time]") + CSV_1, True),
    ],
)
def test_a_file_that_was_refused_as_a_whole_was_not_readable(read, content, nothing):
    _, report = read(content)
    assert report.nothing_readable is nothing
    assert not read(content, J1)[1].nothing_readable


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 500_000,
        b"[\n" * 500_000,
        b'{"records":[' * 50_000,
        b'{"a":\n' * 500_000,
        b'{"body":' * 50_000,
        b'{"body":' * 900 + b"{}" + b"}" * 900,
        b"\xef\xbb\xbf" * 50_000,
        b"#TYPE x\n" * 50_000,
    ],
    ids=lambda c: c[:12],
)
def test_endless_nesting_costs_no_time(read, content):
    delivered, report = read(content, J1)
    assert [d.record.operation for d in delivered] == ["1"]
    assert 1 <= report.problem_count <= 101


SPOILERS = {
    "NaN": b'{"TimeGenerated":"","Type":"Alpha","x":NaN}',
    "a huge number": b'{"TimeGenerated":"","Type":"Alpha","x":' + b"9" * 5000 + b"}",
    "half a character": b'{"TimeGenerated":"","Type":"Alpha","x":"\\ud800"}',
    "another encoding": b'{"TimeGenerated":"","Type":"Alpha","x":"caf\xe9"}',
    "a control character": b'{"TimeGenerated":"","Type":"Alpha","x":"\x01"}',
    "a comma too many": b'{"TimeGenerated":"","Type":"Alpha","x":[{"y":1},{"y":2}],}',
    "deep nesting": b'{"TimeGenerated":"","Type":"Alpha","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("spoiler", SPOILERS)
@pytest.mark.parametrize("form", [b"[%s]", b'{"records":[%s]}', b'\n{"records":[%s]}\n' + J2, b'{"value":[%s]}\n'])
@pytest.mark.parametrize("between", [b",", b",\n"])
def test_one_bad_element_spoils_none_beside_it(read, spoiler, form, between):
    delivered, report = read(form.replace(b"%s", between.join([J1, SPOILERS[spoiler], J1, J1])))
    assert [d.record.operation for d in delivered] == ["1", "1", "1", *(["2"] if J2 in form else [])]
    assert (report.skipped, report.problem_count) == (1, 1)


def test_zeros_after_a_crash_cost_only_their_line(read):
    delivered, report = read(J1 + b"\n" + b"\0" * 100 + b"\n" + J2)
    assert [d.record.operation for d in delivered] == ["1", "2"]
    assert [problem.line for problem in report.problems] == [2]


def test_many_problems_are_counted_and_the_first_kept(read):
    _, report = read(J1 + b"\n" + b"nonsense\n" * 500)
    assert (report.problem_count, report.skipped, len(report.problems)) == (500, 500, KEPT_PROBLEMS)
    assert report.problems[0].line == 2


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    shape=st.sampled_from(sorted(SHAPES)),
    cut=st.floats(0, 1),
    noise=st.binary(max_size=12),
    at=st.floats(0, 1),
)
@example(shape="zip in gzip", cut=1.0, noise=b"\x01", at=0.9375)
def test_no_damage_raises(read, shape, cut, noise, at):
    content = SHAPES[shape][0]
    place = int(len(content) * at)
    damaged = (content[:place] + noise + content[place + len(noise) // 2 :])[: int(len(content) * cut) + 1]
    delivered, _ = read(damaged, J1)
    assert delivered[-1].record.operation == "1"
