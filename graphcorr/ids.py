"""Ids: one spelling for GUIDs, token ids, addresses and ARM ids, and the keys of the graph.

`None` always means "the source does not say": empty text, all-zero GUIDs and unreadable values are absent.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import unicodedata
import uuid
from collections.abc import Callable
from functools import lru_cache, wraps
from hashlib import blake2b

ZERO_GUID = "00000000-0000-0000-0000-000000000000"

# What sources and tools write where they have no id, in letters and digits alone (log-facts 1.3).
_NO_ID = ("null", "none", "nil", "na", "nan", "notavailable", "notapplicable", "undefined", "unknown")
_OTHER = r"[\W_]*+"
_STATES_NONE = re.compile(f"{_OTHER}(?:{'|'.join(map(_OTHER.join, _NO_ID))})?{_OTHER}\\Z", re.IGNORECASE)

# No GUID or address is longer, not even with blanks, port and zone; what is remembered stays small.
_LONGEST = 96
# Longer paths are read as well, but not remembered.
_LONGEST_PATH = 512

_GUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_HEX32 = re.compile(r"^[0-9a-f]{32}$")
_THUMBPRINT = re.compile(r"^[0-9A-Fa-f]{40}\Z")
_THUMBPRINT_BYTES = 20
_SEPARATORS = re.compile(r"[\s:\u200e]+")  # copied from a certificate's window, the invisible mark comes with it
_SUBSCRIPTION = re.compile(r"^/subscriptions/([^/]+)", re.IGNORECASE)
_TENANT = re.compile(r"/tenants?/([0-9a-f-]{36})(?:/|$)", re.IGNORECASE)

# Tenants in which Microsoft's own applications live (log-facts 2.1).
MICROSOFT_TENANTS = frozenset(
    {
        "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
        "72f988bf-86f1-41af-91ab-2d7cd011db47",
        "cdc5aeea-15c5-4db6-b079-fcadd2505dc2",
    }
)


def text(value: object) -> str | None:
    """A stated text, stripped of nothing; None for null, empty and the exports' `<null>` (log-facts 1.3)."""
    if value is None or value == "" or value == "<null>":
        return None
    return value if isinstance(value, str) else str(value)


def states_none(written: str) -> bool:
    """Whether a text is what sources and tools write where they have no id and no time: `null`, `N/A`, `-`, zeros."""
    return written == ZERO_GUID or _STATES_NONE.match(written) is not None


def guid(value: object) -> str | None:
    """A GUID in lower case with dashes, from any spelling (upper case, braces, no dashes); else None.

    All-zero GUIDs mean "none" everywhere in these logs and are None.
    """
    return _guid(value) if isinstance(value, str) and len(value) <= _LONGEST else None


@lru_cache(maxsize=16384)  # tenants, applications and principals come again in every record
def _guid(written: str) -> str | None:
    lowered = written.lower()
    if _GUID.match(lowered) is None:
        lowered = lowered.strip().strip("{}")
        if _HEX32.match(lowered):
            lowered = str(uuid.UUID(hex=lowered))
        elif _GUID.match(lowered) is None:
            return None
    return None if lowered == ZERO_GUID else lowered


def object_id(value: object) -> str | None:
    """An id that should be a GUID but is kept as written (lower case, stripped) if a source holds another text.

    Sample records carry ids such as `appId-value`; two of them are still two different ids. Words for nothing
    (`null`, `<null>`, `-`, `Not Available`) are none: everything that states no id would be one and the same.
    """
    if not isinstance(value, str):
        return None
    found = _guid(value) if len(value) <= _LONGEST else None
    if found is not None:
        return found
    kept = value.strip().lower()
    return None if states_none(kept.strip("{}")) else kept


def token_guid(value: object) -> str | None:
    """The request id inside a token id, as a GUID; None for garbage.

    22 base64url characters are the 16 bytes of the sign-in's id in .NET order, 48 characters are base64
    of its text, 36 are the GUID itself (log-facts 3.1). The 22-character form is case-sensitive.
    """
    if not isinstance(value, str):
        return None
    stripped = value.strip().rstrip("=")
    try:
        if len(stripped) == 22:
            # By hand: every sign-in has one, and base64 + uuid take three times as long.
            plain = stripped.replace("-", "+").replace("_", "/")
            h = binascii.a2b_base64(plain + "==", strict_mode=True).hex()
            found = f"{h[6:8]}{h[4:6]}{h[2:4]}{h[:2]}-{h[10:12]}{h[8:10]}-{h[14:16]}{h[12:14]}-{h[16:20]}-{h[20:]}"
            return None if found == ZERO_GUID else found
        if len(stripped) == 48:
            return guid(base64.b64decode(stripped, validate=True).decode("ascii"))
    except (binascii.Error, ValueError):
        return None
    return guid(stripped)


def thumbprint(value: object) -> str | None:
    """A SHA-1 thumbprint as upper-case hexadecimal; None for everything else.

    Logs and the portal write it in hexadecimal, with or without colons or blanks; inventories in base64 of either
    alphabet, of its 20 bytes or of the hexadecimal text. The `=` at the end must be there: names look like base64.
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    plain = _SEPARATORS.sub("", value)
    if _THUMBPRINT.match(plain):
        return plain.upper()
    try:
        raw = base64.b64decode(plain.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
    text = raw.decode("ascii", "replace")
    return raw.hex().upper() if len(raw) == _THUMBPRINT_BYTES else text.upper() if _THUMBPRINT.match(text) else None


def ip_address(value: object) -> str | None:
    """The canonical address without port, brackets or zone; None if absent or no address.

    IPv4 inside IPv6 (`::ffff:1.2.3.4`) becomes IPv4. `::2a02:…`, a malformed IPv6 seen in exports, is kept out.
    """
    return _address(value) if isinstance(value, str) and len(value) <= _LONGEST else None


@lru_cache(maxsize=4096)  # the same few addresses come again in every record
def _address(text: str) -> str | None:
    candidate = text.strip()
    if not candidate:
        return None
    if candidate.startswith("["):
        candidate = candidate[1:].partition("]")[0]
    elif candidate.count(":") == 1:
        candidate = candidate.partition(":")[0]
    try:
        address = ipaddress.ip_address(candidate.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _of_path(read: Callable[[str], str | None]) -> Callable[[object], str | None]:
    """Reads something from a path; what it found is remembered, as the same few come again, but of very long ones."""
    remembered = lru_cache(maxsize=4096)(read)

    @wraps(read)
    def found(value: object) -> str | None:
        if not isinstance(value, str):
            return None
        return remembered(value) if len(value) <= _LONGEST_PATH else read(value)

    return found


@_of_path
def arm_id(written: str) -> str | None:
    """An ARM resource id in lower case without a trailing slash; None if the value is not one."""
    lowered = written.strip().lower().rstrip("/")
    return lowered if lowered.startswith("/") and len(lowered) > 1 else None


def is_user_assigned(resource_id: str | None) -> bool:
    """Whether an ARM id in lower case is that of a user-assigned managed identity."""
    return resource_id is not None and "/microsoft.managedidentity/userassignedidentities/" in resource_id


@_of_path
def subscription_of(written: str) -> str | None:
    """The subscription id inside an ARM id."""
    match = _SUBSCRIPTION.match(written.strip())
    return guid(match.group(1)) if match else None


@_of_path
def provider_of(written: str) -> str | None:
    """The resource provider of a resource id, in lower case: `microsoft.keyvault`."""
    return written.lower().partition("/providers/")[2].partition("/")[0] or None


def tenant_of(value: object) -> str | None:
    """The tenant id inside `/tenants/<id>/providers/Microsoft.aadiam`."""
    match = _TENANT.search(value) if isinstance(value, str) else None
    return guid(match.group(1)) if match else None


def digest(*parts: object) -> str:
    """A short stable hash over parts; None and text never collide. Used for event keys and fingerprints."""
    joined = "\x1f".join(["\x00" if part is None else str(part) for part in parts])
    return blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# -- keys of the graph (design 6); the projection builds the same keys with the macros below ----------------


def directory_object_key(tenant_id: str, directory_object_id: str) -> str:
    """Key of AppRegistration, ServicePrincipal, User and plain DirectoryObject nodes."""
    return f"{tenant_id}/{directory_object_id}"


def identity_key(tenant_id: str, identity_id: str) -> str:
    """Key of an Identity node; `identity_id` is `app:<appId>`, `sp:<objectId>` or `reg:<objectId>`."""
    return f"{tenant_id}/{identity_id}"


# -- look-alike names -------------------------------------------------------------------------------------------

# Letters that look like Latin ones in a portal's font, after NFKC and case folding. Small on purpose: it shows
# candidates, it never joins anything.
_CONFUSABLE = str.maketrans(
    {
        **dict(zip("аеорсухіјѕһԁɡոυνωτα", "aeopcyxijshdgnuvwta", strict=True)),
        **dict(zip("ορκιεгмтвнк", "opkiermtbhk", strict=True)),
        "0": "o", "1": "l", "|": "l", "ı": "i", "ł": "l", "ø": "o",
    }
)  # fmt: skip


def skeleton(name: str) -> str:
    """The look-alike form of a display name: case, blanks, invisible characters and homoglyphs folded away."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name)).casefold()
    visible = "".join(c for c in folded if unicodedata.category(c) not in ("Cf", "Cc", "Mn", "Zs", "Pd", "Pc"))
    return visible.translate(_CONFUSABLE).replace("rn", "m").replace("vv", "w").replace("i", "l")
