"""Claims of tokens: both spellings, both kinds of principal, lists written as text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcorr.ingest.claims import NO_CLAIMS, TokenClaims, read_claims, sign_in_name, unflatten, words

TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
OID = "13b00951-7190-4249-a603-988a803ecbf7"
APP = "9536314a-6327-486b-b65c-ae8d9b85ff85"
SHORT = {"oid": OID, "tid": TENANT, "scp": "a b", "unique_name": "u@x.example"}
LONG = {
    "http://schemas.microsoft.com/identity/claims/objectidentifier": OID,
    "http://schemas.microsoft.com/identity/claims/tenantid": TENANT,
    "http://schemas.microsoft.com/identity/claims/scope": "a b",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": "u@x.example",
}


def test_long_and_short_names_say_the_same():
    assert read_claims(SHORT) == read_claims(LONG)
    assert read_claims(SHORT) == TokenClaims(
        principal_type="user", object_id=OID, tenant_id=TENANT, user_principal_name="u@x.example", scopes=("a", "b")
    )


def test_a_flattened_row_says_the_same_as_the_claims_it_was_made_of():
    row = {"identity_claim_" + "".join(c if c.isalnum() else "_" for c in name) + "_s": v for name, v in SHORT.items()}
    assert unflatten(row) == SHORT
    row = {
        "identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g": OID,
        "identity_claim_http_schemas_microsoft_com_identity_claims_tenantid_g": TENANT,
        "identity_claim_http_schemas_microsoft_com_identity_claims_scope_s": "a b",
        "identity_claim_http_schemas_xmlsoap_org_ws_2005_05_identity_claims_name_s": "u@x.example",
        "CallerIPAddress": "203.0.113.1",
        "identity_claim_": "x",
        "identity_claim_upn_s": "",
    }
    assert unflatten(row) == SHORT


def test_an_application_token_is_read_in_full():
    claims = {
        "appid": APP.upper(),
        "oid": OID,
        "idtyp": "app",
        "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "iat": "1778486840",
        "exp": 1778490740,
        "uti": "SC7AxJRBvUaLxnhub97qAQ",
        "appidacr": "1",
        "roles": ["Directory.Read.All"],
        "wids": "62e90394-69f5-4237-9190-012177145e10,9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        "xms_mirid": "/subscriptions/S/resourcegroups/RG/providers/P/t/N",
        "xms_az_rid": "/subscriptions/S/resourcegroups/RG/providers/P/t/M",
    }
    assert read_claims(claims) == TokenClaims(
        principal_type="app",
        object_id=OID,
        app_id=APP,
        tenant_id=TENANT,
        token_id="c4c02e48-4194-46bd-8bc6-786e6fdeea01",
        issued_at=datetime(2026, 5, 11, 8, 7, 20, tzinfo=UTC),
        expires_at=datetime(2026, 5, 11, 9, 12, 20, tzinfo=UTC),
        managed_identity_resource_id="/subscriptions/s/resourcegroups/rg/providers/p/t/n",
        token_resource_id="/subscriptions/s/resourcegroups/rg/providers/p/t/m",
        roles=("Directory.Read.All",),
        wids=("62e90394-69f5-4237-9190-012177145e10", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"),
        client_auth_method="1",
    )


@pytest.mark.parametrize(
    ("claims", "caller", "kind"),
    [
        ({"appid": APP}, None, "app"),
        ({"appid": APP}, OID, "app"),
        ({"appid": APP}, "u@x.example", "user"),
        ({"appid": APP, "idtyp": "app"}, "u@x.example", "app"),
        ({"appid": APP, "idtyp": "APP"}, None, "app"),
        ({"appid": APP, "scp": "x"}, None, "user"),
        ({"appid": APP, "puid": "1"}, None, "user"),
        ({"appid": APP, "name": "a display name"}, None, "app"),
        ({"oid": OID}, None, None),
    ],
)
def test_who_holds_the_token(claims, caller, kind):
    assert read_claims(claims, caller).principal_type == kind


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("u@x.example", "u@x.example"),
        ("live.com#u@x.example", "u@x.example"),
        ("u_x.example#EXT#@y.example", "u_x.example#EXT#@y.example"),
        ("A Display Name", None),
        (OID, None),
        (None, None),
    ],
)
def test_a_sign_in_name_keeps_guests_and_drops_providers(written, name):
    assert sign_in_name(written) == name


@pytest.mark.parametrize(
    ("written", "found"),
    [("a b", ("a", "b")), ("a,b", ("a", "b")), (["a b"], ("a b",)), ("", None), ([], None), ([1], None), (None, None)],
)
def test_lists_in_claims_may_be_text(written, found):
    assert words(written) == found


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)


@given(
    st.dictionaries(
        st.sampled_from(["oid", "appid", "idtyp", "iat", "exp", "uti", "iss", "scp", "upn", "wids", "appidacr", *LONG]),
        _JSON,
    )
)
def test_any_claims_are_read_without_an_error(claims):
    assert isinstance(read_claims(claims), TokenClaims)


def test_no_claims_state_nothing():
    assert read_claims(None) is NO_CLAIMS
    assert read_claims({}) == TokenClaims()
