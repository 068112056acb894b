"""What the embedded store promises beyond the contract: kills, generations, readers side by side, a late Java."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphcorr.errors import StoreError
from graphcorr.graph.schema import VERSION
from graphcorr.store import embedded, embedded_schema, embedded_write
from graphcorr.store.base import Marker
from graphcorr.store.embedded import EmbeddedStore
from graphcorr.store.verify import verify
from tests.graphs import edge, node, write

ROOT = Path(__file__).resolve().parents[2]
USERS = [
    node("DirectoryObject:User", f"t/u{number}", objectId=f"u{number}", name=f"user {number}") for number in range(40)
]
IDENTITY = node("Identity", "i", tenantId="t")
PRINCIPAL = node("DirectoryObject:ServicePrincipal", "t/sp", objectId="sp")
# Enough to make the difference small: beyond half of all rows a build is cheaper and is what happens.
OTHERS = [node("Token", f"t/{number}", tokenId=str(number)) for number in range(200)]
OWNS = [edge("OWNS", user, PRINCIPAL) for user in USERS]
RENAMED = [{**user, "name": "renamed"} for user in USERS[:10]]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("before"), [*OTHERS, *USERS, IDENTITY, PRINCIPAL], OWNS)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Path:
    relabelled = {**PRINCIPAL, "labels": "DirectoryObject:ServicePrincipal:ManagedIdentity"}
    edges = [*(row for row in OWNS if row["fromKey"] != "t/u39"), edge("PART_OF", PRINCIPAL, IDENTITY)]
    return write(tmp_path_factory.mktemp("after"), [*OTHERS, *RENAMED, *USERS[10:39], IDENTITY, relabelled], edges)


class Interrupted(BaseException):
    """Stands for a kill: nothing in the engine catches it."""


# Where a write is cut short → whether the graph may be half-way between the two (and then says so).
INTERRUPTIONS = {
    ("difference", embedded_write, "check"): False,
    ("difference", embedded, "lay_out"): False,
    ("difference", embedded_write, "remove_all"): True,
    ("difference", embedded_write, "add_all"): True,
    ("difference", embedded_write, "change_all"): True,
    ("difference", embedded_write, "report"): False,
    ("build", embedded, "lay_out"): False,
    ("build", embedded_schema, "new_database"): False,
    ("build", embedded_write, "add_all"): False,
    ("build", embedded, "_write_text"): False,
}


@pytest.fixture(scope="module")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.mark.parametrize("point", INTERRUPTIONS, ids=lambda point: f"{point[0]}-{point[2]}")
def test_a_write_that_is_cut_short_is_repaired_by_the_next(
    store_folder: Path, before: Path, after: Path, monkeypatch: pytest.MonkeyPatch, point: tuple[str, Any, str]
) -> None:
    kind, module, function = point

    def interrupt(*_: Any, **__: Any) -> None:
        raise Interrupted

    with EmbeddedStore.open(store_folder) as store:
        store.write(before, "before", None)
        with monkeypatch.context() as patch:
            patch.setattr(module, function, interrupt)
            with pytest.raises(Interrupted):
                store.write(after, "after", before if kind == "difference" else None)
    with EmbeddedStore.open(store_folder) as store:
        marker = store.marker()
        assert marker is not None
        if not marker.dirty:
            assert verify(store, {"before": before, "after": after}[marker.projection_id]).equal
        assert marker.dirty == INTERRUPTIONS[point]
        store.write(after, "after", before)
        assert store.marker() == Marker(VERSION, "after")
        assert verify(store, after).counts == {}
    assert len(list(store_folder.glob("g*"))) == 1
    assert not (store_folder / "layout").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from graphcorr.store.embedded import EmbeddedStore
root, tables, previous, stage = sys.argv[1:]
def kill(what, done, total):
    if what == stage:
        os.kill(os.getpid(), signal.SIGKILL)
EmbeddedStore.open(Path(root)).write(Path(tables), "after", Path(previous) if previous else None, kill)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("stage", ["laying out the graph", "writing the graph"])
@pytest.mark.parametrize("kind", ["difference", "build"])
def test_a_killed_process_leaves_a_store_that_the_next_write_repairs(
    tmp_path: Path, before: Path, after: Path, kind: str, stage: str
) -> None:
    root = tmp_path / "store"
    with EmbeddedStore.open(root) as store:
        store.write(before, "before", None)
    previous = str(before) if kind == "difference" else ""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, root, after, previous, stage], cwd=ROOT, capture_output=True, text=True
    )
    assert killed.returncode == -9, killed.stderr
    half_way = kind == "difference" and stage == "writing the graph"
    with EmbeddedStore.open(root) as store:
        assert store.marker() == Marker(VERSION, "before", dirty=half_way)
        if not half_way:
            assert verify(store, before).equal
        report = store.write(after, "after", before)
        assert report.full == half_way  # dirty: built anew
        assert verify(store, after).equal


READER = """
import sys
from pathlib import Path
from graphcorr.store.embedded import EmbeddedStore
with EmbeddedStore.open(Path(sys.argv[1]), read_only=True) as store:
    print(store.query("MATCH (u:User) RETURN count(u) AS users").dicts())
"""


def test_readers_open_side_by_side_and_do_not_write(tmp_path: Path, before: Path) -> None:
    root = tmp_path / "store"
    with EmbeddedStore.open(root) as store:
        store.write(before, "before", None)
    with EmbeddedStore.open(root, read_only=True) as reader:
        expected = reader.query("MATCH (u:User) RETURN count(u) AS users").dicts()
        other = subprocess.run([sys.executable, "-c", READER, root], cwd=ROOT, capture_output=True, text=True)
        # Nothing but the answer: neither Java nor the engine writes to the terminal.
        assert (other.stdout, other.stderr) == (f"{expected}\n", "")
        for write_it in (reader.clear, lambda: reader.write(before, "x", None)):
            with pytest.raises(StoreError, match="reading only"):
                write_it()


def test_a_changed_schema_version_builds_anew(tmp_path: Path, before: Path, after: Path) -> None:
    with EmbeddedStore.open(tmp_path) as store:
        store.write(before, "before", None)
        path = next(tmp_path.glob("g*")) / "marker.json"
        path.write_text(path.read_text().replace(f'"schema_version": {VERSION}', '"schema_version": 0'))
        assert store.write(after, "after", before).full
        (next(tmp_path.glob("g*")) / "marker.json").write_text("{")
        assert store.marker() == Marker(VERSION, "", dirty=True)


def test_a_template_is_made_once_and_whole(tmp_path: Path, before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = tmp_path / "templates"
    monkeypatch.setenv(embedded_schema.TEMPLATES, str(templates))

    def interrupt(*_: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(embedded_schema, "_create_schema", interrupt)
        with pytest.raises(Interrupted), EmbeddedStore.open(tmp_path / "cut short") as store:
            store.write(before, "before", None)
    assert list(templates.iterdir()) == []
    for name in ("first", "second"):
        with EmbeddedStore.open(tmp_path / name) as store:
            store.write(before, "before", None)
            assert verify(store, before).equal
        assert len(list(templates.iterdir())) == 1


def test_java_starts_with_the_first_query_and_not_before(tmp_path: Path) -> None:
    code = (
        "import sys; import graphcorr, graphcorr.store, graphcorr.store.embedded as e; from pathlib import Path;"
        "assert e.EmbeddedStore.open(Path(sys.argv[1])).marker() is None;"
        "assert 'jpype' not in sys.modules and 'arcadedb_embedded' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)])
def test_a_process_with_java_ends_by_a_signal_like_any_other(tmp_path: Path, sent: int, code: int) -> None:
    program = (
        "import signal, sys, time; from graphcorr.store import embedded_java\n"
        # Tests that run in the background of a shell inherit that it is ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "embedded_java.start('128m')\n"
        "try: print('started', flush=True); time.sleep(600)\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    command = [sys.executable, "-P", "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stdout.readline() == b"started\n"
        running.send_signal(sent)
    assert running.returncode == code
    assert list(tmp_path.iterdir()) == [], "no crash log"


def test_without_the_engine_the_error_points_to_neo4j(
    tmp_path: Path, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "arcadedb_embedded", None)
    monkeypatch.setitem(sys.modules, "arcadedb_embedded.jvm", None)
    with pytest.raises(StoreError, match="neo4j://"):
        EmbeddedStore.open(tmp_path).write(before, "before", None)
