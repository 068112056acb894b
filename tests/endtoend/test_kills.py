"""A load that is killed at any moment, between read and store: the next run gives what an undisturbed one gives.

Moments are random (the seed is printed with a failure). GRAPHCORR_KILL_ROUNDS says how many, default 3.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graphcorr.cli import run
from graphcorr.coverage import coverage
from graphcorr.projection.project import Projection, tables_dir
from graphcorr.scan import scan
from tests.demo import LOGS
from tests.endtoend.harness import Graph

ROUNDS = int(os.environ.get("GRAPHCORR_KILL_ROUNDS", "3"))
SEED = int(os.environ.get("GRAPHCORR_KILL_SEED", str(random.randrange(1_000_000))))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "graphcorr", "--quiet", "--home", str(home), *words]


def state(home: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The graph, that the store holds exactly that, what was delivered, and what is found in it."""
    capsys.readouterr()
    verified = run(["--quiet", "--home", str(home), "verify"])
    said = capsys.readouterr()
    made = json.loads((home / "projection" / "current.json").read_text(encoding="utf-8"))
    projected = Projection(made["id"], tables_dir(home / "projection", made["id"]), made["withoutTenant"])
    return {
        "graph": Graph(projected).tables(),
        "withoutTenant": projected.without_tenant,
        "verify": (verified, said.out, said.err),
        "coverage": coverage(home=home),
        "scan": scan(home=home, patterns=["renamed_principal", "orphan_sign_in"]),
    }


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, float]:
    """A home with part of the demo's logs, one with all of them, and the seconds that the rest took."""
    base = tmp_path_factory.mktemp("kills")
    first, whole = base / "first", base / "whole"
    config = ("--config", str(LOGS / "graphcorr.toml"))
    subprocess.run(
        command(first, *config, "load", str(LOGS / "logs" / "graph"), str(LOGS / "logs" / "portal-csv")), check=True
    )
    shutil.copytree(first, whole)
    started = time.monotonic()
    subprocess.run(command(whole, "load", str(LOGS / "logs")), check=True)
    return first, whole, time.monotonic() - started


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_load_is_completed_by_the_next(
    homes: tuple[Path, Path, float], tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    first, whole, seconds = homes
    home = tmp_path / "home"
    shutil.copytree(first, home)
    moment = random.Random(f"{SEED}-{number}").uniform(0.1, 1.0) * seconds
    running = subprocess.Popen(command(home, "load", str(LOGS / "logs")), stdout=subprocess.DEVNULL)
    try:
        running.wait(moment)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    assert run(["--quiet", "--home", str(home), "load", str(LOGS / "logs")]) == 0
    disturbed = f"killed {moment:.2f} s into {seconds:.2f} (GRAPHCORR_KILL_SEED={SEED})"
    assert state(home, capsys) == state(whole, capsys), disturbed
