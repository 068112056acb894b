"""federatedIdentityCredentials: federated credentials of one application from Microsoft Graph → DirectoryObject."""

from __future__ import annotations

import re

from graphcorr import ids, times
from graphcorr.ingest.fields import as_text
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


def _parse(obj: JsonObject, context: Context) -> DirectoryObject:
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
    return {"issuer", "subject", "audiences"} <= keys


LOADER = Loader(
    source=SOURCE,
    record=DirectoryObject,
    title="Federated identity credentials of one application, as Microsoft Graph lists them.",
    parse={Carrier.GRAPH: _parse},
    claims={Carrier.GRAPH: _claims},
)
