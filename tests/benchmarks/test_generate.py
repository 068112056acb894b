"""The benchmarks' logs: the same for the same arguments, and every record of them is understood."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from graphcorr.ingest.run import read_logs

GENERATE = Path(__file__).resolve().parents[2] / "benchmarks" / "generate.py"


class Kept(list):
    def add(self, batch):
        self.extend(batch)


def generate(out, *more):
    command = [sys.executable, str(GENERATE), str(out), "--events", "3000", "--days", "2", "--principals", "20", *more]
    subprocess.run(command, check=True, capture_output=True)
    return {str(path.relative_to(out)): path.read_bytes() for path in (out / "logs").rglob("*.json")}


def test_equal_arguments_give_equal_logs(tmp_path):
    once = generate(tmp_path / "a")
    assert once == generate(tmp_path / "b")
    assert once != generate(tmp_path / "c", "--seed", "2")


@pytest.mark.parametrize("shape", ["export", "rows"])
def test_generated_logs_are_understood_and_linked(shape, tmp_path):
    generate(tmp_path / "logs", "--shape", shape)
    found = Kept()
    report = read_logs([tmp_path / "logs" / "logs"], found)
    assert (report.problem_count, report.unknown_columns) == (0, {})
    shares = {source: count / report.records for source, count in report.by_source.items()}
    assert shares["SigninLogs"] + shares["AADNonInteractiveUserSignInLogs"] == pytest.approx(0.62, abs=0.03)
    issued = {item.record.token_id for item in found if item.record.__class__.__name__ == "SignIn"}
    used = {item.record.token_id for item in found if item.record.source == "AzureActivity"}
    # Some sign-ins are held back as late ones or delivered after the end.
    assert len(used & issued) > 0.8 * len(used) > 0
