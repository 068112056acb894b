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
    ({"c": "Password = 's3 x'"}, {"c": "Password = '[redacted]'"}),
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
    ({"clientSecret_s": "s3"}, {"clientSecret_s": HIDDEN}),
    ({"Name": "Password", "Value": "s3"}, {"Name": "Password", "Value": HIDDEN}),
    ({"vm": {"type": "SecureString", "value": "s3"}}, {"vm": {"type": "SecureString", "value": HIDDEN}}),
    ({"vm": {"defaultValue": {"a": "s3"}, "type": "secureObject"}},
     {"vm": {"defaultValue": {"a": HIDDEN}, "type": "secureObject"}}),
    ({"isEncrypted": True, "value": '"s3"'}, {"isEncrypted": True, "value": HIDDEN}),
    ({"h": "curl -H 'Authorization: Basic czM6czNz'"}, {"h": "curl -H 'Authorization: Basic [redacted]'"}),
    ({"u": "https://h/x?api-key=s3&subscription-key=s3&a=1"},
     {"u": "https://h/x?api-key=[redacted]&subscription-key=[redacted]&a=1"}),
    ({"u": "https://h/x?tempauth=v1.s3", "w": "https://h/#access_token=s3&a=1"},
     {"u": "https://h/x?tempauth=[redacted]", "w": "https://h/#access_token=[redacted]&a=1"}),
    ({"u": "https://h/r?to=https%3A%2F%2Fst%3Fsv%3D1%26sig%3Ds3%252B%26se%3D2"},
     {"u": "https://h/r?to=https%3A%2F%2Fst%3Fsv%3D1%26sig%3D[redacted]%26se%3D2"}),
    ({"u": "https://h/r?to=x%253Fcode%253Ds3"}, {"u": "https://h/r?to=x%253Fcode%253D[redacted]"}),
    ({"u": "amqps://guest:s3@contoso:5671/x"}, {"u": "amqps://guest:[redacted]@contoso:5671/x"}),
    ({"x": '<publishProfile userName="$a" userPWD="s3 s3" />'},
     {"x": '<publishProfile userName="$a" userPWD="[redacted]" />'}),
    ({"trackedProperties": {"apiToken": "s3s3s3"}}, {"trackedProperties": {"apiToken": HIDDEN}}),
    # Bodies: names of the customer's own, scripts, answers of what hands out keys.
    (
        {"requestbody": {"DB_PASS": "s3s3s3", "API_TOKEN": "s3s3s3", "GITHUB_PAT": "s3s3s3", "vmPw": "s3 s3 s3",
                         "MyCredential": "s3s3s3", "JWT_SIGNING_KEY": "s3s3s3", "StripeKey": "s3s3s3"}},
        {"requestbody": dict.fromkeys(["DB_PASS", "API_TOKEN", "GITHUB_PAT", "vmPw",
                                       "MyCredential", "JWT_SIGNING_KEY", "StripeKey"], HIDDEN)},
    ),
    (
        {"requestbody": {"a": [{"name": "API_TOKEN", "value": "s3s3s3"}], "apiToken": {"value": "s3s3s3"},
                         "hostKey": ["s3s3s3"], "headers": {"Authorization": "Basic czM6czM="}}},
        {"requestbody": {"a": [{"name": "API_TOKEN", "value": HIDDEN}], "apiToken": {"value": HIDDEN},
                         "hostKey": [HIDDEN], "headers": {"Authorization": HIDDEN}}},
    ),
    (
        {"requestbody": {"secrets": [{"name": "contoso-db", "value": "s3", "identity": "/subscriptions/x/y"}],
                         "accessKeys": ["s3s3s3"], "env": [{"name": "mode", "secureValue": "s3s3s3"}]}},
        {"requestbody": {"secrets": [{"name": "contoso-db", "value": HIDDEN, "identity": "/subscriptions/x/y"}],
                         "accessKeys": [HIDDEN], "env": [{"name": "mode", "secureValue": HIDDEN}]}},
    ),
    ({"requestbody": '{"a":[{"name":"API_TOKEN","value":"s3s3s3"},{"na'},
     {"requestbody": '{"a":[{"name":"API_TOKEN","value":"[redacted]"},{"na'}),
    ({"Properties": '{"requestbody":"{\\"p\\":{\\"DB_PASS\\":\\"s3s3s3\\",\\"export TOKEN=s3 cut'},
     {"Properties": '{"requestbody":"{\\"p\\":{\\"DB_PASS\\":\\"[redacted]\\",\\"export TOKEN=[redacted] cut'}),
    ({"Properties": '{"requestBody": "{\\n \\"name\\": \\"API_TOKEN\\",\\n \\"value\\": \\"s3s3s3\\"\\n}, \\"cut'},
     {"Properties": '{"requestBody": "{\\n \\"name\\": \\"API_TOKEN\\",\\n \\"value\\": \\"[redacted]\\"\\n}, \\"cut'}),
    ({"requestbody": '{"vm":{"type":"securestring","value":"s3"},"cut":"of'},
     {"requestbody": '{"vm":{"type":"securestring","value":"[redacted]"},"cut":"of'}),
    (
        {"requestbody": {"script": [
            "mysql -u root -ps3 -P 3306", "export TOKEN=s3", "$env:DB_PASS = 's3 s3'", "az login -u a -p s3",
            "deploy --password s3 --name a", "Set-It -Password 's3'", "curl -u a:s3 https://h", "net user bob s3 /add",
            "ConvertTo-SecureString 's3' -AsPlainText", "curl -H 'X-Api-Token: s3' h",
            """curl -d '{"password": "s3"}' h""", "Set-It -Password (ConvertTo-SecureString -String 's3' -Force)",
            "echo 'root:s3 s3' | sudo chpasswd", '<a><password>s3</password><add key="ApiToken" value="s3" /></a>',
        ]}},
        {"requestbody": {"script": [
            "mysql -u root -p[redacted] -P 3306", "export TOKEN=[redacted]", "$env:DB_PASS = '[redacted]'",
            "az login -u a -p [redacted]", "deploy --password [redacted] --name a", "Set-It -Password '[redacted]'",
            "curl -u a:[redacted] https://h", "net user bob [redacted] /add",
            "ConvertTo-SecureString '[redacted]' -AsPlainText", "curl -H 'X-Api-Token: [redacted]' h",
            """curl -d '{"password": "[redacted]"}' h""",
            "Set-It -Password (ConvertTo-SecureString -String '[redacted]' -Force)",
            "echo 'root:[redacted]' | sudo chpasswd",
            '<a><password>[redacted]</password><add key="[redacted]" value="[redacted]" /></a>',
        ]}},
    ),
    (
        {"operationName": "x/LISTKEYS/ACTION", "responseBody": {"accountName": "contoso", "primary": "s3",
         "secondary": "s3", "functionKeys": {"default": "s3s3s3"}, "permissions": "Everything"}},
        {"operationName": "x/LISTKEYS/ACTION", "responseBody": {"accountName": "contoso", "primary": HIDDEN,
         "secondary": HIDDEN, "functionKeys": {"default": HIDDEN}, "permissions": "Everything"}},
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
    {"requestbody": {"bypass": "AzureServices", "properties": {"principalId": "x", "keyName": "key1-primary"}}},
    {"requestbody": {"storageKey": "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/payroll)"}},
    {"requestbody": {"hostKey": "[parameters('hostKey')]", "keyVaultKey": "https://kv.vault.azure.net/keys/a/b"}},
    {"requestbody": {"accessKey": None, "apiToken": "13b00951-0000-4000-8000-000000000001", "sshKey": True}},
    {"requestbody": {"issuer": "https://h", "subject": "repo:contoso/deploy-key:ref:refs/heads/main"}},
    {"requestbody": {"actions": ["Microsoft.Storage/storageAccounts/listKeys/action"], "roleName": "Keys of stores"}},
    {"requestUri": "https://h/v1.0/users?$skiptoken=RFNwdAIAAQ&$top=5", "w": "https://h/r?skipToken=abc"},
    {"h": "Basic Authentication", "userAgent": "Mozilla/5.0 (+https://contoso:443/bot)"},
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
_NAMES = [word for written in _WORDS if written.isalpha() for word in (written, written.upper(), written.title())]
_PARTS = st.sampled_from([*_WORDS, *map(str.upper, _WORDS), *_MARKS * 3])
_REFERENCE = [re.compile(expression.encode(), re.IGNORECASE) for expression in SUSPICIOUS]


@settings(max_examples=300)
@given(st.lists(_PARTS | st.text(max_size=2), max_size=12), st.binary(max_size=3))
def test_it_is_looked_for_as_the_expressions_say(parts, other):
    raw = "".join(parts).encode() + other
    assert suspicious(raw) == any(expression.search(raw) for expression in _REFERENCE)


@settings(max_examples=300)
@given(
    st.tuples(st.sampled_from(_NAMES), st.sampled_from(["", "_", "-", ".", " "]), st.sampled_from(_NAMES)).map("".join),
    st.lists(_PARTS.filter("\v".__ne__), max_size=9).map("".join),
)
def test_what_is_redacted_was_suspicious(name, value):
    record = {name: value}
    raw = json.dumps(record).encode()
    assert redacted(raw) == (record, raw) or suspicious(raw)


def test_a_long_run_of_letters_is_read_once():
    record = {"u": "eyJ" * 100_000}
    raw = json.dumps(record).encode()
    assert redacted(raw) == (record, raw)


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
