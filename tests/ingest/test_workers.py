"""Several processes: the same report and the same archive as one, and errors that come back."""

from __future__ import annotations

import json
import sys

import pytest

from graphcorr.archive.archive import Archive
from graphcorr.errors import GraphcorrError, InputError
from graphcorr.ingest import readers, run, workers
from graphcorr.ingest.run import ReadOptions, read_logs

TENANT = "11111111-2222-4333-8444-555555555555"


def refuse(where: str) -> None:
    raise InputError("not today", where=where, hint="come again")


def vanish() -> None:
    sys.exit(3)


def test_several_processes_change_nothing(constructed, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_TASK_BYTES", 100_000)
    paths = [tmp_path / "logs", constructed, __file__, tmp_path / "missing.json"]
    for log, day in (("a", "y=2026/m=05/d=12"), ("b", "y=2026/m=05/d=11"), ("c", ""), ("d", "20260510")):
        (tmp_path / "logs" / log / day).mkdir(parents=True)
        (tmp_path / "logs" / log / day / "PT1H.json").write_text("\n".join(_lines()))
    reports, rows, inputs = [], [], []
    for processes in (1, 2):
        archive = Archive(tmp_path / str(processes))
        with archive.staging() as staging:
            read = read_logs(paths, staging, ReadOptions(tenant_id=TENANT), processes=processes)
            reports.append((read, staging.commit()))
        rows.append({kind: sorted(map(str, _rows(archive, kind))) for kind in ("sign_ins", "raw", "origins")})
        inputs.append(archive.inputs())
    assert reports[0] == reports[1]
    assert reports[0][0].records > 100
    assert reports[0][0].problem_count > 0
    names = [file.path for file in reports[0][0].files]
    assert names[:4] == sorted(names[:4])
    of_day = list(run._by_day(dict.fromkeys(names[:4], 1)))
    assert [name.removeprefix(str(tmp_path / "logs"))[:2] for name in of_day] == ["/c", "/d", "/b", "/a"]
    assert rows[0] == rows[1]
    assert inputs[0] == inputs[1]


RECORD = {
    "time": "2026-05-11T08:05:00Z", "category": "SignInLogs", "operationName": "Sign-in activity", "resultType": "0",
    "properties": {"id": "", "createdDateTime": "2026-05-11T08:03:14.103Z", "appId": "a", "userAgent": "x" * 300},
}  # fmt: skip
PRETTY = json.dumps(RECORD, indent=2)


def _lines():
    """Three hundred sign-ins, with repetitions near and far and what else may stand in a large file."""
    for number in range(300):
        properties = {**RECORD["properties"], "id": f"s-{number % 250}", **({"newer": 1} if number % 9 == 0 else {})}
        yield json.dumps({**RECORD, "properties": properties}) + ("\r" if number % 7 == 0 else "")
    yield from ("", "{broken", '{"category": "Unread", "time": "x", "properties": {}}', '{"some": 1}')
    yield json.dumps({"records": [RECORD, RECORD]})
    yield json.dumps({**RECORD, "properties": {**RECORD["properties"], "userAgent": "curl?password=hunter2"}})


@pytest.mark.parametrize(
    "more",
    [[], [PRETTY], [PRETTY.replace("\n  ", "\n")] * 99, ["{"], ["[" + "1," * 9999]],
    ids=["lines", "object over lines", "objects without indentation", "cut off", "long line"],
)  # fmt: skip
def test_pieces_of_a_large_file_change_nothing(more, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_TASK_BYTES", 20_000)
    lines = list(_lines())
    path = tmp_path / "PT1H.json"
    path.write_text("\n".join([*lines[:200], *more, *lines[200:]]) + "\n")
    found = []
    for processes in (1, 2):
        archive = Archive(tmp_path / str(processes))
        with archive.staging() as staging:
            read = read_logs([path], staging, processes=processes)
            report = staging.commit()
        rows = {kind: sorted(map(str, _rows(archive, kind))) for kind in ("sign_ins", "raw", "origins")}
        found.append((read, report, rows, archive.inputs()))
    assert found[0] == found[1]
    assert found[0][0].records > 300
    assert len(list(readers.pieces(str(path), 20_000))) > 5


def test_results_come_in_the_order_of_the_calls():
    assert list(workers.results(pow, [(base, 2) for base in range(20)], 2)) == [base**2 for base in range(20)]


def test_an_error_comes_back_as_it_was():
    with pytest.raises(InputError) as caught:
        list(workers.results(refuse, [("a.json:3",)], 1))
    assert str(caught.value) == "a.json:3: not today (come again)"


def test_a_process_that_ends_is_reported():
    with pytest.raises(GraphcorrError, match="ended with 3"):
        list(workers.results(vanish, [()], 1))


def _rows(archive, kind):
    from pyarrow import parquet

    return [row for file in archive.files(kind) for row in parquet.read_table(file, partitioning=None).to_pylist()]
