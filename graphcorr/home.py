"""The home: one folder with the archive, projection, embedded store and ledger of an installation, and its lock."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graphcorr.config import Config, parse_config
from graphcorr.errors import LockedError, UsageError

DEFAULT_HOME = Path("graphcorr-data")
USERS = ("all", "actors", "none")

_MARKER = "graphcorr-home.json"
_SETTINGS = "settings.json"
_UNKNOWN_FIELDS = "unknown-fields.json"
_FORMAT = 1
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Settings:
    """What shapes the graph beside the archive; remembered in the home until changed."""

    # Whose sign-ins enter the graph: all users, users who act on or own workload identities, none.
    users: str = "actors"
    config: Config = Config()


@dataclass(frozen=True)
class Holder:
    """Who holds the home's lock."""

    pid: int
    purpose: str
    since: str
    host: str
    exclusive: bool

    def __str__(self) -> str:
        what = "" if self.exclusive else ", reading"
        return f"{self.purpose} (process {self.pid} on {self.host}, since {self.since}{what})"


Waiting = Callable[[str], None]
"""Called once when a lock has to be waited for, with a line that says who holds it."""


class Home:
    """Paths, settings and lock of one home. Making the object touches nothing on disk."""

    def __init__(self, root: str | Path = DEFAULT_HOME) -> None:
        # Absolute: the embedded store keeps its own idea of the working folder.
        self.root = Path(root).absolute()
        self.archive_dir = self.root / "archive"
        self.projection_dir = self.root / "projection"
        self.store_dir = self.root / "store"
        self.ledger_dir = self.root / "ledger"
        self._locks_dir = self.root / "locks"

    @property
    def exists(self) -> bool:
        """True if graphcorr made this folder its home."""
        return (self.root / _MARKER).is_file()

    def create(self) -> None:
        """Make the folder and mark it as ours.

        Raises UsageError for a folder that holds something else, for a home of a newer format, and where nothing can
        be written.
        """
        if self.exists:
            self.require()
            return
        try:
            foreign = self.root.is_dir() and any(self.root.iterdir())
            if foreign or (self.root.exists() and not self.root.is_dir()):
                hint = "choose another --home: an empty or new folder"
                raise UsageError("not a graphcorr home, and not empty", where=str(self.root), hint=hint)
            self.root.mkdir(parents=True, exist_ok=True)
            _write_atomically(self.root / _MARKER, {"format": _FORMAT})
        except OSError as error:
            raise UsageError(f"cannot make a home here: {error}", where=str(self.root)) from error

    def require(self) -> None:
        """Raises UsageError if this is no home, or one that this version does not understand."""
        if not self.exists:
            hint = "run `graphcorr load PATH…` first, or name the right folder with --home"
            raise UsageError("no graphcorr home here", where=str(self.root), hint=hint)
        found = _read_json(self.root / _MARKER).get("format")
        if found != _FORMAT:
            hint = "it was written by another version of graphcorr"
            raise UsageError(f"home format {found!r}, expected {_FORMAT}", where=str(self.root), hint=hint)

    @property
    def settings(self) -> Settings:
        """What was last remembered; the defaults for a home that is new or does not exist."""
        path = self.root / _SETTINGS
        if not path.is_file():
            return Settings()
        stored = _read_json(path)
        config = parse_config(str(stored.get("config", "")), str(path))
        return Settings(users=_users(stored.get("users")), config=config)

    def remember(self, *, users: str | None = None, config: Config | None = None) -> Settings:
        """Change what is given, keep the rest, and return the result. The caller holds the exclusive lock."""
        before = self.settings
        after = Settings(
            users=before.users if users is None else _users(users), config=before.config if config is None else config
        )
        if after != before or not (self.root / _SETTINGS).is_file():
            _write_atomically(self.root / _SETTINGS, {"users": after.users, "config": after.config.to_text()})
        return after

    @property
    def unknown_fields(self) -> dict[str, list[str]]:
        """Fields that no loader knew in anything that was ever loaded, by source; they are in the raw records only."""
        path = self.root / _UNKNOWN_FIELDS
        return (
            {str(source): list(map(str, names)) for source, names in _read_json(path).items()} if path.is_file() else {}
        )

    def note_unknown_fields(self, found: Mapping[str, Iterable[str]]) -> None:
        """Add fields to `unknown_fields`. The caller holds the exclusive lock."""
        before = self.unknown_fields
        after = {
            source: sorted({*before.get(source, ()), *found.get(source, ())}) for source in sorted({*before, *found})
        }
        if after != before:
            _write_atomically(self.root / _UNKNOWN_FIELDS, after)

    @contextmanager
    def lock(
        self, exclusive: bool, purpose: str, timeout: float = 30.0, waiting: Waiting | None = None
    ) -> Iterator[None]:
        """Hold the home: alone (`exclusive`) or together with other readers.

        The kernel frees the lock when the process ends in any way. Raises LockedError, naming the holders, if it is
        still held after `timeout` seconds. The home must exist.
        """
        self.require()
        try:
            self._locks_dir.mkdir(exist_ok=True)
            descriptor = os.open(self._locks_dir / "home.lock", os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise UsageError(f"cannot lock the home: {error}", where=str(self.root)) from error
        try:
            self._acquire(descriptor, exclusive, timeout, waiting)
            with self._announced(exclusive, purpose):
                yield
        finally:
            os.close(descriptor)  # frees the lock

    def holders(self) -> list[Holder]:
        """Who holds the lock now, oldest first; also removes the notes that killed processes left behind."""
        found: list[Holder] = []
        for note in sorted(self._locks_dir.glob("*.json")):
            with suppress(OSError, ValueError, TypeError):
                descriptor = os.open(note, os.O_RDWR)
                try:
                    dead = _try_lock(descriptor, exclusive=True, offset=_NOTE_OFFSET)
                    stored = {} if dead else json.loads(note.read_text(encoding="utf-8"))
                finally:
                    os.close(descriptor)
                if dead:
                    note.unlink(missing_ok=True)
                else:
                    found.append(Holder(**stored))
        return sorted(found, key=lambda holder: (holder.since, holder.pid))

    def _acquire(self, descriptor: int, exclusive: bool, timeout: float, waiting: Waiting | None) -> None:
        deadline = time.monotonic() + timeout
        told = False
        while not _try_lock(descriptor, exclusive=exclusive):
            if time.monotonic() >= deadline:
                hint = "wait for it, or give more time with --lock-timeout SECONDS"
                message = f"held by {self._held_by()} for more than {timeout:g} s"
                raise LockedError(message, where=str(self.root), hint=hint)
            if waiting is not None and not told:
                waiting(f"waiting for {self.root}: held by {self._held_by()}")
                told = True
            time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))

    def _held_by(self) -> str:
        return "; ".join(str(holder) for holder in self.holders()) or "another process"

    @contextmanager
    def _announced(self, exclusive: bool, purpose: str) -> Iterator[None]:
        """Leave a note about the holder, itself locked as long as the holder lives: a note nobody locks is stale."""
        holder = {
            "pid": os.getpid(),
            "purpose": purpose,
            "since": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "host": socket.gethostname(),
            "exclusive": exclusive,
        }
        note = self._locks_dir / f"{uuid.uuid4().hex}.json"
        descriptor = os.open(note, os.O_RDWR | os.O_CREAT)
        try:
            _try_lock(descriptor, exclusive=True, offset=_NOTE_OFFSET)
            os.write(descriptor, json.dumps(holder).encode())
            yield
        finally:
            os.close(descriptor)
            with suppress(OSError):
                note.unlink(missing_ok=True)


# Windows locks byte ranges and forbids others to read them: notes are locked far behind their text.
_NOTE_OFFSET = 1 << 20
# Windows knows exclusive ranges only: a reader takes one of these bytes, a writer all of them.
_READER_SLOTS = 64

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, *, exclusive: bool, offset: int = 0) -> bool:
        slots = [(offset, _READER_SLOTS)] if exclusive else [(offset + n, 1) for n in range(_READER_SLOTS)]
        for start, count in slots:
            os.lseek(descriptor, start, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, count)
            except OSError:
                continue
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
            return True
        return False

else:
    import fcntl

    def _try_lock(descriptor: int, *, exclusive: bool, offset: int = 0) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _users(value: Any) -> str:
    if value is None:
        return Settings.users
    if value not in USERS:
        raise UsageError(f"unknown choice of users {value!r}", hint=f"one of {', '.join(USERS)}")
    return str(value)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = "the file is damaged; move the home away and load again"
        raise UsageError(f"cannot be read: {error}", where=str(path), hint=hint) from error
    return found if isinstance(found, dict) else {}


def _write_atomically(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a file as a whole: a reader or a killed writer never sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
