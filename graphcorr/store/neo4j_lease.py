"""The marker node: which projection a Neo4j database shows, and who may write to it for how long."""

from __future__ import annotations

import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import neo4j

from graphcorr.errors import LockedError, StoreError
from graphcorr.store.base import Marker
from graphcorr.store.neo4j_connection import Connection, run

MARKER_LABEL = "GraphcorrMarker"
_KEY = "graphcorr"
_SECONDS = 60
_POLL_SECONDS = 0.2

_READ = f"MATCH (m:{MARKER_LABEL} {{key: $key}}) RETURN m.schemaVersion, m.projectionId, m.dirty"
# The first SET takes the node's lock, so that what is read after it is the latest.
_TAKE = f"""
MERGE (m:{MARKER_LABEL} {{key: $key}})
  ON CREATE SET m.caption = 'written by graphcorr', m.schemaVersion = 0, m.projectionId = '', m.dirty = true
SET m.asking = $id
REMOVE m.asking
WITH m, datetime({{timezone: 'Z'}}) AS now
WITH m, now, m.holderId IS NULL OR m.holderId IN [$id, $dead] OR m.leaseUntil < now AS free
FOREACH (_ IN CASE WHEN free THEN [1] ELSE [] END |
  SET m.holderId = $id, m.holder = $holder, m.holderHost = $host, m.holderPid = $pid,
      m.leaseUntil = now + duration({{seconds: $seconds}}))
RETURN free, m.holder, m.holderId, m.holderHost, m.holderPid, toString(m.leaseUntil)
"""
_OURS = f"MATCH (m:{MARKER_LABEL} {{key: $key}}) WHERE m.holderId = $id "
_RENEW = _OURS + "SET m.leaseUntil = datetime({timezone: 'Z'}) + duration({seconds: $seconds}) RETURN count(*)"
_MARK = _OURS + "SET m.schemaVersion = $version, m.projectionId = $projection, m.dirty = $dirty RETURN count(*)"
_RELEASE = _OURS + "REMOVE m.holderId, m.holder, m.holderHost, m.holderPid, m.leaseUntil RETURN count(*)"
_DELETE = _OURS + "DETACH DELETE m RETURN count(*)"


def read_marker(connection: Connection) -> Marker | None:
    """What the database says it shows; None where graphcorr never wrote."""
    _, rows = connection.read(_READ, {"key": _KEY})
    for version, projection, dirty in rows:
        return Marker(version or 0, projection or "", bool(dirty))
    return None


@dataclass(frozen=True)
class Lease:
    """The right to write, held by one run. Every transaction that writes renews it and so proves it."""

    connection: Connection
    purpose: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @contextmanager
    def held(self, timeout: float) -> Iterator[None]:
        """Hold the lease; a run on this machine that was killed loses it at once, others when it ends.

        Raises LockedError, naming the holder, if another run still has it after `timeout` seconds.
        """
        self._take(timeout)
        try:
            yield
        finally:
            # What failed before is what should be told; a lease that is not given back ends by itself.
            with suppress(StoreError, LockedError):
                self.connection.transaction(lambda tx, _: self._run(tx, _RELEASE), retry=False)

    def renew(self, transaction: neo4j.Transaction) -> None:
        """Raises LockedError if another run took over, which also ends the transaction."""
        if not self._run(transaction, _RENEW, seconds=_SECONDS):
            raise LockedError("another run took over while this one paused", where=self.connection.name,
                              hint="run the command again")  # fmt: skip

    def mark(self, marker: Marker) -> None:
        """Write what the database shows from now on."""

        def work(transaction: neo4j.Transaction, _: bool) -> None:
            self.renew(transaction)
            self._run(
                transaction,
                _MARK,
                version=marker.schema_version,
                projection=marker.projection_id,
                dirty=marker.dirty,
            )

        self.connection.transaction(work)

    def delete_marker(self) -> None:
        """Remove the marker, and the lease with it."""
        self.connection.transaction(lambda transaction, _: self._run(transaction, _DELETE))

    def _take(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        dead: str | None = None
        while True:
            free, holder, holder_id, host, pid, until = self.connection.transaction(partial(self._ask, dead))
            if free:
                return
            if dead is None and host == socket.gethostname() and not _alive(pid):
                dead = holder_id
                continue
            if time.monotonic() >= deadline:
                hint = f"wait for it: its lease ends at {until} unless it goes on"
                raise LockedError(f"held by {holder}", where=self.connection.name, hint=hint)
            time.sleep(_POLL_SECONDS)

    def _ask(self, dead: str | None, transaction: neo4j.Transaction, _: bool) -> list[Any]:
        host, pid = socket.gethostname(), os.getpid()
        stated = {"key": _KEY, "id": self.id, "dead": dead or self.id, "seconds": _SECONDS, "host": host, "pid": pid}
        holder = f"{self.purpose} (process {pid} on {host})"
        record = run(transaction, _TAKE, {**stated, "holder": holder}).single(strict=True)
        return list(record.values())

    def _run(self, transaction: neo4j.Transaction, cypher: str, **parameters: object) -> bool:
        """True if the lease is ours."""
        record = run(transaction, cypher, {"key": _KEY, "id": self.id, **parameters}).single(strict=True)
        return bool(record[0])


def _alive(pid: object) -> bool:
    """False only if a process of this machine is known to be gone."""
    if sys.platform == "win32" or not isinstance(pid, int):
        return True  # there, asking would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
