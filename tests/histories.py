"""Generated histories: a seed → the rows of a few days in which several principals live through different stories.

Number n stands for one principal (application a…n, registration b…n, service principal d…n). A tenant's rows use
numbers of its own, but its first principal belongs to an application that both tenants know, by one name and one key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from graphcorr.config import Complete, Config
from tests.builders import (
    ARM,
    DAY,
    GRAPH,
    OTHER_TENANT,
    TENANT,
    VAULT,
    Row,
    arm_act,
    audit,
    deleted,
    guid,
    key,
    key_change,
    managed_sign_in,
    owner_added,
    rename,
    sign_in,
    target,
    vault_act,
    vault_id,
)

SUBSCRIPTIONS = {TENANT: "30000000-0000-4000-8000-000000000003", OTHER_TENANT: "30000000-0000-4000-8000-000000000004"}
DAYS = 4
SOURCES = (
    "AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs", "AuditLogs", "AZKVAuditLogs", "AzureActivity",
    "MicrosoftGraphActivityLogs",
)  # fmt: skip
_HOME, _ELSEWHERE = "203.0.113.{}", "198.51.100.{}"


def config(*hidden: str) -> Config:
    """Everything was collected for a month, except for what is hidden."""
    since = DAY - timedelta(days=30)
    return Config(
        subscriptions={subscription: tenant for tenant, subscription in SUBSCRIPTIONS.items()},
        complete=tuple(Complete(source, start=since) for source in SOURCES if source not in hidden),
    )


def _name(app: int) -> str:
    return f"workload {app}"


@dataclass
class Teller:
    """Writes what one principal does; event numbers are never used twice."""

    rng: Random
    number: int
    app: int
    tenant: str
    rows: list[Row] = field(default_factory=list)
    # Whole minutes since the start of its story.
    minute: int = 0

    @property
    def name(self) -> str:
        return _name(self.app)

    def later(self, least: int, most: int) -> str:
        """Some minutes pass; the time then, as logs write it, with a few odd milliseconds."""
        self.minute += self.rng.randint(least, most)
        when = DAY + timedelta(minutes=self.minute, milliseconds=self.rng.randrange(60_000))
        return when.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"

    def next(self) -> int:
        return self.number * 1000 + len(self.rows)

    def signs_in(
        self, resource: str, ip: int | None = None, credential: int = 0, result: str = "0", gap: int = 300
    ) -> int:
        """A sign-in from its own address, or with `ip` from elsewhere; returns its number."""
        n = self.next()
        self.rows.append(
            sign_in(
                n, self.later(1, gap), principal=self.number, app=self.app, resource=resource, result=result,
                ip=_HOME.format(self.number % 250) if ip is None else _ELSEWHERE.format(ip), tenant=self.tenant,
                ServicePrincipalName=self.name,
                ServicePrincipalCredentialKeyId=guid("f", self.app * 1000 + credential),
            )
        )  # fmt: skip
        return n

    def reads(self, ip: int | None = None, **more: Any) -> None:
        self.rows.append(
            vault_act(
                self.next(), self.later(1, 20), principal=self.number, app=self.app, vault=f"kv-{self.number}",
                ip=_HOME.format(self.number % 250) if ip is None else _ELSEWHERE.format(ip),
                **{"_ResourceId": vault_id(f"kv-{self.number}", SUBSCRIPTIONS[self.tenant]), **more},
            )
        )  # fmt: skip

    def writes(self, token: int | None) -> None:
        subscription = SUBSCRIPTIONS[self.tenant]
        self.rows.append(
            arm_act(
                self.next(), self.later(1, 20), principal=self.number, app=self.app, tenant=self.tenant,
                ip=_HOME.format(self.number % 250), token=None if token is None else guid("5", token),
                resource=f"/subscriptions/{subscription}/resourceGroups/rg{self.number}", SubscriptionId=subscription,
            )
        )  # fmt: skip

    def calls(self, token: int, method: str = "GET") -> None:
        n = self.next()
        self.rows.append(
            {
                "Type": "MicrosoftGraphActivityLogs",
                "TimeGenerated": self.later(1, 20),
                "RequestId": guid("6", n),
                "RequestMethod": method,
                "ResponseStatusCode": 200,
                "AadTenantId": self.tenant,
                "IPAddress": _HOME.format(self.number % 250),
                "RequestUri": f"https://graph.microsoft.com/v1.0/users/{guid('e', self.number)}",
                "SignInActivityId": guid("5", token),
                "AppId": guid("a", self.app),
                "ServicePrincipalId": guid("d", self.number),
            }
        )

    def changes(self, make: Callable[..., Row], *args: Any, gap: int = 60, **more: Any) -> None:
        n = self.next()
        row = make(n, self.later(1, gap), *args, **{"tenant": self.tenant, "user": self.number, **more})
        self.rows.append({**row, "AdditionalDetails": [{"key": "AppId", "value": guid("a", self.app)}]})

    def keys(self, before: tuple[int, ...], after: tuple[int, ...], **more: Any) -> None:
        """The list of its keys changes; credential 0 is the one it signs in with at first."""
        lists = [[key(self.app * 1000 + n) for n in numbers] for numbers in (before, after)]
        self.changes(key_change, *lists, number_of=self.number, **more)


def _reads_a_vault(teller: Teller) -> None:
    for _ in range(teller.rng.randint(2, 4)):
        teller.signs_in(VAULT)
        teller.reads()


def _deploys(teller: Teller) -> None:
    for _ in range(teller.rng.randint(1, 3)):
        token = teller.signs_in(ARM)
        for _ in range(teller.rng.randint(1, 3)):
            teller.writes(teller.rng.choice([token, token, None]))


def _calls_graph(teller: Teller) -> None:
    token = teller.signs_in(GRAPH)
    for _ in range(teller.rng.randint(1, 4)):
        teller.calls(token)


def _changes_a_policy(teller: Teller) -> None:
    # A complete log of Microsoft Graph shows the request behind the change.
    teller.calls(teller.signs_in(GRAPH), "PATCH")
    policy = target("Policy", guid("8", teller.number))
    teller.changes(audit, "Update conditional access policy", policy, by_principal=teller.number, user=None)


def _fetches_a_token_for_nothing(teller: Teller) -> None:
    _reads_a_vault(teller)
    teller.signs_in(teller.rng.choice([VAULT, GRAPH]), ip=teller.rng.choice([None, 7]))


def _acts_with_an_unknown_token(teller: Teller) -> None:
    teller.signs_in(ARM)
    teller.writes(900_000 + teller.number)


def _is_backdoored(teller: Teller) -> None:
    _reads_a_vault(teller)
    if teller.rng.random() < 0.5:
        teller.changes(owner_added, owner=teller.number + 1, number_of=teller.number)
    teller.keys((0,), (0, 1))
    teller.signs_in(VAULT, ip=9, credential=1)
    teller.reads(ip=9)


def _rotates(teller: Teller) -> None:
    _reads_a_vault(teller)
    teller.keys((0,), (1, 0))
    teller.signs_in(VAULT, credential=1)
    teller.reads()
    teller.keys((1, 0), (1,))


def _renews_an_expired_key(teller: Teller) -> None:
    _reads_a_vault(teller)
    for _ in range(3):
        teller.signs_in(VAULT, result="7000222")
    teller.keys((0,), (0, 1))
    teller.signs_in(VAULT, credential=1)
    teller.reads()


def _is_guessed_at(teller: Teller) -> None:
    _deploys(teller)
    for _ in range(teller.rng.randint(1, 5)):
        teller.signs_in(ARM, ip=11, result="7000215", gap=10)


def _is_deleted_and_goes_on(teller: Teller) -> None:
    _reads_a_vault(teller)
    teller.changes(deleted, number_of=teller.number)
    teller.signs_in(VAULT)
    teller.reads()


def _is_managed(teller: Teller) -> None:
    for _ in range(2):
        n = teller.next()
        row = managed_sign_in(n, teller.later(1, 300), principal=teller.number, app=teller.app, tenant=teller.tenant)
        teller.rows.append({**row, "ServicePrincipalName": teller.name})
        for _ in range(teller.rng.randint(0, 2)):
            teller.reads()


def _is_renamed(teller: Teller) -> None:
    _reads_a_vault(teller)
    teller.rows = renamed(teller.rows, teller.number, teller.app, teller.tenant, teller.rng, teller.next())


STORIES = (
    _reads_a_vault, _deploys, _calls_graph, _changes_a_policy, _fetches_a_token_for_nothing,
    _acts_with_an_unknown_token, _is_backdoored, _rotates, _renews_an_expired_key, _is_guessed_at,
    _is_deleted_and_goes_on, _is_managed, _is_renamed,
)  # fmt: skip


def history(seed: int, tenant: str = TENANT) -> list[Row]:
    """The rows of a tenant, in the order of time; a week later one more sign-in shows that every token is dead."""
    rng = Random(f"{tenant}/{seed}")
    first = 1 if tenant == TENANT else 101
    rows: list[Row] = []
    for number, story in enumerate(rng.sample(STORIES, len(STORIES)), first):
        # The first application of each tenant is one that both know.
        teller = Teller(Random(f"{tenant}/{seed}/{number}"), number, 1 if number == first else number, tenant)
        teller.minute = rng.randrange((DAYS - 2) * 24 * 60)
        story(teller)
        rows += teller.rows
    last = Teller(rng, first + 50, first + 50, tenant, minute=(DAYS + 7) * 24 * 60)
    last.signs_in(ARM)
    return sorted([*rows, *last.rows], key=lambda row: (row["TimeGenerated"], str(row.get("Id"))))


def renamed(rows: list[Row], number: int, app: int, tenant: str, rng: Random, event: int) -> list[Row]:
    """The same rows with a rename in the middle, maybe to another's name: sign-ins after it show the new name."""
    mine = sorted(row["TimeGenerated"] for row in rows if row.get("ServicePrincipalId") == guid("d", number))
    when = mine[len(mine) // 2]
    old, new = _name(app), rng.choice([f"task {number} {rng.randrange(100)}", _name(number + rng.randint(1, 5))])
    shown = [
        {**row, "ServicePrincipalName": new}
        if row.get("ServicePrincipalId") == guid("d", number) and row["TimeGenerated"] >= when and "ResultType" in row
        else row
        for row in rows
    ]
    kinds = rng.choice([("Application", "ServicePrincipal"), ("Application",), ("ServicePrincipal",)])
    changes = [
        rename(event + n, when, old, new, number_of=number, kind=kind, correlation=event, user=99, tenant=tenant,
               details={"AppId": guid("a", app)})
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    return [*shown, *changes]
