"""Logs of one constructed tenant, of any size: what the other benchmarks load. Depends on its arguments alone.

    python benchmarks/generate.py OUT --events 1000000 [--days 30] [--principals 200] [--seed 1] [--busy]
                                      [--shape export|rows|mixed]

OUT/logs holds the files, OUT/hour those of the hour after, OUT/late some sign-ins of the past days that come last.
60 % are sign-ins of users, 20 % of service principals and managed identities, 15 % activity, 5 % audit records. The
records are those of tests/data/constructed with other ids, times and names, so they are as long as real ones.
"""

from __future__ import annotations

import argparse
import binascii
import json
import random
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

CONSTRUCTED = Path(__file__).resolve().parent.parent / "tests" / "data" / "constructed"
FIRST_DAY = datetime(2026, 5, 1, tzinfo=UTC)

TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
SUBSCRIPTION = "bb6fc856-b52e-4f4c-9c47-7547100df6fe"

DUPLICATES = 0.03
LATE = 0.02
HELD_BACK = 100
BUSY_EVENTS = 20_000

# -- logs and templates: constructed records with slots ----------------------------------------------------------------


@dataclass(frozen=True)
class Log:
    """Where the records of a log stand: in the export of diagnostic settings, in the tables of a workspace."""

    export: str
    table: str
    scope: str = f"tenantId={TENANT}"


_AZURE = f"resourceId=/SUBSCRIPTIONS/{SUBSCRIPTION.upper()}"
_VAULT = f"{_AZURE}/RESOURCEGROUPS/RG-VAULTS/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV-CONTOSO-PROD"
USER = Log("insights-logs-signinlogs", "SigninLogs")
NON_INTERACTIVE = Log("insights-logs-noninteractiveusersigninlogs", "AADNonInteractiveUserSignInLogs")
PRINCIPAL = Log("insights-logs-serviceprincipalsigninlogs", "AADServicePrincipalSignInLogs")
MANAGED = Log("insights-logs-managedidentitysigninlogs", "AADManagedIdentitySignInLogs")
AUDIT = Log("insights-logs-auditlogs", "AuditLogs")
GRAPH = Log("insights-logs-microsoftgraphactivitylogs", "MicrosoftGraphActivityLogs")
ARM = Log("insights-activity-logs", "AzureActivity", _AZURE)
VAULT = Log("insights-logs-auditevent", "AzureDiagnostics", _VAULT)

# Share of sign-ins that are refused, and the code.
FAILED = {
    USER: (0.03, b"50126"),
    NON_INTERACTIVE: (0.01, b"50173"),
    PRINCIPAL: (0.002, b"7000215"),
    MANAGED: (0.0, b""),
}

# What the texts of the constructed records are. They are the same in both shapes and in JSON inside of strings.
_APPLICATION = {
    "user": "8e6c9687-94cc-4d20-afff-7768d1b3f2d4",
    "upn": "user02@contoso.example",
    "app": "9536314a-6327-486b-b65c-ae8d9b85ff85",
    "principal": "13b00951-7190-4249-a603-988a803ecbf7",
    "registration": "5a5ca5af-5ead-4cab-8ac6-6ca3e486b796",
    "name": "Azure Backup Agent",
    "former": "contoso-billing-sync",
    "old_key": "aa69a500-84aa-4ac1-9031-c45cc86fa1ae",
    "key": "b9411010-6d06-43e7-b484-db447bcd98ca",
    "ip": "198.51.100.77",
}
_KEY_VAULT = {
    "resource_name": "Azure Key Vault",
    "resource": "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
    "resource_principal": "4834aae3-2e13-4579-9ed2-da47418a5ea3",
}
_USER_SIGN_IN = {
    **_APPLICATION,
    "number": "User 02",
    "correlation": "afed19eb-db0b-4b20-ba74-6840bd3b4e52",
    "session": "dadc16b5-eb44-4937-bbc5-5cbc4ea5118d",
}
_DEPLOYMENT = {
    **_APPLICATION,
    "undashed": _APPLICATION["principal"].replace("-", ""),
    "id": "93001ecc-453c-4dbd-9616-6c44def238b7",
    "operation_id": "527bea8f-c8c5-44c9-abe8-8bd6f387fe16",
    "token": "SC7AxJRBvUaLxnhub97qAQ",
    "issued": "1778486840",
    "expires": "1778490740",
    "GROUP": "RG-BILLING",
    "group": "rg-billing",
}
_ROTATED = {
    "principal": "880c7352-150d-40bf-a48d-136e2db0ed94",
    "app": "91ca2ca8-0400-4643-af0e-f4aedba0d191",
    "name": "vm-build01",
    "old_key": "8395a2fb-b611-4f42-92c4-de28e3ca0144",
    "key": "252c1077-6670-47b8-aa14-f4f34a0615a8",
}
_SINGLE: dict[str, tuple[Log, dict[str, str]]] = {
    "user": (
        USER,
        {
            **_USER_SIGN_IN,
            "id": "ef6ce2e1-103e-4c8c-8c3b-840db616e400",
            "token": "4eJs7z4QjEyMO4QNthbkAA",
            "created": "2026-05-11T07:39:58.6084856",
            "resource_name": "Azure Resource Manager",
            "resource": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            "resource_principal": "739cefb7-cd37-46f3-8f60-178433687209",
        },
    ),
    "non_interactive": (
        NON_INTERACTIVE,
        {
            **_USER_SIGN_IN,
            "id": "c9aac274-2de7-4d5e-9637-3ef971b78601",
            "token": "dMKqyectXk2WNz75cbeGAQ",
            "created": "2026-05-11T07:40:12.2021754",
            "original": "ef6ce2e1-103e-4c8c-8c3b-840db616e400",
            "resource_name": "Microsoft Graph",
            "resource": "00000003-0000-0000-c000-000000000000",
            "resource_principal": "db093ab1-b21c-4b48-a8ec-6f53ad50c3c0",
        },
    ),
    "principal": (
        PRINCIPAL,
        {
            **_APPLICATION,
            **_KEY_VAULT,
            "id": "27067ee2-7694-44cc-9aa4-c681e1d06000",
            "token": "4n4GJ5R2zESapMaB4dBgAA",
            "created": "2026-05-11T08:07:05.3024673",
            "correlation": "794141f2-ae74-489e-8aae-2b611909e75e",
            "session": "13b67344-8373-4bd5-b7fb-2ed72bdd9c51",
        },
    ),
    "managed": (
        MANAGED,
        {
            **_KEY_VAULT,
            "id": "4fe83da5-0369-46b4-bb30-376cb7a16800",
            "token": "pT3oT2kDtEa7MDdst6FoAA",
            "created": "2026-05-11T06:15:01.5079532",
            "correlation": "763c8e53-1681-4765-a812-424ddb12c4dd",
            "app": "dacb81db-4564-4349-b533-455ff76dce2b",
            "name": "la-nightly-report",
            "principal": "a63535d1-faa1-4815-b3db-656f292e13d4",
        },
    ),
    "vault": (
        VAULT,
        {**_APPLICATION, "id": "d117ecfa-3071-4fe0-af6c-5ce9c29bee5c", "ip": "203.0.113.10", "object": "billing-db"},
    ),
    "graph": (
        GRAPH,
        {
            **_APPLICATION,
            "id": "8d650f08-36e4-4a7e-a08f-51855ee7cd80",
            "token": "gg2Zs7VpgEudUt4dbULdAQ",
            "operation_id": "ed4ef8a0-f025-4891-ac61-25d20700628a",
            "client_request": "bb3597cf-9183-40ac-a5db-5dd97a67dba9",
            "ip": "2001:db8:77::9",
            "issued_at": "2026-05-11T08:15:11.0000000",
        },
    ),
}
_OPERATIONS: dict[str, tuple[Log, dict[str, str]]] = {
    "deploy": (ARM, _DEPLOYMENT),
    "rename": (AUDIT, {**_APPLICATION, "id": "5a2e0c7c-98e9-4b2e-8793-9b4c87b5ddf3"}),
    "add_key": (AUDIT, {**_APPLICATION, "id": "f353531d-673d-49e0-82fb-251b416a3a51"}),
    "remove_key": (AUDIT, {**_APPLICATION, "id": "69c5faa8-b88f-46b7-b1d9-334bc7b9aeb7"}),
    "rotate": (AUDIT, {**_ROTATED, "id": "2ad7320e-2e05-4905-8975-4437edc3fa27"}),
}


class Templates:
    """The templates of one shape: `export` (diagnostic settings) or `rows` (data export of a workspace)."""

    def __init__(self, rows: bool) -> None:
        self.rows = rows
        self.single = {name: self._read(*declared)[-1] for name, declared in _SINGLE.items()}
        self.operations = {name: self._read(*declared) for name, declared in _OPERATIONS.items()}
        self.user_change = (
            self.operations["rename"][0]
            .replace(b"Update application", b"Update user")
            .replace(b"ApplicationManagement", b"UserManagement")
            .replace(b'"DisplayName', b'"Department')
            .replace(b'"Application', b'"User')
            .replace(b"AppId", b"UserType")
            .replace(b"%(app)b", b"Member")
        )

    def _read(self, log: Log, slots: Mapping[str, str]) -> list[bytes]:
        """The records with that id in the log's file, each event once, in file order."""
        folder, name = ("log-analytics-json", log.table) if self.rows else ("diagnostic-export", log.export)
        found: dict[str, bytes] = {}
        for line in (CONSTRUCTED / folder / f"{name}.jsonl").read_bytes().splitlines():
            record = json.loads(line)
            inner = record.get("properties", record)
            stated = {str(value) for value in (*record.values(), *inner.values()) if isinstance(value, str)}
            if slots["id"] not in stated:
                continue
            event = str(inner.get("Id", inner.get("id", len(found))))
            found[event] = _slotted(line, record, event, slots)
        if not found:
            raise SystemExit(f"tests/data/constructed has changed: no {slots['id']} in {name}.jsonl")
        return list(found.values())


def _slotted(line: bytes, record: Mapping[str, object], event: str, slots: Mapping[str, str]) -> bytes:
    """The line with `%(slot)b` in place of each text, and of the time of the envelope."""
    times = {"envelope" if "created" in slots else "at": str(record.get("time", record.get("TimeGenerated")))[:-1]}
    marks = {**times, **slots}
    for slot, column in (("data_id", "EventDataId"), ("submitted", "EventSubmissionTimestamp")):
        if column in record:
            marks[slot] = str(record[column]).removesuffix("Z")
    if event.startswith("Directory_"):  # Directory_<correlation>_<letters>_<number>: the letters make it unique
        marks["letters"] = event.split("_")[2]
    for slot, text in marks.items():
        line = line.replace(text.encode(), f"%({slot})b".encode())
    return line


class _Left(dict[bytes, bytes]):
    """Values of some slots; the others stay open."""

    def __missing__(self, slot: bytes) -> bytes:
        return b"%(" + slot + b")b"


def filled(template: bytes, **values: str) -> bytes:
    """The template with some slots filled and the others still open."""
    return template % _Left({slot.encode(): value.encode() for slot, value in values.items()})


# -- the tenant --------------------------------------------------------------------------------------------------------

_RESOURCES = (
    ("Azure Resource Manager", "797f4846-ba00-4fd7-ba43-dac1f8f63013", "739cefb7-cd37-46f3-8f60-178433687209"),
    ("Azure Key Vault", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093", "4834aae3-2e13-4579-9ed2-da47418a5ea3"),
    ("Microsoft Graph", "00000003-0000-0000-c000-000000000000", "db093ab1-b21c-4b48-a8ec-6f53ad50c3c0"),
    ("Azure Storage", "e406a681-f3d4-42a8-90b6-c2b029497af1", "047ddd1e-4c09-4ef3-a497-7fbfdc0b5a73"),
)
_RESOURCE_SHARES = list(accumulate((4, 3, 2, 1)))
_ARM, _KEYS, _DIRECTORY = 0, 1, 2


class Person:
    """A user; one in fifty works on Azure resources."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self.values = {
            "user": _guid(rng),
            "upn": f"user{number}@contoso.example",
            "number": f"User {number}",
            "ip": f"2001:db8:{number // 60:x}:{number:x}::{rng.randrange(1, 4)}",
        }
        self.operator = number % 50 == 0


class Workload:
    """An application with its service principal, or a managed identity; its name and key change in time."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self.managed = number % 5 in (1, 3)
        self.addresses = [f"203.0.113.{rng.randrange(1, 255)}" for _ in range(rng.randrange(1, 4))]
        self.values = {
            "app": _guid(rng),
            "principal": _guid(rng),
            "registration": _guid(rng),
            "name": f"contoso-{'vm' if self.managed else 'sync'}-{number:04d}",
            "key": _guid(rng),
        }
        self.old_key: str | None = None


def _guid(rng: random.Random) -> str:
    return guid(binascii.hexlify(rng.randbytes(16))).decode()


def guid(digits: bytes) -> bytes:
    return b"%b-%b-%b-%b-%b" % (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32])


def guid_and_token(raw: bytes) -> tuple[bytes, bytes]:
    """Sixteen bytes as a GUID and as the 22 characters in which logs write the id of its token."""
    mixed = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:16]
    token = binascii.b2a_base64(mixed, newline=False)[:22].replace(b"+", b"-").replace(b"/", b"_")
    return guid(binascii.hexlify(raw)), token


@dataclass(frozen=True)
class Issued:
    """A token that may lead to activity."""

    second: int
    token: bytes
    who: dict[str, str]
    managed: bool
    operator: bool


# -- writing -----------------------------------------------------------------------------------------------------------


class Files:
    """Hour blobs of all logs below a folder. Lines wait in memory until their hour is closed."""

    def __init__(self, shape: str) -> None:
        self._shape = shape
        self._waiting: dict[int, dict[Log, list[bytes]]] = defaultdict(lambda: defaultdict(list))
        self.records = 0
        self.bytes = 0

    def rows(self, hour: int) -> bool:
        """True if this hour is exported as rows of a workspace."""
        return self._shape == "rows" or (self._shape == "mixed" and hour // 24 % 2 == 1)

    def add(self, log: Log, hour: int, line: bytes) -> None:
        self._waiting[hour][log].append(line)

    def close(self, hour: int, folder: Path) -> None:
        """Write the files of an hour, in their order of arrival."""
        at = FIRST_DAY + timedelta(hours=hour)
        for log, lines in self._waiting.pop(hour, {}).items():
            if self.rows(hour):
                place = f"am-{log.table.lower()}/WorkspaceResourceId=/subscriptions/{SUBSCRIPTION}"
            else:
                place = f"{log.export}/{log.scope}"
            path = folder / place / at.strftime("y=%Y/m=%m/d=%d/h=%H/m=00/PT1H.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            content = b"\r\n".join(lines) + b"\r\n"
            path.write_bytes(content)
            self.records += len(lines)
            self.bytes += len(content)


class Generator:
    """Events hour by hour; all chance comes from one seed."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rng = random.Random(options.seed)
        self.files = Files(options.shape)
        self.hours = options.days * 24
        self.per_hour = options.events / self.hours
        self.busy = options.busy
        self.templates = {rows: Templates(rows) for rows in (False, True)}
        self.people = [Person(number, self.rng) for number in range(options.principals * 10)]
        self.workloads = [Workload(number, self.rng) for number in range(options.principals)]
        # Few identities do most of the work.
        self.shares = list(accumulate(1 / (1 + number) ** 0.8 for number in range(options.principals)))
        self.tokens: list[Issued] = []
        self.held: list[bytes] = []
        self._known: dict[tuple[object, ...], bytes] = {}

    def run(self, out: Path) -> None:
        for hour in range(self.hours + 1):
            self._hour(hour)
            self.files.close(hour, out / ("logs" if hour < self.hours else "hour"))
        late = out / "late" / PRINCIPAL.export / "PT1H.json"
        late.parent.mkdir(parents=True, exist_ok=True)
        late.write_bytes(b"\n".join(self.held) + b"\n")

    def _hour(self, hour: int) -> None:
        rng, start = self.rng, hour * 3600
        made = self.templates[self.files.rows(hour)]
        # Working hours see three times as much as nights.
        events = self.per_hour * (1.5 if 7 <= hour % 24 < 19 else 0.5)
        self.tokens = [token for token in self.tokens if token.second > start - 1800]
        for _ in range(round(events * 0.45)):
            self._person(made, start, NON_INTERACTIVE, "non_interactive")
        for _ in range(round(events * 0.15)):
            self._person(made, start, USER, "user")
        for workload in rng.choices(self.workloads, cum_weights=self.shares, k=round(events * 0.20)):
            self._workload(made, workload, start)
        self._activities(made, round(events * 0.15), start)
        for _ in range(round(events * 0.05)):
            self._change(made, start)
        if self.busy and hour == self.hours // 2:
            self._busy_hour(made, start)

    def _busy_hour(self, made: Templates, start: int) -> None:
        """One principal signs in and acts, 20,000 times within the hour."""
        self.tokens = []
        for _ in range(BUSY_EVENTS // 2):
            self._workload(made, self.workloads[0], start)
        self._activities(made, BUSY_EVENTS // 2, start)

    # Sign-ins

    def _person(self, made: Templates, start: int, log: Log, kind: str) -> None:
        person = self.people[int(self.rng.random() ** 2 * len(self.people))]
        key = (made.rows, kind, person.values["upn"])
        template = self._known.get(key)
        if template is None:
            extra = {} if kind == "non_interactive" else _named(_RESOURCES[_ARM])
            extra = extra or _named(_RESOURCES[_DIRECTORY])
            template = self._known[key] = filled(made.single[kind], **person.values, **extra)
        issued = self._sign_in(log, template, start, person.values, operator=person.operator)
        if issued is not None and person.operator and kind == "user":
            self.tokens.append(issued)

    def _workload(self, made: Templates, workload: Workload, start: int) -> None:
        rng = self.rng
        (resource,) = rng.choices(range(len(_RESOURCES)), cum_weights=_RESOURCE_SHARES)
        address = workload.addresses[int(rng.random() ** 3 * len(workload.addresses))]
        key = (made.rows, resource, address, workload.values["name"], workload.values["key"])
        template = self._known.get(key)
        kind = "managed" if workload.managed else "principal"
        if template is None:
            values = {**workload.values, "ip": address, **_named(_RESOURCES[resource])}
            template = self._known[key] = filled(made.single[kind], **values)
        who = {**workload.values, "ip": address, "resource": str(resource)}
        log = MANAGED if workload.managed else PRINCIPAL
        issued = self._sign_in(log, template, start, who, workload.managed)
        if issued is not None and resource != len(_RESOURCES) - 1:
            self.tokens.append(issued)

    def _sign_in(
        self, log: Log, template: bytes, start: int, who: dict[str, str], managed: bool = False, operator: bool = False
    ) -> Issued | None:
        """One sign-in, delivered once or twice; the token it issued, None if it was refused."""
        rng = self.rng
        raw = rng.randbytes(64)
        chance = rng.random()
        second = start + int(chance * 3600)
        fraction = int.from_bytes(raw[:3]) % 10_000_000
        event, token = guid_and_token(raw[48:])
        digits = binascii.hexlify(raw[:48])
        values = {
            b"id": event,
            b"token": token,
            b"created": _time(second, fraction),
            b"correlation": guid(digits[:32]),
            b"session": guid(digits[32:64]),
            b"original": guid(digits[64:]),
        }
        share, code = FAILED[log]
        failed = chance * 977 % 1 < share
        if failed:
            template = _failed(template, code)
        delay = 120 + raw[0] + (raw[1] * 80 if rng.random() < LATE else 0)
        self._deliver(log, template, values, second + delay)
        if rng.random() < DUPLICATES:
            self._deliver(log, template, values, second + delay + 300 + raw[2])
        return None if failed else Issued(second, token, who, managed, operator)

    def _deliver(self, log: Log, template: bytes, values: dict[bytes, bytes], second: int) -> None:
        """Into the hour of the envelope's time; a few are kept back for OUT/late."""
        hour = second // 3600
        line = template % {**values, b"envelope": _time(second, 7)}
        if (
            log is PRINCIPAL
            and len(self.held) < HELD_BACK
            and self.rng.random() < 5 * HELD_BACK / self.per_hour / self.hours
        ):
            self.held.append(line)
            return
        self.files.add(log, hour, line)

    # Activity

    def _activities(self, made: Templates, count: int, start: int) -> None:
        """Activity of tokens that were issued lately: mostly Resource Manager, also key vaults and Graph."""
        rng = self.rng
        while count > 0 and self.tokens:
            issued = self.tokens[int(rng.random() * len(self.tokens))]
            second = max(issued.second + 1 + int(rng.random() ** 2 * 3000), start)
            kind = _ARM if issued.operator else int(issued.who["resource"])
            if kind == _ARM:
                self._deployment(made, issued, second)
                count -= 2
                continue
            raw = binascii.hexlify(rng.randbytes(48))
            name, log = ("vault", VAULT) if kind == _KEYS else ("graph", GRAPH)
            known = (made.rows, name, issued.who["principal"], issued.who["ip"], raw[0] % 4)
            template = self._known.get(known)
            if template is None:
                values = {**issued.who, "object": f"secret-{raw[0] % 4}"}
                template = self._known[known] = filled(made.single[name], **values)
            line = template % {
                b"at": _time(second, int(raw[:6], 16) % 10_000_000),
                b"id": guid(raw[:32]),
                b"operation_id": guid(raw[32:64]),
                b"client_request": guid(raw[64:]),
                b"token": issued.token,
                b"issued_at": _time(issued.second, 0),
            }
            self._deliver_as_it_is(log, line, second)
            count -= 1

    def _deployment(self, made: Templates, issued: Issued, second: int) -> None:
        """Start and end of a write through Resource Manager."""
        rng, who = self.rng, issued.who
        group = rng.randrange(5)
        raw = binascii.hexlify(rng.randbytes(64))
        principal = who.get("principal") or who["user"]
        known = (made.rows, "deploy", principal, who["ip"], group)
        if (known, 0) not in self._known:
            values = {**who, "principal": principal, "undashed": principal.replace("-", "")}
            values |= {"GROUP": f"RG-{group}", "group": f"rg-{group}"}
            values.setdefault("app", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c")
            for place, template in enumerate(made.operations["deploy"]):
                acting = _by_user(template, who["upn"]) if issued.operator else template
                self._known[known, place] = filled(acting, **values)
        for place in range(2):
            at = second + place * (2 + raw[1] % 60)
            line = self._known[known, place] % {
                b"at": _time(at, int(raw[:6], 16) % 10_000_000),
                b"submitted": _time(at + 180, 0),
                b"id": guid(raw[:32]),
                b"operation_id": guid(raw[32:64]),
                b"data_id": guid(raw[64 + 32 * place : 96 + 32 * place]),
                b"token": issued.token,
                b"issued": b"%d" % (_EPOCH + issued.second),
                b"expires": b"%d" % (_EPOCH + issued.second + 3900),
            }
            self._deliver_as_it_is(ARM, line, at)

    def _deliver_as_it_is(self, log: Log, line: bytes, second: int) -> None:
        self.files.add(log, second // 3600, line)
        if self.rng.random() < DUPLICATES:
            self.files.add(log, second // 3600, line)

    # Directory changes

    def _change(self, made: Templates, start: int) -> None:
        """Mostly changes of users; in a hundred also keys that follow each other, and in a thousand a rename."""
        rng = self.rng
        second = start + rng.randrange(3600)
        admin = self.people[rng.randrange(0, len(self.people), 50)].values
        chance = rng.random()
        if chance > 0.01:
            target = self.people[rng.randrange(len(self.people))].values
            values = {**admin, "registration": target["user"], "name": "Operations", "former": "Finance"}
            self._audit([made.user_change], values, second)
            return
        workload = self.workloads[rng.randrange(len(self.workloads))]
        if workload.managed:
            fresh = {**workload.values, "old_key": workload.values["key"], "key": _guid(rng)}
            self._audit(made.operations["rotate"], fresh, second)
            workload.values = {**workload.values, "key": fresh["key"]}
        elif chance < 0.001:
            number = workload.values["name"].rsplit("-", 1)[1]
            former, name = workload.values["name"], f"contoso-{rng.choice(('job', 'sync', 'batch'))}-{number}"
            if former != name:
                self._audit(
                    made.operations["rename"], {**admin, **workload.values, "former": former, "name": name}, second
                )
                workload.values = {**workload.values, "name": name}
        elif workload.old_key is None:
            workload.old_key, key = workload.values["key"], _guid(rng)
            fresh = {**admin, **workload.values, "old_key": workload.old_key, "key": key}
            self._audit(made.operations["add_key"], fresh, second)
            workload.values = {**workload.values, "key": key}
        else:
            self._audit(
                made.operations["remove_key"], {**admin, **workload.values, "old_key": workload.old_key}, second
            )
            workload.old_key = None

    def _audit(self, templates: list[bytes], values: Mapping[str, str], second: int) -> None:
        correlation = guid(binascii.hexlify(self.rng.randbytes(16)))
        for place, template in enumerate(templates):
            slots = {slot.encode(): value.encode() for slot, value in values.items()}
            slots |= {b"id": correlation, b"letters": b"%05X" % place, b"at": _time(second, 1_000_000 * (place + 1))}
            self._deliver_as_it_is(AUDIT, template % slots, second)


_EPOCH = int(FIRST_DAY.timestamp())
_HOURS: dict[int, bytes] = {}
_SECONDS = [b"%02d:%02d." % divmod(second, 60) for second in range(3600)]


def _time(second: int, fraction: int) -> bytes:
    """Seconds since the first day and ten-millionths as the logs write them, without zone."""
    hour, rest = divmod(second, 3600)
    if hour not in _HOURS:
        _HOURS[hour] = (FIRST_DAY + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:").encode()
    return b"%b%b%07d" % (_HOURS[hour], _SECONDS[rest], fraction)


def _named(resource: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("resource_name", "resource", "resource_principal"), resource, strict=True))


def _failed(template: bytes, code: bytes) -> bytes:
    """The same sign-in, refused."""
    for before, after in (
        (b'esultType":"0"', b'esultType":"' + code + b'"'),
        (b'errorCode":0', b'errorCode":' + code),
        (b'errorCode\\":0', b'errorCode\\":' + code),
        (b'"SUCCESS"', b'"FAILURE"'),
    ):
        template = template.replace(before, after)
    return template


def _by_user(template: bytes, name: str) -> bytes:
    """The same activity with the claims of a user."""
    claim = b"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
    user = name.encode()
    for before, after in (
        (b'"idtyp":"app"', b'"idtyp":"user","%b":"%b"' % (claim, user)),
        (b'\\"idtyp\\": \\"app\\"', b'\\"idtyp\\": \\"user\\", \\"%b\\": \\"%b\\"' % (claim, user)),
        (b'"Caller":"%(principal)b"', b'"Caller":"%b"' % user),
        (b'"ServicePrincipal"', b'"User"'),
        (b'\\"ServicePrincipal\\"', b'\\"User\\"'),
    ):
        template = template.replace(before, after)
    return template


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, help="folder to write; it is removed first if it was generated before")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--principals", type=int, default=200, help="workload identities; ten times as many users")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--busy", action="store_true", help="one principal has 20,000 events within one hour")
    parser.add_argument("--shape", choices=("export", "rows", "mixed"), default="export")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    mark = options.out / ".generated.json"
    if options.out.exists():
        if not mark.is_file():
            raise SystemExit(f"{options.out} exists and was not generated: name another folder")
        shutil.rmtree(options.out)
    options.out.mkdir(parents=True)
    mark.write_text("{}")
    started = time.perf_counter()
    generator = Generator(options)
    generator.run(options.out)
    seconds = time.perf_counter() - started
    made = {"records": generator.files.records, "bytes": generator.files.bytes}
    mark.write_text(json.dumps({**made, "options": {**vars(options), "out": str(options.out)}}))
    print(f"{made['records']:,} records, {made['bytes'] / 1e6:,.0f} MB, {made['records'] / seconds:,.0f} records/s")


if __name__ == "__main__":
    main()
