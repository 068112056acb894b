"""Writing the sample: events → files in the shapes and layouts that people have, with duplicates and late records."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from graphcorr.sample import shapes
from graphcorr.sample.events import Event
from graphcorr.sample.shapes import LOGS, Log
from graphcorr.sample.tenant import Key, Principal, Tenant

DUPLICATES = 0.03
LATE = 0.02

# Above this many events a day nobody downloads tables from a portal or pages through Microsoft Graph.
_BY_HAND = 20_000
_PAGE = 400
_RESOURCE_LOGS = ("AZKVAuditLogs", "AzureActivity", "LogicAppWorkflowRuntime")
_MOST_HELD = 4_000
_MOST_OPEN = 48


@dataclass
class Written:
    """What was written: events by table, records with their duplicates."""

    events: dict[str, int] = field(default_factory=dict)
    records: int = 0


class Writer:
    """Writes one event after the other below a folder; memory does not grow with their number."""

    def __init__(
        self,
        folder: Path,
        tenant: Tenant,
        seed: int,
        events_per_day: int,
        holes: Mapping[str, tuple[datetime, datetime]],
    ) -> None:
        self._logs = folder / "logs"
        self._tenant = tenant
        self._rng = Random(f"delivery/{seed}")
        self._by_hand = events_per_day <= _BY_HAND
        # Table → when its log was not delivered.
        self._holes = holes
        self._files: dict[Path, io.BufferedWriter] = {}
        self._pages: dict[str, list[Any]] = {}
        self._page_numbers: dict[str, int] = {}
        self._held: deque[Event] = deque()
        self._started: set[Path] = set()
        self.written = Written()

    def add(self, event: Event) -> None:
        """Deliver an event: now, later, twice, or never where the export has its hole."""
        log = shapes.log_of(event)
        hole = self._holes.get(log.table)
        if hole is not None and hole[0] <= event.at < hole[1]:
            return
        if not self._tenant.start <= event.at < self._tenant.end:
            return
        self.written.events[log.table] = self.written.events.get(log.table, 0) + 1
        fate = self._rng.random()
        if fate < LATE and len(self._held) < _MOST_HELD:
            self._held.append(event)
            return
        self._deliver(event, log, self._delay())
        if fate > 1 - DUPLICATES:
            if fate > 1 - DUPLICATES / 4:
                again = self._logs / "workspace" / log.table / "again.jsonl"
                self._line(again, shapes.row(self._tenant, event, self._delay()))
            else:
                self._deliver(event, log, self._delay())

    def end_of_hour(self) -> None:
        """Deliver what was held back up to now, hours late, into the hour it belongs to."""
        for _ in range(len(self._held) // 4):
            event = self._held.popleft()
            self._deliver(event, shapes.log_of(event), self._delay() + 40_000)

    def close(self) -> None:
        """Deliver the rest and close all files."""
        while self._held:
            event = self._held.popleft()
            self._deliver(event, shapes.log_of(event), self._delay() + 40_000)
        for name in sorted(self._pages):
            self._flush(name)
        self._close_files()

    def _delay(self) -> float:
        """Seconds until a record is written: half a minute to a quarter of an hour."""
        return round(self._rng.uniform(28, 900), 3)

    def _deliver(self, event: Event, log: Log, delay: float) -> None:
        day = event.at.date().isoformat()
        shape = self._shape(log, (event.at - self._tenant.start).days)
        if shape == "blob":
            hour = event.at.strftime("y=%Y/m=%m/d=%d/h=%H/m=00")
            folder = self._logs / "storage" / f"insights-logs-{log.category.lower()}" / f"tenantId={self._tenant.id}"
            self._line(folder / hour / "PT1H.json", shapes.export(self._tenant, event, delay), b"\r\n")
        elif shape == "export":
            name = "insights-activity-logs" if log.table == "AzureActivity" else f"insights-logs-{log.category.lower()}"
            self._line(self._logs / "export" / f"{name}-{day}.jsonl", shapes.export(self._tenant, event, delay))
        elif shape == "rows":
            self._line(self._logs / "workspace" / log.table / f"{day}.jsonl", shapes.row(self._tenant, event, delay))
        elif shape == "csv":
            self._csv(self._logs / "portal" / f"{log.table}-{day}.csv", shapes.row(self._tenant, event, delay))
        elif shape == "hub":
            self._paged(f"hub/{day}", shapes.export(self._tenant, event, delay))
        else:
            # Sign-ins of applications and of managed identities come from one collection, asked for separately.
            self._paged(f"graph/{log.collection}/{log.category}/{day}", shapes.graph_object(self._tenant, event))

    def _shape(self, log: Log, day: int) -> str:
        """One shape for the days of the first half, others in turn after it."""
        if not log.category:
            return "rows"
        first = "blob" if log.table == "AADServicePrincipalSignInLogs" else "export"
        if day < self._tenant.days // 2:
            return first
        others = ["rows", "hub"]
        if self._by_hand:
            others = ["rows", "csv", *(["graph"] if log.collection else []), "hub"]
        # Resources do not write to the event hub of the tenant.
        others = [other for other in others if other != "hub" or log.table not in _RESOURCE_LOGS]
        return others[(day + len(log.table)) % len(others)]

    # -- files ---------------------------------------------------------------------------------------------------------

    def _line(self, path: Path, record: Any, end: bytes = b"\n") -> None:
        self._file(path).write(dense(record) + end)
        self.written.records += 1

    def _csv(self, path: Path, record: dict[str, Any]) -> None:
        new = path not in self._started
        file = self._file(path)
        if new:
            names = [f"{name} [UTC]" if name in shapes.TIME_COLUMNS else name for name in record]
            file.write(b"\xef\xbb\xbf" + _csv_line(names))
        file.write(_csv_line([_cell(name, value) for name, value in record.items()]))
        self.written.records += 1

    def _paged(self, name: str, record: Any) -> None:
        page = self._pages.setdefault(name, [])
        page.append(record)
        self.written.records += 1
        if len(page) >= _PAGE:
            self._flush(name)

    def _flush(self, name: str) -> None:
        records = self._pages.pop(name)
        number = self._page_numbers[name] = self._page_numbers.get(name, 0) + 1
        kind, *rest = name.split("/")
        day = rest[-1]
        if kind == "hub":
            path = self._logs / "eventhub" / f"{day}-{number:04}.json.gz"
            # No name and no time inside: the same sample is the same bytes.
            content = gzip.compress(dense({"records": records}), 6, mtime=0)
        else:
            collection = "/".join(rest[:2])
            path = self._logs / "graph" / f"{rest[1]}-{rest[2]}-{day}-{number:04}.json"
            version = "beta" if rest[1] == "signIns" else "v1.0"
            context = f"https://graph.microsoft.com/{version}/$metadata#{collection}"
            content = dense({"@odata.context": context, "value": records})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def _file(self, path: Path) -> io.BufferedWriter:
        file = self._files.get(path)
        if file is None:
            if len(self._files) >= _MOST_OPEN:
                self._close_files()
            path.parent.mkdir(parents=True, exist_ok=True)
            file = self._files[path] = path.open("ab")
            self._started.add(path)
        return file

    def _close_files(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()


def dense(value: Any) -> bytes:
    """JSON without blanks, as exports write it."""
    return msgspec.json.encode(value)


def _csv_line(values: Iterable[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue().encode("utf-8")


def _cell(name: str, value: Any) -> str:
    if name in shapes.TIME_COLUMNS:
        return shapes.portal_time(value)
    if isinstance(value, bool):
        return str(value).upper()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# -- inventory ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """A principal as an inventory finds it: with its keys of that time."""

    principal: Principal
    keys: tuple[Key, ...]
    own_keys: tuple[Key, ...]


def listed(principals: Iterable[Principal]) -> list[Listed]:
    """Principals with the keys they have now."""
    return [Listed(principal, tuple(principal.keys), tuple(principal.own_keys)) for principal in principals]


def inventory(folder: Path, at: datetime, everybody: list[Listed]) -> None:
    """The registrations and service principals that exist at a time, with all keys, as Microsoft Graph lists them."""
    everybody = [
        entry
        for entry in everybody
        if entry.principal.created < at and (entry.principal.deleted is None or at < entry.principal.deleted)
    ]
    place = folder / "logs" / "inventory"
    place.mkdir(parents=True, exist_ok=True)
    for collection, describe in (("applications", _application), ("servicePrincipals", _service_principal)):
        context = f"https://graph.microsoft.com/v1.0/$metadata#{collection}"
        with (place / f"{collection}-{at.date().isoformat()}.json").open("wb") as file:
            file.write(b'{"@odata.context":' + dense(context) + b',"value":[')
            separator = b""
            for entry in everybody:
                if collection == "applications" and not entry.principal.registration_id:
                    continue
                file.write(separator + b"\n" + dense(describe(entry, at)))
                separator = b","
            file.write(b"\n]}\n")


def _application(entry: Listed, at: datetime) -> Any:
    principal = entry.principal
    return {
        "id": principal.registration_id,
        "deletedDateTime": None,
        "appId": principal.app_id,
        "displayName": principal.name(at),
        "createdDateTime": _second(principal.created),
        "identifierUris": [],
        "publisherDomain": "contoso.example",
        "signInAudience": "AzureADMyOrg",
        "keyCredentials": _key_credentials(entry.keys),
        "passwordCredentials": _password_credentials(entry.keys),
    }


def _service_principal(entry: Listed, at: datetime) -> Any:
    principal = entry.principal
    managed = principal.kind == "managedIdentity"
    return {
        "id": principal.object_id,
        "deletedDateTime": None,
        "accountEnabled": principal.disabled is None or at < principal.disabled,
        "alternativeNames": ["isExplicit=False", principal.managed_identity] if managed else [],
        "appDisplayName": None if managed else principal.name(at),
        "appId": principal.app_id,
        "appOwnerOrganizationId": None if managed else principal.owner_tenant,
        "displayName": principal.name(at),
        "servicePrincipalNames": [principal.app_id],
        "servicePrincipalType": "ManagedIdentity" if managed else "Application",
        "keyCredentials": _key_credentials(entry.own_keys),
        "passwordCredentials": _password_credentials(entry.own_keys),
    }


def _key_credentials(keys: tuple[Key, ...]) -> list[Any]:
    return [
        {
            "customKeyIdentifier": key.thumbprint, "displayName": key.display_name, "endDateTime": _second(key.end),
            "key": None, "keyId": key.id, "startDateTime": _second(key.start), "type": "AsymmetricX509Cert",
            "usage": "Verify",
        }
        for key in keys if key.kind == "certificate"
    ]  # fmt: skip


def _password_credentials(keys: tuple[Key, ...]) -> list[Any]:
    return [
        {
            "customKeyIdentifier": None, "displayName": key.display_name, "endDateTime": _second(key.end),
            "hint": key.id[:3], "keyId": key.id, "secretText": None, "startDateTime": _second(key.start),
        }
        for key in keys if key.kind == "secret"
    ]  # fmt: skip


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# -- configuration -----------------------------------------------------------------------------------------------------


def configuration(tenant: Tenant, gap: tuple[datetime, datetime]) -> str:
    """graphcorr.toml of the tenant: what its operator declares complete. The hole is left out."""
    lines = [
        "# Configuration of a constructed tenant.",
        "",
        "[workspaces]",
        f'"{tenant.workspace}" = "{tenant.id}"',
        "",
        "[subscriptions]",
        f'"{tenant.subscription}" = "{tenant.id}"',
    ]
    whole = (tenant.start, tenant.end)
    spans: list[tuple[str, str, tuple[datetime, datetime]]] = [
        (LOGS[name].table, "", whole)
        for name in ("audit", "servicePrincipal", "managedIdentity", "user", "nonInteractive")
    ]
    # The inventories hold every object.
    spans += [(kind, "", whole) for kind in ("servicePrincipals", "applications")]
    graph = LOGS["graph"].table
    spans += [(graph, "", (tenant.start, gap[0])), (graph, "", (gap[1], tenant.end))]
    spans.append(("AzureActivity", f"/subscriptions/{tenant.subscription}", whole))
    spans += [("AZKVAuditLogs", tenant.vault_id(vault), whole) for vault in tenant.vaults]
    for source, scope, (start, end) in spans:
        lines += ["", "[[complete]]", f'source = "{source}"']
        if scope:
            lines.append(f'scope = "{scope}"')
        lines += [f"from = {start.isoformat()}", f"until = {end.isoformat()}"]
    lines += ["", "[[networks]]", 'name = "contoso egress"', 'cidr = "203.0.113.0/24"', 'purpose = "egress"', ""]
    return "\n".join(lines)
