"""Several processes: the same report and the same archive as one, and errors that come back."""

from __future__ import annotations

import sys

import pytest

from graphcorr.archive.archive import Archive
from graphcorr.errors import GraphcorrError, InputError
from graphcorr.ingest import run, workers
from graphcorr.ingest.run import ReadOptions, read_logs

TENANT = "11111111-2222-4333-8444-555555555555"


def refuse(where: str) -> None:
    raise InputError("not today", where=where, hint="come again")


def vanish() -> None:
    sys.exit(3)


def test_several_processes_change_nothing(constructed, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_TASK_BYTES", 100_000)
    paths = [constructed, __file__, tmp_path / "missing.json"]
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
    assert rows[0] == rows[1]
    assert inputs[0] == inputs[1]


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
