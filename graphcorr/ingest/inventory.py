"""Inventory exports of Microsoft Graph: keys, owners and context of an object, shared by the inventory loaders."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from graphcorr import ids, times
from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_list, as_object, as_text, first
from graphcorr.ingest.loader import Context
from graphcorr.records import DirectoryObject, ListedKey


def metadata_path(obj: Mapping[str, Any], context: Context) -> str | None:
    """What `@odata.context` says behind the `#`: of the object itself, else of its page. None = not stated."""
    written = as_text(obj.get("@odata.context")) or context.odata_context
    return written.partition("#")[2] if written else None


def is_collection(path: str, name: str) -> bool:
    """True for objects of a collection: `name`, `name/$entity`, `name/$delta`, `name(id,owners())`.

    False for what hangs below one object: `name('…')/owners`.
    """
    if not path.startswith(name):
        return False
    rest = path[len(name) :]
    if rest.endswith(("/$entity", "/$delta")):
        rest = rest.rpartition("/")[0]
    return not rest or (rest.startswith("(") and rest.endswith(")") and "'" not in rest)


def is_one_of(obj: Mapping[str, Any], context: Context, collection: str, type_name: str) -> bool | None:
    """Whether an object is of a collection, as its page or its own type says; None if neither says anything.

    A page of objects of all kinds (`directoryObjects`, owners) has each state its type.
    """
    path, stated = metadata_path(obj, context), as_text(obj.get("@odata.type"))
    if path is None and stated is None:
        return None
    return (path is not None and is_collection(path, collection)) or stated == f"#microsoft.graph.{type_name}"


def own_id(obj: Mapping[str, Any]) -> str:
    """The object id. RecordError without one: such an object cannot be told from others."""
    # `objectId` is the spelling of Azure AD Graph, which older versions of the Azure CLI asked.
    found = ids.object_id(first(obj, "id", "objectId"))
    if found is None:
        raise RecordError("an object without its object id", hint="export the property id")
    return found


def keyed(record: DirectoryObject, *parts: str | None) -> DirectoryObject:
    """The record with its event key: type, id and observation; undated or nameless ones are told apart by content.

    `parts` join the key where one object has several records (its federated credentials).
    """
    observed = times.to_iso(record.at) if record.at is not None else "undated"
    content = None
    if record.at is None or record.object_id is None:
        content = json.dumps(_stated(msgspec.to_builtins(record)), sort_keys=True)
    digest = ids.digest(record.object_type, record.object_id, *parts, observed, content)
    return replace(record, event_key=f"inv:{digest}")


def _stated(value: Any) -> Any:
    """The value without what is not stated, so that a field added to the records later changes no key."""
    if isinstance(value, dict):
        return {name: _stated(part) for name, part in value.items() if part is not None and part != ()}
    return [_stated(part) for part in value] if isinstance(value, list | tuple) else value


def listed_keys(obj: Mapping[str, Any]) -> tuple[tuple[ListedKey, ...], tuple[str, ...]]:
    """The keys and federated credentials of an object, and which of the two lists it states in full.

    `keys` is full only with both `passwordCredentials` and `keyCredentials`: `$select` may leave one out.
    The texts of secrets and keys are never read.
    """
    passwords = _objects(obj.get("passwordCredentials"))
    certificates = _objects(obj.get("keyCredentials"))
    federated = _objects(obj.get("federatedIdentityCredentials"))
    keys = [_password(entry) for entry in passwords or ()]
    keys += [_certificate(entry) for entry in certificates or ()]
    keys += [federated_key(entry) for entry in federated or ()]
    full = []
    if passwords is not None and certificates is not None:
        full.append("keys")
    if federated is not None:
        full.append("federated")
    return tuple(keys), tuple(full)


def federated_key(entry: Mapping[str, Any]) -> ListedKey:
    """One federated identity credential."""
    return ListedKey(
        kind="federated",
        display_name=as_text(entry.get("name")),
        federated_id=ids.object_id(entry.get("id")),
        issuer=as_text(entry.get("issuer")),
        subject=as_text(entry.get("subject")),
    )


def owner_ids(obj: Mapping[str, Any]) -> tuple[str, ...]:
    """Object ids of the owners, where the export was made with `$expand=owners`."""
    found = (ids.object_id(owner.get("id")) for owner in _objects(obj.get("owners")) or ())
    return tuple(owner_id for owner_id in found if owner_id is not None)


def date_or_none(value: object) -> datetime | None:
    """A date of an object, any year; None if absent or unreadable (no reason to lose the object)."""
    try:
        return times.parse_date(value)
    except RecordError:
        return None


def _objects(value: object) -> list[dict[str, Any]] | None:
    """The members of a list; None if there is no list or a member cannot be read, so that it counts as not stated."""
    members = as_list(value)
    if members is None:
        return None
    found = [member for member in map(as_object, members) if member is not None]
    return found if len(found) == len(members) else None


def _password(entry: Mapping[str, Any]) -> ListedKey:
    # `customKeyIdentifier` of a secret is an old form of its description, no thumbprint.
    return ListedKey(
        kind="secret",
        key_id=ids.guid(entry.get("keyId")),
        display_name=as_text(entry.get("displayName")),
        start_at=date_or_none(first(entry, "startDateTime", "startDate")),
        expires_at=date_or_none(first(entry, "endDateTime", "endDate")),
    )


def _certificate(entry: Mapping[str, Any]) -> ListedKey:
    return ListedKey(
        kind="secret" if entry.get("type") == "Symmetric" else "certificate",
        key_id=ids.guid(entry.get("keyId")),
        display_name=as_text(entry.get("displayName")),
        # The thumbprint by default, but whoever adds a certificate may put anything there.
        thumbprint=_thumbprint(entry.get("customKeyIdentifier")),
        usage=as_text(entry.get("usage")),
        start_at=date_or_none(first(entry, "startDateTime", "startDate")),
        expires_at=date_or_none(first(entry, "endDateTime", "endDate")),
    )


def _thumbprint(written: object) -> str | None:
    """A thumbprint in any spelling of `ids.thumbprint`, or in numbers, as PowerShell writes bytes."""
    if isinstance(written, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in written):
        written = base64.b64encode(bytes(written)).decode()
    return ids.thumbprint(written)
