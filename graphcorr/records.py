"""Records: what one log entry says, neutral of the source and shape it came in. Loaders make them.

Frozen and typed; `None` means "the source does not say". Ids are normalised by `ids`, times are aware UTC from
`times`. Fields are only ever *stated* values: nothing here is looked up, joined or guessed.
The archive derives its tables from these classes, so a field declared here is a column there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

SignInKind = Literal["user", "servicePrincipal", "managedIdentity"]
# success · credentialFailed · identityUnknown · disabled · blocked · requestError · failed (log-facts 5)
ResultClass = str


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """Common to all records."""

    # Log Analytics table name of the source, whatever shape the record came in.
    source: str
    # Identifies the event in every shape of its source (design 5, "Event key").
    event_key: str
    # Key of the same event at the precision of a second, where times are part of the key (ARM, Key Vault, Logic Apps).
    second_key: str | None = None
    # True if this record states whole seconds only: a finer record with the same second_key is the same event.
    whole_seconds: bool = False
    # Event time; None if the record states none. Never "now".
    at: datetime | None = None
    # True if `at` is the event's own time, False if it is TimeGenerated or an envelope time that may be ingestion.
    at_is_event_time: bool = True
    # When the log platform received or published the record, for delivery delay.
    received_at: datetime | None = None
    # Entra tenant that the record itself states.
    tenant_id: str | None = None
    # Log Analytics workspace (column TenantId): never a tenant.
    workspace_id: str | None = None
    # Azure subscription, where the record belongs to one.
    subscription_id: str | None = None
    # What the source is complete for: ARM id of the vault or workflow, `/subscriptions/<id>`, None = the tenant.
    scope: str | None = None


class SignIn(Record, frozen=True, kw_only=True):
    """One token request. `event_key` is the sign-in's id, a GUID that token ids decode to."""

    kind: SignInKind
    # Client application that asked for the token.
    app_id: str | None = None
    app_name: str | None = None
    # Object id of the service principal or managed identity (never the app id).
    service_principal_id: str | None = None
    service_principal_name: str | None = None
    user_id: str | None = None
    user_principal_name: str | None = None
    user_name: str | None = None
    # App id of the resource the token is for (`resourceId` of exports, `ResourceIdentity` of Log Analytics).
    resource_app_id: str | None = None
    resource_name: str | None = None
    resource_service_principal_id: str | None = None
    ip: str | None = None
    country: str | None = None
    user_agent: str | None = None
    # As text: "0", "7000222".
    result_code: str | None = None
    result_class: ResultClass | None = None
    # Key id of the secret or certificate used.
    key_id: str | None = None
    # Thumbprint of the certificate used, upper-case hexadecimal.
    thumbprint: str | None = None
    federated_credential_id: str | None = None
    # clientSecret, clientAssertion, certificate, federatedIdentityCredential, managedIdentity, none.
    credential_type: str | None = None
    # Token id as a GUID (ids.token_guid); equals event_key where both are sound.
    token_id: str | None = None
    correlation_id: str | None = None
    session_id: str | None = None
    # Tenant that owns the client application / the resource application.
    app_owner_tenant_id: str | None = None
    resource_owner_tenant_id: str | None = None
    home_tenant_id: str | None = None
    # ARM id of the managed identity (managedServiceIdentity.associatedResourceId), lower case.
    managed_identity_resource_id: str | None = None
    # The same, where it is a resource that a user-assigned identity is assigned to.
    assigned_resource_id: str | None = None
    # agentType of the `agent` object, where it says that the principal is an agent.
    agent_type: str | None = None


# -- parts of a directory change -----------------------------------------------------------------------------------
# Every part names the object it is about by type and id, never by its position in the record.


class Target(Struct, frozen=True, kw_only=True):
    """An object named in TargetResources."""

    # Application, ServicePrincipal, User, Group, Role, Policy, Device, Other … as written; None if not stated.
    type: str | None = None
    id: str | None = None
    # As written. Not a witness of a name: grants put the app id here (design 7).
    display_name: str | None = None
    user_principal_name: str | None = None


class NameChange(Struct, frozen=True, kw_only=True):
    """DisplayName of an object, before and after.

    `old` None = the record states no former name (creation); both None = it says that the name was updated, not how.
    """

    object_type: str
    object_id: str
    old: str | None = None
    new: str | None = None


class CredentialChange(Struct, frozen=True, kw_only=True):
    """One key of KeyDescription, or one federated credential, on one object (log-facts 4.3).

    `change`: added, removed, kept, renamed (same key id, other display name; also kept).
    """

    object_type: str
    object_id: str
    change: str
    # secret, certificate, federated; None if the record does not say.
    kind: str | None = None
    key_id: str | None = None
    usage: str | None = None
    display_name: str | None = None
    federated_id: str | None = None
    # name, issuer, subject and audiences (in one order) of a federated credential.
    federated_name: str | None = None
    issuer: str | None = None
    subject: str | None = None
    audiences: tuple[str, ...] | None = None


class KeyStatement(Struct, frozen=True, kw_only=True):
    """The record is about the list of keys (`keys`) or federated credentials (`federated`) of an object.

    `stated` is `keys` or `federated`; `before` / `after` say whether the old / the new list was stated in full ([]
    counts, null and a list that is cut off do not).
    """

    object_type: str
    object_id: str
    stated: str
    before: bool
    after: bool
    # The record only counts the list among what was updated, and says no more.
    mentioned: bool | None = None


class Bridge(Struct, frozen=True, kw_only=True):
    """The record states two ids of one identity together (log-facts 2.3).

    Types: appId, application (object id), servicePrincipal (object id), resourceId (ARM id of a managed identity),
    assignedTo (ARM id of a resource that can get the tokens of a user-assigned identity).
    """

    left_type: str
    left_id: str
    right_type: str
    right_id: str
    # Where in the record: `AdditionalDetails.AppId`, `AppPrincipalId`, …
    basis: str


class Owner(Struct, frozen=True, kw_only=True):
    """An owner was added to or removed from an object."""

    change: str
    object_type: str
    object_id: str
    owner_type: str | None = None
    owner_id: str


class Grant(Struct, frozen=True, kw_only=True):
    """A permission, directory role or Azure role was granted or revoked.

    `kind`: application (app role), delegated, directoryRole, azureRole.
    """

    change: str
    kind: str
    # Who receives it: ServicePrincipal, User, Group; None if the record does not say.
    grantee_type: str | None = None
    grantee_id: str | None = None
    # App id or, where only that is stated, service principal id of the API that exposes a permission.
    resource_app_id: str | None = None
    resource_service_principal_id: str | None = None
    # `Directory.ReadWrite.All`, one Grant per scope; the role's name for directory roles.
    value: str | None = None
    # App role id, directory role template id, Azure role definition id.
    permission_id: str | None = None
    # Scope of an Azure role, ARM id in lower case.
    scope: str | None = None
    # application, allPrincipals, principal.
    consent_type: str | None = None
    # The user for whom a delegated permission was granted.
    principal_id: str | None = None


class DirectoryChange(Record, frozen=True, kw_only=True):
    """One record of the audit log. `event_key` is its `Id`."""

    # Normalised (ids of log-facts 4.1: dashes, case, blanks and final dots folded away).
    operation: str
    raw_operation: str
    # success, failure, timeout, unknownFutureValue, lower case.
    result: str | None = None
    result_reason: str | None = None
    category: str | None = None
    service: str | None = None
    correlation_id: str | None = None
    # user or app; None for an empty initiator.
    actor_type: str | None = None
    # Object id of the user or of the service principal.
    actor_id: str | None = None
    # User principal name; for an app its display name (an attribute to show, never to join).
    actor_name: str | None = None
    # Stated app id of an acting application (ActorId.ServicePrincipalNames, SPN); initiatedBy.app.appId is null.
    actor_app_id: str | None = None
    # identity.azure.net in ActorId.ServicePrincipalNames: the acting application is a managed identity.
    actor_managed_identity: bool | None = None
    actor_ip: str | None = None
    # record (initiatedBy.user.ipAddress) or envelope (callerIpAddress: weaker, may be a front end of Microsoft).
    actor_ip_basis: str | None = None
    user_agent: str | None = None
    targets: tuple[Target, ...] = ()
    names: tuple[NameChange, ...] = ()
    credentials: tuple[CredentialChange, ...] = ()
    key_statements: tuple[KeyStatement, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    owners: tuple[Owner, ...] = ()
    grants: tuple[Grant, ...] = ()
    # created, deleted, hardDeleted, restored: what happened to the (first) application or service principal target.
    lifecycle: str | None = None
    # AccountEnabled after the change.
    enabled: bool | None = None
    # ServicePrincipalProvisioningType or identity.azure.net in ServicePrincipalNames: the target is a managed identity.
    managed_identity: bool | None = None
    # AppOwnerOrganizationId in AdditionalDetails.
    app_owner_tenant_id: str | None = None
    # ConsentContext.IsAdminConsent.
    admin_consent: bool | None = None


class Activity(Record, frozen=True, kw_only=True):
    """Something done with a token, in a log of the service it was done to."""

    # arm, keyVault, graph, logicApps, …
    service: str
    # Normalised: lower case for ARM, as written for key vault, `METHOD /path/{id}` template for Graph.
    operation: str
    # success, failure, start, challenge.
    outcome: str | None = None
    # As written: 200, Forbidden, Succeeded.
    status: str | None = None
    # app or user; None if the record does not say.
    principal_type: str | None = None
    # Object id of the service principal, if the record says that an application acted.
    service_principal_id: str | None = None
    user_id: str | None = None
    user_principal_name: str | None = None
    app_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    # ARM id of the resource acted on, lower case.
    resource_id: str | None = None
    # Object inside the resource: `secrets/payroll` without version; path of a Graph request.
    object_path: str | None = None
    # uti / signInActivityId as a GUID.
    token_id: str | None = None
    token_issued_at: datetime | None = None
    token_expires_at: datetime | None = None
    # xms_mirid: ARM id of the managed identity, lower case. xms_az_rid: of the resource that got the token.
    managed_identity_resource_id: str | None = None
    token_resource_id: str | None = None
    # Application permissions, delegated scopes, directory role template ids in the token.
    roles: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    wids: tuple[str, ...] | None = None
    # 0 public, 1 secret, 2 certificate (appidacr, ClientAuthMethod).
    client_auth_method: str | None = None
    correlation_id: str | None = None
    # EventDataId of ARM events: an attribute, no key (exports lack it).
    event_data_id: str | None = None
    # True if the platform acted (policy, resource provider on behalf): carries no token of its own.
    platform: bool | None = None
    grants: tuple[Grant, ...] = ()
    credentials: tuple[CredentialChange, ...] = ()
    # Ids of a managed identity that the answer to its creation or change states together.
    bridges: tuple[Bridge, ...] = ()


class ListedKey(Struct, frozen=True, kw_only=True):
    """A key or federated credential in an inventory."""

    kind: str
    key_id: str | None = None
    display_name: str | None = None
    thumbprint: str | None = None
    usage: str | None = None
    start_at: datetime | None = None
    expires_at: datetime | None = None
    federated_id: str | None = None
    issuer: str | None = None
    subject: str | None = None


class DirectoryObject(Record, frozen=True, kw_only=True):
    """One object of an inventory export. `at` is the observation time; None = undated, then it gives bridges only."""

    # application, servicePrincipal, federatedIdentityCredential.
    object_type: str
    object_id: str | None = None
    app_id: str | None = None
    name: str | None = None
    # Application, ManagedIdentity, Legacy, SocialIdp, AgentIdentity … as written (servicePrincipalType).
    principal_type: str | None = None
    owner_tenant_id: str | None = None
    enabled: bool | None = None
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    # ARM id of the managed identity: from alternativeNames; of a federated credential, the one that it belongs to.
    managed_identity_resource_id: str | None = None
    keys: tuple[ListedKey, ...] = ()
    # Which lists the record states in full: keys (passwordCredentials and keyCredentials), federated.
    full_lists: tuple[str, ...] = ()
    owner_ids: tuple[str, ...] = ()


class WorkflowEvent(Record, frozen=True, kw_only=True):
    """A step in the run of a workflow (Logic App). The log names no identity."""

    # ARM id of the workflow, lower case.
    resource_id: str | None = None
    # Lower case too: it is part of such ids.
    run_id: str | None = None
    # One of the two for events of an action or a trigger, neither for events of the run itself.
    action_name: str | None = None
    trigger_name: str | None = None
    # Without provider: workflowRunStarted, workflowActionCompleted …
    operation: str
    # As written: Succeeded, Failed, Running, Skipped …
    status: str | None = None
    code: str | None = None
    # Of the run, action or trigger that the event is about.
    started_at: datetime | None = None
    ended_at: datetime | None = None
    action_tracking_id: str | None = None
    client_tracking_id: str | None = None


class Indicator(Record, frozen=True, kw_only=True):
    """A threat-intelligence address or network with its validity."""

    # Same in all versions of an indicator; `event_key` tells versions apart, the newest by `at` counts.
    indicator_id: str
    # Address or network in CIDR notation; empty in a version that only takes the indicator back.
    value: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    # False if the version says inactive, deleted or revoked.
    active: bool | None = None
    confidence: int | None = None
    description: str | None = None
    provider: str | None = None


class RiskEvent(Record, frozen=True, kw_only=True):
    """A detection by Microsoft about a service principal, or the risk state of one."""

    # Same in all versions of a detection; `event_key` tells versions apart, the newest by `updated_at` counts.
    risk_id: str | None = None
    updated_at: datetime | None = None
    risk_type: str | None = None
    risk_level: str | None = None
    risk_state: str | None = None
    app_id: str | None = None
    service_principal_id: str | None = None
    name: str | None = None
    ip: str | None = None
    # Event key of the sign-in it is about.
    sign_in_id: str | None = None
    key_ids: tuple[str, ...] = ()


KINDS: dict[str, type[Record]] = {
    "sign_ins": SignIn,
    "directory_changes": DirectoryChange,
    "activities": Activity,
    "directory_objects": DirectoryObject,
    "workflow_events": WorkflowEvent,
    "indicators": Indicator,
    "risk_events": RiskEvent,
}
"""Archive table of each record kind, in the order in which they are written."""
