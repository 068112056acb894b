"""The home: what it refuses, what it remembers, and how its lock behaves between processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graphcorr.config import Config, Network
from graphcorr.errors import LockedError, UsageError
from graphcorr.home import Home, Settings

HOLD = """
import sys
from graphcorr.home import Home
with Home(sys.argv[1]).lock(sys.argv[2] == "exclusive", sys.argv[3]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@contextmanager
def held_elsewhere(home: Home, kind: str, purpose: str) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lock until the block ends."""
    command = [sys.executable, "-c", HOLD, str(home.root), kind, purpose]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
    finally:
        other.kill()
        other.communicate()


def test_paths_lie_below_the_root_and_nothing_is_made_by_asking(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    assert [p.name for p in (home.archive_dir, home.projection_dir, home.store_dir, home.ledger_dir)] == [
        "archive",
        "projection",
        "store",
        "ledger",
    ]
    assert not home.exists
    assert home.settings == Settings(users="actors", config=Config())
    assert not (tmp_path / "new").exists()


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(UsageError, match="not a graphcorr home"):
        Home(tmp_path).create()
    with pytest.raises(UsageError, match="not a graphcorr home"):
        Home(tmp_path / "thesis.txt").create()
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_and_our_own_home_are_accepted(tmp_path: Path) -> None:
    Home(tmp_path).create()
    Home(tmp_path).create()
    assert Home(tmp_path).exists


def test_reading_from_nothing_says_to_load_first(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="graphcorr load"):
        Home(tmp_path / "none").require()


def test_a_home_of_a_newer_format_is_refused(home: Home) -> None:
    (home.root / "graphcorr-home.json").write_text('{"format": 99}')
    with pytest.raises(UsageError, match="another version"):
        home.create()


def test_what_shapes_the_graph_is_remembered_until_changed(home: Home) -> None:
    config = Config(networks=(Network("office", "203.0.113.0/24"),))
    assert home.remember(users="all") == Settings("all", Config())
    assert home.remember(config=config) == Settings("all", config)
    assert Home(home.root).settings == Settings("all", config)
    assert home.remember(config=Config()) == Settings("all", Config())
    with pytest.raises(UsageError, match="everybody"):
        home.remember(users="everybody")


def test_damaged_settings_are_told(home: Home) -> None:
    (home.root / "settings.json").write_text("{")
    with pytest.raises(UsageError, match=r"settings\.json"):
        _ = home.settings


def test_readers_share_the_lock(home: Home) -> None:
    with held_elsewhere(home, "shared", "trace"), home.lock(False, "query", timeout=0):
        assert sorted(holder.purpose for holder in home.holders()) == ["query", "trace"]
    assert home.holders() == []


@pytest.mark.parametrize(("theirs", "ours"), [("exclusive", False), ("exclusive", True), ("shared", True)])
def test_a_writer_is_alone_and_the_waiting_one_is_told_who_holds_it(home: Home, theirs: str, ours: bool) -> None:
    told: list[str] = []
    with held_elsewhere(home, theirs, "load") as other:
        with pytest.raises(LockedError) as raised, home.lock(ours, "scan", timeout=0.2, waiting=told.append):
            pytest.fail("the lock was given twice")
        assert f"load (process {other.pid} on " in str(raised.value)
    assert raised.value.exit_code == 6
    assert len(told) == 1
    assert f"load (process {other.pid} on " in told[0]


def test_the_lock_of_a_killed_process_is_free_and_its_note_is_removed(home: Home) -> None:
    with held_elsewhere(home, "exclusive", "load") as other:
        other.kill()
        other.wait()
        with home.lock(True, "scan", timeout=5):
            assert [holder.purpose for holder in home.holders()] == ["scan"]
    assert [p.name for p in (home.root / "locks").iterdir()] == ["home.lock"]


def test_a_waiting_run_goes_on_when_the_lock_is_freed(home: Home) -> None:
    with (
        held_elsewhere(home, "exclusive", "load") as other,
        home.lock(True, "scan", timeout=20, waiting=lambda _: other.kill()),
    ):
        assert [holder.purpose for holder in home.holders()] == ["scan"]
