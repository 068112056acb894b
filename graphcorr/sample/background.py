"""The tenant's ordinary life: what its workloads do every hour, and changes that look bad and are not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from graphcorr.sample import tenant as cast
from graphcorr.sample.events import ARM, GRAPH, VAULT, Actor, Event, GraphCall, new_guid, new_request_id
from graphcorr.sample.stage import Innocent, Stage, Story
from graphcorr.sample.tenant import Principal, Tenant, new_principal

_HOUR_SECONDS = 3600
# A sign-in of a workload and what it does with the token.
_EVENTS_PER_CYCLE = 2.4
_SHARE_OF_USERS = 0.4
# Events of one heartbeat, but for those of the vaults.
_EVENTS_PER_BEAT = 16


class Routine:
    """What happens in every hour, whatever else does. Depends on tenant, seed and hour alone."""

    def __init__(self, tenant: Tenant, seed: int, principals: list[Principal], events_per_day: int) -> None:
        self._tenant = tenant
        self._seed = seed
        self._principals = principals
        self._stage = Stage(tenant, Random(0), [], "")
        rng = Random(f"heartbeat/{seed}")
        self._monitor = new_principal(tenant, rng, 1, "application")
        self._monitor.names[0] = (tenant.start, "tenant-monitor")
        self._backup = new_principal(tenant, rng, 2, "managedIdentity")
        self._flow = new_principal(tenant, rng, 2, "managedIdentity")
        self._flow.names[0] = (tenant.start, "la-nightly")
        self._flow.managed_identity = tenant.resource_id("rg-flows", "Microsoft.Logic/workflows", "la-nightly")
        self._pipeline = new_principal(tenant, rng, 3, "application")
        self._pipeline.names[0] = (tenant.start, "platform-pipeline")
        # What every hour and every day holds anyway is part of the number that was asked for.
        beat = _EVENTS_PER_BEAT + 3 * len(tenant.vaults) + _EVENTS_PER_CYCLE * len(principals) / 24
        per_hour = max(0.0, events_per_day / 24 - beat)
        self._users_per_hour = per_hour * _SHARE_OF_USERS
        self._cycles = per_hour * (1 - _SHARE_OF_USERS) / _EVENTS_PER_CYCLE / max(1, len(principals))

    @property
    def heartbeats(self) -> list[Principal]:
        """Workloads that are there beside those that stories are about."""
        return [self._monitor, self._backup, self._flow, self._pipeline, self._tenant.microsoft]

    @property
    def innocents(self) -> list[Innocent]:
        """What of the routine looks bad."""
        return [
            Innocent("mass_secret_read", self._backup.app_id, "reads all secrets in the first hour of every day"),
            Innocent(
                "activity_without_sign_in", self._tenant.microsoft.app_id, "the tenant has no log of its sign-ins"
            ),
            Innocent("orphan_sign_in", self._pipeline.app_id, "validates a token of Azure Resource Manager every hour"),
            Innocent("sign_in_without_change", self._pipeline.app_id, "validates a token, every hour of every day"),
        ]

    def hour(self, start: datetime) -> Iterator[Event]:
        """The events of one hour, in no order."""
        stage = self._stage
        stage.rng = rng = Random(f"hour/{self._seed}/{start.isoformat()}")
        self._beat(start)
        yield from self._drained()
        for number, principal in enumerate(self._principals):
            times = int(self._cycles) + (rng.random() < self._cycles % 1) + (number % 24 == start.hour)
            for _ in range(times):
                at = self._sometime(start)
                if principal.works_from <= at < principal.works_until:
                    stage.work(principal, at, rng.choice(principal.duties))
            yield from self._drained()
        for _ in range(round(self._users_per_hour)):
            user = rng.choice(self._tenant.users)
            kind = rng.choice(("user", "nonInteractive", "nonInteractive"))
            stage.user_sign_in(user, self._sometime(start), kind=kind)
            yield from self._drained()

    def _drained(self) -> list[Event]:
        drained = self._stage.events
        self._stage.events = []
        return drained

    def _sometime(self, start: datetime) -> datetime:
        return start + timedelta(seconds=self._stage.rng.random() * (_HOUR_SECONDS - 30))

    def _beat(self, start: datetime) -> None:
        """Every log says something in every hour."""
        stage, rng, tenant = self._stage, self._stage.rng, self._tenant
        token = stage.sign_in(self._monitor, self._sometime(start), GRAPH)
        for place in range(3):
            stage.graph(self._monitor, token.at + timedelta(seconds=1 + 3 * place), token, path="/organization")
        exchange = tenant.microsoft
        at = self._sometime(start)
        stage.events.append(
            GraphCall(
                at,
                new_guid(rng),
                exchange.app_id,
                exchange.object_id,
                exchange.ip,
                "GET",
                "/groups",
                200,
                new_request_id(rng),
                at - timedelta(minutes=3),
                "",
            )  # fmt: skip
        )
        secrets = 25 if start.hour == 0 else 1
        for vault in tenant.vaults:
            token = stage.sign_in(self._backup, self._sometime(start), VAULT)
            for number in range(secrets):
                stage.vault(self._backup, token.at + timedelta(seconds=1 + number), f"secret-{number:02}", vault=vault)
        at = self._sometime(start)
        stage.work(self._flow, at + timedelta(seconds=2), "vault")
        stage.run_workflow("la-nightly", at, "Get_secret", at + timedelta(seconds=25))
        stage.work(self._pipeline, self._sometime(start), "arm")
        stage.sign_in(self._pipeline, self._sometime(start), ARM)
        user = rng.choice(tenant.users[cast.ACCOUNTS :])
        stage.update_user(user, self._sometime(start), stage.user(tenant.users[cast.ACCOUNTS]))
        for kind in ("user", "nonInteractive"):
            stage.user_sign_in(user, self._sometime(start), kind=kind)


def innocent_changes(stage: Stage, tenant: Tenant) -> tuple[list[Story], list[Innocent]]:
    """Changes that look like attacks and are not, each on a principal of its own; some are facts worth finding."""
    told: list[Story] = []
    innocents: list[Innocent] = []

    def harmless(principal: Principal, why: str, *patterns: str) -> None:
        innocents.extend(Innocent(pattern, principal.app_id, why) for pattern in patterns)

    # A key is rotated: the new one is used from the known address, the same person takes the old one away.
    rotated = stage.victim()
    at = stage.moment(5.2)
    owner = stage.user(rotated.owner)
    old = rotated.key(at)
    new = stage.add_key(rotated, at, owner, old.kind)
    rotated.uses.append((at + timedelta(minutes=40), new))
    stage.remove_key(rotated, at + timedelta(hours=26), owner, old)
    harmless(
        rotated,
        "its key was rotated",
        "unexplained_credential_update",
        "new_credential_first_use_from_new_address",
        "removed_credential_still_used",
        "credential_used_without_add_event",
        "credential_to_resource_chain",
    )

    # A secret expires; its workload fails for days until somebody notices.
    expired = stage.victim()
    at = stage.moment(6)
    story = Story("expired_key", "renewed after two days", "background", [expired])
    mark = len(stage.events)
    expired.works_until = at
    for hours in range(1, 48, 3):
        stage.sign_in(expired, at + timedelta(hours=hours), VAULT, code=7000222)
    story.events = stage.events[mark:]
    story.expect(expired, "failed_sign_ins_bad_credential")
    renewed = stage.add_key(expired, at + timedelta(hours=49), stage.user(expired.owner))
    for hours in range(50, 90, 6):
        stage.work(expired, at + timedelta(hours=hours), "vault", key=renewed)
    told.append(story)
    harmless(
        expired,
        "its key had expired",
        "unexplained_credential_update",
        "new_credential_first_use_from_new_address",
        "credential_to_resource_chain",
    )

    # The key of a workload that nobody misses has expired: it fails every few hours, for weeks, until the end.
    forgotten = stage.victim()
    story = Story("expired_for_weeks", "nobody renews it", "background", [forgotten])
    mark = len(stage.events)
    forgotten.works_until = at = tenant.start + timedelta(days=2)
    while at < tenant.end - timedelta(hours=9):
        at += timedelta(hours=stage.rng.randint(3, 8))
        stage.sign_in(forgotten, at, GRAPH, code=7000222)
    story.events = stage.events[mark:]
    story.expect(forgotten, "failed_sign_ins_bad_credential")
    told.append(story)

    # Nobody uses this one any more; its owner renews its key all the same, and nobody uses that key either.
    dormant = stage.victim()
    dormant.works_until = dormant.works_from
    stage.add_key(dormant, stage.moment(4.4), stage.user(dormant.owner))
    harmless(
        dormant,
        "nobody uses it, before or after its key was renewed",
        "dormant_principal_revived",
        "unexplained_credential_update",
        "new_credential_first_use_from_new_address",
    )

    # A product gets a new name.
    renamed = stage.victim()
    story = Story("good_rename", "a product gets a new name", "background", [renamed])
    mark = len(stage.events)
    at = stage.moment(4)
    stage.rename(renamed, at, stage.user(renamed.owner), f"contoso-{renamed.name(at)}-v2")
    story.events = stage.events[mark:]
    story.expect(renamed, "renamed_principal")
    told.append(story)
    harmless(renamed, "only its name changed", "rename_around_credential_change", "name_taken_over", "look_alike_name")

    # Only the case changes.
    cased = stage.victim()
    at = stage.moment(3.5)
    stage.rename(cased, at, stage.user(cased.owner), cased.name(at).upper())
    harmless(cased, "only the case of the name changed", "renamed_principal")

    # A publisher renames a multi-tenant application: no record, another name in the sign-ins.
    published = stage.victim("multiTenant")
    stage.rename(published, stage.moment(4), stage.user(published.owner), "Fabrikam Insights", silent=True)
    harmless(published, "renamed by its publisher in another tenant", "renamed_principal", "rename_without_audit_event")

    # Two applications have one name, and always had.
    twin, other = stage.victim(), stage.victim()
    other.names[0] = twin.names[0]
    for one in (twin, other):
        harmless(
            one, "has the name of another application", "renamed_principal", "name_taken_over", "identity_conflict"
        )

    # The platform renews the certificate of a managed identity.
    managed = stage.victim("managedIdentity")
    platform = Actor(tenant.platform, "Managed Service Identity")
    at = stage.moment(4.5)
    stage.add_key(managed, at, platform, "certificate", "servicePrincipal", f"CN={managed.app_id}")
    innocents.append(Innocent("unexplained_credential_update", managed.app_id, "the platform renews its certificate"))

    # A new application is set up.
    created = stage.victim()
    stage.create(created, stage.moment(5), stage.user(created.owner))
    harmless(
        created,
        "is new",
        "unexplained_credential_update",
        "renamed_principal",
        "sign_in_of_unknown_principal",
        "new_credential_first_use_from_new_address",
        "credential_used_without_add_event",
        "sign_in_from_new_address",
    )

    # An application is switched off; what still runs fails.
    disabled = stage.victim()
    at = stage.moment(4)
    stage.disable(disabled, at, stage.user(disabled.owner))
    disabled.works_until = at
    for hours in (1, 5, 9):
        stage.sign_in(disabled, at + timedelta(hours=hours), GRAPH, code=7000112)
    harmless(disabled, "it was switched off on purpose", "failed_sign_ins_bad_credential", "deleted_principal_active")

    # Its address was on a list of bad addresses before it ever signed in from there.
    egress = stage.victim()
    egress.ip = "192.0.2.251"
    egress.works_from = tenant.start + timedelta(days=2)
    stage.call_bad(egress.ip, tenant.start + timedelta(hours=1), tenant.start + timedelta(days=1))
    harmless(egress, "the indicator for its address has expired", "threat_intelligence_address")

    # A permission is granted; the second target of the record carries the app id for a name.
    granted = stage.victim()
    stage.grant_app_role(granted, stage.moment(4.2), stage.user(granted.owner), "User.Read.All")
    harmless(granted, "the record of a grant names it by its app id", "renamed_principal", "high_risk_consent")
    return told, innocents
