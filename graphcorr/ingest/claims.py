"""Claims of access tokens as activity records carry them → one spelling, for the loaders of such sources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from graphcorr import ids, times
from graphcorr.ingest.fields import as_code, as_object, is_text_list, stated

_IDENTITY = "http://schemas.microsoft.com/identity/claims/"
_XMLSOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

# Long spelling of a claim → the short one. Which of the two a record carries depends on its age and operation.
# `…/name` is the sign-in name of a user; the short `name` is a display name and another claim.
LONG_NAMES: Mapping[str, str] = {
    _IDENTITY + "objectidentifier": "oid",
    _IDENTITY + "tenantid": "tid",
    _IDENTITY + "scope": "scp",
    _XMLSOAP + "upn": "upn",
    _XMLSOAP + "name": "unique_name",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role": "roles",
}
# AzureDiagnostics writes every character of a name that is no letter or digit as `_`; runs count once.
_FLAT_NAMES = {re.sub(r"[^A-Za-z0-9]+", "_", long): short for long, short in LONG_NAMES.items()}
_FLAT_PREFIX = "identity_claim_"
# The suffix is chosen per value, so one claim can stand in several columns; the most exact type wins.
_FLAT_SUFFIXES = ("_g", "_s", "_d", "_b", "_t")

_OID = _IDENTITY + "objectidentifier"
_TID = _IDENTITY + "tenantid"
_SCP = _IDENTITY + "scope"
_UPN = _XMLSOAP + "upn"
_NAME = _XMLSOAP + "name"
_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SEPARATORS = re.compile(r"[\s,;]+")
_LONGEST_TOKEN_ID = 64
_LONGEST_LIST = 512
_LONGEST_CLAIMS = 4096
_AUTH_METHODS = frozenset(("0", "1", "2"))


class TokenClaims(Struct, frozen=True, kw_only=True):
    """What the claims of one token say. None = not stated."""

    # app or user, by `idtyp`, else by claims that only one of the two has.
    principal_type: str | None = None
    # Object id of that principal in the tenant of the token.
    object_id: str | None = None
    # Client application that got the token, for users too.
    app_id: str | None = None
    tenant_id: str | None = None
    user_principal_name: str | None = None
    token_id: str | None = None
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    managed_identity_resource_id: str | None = None
    token_resource_id: str | None = None
    roles: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    wids: tuple[str, ...] | None = None
    # 0 public, 1 secret, 2 certificate.
    client_auth_method: str | None = None

    @property
    def service_principal_id(self) -> str | None:
        """The object id, if an application acted."""
        return self.object_id if self.principal_type == "app" else None

    @property
    def user_id(self) -> str | None:
        """The object id, if a user acted."""
        return self.object_id if self.principal_type == "user" else None


NO_CLAIMS = TokenClaims()


def token_of(claims: object, caller: object = None) -> TokenClaims:
    """As `read_claims`, of claims that are an object or its JSON text. One token comes in many records."""
    if isinstance(claims, str) and len(claims) <= _LONGEST_CLAIMS and (caller is None or isinstance(caller, str)):
        return _token_of(claims, caller)
    return read_claims(as_object(claims), caller)


@lru_cache(maxsize=1024)
def _token_of(claims: str, caller: str | None) -> TokenClaims:
    return read_claims(as_object(claims), caller)


def read_claims(claims: Mapping[str, Any] | None, caller: object = None) -> TokenClaims:
    """The claims of one token, names short or long; unreadable values are absent. Never raises.

    `caller` is what the record calls the caller: a sign-in name tells a user's token where the claims do not.
    """
    if not claims:
        return NO_CLAIMS
    # `or` skips the empty texts of unused claims; a short name, where stated, is the newer spelling.
    get = claims.get
    upn = sign_in_name(get("upn") or get(_UPN) or get("unique_name") or get(_NAME) or get("preferred_username"))
    scopes = words(get("scp") or get(_SCP))
    tenant_id = ids.guid(get("tid") or get(_TID))
    app_id = ids.object_id(get("appid") or get("azp"))
    mirid = ids.arm_id(get("xms_mirid"))
    method = as_code(get("appidacr") or get("azpacr"))
    is_user = bool(upn or scopes or sign_in_name(caller))
    return TokenClaims(
        principal_type=_principal_type(claims, is_user=is_user, is_app=bool(mirid or app_id)),
        object_id=ids.object_id(get("oid") or get(_OID)),
        app_id=app_id,
        tenant_id=tenant_id if tenant_id is not None else issuer_tenant(get("iss")),
        user_principal_name=upn,
        token_id=_token_guid(get("uti")),
        issued_at=_claim_time(get("iat")),
        expires_at=_claim_time(get("exp")),
        managed_identity_resource_id=mirid,
        token_resource_id=ids.arm_id(get("xms_az_rid")),
        roles=words(get("roles") or get(_ROLE)),
        scopes=scopes,
        wids=words(get("wids")),
        client_auth_method=method if method in _AUTH_METHODS else None,
    )


def unflatten(row: Mapping[str, Any]) -> dict[str, Any]:
    """The claims in the `identity_claim_<name>_<suffix>` columns of an AzureDiagnostics row, under short names."""
    found: dict[str, Any] = {}
    places: dict[str, tuple[int, int]] = {}
    for column, value in row.items():
        if not column.startswith(_FLAT_PREFIX) or not stated(value) or value == ids.ZERO_GUID:
            continue
        flat, suffix = column[len(_FLAT_PREFIX) : -2], column[-2:]
        if suffix not in _FLAT_SUFFIXES:
            continue
        name = _FLAT_NAMES.get(flat, flat)
        # Where a claim stands twice, the short name and the exact type win, whatever the order of the columns.
        place = (int(name != flat), _FLAT_SUFFIXES.index(suffix))
        if name not in found or place < places[name]:
            found[name], places[name] = value, place
    return found


def sign_in_name(value: object) -> str | None:
    """A user principal name as written; None if the text is none.

    Personal and foreign accounts carry their provider in front (`live.com#user@example.org`); it is cut off. Names
    of guests (`user_example.org#EXT#@…`) stay whole.
    """
    if not isinstance(value, str) or "@" not in value:
        return None
    provider, mark, rest = value.strip().partition("#")
    return rest if mark and "@" not in provider and "@" in rest and not rest.startswith("EXT#") else value.strip()


def issuer_tenant(issuer: object) -> str | None:
    """The tenant id inside `https://sts.windows.net/<id>/` or `https://login.microsoftonline.com/<id>/v2.0`."""
    match = _GUID.search(issuer) if isinstance(issuer, str) else None
    return ids.guid(match.group()) if match else None


def words(value: object) -> tuple[str, ...] | None:
    """The members of a claim that is a list or text separated by blanks or commas; None if it states none."""
    if isinstance(value, str):
        return _words(value) if len(value) <= _LONGEST_LIST else _words.__wrapped__(value)
    return tuple(value) or None if is_text_list(value) else None


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...] | None:
    return (tuple([part for part in _SEPARATORS.split(text) if part]) or None) if stated(text) else None


def _principal_type(claims: Mapping[str, Any], *, is_user: bool, is_app: bool) -> str | None:
    kind = claims.get("idtyp")
    if isinstance(kind, str) and kind.lower() in ("app", "user"):
        return kind.lower()
    # Old tokens have no `idtyp`. Only tokens of users have a sign-in name, delegated scopes or a `puid`.
    if is_user or "puid" in claims:
        return "user"
    return "app" if is_app else None


def _token_guid(value: object) -> str | None:
    return _decoded_token(value) if isinstance(value, str) and len(value) <= _LONGEST_TOKEN_ID else None


# One token is used for many operations, each of which is logged more than once.
_decoded_token = lru_cache(maxsize=4096)(ids.token_guid)


def _claim_time(value: object) -> datetime | None:
    if value is None:
        return None
    return _time(value) if isinstance(value, str) and len(value) <= _LONGEST_TOKEN_ID else _time.__wrapped__(value)


@lru_cache(maxsize=4096)
def _time(seconds: object) -> datetime | None:
    when = times.from_epoch(seconds)
    return when if when is not None and times.EARLIEST <= when < times.LATEST else None
