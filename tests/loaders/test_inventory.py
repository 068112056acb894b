"""Inventories of Microsoft Graph: which lists are complete, which key an observation has, whose credential it is."""

from __future__ import annotations

import pytest
from carriers import loader, objects, parse

from graphcorr import ids
from graphcorr.errors import RecordError
from graphcorr.ingest.loader import Carrier, Context

APPLICATIONS = loader("entra_applications")
PRINCIPALS = loader("entra_service_principals")
FEDERATED = loader("entra_federated_credentials")
ID = "c3b1406f-00d9-42c0-88da-7169b5b37a89"
METADATA = "https://graph.microsoft.com/v1.0/$metadata#"


def read(source, obj, **context):
    return parse(source, Carrier.GRAPH, obj, Context(**context))


# -- observation -------------------------------------------------------------------------------------------------------


def test_one_observation_of_an_object_is_one_event_whatever_its_shape():
    one = read(APPLICATIONS, {"id": ID, "displayName": "a"}, observed_at="2026-05-12")
    other = read(APPLICATIONS, {"id": ID.upper(), "appId": ID}, observed_at="2026-05-12T00:00:00Z")
    assert one.event_key == other.event_key
    assert one.event_key != read(APPLICATIONS, {"id": ID}, observed_at="2026-05-13").event_key
    assert one.event_key != read(PRINCIPALS, {"id": ID}, observed_at="2026-05-12").event_key


def test_undated_observations_are_told_apart_by_content():
    one = read(APPLICATIONS, {"id": ID, "displayName": "a"})
    assert one.at is None
    assert one.event_key == read(APPLICATIONS, {"displayName": "a", "id": ID, "tags": []}).event_key
    assert one.event_key != read(APPLICATIONS, {"id": ID, "displayName": "b"}).event_key


@pytest.mark.parametrize("source", [APPLICATIONS, PRINCIPALS])
@pytest.mark.parametrize("written", [None, "", 7, [], "00000000-0000-0000-0000-000000000000"])
def test_an_object_without_its_id_is_refused(source, written):
    with pytest.raises(RecordError, match="without its object id"):
        read(source, {"id": written, "displayName": "a"}, observed_at="2026-05-12")


def test_an_unreadable_observation_time_is_refused():
    with pytest.raises(RecordError):
        read(APPLICATIONS, {"id": ID}, observed_at="tomorrow")


# -- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lists", "full"),
    [
        ({"passwordCredentials": [], "keyCredentials": []}, ("keys",)),
        ({"passwordCredentials": [], "keyCredentials": None}, ()),
        ({"passwordCredentials": []}, ()),
        ({"passwordCredentials": [7], "keyCredentials": []}, ()),
        ({"passwordCredentials": {"value": [], "Count": 0}, "keyCredentials": []}, ("keys",)),
        ({"passwordCredentials": {"keyId": ID}, "keyCredentials": []}, ("keys",)),
        ({"passwordCredentials": {}, "keyCredentials": []}, ()),
        ({"federatedIdentityCredentials": []}, ("federated",)),
        ({"federatedIdentityCredentials": None}, ()),
        (
            {"passwordCredentials": [], "keyCredentials": [], "federatedIdentityCredentials": []},
            ("keys", "federated"),
        ),
    ],
)
def test_a_list_is_complete_only_where_it_is_stated_and_readable(lists, full):
    assert read(APPLICATIONS, {"id": ID} | lists).full_lists == full
    assert read(PRINCIPALS, {"id": ID} | lists).full_lists == full


def test_texts_of_secrets_are_never_read():
    secret = {"keyId": ID, "secretText": "TOPSECRET", "hint": "TOP", "customKeyIdentifier": "VE9QU0VDUkVU"}
    obj = {"id": ID, "passwordCredentials": [secret], "keyCredentials": [{"keyId": ID, "key": "TOPSECRET"}]}
    for source in (APPLICATIONS, PRINCIPALS):
        shown = repr(read(source, obj))
        assert "TOP" not in shown and "VE9Q" not in shown


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("d5c7aaea41412f925f31a39d4f683a9034e2f302", "D5C7AAEA41412F925F31A39D4F683A9034E2F302"),
        ("1ceq6kFBL5JfMaOdT2g6kDTi8wI=", "D5C7AAEA41412F925F31A39D4F683A9034E2F302"),
        ("D5:C7:AA:EA:41:41:2F:92:5F:31:A3:9D:4F:68:3A:90:34:E2:F3:02", "D5C7AAEA41412F925F31A39D4F683A9034E2F302"),
        (" d5 c7 aa ea 41 41 2f 92 5f 31 a3 9d 4f 68 3a 90 34 e2 f3 02", "D5C7AAEA41412F925F31A39D4F683A9034E2F302"),
        # Base64 of the hexadecimal text, and of either alphabet.
        ("RDVDN0FBRUE0MTQxMkY5MjVGMzFBMzlENEY2ODNBOTAzNEUyRjMwMg==", "D5C7AAEA41412F925F31A39D4F683A9034E2F302"),
        ("-_eq6kFBL5JfMaOdT2g6kDTi8wI=", "FBF7AAEA41412F925F31A39D4F683A9034E2F302"),
        ("production-certificate-2024", None),
        ("c2hvcnQ=", None),
        ("a text of its own", None),
        ("", None),
        (None, None),
        (["x"], None),
    ],
)
def test_a_thumbprint_is_hexadecimal_or_base64(written, found):
    assert ids.thumbprint(written) == found


_THUMBPRINT = "D5C7AAEA41412F925F31A39D4F683A9034E2F302"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (list(bytes.fromhex(_THUMBPRINT)), _THUMBPRINT),
        (list(_THUMBPRINT.encode()), _THUMBPRINT),
        ([1, 2, 3], None),
        ([1, 300], None),
        ([-1], None),
        ([0.5], None),
        ([], None),
    ],
)
def test_powershell_writes_a_thumbprint_in_numbers(written, found):
    key = {"keyId": ID, "customKeyIdentifier": written}
    (listed,) = read(APPLICATIONS, {"id": ID, "keyCredentials": [key]}).keys
    assert listed.thumbprint == found


@pytest.mark.parametrize("odd", [None, "", 7, True, [], [[]], ["x"], {}, "{", "\ud800", {"a": []}])
def test_values_of_unexpected_types_are_absent_not_fatal(odd):
    names = [
        "id", "appId", "displayName", "createdDateTime", "deletedDateTime", "isDisabled", "accountEnabled", "name",
        "alternativeNames", "owners", "servicePrincipalType", "appOwnerOrganizationId", "issuer", "subject",
        "@odata.id", "@odata.context", "passwordCredentials", "keyCredentials", "federatedIdentityCredentials",
    ]  # fmt: skip
    parts = dict.fromkeys(["keyId", "customKeyIdentifier", "startDateTime", "endDateTime", "type", "usage", "id"], odd)
    for source in (APPLICATIONS, PRINCIPALS, FEDERATED):
        source.parse[Carrier.GRAPH](dict.fromkeys(names, odd) | {"id": ID}, Context())
        for name in ("passwordCredentials", "keyCredentials", "federatedIdentityCredentials", "owners"):
            source.parse[Carrier.GRAPH]({name: [parts], "id": ID}, Context())
    FEDERATED.parse[Carrier.GRAPH](dict.fromkeys(names, odd), Context())


# -- recognition -----------------------------------------------------------------------------------------------------

APPLICATION = {"id": ID, "signInAudience": "AzureADMyOrg", "identifierUris": []}
PRINCIPAL = {"id": ID, "servicePrincipalType": "Application", "signInAudience": "AzureADMyOrg"}
CREDENTIAL = {"id": ID, "issuer": "i", "subject": "s", "audiences": []}


@pytest.mark.parametrize(
    ("obj", "path", "owner"),
    [
        (APPLICATION, None, APPLICATIONS),
        (PRINCIPAL, None, PRINCIPALS),
        (CREDENTIAL, None, FEDERATED),
        ({"id": ID}, "applications", APPLICATIONS),
        ({"id": ID}, "applications/$entity", APPLICATIONS),
        ({"id": ID}, "applications(id,appId,owners())", APPLICATIONS),
        ({"id": ID}, "applications(federatedIdentityCredentials())", APPLICATIONS),
        ({"id": ID}, "servicePrincipals", PRINCIPALS),
        ({"id": ID}, "servicePrincipals/$entity", PRINCIPALS),
        (APPLICATION, f"applications('{ID}')/federatedIdentityCredentials", FEDERATED),
        ({"id": ID}, f"applications('{ID}')/owners", None),
        ({"id": ID}, "users", None),
        (PRINCIPAL | {"riskState": "atRisk"}, None, None),
        # Pages of objects of all kinds: each states its own.
        ({"@odata.type": "#microsoft.graph.application", "id": ID}, "directoryObjects", APPLICATIONS),
        ({"@odata.type": "#microsoft.graph.servicePrincipal", "id": ID}, "directoryObjects", PRINCIPALS),
        ({"@odata.type": "#microsoft.graph.servicePrincipal", "id": ID}, f"applications('{ID}')/owners", PRINCIPALS),
        ({"@odata.type": "#microsoft.graph.servicePrincipal", "id": ID}, None, PRINCIPALS),
        ({"@odata.type": "#microsoft.graph.agentIdentity", "id": ID}, "servicePrincipals", PRINCIPALS),
        ({"@odata.type": "#microsoft.graph.user", "id": ID}, "directoryObjects", None),
        (PRINCIPAL | {"@odata.type": "#microsoft.graph.user"}, None, None),
        ({"id": ID, "signInAudience": "x"}, None, None),
        ({"id": ID, "appId": ID, "servicePrincipalId": ID, "isInteractive": False}, None, None),
    ],
)
def test_exactly_one_inventory_claims_an_object(obj, path, owner):
    context = Context(odata_context=METADATA + path if path else None)
    claiming = [
        source
        for source in (APPLICATIONS, PRINCIPALS, FEDERATED)
        if source.claims[Carrier.GRAPH](frozenset(obj), obj, context)
    ]
    assert claiming == ([owner] if owner else [])


# -- observed records ------------------------------------------------------------------------------------------------


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("file", "source", "found"),
    [
        (
            "application-v1-get.json",
            APPLICATIONS,
            ("03ef14b0-ca33-4840-8f4f-d6e91916010e", "631a96bc-a705-4eda-9f99-fdaf9f54f6a2", "Display name", ("keys",)),
        ),
        (
            "servicePrincipal-v1-get.json",
            PRINCIPALS,
            ("00af5dfb-85da-4b41-a677-0c6b86dd34f8", "appid-value", "My app instance in tenant", ("keys",)),
        ),
        (
            "servicePrincipal-beta-get.json",
            PRINCIPALS,
            ("59e617e5-e447-4adc-8b88-00af644d7c92", "65415bb1-9267-4313-bbf5-ae259732ee12", "foo", ("keys",)),
        ),
        (
            "federatedIdentityCredentials-beta-list.json",
            FEDERATED,
            ("bcd7c908-1c4d-4d48-93ee-ff38349a75c8", None, "testing", ()),
        ),
        (
            "federatedIdentityCredential-beta-get.json",
            FEDERATED,
            ("bcd7c908-1c4d-4d48-93ee-ff38349a75c8", None, "testing", ()),
        ),
    ],
)
def test_documented_objects_are_read(shared_data, file, source, found):
    (obj,) = objects(shared_data / "graph-api" / file)
    assert source.claims[Carrier.GRAPH](frozenset(obj), obj, Context())
    record = read(source, obj, observed_at="2026-05-12")
    assert (record.object_id, record.app_id, record.name, record.full_lists) == found
