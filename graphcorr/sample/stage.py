"""The stage: what stories and innocent changes are written with, act by act, in the order of time of a principal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from graphcorr.sample import tenant as cast
from graphcorr.sample.events import (
    ARM,
    GRAPH,
    Actor,
    ArmCall,
    Audit,
    Event,
    GraphCall,
    Indicator,
    Property,
    Service,
    SignIn,
    Target,
    VaultCall,
    WorkflowStep,
    new_guid,
    new_request_id,
)
from graphcorr.sample.tenant import Key, Principal, Tenant, User

CERTIFICATES_AND_SECRETS = "Update application – Certificates and secrets management "
_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/147.0.0.0 Safari/537.36"
_COUNTRY = {"203.0.113": "DE", "192.0.2": "DE", "198.51.100": "NL"}


class SampleError(ValueError):
    """The sample that was asked for cannot be made; the text says why, the second one what to do."""


@dataclass(frozen=True)
class Expected:
    """A finding that a pattern must make: about a principal, or about an address."""

    pattern: str
    app_id: str = ""
    object_id: str = ""
    address: str = ""
    # Table of a log.
    source: str = ""
    # found or lead.
    verdict: str = "found"


@dataclass
class Story:
    """What was placed into the tenant: who plays in it, which records show it, what must be found."""

    id: str
    variant: str
    # attack, or background: found although nobody means harm.
    kind: str = "attack"
    principals: list[Principal] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    findings: list[Expected] = field(default_factory=list)
    # Times in which a log was not delivered, by its table.
    holes: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def expect(self, principal: Principal, *patterns: str, verdict: str = "found") -> None:
        """Patterns that must speak about this principal."""
        self.findings += [
            Expected(pattern, principal.app_id, principal.object_id, verdict=verdict) for pattern in patterns
        ]

    def expect_address(self, address: str, pattern: str) -> None:
        """A pattern that must speak about this address."""
        self.findings.append(Expected(pattern, address=address))

    def expect_log(self, table: str, pattern: str) -> None:
        """A pattern that must speak about this log."""
        self.findings.append(Expected(pattern, source=table))

    def expect_new_address(self, stage: Stage, principal: Principal, at: datetime) -> None:
        """A sign-in from an address that is new, if the sample is long enough to know the old ones."""
        if at - stage.tenant.start >= timedelta(days=14):
            self.expect(principal, "sign_in_from_new_address")


@dataclass(frozen=True)
class Innocent:
    """A look-alike: this pattern must not accuse this principal."""

    pattern: str
    app_id: str
    why: str


class Stage:
    """Collects the events of one story after the other; every act notes its records and changes the principal."""

    def __init__(self, tenant: Tenant, rng: Random, actors: list[Principal], address: str, number: int = 0) -> None:
        self.tenant = tenant
        self.rng = rng
        # The attacker's address, and the account that the attacker has: every story's own.
        self.address = address
        self._account = tenant.users[number % (cast.ACCOUNTS - 1)]
        self.events: list[Event] = []
        self._actors = actors

    # -- who and when ----------------------------------------------------------------------------------------------

    def victim(self, kind: str = "application", duty: str | None = None) -> Principal:
        """The next principal of a kind that no story has used."""
        for place, principal in enumerate(self._actors):
            if principal.kind == kind and (duty is None or duty in principal.duties):
                return self._actors.pop(place)
        raise SampleError(f"too few principals: no {kind} is left for the stories", "more principals or fewer stories")

    def moment(self, days_before_end: float) -> datetime:
        """A time this long before the end of the sample, give or take three hours."""
        back = timedelta(
            days=days_before_end, minutes=self.rng.randint(-180, 180), microseconds=self.rng.randint(0, 999_999)
        )
        return self.tenant.end - back

    def taken_over(self) -> Actor:
        """A user's account in the attacker's hand."""
        user = self._account
        return Actor(user.id, user.name, user.name, self.address)

    def user(self, user: User) -> Actor:
        """A user at the own desk."""
        return Actor(user.id, user.name, user.name, user.ip)

    def app(self, principal: Principal, at: datetime) -> Actor:
        """An application that makes changes itself."""
        return Actor(principal.object_id, principal.name(at))

    # -- directory changes -----------------------------------------------------------------------------------------

    def rename(self, who: Principal, at: datetime, actor: Actor, new: str, silent: bool = False) -> None:
        """Give the registration, and with it the service principal, another name; `silent` leaves no record."""
        old = who.name(at)
        who.names.append((at, new))
        if silent:
            return
        changed = (_attribute("DisplayName", [old], [new]), _included("DisplayName"))
        parts = []
        if who.registration_id:
            parts.append(("Update application", Target("Application", who.registration_id, new, changed)))
        parts.append(
            ("Update service principal", Target("ServicePrincipal", who.object_id, new, (*changed, _names(who))))
        )
        self._operation(at, actor, "Update", parts, who)

    def add_key(
        self,
        who: Principal,
        at: datetime,
        actor: Actor,
        kind: str = "secret",
        on: str = "application",
        name: str | None = None,
        same: Key | None = None,
    ) -> Key:
        """Add a key beside those that are there. `on`: application or servicePrincipal; `same`: a certificate again."""
        key = cast.new_key(self.rng, at, kind, name or who.name(at))
        if same is not None:
            # Every object has an id of its own for it.
            key = replace(same, id=key.id)
        held = who.keys if on == "application" else who.own_keys
        before = list(held)
        held.append(key)
        self._keys_changed(who, at, actor, on, before, held, "Add service principal credentials")
        return key

    def remove_key(self, who: Principal, at: datetime, actor: Actor, key: Key) -> None:
        """Take a key away from wherever it is."""
        on = "application" if key in who.keys else "servicePrincipal"
        held = who.keys if on == "application" else who.own_keys
        before = list(held)
        held.remove(key)
        self._keys_changed(who, at, actor, on, before, held, "Remove service principal credentials")

    def _keys_changed(
        self, who: Principal, at: datetime, actor: Actor, on: str, before: list[Key], after: list[Key], operation: str
    ) -> None:
        # The order of keys in a list means nothing, and the log keeps none.
        shown = self.rng.sample(after, len(after))
        changed = (_attribute("KeyDescription", _described(before), _described(shown)), _included("KeyDescription"))
        name = who.name(at)
        if on == "application":
            parts = [
                (CERTIFICATES_AND_SECRETS, Target("Application", who.registration_id, name, changed)),
                ("Update application", Target("Application", who.registration_id, name, (_included(""),))),
                (
                    "Update service principal",
                    Target("ServicePrincipal", who.object_id, name, (_names(who), _included(""))),
                ),
            ]
        else:
            parts = [
                (operation, Target("ServicePrincipal", who.object_id, name, (*changed, _names(who)))),
                (
                    "Update service principal",
                    Target("ServicePrincipal", who.object_id, name, (_names(who), _included("KeyDescription"))),
                ),
            ]
        self._operation(at, actor, "Update", parts, who)

    def add_federated(self, who: Principal, at: datetime, actor: Actor, name: str, issuer: str, subject: str) -> str:
        """Let tokens of another issuer sign in as the application; returns the id of the federated credential."""
        federated = new_guid(self.rng)
        value = {
            "Name": name, "Issuer": issuer, "Subject": subject, "Id": federated, "Description": "",
            "Audiences": ["api://AzureADTokenExchange"], "ClaimsMatchingExpressionValue": None,
            "ClaimsMatchingExpressionLanguageVersion": 0, "EncodingVersion": 2, "TrustedIssuer": None,
        }  # fmt: skip
        changed = (_attribute("FederatedIdentityCredentials", [], [value]), _included("FederatedIdentityCredentials"))
        target = Target("Application", who.registration_id, who.name(at), changed)
        self._operation(at, actor, "Update", [("Update application", target)], who)
        return federated

    def add_owner(self, who: Principal, at: datetime, actor: Actor, owner: User) -> None:
        """Make a user an owner of the registration."""
        named = (
            Property("Application.ObjectID", None, _dotted(who.registration_id)),
            Property("Application.DisplayName", None, _dotted(who.name(at))),
            Property("Application.AppId", None, _dotted(who.app_id)),
        )
        targets = (
            Target("User", owner.id, None, named, owner.name),
            Target("Application", who.registration_id, who.name(at)),
        )
        self._record(at, new_guid(self.rng), actor, "Add owner to application", "Assign", targets)

    def grant_app_role(
        self, who: Principal, at: datetime, actor: Actor, role: str, correlation: str | None = None
    ) -> None:
        """Give the application a permission of Microsoft Graph. The resource comes first, the client second."""
        graph = self.tenant.services[GRAPH.app_id]
        named = (
            Property("AppRole.Id", None, _dotted(new_guid(Random(role)))),
            Property("AppRole.Value", None, _dotted(role)),
            Property("AppRole.DisplayName", None, _dotted(role)),
            Property("ServicePrincipal.ObjectID", None, _dotted(who.object_id)),
            Property("ServicePrincipal.DisplayName", None, _dotted(who.name(at))),
            Property("ServicePrincipal.AppId", None, _dotted(who.app_id)),
            Property("ServicePrincipal.Name", None, _dotted(who.app_id)),
        )
        # The name of the second target holds the app id: no rename.
        targets = (
            Target("ServicePrincipal", graph, GRAPH.name, named),
            Target("ServicePrincipal", who.object_id, who.app_id),
        )
        self._record(
            at, correlation or new_guid(self.rng), actor, "Add app role assignment to service principal", "Assign",
            targets, (("AppId", GRAPH.app_id),),
        )  # fmt: skip

    def consent(self, who: Principal, at: datetime, actor: Actor, scopes: str) -> None:
        """An administrator consents for everybody."""
        correlation = new_guid(self.rng)
        graph = self.tenant.services[GRAPH.app_id]
        permissions = (
            f"[] => [[Id: {new_guid(self.rng)}, ClientId: {who.object_id}, PrincipalId: , ResourceId: {graph}, "
            f"ConsentType: AllPrincipals, Scope: {scopes}, CreatedDateTime: , LastModifiedDateTime ]]; "
        )
        named = (
            Property("ConsentContext.IsAdminConsent", None, _dotted("True")),
            Property("ConsentContext.IsAppOnly", None, _dotted("False")),
            Property("ConsentContext.OnBehalfOfAll", None, _dotted("True")),
            Property("ConsentAction.Permissions", None, _dotted(permissions)),
            _names(who),
        )
        consented = (Target("ServicePrincipal", who.object_id, who.name(at), named),)
        self._record(at, correlation, actor, "Consent to application", "Assign", consented, (("AppId", who.app_id),))
        grant = (
            Property("DelegatedPermissionGrant.Scope", None, _dotted(scopes)),
            Property("DelegatedPermissionGrant.ConsentType", None, _dotted("AllPrincipals")),
            Property("ServicePrincipal.ObjectID", None, _dotted(who.object_id)),
        )
        targets = (
            Target("ServicePrincipal", graph, GRAPH.name, grant),
            Target("ServicePrincipal", who.object_id, who.app_id),
        )
        granted_at = at + timedelta(milliseconds=180)
        self._record(granted_at, correlation, actor, "Add delegated permission grant", "Assign", targets)

    def add_to_role(self, who: Principal, at: datetime, actor: Actor, role: str, template: str) -> None:
        """Give the service principal a directory role."""
        named = (
            Property("Role.ObjectID", None, _dotted(new_guid(Random(template)))),
            Property("Role.DisplayName", None, _dotted(role)),
            Property("Role.TemplateId", None, _dotted(template)),
            Property("Role.WellKnownObjectName", None, _dotted(role.replace(" ", ""))),
            _names(who),
        )
        targets = (
            Target("ServicePrincipal", who.object_id, who.name(at), named),
            Target("Role", new_guid(Random(template)), None),
        )
        self._record(at, new_guid(self.rng), actor, "Add member to role", "Assign", targets, category="RoleManagement")

    def create(self, who: Principal, at: datetime, actor: Actor, with_key: bool = True) -> None:
        """Register an application, as a rule with a first key; its routine starts two hours later."""
        who.created, who.works_from = at, at + timedelta(hours=2)
        who.names[:] = [(self.tenant.start, who.name(at))]
        who.keys.clear()
        name = who.name(at)
        added = (
            _attribute("AppId", [], [who.app_id]),
            _attribute("DisplayName", [], [name]),
            _attribute("AvailableToOtherTenants", [], [False]),
            _included("AppId, AvailableToOtherTenants, DisplayName, RequiredResourceAccess"),
        )
        instance = (
            _attribute("AccountEnabled", [], [True]),
            _attribute("AppPrincipalId", [], [who.app_id]),
            _attribute("DisplayName", [], [name]),
            _attribute("ServicePrincipalName", [], [who.app_id]),
            _included("AccountEnabled, AppPrincipalId, DisplayName, ServicePrincipalName"),
            _names(who),
        )
        parts = []
        if who.registration_id:
            parts.append(("Add application", Target("Application", who.registration_id, name, added)))
        parts.append(("Add service principal", Target("ServicePrincipal", who.object_id, name, instance)))
        self._operation(at, actor, "Add", parts, who)
        # Every token for Microsoft Graph carries it (`graph`): somebody must have granted it.
        self.grant_app_role(who, at + timedelta(seconds=1), actor, "Directory.Read.All")
        if who.registration_id and with_key:
            key = self.add_key(who, at + timedelta(minutes=2), actor)
            who.uses[:] = [(at, key)]

    def delete(self, who: Principal, at: datetime, actor: Actor) -> None:
        """Delete the application and its service principal."""
        who.deleted = at
        parts = [
            ("Delete application", Target("Application", who.registration_id, who.name(at))),
            ("Remove service principal", Target("ServicePrincipal", who.object_id, who.name(at), (_names(who),))),
        ]
        self._operation(at, actor, "Delete", parts, who)

    def disable(self, who: Principal, at: datetime, actor: Actor) -> None:
        """Switch the service principal off."""
        who.disabled = at
        changed = (_attribute("AccountEnabled", [True], [False]), _included("AccountEnabled"), _names(who))
        target = Target("ServicePrincipal", who.object_id, who.name(at), changed)
        self._operation(at, actor, "Update", [("Update service principal", target)], who)

    def update_user(self, user: User, at: datetime, actor: Actor) -> None:
        """A change that is about no workload at all."""
        changed = (_attribute("Department", ["Sales"], ["Field sales"]), _included("Department"))
        target = Target("User", user.id, None, changed, user.name)
        self._record(at, new_guid(self.rng), actor, "Update user", "Update", (target,), category="UserManagement")

    def _operation(
        self, at: datetime, actor: Actor, kind: str, parts: list[tuple[str, Target]], who: Principal
    ) -> None:
        """Records of one operation: one correlation id, a tenth of a second apart."""
        correlation = new_guid(self.rng)
        for place, (operation, target) in enumerate(parts):
            moment = at + timedelta(milliseconds=110 * place)
            self._record(moment, correlation, actor, operation, kind, (target,), (("AppId", who.app_id),))

    def _record(
        self,
        at: datetime,
        correlation: str,
        actor: Actor,
        operation: str,
        kind: str,
        targets: tuple[Target, ...],
        details: tuple[tuple[str, str], ...] = (),
        category: str = "ApplicationManagement",
    ) -> None:
        shard = "".join(self.rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=5))
        event_id = f"Directory_{correlation}_{shard}_{self.rng.randint(100_000, 99_999_999)}"
        if actor.user_name:
            details = (("User-Agent", _BROWSER), *details)
        self.events.append(Audit(at, event_id, correlation, operation, kind, actor, targets, details, category))

    # -- use -------------------------------------------------------------------------------------------------------

    def sign_in(
        self,
        who: Principal,
        at: datetime,
        service: Service,
        ip: str | None = None,
        key: Key | None = None,
        code: int = 0,
        federated: str = "",
    ) -> SignIn:
        """A token request: with the key and from the address of the routine, unless said otherwise."""
        managed = who.kind == "managedIdentity"
        used = None if managed or federated or code else key or who.key(at)
        address = "" if managed else ip or who.ip
        event = SignIn(
            at=at,
            id=new_request_id(self.rng),
            kind="managedIdentity" if managed else "servicePrincipal",
            correlation=new_guid(self.rng),
            app_id=who.app_id,
            name=who.name(at),
            service=service,
            service_principal=self.tenant.services[service.app_id],
            object_id=who.object_id,
            owner_tenant="" if managed else who.owner_tenant,
            ip=address,
            country=country(address),
            code=code,
            key_id=used.id if used else "",
            thumbprint=used.thumbprint if used else "",
            federated_id=federated,
            credential_type=_credential_type(used, federated, code),
        )
        self.events.append(event)
        return event

    def graph(
        self,
        who: Principal,
        at: datetime,
        token: SignIn,
        method: str = "GET",
        path: str = "/users?$top=100",
        ip: str | None = None,
        roles: str = "Directory.Read.All",
    ) -> GraphCall:
        """A request to Microsoft Graph with the token of a sign-in."""
        status = {"GET": 200, "POST": 201}.get(method, 204)
        event = GraphCall(
            at, new_guid(self.rng), who.app_id, who.object_id, ip or token.ip or who.ip, method, path, status, token.id,
            token.at, roles,
        )  # fmt: skip
        self.events.append(event)
        return event

    def arm(
        self,
        who: Principal,
        at: datetime,
        token: SignIn,
        operation: str = "Microsoft.Storage/storageAccounts/write",
        resource: str | None = None,
        ip: str | None = None,
        body: str = "",
    ) -> None:
        """A change through Azure Resource Manager with the token of a sign-in: its start and its success."""
        kind = operation.rpartition("/")[0]
        started = ArmCall(
            at=at,
            correlation=new_guid(self.rng),
            operation=operation,
            resource=resource or self.tenant.resource_id(who.group, kind, f"st{who.object_id[:8]}"),
            succeeded=False,
            ip=ip or token.ip or who.ip,
            app_id=who.app_id,
            object_id=who.object_id,
            token=token.id,
            issued=token.at,
            event_data_id=new_guid(self.rng),
            managed_identity=who.managed_identity,
            body=body,
        )
        done = replace(started, at=at + timedelta(seconds=2.2), succeeded=True, event_data_id=new_guid(self.rng))
        self.events += [started, done]

    def vault(
        self, who: Principal, at: datetime, secret: str | None = None, ip: str | None = None, vault: str | None = None
    ) -> None:
        """A secret is read."""
        self.events.append(
            VaultCall(
                at,
                new_guid(self.rng),
                vault or who.vault,
                secret or who.secret,
                "SecretGet",
                200,
                ip or who.ip,
                who.app_id,
                who.object_id,
                who.managed_identity,
            )  # fmt: skip
        )

    def work(self, who: Principal, at: datetime, duty: str, ip: str | None = None, key: Key | None = None) -> SignIn:
        """A sign-in for a duty and what is done with its token: every token is used."""
        event = self.sign_in(who, at, cast.service(duty), ip, key)
        soon = at + timedelta(milliseconds=self.rng.randint(60, 20_000))
        if duty == "vault":
            self.vault(who, soon, ip=ip)
        elif duty == "graph":
            self.graph(who, soon, event, ip=ip)
        else:
            self.arm(who, soon, event, ip=ip)
        return event

    def run_workflow(self, workflow: str, at: datetime, action: str, end: datetime) -> None:
        """A Logic App runs once, with one action."""
        run = f"0858{self.rng.randint(10**15, 10**16 - 1)}"
        self.events += [
            WorkflowStep(end, workflow, run, action, at + timedelta(seconds=1)),
            WorkflowStep(end + timedelta(seconds=1), workflow, run, "", at),
        ]

    def call_bad(self, address: str, at: datetime, until: datetime) -> None:
        """Somebody lists an address as bad, for a time."""
        self.events.append(Indicator(at, f"contoso-ti---{new_guid(self.rng)}", address, until))

    def user_sign_in(self, user: User, at: datetime, ip: str | None = None, kind: str = "user") -> SignIn:
        """A person signs in to the portal, or a client renews a token in the person's name."""
        service = ARM if kind == "user" else GRAPH
        event = SignIn(
            at=at,
            id=new_request_id(self.rng),
            kind=kind,
            correlation=new_guid(self.rng),
            app_id="c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
            name="Azure Portal",
            service=service,
            service_principal=self.tenant.services[service.app_id],
            ip=ip or user.ip,
            country=country(ip or user.ip),
            user_id=user.id,
            user_name=user.name,
        )
        self.events.append(event)
        return event


def country(ip: str) -> str:
    """Where an address of the sample is."""
    return _COUNTRY.get(ip.rpartition(".")[0], "")


def _credential_type(key: Key | None, federated: str, code: int) -> str:
    if federated:
        return "federatedIdentityCredential"
    if key is None:
        return "clientSecret" if code else ""
    return "clientSecret" if key.kind == "secret" else "certificate"


def _described(keys: list[Key]) -> list[str]:
    kinds = {"secret": "Password", "certificate": "AsymmetricX509Cert"}
    return [
        f"[KeyIdentifier={key.id},KeyType={kinds[key.kind]},KeyUsage=Verify,DisplayName={key.display_name}]"
        for key in keys
    ]


def _attribute(name: str, old: object, new: object) -> Property:
    """An attribute of the directory: both values are JSON arrays, written as text."""
    return Property(name, _json(old), _json(new))


def _dotted(value: str) -> str:
    """A computed property: a JSON string, written as text."""
    return _json(value)


def _included(names: str) -> Property:
    return Property("Included Updated Properties", None, _dotted(names))


def _names(who: Principal) -> Property:
    value = who.app_id
    if who.kind == "managedIdentity":
        value += ";https://identity.azure.net/3ob6YbgkN4WUuqEdtgUhm65gS4gW4rXjs8P1jkuJztA="
    return Property("TargetId.ServicePrincipalNames", None, _dotted(value))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
