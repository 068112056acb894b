"""Configuration: `graphcorr.toml` → what the operator declares about tenants, complete logs and networks."""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from graphcorr import ids, times
from graphcorr.errors import ConfigError, RecordError

FILE_NAME = "graphcorr.toml"

_TABLES = ("workspaces", "subscriptions", "complete", "networks")
_COMPLETE_KEYS = ("source", "scope", "from", "until")
_NETWORK_KEYS = ("name", "cidr", "purpose")


@dataclass(frozen=True, order=True)
class Complete:
    """The operator declares that a source was collected in full, for a scope and a time."""

    # Name of the source as `graphcorr loaders` prints it.
    source: str
    # ARM id in lower case (`/subscriptions/<id>`, a vault, a workflow); None = everything of the source.
    scope: str | None = None
    # First and last instant of the declaration, aware UTC; None = open.
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, order=True)
class Network:
    """A network that the operator knows by name."""

    name: str
    # Canonical CIDR notation, without host bits.
    cidr: str
    # What it is for (`egress`, `office`, `partner`), free text.
    purpose: str | None = None


@dataclass(frozen=True)
class Config:
    """What `graphcorr.toml` says. Equal declarations in another order or spelling are equal configurations."""

    # Log Analytics workspace id → tenant id, Azure subscription id → tenant id; GUIDs in lower case.
    workspaces: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Mapping[str, str] = field(default_factory=dict)
    complete: tuple[Complete, ...] = ()
    networks: tuple[Network, ...] = ()

    def to_text(self) -> str:
        """The configuration as TOML in its one canonical form; `parse_config` of it gives an equal Config."""
        parts = [_id_table("workspaces", self.workspaces), _id_table("subscriptions", self.subscriptions)]
        parts += [
            _entry("complete", source=c.source, scope=c.scope, start=c.start, until=c.end)
            for c in sorted(self.complete, key=_sort_key)
        ]
        parts += [
            _entry("networks", name=n.name, cidr=n.cidr, purpose=n.purpose)
            for n in sorted(self.networks, key=_sort_key)
        ]
        return "\n".join(part for part in parts if part)

    @property
    def digest(self) -> str:
        """Changes exactly when the meaning of the configuration changes."""
        return ids.digest(self.to_text())


def find_config(option: Path | None, home: Path) -> Path | None:
    """The file to use: the one named by `--config`, else `./graphcorr.toml`, else the one in the home, else None."""
    if option is not None:
        return option
    return next((path for path in (Path(FILE_NAME), home / FILE_NAME) if path.is_file()), None)


def load_config(path: Path | None) -> Config:
    """Read one configuration file; None gives the empty configuration.

    Raises ConfigError with file and line for everything that is not understood.
    """
    if path is None:
        return Config()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError("no such configuration file", where=str(path), hint="check --config") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration: {error}", where=str(path)) from error
    return parse_config(text, str(path))


def parse_config(text: str, name: str = FILE_NAME) -> Config:
    """Configuration from TOML text; `name` is the file named in errors."""
    return _Reader(text, name).read()


class _Reader:
    """Checks one document and finds the line of whatever is wrong in it."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._lines = text.splitlines()
        try:
            self._document: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"\(at line (\d+)", str(error))
            line = found.group(1) if found else str(max(1, len(self._lines)))
            raise ConfigError(f"not valid TOML: {error}", where=f"{name}:{line}") from error

    def read(self) -> Config:
        self._known_keys(self._document, _TABLES, table=None)
        return Config(
            workspaces=self._id_table("workspaces"),
            subscriptions=self._id_table("subscriptions"),
            complete=tuple(sorted(set(self._completes()), key=_sort_key)),
            networks=tuple(sorted(set(self._networks()), key=_sort_key)),
        )

    def _id_table(self, table: str) -> dict[str, str]:
        entries = self._document.get(table, {})
        if not isinstance(entries, dict):
            raise self._error(f"[{table}] must be a table", table, None, hint="write one `id = tenant` a line below it")
        read: dict[str, str] = {}
        for key, value in entries.items():
            left, tenant = ids.guid(key), ids.guid(value)
            if left is None or tenant is None:
                what = f"{key!r} is no GUID" if left is None else f"the tenant of {key} is no GUID"
                raise self._error(what, table, None, key, hint=f'expected "<{table[:-1]} id>" = "<tenant id>"')
            if read.setdefault(left, tenant) != tenant:
                raise self._error(f"{left} is given two tenants", table, None, key, hint="keep one of the lines")
        return read

    def _completes(self) -> Iterable[Complete]:
        for number, entry in self._entries("complete", _COMPLETE_KEYS):
            source = self._text(entry, "complete", number, "source", required=True)
            scope = self._text(entry, "complete", number, "scope")
            arm = None
            if scope is not None:
                arm = ids.arm_id(scope)
                if arm is None:
                    hint = "write an ARM id such as /subscriptions/<id>, or leave scope out for all of the source"
                    raise self._error(f"scope {scope!r} is no ARM id", "complete", number, "scope", hint=hint)
            start, end = self._time(entry, number, "from"), self._time(entry, number, "until")
            if start is not None and end is not None and start >= end:
                raise self._error("`until` does not lie after `from`", "complete", number, "until")
            assert source is not None
            yield Complete(source, arm, start, end)

    def _networks(self) -> Iterable[Network]:
        for number, entry in self._entries("networks", _NETWORK_KEYS):
            name = self._text(entry, "networks", number, "name", required=True)
            cidr = self._text(entry, "networks", number, "cidr", required=True)
            assert name is not None
            assert cidr is not None
            try:
                network = ipaddress.ip_network(cidr.strip())
            except ValueError as error:
                hint = "expected an address or network such as 203.0.113.0/24"
                raise self._error(f"not a network: {error}", "networks", number, "cidr", hint=hint) from error
            yield Network(name, str(network), self._text(entry, "networks", number, "purpose"))

    def _entries(self, table: str, known: tuple[str, ...]) -> Iterable[tuple[int, dict[str, Any]]]:
        entries = self._document.get(table, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._error(f"{table} must be written as [[{table}]]", table, None, hint="one block for each entry")
        for number, entry in enumerate(entries):
            self._known_keys(entry, known, table, number)
            yield number, entry

    def _text(self, entry: dict[str, Any], table: str, number: int, key: str, *, required: bool = False) -> str | None:
        value = entry.get(key)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not value.strip():
            what = f"[[{table}]] needs `{key}`" if value is None else f"`{key}` must be a text that is not blank"
            raise self._error(what, table, number, None if value is None else key, hint=f'write {key} = "…"')
        return value

    def _time(self, entry: dict[str, Any], number: int, key: str) -> datetime | None:
        value = entry.get(key)
        if value is None:
            return None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(), UTC)
        try:
            if not isinstance(value, datetime | str):
                raise RecordError(f"not a time: {value!r}")
            return times.parse_time(value)
        except RecordError as error:
            hint = "expected a date or time such as 2026-05-01 or 2026-05-01T06:00:00Z"
            raise self._error(error.message, "complete", number, key, hint=hint) from error

    def _known_keys(
        self, entry: dict[str, Any], known: tuple[str, ...], table: str | None, number: int | None = None
    ) -> None:
        for key in entry:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
                kind = "table or key" if table is None else f"key in [[{table}]]"
                raise self._error(f"unknown {kind} `{key}`", table or key, number, key, hint=hint)

    def _error(
        self, message: str, table: str, number: int | None, key: str | None = None, hint: str | None = None
    ) -> ConfigError:
        return ConfigError(message, where=f"{self._name}:{self._line(table, number, key)}", hint=hint)

    def _line(self, table: str, number: int | None, key: str | None) -> int:
        """Line of a key of a table, else of the table's header, else 1. Strings over several lines may mislead it."""
        header = re.compile(r"^\s*\[\[?\s*[\"']?([^\]\"'.]+)")
        inside, seen, header_line = False, -1, 1
        for place, line in enumerate(self._lines, start=1):
            opened = header.match(line)
            if opened:
                seen += opened.group(1).strip() == table
                inside = opened.group(1).strip() == table and (number is None or seen == number)
                if inside:
                    header_line = place
                if inside and key in (None, table):
                    return place
            name = re.match(r"""^\s*["']?([^"'=\s]+)["']?\s*=""", line)
            if name and name.group(1) in (key, table) and (inside or name.group(1) == table):
                return place
        return header_line


def _sort_key(entry: Complete | Network) -> tuple[str, ...]:
    return tuple("" if value is None else str(value) for value in vars(entry).values())


def _id_table(name: str, entries: Mapping[str, str]) -> str:
    lines = [f"{_quoted(key)} = {_quoted(value)}" for key, value in sorted(entries.items())]
    return "\n".join([f"[{name}]", *lines, ""]) if lines else ""


def _entry(table: str, **values: str | datetime | None) -> str:
    # `from` is a word of the language and cannot name an argument.
    lines = [
        f"{'from' if key == 'start' else key} = {value.isoformat() if isinstance(value, datetime) else _quoted(value)}"
        for key, value in values.items()
        if value is not None
    ]
    return "\n".join([f"[[{table}]]", *lines, ""])


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, except for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
