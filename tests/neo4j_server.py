"""Real Neo4j servers for tests: Maven brings the jars, a Java that is new enough runs them, nothing else is needed.

Jars stay in GRAPHCORR_NEO4J_CACHE (default ~/.cache/graphcorr-neo4j). NEO4J_URI, with NEO4J_USERNAME and
NEO4J_PASSWORD, names a server that runs already instead: for the generation that it is of. Without Maven or a Java that
is new enough a container engine serves, if one answers; GRAPHCORR_NEO4J=container asks for it in any case.
Where no server can be had tests skip; with GRAPHCORR_REQUIRE_NEO4J=1 they fail.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import pytest


@dataclass(frozen=True)
class Generation:
    """A line of servers that is supported, and the version of it that is tested."""

    version: str
    java: int


GENERATIONS = {"neo4j-5": Generation("5.26.30", 17), "neo4j-2026": Generation("2026.08.1", 21)}

_BROWSER = "5.24.0"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>graphcorr.tests</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
# What the packaged launcher passes as well: without these the server does not reach its own buffers.
_OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
_START_SECONDS = 300


class Unavailable(Exception):
    """No server can be had here, in one plain line."""


def required() -> bool:
    """True where a server that cannot be had is a failure."""
    return os.environ.get("GRAPHCORR_REQUIRE_NEO4J") == "1"


class Server:
    """A Neo4j Community server on free local ports, stopped with the test run however that ends."""

    def __init__(self, generation: str, home: Path, *, heap: str = "512m", quick: bool = True, **settings: str) -> None:
        self.password = secrets.token_hex(12)
        self.user = "neo4j"
        self._generation = GENERATIONS[generation]
        self._home = home
        self._port = _free_port()
        self._settings = {name.replace("__", "."): value for name, value in settings.items()}
        # C1 alone starts in half the time; what measures rates needs both compilers.
        self._flags = [f"-Xms{heap}", f"-Xmx{heap}", *(["-XX:TieredStopAtLevel=1"] if quick else [])]
        self._process: subprocess.Popen[bytes] | None = None
        self._console: IO[bytes] | None = None

    @property
    def address(self) -> str:
        return f"bolt://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def processor_seconds(self) -> float:
        """What it used of all processors since it was started (Linux)."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def start(self) -> None:
        """Start it, the same data again after `stop` or `kill`, and wait until it answers."""
        lib, java = _jars(self._generation.version), _java(self._generation.java)
        if not self._home.exists():
            self._prepare()
            self._run(
                lib, java, "org.neo4j.cli.AdminTool", "dbms", "set-initial-password", self.password
            ).check_returncode()
        self._console = (self._home / "console.log").open("ab")
        command = self._command(lib, java, _entry_point(lib), f"--home-dir={self._home}", f"--config-dir={self._conf}")
        self._process = subprocess.Popen(
            command,
            cwd=self._home,
            env=self._environment(java),
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        deadline = time.monotonic() + _START_SECONDS
        while not answers(self._port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Neo4j did not start:\n{(self._home / 'console.log').read_text()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_SECONDS)
            self._process = None
        if self._console is not None:
            self._console.close()
            self._console = None

    @property
    def _conf(self) -> Path:
        return self._home / "conf"

    def _prepare(self) -> None:
        for folder in ("conf", "data", "logs", "import", "plugins", "run", "licenses"):
            (self._home / folder).mkdir(parents=True)
        settings = {
            "server.default_listen_address": "127.0.0.1",
            "server.bolt.listen_address": f"127.0.0.1:{self._port}",
            "server.bolt.advertised_address": f"127.0.0.1:{self._port}",
            "server.http.enabled": "false",
            "server.memory.pagecache.size": "128m",
            "dbms.usage_report.enabled": "false",
            # Test after test writes another small graph: a plan for one is good enough for all.
            "dbms.cypher.min_replan_interval": "1h",
            "db.tx_log.rotation.retention_policy": "keep_none",
            # Else every stop waits ten seconds for idle connections.
            "internal.server.bolt.thread_pool_shutdown_wait_time": "0s",
            "internal.server.bolt.connection_shutdown_wait_time": "0s",
            **self._settings,
        }
        (self._conf / "neo4j.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def _environment(self, java: Path) -> dict[str, str]:
        return {**os.environ, "NEO4J_HOME": str(self._home), "NEO4J_CONF": str(self._conf), "JAVA_HOME": str(java)}

    def _command(self, lib: Path, java: Path, *arguments: str) -> list[str]:
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        flags = [*self._flags, "-Dfile.encoding=UTF-8", "-Dlog4j2.disable.jmx=true", *opened]
        return [str(java / "bin" / "java"), *flags, "-cp", f"{lib}/*", *arguments]

    def _run(self, lib: Path, java: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self._command(lib, java, *arguments)
        return subprocess.run(command, env=self._environment(java), capture_output=True, text=True)


def answers(port: int) -> bool:
    """True if a Bolt handshake is answered with a version."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as probe:
            probe.settimeout(5)
            probe.sendall(bytes.fromhex("6060b01700040405000004040000000000000000"))
            return len(probe.recv(4)) == 4
    except OSError:
        return False


class Container:
    """The same server as the vendor's image, by a container engine (docker, podman)."""

    def __init__(self, generation: str, folder: Path, engine: str) -> None:
        self.password = secrets.token_hex(12)
        self.user = "neo4j"
        self._engine = engine
        self._image = f"docker.io/library/neo4j:{GENERATIONS[generation].version}-community"
        self._environment = folder / f"{generation}.env"
        self._name = f"graphcorr-tests-{secrets.token_hex(4)}"
        self._port = _free_port()

    @property
    def address(self) -> str:
        return f"bolt://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    @property
    def running(self) -> bool:
        return self._call("inspect", "--format", "{{.State.Running}}", self._name).stdout.strip() == "true"

    def start(self) -> None:
        """Start it, the same data again after `stop` or `kill`, and wait until it answers."""
        if self._environment.exists():
            self._call("start", self._name).check_returncode()
        else:
            self._environment.touch(0o600)
            self._environment.write_text(f"NEO4J_AUTH=neo4j/{self.password}\nNEO4J_db_memory_transaction_max=24m\n")
            made = self._call(
                "run", "--detach", "--name", self._name, "--publish", f"127.0.0.1:{self._port}:7687",
                "--env-file", str(self._environment), self._image,
            )  # fmt: skip
            if made.returncode:
                raise Unavailable(f"no container of {self._image}: {made.stderr.strip().splitlines()[-1:]}")
        deadline = time.monotonic() + _START_SECONDS
        while not answers(self._port):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Neo4j did not start:\n{self._call('logs', self._name).stdout[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        self._call("stop", self._name)

    def remove(self) -> None:
        """End it, and its data with it."""
        self._call("rm", "--force", "--volumes", self._name)

    def kill(self) -> None:
        """End it as a power cut would; `start` finds the same data."""
        self._call("kill", self._name)

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._engine, *words], capture_output=True, text=True)


class Given:
    """A server that runs already: NEO4J_URI."""

    def __init__(self) -> None:
        self.address = os.environ["NEO4J_URI"]
        self.user = os.environ.get("NEO4J_USERNAME", "neo4j")
        self.password = os.environ.get("NEO4J_PASSWORD", "")

    def stop(self) -> None:
        """Nothing: it is not ours."""


AnyServer = Server | Container | Given


class Servers:
    """The servers of a test run, each started when the first test asks for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, AnyServer] = {}

    def get(self, generation: str) -> AnyServer:
        """Skips the test, or fails it where servers are required, if this generation cannot be had."""
        if generation not in self._running:
            try:
                self._running[generation] = self._start(generation)
            except Unavailable as reason:
                if required():
                    pytest.fail(f"{generation} is required: {reason}")
                pytest.skip(f"{generation}: {reason}")
        server = self._running[generation]
        if not isinstance(server, Given) and not server.running:
            server.start()  # a test that hurt it was cut short
        return server

    def _start(self, generation: str) -> AnyServer:
        if os.environ.get("NEO4J_URI"):
            given = Given()
            if _generation_of(given) != generation:
                raise Unavailable("NEO4J_URI is a server of another generation")
            return given
        try:
            if os.environ.get("GRAPHCORR_NEO4J") == "container":
                raise Unavailable("GRAPHCORR_NEO4J asks for a container")
            # A small limit, which the tests of large transactions reach.
            server: Server | Container = Server(
                generation, self._folder / generation, db__memory__transaction__max="24m"
            )
            server.start()
        except Unavailable as reason:
            engine = _engine()
            if engine is None:
                raise Unavailable(f"{reason}; and no container engine answers") from reason
            server = Container(generation, self._folder, engine)
            server.start()
        return server

    def stop(self) -> None:
        for server in self._running.values():
            if isinstance(server, Container):
                server.remove()
            else:
                server.stop()


def _engine() -> str | None:
    """The container engine that answers, if any."""
    for name in ("docker", "podman"):
        found = shutil.which(name)
        if found and subprocess.run([found, "info"], capture_output=True).returncode == 0:
            return found
    return None


def _generation_of(given: Given) -> str:
    import neo4j

    with neo4j.GraphDatabase.driver(given.address, auth=(given.user, given.password)) as driver:
        version = driver.get_server_info().agent.partition("/")[2]
    return "neo4j-5" if version.startswith("5.") else "neo4j-2026"


@cache
def _jars(version: str) -> Path:
    """Folder of a server's jars, resolved by Maven the first time."""
    named = os.environ.get("GRAPHCORR_NEO4J_CACHE")
    folder = (Path(named) if named else Path.home() / ".cache" / "graphcorr-neo4j") / version
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable("no Maven (mvn) to bring the server, and no NEO4J_URI")
    draft = folder.with_name(f".{version}.{os.getpid()}")
    draft.mkdir(parents=True)
    wanted = (
        ("org.neo4j.app", "neo4j-server", version),
        ("org.neo4j", "neo4j", version),
        ("org.neo4j.client", "neo4j-browser", _BROWSER),
    )
    dependencies = "".join(_DEPENDENCY.format(*artifact) for artifact in wanted)
    (draft / "pom.xml").write_text(_POM.format(dependencies=dependencies))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={draft / 'lib'}"]
    made = subprocess.run([maven, "-q", "-B", "-f", draft / "pom.xml", *goal], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(draft)
        raise Unavailable(f"Maven cannot bring Neo4j {version}: {made.stdout.strip().partition(chr(10))[0]}")
    try:
        (draft / "lib").replace(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster
            raise
    shutil.rmtree(draft)
    return folder


@cache
def _java(at_least: int) -> Path:
    """The home of the oldest Java that is new enough: JAVA_HOME, the one on the path, or one installed beside it."""
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    if on_path := shutil.which("java"):
        home = Path(on_path).resolve().parents[1]
        homes += [home, *sorted(other for other in home.parent.iterdir() if (other / "bin" / "java").exists())]
    found: dict[int, Path] = {}
    for home in homes:
        told = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True).stderr
        if version := re.search(r'version "(\d+)', told):
            found.setdefault(int(version[1]), home)
    enough = [version for version in found if version >= at_least]
    if not enough:
        raise Unavailable(f"needs Java {at_least} or newer, found {sorted(found) or 'none'}")
    return found[min(enough)]


def _entry_point(lib: Path) -> str:
    """The server's main class, which the generations name differently."""
    jar = next(jar for jar in lib.glob("neo4j-*.jar") if re.fullmatch(r"neo4j-\d[\d.]*\.jar", jar.name))
    with zipfile.ZipFile(jar) as content:
        return content.read("META-INF/services/org.neo4j.server.startup.EntryPoint").decode().split()[0]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: a test run that is killed leaves no server


if __name__ == "__main__":  # both at once and before the tests, whose processes would each bring them
    for tested in GENERATIONS.values():
        try:
            print(_jars(tested.version))
        except Unavailable as reason:
            print(reason)  # no failure here: there are other ways to a server
