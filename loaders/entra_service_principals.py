"""servicePrincipals: inventory of service principals and managed identities from Microsoft Graph → DirectoryObject."""

from __future__ import annotations

from graphcorr import ids, times
from graphcorr.ingest.fields import as_bool, as_list, as_text, first
from graphcorr.ingest.inventory import date_or_none, is_one_of, keyed, listed_keys, own_id, owner_ids
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.records import DirectoryObject

SOURCE = "servicePrincipals"

_OWN_KEYS = ("servicePrincipalType", "servicePrincipalNames", "appOwnerOrganizationId")


def _parse(obj: JsonObject, context: Context) -> DirectoryObject:
    keys, full_lists = listed_keys(obj)
    record = DirectoryObject(
        source=SOURCE,
        event_key="",
        at=times.parse_time(context.observed_at),
        object_type="servicePrincipal",
        object_id=own_id(obj),
        app_id=ids.object_id(obj.get("appId")),
        # `appDisplayName` beside it is the name of the registration, maybe of another tenant.
        name=as_text(obj.get("displayName")),
        principal_type=as_text(obj.get("servicePrincipalType")),
        owner_tenant_id=ids.guid(first(obj, "appOwnerOrganizationId", "appOwnerTenantId")),
        enabled=as_bool(obj.get("accountEnabled")),
        created_at=date_or_none(obj.get("createdDateTime")),
        deleted_at=date_or_none(obj.get("deletedDateTime")),
        managed_identity_resource_id=_managed_identity(first(obj, "alternativeNames", "alternativeName")),
        keys=keys,
        full_lists=full_lists,
        owner_ids=owner_ids(obj),
    )
    return keyed(record)


def _managed_identity(alternative_names: object) -> str | None:
    """The ARM id among the alternative names; `isExplicit=…` and addresses stand beside it, in any order."""
    for name in as_list(alternative_names) or ():
        resource_id = ids.arm_id(name)
        if resource_id is not None and resource_id.startswith("/subscriptions/"):
            return resource_id
    return None


def _claims(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    stated = is_one_of(obj, context, SOURCE, "servicePrincipal")
    if stated is not None:
        return stated
    # Risky service principals also have a `servicePrincipalType`.
    return not keys.isdisjoint(_OWN_KEYS) and "riskState" not in keys


LOADER = Loader(
    source=SOURCE,
    record=DirectoryObject,
    title="Service principals and managed identities with their keys, as Microsoft Graph or the Azure CLI lists them.",
    parse={Carrier.GRAPH: _parse},
    claims={Carrier.GRAPH: _claims},
)
