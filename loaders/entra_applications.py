"""applications: inventory of app registrations, exported from Microsoft Graph → DirectoryObject."""

from __future__ import annotations

from graphcorr import ids, times
from graphcorr.ingest.fields import as_bool, as_text
from graphcorr.ingest.inventory import date_or_none, is_one_of, keyed, listed_keys, own_id, owner_ids
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.records import DirectoryObject

SOURCE = "applications"

_OWN_KEYS = ("identifierUris", "publisherDomain", "requiredResourceAccess", "isFallbackPublicClient")
_SERVICE_PRINCIPAL_KEYS = ("servicePrincipalType", "servicePrincipalNames", "accountEnabled", "appOwnerOrganizationId")


def _parse(obj: JsonObject, context: Context) -> DirectoryObject:
    keys, full_lists = listed_keys(obj)
    disabled = as_bool(obj.get("isDisabled"))
    record = DirectoryObject(
        source=SOURCE,
        event_key="",
        at=times.parse_time(context.observed_at),
        object_type="application",
        object_id=own_id(obj),
        app_id=ids.object_id(obj.get("appId")),
        name=as_text(obj.get("displayName")),
        enabled=None if disabled is None else not disabled,
        created_at=date_or_none(obj.get("createdDateTime")),
        deleted_at=date_or_none(obj.get("deletedDateTime")),
        keys=keys,
        full_lists=full_lists,
        owner_ids=owner_ids(obj),
    )
    return keyed(record)


def _claims(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    stated = is_one_of(obj, context, SOURCE, "application")
    if stated is not None:
        return stated
    return "signInAudience" in keys and not keys.isdisjoint(_OWN_KEYS) and keys.isdisjoint(_SERVICE_PRINCIPAL_KEYS)


LOADER = Loader(
    source=SOURCE,
    record=DirectoryObject,
    title="App registrations with their keys, as Microsoft Graph or the Azure CLI lists them.",
    parse={Carrier.GRAPH: _parse},
    claims={Carrier.GRAPH: _claims},
)
