"""The way to a Neo4j server: address, credentials, transactions, what is tried again, and errors in our words."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import neo4j
from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    DriverError,
    IncompleteCommit,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from graphcorr.errors import GraphcorrError, OverLimit, PatternError, StoreError, UsageError

SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
# `CALL (x) { … }` and what else the patterns are written in; the oldest server that the tests run on.
_OLDEST = (5, 26)
_NEEDED = "Neo4j 5.26 or newer is needed"
_CONNECT_SECONDS = 10.0
_FETCH_ROWS = 5_000
_LONGEST_PAUSE = 3.0
_MEMORY = ("OutOfMemoryError", "TransactionMemoryLimit")
# The second is what Neo4j 5.26 says whose log of transactions takes no more.
_DISK = ("No space left on device", "Could not append transaction")
AFTER_A_FULL_DISK = "free space there, restart the server, then run the command again"
"""What to do when the server could not write."""
_TIMED_OUT = ("TransactionTimedOut", "TransactionTimedOutClientConfiguration")

T = TypeVar("T")
Work = Callable[[neo4j.Transaction, bool], T]
"""What a transaction does; the flag says that it is tried again and may have been committed before."""


@dataclass(frozen=True)
class Credentials:
    """A user and a password that never appears in a representation."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, …)"


def read_credentials(file: Path | None, environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """NEO4J_USERNAME and NEO4J_PASSWORD from a file of `NAME=value` lines, else from the environment.

    Without a password: None, for a server that asks for none. Raises UsageError for a file that cannot be read or
    states no password.
    """
    stated: Mapping[str, str] = environment
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"no credentials can be read: {type(error).__name__}", where=str(file)) from error
        pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
        stated = {name.strip(): value.strip() for name, value in pairs}
        if not stated.get("NEO4J_PASSWORD"):
            hint = "one line NEO4J_USERNAME=name, one NEO4J_PASSWORD=password"
            raise UsageError("no NEO4J_PASSWORD in this file", where=str(file), hint=hint)
    password = stated.get("NEO4J_PASSWORD")
    return Credentials(stated.get("NEO4J_USERNAME") or "neo4j", password) if password else None


def check_address(address: str) -> str:
    """The address as it may be shown. Raises UsageError for another scheme and for an address with a password in it."""
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise UsageError("not the address of a Neo4j server", hint=f"one of {', '.join(SCHEMES)}, then ://HOST[:PORT]")
    if parts.username or parts.password:
        raise UsageError("credentials do not belong into the address", hint="NEO4J_USERNAME and NEO4J_PASSWORD, or "
                         "--credentials-file")  # fmt: skip
    return f"{parts.scheme}://{parts.netloc}"


class Connection:
    """One database of one server. Nothing is sent before the first transaction.

    All methods raise StoreError, PatternError for a statement that the server refuses, UsageError for an address that
    the driver does not understand.
    """

    def __init__(
        self,
        address: str,
        credentials: Credentials | None = None,
        database: str | None = None,
        *,
        retry_seconds: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = check_address(address)
        self._address = address
        self._credentials = credentials
        self._database = database
        self._retry_seconds = retry_seconds
        self._sleep = sleep
        self._driver: neo4j.Driver | None = None
        # A cluster answers reads from another member: it has to wait for what was written here.
        self._bookmarks = neo4j.GraphDatabase.bookmark_manager()

    def close(self) -> None:
        """Close all connections; the next transaction opens new ones."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def read(self, cypher: str, parameters: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows of one statement in a transaction that cannot write."""

        def work(transaction: neo4j.Transaction, _: bool) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
            result = run(transaction, cypher, parameters)
            rows = [tuple(record.values()) for record in result]
            return tuple(result.keys()), rows

        return self.transaction(work, access=neo4j.READ_ACCESS)

    def stream(self, cypher: str) -> Iterator[tuple[Any, ...]]:
        """Rows of one statement as they come; never tried again once the first was handed on."""
        with self._translated(), self._session(neo4j.READ_ACCESS) as session:
            for record in session.run(cypher):
                yield tuple(record.values())

    def transaction(self, work: Work[T], *, access: str = neo4j.WRITE_ACCESS, retry: bool = True) -> T:
        """Run `work` in one transaction and commit it: the one place that decides what is tried again.

        Tried again until it works or `retry_seconds` have passed: lost connections, restarts, changed leaders,
        deadlocks, and commits whose answer was lost – so `work` must be able to find its own result and leave it.
        Raises OverLimit where less work at once may help.
        """
        give_up: float | None = None
        for attempt in count():
            # The first connection is not waited for: an address may be wrong.
            patient = retry and self._driver is not None
            try:
                with self._session(access) as session, session.begin_transaction() as transaction:
                    result = work(transaction, attempt > 0)
                    transaction.commit()
                    return result
            except (DriverError, Neo4jError) as error:
                now = time.monotonic()
                give_up = give_up or now + self._retry_seconds
                if not patient or not _repeatable(error) or now >= give_up:
                    raise failure(error, self.name) from error
            self._sleep(min(0.05 * 2**attempt, _LONGEST_PAUSE))
        raise AssertionError  # count() does not end

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (DriverError, Neo4jError) as error:
            raise failure(error, self.name) from error

    def _session(self, access: str) -> neo4j.Session:
        if self._driver is None:
            self._driver = self._connect()
        return self._driver.session(
            database=self._database,
            default_access_mode=access,
            fetch_size=_FETCH_ROWS,
            bookmark_manager=self._bookmarks,
        )

    def _connect(self) -> neo4j.Driver:
        known = self._credentials
        try:
            driver = neo4j.GraphDatabase.driver(
                self._address,
                auth=None if known is None else (known.user, known.password),
                connection_timeout=_CONNECT_SECONDS,
                notifications_min_severity="OFF",
            )
        except (ConfigurationError, ValueError) as error:
            raise UsageError(f"the driver refuses the address: {error}", where=self.name) from error
        try:
            with self._translated():
                _check_version(driver.get_server_info().agent, self.name)
        except GraphcorrError:
            driver.close()
            raise
        return driver


def run(transaction: neo4j.Transaction, cypher: str, parameters: Mapping[str, Any]) -> neo4j.Result:
    """Run a statement in a transaction. Its text is ours or was checked; values only ever come as parameters."""
    return transaction.run(cypher, dict(parameters))


def failure(error: DriverError | Neo4jError, name: str) -> GraphcorrError:
    """The driver's complaint in our words, with what to do."""
    message = str(getattr(error, "message", None) or error).partition("\n")[0]
    code = str(getattr(error, "code", None) or "")
    kind = code.rpartition(".")[2]
    if kind == "TransactionLogError" or any(sign in str(error) for sign in _DISK):
        return StoreError("the server cannot write to its disk, which is probably full", where=name,
                          hint=AFTER_A_FULL_DISK)  # fmt: skip
    if kind == "BookmarkTimeout":
        return StoreError("the server does not apply what was written: its disk may be full", where=name,
                          hint=AFTER_A_FULL_DISK)  # fmt: skip
    if kind.endswith(_MEMORY) or kind in _TIMED_OUT:
        return OverLimit(f"too much for one transaction: {message}", where=name, hint="raise the server's "
                             "db.memory.transaction.max, heap or db.transaction.timeout")  # fmt: skip
    if isinstance(error, ConfigurationError):  # what we ask of the driver came with Bolt 5
        return StoreError("the server speaks an older protocol than Neo4j 5", where=name, hint=_NEEDED)
    if isinstance(error, AuthError):
        hint = "set NEO4J_USERNAME and NEO4J_PASSWORD, or --credentials-file"
        return StoreError("the server refuses user or password", where=name, hint=hint)
    if kind in ("Forbidden", "ForbiddenOnReadOnlyDatabase", "WriteOnReadOnlyAccessDatabase", "NotALeader"):
        return StoreError(f"this user or database may not write: {message}", where=name,
                          hint="use a user who may write, and neo4j:// instead of bolt:// for a cluster")  # fmt: skip
    if kind in ("DatabaseNotFound", "DatabaseUnavailable"):
        return StoreError(f"no such database: {message}", where=name, hint="name one with --database")
    if isinstance(error, ServiceUnavailable | SessionExpired):
        return StoreError(f"the server cannot be reached: {message}", where=name,
                          hint="is it running, and are address and scheme right?")  # fmt: skip
    if code.startswith(("Neo.ClientError.Statement.", "Neo.ClientError.Procedure.")):
        return PatternError(f"the query is not valid: {message}")
    return StoreError(f"the server failed: {code or type(error).__name__}: {message}", where=name,
                      hint="see the server's log, then run the command again")  # fmt: skip


def _repeatable(error: DriverError | Neo4jError) -> bool:
    if str(getattr(error, "code", None) or "").endswith((*_MEMORY, *_TIMED_OUT)):
        return False  # the same again would fail again
    # The driver does not repeat a commit whose answer was lost; our transactions can be.
    return isinstance(error, IncompleteCommit) or error.is_retryable()


def _check_version(agent: str, name: str) -> None:
    product, _, version = agent.partition("/")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if product != "Neo4j" or numbers < _OLDEST:
        raise StoreError(f"the server is {agent}", where=name, hint=_NEEDED)
