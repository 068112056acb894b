"""Configuration: `graphcorr.toml` → what the operator declares about tenants, complete logs and networks."""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, TypeVar

from graphcorr import ids, lists, times
from graphcorr.errors import ConfigError, RecordError

FILE_NAME = "graphcorr.toml"

_T = TypeVar("_T")

_TABLES = (
    "workspaces", "subscriptions", "first_party", "complete", "networks", "issuers", "risks", "owners", "azure",
    "allow", "lists",
)  # fmt: skip
_COMPLETE_KEYS = ("source", "scope", "from", "until")
_NETWORK_KEYS = ("name", "cidr", "purpose")
_ISSUER_KEYS = ("issuer", "purpose")
_RISK_KEYS = ("kind", "value", "risk")
_OWNER_KEYS = ("id", "owner", "tier")
_ALLOW_KEYS = ("pattern", "subject", "fingerprint", "reason", "until")
_LISTS = ("first_party", "risks", "owners", "azure")
RISK_KINDS = ("application", "delegated", "directoryRole", "azureRole")
RISKS = ("high", "medium", "low")


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


@dataclass(frozen=True, order=True)
class Issuer:
    """An issuer of federated credentials that the operator knows, as written in the credential."""

    issuer: str
    purpose: str | None = None


@dataclass(frozen=True, order=True)
class Risk:
    """How much a permission or role gives, where the operator's view differs from the built-in list."""

    # application or delegated permission, directoryRole, azureRole.
    kind: str
    # Value of a permission (`Mail.Read`), its id, or the id of a role template or role definition; lower case.
    value: str
    # high, medium or low.
    risk: str


@dataclass(frozen=True, order=True)
class Owner:
    """Who answers for an identity."""

    # App id, or object id of a service principal or application object.
    id: str
    owner: str
    # Free text, `tier 0` say.
    tier: str | None = None


@dataclass(frozen=True, order=True)
class Allow:
    """Findings that are known and harmless: shown apart until they expire, never deleted."""

    # Id of the pattern.
    pattern: str
    reason: str
    # First instant at which it no longer holds.
    until: datetime
    # What it holds for: an app id, object id, key id or address of the subject, or the fingerprint of one finding.
    subject: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True)
class Config:
    """What `graphcorr.toml` says. Equal declarations in another order or spelling are equal configurations."""

    # Log Analytics workspace id → tenant id, Azure subscription id → tenant id; GUIDs in lower case.
    workspaces: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Mapping[str, str] = field(default_factory=dict)
    complete: tuple[Complete, ...] = ()
    networks: tuple[Network, ...] = ()
    # App ids of Microsoft's own applications with their names, beside the built-in list.
    first_party: Mapping[str, str] = field(default_factory=dict)
    issuers: tuple[Issuer, ...] = ()
    risks: tuple[Risk, ...] = ()
    owners: tuple[Owner, ...] = ()
    # Networks of Azure, canonical CIDR.
    azure: tuple[str, ...] = ()
    # Shapes no graph, only what a scan says.
    allow: tuple[Allow, ...] = ()

    def to_text(self) -> str:
        """The configuration as TOML in its one canonical form; `parse_config` of it gives an equal Config."""
        parts = [
            _id_table("workspaces", self.workspaces),
            _id_table("subscriptions", self.subscriptions),
            _id_table("first_party", self.first_party),
            f"[azure]\nranges = {json.dumps(self.azure)}\n" if self.azure else "",
        ]
        parts += [
            _entry("complete", source=c.source, scope=c.scope, start=c.start, until=c.end)
            for c in sorted(self.complete, key=_sort_key)
        ]
        parts += [
            _entry("networks", name=n.name, cidr=n.cidr, purpose=n.purpose)
            for n in sorted(self.networks, key=_sort_key)
        ]
        for table in ("issuers", "risks", "owners", "allow"):
            parts += [_entry(table, **vars(entry)) for entry in sorted(getattr(self, table), key=_sort_key)]
        return "\n".join(part for part in parts if part)

    @property
    def digest(self) -> str:
        """Changes exactly when what the configuration says about the graph changes."""
        return ids.digest(replace(self, allow=()).to_text())


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
        files = self._document.get("lists", {})
        if not isinstance(files, dict):
            raise self._error("[lists] must be a table", "lists", None, hint='write risks = "risks.csv" below [lists]')
        self._known_keys(files, _LISTS, "lists")
        return Config(
            first_party=self._id_table("first_party", _app_name) | dict(self._listed("first_party", _first_party)),
            issuers=_sorted(self._issuers()),
            risks=self._once("risks", (*self._risks(), *self._listed("risks", _risk)), lambda r: (r.kind, r.value)),
            owners=self._once("owners", (*self._owners(), *self._listed("owners", _owner)), lambda o: o.id),
            azure=self._azure(),
            allow=_sorted(self._allows()),
            workspaces=self._id_table("workspaces"),
            subscriptions=self._id_table("subscriptions"),
            complete=_sorted(self._completes()),
            networks=_sorted(self._networks()),
        )

    def _id_table(self, table: str, right: Callable[[Any], str | None] = ids.guid) -> dict[str, str]:
        entries = self._document.get(table, {})
        if not isinstance(entries, dict):
            raise self._error(f"[{table}] must be a table", table, None, hint="write one `id = tenant` a line below it")
        read: dict[str, str] = {}
        for key, value in entries.items():
            left, given = ids.guid(key), right(value)
            word = "name" if table == "first_party" else "tenant"
            if left is None or given is None:
                what = f"{key!r} is no GUID" if left is None else f"the {word} of {key} is no {_FORM[word]}"
                what_to_write = '"<app id>" = "<name>"' if word == "name" else f'"<{table[:-1]} id>" = "<tenant id>"'
                raise self._error(what, table, None, key, hint=f"expected {what_to_write}")
            if read.setdefault(left, given) != given:
                raise self._error(f"{left} is given two {word}s", table, None, key, hint="keep one of the lines")
        return read

    def _completes(self) -> Iterable[Complete]:
        for number, entry in self._entries("complete", _COMPLETE_KEYS):
            source = self._needed(entry, "complete", number, "source")
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
            yield Complete(source, arm, start, end)

    def _networks(self) -> Iterable[Network]:
        for number, entry in self._entries("networks", _NETWORK_KEYS):
            name, cidr = (self._needed(entry, "networks", number, key) for key in ("name", "cidr"))
            try:
                network = ipaddress.ip_network(cidr.strip())
            except ValueError as error:
                hint = "expected an address or network such as 203.0.113.0/24"
                raise self._error(f"not a network: {error}", "networks", number, "cidr", hint=hint) from error
            yield Network(name, str(network), self._text(entry, "networks", number, "purpose"))

    def _issuers(self) -> Iterable[Issuer]:
        for number, entry in self._entries("issuers", _ISSUER_KEYS):
            yield Issuer(
                self._needed(entry, "issuers", number, "issuer"), self._text(entry, "issuers", number, "purpose")
            )

    def _risks(self) -> Iterable[Risk]:
        for number, entry in self._entries("risks", _RISK_KEYS):
            stated = {key: self._needed(entry, "risks", number, key) for key in _RISK_KEYS}
            yield _risk(f"{self._name}:{self._line('risks', number, None)}", stated)

    def _owners(self) -> Iterable[Owner]:
        for number, entry in self._entries("owners", _OWNER_KEYS):
            texts = {key: self._text(entry, "owners", number, key, required=key != "tier") for key in _OWNER_KEYS}
            stated = {key: value for key, value in texts.items() if value is not None}
            yield _owner(f"{self._name}:{self._line('owners', number, None)}", stated)

    def _allows(self) -> Iterable[Allow]:
        for number, entry in self._entries("allow", _ALLOW_KEYS):
            pattern, reason = (self._needed(entry, "allow", number, key) for key in ("pattern", "reason"))
            subject, fingerprint = (self._text(entry, "allow", number, key) for key in ("subject", "fingerprint"))
            if (subject is None) == (fingerprint is None):
                hint = "name an app id, object id, key id or address, or the fingerprint of one finding"
                raise self._error("[[allow]] needs `subject` or `fingerprint`", "allow", number, hint=hint)
            until = self._time(entry, number, "until", "allow")
            if until is None:
                hint = "write until = 2026-12-31; what is allowed for ever is forgotten"
                raise self._error("[[allow]] needs `until`", "allow", number, hint=hint)
            yield Allow(pattern, reason, until, subject.strip().lower() if subject else None, fingerprint)

    def _azure(self) -> tuple[str, ...]:
        table = self._document.get("azure", {})
        ranges = table.get("ranges", []) if isinstance(table, dict) and set(table) <= {"ranges"} else None
        try:
            own = [str(ipaddress.ip_network(value)) for value in ranges] if isinstance(ranges, list) else None
        except ValueError as error:
            raise self._error(f"not a network: {error}", "azure", None, "ranges", hint="20.33.0.0/16") from error
        if own is None:
            hint = 'write ranges = ["20.33.0.0/16"], or name a file: [lists] azure = "ServiceTags.json"'
            raise self._error("[azure] holds one list, `ranges`", "azure", None, hint=hint)
        path = self._list_path("azure")
        return tuple(sorted({*own, *(lists.azure_ranges(path) if path else ())}))

    def _listed(self, name: str, make: Callable[[str, dict[str, str]], _T]) -> Iterable[_T]:
        """Entries of the CSV file that [lists] names, if any."""
        path = self._list_path(name)
        if path is not None:
            required, optional = _COLUMNS[name]
            yield from (make(place, row) for place, row in lists.rows(path, required, optional))

    def _once(self, table: str, entries: Iterable[_T], subject: Callable[[_T], object]) -> tuple[_T, ...]:
        """Entries in order; two that say different things about one subject are a mistake."""
        unique = _sorted(entries)
        seen: set[object] = set()
        for about in map(subject, unique):
            if about in seen:
                raise self._error(f"{table} say two things about {about}", table, None, hint="keep one of them")
            seen.add(about)
        return unique

    def _list_path(self, name: str) -> Path | None:
        value = self._text(self._document.get("lists", {}), "lists", None, name)
        return None if value is None else Path(self._name).parent / value

    def _entries(self, table: str, known: tuple[str, ...]) -> Iterable[tuple[int, dict[str, Any]]]:
        entries = self._document.get(table, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._error(f"{table} must be written as [[{table}]]", table, None, hint="one block for each entry")
        for number, entry in enumerate(entries):
            self._known_keys(entry, known, table, number)
            yield number, entry

    def _needed(self, entry: dict[str, Any], table: str, number: int, key: str) -> str:
        value = self._text(entry, table, number, key, required=True)
        assert value is not None
        return value

    def _text(
        self, entry: dict[str, Any], table: str, number: int | None, key: str, *, required: bool = False
    ) -> str | None:
        value = entry.get(key)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not value.strip():
            what = f"[[{table}]] needs `{key}`" if value is None else f"`{key}` must be a text that is not blank"
            raise self._error(what, table, number, None if value is None else key, hint=f'write {key} = "…"')
        return value

    def _time(self, entry: dict[str, Any], number: int, key: str, table: str = "complete") -> datetime | None:
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
            raise self._error(error.message, table, number, key, hint=hint) from error

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


_FORM = {"tenant": "GUID", "name": "text"}
# Columns of the files that [lists] names: those that must be filled in, and those that may.
_COLUMNS = {
    "first_party": (("app_id", "name"), ()),
    "risks": (_RISK_KEYS, ()),
    "owners": (("id", "owner"), ("tier",)),
}


def _app_name(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None


def _first_party(place: str, row: dict[str, str]) -> tuple[str, str]:
    app_id = ids.guid(row["app_id"])
    if app_id is None:
        raise ConfigError(f"{row['app_id']!r} is no app id", where=place, hint="expected a GUID")
    return app_id, row["name"]


def _risk(place: str, row: dict[str, str]) -> Risk:
    for key, known in (("kind", RISK_KINDS), ("risk", RISKS)):
        if row[key] not in known:
            raise ConfigError(f"unknown {key} {row[key]!r}", where=place, hint=f"one of {', '.join(known)}")
    return Risk(row["kind"], row["value"].strip().lower(), row["risk"])


def _owner(place: str, row: dict[str, str]) -> Owner:
    found = ids.guid(row["id"])
    if found is None:
        raise ConfigError(f"{row['id']!r} is no id", where=place, hint="expected an app id or object id, a GUID")
    return Owner(found, row["owner"].strip(), row.get("tier"))


def _sorted(entries: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(sorted(set(entries), key=_sort_key))


def _sort_key(entry: object) -> tuple[str, ...]:
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
