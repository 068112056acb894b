"""The cast of the sample tenant: users, applications, managed identities, vaults and addresses, from a seed."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from graphcorr.sample.events import SERVICES, Service, new_guid

MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
FIRST_DAY = datetime(2026, 5, 1, tzinfo=UTC)

# So many users own nothing and change nothing of themselves: their accounts are for the stories to take over.
ACCOUNTS = 32

_TEAMS = ("billing", "payroll", "orders", "search", "reports", "backup", "stock", "portal", "ledger", "mail")
_WORK = ("sync", "export", "import", "deploy", "agent", "worker", "gateway", "monitor", "archive", "loader")
_DUTIES = ("vault", "graph", "arm")


@dataclass(frozen=True)
class User:
    """A person of the tenant."""

    id: str
    name: str
    ip: str


@dataclass(frozen=True)
class Key:
    """A secret or certificate: `kind` is secret or certificate."""

    id: str
    kind: str
    display_name: str
    start: datetime
    end: datetime
    thumbprint: str = ""


@dataclass
class Principal:
    """A workload identity and what becomes of it. Stories and innocent changes write its future before any log is
    written; its routine then follows it."""

    # application, multiTenant, managedIdentity, microsoft
    kind: str
    app_id: str
    object_id: str
    # Object id of the registration; empty where it lives in another tenant, or nowhere.
    registration_id: str
    owner_tenant: str
    ip: str
    owner: User
    # vault, graph, arm: where it works every day.
    duties: tuple[str, ...]
    vault: str = ""
    secret: str = ""
    group: str = ""
    managed_identity: str = ""
    created: datetime = FIRST_DAY
    # From when on it has which name; in order.
    names: list[tuple[datetime, str]] = field(default_factory=list)
    # Keys on the registration and on the service principal, as the directory has them after the last written change.
    keys: list[Key] = field(default_factory=list)
    own_keys: list[Key] = field(default_factory=list)
    # From when on its routine uses which key; in order.
    uses: list[tuple[datetime, Key]] = field(default_factory=list)
    # Its routine runs from…until; never if equal.
    works_from: datetime = FIRST_DAY
    # When it was switched off, and when it was deleted.
    disabled: datetime | None = None
    deleted: datetime | None = None
    works_until: datetime = datetime.max.replace(tzinfo=UTC)

    def name(self, at: datetime) -> str:
        """Its name at a time."""
        return self.names[max(0, bisect_right(self.names, at, key=lambda entry: entry[0]) - 1)][1]

    def key(self, at: datetime) -> Key:
        """The key its routine uses at a time."""
        return self.uses[max(0, bisect_right(self.uses, at, key=lambda entry: entry[0]) - 1)][1]


@dataclass
class Tenant:
    """Everything there is before anything happens."""

    id: str
    workspace: str
    subscription: str
    start: datetime
    days: int
    users: list[User]
    principals: list[Principal]
    vaults: list[str]
    # Service principal of each service of Microsoft in this tenant, by app id.
    services: dict[str, str]
    # Service principal in whose name the platform renews certificates.
    platform: str
    microsoft: Principal

    @property
    def end(self) -> datetime:
        """The first instant after the sample."""
        return self.start + timedelta(days=self.days)

    def vault_id(self, name: str) -> str:
        """ARM id of a vault."""
        return f"/subscriptions/{self.subscription}/resourcegroups/rg-vaults/providers/microsoft.keyvault/vaults/{name}"

    def resource_id(self, group: str, kind: str, name: str) -> str:
        """ARM id of a resource, as people spell it (`Microsoft.Compute/virtualMachines`)."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{group}/providers/{kind}/{name}"


def build(seed: int, principals: int, days: int) -> Tenant:
    """The tenant of a seed: a fifth are managed identities, a tenth belongs to other tenants' publishers."""
    rng = Random(f"tenant/{seed}")
    tenant_id, workspace, subscription = new_guid(rng), new_guid(rng), new_guid(rng)
    users = [
        User(new_guid(rng), f"user{number:02}@contoso.example", f"203.0.113.{100 + number % 100}")
        for number in range(1, max(ACCOUNTS + 12, principals // 4) + 1)
    ]
    vaults = [f"kv-{team}" for team in _TEAMS[: max(2, min(len(_TEAMS), principals // 15))]]
    tenant = Tenant(
        tenant_id,
        workspace,
        subscription,
        FIRST_DAY,
        days,
        users,
        [],
        vaults,
        {service.app_id: new_guid(rng) for service in SERVICES},
        new_guid(rng),
        _microsoft(rng, users[0]),
    )
    for number in range(principals):
        tenant.principals.append(new_principal(tenant, rng, number, _kind(number)))
    return tenant


def _kind(number: int) -> str:
    return {2: "managedIdentity", 7: "managedIdentity", 9: "multiTenant"}.get(number % 10, "application")


def new_principal(tenant: Tenant, rng: Random, number: int, kind: str) -> Principal:
    """A principal with its first name and key; it works from the first day unless the caller says otherwise."""
    team, work = rng.choice(_TEAMS), rng.choice(_WORK)
    name = f"{team}-{work}-{number:03}"
    ours = kind != "multiTenant"
    managed = kind == "managedIdentity"
    # Many workloads stand behind one shared egress, some have an address of their own.
    ip = rng.choice(("203.0.113.10", "203.0.113.11", f"192.0.2.{10 + number % 200}"))
    first_duty = number % len(_DUTIES)
    principal = Principal(
        kind=kind,
        app_id=new_guid(rng),
        object_id=new_guid(rng),
        registration_id="" if managed or not ours else new_guid(rng),
        owner_tenant=tenant.id if ours else new_guid(rng),
        ip=ip,
        owner=rng.choice(tenant.users[ACCOUNTS:]),
        duties=(_DUTIES[first_duty], _DUTIES[(first_duty + 1) % len(_DUTIES)]),
        vault=rng.choice(tenant.vaults),
        secret=f"{team}-db",
        group=f"rg-{team}",
        created=tenant.start - timedelta(days=rng.randint(200, 900)),
    )
    if managed:
        name = f"vm-{name}"
        principal.managed_identity = tenant.resource_id(principal.group, "Microsoft.Compute/virtualMachines", name)
    principal.names.append((tenant.start, name))
    added = tenant.start - timedelta(days=rng.randint(100, 300))
    key = new_key(rng, added, rng.choice(("secret", "certificate")), name)
    principal.uses.append((tenant.start, key))
    if principal.registration_id:
        principal.keys.append(key)
    if managed:
        platform = tenant.start - timedelta(days=rng.randint(1, 40))
        principal.own_keys.append(new_key(rng, platform, "certificate", f"CN={principal.app_id}"))
    return principal


def new_key(rng: Random, start: datetime, kind: str, name: str) -> Key:
    """A key that is good for two years from `start` on."""
    key_id = new_guid(rng)
    certificate = kind == "certificate"
    return Key(
        key_id,
        kind,
        _subject(name) if certificate else rng.choice(("", "prod secret", "key 2", f"{name}, temp=1")),
        start,
        start + timedelta(days=730),
        f"{rng.getrandbits(160):040X}" if certificate else "",
    )


def _subject(name: str) -> str:
    # The platform names its certificates itself; those of people have commas.
    return name if name.startswith("CN=") else f"CN={name}, OU=Operations, O=Contoso"


def _microsoft(rng: Random, user: User) -> Principal:
    """An application of Microsoft that is busy in every tenant and signs in where the tenant cannot see it."""
    return Principal(
        kind="microsoft",
        app_id="00000002-0000-0ff1-ce00-000000000000",
        object_id=new_guid(rng),
        registration_id="",
        owner_tenant=MICROSOFT_TENANT,
        ip="192.0.2.250",
        owner=user,
        duties=(),
        names=[(FIRST_DAY, "Office 365 Exchange Online")],
    )


def service(duty: str) -> Service:
    """The service that a duty is done at."""
    return next(s for s in SERVICES if {"vault": "Vault", "graph": "Graph", "arm": "Manager"}[duty] in s.name)
