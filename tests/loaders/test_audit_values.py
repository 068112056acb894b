"""Values inside audit records: operation names, key lists with hostile names, JSON inside JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcorr.ids import ZERO_GUID
from graphcorr.ingest import audit_values as values
from graphcorr.ingest.fields import (
    as_bool,
    as_code,
    as_int,
    as_list,
    as_object,
    as_text,
    as_value,
    as_words,
    decoded,
    first,
)

KEY = "aa69a500-84aa-4ac1-9031-c45cc86fa1ae"
CLIENT = "91ca2ca8-0400-4643-af0e-f4aedba0d191"
GUIDS = st.uuids(allow_nil=False).map(str)
# Names as an attacker would choose them: brackets, quotes, commas, line ends, key lists inside the name.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "",
        "]",
        'x]","[KeyIdentifier=00000000-0000-4000-8000-000000000001,KeyType=Password,KeyUsage=Verify,DisplayName=y',
        "a,KeyType=Password,KeyUsage=Sign,DisplayName=b",
        "line\nbreak]\n",
        "\u202egnp.exe\u0000",
    ]
)
KEYS = st.dictionaries(GUIDS, st.tuples(st.sampled_from(["Password", "AsymmetricX509Cert", "Symmetric"]), NAMES))


def key_description(keys):
    return json.dumps(
        [
            f"[KeyIdentifier={key},KeyType={kind},KeyUsage=Verify,DisplayName={name}]"
            for key, (kind, name) in keys.items()
        ]
    )


@given(KEYS)
def test_a_key_list_reads_back_whatever_the_names_hold(keys):
    listing = values.key_listing(key_description(keys))
    assert listing.stated
    kinds = {"Password": "secret", "AsymmetricX509Cert": "certificate", "Symmetric": "secret"}
    assert {key.key_id: (key.kind, key.usage, key.display_name) for key in listing.keys.values()} == {
        key: (kinds[kind], "Verify", name or None) for key, (kind, name) in keys.items()
    }


@given(KEYS, KEYS)
def test_changes_are_the_set_difference_of_key_ids(old, new):
    changes = values.compare(
        values.key_listing(key_description(old)), values.key_listing(key_description({**old, **new}))
    )
    found = {change: {key.key_id for what, key in changes if what == change} for change, _ in changes}
    assert found.get("added", set()) == new.keys() - old.keys()
    assert found.get("removed", set()) == set()
    assert found.get("kept", set()) | found.get("renamed", set()) == old.keys()
    back = values.compare(values.key_listing(key_description({**old, **new})), values.key_listing(key_description(old)))
    assert {key.key_id for what, key in back if what == "removed"} == new.keys() - old.keys()


@given(KEYS.filter(len), st.integers(1, 200))
def test_a_list_that_is_cut_off_states_what_stands_before_the_cut_and_no_more(keys, cut):
    text = key_description(keys)
    shown = text[: -min(cut, len(text) - 1)]
    whole, found = values.key_listing(text), values.key_listing(shown)
    assert not found.stated
    assert found.keys.items() <= whole.keys.items()
    before = [n for n in range(len(keys) + 1) if shown.startswith(key_description(dict(list(keys.items())[:n]))[:-1])]
    assert len(found.keys) == max(before)


def test_a_key_whose_name_is_cut_off_is_named_and_the_list_may_go_on():
    found = values.key_listing(f'["[KeyIdentifier={KEY},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=a"]')
    assert [(key.key_id, key.kind, key.display_name) for key in found.keys.values()] == [(KEY, "certificate", "CN=a")]
    assert not found.stated


def test_federated_credentials_before_a_cut_are_stated():
    one = {"Name": "a", "Issuer": "https://issuer.example", "Subject": "s", "Id": KEY}
    text = json.dumps([one, {**one, "Id": CLIENT}])
    assert [key.federated_id for key in values.federated_listing(text[:-5]).keys.values()] == [KEY]
    # Names of the properties in any case.
    lowered = json.dumps([{name.lower(): part for name, part in one.items()}])
    assert values.federated_listing(lowered) == values.federated_listing(json.dumps([one]))


_EXCHANGE, _OWN = "api://AzureADTokenExchange", "api://own"


@pytest.mark.parametrize("federated_id", [None, KEY])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([("a", [_EXCHANGE])], [("a", [_EXCHANGE]), ("b", [_OWN])], [("added", "b"), ("kept", "a")]),
        ([("a", [_EXCHANGE]), ("b", [_OWN])], [("b", [_OWN])], [("kept", "b"), ("removed", "a")]),
        ([("a", [_EXCHANGE, _OWN])], [("a", [_OWN, _EXCHANGE])], [("kept", "a")]),
        ([("a", [_EXCHANGE])], [("a", [_OWN])], [("added", "a"), ("removed", "a")]),
        ([("a", [])], [("a", [_OWN])], [("added", "a"), ("removed", "a")]),
    ],
)
def test_audiences_tell_federated_credentials_of_one_issuer_and_subject_apart(before, after, expected, federated_id):
    def listed(stated):
        same = {"Issuer": "https://issuer.example", "Subject": "repo:a/b"}
        ids_of = {"a": {"Id": federated_id}, "b": {"Id": CLIENT}} if federated_id else {}
        parts = [{**same, "Name": name, "Audiences": audiences, **ids_of.get(name, {})} for name, audiences in stated]
        return values.federated_listing(json.dumps(parts))

    found = values.compare(listed(before), listed(after))
    assert [(change, key.federated_name) for change, key in found] == expected


@pytest.mark.parametrize(
    ("before", "change"), [("[]", "added"), ([], "added"), (None, "kept"), ("", "kept"), ("null", "kept")]
)
def test_a_federated_credential_is_added_to_an_empty_list_and_listed_where_no_list_is_stated(before, change):
    new = values.federated_listing([{"Issuer": "https://issuer.example", "Subject": "repo:a/b", "Id": KEY}])
    assert [told for told, _ in values.compare(values.federated_listing(before), new)] == [change]


def test_audiences_that_one_side_leaves_out_change_no_federated_credential():
    one = {"Issuer": "https://issuer.example", "Subject": "repo:a/b", "Id": KEY}
    two = {**one, "Audiences": [_EXCHANGE]}
    found = values.compare(values.federated_listing([one]), values.federated_listing([two]))
    assert [change for change, _ in found] == ["kept"]


@pytest.mark.parametrize(
    ("value", "stated", "count"),
    [
        ("[]", True, 0),
        ([], True, 0),
        (None, False, 0),
        ("", False, 0),
        ("null", False, 0),
        ('"x"', False, 0),
        (f'[\r\n  "[KeyIdentifier={KEY},KeyType=Password,KeyUsage=Verify,DisplayName=x]"\r\n]', True, 1),
        (f'["[KeyIdentifier={ZERO_GUID},KeyType=Password,KeyUsage=Verify,DisplayName=x]"]', False, 0),
        ('["[KeyIdentifier=,KeyType=Password,KeyUsage=Verify,DisplayName=x]"]', False, 0),
        ("[1]", False, 0),
        # Outside a list, and a text inside a text.
        (f"[KeyIdentifier={KEY},KeyType=Password,KeyUsage=Verify,DisplayName=x]", True, 1),
        (json.dumps(json.dumps([f"[KeyIdentifier={KEY},KeyType=Password,KeyUsage=Verify,DisplayName=x]"])), True, 1),
        # Names may hold what looks like a second key.
        (2 * f"[KeyIdentifier={KEY},KeyType=Password,KeyUsage=Verify,DisplayName=x]", False, 0),
    ],
)
def test_empty_is_a_statement_and_absent_or_unreadable_is_none(value, stated, count):
    listing = values.key_listing(value)
    assert (listing.stated, len(listing.keys)) == (stated, count)


@pytest.mark.parametrize(
    "name",
    [
        "Update application – Certificates and secrets management ",
        "Update application - Certificates and secrets management",
        "Update application — Certificates and secrets management.",
        " update  Application\u00a0\u2011 certificates and secrets management . ",
    ],
)
def test_all_spellings_of_an_operation_are_one(name):
    assert values.normalise_operation(name) == "update application - certificates and secrets management"


@given(st.text())
def test_normalising_an_operation_twice_changes_nothing(name):
    once = values.normalise_operation(name)
    assert values.normalise_operation(once) == once


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('["x"]', "x"),
        ('"x"', "x"),
        ("DirectorySync", "DirectorySync"),
        ("NaN", "NaN"),
        ("[]", None),
        ('["a","b"]', None),
        ('{"a":1}', None),
        (None, None),
        ('["\\ud800x"]', "\ufffdx"),
    ],
)
def test_one_text_comes_out_of_double_encoding(value, expected):
    assert values.single_text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("[true]", True), ('"True"', True), ("[false]", False), ("true", True), ("[]", None), ("[1]", None), (None, None)],
)
def test_one_truth_value_comes_out_of_double_encoding(value, expected):
    assert values.single_bool(value) is expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (f'"{CLIENT.upper()};https://identity.azure.net/x="', CLIENT),
        ('["https://contoso.example/x"]', None),
        ('["91ca2ca8-0400-4643-af0e-f4aedba0d191","91ca2ca8-0400-4643-af0e-f4aedba0d192"]', None),
        ("[1]", None),
        (None, None),
    ],
)
def test_the_only_guid_among_names_is_the_application(names, expected):
    assert values.only_guid(values.name_list(names)) == expected


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=8))
def test_what_is_decoded_can_be_written_as_utf8(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        json.dumps(decoded(text), ensure_ascii=False).encode("utf-8")


def test_hostile_consent_texts_are_read_in_linear_time():
    assert values.consents("[] => " + "[Id: " * 200_000) == (set(), set())
    assert values.consents(None) == values.consents("[]") == values.consents(7) == (set(), set())


def test_values_as_written_or_decoded_are_read_alike():
    assert as_object('{"a": 1}') == as_object({"a": 1}) == {"a": 1}
    assert as_list("[1]") == as_list([1]) == [1]
    assert [as_object("[1]"), as_object("{"), as_object(None), as_list("{}"), as_list("[" * 100_000)] == [None] * 5
    assert [as_text(""), as_text("<null>"), as_text(True), as_text([]), as_text("x"), as_text(7)] == [None] * 4 + [
        "x",
        "7",
    ]
    assert [as_bool("TRUE"), as_bool("false"), as_bool("1"), as_bool(0)] == [True, False, True, False]
    assert [as_bool(7), as_bool("yes"), as_bool(None), as_bool([])] == [None] * 4
    assert [as_int("7"), as_int(" 7.0 "), as_int(7.0), as_int("-7.")] == [7, 7, 7, -7]
    assert [as_int(odd) for odd in ("7.5", "1_000", "", True, None, "9" * 5000)] == [None] * 6
    assert [as_code(code) for code in (0, 0.0, "0.0", " 7000222 ", "Success")] == ["0", "0", "0", "7000222", "Success"]
    assert [as_code(odd) for odd in ("None", " ", 0.5, True, None)] == [None] * 5
    assert [as_words("a  b"), as_words(""), as_words(["a"]), as_words([1])] == [("a", "b"), None, ("a",), None]
    assert first({"a": "", "b": "<null>", "c": 0, "d": 1}, "a", "b", "c", "d") == 0


@pytest.mark.parametrize("nothing", ["", "-", "<null>", "null", "None", "N/A", None])
def test_words_of_tools_for_nothing_are_not_stated(nothing):
    assert as_value(nothing) is None
    assert first({"a": nothing, "b": "x"}, "a", "b") == "x"


@pytest.mark.parametrize("value", ["NA", "none", "Unknown", "x - y"])
def test_a_country_and_a_kind_of_credential_are_stated(value):
    assert as_value(value) == value
