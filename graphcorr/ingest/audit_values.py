"""Values inside audit records: operation names, JSON in JSON, key lists and federated credentials (log-facts 4)."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from msgspec import Struct

from graphcorr import ids
from graphcorr.ingest.fields import as_list, as_text, decoded

# -- operation names -------------------------------------------------------------------------------------------

_DASHES = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-"})


def normalise_operation(name: str) -> str:
    """One spelling of an operation name: plain dashes, single blanks, lower case, no blank or period at the end.

    Records say `Update application – Certificates and secrets management ` (en dash, blank at the end), the
    documentation prints a hyphen, the unified audit log adds a period.
    """
    return " ".join(name.translate(_DASHES).split()).strip(" .").casefold()


# -- JSON inside text ------------------------------------------------------------------------------------------


def decode(value: object) -> object:
    """What `oldValue` / `newValue` holds: the decoded JSON, or the text itself where it is no JSON; None = absent.

    `"[]"` becomes an empty list, which is a statement; None is none.
    """
    return decoded(value, otherwise=value) if isinstance(value, str) else value


def single_text(value: object) -> str | None:
    """The one text that an encoded value holds (`["x"]` or `"x"`); None for none, several or something else."""
    found = decode(value)
    if isinstance(found, list):
        found = found[0] if len(found) == 1 else None
    return as_text(found)


def single_bool(value: object) -> bool | None:
    """The one truth value that an encoded value holds: `[true]`, `"True"`, `true`."""
    found = decode(value)
    if isinstance(found, list):
        found = found[0] if len(found) == 1 else None
    if isinstance(found, bool):
        return found
    lowered = found.strip().lower() if isinstance(found, str) else None
    return True if lowered == "true" else False if lowered == "false" else None


def name_list(value: object) -> tuple[str, ...]:
    """Service principal names from `["<appId>","<uri>"]` or `"<appId>;<uri>"`, in the order written."""
    found = decode(value)
    if isinstance(found, str):
        found = found.split(";")
    if not isinstance(found, list):
        return ()
    return tuple(name.strip() for name in found if isinstance(name, str) and name.strip())


def only_guid(names: tuple[str, ...]) -> str | None:
    """The application id among service principal names: the only GUID; None if there is none or a choice."""
    found = {guid for name in names if (guid := ids.guid(name)) is not None}
    return found.pop() if len(found) == 1 else None


# -- lists of credentials --------------------------------------------------------------------------------------

# Commas, equal signs and brackets occur in display names; only the last field may hold them. Names are cut off
# by the source inside the closing bracket.
_KEY = re.compile(r"\[KeyIdentifier=([^,]*),\s*KeyType=([^,]*),\s*KeyUsage=([^,]*),\s*DisplayName=(.*)", re.DOTALL)
_KEY_STARTS = "[KeyIdentifier="
_ELEMENTS = json.JSONDecoder(strict=False)
_KINDS = {"password": "secret", "symmetric": "secret", "asymmetricx509cert": "certificate"}


class Key(NamedTuple):
    """One credential of a list, in a form that both kinds of list share."""

    kind: str | None
    key_id: str | None = None
    usage: str | None = None
    display_name: str | None = None
    federated_id: str | None = None
    federated_name: str | None = None
    issuer: str | None = None
    subject: str | None = None
    # For whom the tokens of the issuer must be made out, in one order; tells federated credentials apart, nothing else.
    audiences: tuple[str, ...] | None = None

    def trusts_as(self, other: Key) -> bool:
        """Whether two statements of a credential trust the same; audiences that one leaves out may be equal."""
        if (self.issuer, self.subject) != (other.issuer, other.subject):
            return False
        return self.audiences == other.audiences or None in (self.audiences, other.audiences)


class Listing(Struct, frozen=True):
    """A list of credentials as stated on one side of a change."""

    # Credential by what identifies it.
    keys: dict[tuple[object, ...], Key] = {}  # noqa: RUF012 - each has its own
    # False if the side is absent, cut off or holds an element that cannot be read: then a key that is not
    # in `keys` may exist all the same.
    stated: bool = False


def key_listing(value: object) -> Listing:
    """The keys in one side of `KeyDescription`."""
    found, complete = _elements(value)
    keys: dict[tuple[object, ...], Key] = {}
    for element in found:
        key = _key(element)
        # A key that is not closed is named all the same, but what was cut off with it is not known.
        complete = complete and key is not None and element.rstrip().endswith("]")
        if key is None:
            continue
        # One key id may be listed for signing and for verifying.
        identity = (key.key_id, key.kind, key.usage)
        keys[identity] = min(keys.get(identity, key), key, key=_order)
    return Listing(keys, complete)


def federated_listing(value: object) -> Listing:
    """The federated credentials in one side of `FederatedIdentityCredentials`."""
    found, complete = _elements(value)
    keys: dict[tuple[object, ...], Key] = {}
    for element in found:
        key = _federated(element)
        if key is None:
            complete = False
            continue
        identity = _trust(key)
        keys[identity] = min(keys.get(identity, key), key, key=_order)
    return Listing(keys, complete)


def _trust(key: Key) -> tuple[object, ...]:
    """What identifies a federated credential on its object: its id, else its name, else all that it trusts."""
    if key.federated_id or key.federated_name:
        return (key.federated_id, None if key.federated_id else key.federated_name)
    return (None, None, key.issuer, key.subject, key.audiences)


def _elements(value: object) -> tuple[list[Any], bool]:
    """The elements of a list given decoded or as text, and whether they are all of it.

    Of a text that is cut off, those before the cut: each is stated as a whole. A text inside a text is read as
    the inner one, and a key outside any list is the only one.
    """
    inner = decoded(value) if isinstance(value, str) else value
    found = as_list(inner)
    if found is not None:
        return found, True
    text = (inner if isinstance(inner, str) else value if isinstance(value, str) else "").strip()
    if text.startswith(_KEY_STARTS) and text.endswith("]") and text.count(_KEY_STARTS) == 1:
        return [text], True
    found = []
    place = 1 if text.startswith("[") else len(text)
    while place < len(text):
        if text[place] in ", \t\r\n":
            place += 1
            continue
        try:
            element, place = _ELEMENTS.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        found.append(element)
    return found, False


def _key(element: object) -> Key | None:
    match = _KEY.fullmatch(element.strip()) if isinstance(element, str) else None
    if match is None:
        return None
    key_id = ids.object_id(match.group(1))
    if key_id is None:
        return None
    kind = _KINDS.get(match.group(2).strip().lower())
    return Key(kind, key_id, match.group(3).strip() or None, match.group(4).removesuffix("]") or None)


def _federated(element: object) -> Key | None:
    if not isinstance(element, dict):
        return None
    stated = {name.casefold(): part for name, part in element.items()}
    federated_id = ids.object_id(stated.get("id"))
    issuer, subject = as_text(stated.get("issuer")), as_text(stated.get("subject"))
    if federated_id is None and issuer is None and subject is None:
        return None
    return Key(
        "federated",
        federated_id=federated_id,
        federated_name=as_text(stated.get("name")),
        issuer=issuer,
        subject=subject,
        audiences=_audiences(stated.get("audiences")),
    )


def _audiences(stated: object) -> tuple[str, ...] | None:
    if not isinstance(stated, list):
        return None
    return tuple(sorted({part for part in map(as_text, stated) if part is not None}))


def _order(key: Key) -> tuple[str, ...]:
    return tuple("" if part is None else str(part) for part in key)


def compare(old: Listing, new: Listing) -> list[tuple[str, Key]]:
    """What happened to each credential, sorted: added, removed, kept, renamed.

    Added and removed need both sides in full: where the other side is not stated, a key counts as kept,
    which means that every stated list holds it. Renamed keys keep their id under another display name. A
    federated credential that keeps its id but now trusts another issuer, subject or audience counts as both: what it
    trusted is removed, what it trusts is added.
    """
    changes: list[tuple[str, Key]] = []
    for identity, key in new.keys.items():
        former = old.keys.get(identity)
        if former is None:
            changes.append(("added" if old.stated else "kept", key))
        elif not former.trusts_as(key):
            changes += [("removed", former), ("added", key)]
        else:
            changes.append(("kept" if former.display_name == key.display_name else "renamed", key))
    for identity, key in old.keys.items():
        if identity not in new.keys:
            changes.append(("removed" if new.stated else "kept", key))
    return sorted(changes, key=lambda change: (change[0], _order(change[1])))


# -- consent ---------------------------------------------------------------------------------------------------

# No field runs over an opening bracket: a text of many openings and no end would take quadratic time.
_CONSENT = re.compile(
    r"\[Id: ?(?P<id>[^,[\]]*), ClientId: ?(?P<client>[^,[\]]*), PrincipalId: ?(?P<principal>[^,[\]]*), "
    r"ResourceId: ?(?P<resource>[^,[\]]*), ConsentType: ?(?P<type>[^,[\]]*), Scope: ?(?P<scopes>[^,[\]]*)"
)


class Consent(NamedTuple):
    """One permission of `ConsentAction.Permissions`, with its scopes as words."""

    client_id: str | None
    principal_id: str | None
    resource_id: str | None
    consent_type: str | None
    scope: str


def consents(value: object) -> tuple[set[Consent], set[Consent]]:
    """Delegated permissions before and after, one per scope, from `[] => [[Id: …, ClientId: …, … Scope: …]]`."""
    text = single_text(value)
    if text is None:
        return set(), set()
    before, arrow, after = text.partition("=>")
    return (_consent_list(before), _consent_list(after)) if arrow else (set(), _consent_list(text))


def _consent_list(text: str) -> set[Consent]:
    return {
        Consent(
            ids.object_id(match["client"]),
            ids.object_id(match["principal"]),
            ids.object_id(match["resource"]),
            match["type"].strip() or None,
            scope,
        )
        for match in _CONSENT.finditer(text)
        for scope in match["scopes"].split()
    }
