"""Audit log of the directory (`AuditLogs`, Graph `auditLogs/directoryAudits`) → DirectoryChange.

What a record says is read by the type and id of its targets and by the names of its properties, never by
position: grants list the resource first and the client second, owner events carry the object in properties of
the owner (log-facts 2.3 and 4.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from graphcorr import ids
from graphcorr.errors import RecordError
from graphcorr.ingest import audit_values as values
from graphcorr.ingest.fields import as_list, as_object, as_text
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.ingest.short_cuts import of_records, strict
from graphcorr.records import (
    Bridge,
    CredentialChange,
    DirectoryChange,
    Grant,
    KeyStatement,
    NameChange,
    Owner,
    Target,
)
from graphcorr.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

_SOURCE = "AuditLogs"
_PROVIDER = "microsoft.aadiam"

# -- operations, normalised ------------------------------------------------------------------------------------

_LIFECYCLE = {
    "add application": "created",
    "add service principal": "created",
    "delete application": "deleted",
    "remove service principal": "deleted",
    "hard delete application": "hardDeleted",
    "hard delete service principal": "hardDeleted",
    "restore application": "restored",
    "restore service principal": "restored",
}
# Operation → change and type of the owned object.
_OWNERS = {
    "add owner to application": ("added", "Application"),
    "remove owner from application": ("removed", "Application"),
    "add owner to service principal": ("added", "ServicePrincipal"),
    "remove owner from service principal": ("removed", "ServicePrincipal"),
}
# Operation → change and type of the grantee.
_APP_ROLES = {
    "add app role assignment to service principal": ("added", "ServicePrincipal"),
    "remove app role assignment from service principal": ("removed", "ServicePrincipal"),
    "add app role assignment grant to user": ("added", "User"),
    "remove app role assignment from user": ("removed", "User"),
    "add app role assignment to group": ("added", "Group"),
    "remove app role assignment from group": ("removed", "Group"),
}
_DELEGATED = {
    "add delegated permission grant": "added",
    "remove delegated permission grant": "removed",
}
_ROLES = {
    "add member to role": "added",
    "remove member from role": "removed",
    "add scoped member to role": "added",
    "remove scoped member from role": "removed",
}
_CONSENT = "consent to application"
_CONCERNS_WORKLOADS = frozenset((*_OWNERS, *_APP_ROLES, *_DELEGATED, *_ROLES, _CONSENT))
_WORKLOAD_DETAILS = frozenset(("ServicePrincipalProvisioningType", "AppOwnerOrganizationId"))
# Before these nothing existed, so that a missing former list is an empty one.
_CREATIONS = frozenset(
    {
        "add application",
        "add service principal",
        "create application - certificates and secrets management",
    }
)
_ADDS_KEY = "add service principal credentials"
_REMOVES_KEY = "remove service principal credentials"

_TYPES = {
    name.lower(): name for name in ("Application", "ServicePrincipal", "User", "Group", "Role", "Policy", "Device")
}
_BRIDGE_TYPES = {"Application": "application", "ServicePrincipal": "servicePrincipal"}
_CONSENT_TYPES = {"allprincipals": "allPrincipals", "principal": "principal"}
# Service principal names of managed identities hold one under this address.
_MANAGED_IDENTITY = "https://identity.azure.net/"


# -- what a record states --------------------------------------------------------------------------------------


class _Property(NamedTuple):
    name: str
    old: object
    new: object


class _Object(msgspec.Struct, frozen=True, gc=False):
    """One target resource with the properties that are listed under it."""

    target: Target
    properties: tuple[_Property, ...]

    @property
    def type(self) -> str | None:
        return self.target.type

    @property
    def id(self) -> str | None:
        return self.target.id

    @property
    def is_workload(self) -> bool:
        return self.target.type in _BRIDGE_TYPES


class _Event(msgspec.Struct, frozen=True, gc=False):
    """Operation, targets and additional details of one record, decoded."""

    operation: str
    objects: tuple[_Object, ...]
    details: dict[str, frozenset[str]]
    # Every property by its name, with the target that it is listed under.
    by_name: dict[str, list[tuple[_Object, _Property]]]

    def named(self, name: str) -> list[tuple[_Object, _Property]]:
        return self.by_name.get(name, [])

    def of_workloads(self, name: str) -> Sequence[tuple[str, str, _Property]]:
        """Type and id of each application or service principal that lists the property, with the property."""
        found = self.by_name.get(name)
        if found is None:
            return ()
        return [(obj.type, obj.id, item) for obj, item in found if obj.type in _BRIDGE_TYPES and obj.id is not None]

    def concerns_workloads(self) -> bool:
        """False only if nothing in it is about an application or service principal: most records are about users."""
        return (
            self.operation in _CONCERNS_WORKLOADS
            or any(obj.type in _BRIDGE_TYPES for obj in self.objects)
            # Names of what else the record is about have its type in front: `ServicePrincipal.AppId`.
            or any("." in name for name in self.by_name)
            or not _WORKLOAD_DETAILS.isdisjoint(self.details)
        )

    @property
    def about_target(self) -> bool:
        """False for grants and owners, whose details and names may be about another object than the target."""
        known = self.operation in _APP_ROLES or self.operation in _DELEGATED or self.operation in _OWNERS
        return not known

    def detail(self, key: str) -> str | None:
        """The additional detail of that key, if the record gives exactly one value."""
        found = self.details.get(key, frozenset())
        return next(iter(found)) if len(found) == 1 else None

    def value(self, name: str) -> str | None:
        """The one value of a property, new or else old, whichever target carries it; None for a choice."""
        if name not in self.by_name:
            return None
        found = {
            text
            for _, item in self.named(name)
            if (text := values.single_text(item.new) or values.single_text(item.old)) is not None
        }
        return found.pop() if len(found) == 1 else None

    def sides(self, name: str) -> tuple[str | None, str | None]:
        """Former and new text of a property that occurs once."""
        found = self.named(name)
        if len(found) != 1:
            return None, None
        (_, item) = found[0]
        return values.single_text(item.old), values.single_text(item.new)

    def others(self, object_type: str, known_id: str | None) -> set[str]:
        """Ids of the targets of one type, without the object that is known already."""
        return {obj.id for obj in self.objects if obj.type == object_type and obj.id is not None and obj.id != known_id}

    def carriers(self, prefix: str) -> set[str]:
        """Ids of the targets that carry a property whose name starts so."""
        return {
            obj.id
            for obj in self.objects
            if obj.id is not None and any(item.name.startswith(prefix) for item in obj.properties)
        }


def _event(operation: str, targets: list[Any] | None, details: list[Any] | None) -> _Event:
    objects = _objects(targets)
    by_name: dict[str, list[tuple[_Object, _Property]]] = {}
    for obj in objects:
        for item in obj.properties:
            by_name.setdefault(item.name, []).append((obj, item))
    return _Event(operation, objects, _details(details), by_name)


def _objects(found: list[Any] | None) -> tuple[_Object, ...]:
    objects = (_object(item) for item in found or () if isinstance(item, dict))
    return tuple(obj for obj in objects if obj.target != Target() or obj.properties)


def _object(item: JsonObject) -> _Object:
    # `Type` with a capital letter: a spelling of the Graph documentation.
    stated = as_text(item.get("type")) or as_text(item.get("Type"))
    target = Target(
        type=_TYPES.get(stated.strip().lower(), stated) if stated else None,
        id=ids.object_id(item.get("id")),
        display_name=as_text(item.get("displayName")),
        user_principal_name=as_text(item.get("userPrincipalName")),
    )
    properties = tuple(
        _Property(name, entry.get("oldValue"), entry.get("newValue"))
        for entry in as_list(item.get("modifiedProperties")) or ()
        if isinstance(entry, dict) and (name := as_text(entry.get("displayName"))) is not None
    )
    return _Object(target, properties)


def _details(found: list[Any] | None) -> dict[str, frozenset[str]]:
    details: dict[str, set[str]] = {}
    for entry in found or ():
        if not isinstance(entry, dict):
            continue
        key, value = as_text(entry.get("key")), as_text(entry.get("value"))
        if key is not None and value is not None:
            details.setdefault(key, set()).add(value)
    return {key: frozenset(found) for key, found in details.items()}


def _one(found: set[str]) -> str | None:
    return next(iter(found)) if len(found) == 1 else None


_Part = TypeVar("_Part", bound=msgspec.Struct)


def _sorted(parts: Iterable[_Part]) -> tuple[_Part, ...]:
    """Each part once, in an order that depends on nothing but the parts."""
    found = tuple(parts)
    if len(found) < 2:
        return found
    return tuple(sorted(set(found), key=lambda part: tuple(map(repr, msgspec.structs.astuple(part)))))


# -- parts of a change -----------------------------------------------------------------------------------------


def _names(event: _Event) -> Iterator[NameChange]:
    shown = set()
    for object_type, object_id, item in event.of_workloads("DisplayName"):
        shown.add(object_id)
        old, new = values.single_text(item.old), values.single_text(item.new)
        yield NameChange(object_type=object_type, object_id=object_id, old=old, new=new)
    for object_type, object_id, updated in _updated(event):
        if "DisplayName" in updated and object_id not in shown:
            yield NameChange(object_type=object_type, object_id=object_id)


def _updated(event: _Event) -> Iterator[tuple[str, str, set[str]]]:
    """Type and id of each workload object, with the names of the properties that the record counts as updated."""
    for object_type, object_id, item in event.of_workloads("Included Updated Properties"):
        yield object_type, object_id, {name.strip() for name in (values.single_text(item.new) or "").split(",")}


_LISTINGS = (
    ("KeyDescription", "keys", values.key_listing),
    ("FederatedIdentityCredentials", "federated", values.federated_listing),
)


def _credentials(event: _Event) -> Iterator[CredentialChange | KeyStatement]:
    for name, stated, listing in _LISTINGS:
        for object_type, object_id, item in event.of_workloads(name):
            old, new = listing(item.old), listing(item.new)
            # What stands before a cut is no full list, but says that the list may have changed.
            if old.stated or new.stated or old.keys or new.keys:
                yield KeyStatement(
                    object_type=object_type,
                    object_id=object_id,
                    stated=stated,
                    before=old.stated,
                    after=new.stated,
                )
            for change, key in values.compare(*_completed(event.operation, item, old, new)):
                yield CredentialChange(object_type=object_type, object_id=object_id, change=change, **key._asdict())


def _mentioned(event: _Event) -> Iterator[KeyStatement]:
    """Lists that the record names as updated without showing them."""
    for object_type, object_id, updated in _updated(event):
        for name, stated, _ in _LISTINGS:
            shown = any(found == object_id for _, found, _ in event.of_workloads(name))
            if name in updated and not shown:
                yield KeyStatement(
                    object_type=object_type,
                    object_id=object_id,
                    stated=stated,
                    before=False,
                    after=False,
                    mentioned=True,
                )


def _completed(
    operation: str, item: _Property, old: values.Listing, new: values.Listing
) -> tuple[values.Listing, values.Listing]:
    """Both sides, where the operation says what a side that is absent must have been.

    Creation starts from nothing. An operation that adds or removes a key and lists one key means that key.
    """
    if item.old is None and (operation in _CREATIONS or (operation == _ADDS_KEY and new.stated and len(new.keys) == 1)):
        return values.Listing(stated=True), new
    if item.new is None and operation == _REMOVES_KEY and old.stated and len(old.keys) == 1:
        return old, values.Listing(stated=True)
    return old, new


# Properties that hold the application id of the target that they are listed under.
_APP_ID_PROPERTIES = ("AppId", "AppPrincipalId", "ServicePrincipalName", "ServicePrincipalNames")
_TARGET_NAMES = "TargetId.ServicePrincipalNames"
_ACTOR_NAMES = "ActorId.ServicePrincipalNames"


def _bridges(event: _Event) -> Iterator[Bridge]:
    for name in (*_APP_ID_PROPERTIES, _TARGET_NAMES) if event.about_target else _APP_ID_PROPERTIES:
        for object_type, object_id, item in event.of_workloads(name):
            found = values.only_guid(values.name_list(item.new) or values.name_list(item.old))
            yield from _bridge(object_type, object_id, found, name)
    workloads = {(obj.type, obj.id) for obj in event.objects if obj.is_workload and obj.id is not None}
    if event.about_target and len(workloads) == 1:
        only_type, only_id = workloads.pop()
        yield from _bridge(str(only_type), only_id, ids.guid(event.detail("AppId")), "AdditionalDetails.AppId")
    for object_type in _BRIDGE_TYPES:
        stated_id = ids.object_id(event.value(f"{object_type}.ObjectID"))
        app_id = ids.guid(event.value(f"{object_type}.AppId"))
        yield from _bridge(object_type, stated_id, app_id, f"{object_type}.AppId")
    if event.operation in _APP_ROLES or event.operation in _DELEGATED:
        # In grants the detail is the application id of the resource.
        resource_id = _resource(event)
        yield from _bridge("ServicePrincipal", resource_id, ids.guid(event.detail("AppId")), "AdditionalDetails.AppId")


def _bridge(object_type: str, object_id: str | None, app_id: str | None, basis: str) -> Iterator[Bridge]:
    if object_id is not None and app_id is not None:
        yield Bridge(
            left_type=_BRIDGE_TYPES[object_type],
            left_id=object_id,
            right_type="appId",
            right_id=app_id,
            basis=basis,
        )


def _owners(event: _Event) -> Iterator[Owner]:
    if event.operation not in _OWNERS:
        return
    change, object_type = _OWNERS[event.operation]
    object_id = ids.object_id(event.value(f"{object_type}.ObjectID"))
    if object_id is None:
        # Older records: the object is the only target of its type. Two of them (a service principal that owns
        # one) leave a choice, and the record then says nothing that can be relied on.
        object_id = _one(event.others(object_type, None))
    if object_id is None:
        return
    for obj in event.objects:
        if obj.id is not None and obj.id != object_id and obj.type in ("User", "ServicePrincipal", "Group"):
            yield Owner(
                change=change, object_type=object_type, object_id=object_id, owner_type=obj.type, owner_id=obj.id
            )


def _client(event: _Event) -> str | None:
    """The service principal that receives a grant: named in properties, else the target without them."""
    stated = ids.object_id(event.value("ServicePrincipal.ObjectID"))
    if stated is not None:
        return stated
    bearing = event.carriers("AppRole.") | event.carriers("DelegatedPermissionGrant.")
    return _one(event.others("ServicePrincipal", None) - bearing) if bearing else None


def _resource(event: _Event) -> str | None:
    """The service principal that exposes the granted permission."""
    grantee_type = _APP_ROLES.get(event.operation, ("", "ServicePrincipal"))[1]
    return _one(event.others("ServicePrincipal", _client(event) if grantee_type == "ServicePrincipal" else None))


def _grants(event: _Event) -> Iterator[Grant]:
    if event.operation in _APP_ROLES:
        yield from _app_role(event)
    elif event.operation in _DELEGATED:
        yield from _delegated(event)
    elif event.operation in _ROLES:
        yield from _directory_role(event)
    elif event.operation == _CONSENT:
        yield from _consented(event)


def _app_role(event: _Event) -> Iterator[Grant]:
    change, grantee_type = _APP_ROLES[event.operation]
    is_client = grantee_type == "ServicePrincipal"
    yield Grant(
        change=change,
        kind="application",
        grantee_type=grantee_type,
        grantee_id=_client(event) if is_client else _one(event.others(grantee_type, None)),
        resource_app_id=ids.guid(event.detail("AppId")),
        resource_service_principal_id=_resource(event),
        value=event.value("AppRole.Value"),
        permission_id=ids.object_id(event.value("AppRole.Id")),
        consent_type="application" if is_client else None,
    )


def _delegated(event: _Event) -> Iterator[Grant]:
    change = _DELEGATED[event.operation]
    old, new = event.sides("DelegatedPermissionGrant.Scope")
    before, after = set((old or "").split()), set((new or "").split())
    if change == "removed" and old is None:
        # A removal that states one side only names what was removed.
        before, after = after, set()
    consent = event.value("DelegatedPermissionGrant.ConsentType") or ""
    consent_type = _CONSENT_TYPES.get(consent.strip().lower())
    client_id, resource_id = _client(event), _resource(event)
    principal_id = _one(event.others("User", None)) if consent_type == "principal" else None
    for scopes, what in ((after - before, "added"), (before - after, "removed")):
        for scope in scopes:
            yield Grant(
                change=what,
                kind="delegated",
                grantee_type="ServicePrincipal",
                grantee_id=client_id,
                resource_app_id=ids.guid(event.detail("AppId")),
                resource_service_principal_id=resource_id,
                value=scope,
                consent_type=consent_type,
                principal_id=principal_id,
            )


def _consented(event: _Event) -> Iterator[Grant]:
    target = _one(event.others("ServicePrincipal", None))
    for _, item in event.named("ConsentAction.Permissions"):
        before, after = values.consents(item.new if item.new is not None else item.old)
        for found, change in ((after - before, "added"), (before - after, "removed")):
            for consent in found:
                yield Grant(
                    change=change,
                    kind="delegated",
                    grantee_type="ServicePrincipal",
                    # The client is all zeros where the consent created it.
                    grantee_id=consent.client_id or target,
                    resource_service_principal_id=consent.resource_id,
                    value=consent.scope,
                    consent_type=_CONSENT_TYPES.get((consent.consent_type or "").lower()),
                    principal_id=consent.principal_id,
                )


def _directory_role(event: _Event) -> Iterator[Grant]:
    members = [obj for obj in event.objects if obj.id is not None and obj.type not in ("Role", None)]
    bearing = event.carriers("Role.")
    # Further targets without role properties would be scopes (administrative units), not members.
    for obj in [obj for obj in members if obj.id in bearing] or members:
        yield Grant(
            change=_ROLES[event.operation],
            kind="directoryRole",
            grantee_type=obj.type,
            grantee_id=obj.id,
            value=event.value("Role.DisplayName"),
            permission_id=ids.object_id(event.value("Role.TemplateId")),
        )


def _managed_identity(event: _Event) -> bool | None:
    provisioning = event.detail("ServicePrincipalProvisioningType")
    if provisioning is not None and provisioning.lower() == "managedserviceidentity":
        return True
    if not event.about_target:
        return None
    for name in ("ServicePrincipalName", "ServicePrincipalNames", _TARGET_NAMES):
        for object_type, _, item in event.of_workloads(name):
            if object_type == "ServicePrincipal" and _names_managed_identity(item):
                return True
    return None


def _names_managed_identity(item: _Property) -> bool:
    listed = values.name_list(item.new) or values.name_list(item.old)
    return any(name.lower().startswith(_MANAGED_IDENTITY) for name in listed)


def _state(items: Iterable[_Property]) -> bool | None:
    """The one new truth value that properties of one name state."""
    found = {state for item in items if (state := values.single_bool(item.new)) is not None}
    return found.pop() if len(found) == 1 else None


# -- actor -----------------------------------------------------------------------------------------------------


class _Actor(msgspec.Struct, frozen=True, gc=False):
    type: str | None = None
    id: str | None = None
    name: str | None = None
    app_id: str | None = None
    # Where the application id was stated.
    basis: str | None = None
    ip: str | None = None
    managed_identity: bool | None = None


def _actor(event: _Event, initiated_by: JsonObject) -> _Actor:
    user, app = as_object(initiated_by.get("user")), as_object(initiated_by.get("app"))
    if user:
        user_id = ids.object_id(user.get("id"))
        name = as_text(user.get("userPrincipalName")) or as_text(user.get("displayName"))
        if user_id is not None or name is not None:
            return _Actor("user", user_id, name, ip=ids.ip_address(user.get("ipAddress")))
    if app:
        app_id, basis = ids.guid(app.get("appId")), "InitiatedBy.app.appId"
        if app_id is None:
            app_id, basis = _actor_app_id(event)
        object_id, name = ids.object_id(app.get("servicePrincipalId")), as_text(app.get("displayName"))
        if object_id is not None or name is not None or app_id is not None:
            managed = any(_names_managed_identity(item) for _, item in event.named(_ACTOR_NAMES)) or None
            return _Actor("app", object_id, name, app_id, basis, ids.ip_address(app.get("ipAddress")), managed)
    return _Actor()


def _actor_app_id(event: _Event) -> tuple[str | None, str]:
    for name in (_ACTOR_NAMES, "SPN"):
        found = {
            app_id
            for _, item in event.named(name)
            if (app_id := values.only_guid(values.name_list(item.new) or values.name_list(item.old))) is not None
        }
        if len(found) == 1:
            return found.pop(), name
    return None, ""


# -- carriers --------------------------------------------------------------------------------------------------


class _Outside(NamedTuple):
    """What stands around the audit event in a carrier."""

    tenant_id: str | None = None
    workspace_id: str | None = None
    sent: datetime | None = None
    ip: str | None = None


def _from_export(obj: JsonObject, _context: Context) -> DirectoryChange:
    properties = as_object(obj.get("properties"))
    if properties is None:
        raise RecordError("audit record without `properties`", hint="expected a record of a diagnostic setting")
    get = obj.get
    outside = _outside(get("tenantId"), get("resourceId"), get("time"), get("callerIpAddress"))
    return _exported(properties, get("operationName"), get("correlationId"), outside)


def _outside(tenant: object, resource: object, time: object, ip: object) -> _Outside:
    """What an envelope says."""
    return _Outside(ids.guid(tenant) or ids.tenant_of(resource), sent=parse_time(time), ip=ids.ip_address(ip))


def _exported(properties: JsonObject, operation: object, correlation: object, outside: _Outside) -> DirectoryChange:
    fallback = {"activityDisplayName": operation, "correlationId": correlation}
    return _change({**fallback, **{key: value for key, value in properties.items() if value is not None}}, outside)


_Envelope = strict(
    """
    time resourceId operationName operationVersion category resultType resultSignature resultDescription durationMs
    callerIpAddress correlationId identity level Level location properties tenantId
    """,
    dict.fromkeys(("resourceId", "operationName", "callerIpAddress", "correlationId", "tenantId"), str),
    {"time": str, "category": str, "properties": dict[str, Any]},
)


def _usual(envelope: Any) -> DirectoryChange | None:
    """An export with no other properties than the known, as `_from_export` reads it."""
    if envelope.category != _SOURCE or ids.provider_of(envelope.resourceId) != _PROVIDER:
        return None
    if not envelope.properties.keys() <= _PROPERTIES:
        return None
    outside = _outside(envelope.tenantId, envelope.resourceId, envelope.time, envelope.callerIpAddress)
    return _exported(envelope.properties, envelope.operationName, envelope.correlationId, outside)


def _from_graph(obj: JsonObject, _context: Context) -> DirectoryChange:
    return _change(obj, _Outside())


_COLUMNS = {
    "Id": "id",
    "ActivityDateTime": "activityDateTime",
    "OperationName": "activityDisplayName",
    "ActivityDisplayName": "activityDisplayName",
    "Result": "result",
    "ResultReason": "resultReason",
    "Category": "category",
    "LoggedByService": "loggedByService",
    "CorrelationId": "correlationId",
    "InitiatedBy": "initiatedBy",
    "TargetResources": "targetResources",
    "AdditionalDetails": "additionalDetails",
}


def _from_row(obj: JsonObject, _context: Context) -> DirectoryChange:
    # ActivityDisplayName comes after OperationName in the table above and wins, as it does in exports.
    activity = {
        name: value for column, name in _COLUMNS.items() if (value := obj.get(column)) is not None and value != ""
    }
    outside = _Outside(
        tenant_id=ids.guid(obj.get("AADTenantId")) or ids.tenant_of(obj.get("ResourceId")),
        workspace_id=ids.guid(obj.get("TenantId")),
        sent=parse_time(obj.get("TimeGenerated")),
    )
    return _change(activity, outside)


def _change(activity: JsonObject, outside: _Outside) -> DirectoryChange:
    raw_operation = as_text(activity.get("activityDisplayName"))
    operation = values.normalise_operation(raw_operation) if raw_operation else ""
    if raw_operation is None or not operation:
        raise RecordError("audit record without an operation name")
    targets = activity.get("targetResources")
    if targets is None:
        targets = activity.get("targetResource")  # spelling of the Graph documentation
    event = _event(operation, as_list(targets), as_list(activity.get("additionalDetails")))
    actor = _actor(event, as_object(activity.get("initiatedBy")) or {})
    at = parse_time(activity.get("activityDateTime"))
    result = as_text(activity.get("result"))
    correlation_id = ids.object_id(activity.get("correlationId"))
    change = DirectoryChange(
        source=_SOURCE,
        event_key=_key(activity, event, at or outside.sent, actor, correlation_id),
        at=at or outside.sent,
        at_is_event_time=at is not None,
        tenant_id=outside.tenant_id,
        workspace_id=outside.workspace_id,
        operation=operation,
        raw_operation=raw_operation,
        result=result.strip().lower() if result else None,
        result_reason=as_text(activity.get("resultReason")),
        category=as_text(activity.get("category")),
        service=as_text(activity.get("loggedByService")),
        correlation_id=correlation_id,
        actor_type=actor.type,
        actor_id=actor.id,
        actor_name=actor.name,
        actor_app_id=actor.app_id,
        actor_managed_identity=actor.managed_identity,
        actor_ip=actor.ip or outside.ip,
        actor_ip_basis="record" if actor.ip else "envelope" if outside.ip else None,
        user_agent=event.detail("User-Agent") or as_text(activity.get("userAgent")),
        targets=_sorted(obj.target for obj in event.objects),
        lifecycle=_LIFECYCLE.get(operation),
    )
    return _with_parts(change, event, actor) if actor.app_id is not None or event.concerns_workloads() else change


def _with_parts(change: DirectoryChange, event: _Event, actor: _Actor) -> DirectoryChange:
    """The change with all that its record says of workload identities."""
    credentials = [*_credentials(event), *_mentioned(event)]
    bridges = [
        *_bridges(event),
        *_bridge("ServicePrincipal", actor.id if actor.type == "app" else None, actor.app_id, str(actor.basis)),
    ]
    return msgspec.structs.replace(
        change,
        names=_sorted(_names(event)),
        credentials=_sorted(part for part in credentials if isinstance(part, CredentialChange)),
        key_statements=_sorted(part for part in credentials if isinstance(part, KeyStatement)),
        bridges=_sorted(bridges),
        owners=_sorted(_owners(event)),
        grants=_sorted(_grants(event)),
        enabled=_state(item for _, _, item in event.of_workloads("AccountEnabled")),
        managed_identity=_managed_identity(event),
        app_owner_tenant_id=ids.guid(event.detail("AppOwnerOrganizationId")) if event.about_target else None,
        admin_consent=_state(item for _, item in event.named("ConsentContext.IsAdminConsent")),
    )


def _key(activity: JsonObject, event: _Event, at: datetime | None, actor: _Actor, correlation_id: str | None) -> str:
    """The record's id, else a digest of what it says that is equal in every carrier and order."""
    stated = as_text(activity.get("id"))
    if ids.object_id(stated) is not None:
        return str(stated).strip()
    # Order and choice are part of stored event keys: do not change.
    content = sorted(
        repr((obj.type, obj.id, obj.target.display_name, sorted(map(repr, obj.properties)))) for obj in event.objects
    )
    return f"nokey:{ids.digest(at, event.operation, correlation_id, actor.id, actor.name, *content)}"


_ROW_MARKS = frozenset({"TargetResources", "InitiatedBy"})
_GRAPH_MARKS = frozenset({"targetResources", "targetResource", "initiatedBy", "loggedByService"})


def _claims_row(keys: frozenset[str], _obj: JsonObject, _context: Context) -> bool:
    return bool(keys & _ROW_MARKS) and bool(keys & {"OperationName", "ActivityDisplayName"})


def _claims_graph(keys: frozenset[str], _obj: JsonObject, _context: Context) -> bool:
    return "activityDisplayName" in keys and bool(keys & _GRAPH_MARKS)


_OTHER_COLUMNS = """
    AADOperationType AADTenantId DurationMs Identity Level Location OperationVersion Resource ResourceGroup
    ResourceId ResourceProvider ResultDescription ResultSignature ResultType SourceSystem TenantId TimeGenerated
    Type _BilledSize _IsBillable $table
"""
_KNOWN = frozenset((*_COLUMNS, *_OTHER_COLUMNS.split()))
_PROPERTIES = frozenset((*_COLUMNS.values(), "operationType", "userAgent", "tenantId", "resultType"))

LOADER = Loader(
    source=_SOURCE,
    record=DirectoryChange,
    title="Changes of applications, service principals, credentials, owners and grants in the directory",
    parse={
        Carrier.EXPORT: _from_export,
        Carrier.GRAPH: _from_graph,
        Carrier.ROW: _from_row,
        Carrier.CSV: _from_row,
    },
    categories=(_SOURCE,),
    providers=(_PROVIDER,),
    tables=(_SOURCE,),
    claims={Carrier.ROW: _claims_row, Carrier.CSV: _claims_row, Carrier.GRAPH: _claims_graph},
    known={Carrier.EXPORT: _PROPERTIES, Carrier.ROW: _KNOWN, Carrier.CSV: _KNOWN},
    short_cuts={Carrier.EXPORT: of_records(DirectoryChange, _Envelope, _usual)},
)
