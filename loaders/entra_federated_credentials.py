"""federatedIdentityCredentials: federated credentials of an application or managed identity → DirectoryObject.

Those of an application come from Microsoft Graph, those of a user-assigned identity from Azure Resource Manager.
"""

from __future__ import annotations

import re

from graphcorr import ids, times
from graphcorr.ingest.fields import as_object, as_text
from graphcorr.ingest.inventory import federated_key, keyed, metadata_path
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.records import DirectoryObject

SOURCE = "federatedIdentityCredentials"

# The credential does not name its application; the addresses around it do:
# `…/v2/<tenant>/directoryObjects/$/Microsoft.DirectoryServices.Application('<object id>')/federated…`,
# `…#applications('<object id>')/federated…` and `…#applications(appId='<app id>')/federated…`.
_APPLICATION = re.compile(r"(?:\.Application|#?applications)\((?:id=)?'([^']+)'\)/federatedIdentityCredentials")
_APP_ID = re.compile(r"#?applications\(appId='([^']+)'\)/federatedIdentityCredentials")
_TENANT = re.compile(r"/v2/([0-9a-fA-F-]{36})/directoryObjects/")


# A credential of a managed identity lies below it: `…/userAssignedIdentities/<name>/federatedIdentityCredentials/…`.
_BELOW_IDENTITY = "/federatedidentitycredentials/"
_AZURE_TYPE = "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials"


def _parse(obj: JsonObject, context: Context) -> DirectoryObject:
    identity, below, _ = (ids.arm_id(obj.get("id")) or "").partition(_BELOW_IDENTITY)
    return _of_identity(identity, obj, context) if below else _of_application(obj, context)


def _of_identity(identity: str, obj: JsonObject, context: Context) -> DirectoryObject:
    """A credential as Azure Resource Manager gives it, or flattened by the Azure CLI. Its path is its only id."""
    stated = as_object(obj.get("properties")) or obj
    key = federated_key({**stated, "id": None, "name": obj.get("name")})
    record = DirectoryObject(
        source=SOURCE,
        event_key="",
        at=times.parse_time(context.observed_at),
        object_type="federatedIdentityCredential",
        name=key.display_name,
        managed_identity_resource_id=identity,
        keys=(key,),
    )
    return keyed(record, identity, key.display_name)


def _of_application(obj: JsonObject, context: Context) -> DirectoryObject:
    own_address = as_text(obj.get("@odata.id")) or ""
    # The address of the object itself first: it is the more exact one.
    addresses = (own_address, as_text(obj.get("@odata.context")) or "", context.odata_context or "")
    tenant = _TENANT.search(own_address)
    key = federated_key(obj)
    record = DirectoryObject(
        source=SOURCE,
        event_key="",
        at=times.parse_time(context.observed_at),
        tenant_id=ids.guid(tenant.group(1)) if tenant else None,
        object_type="federatedIdentityCredential",
        object_id=_stated(_APPLICATION, addresses),
        app_id=_stated(_APP_ID, addresses),
        name=key.display_name,
        keys=(key,),
    )
    return keyed(record, key.federated_id, key.display_name)


def _stated(pattern: re.Pattern[str], addresses: tuple[str, ...]) -> str | None:
    """The first id that is a GUID: addresses are written by hand in examples, and cut off in places."""
    for address in addresses:
        match = pattern.search(address)
        found = ids.guid(match.group(1)) if match else None
        if found is not None:
            return found
    return None


def _claims(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    path = metadata_path(obj, context)
    if path is not None:
        return f"/{SOURCE}" in path
    return {"issuer", "subject", "audiences"} <= keys or str(obj.get("type")).lower() == _AZURE_TYPE


LOADER = Loader(
    source=SOURCE,
    record=DirectoryObject,
    title="Federated credentials of an application or managed identity, as Microsoft Graph or Azure lists them.",
    parse={Carrier.GRAPH: _parse},
    claims={Carrier.GRAPH: _claims},
)
