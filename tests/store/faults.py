"""Ways to hurt a write: a child process that kills itself at a named point, and a proxy that cuts connections."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphcorr.store import neo4j_write
from graphcorr.store.neo4j import Neo4jStore
from graphcorr.store.neo4j_connection import Connection, Credentials
from graphcorr.store.neo4j_lease import Lease
from graphcorr.store.neo4j_write import Writer

# Name → where the process is killed: right after the nth call of this function returned.
POINTS: dict[str, tuple[Any, str]] = {
    "after the lease was taken": (Lease, "_take"),
    "after a mark, dirty or clean": (Lease, "mark"),
    "in a transaction, before its commit": (neo4j_write, "run"),
    "between batches": (Writer, "_write"),
    "after all removals": (Writer, "remove_all"),
    "after all additions": (Writer, "add_all"),
    "after all changes": (Writer, "change_all"),
    "after clearing for a build": (Writer, "delete_everything"),
    "after making constraints for a build": (neo4j_write, "create_schema"),
}


@dataclass(frozen=True)
class Attempt:
    """A write for a child process."""

    address: str
    user: str
    password: str
    tables: Path
    projection: str
    previous: Path | None


def write_and_die(attempt: Attempt, point: str, calls: int) -> None:
    """Run a write and kill this process after so many calls at a point, at its end if there are fewer."""
    owner, name = POINTS[point]
    original = getattr(owner, name)
    left = calls

    def counted(*arguments: Any, **more: Any) -> Any:
        nonlocal left
        result = original(*arguments, **more)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, counted)
    with Neo4jStore(Connection(attempt.address, Credentials(attempt.user, attempt.password))) as store:
        store.write(attempt.tables, attempt.projection, attempt.previous)
    os.kill(os.getpid(), signal.SIGKILL)


COMMIT = bytes.fromhex("0002b0120000")
"""The message that commits a transaction, as it crosses the wire."""


class Proxy:
    """Passes connections on to a server until told to cut one; then goes on with new ones."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        # Called with every piece on its way to the server; True cuts the connection.
        self.cut_before: Callable[[bytes], bool] = lambda _: False
        self.cut_after: Callable[[bytes], bool] = lambda _: False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"bolt://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        for end in (self._listener, *self._open):
            _close(end)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                # Set when the answer of the server must not come through any more.
                deaf = threading.Event()
                threading.Thread(target=self._forward, args=(client, server, deaf), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client, deaf), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with suppress(OSError):
            while piece := client.recv(1 << 16):
                if self.cut_before(piece):
                    break
                if self.cut_after(piece):
                    deaf.set()
                server.sendall(piece)
        _close(client)
        _close(server)

    def _answer(self, server: socket.socket, client: socket.socket, deaf: threading.Event) -> None:
        with suppress(OSError):
            while piece := server.recv(1 << 16):
                if deaf.is_set():
                    break  # what was sent has been carried out
                client.sendall(piece)
        _close(client)
        _close(server)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


class OldServer:
    """A server of an old version that succeeds at whatever it is asked."""

    def __init__(self, version: str, bolt: tuple[int, int]) -> None:
        self._agent = f"Neo4j/{version}".encode()
        self._bolt = bolt
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"bolt://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        _close(self._listener)

    def _serve(self) -> None:
        told = b"".join(bytes([0x80 + len(text)]) + text for text in (b"server", self._agent))
        success = b"\xb1\x70\xa1" + told
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, client.makefile("rb") as sent:
                    sent.read(20)
                    client.sendall(bytes([0, 0, *reversed(self._bolt)]))
                    while header := sent.read(2):
                        if size := int.from_bytes(header):
                            sent.read(size)
                        else:  # the end of a message
                            client.sendall(len(success).to_bytes(2) + success + bytes(2))
