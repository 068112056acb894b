"""THE graph schema: labels, keys, properties, edge types (design 6).

Constraints, indexes, write statements, the pattern lint and `cypher/schema.md` are derived from this file; the
projection's node and edge tables have exactly these columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

# Property types: string, integer, boolean, datetime (UTC), strings (list of string).
TYPES = ("string", "integer", "boolean", "datetime", "strings")


@dataclass(frozen=True)
class Property:
    """A property of a node or edge. `indexed`: an id that people and patterns look nodes up by."""

    name: str
    type: str
    description: str
    indexed: bool = False


@dataclass(frozen=True)
class Node:
    """A kind of node: one table of the projection, one uniqueness constraint on `key`.

    `label` is the label that every node of the kind has. `variants` are all complete label sets that occur (the label
    itself included): the embedded store must know them in advance.
    """

    label: str
    description: str
    key_from: str
    properties: tuple[Property, ...]
    variants: tuple[tuple[str, ...], ...] = ()
    # Nodes that tenants share carry no firstSeen / lastSeen (functions of key and configuration alone).
    shared: bool = False

    @property
    def label_sets(self) -> tuple[tuple[str, ...], ...]:
        return self.variants or ((self.label,),)


@dataclass(frozen=True)
class Edge:
    """A kind of edge. `ends` lists (from label, to label) in terms of `Node.label` or of a label in its variants.

    `many` says which direction may lead to many nodes from one: `out` (one source, many targets), `in`, `both`,
    `none`; the pattern lint uses it.
    """

    type: str
    description: str
    ends: tuple[tuple[str, str], ...]
    properties: tuple[Property, ...] = ()
    many: str = "both"


def _s(name: str, description: str, *, indexed: bool = False) -> Property:
    return Property(name, "string", description, indexed)


def _id(name: str, description: str) -> Property:
    return Property(name, "string", description, indexed=True)


def _i(name: str, description: str) -> Property:
    return Property(name, "integer", description)


def _b(name: str, description: str) -> Property:
    return Property(name, "boolean", description)


def _t(name: str, description: str) -> Property:
    return Property(name, "datetime", description)


def _l(name: str, description: str) -> Property:
    return Property(name, "strings", description)


KEY = _id("key", "Unique and never null; built from tenant and ids.")
CAPTION = _s("caption", "What a person wants to read; a name where one is known.")
FIRST_SEEN = _t("firstSeen", "First event that witnesses this node.")
LAST_SEEN = _t("lastSeen", "Last event that witnesses this node.")
TENANT = _id("tenantId", "Entra tenant.")

_CONFIDENCE = _s("confidence", "exact, high, medium or low.")
_BASIS = _s("basis", "How it is known: kinds of records, joined with `+`.")
_VALID_FROM = _t("validFrom", "Start; null = before the first record.")
_VALID_TO = _t("validTo", "End; null = not ended in the records.")
_CHANGE_ID = _s("changeId", "Event id of the directory change that started it.")
_EVENT_IDS = _l("eventIds", "Up to five events that state it.")
_ORIGIN = _s(
    "origin",
    "added/created, listed, absent (a full statement before its first appearance does not hold it, and nothing of the "
    "audit log is missing in between), unknown: how it came to be known, for claims of absence.",
)
_RISK = _s("risk", "high, medium or low, from the risk list; null = not listed.")
_ORIGIN_EVENTS = _l("originEventIds", "Events behind `origin`.")
_ORIGIN_REASON = _s(
    "originReason",
    "Why `origin` is unknown: noFullStatement, auditNotCovered, ownedElsewhere (or managed by a service), tooRecent.",
)

_OBJECT = (
    TENANT,
    _id("objectId", "Directory object id."),
    _id("appId", "Application (client) id."),
    _id("identityId", "Identity it is part of: `app:<appId>`, `sp:<objectId>` or `reg:<objectId>`."),
    _s("name", "Latest display name that a name witness states."),
    _s("kind", "application, servicePrincipal, user, policy, group, device, unknown."),
    _s("userPrincipalName", "User principal name (users only)."),
    _b("enabled", "AccountEnabled, latest statement."),
    _s("ownerTenantId", "Tenant that owns the application."),
    _t("createdAt", "Creation, from its audit event or an inventory."),
    _t("deletedAt", "Latest deletion not followed by a restore."),
    _t("restoredAt", "Latest restore."),
    _ORIGIN,
    _ORIGIN_EVENTS,
    _ORIGIN_REASON,
    _t("keysListedAt", "Latest complete list of its keys that a record states: creation, change, inventory."),
    _b("placeholder", "True if the id was only mentioned: no record describes the object itself."),
)

NODES: tuple[Node, ...] = (
    Node(
        "Identity",
        "One workload identity of one tenant: its application object, service principal and app id together.",
        "tenantId + identityId",
        (
            TENANT,
            _id("identityId", "`app:<appId>`, else `sp:<objectId>`, else `reg:<objectId>`."),
            _id("appId", "Application (client) id, where known."),
            _s("name", "Latest known name."),
            _l("formerNames", "Its other names, oldest first: earlier ones, and those that other objects of it have."),
            _l("formerIds", "Identity ids that became part of this one."),
            _s("kind", "application, managedIdentity, agent, microsoft, unknown."),
            _s("ownerTenantId", "Tenant that owns the application."),
            _s("owner", "Who answers for it, from the owners list."),
            _s("tier", "Its tier, from the owners list."),
            _t("createdAt", "Creation."),
            _t("deletedAt", "Deletion not followed by a restore."),
        ),
    ),
    Node(
        "Application",
        "An app id, the same in every tenant: clients and resources of tokens.",
        "appId",
        (
            _id("appId", "Application (client) id."),
            _s("name", "From the first-party or user list only."),
            _id("skeleton", "Look-alike form of that name."),
            _b("microsoftOwned", "True if the first-party list names it."),
        ),
        shared=True,
    ),
    Node(
        "DirectoryObject",
        "An object of the directory: application object, service principal, user, or another target of changes.",
        "tenantId + objectId",
        _OBJECT,
        variants=(
            ("DirectoryObject",),
            ("DirectoryObject", "AppRegistration"),
            ("DirectoryObject", "ServicePrincipal"),
            ("DirectoryObject", "ServicePrincipal", "ManagedIdentity"),
            ("DirectoryObject", "ServicePrincipal", "AgentIdentity"),
            ("DirectoryObject", "ServicePrincipal", "MicrosoftOwned"),
            ("DirectoryObject", "User"),
        ),
    ),
    Node(
        "Name",
        "A display name in one tenant.",
        "tenantId + value",
        (
            TENANT,
            _id("value", "The name as written."),
            _id("skeleton", "Look-alike form: case, blanks, homoglyphs folded."),
        ),
    ),
    Node(
        "Credential",
        "A secret, certificate or federated credential.",
        "tenantId + key:<keyId>, else fic:<id>, else fic:<owner>/<name>, else thumb:<hex>",
        (
            TENANT,
            _id("keyId", "Key id."),
            _id("thumbprint", "Certificate thumbprint, upper-case hexadecimal."),
            _id("federatedId", "Federated credential id."),
            _s("issuer", "Issuer of a federated credential."),
            _s("subject", "Subject of a federated credential."),
            _b("issuerDeclared", "Federated: true if the operator declared the issuer, false if not; else null."),
            _s("displayName", "Latest display name of the key."),
            _t("addedAt", "Time of the change that added it."),
            _t("firstUsed", "First successful sign-in with it."),
            _t("lastUsed", "Last successful sign-in with it."),
            _t("removedAt", "Time of the change that removed it."),
            _t("expiresAt", "Expiry, from an inventory."),
            _b("signing", "True if a change states that it signs tokens (SAML); null = no record says."),
            _ORIGIN,
            _ORIGIN_EVENTS,
            _ORIGIN_REASON,
        ),
        variants=(
            ("Credential",),
            ("Credential", "Secret"),
            ("Credential", "Certificate"),
            ("Credential", "FederatedCredential"),
        ),
    ),
    Node(
        "IPAddress",
        "An address, shared by all tenants.",
        "canonical address",
        (
            _id("address", "Canonical address."),
            _s("scope", "public, private, documentation, azure (the latter from a ranges file)."),
            _id("network", "Declared network that covers it, else its /24 or /48."),
            _s("purpose", "Purpose of the declared network."),
            _b("declared", "True if a declared network covers it."),
        ),
        shared=True,
    ),
    Node(
        "Resource",
        "An Azure resource.",
        "ARM id, lower case",
        (
            TENANT,
            _id("resourceId", "ARM id in lower case."),
            _s("type", "Resource type, lower case."),
            _s("name", "Last segment of the id."),
        ),
    ),
    Node(
        "Operation",
        "An operation of a service, shared by all tenants.",
        "service + name",
        (_s("service", "arm, keyVault, graph, logicApps."), _s("name", "Operation name.")),
        shared=True,
    ),
    Node(
        "SignIn",
        "Equal sign-ins of one UTC hour, folded; counts say how many led to something.",
        "fold key",
        (
            TENANT,
            _s("kind", "user, servicePrincipal, managedIdentity."),
            _s("resultCode", "Result code as text, `0` = success."),
            _s("resultClass", "success, credentialFailed, identityUnknown, disabled, blocked, requestError, failed."),
            _t("hour", "Start of the UTC hour."),
            _id("appId", "Client app id as written."),
            _id("servicePrincipalId", "Service principal object id as written."),
            _s("address", "Address as written."),
            _s("keyId", "Key id as written."),
            _id("resourceAppId", "App id of the resource as written."),
            _id("resourceServicePrincipalId", "Service principal id of the resource as written."),
            _s("resourceName", "Name of the resource at sign-in."),
            _s("credentialType", "Type of credential as written."),
            _i("count", "Sign-ins in this fold; the next four add up to it for successful folds."),
            _i("linkedCount", "Led to an activity or change (by token, token time or window)."),
            _i("possibleSameAddressCount", "Could have led to one from the same address."),
            _i("possibleOtherAddressCount", "Could only have led to one from another address."),
            _i("unexplainedCount", "Nothing seen that they can have led to."),
            _s(
                "evidence",
                "notApplicable, noSource, noLoader, notCollected, tooRecent, gap, changesOnly, partialScopes, complete",
            ),
            _l("sampleIds", "First and last event."),
            _l("unexplainedIds", "Up to five unexplained events."),
        ),
    ),
    Node(
        "Activity",
        "Equal activities of one UTC hour, folded.",
        "fold key",
        (
            TENANT,
            _s("service", "arm, keyVault, graph, logicApps."),
            _s("operation", "Operation name."),
            _s("outcome", "success, failure, start, challenge."),
            _t("hour", "Start of the UTC hour."),
            _s("objectPath", "Object inside the resource, without version."),
            _id("appId", "Client app id as written."),
            _id("servicePrincipalId", "Service principal object id as written."),
            _s("address", "Address as written."),
            _s("resourceId", "ARM id of the resource, lower case."),
            _i("count", "Activities in this fold."),
            _i("linkedCount", "Linked to the sign-in that led to them."),
            _i("withoutSignInCount", "No sign-in seen that can have led to them."),
            _s("evidence", "complete, gap, notCollected, tokenOlderThanCoverage, microsoftOwned, tooRecent."),
            _l("sampleIds", "First and last event."),
            _l("unexplainedIds", "Up to five events without a sign-in."),
        ),
    ),
    Node(
        "Token",
        "A token seen at two addresses or used without a sign-in; other tokens are folded away.",
        "tenantId + tokenId",
        (TENANT, _id("tokenId", "Request id of the token, a GUID."), _t("issuedAt", "Issue time, where stated.")),
    ),
    Node(
        "Change",
        "One record of the audit log, never folded.",
        "event key",
        (
            TENANT,
            _id("eventId", "Event id: `graphcorr evidence` shows its record."),
            _t("at", "Event time; null = undated."),
            _s("operation", "Operation, normalised."),
            _s("rawOperation", "Operation as written."),
            _s("result", "success, failure …"),
            _id("correlationId", "Groups the records of one directory operation."),
            _b("adminConsent", "Consent by an administrator for the tenant."),
            _s(
                "lifecycle",
                "created, deleted, hardDeleted, restored, updated: what a successful change did to its application or "
                "service principal; null = something else.",
            ),
            _b("enabled", "AccountEnabled after a successful change; null = not stated."),
        ),
    ),
    Node(
        "Permission",
        "A permission of an API.",
        "resource app id + application/delegated + value (the id while no record states the value)",
        (
            _id("resourceAppId", "App id of the API."),
            _s("kind", "application or delegated."),
            _s("value", "`Directory.ReadWrite.All`."),
            _id("permissionId", "App role id."),
            _RISK,
        ),
        shared=True,
    ),
    Node(
        "DirectoryRole",
        "A role of the directory.",
        "template id",
        (_id("templateId", "Role template id."), _s("name", "Role name."), _RISK),
        shared=True,
    ),
    Node(
        "AzureRole",
        "An Azure role at a scope.",
        "role definition + scope",
        (
            _id("roleDefinitionId", "Role definition id."),
            _s("name", "Role name."),
            _s("scope", "ARM scope, lower case."),
            _RISK,
        ),
        shared=True,
    ),
    Node(
        "WorkflowRun",
        "A run of a Logic App; its log names no identity.",
        "resource + run id",
        (
            TENANT,
            _id("runId", "Run id, lower case."),
            _s("status", "Succeeded, Failed, …"),
            _t("startedAt", "Start."),
            _t("endedAt", "End."),
            _l("actions", "Names of its actions."),
        ),
    ),
    Node(
        "Indicator",
        "A threat-intelligence address or network.",
        "id",
        (
            TENANT,
            _id("indicatorId", "Indicator id."),
            _s("value", "Address or network."),
            _t("validFrom", "Valid from."),
            _t("validTo", "Valid until."),
            _i("score", "Confidence 0–100 as stated by the provider."),
            _s("description", "Description."),
        ),
    ),
    Node(
        "RiskEvent",
        "A detection by Microsoft.",
        "id",
        (
            TENANT,
            _id("eventId", "Event id."),
            _s("riskType", "riskEventType."),
            _s("riskLevel", "low, medium, high …"),
            _s("riskState", "atRisk, dismissed …"),
        ),
    ),
    Node(
        "Conflict",
        "Ids that cannot be one identity, shown instead of merged.",
        "kind + ids",
        (TENANT, _s("kind", "Kind of the conflict."), _s("reason", "What disagrees."), _EVENT_IDS),
    ),
    Node(
        "LogSource",
        "What one source delivered for one scope.",
        "tenantId + source + scope",
        (
            TENANT,
            _id("source", "Log Analytics table name."),
            _id("scope", "Subscription, vault, …; empty = the tenant."),
            _i("eventCount", "Events."),
            _i("bytes", "Bytes of raw records."),
            _i("duplicates", "Further versions of events already delivered."),
            _i("delayP50", "Median delivery delay, seconds."),
            _i("delayP95", "95th percentile of the delivery delay, seconds."),
            _b("declared", "Declared complete in graphcorr.toml."),
        ),
    ),
    Node(
        "Gap",
        "A span in which a source delivered nothing.",
        "tenantId + source + scope + start",
        (
            TENANT,
            _id("source", "Log Analytics table name."),
            _id("scope", "Subscription, vault, …; empty = the tenant."),
            _t("start", "Start of the gap."),
            _t("end", "End of the gap."),
            _s("kind", "silence, missingBlob, rowLimit, cutOff, unproven."),
        ),
    ),
)

_PRINCIPALS = ("ServicePrincipal", "User", "Identity")
_SEEN = (
    _t("firstSuccess", "First success."),
    _t("lastSuccess", "Last success."),
    _t("firstFailure", "First failure."),
    _t("lastFailure", "Last failure."),
    _i("days", "Distinct UTC days."),
    _i("count", "Events."),
)
_TRUST = (
    _s("issuer", "Issuer that a federated credential trusted then."),
    _s("subject", "Subject that it trusted then."),
)
_CONSENT = _s("consentType", "application, allPrincipals, principal.")
_OBJECTS = ("AppRegistration", "ServicePrincipal")
_GRANTED = ("Permission", "DirectoryRole", "AzureRole")

EDGES: tuple[Edge, ...] = (
    Edge("PART_OF", "An object belongs to an identity.", tuple((o, "Identity") for o in _OBJECTS),
         (_BASIS, _CONFIDENCE, _EVENT_IDS), many="in"),
    Edge("INSTANCE_OF", "A service principal is the instance of an application in a tenant.",
         (("ServicePrincipal", "Application"),), (_BASIS, FIRST_SEEN, LAST_SEEN, _EVENT_IDS), many="in"),
    Edge("REGISTERED_AS", "An application object registers an app id.",
         (("AppRegistration", "Application"),), (_BASIS, FIRST_SEEN, LAST_SEEN, _EVENT_IDS), many="in"),
    Edge("NAMED", "An object carried a name; one per interval and basis (audit, signIn, inventory).",
         tuple((o, "Name") for o in _OBJECTS), (_BASIS, _VALID_FROM, _VALID_TO, _CHANGE_ID, _EVENT_IDS)),
    Edge("HAS_CREDENTIAL", "An object holds a credential.", tuple((o, "Credential") for o in _OBJECTS),
         (_BASIS, _VALID_FROM, _VALID_TO, _CHANGE_ID, _EVENT_IDS)),
    Edge("SIGNED_IN", "Who signed in.", tuple((p, "SignIn") for p in _PRINCIPALS), many="out"),
    Edge("THROUGH", "The client application of a user's sign-in or activity.",
         (("SignIn", "Application"), ("Activity", "Application")), many="in"),
    Edge("USED", "The credential of a sign-in.", (("SignIn", "Credential"),), many="in"),
    Edge("TO", "The resource of a sign-in.", (("SignIn", "Application"),), many="in"),
    Edge("FROM", "The address of a sign-in, activity or change.",
         (("SignIn", "IPAddress"), ("Activity", "IPAddress"), ("Change", "IPAddress")),
         (_s("country", "Country as stated."),
          _s("basis", "record, envelope, signIn (supplied by the sign-in that led to it).")),
         many="in"),
    Edge("PERFORMED", "Who acted.", tuple((p, "Activity") for p in _PRINCIPALS), many="out"),
    Edge("CARRIED", "Roles and scopes in the tokens of an activity.",
         (("Activity", "Permission"), ("Activity", "DirectoryRole")),
         (_t("firstAt", "First."), _t("lastAt", "Last."), _ORIGIN, _ORIGIN_EVENTS, _ORIGIN_REASON)),
    Edge("SEEN_FROM", "Baseline: addresses of a principal.", tuple((p, "IPAddress") for p in _PRINCIPALS), _SEEN),
    Edge("REACHED", "Baseline: applications and resources that a principal reached.",
         tuple((p, t) for p in _PRINCIPALS for t in ("Application", "Resource")), _SEEN),
    Edge("OF", "The operation of an activity.", (("Activity", "Operation"),), many="in"),
    Edge("ON", "What an activity was done to.", (("Activity", "Resource"), ("Activity", "DirectoryObject")), many="in"),
    Edge("LED_TO", "A sign-in led to an activity or change; one per pair and basis.",
         (("SignIn", "Activity"), ("SignIn", "Change")),
         (_s("basis", "token, tokenTime or window."), _CONFIDENCE, _i("events", "Linked events."), _EVENT_IDS,
          _t("firstAt", "First linked event."), _t("lastAt", "Last linked event."),
          _i("minLag", "Smallest lag, milliseconds."), _i("maxLag", "Largest lag, milliseconds."),
          _i("candidates", "Most sign-ins that could have caused one of the events."))),
    Edge("ISSUED", "A sign-in issued a token.", (("SignIn", "Token"),), (_EVENT_IDS,)),
    Edge("USED_FOR", "A token was used.", (("Token", "Activity"),), (_EVENT_IDS,)),
    Edge("MADE", "Who made a change.", tuple((p, "Change") for p in _PRINCIPALS), many="out"),
    Edge("CHANGED", "What was changed; for a grant the grantee.",
         (("Change", "DirectoryObject"),),
         (_s("role", "Type of the target as written."),
          _b("nameUnshown", "The record says that its name was updated and shows none."))),
    Edge("ADDED", "A change or activity added something.",
         (("Change", "Credential"), ("Change", "DirectoryObject"), ("Activity", "Credential")),
         (_s("objectKey", "Key of the object it was added to."), *_TRUST,
          _t("lastSuccess", "Last success of that object's identity before, with another credential."),
          _l("lastSuccessIds", "Events of that hour's sign-ins."))),
    Edge("REMOVED", "A change removed something.",
         (("Change", "Credential"), ("Change", "DirectoryObject"), ("Activity", "Credential")),
         (_s("objectKey", "Key of the object it was removed from."), *_TRUST)),
    Edge("GRANTED", "A permission or role was granted.",
         tuple((c, g) for c in ("Change", "Activity") for g in _GRANTED), (_CONSENT,)),
    Edge("REVOKED", "A permission or role was revoked.",
         tuple((c, g) for c in ("Change", "Activity") for g in _GRANTED), (_CONSENT,)),
    Edge("RENAMED_FROM", "The name before a rename.", (("Change", "Name"),),
         (_s("objectKey", "Key of the renamed object."),)),
    Edge("RENAMED_TO", "The name after a rename.", (("Change", "Name"),),
         (_s("objectKey", "Key of the renamed object."),)),
    Edge("HOLDS", "A principal holds a permission or role.",
         tuple((p, g) for p in ("ServicePrincipal", "User") for g in _GRANTED),
         (_VALID_FROM, _VALID_TO, _BASIS, _CHANGE_ID, _CONSENT)),
    Edge("OWNS", "A principal owns an object.",
         tuple((p, o) for p in ("User", "ServicePrincipal") for o in _OBJECTS),
         (_VALID_FROM, _VALID_TO, _BASIS, _CHANGE_ID)),
    Edge("REPRESENTS", "The Azure resource that a managed identity is.", (("ManagedIdentity", "Resource"),),
         (_BASIS, _EVENT_IDS)),
    Edge("ASSIGNED_TO", "Resources able to get a managed identity's tokens.", (("ManagedIdentity", "Resource"),),
         (_BASIS, _EVENT_IDS)),
    Edge("RAN", "A workflow ran.", (("Resource", "WorkflowRun"),), many="out"),
    Edge("RUN_BY", "The identity of a run, from time and configuration only.",
         (("WorkflowRun", "ServicePrincipal"),), (_BASIS, _CONFIDENCE)),
    Edge("RECREATED_AS", "Deleted, then the next new object of its kind with the same app id or name; never joined.",
         (("DirectoryObject", "DirectoryObject"),), (_s("basis", "appId, name or appId+name."),)),
    Edge("SAME_NAME_AS", "Same name, nothing better, from the smaller identity id to the larger; never joined.",
         (("DirectoryObject", "DirectoryObject"),),
         (_s("basis", "name, or shownName (one of them is shown so in audit records, which witness no names)."),)),
    Edge("BETWEEN", "The parties of a conflict.",
         (("Conflict", "DirectoryObject"), ("Conflict", "Identity"), ("Conflict", "Application")), many="out"),
    Edge("INDICATES", "An indicator covers an address.", (("Indicator", "IPAddress"),), (_VALID_FROM, _VALID_TO)),
    Edge("ABOUT", "What a risk event is about.",
         (("RiskEvent", "ServicePrincipal"), ("RiskEvent", "SignIn"), ("RiskEvent", "Credential"))),
    Edge("WITHIN", "A resource inside another.", (("Resource", "Resource"),), many="in"),
    Edge("HAS_GAP", "A gap of a source.", (("LogSource", "Gap"),), many="out"),
)  # fmt: skip

# What `schema.version` in the store's marker says; raise it when tables or keys change.
VERSION = 7


def properties_of(node: Node) -> tuple[Property, ...]:
    """All properties of a node in table order: key, caption, seen times (unless shared), then its own."""
    seen = () if node.shared else (FIRST_SEEN, LAST_SEEN)
    return (KEY, CAPTION, *seen, *node.properties)


@cache
def node_of_label(label: str) -> Node:
    """The node kind whose nodes may carry a label (`ServicePrincipal` → DirectoryObject).

    Raises KeyError for labels that the schema does not know.
    """
    for node in NODES:
        if any(label in labels for labels in node.label_sets):
            return node
    raise KeyError(label)


@cache
def edge_of_type(edge_type: str) -> Edge:
    """The edge kind of a type. Raises KeyError for types that the schema does not know."""
    for edge in EDGES:
        if edge.type == edge_type:
            return edge
    raise KeyError(edge_type)


def node_columns(node: Node) -> tuple[str, ...]:
    """Columns of a node table: `labels` (a label set of `variants` joined with `:`), then properties."""
    return ("labels", *(p.name for p in properties_of(node)))


def edge_columns(edge: Edge) -> tuple[str, ...]:
    """Columns of an edge table: own key, ends (label of the node kind and key of each), then properties."""
    return ("key", "fromLabel", "fromKey", "toLabel", "toKey", *(p.name for p in edge.properties))
