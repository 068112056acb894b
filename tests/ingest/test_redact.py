"""Secrets leave the raw record before it is stored; everything else stays, byte for byte where nothing was secret."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcorr.ingest.redact import SUSPICIOUS, redacted, suspicious

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"
HIDDEN = "[redacted]"

# what goes in, what is left
SECRETS = [
    ({"secretText": "s3"}, {"secretText": HIDDEN}),
    ({"clientSecret": "s3", "client_secret": "s3"}, {"clientSecret": HIDDEN, "client_secret": HIDDEN}),
    ({"DB_PASSWORD": "s3", "password1": "s3"}, {"DB_PASSWORD": HIDDEN, "password1": HIDDEN}),
    ({"Password: ": "s3"}, {"Password: ": HIDDEN}),
    ({"apiKey #2": "s3"}, {"apiKey #2": HIDDEN}),
    ({"secret\u00a0": "s3"}, {"secret\u00a0": HIDDEN}),
    ({"adminPassword": {"type": "string", "value": "s3"}}, {"adminPassword": {"type": "string", "value": HIDDEN}}),
    ({"primaryKey": "s3", "secondary_key": 17}, {"primaryKey": HIDDEN, "secondary_key": HIDDEN}),
    ({"a": [{"accountKey": "s3"}]}, {"a": [{"accountKey": HIDDEN}]}),
    ({"connectionString": "s3"}, {"connectionString": HIDDEN}),
    ({"access_token": "s3", "client_assertion": "s3"}, {"access_token": HIDDEN, "client_assertion": HIDDEN}),
    ({"u": "https://x/y?sv=1&sig=ab%2Bc%3D&se=2"}, {"u": "https://x/y?sv=1&sig=[redacted]&se=2"}),
    (
        {"c": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=ab/c+d==;EndpointSuffix=x"},
        {"c": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=[redacted];EndpointSuffix=x"},
    ),
    ({"c": "Endpoint=sb://x;SharedAccessKey=abc="}, {"c": "Endpoint=sb://x;SharedAccessKey=[redacted]"}),
    ({"c": "Server=x;User Id=y;Password=s3;"}, {"c": "Server=x;User Id=y;Password=[redacted];"}),
    ({"c": "Password = 's3 x'"}, {"c": "Password = '[redacted] x'"}),
    ({"u": "https://x/y?code=s3&a=1", "w": "https://x/y?a=1&token=s3"},
     {"u": "https://x/y?code=[redacted]&a=1", "w": "https://x/y?a=1&token=[redacted]"}),
    ({"x-functions-key": "s3", "Ocp-Apim-Subscription-Key": "s3"},
     {"x-functions-key": HIDDEN, "Ocp-Apim-Subscription-Key": HIDDEN}),
    ({"Cookie": "s3", "passphrase": "s3"}, {"Cookie": HIDDEN, "passphrase": HIDDEN}),
    ({"customData": "s3"}, {"customData": HIDDEN}),
    ({"protectedSettings": {"command": "s3"}}, {"protectedSettings": {"command": HIDDEN}}),
    ({"d": [{"key": "Password", "value": "s3"}]}, {"d": [{"key": "Password", "value": HIDDEN}]}),
    ({"m": [{"displayName": "secretText", "oldValue": None, "newValue": '["s3"]'}]},
     {"m": [{"displayName": "secretText", "oldValue": None, "newValue": HIDDEN}]}),
    ({"h": "Bearer s3s3s3s3s3s3s3"}, {"h": f"Bearer {HIDDEN}"}),
    ({"h": f"Bearer {JWT}"}, {"h": f"Bearer {HIDDEN}"}),
    ({"k": "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"}, {"k": HIDDEN}),
    (
        {"requestbody": json.dumps({"properties": {"adminPassword": "s3", "size": "x"}})},
        {"requestbody": '{"properties":{"adminPassword":"[redacted]","size":"x"}}'},
    ),
    (
        {"p": json.dumps({"inner": json.dumps({"password": "s3", "a": 1})})},
        {"p": json.dumps({"inner": '{"password":"[redacted]","a":1}'}, separators=(",", ":"))},
    ),
    (
        {"responseBody": '{"properties":{"password":"s3","cut":"of'},
        {"responseBody": '{"properties":{"password":"[redacted]","cut":"of'},
    ),
    (
        {"operationName": "VAULTS/SECRETS/WRITE", "requestbody": '{"properties":{"value":"s3"}}'},
        {"operationName": "VAULTS/SECRETS/WRITE", "requestbody": '{"properties":{"value":"[redacted]"}}'},
    ),
    (
        {
            "operationName": "x/listKeys/action",
            "responseBody": '{"keys":[{"keyName":"key1","value":"s3"}],"key1":"s3"}',
        },
        {
            "operationName": "x/listKeys/action",
            "responseBody": '{"keys":[{"keyName":"key1","value":"[redacted]"}],"key1":"[redacted]"}',
        },
    ),
    (
        {"requestBody": {"settings": [{"name": "API_KEY", "value": "s3"}, {"name": "mode", "value": "x"}]}},
        {"requestBody": {"settings": [{"name": "API_KEY", "value": HIDDEN}, {"name": "mode", "value": "x"}]}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), SECRETS)
def test_secret_values_are_replaced(given, expected):
    raw = json.dumps(given).encode()
    assert suspicious(raw)
    obj, clean = redacted(raw)
    assert obj == expected
    assert json.loads(clean) == expected
    assert b"s3" not in clean


def test_quotes_of_inner_json_may_be_written_as_code_points():
    raw = rb'{"requestbody":"{\u0022password\u0022:\u0022s3\u0022}","u":"a?x\u0026sig\u003dabc"}'
    assert suspicious(raw)
    assert json.loads(redacted(raw)[1]) == {"requestbody": '{"password":"[redacted]"}', "u": "a?x&sig=[redacted]"}


def test_letters_of_names_may_be_written_as_code_points():
    raw = rb'{"p\u0061ssword":"s3","inner":"{\"secret\\u0054ext\":\"s3\"}"}'
    assert suspicious(raw)
    assert json.loads(redacted(raw)[1]) == {"password": HIDDEN, "inner": '{"secretText":"[redacted]"}'}


HARMLESS = [
    {"keyId": "1", "hint": "abc", "passwordCredentials": [{"keyId": "2", "displayName": "prod key"}]},
    {"servicePrincipalCredentialKeyId": "1", "clientCredentialType": "clientSecret", "incomingTokenType": "none"},
    {"uniqueTokenIdentifier": "ZDU5MzVkY2EteyJh", "details": [{"key": "Root Key Type", "value": "x"}]},
    {"newValue": '["[KeyIdentifier=1,KeyType=Password,KeyUsage=Verify,DisplayName=prod secret]"]'},
    {"id": "https://kv.vault.azure.net/secrets/payroll", "requestUri": "https://kv/secrets/payroll?api-version=7.4"},
    {"requestbody": '{"properties":{"roleDefinitionId":"x","principalId":"y"}}'},
    {"hasSecret": None, "isPassword": True, "password": ""},
    {"passwordCredentials": [{"keyId": "2", "displayName": "prod secret"}]},
]


@pytest.mark.parametrize("record", HARMLESS)
def test_what_is_no_secret_survives_byte_for_byte(record):
    raw = json.dumps(record).encode()
    assert redacted(raw) == (record, raw)


def test_the_common_record_is_not_even_looked_at():
    assert not any(suspicious(json.dumps(record).encode()) for record in HARMLESS[:5])


# What the expressions are made of, and what is none of it; any two may stand side by side.
_WORDS = (
    *(name for given, _ in SECRETS for name in given), "password", "pwd", "cookie", "custom data", "access-token",
    "key", "name", "displayName", "value", "requestBody", "response_content", "sig", "code", "token", "assertion",
    "Signature", "bearer", "eyJ", "abcdefgh", "-----BEGIN", "PRIVATE KEY-----", "secret", "sas_uri", "pfx.blob",
)  # fmt: skip
_MARKS = (
    '"', '\\"', "\\u0022", ":", "=", "\\u003d", "\\u0070", " ", "\t", "\n", "\v", ",", "_", "-", ".", "1", "\\",
    "\u017f", "\u212a",
)  # fmt: skip
_PARTS = st.sampled_from([*_WORDS, *map(str.upper, _WORDS), *_MARKS * 3])
_REFERENCE = [re.compile(expression.encode(), re.IGNORECASE) for expression in SUSPICIOUS]


@settings(max_examples=300)
@given(st.lists(_PARTS | st.text(max_size=2), max_size=12), st.binary(max_size=3))
def test_it_is_looked_for_as_the_expressions_say(parts, other):
    raw = "".join(parts).encode() + other
    assert suspicious(raw) == any(expression.search(raw) for expression in _REFERENCE)


def test_several_threads_can_look_for_secrets():
    raws = [json.dumps(given).encode() for given, _ in SECRETS] * 100
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(suspicious, raws))


@pytest.mark.parametrize("wrap", [b"%s\n", b"[%s]", b'{"records":[%s]}'], ids=["lines", "array", "records"])
def test_what_is_delivered_is_redacted_in_every_shape(read, wrap):
    raw = json.dumps({"Type": "Alpha", "N": "password=s3", "secretText": "s3"}).encode()
    delivered, _ = read(wrap.replace(b"%s", raw))
    assert delivered[0].record.operation == "password=[redacted]"
    assert json.loads(delivered[0].raw) == {"Type": "Alpha", "N": "password=[redacted]", "secretText": HIDDEN}
    delivered, _ = read(b"TimeGenerated,Type,N,secretText\n2026-05-11T08:00:00Z,Alpha,password=s3,s3\n")
    assert b"s3" not in delivered[0].raw
