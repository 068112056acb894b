"""What a container engine is asked for where it has to bring the servers; the engine itself is played here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.neo4j_server import Container

ENGINE = f"""#!{sys.executable}
import os, signal, socket, subprocess, sys
from pathlib import Path
folder = Path(__file__).parent
words = sys.argv[1:]
with (folder / "asked").open("a") as asked:
    print(*words, file=asked)
pid = folder / "pid"
if words[0] in ("run", "start"):
    if words[0] == "run":
        (folder / "port").write_text(words[words.index("--publish") + 1].split(":")[1])
    served = subprocess.Popen([sys.executable, "-c", '''
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        connection, _ = server.accept()
        connection.recv(20)
        connection.sendall(bytes(4))
        connection.close()
''', (folder / "port").read_text()], start_new_session=True, stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL)
    pid.write_text(str(served.pid))
elif words[0] in ("kill", "stop", "rm") and pid.exists():
    os.kill(int(pid.read_text()), signal.SIGKILL)
    pid.unlink()
elif words[0] == "inspect":
    print("true" if pid.exists() else "false")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a script as the engine")
def test_a_container_lives_like_any_other_server(tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    engine.write_text(ENGINE)
    engine.chmod(0o700)
    server = Container("neo4j-5", tmp_path, str(engine))
    try:
        for act, runs in ((server.start, True), (server.kill, False), (server.start, True), (server.stop, False)):
            act()
            assert server.running is runs
    finally:
        server.remove()
    asked = (tmp_path / "asked").read_text()
    first = asked.splitlines()[0].split()
    assert [line.split()[0] for line in asked.splitlines() if not line.startswith("inspect")] == [
        "run", "kill", "start", "stop", "rm",
    ]  # fmt: skip
    assert f"127.0.0.1:{server.port}:7687" in first
    assert first[-1] == "docker.io/library/neo4j:5.26.30-community"
    secret = tmp_path / "neo4j-5.env"
    assert server.password not in asked
    assert f"NEO4J_AUTH=neo4j/{server.password}" in secret.read_text()
    assert secret.stat().st_mode & 0o077 == 0
