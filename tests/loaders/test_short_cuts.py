"""Short cuts read faster and nothing else: with and without them a file gives the same records, counts and problems."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphcorr.errors import RecordError
from graphcorr.ingest import registry
from graphcorr.ingest.columns import completed, table_of
from graphcorr.ingest.delivery import columns_of
from graphcorr.ingest.detect import Detector
from graphcorr.ingest.loader import Carrier
from graphcorr.ingest.redact import suspicious
from graphcorr.ingest.run import read_logs
from graphcorr.records import SignIn

LOADERS = [loader for loader in registry.all() if loader.short_cuts and loader.record is SignIn]
OTHERS = [loader for loader in registry.all() if loader.short_cuts and loader.record is not SignIn]
SHORT_CUTS = [(loader, carrier) for loader in LOADERS for carrier in loader.short_cuts]
WITHOUT = [replace(loader, short_cuts={}) for loader in registry.all()]

TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
ID = "8bdb4a20-6f3f-4a5c-9f2e-0a1b2c3d4e5f"
PROPERTIES = {
    "id": ID, "createdDateTime": "2026-05-11T08:03:14.1030001Z", "appId": "{C44B4083-3BB0-49C1-B47D-974E53CBDF3C}",
    "appDisplayName": "Billing", "servicePrincipalId": "00000000-0000-0000-0000-000000000000", "userId": "", "status":
    {"errorCode": 7000222, "failureReason": "x"}, "location": {"city": "Bern", "countryOrRegion": "CH"},
    "uniqueTokenIdentifier": "IErbiz9vXEqfLgobLD1OXw", "ipAddress": "192.0.2.1:443", "userAgent": "<null>",
    "servicePrincipalCredentialThumbprint": " ab12 ", "resourceTenantId": TENANT, "riskEventTypes_v2": [1],
    "managedServiceIdentity": {"msiType": "systemAssigned", "associatedResourceId": "/Subscriptions/1/x/"},
    "agent": {"agentType": "agenticApp"}, "correlationId": "no-guid",
}  # fmt: skip
ENVELOPE = {
    "time": "2026-05-11T08:05:00Z", "resourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam", "resultType": "0",
    "operationName": "Sign-in activity", "operationVersion": "1.0", "callerIpAddress": "192.0.2.9", "location": "DE",
    "identity": "x", "Level": 4, "level": "4", "durationMs": 0,
}  # fmt: skip

ROW = {
    "TenantId": TENANT.upper(), "SourceSystem": "Azure AD", "TimeGenerated": "2026-05-11T08:05:00Z",
    "ResultType": "7000222", "OperationName": "Sign-in activity", "CorrelationId": "no-guid", "Location": "CH",
    "AppId": PROPERTIES["appId"],
    "IPAddress": "192.0.2.1:443", "LocationDetails": '{"countryOrRegion":"DE"}', "ResourceDisplayName": "<null>",
    "ServicePrincipalId": "", "UniqueTokenIdentifier": PROPERTIES["uniqueTokenIdentifier"], "UserAgent": "curl/8",
    "Agent": '{"agentType":"agenticApp"}', "Id": ID, "CreatedDateTime": "2026-05-11T08:03:14.1030001Z",
    "AADTenantId": TENANT, "DurationMs": 0,
}  # fmt: skip
ROW_CHANGES = [
    {},
    {"Id": None, "UniqueTokenIdentifier": None},
    {"Id": "x" * 200, "AppId": "y" * 200},
    {"Id": ID.upper(), "CorrelationId": ID, "SessionId": ID.upper()},
    {"AddedLately": 1},
    {"AppId": 7, "UserAgent": 8},
    {"Type": "Unread"},
    {"Type": None, "Category": "SignInLogs"},
    {"$table": "SigninLogs"},
    {"$table": "Unread"},
    {"ResultType": "", "Status": '{"errorCode":50126}'},
    {"ResultType": None, "Status": {"errorCode": 50126}},
    {"ResultType": 0},
    {"ResultType": 1.0},
    {"ResultType": "7000222.0", "UserAgent": "None", "ClientCredentialType": "N/A"},
    {"ResultType": "None", "Status": '{"errorCode":50126}', "Location": "None"},
    {"CreatedDateTime": "None"},
    {"Location": "", "LocationDetails": ""},
    {"Location": None, "LocationDetails": None},
    {"Location": None},
    {"Location": "", "LocationDetails": {"countryOrRegion": "FR"}},
    {"CreatedDateTime": "2026-05-11T08:03:14Z", "TimeGenerated": "soon"},
    {"CreatedDateTime": "yesterday"},
    {"CreatedDateTime": "/Date(1778479202101)/", "TimeGenerated": "/Date(1778479202000+0200)/"},
    {"CreatedDateTime": "/Date(1778479202000)/", "TimeGenerated": 1778479202101},
    {"CreatedDateTime": 1778479202101},
    {"CreatedDateTime": "0001-01-01T00:00:00Z"},
    {"TimeGenerated": "0001-01-01T00:00:00Z"},
    {"CreatedDateTime": None},
    {"TimeGenerated": None},
    {"Agent": {"agentType": "x"}},
    {"Agent": '{"agentType":"notAgentic","agentSubjectType":"notAgentic"}'},
    {"Agent": "{broken"},
    {"ManagedServiceIdentity": '{"associatedResourceId":"/Subscriptions/1/x/"}'},
    {"ManagedServiceIdentity": {"associatedResourceId": "/a/b"}},
    {"ManagedServiceIdentity": '{"msiType":"userAssigned","associatedResourceId":"/a/B"}'},
    {"ServicePrincipalCredentialThumbprint": " ab12 ", "FederatedCredentialId": ID, "ServicePrincipalName": "Billing"},
    {"UserId": ID.upper(), "UserPrincipalName": "user@contoso.example", "UserDisplayName": "Zo\u00eb"},
    {"HomeTenantId": TENANT},
    {"AADTenantId": "", "ResourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam"},
    {"AppDisplayName": "Payroll", "AppOwnerTenantId": TENANT.upper(), "ResourceOwnerTenantId": "no-guid"},
    {"UserAgent": "curl?password=hunter2"},
    {"records": []},
    {"signInEventTypes": ["servicePrincipal"]},
    dict.fromkeys(ROW),
]  # fmt: skip

# Changes of the properties, then of the envelope, that the short cut takes or leaves to others.
CHANGES = [
    ({}, {}),
    ({"id": None, "uniqueTokenIdentifier": None}, {}),
    ({"id": "x" * 200, "appId": "y" * 200}, {}),
    ({"addedLately": 1}, {}),
    ({}, {"addedLately": 1}),
    ({"appId": 7, "appDisplayName": 8}, {}),
    ({"status": "text", "location": "text", "agent": '{"agentType":"x"}'}, {}),
    ({"status": '{"errorCode":50126}', "location": '{"countryOrRegion":"FR"}'}, {}),
    ({"status": {"errorCode": "7000222.0"}, "location": {"countryOrRegion": "None"}}, {}),
    ({"status": {"errorCode": "None"}, "userAgent": "N/A", "clientCredentialType": "None"}, {"resultType": "0.0"}),
    ({"managedServiceIdentity": '{"associatedResourceId":"/a/b"}'}, {}),
    ({"managedServiceIdentity": {"msiType": "UserAssigned", "associatedResourceId": "/a/B"}}, {}),
    ({"managedServiceIdentity": {"msiType": 2, "associatedResourceId": "/a/b"}}, {}),
    ({"status": {"errorCode": 1.0}}, {}),
    ({"status": None, "location": None}, {"resultType": 50126}),
    ({"createdDateTime": "2026-05-11T08:03:14Z"}, {"time": "soon"}),
    ({"createdDateTime": "5/11/2026, 8:03:14 AM"}, {}),
    ({"createdDateTime": "yesterday"}, {}),
    ({"createdDateTime": "/Date(1778479202101)/"}, {"time": "/Date(1778479202101)/"}),
    ({"createdDateTime": "0001-01-01T00:00:00Z"}, {}),
    ({}, {"time": "0001-01-01T00:00:00Z"}),
    ({"createdDateTime": None}, {"time": "2026-05-11 08:05:00"}),
    ({"agent": {"agentType": "notAgentic"}, "ipAddress": ""}, {"tenantId": TENANT.upper()}),
    ({"sessionId": ID[:-1] + "g"}, {"time": "2026-0a-11T08:05:00Z"}),
    ({"sessionId": "00000000-0000-0000-0000-000000000000"}, {"time": "2000-12-31T23:59:59Z"}),
    ({"sessionId": ID.replace("-", "0", 1)}, {"time": "2026-02-31T08:05:00Z"}),
    ({}, {"category": "Unread"}),
    ({}, {"properties": json.dumps(PROPERTIES)}),
    ({}, {"properties": None}),
    ({}, {"RESULTTYPE": "1", "resultType": None}),
    ({}, {"Type": "SigninLogs"}),
    ({"userAgent": "curl?password=hunter2"}, {}),
    ({"correlationId": "00000000-0000-0000-0000-000000000000"}, {"correlationId": ID.upper()}),
    ({"correlationId": ID, "sessionId": ID.upper()}, {}),
    ({"id": ID.upper(), "uniqueTokenIdentifier": "IErbiz9vXEqfLgobLD1OX="}, {}),
    ({"uniqueTokenIdentifier": "OGJkYjRhMjAtNmYzZi00YTVjLTlmMmUtMGExYjJjM2Q0ZTVm"}, {}),
    ({"uniqueTokenIdentifier": "A" * 22}, {}),
    ({"createdDateTime": "2026-05-11T08:03:14.1030001+02:00"}, {"time": "2026-02-31T08:05:00Z"}),
    ({"createdDateTime": "20260511T080314.5Z"}, {"time": "1999-05-11T08:05:00Z"}),
    ({"userPrincipalName": "x" * 3000, "userDisplayName": "Zo\u00eb \u202e \ud83d\ude00"}, {}),
    (dict.fromkeys(PROPERTIES), dict.fromkeys(["resourceId", "location", "callerIpAddress"])),
]  # fmt: skip


class _Sink:
    def __init__(self):
        self.delivered = []

    def add(self, batch):
        self.delivered += batch


def _read(path, loaders):
    sink = _Sink()
    report = read_logs([path], sink, registry=loaders)
    # A short cut delivers the lines that it took together.
    return sorted(sink.delivered, key=lambda found: (found.line, found.raw_hash)), report


def _lines(loader, changes):
    """The usual record first and between: after it the short cut is tried."""
    envelope = {**ENVELOPE, "category": loader.categories[0]}
    return [
        json.dumps({**envelope, "properties": {**PROPERTIES, **properties}, **outer})
        for changed in changes
        for properties, outer in (({}, {}), ({}, {}), changed)
    ]


def _rows(loader, changes):
    row = {**ROW, "Type": loader.source}
    return [json.dumps({**row, **part}) for changed in changes for part in ({}, {}, changed)]


def _written(loader, carrier):
    """Texts for one short cut: for each change alone, so that none leads others the way of odd values; then for all."""
    all_changes, lines = (CHANGES, _lines) if carrier is Carrier.EXPORT else (ROW_CHANGES, _rows)
    return [lines(loader, changes) for changes in (*([changed] for changed in all_changes), all_changes)]


@pytest.mark.parametrize(("loader", "carrier"), SHORT_CUTS, ids=lambda value: getattr(value, "source", value))
def test_a_short_cut_changes_nothing(loader, carrier, tmp_path):
    path = tmp_path / "PT1H.json"
    for lines in _written(loader, carrier):
        path.write_text("\n".join([*lines, "{", "", '{"records": []}', lines[0] + "\r"]))
        delivered, report = _read(path, None)
        assert (delivered, report) == _read(path, WITHOUT)
        assert report.records == len(delivered) > len(lines) // 3 * 2


_ZERO = "00000000-0000-0000-0000-000000000000"
_IDS = st.uuids().map(str) | st.sampled_from(
    [ID, ID.upper(), "{" + ID + "}", ID.replace("-", ""), "", " ", _ZERO, "no-guid", "<null>", None]
)
_TEXTS = st.sampled_from(["", "<null>", " ", "x" * 300, None]) | st.text(max_size=5)
_TIMES = st.sampled_from(
    ["2026-05-11T08:03:14Z", "2026-05-11T08:03:14.1239999Z", "2026-05-11 08:03:14", "", "soon", None]
)
_TOKENS = st.binary(min_size=16, max_size=16).map(lambda token: urlsafe_b64encode(token).decode().rstrip("=")) | _TEXTS
_ANY_PROPERTIES = {
    **dict.fromkeys(["id", "appId", "correlationId", "sessionId", "homeTenantId", "userId"], _IDS),
    **dict.fromkeys(["appDisplayName", "userAgent", "ipAddress"], _TEXTS),
    "createdDateTime": _TIMES,
    "uniqueTokenIdentifier": _TOKENS,
    "status": st.fixed_dictionaries({"errorCode": st.integers() | _TEXTS}) | st.none(),
}
_ANY_OUTSIDE = {"time": _TIMES, "tenantId": _IDS, "correlationId": _IDS, "location": _TEXTS}
_ANY_CHANGES = st.tuples(
    st.fixed_dictionaries({}, optional=_ANY_PROPERTIES), st.fixed_dictionaries({}, optional=_ANY_OUTSIDE)
)


@settings(max_examples=60)
@given(st.lists(_ANY_CHANGES, min_size=1, max_size=6))
def test_a_short_cut_changes_nothing_whatever_is_written(tmp_path_factory, changes):
    path = tmp_path_factory.mktemp("logs") / "PT1H.json"
    path.write_text("\n".join(_lines(LOADERS[0], changes)))
    assert _read(path, None) == _read(path, WITHOUT)


def test_columns_of_a_short_cut_are_those_of_its_records(tmp_path):
    class Kept:
        def add(self, batch):
            self.batch = batch

    for loader, carrier in SHORT_CUTS:
        path = tmp_path / "PT1H.json"
        path.write_text("\n".join(_written(loader, carrier)[-1]))
        kept = Kept()
        read_logs([path], kept)
        (runs,) = [runs for runs in kept.batch.alike() if runs[0].short_cut]
        assert columns_of(runs).equals(table_of(loader.record, [item.record for run in runs for item in run]))
        assert len(kept.batch) == len(list(kept.batch)) == sum(map(len, kept.batch.runs)) > sum(map(len, runs))


def test_a_short_cut_is_taken_for_usual_records_and_given_up_where_it_is_of_no_use(tmp_path):
    (loader,) = (loader for loader in LOADERS if loader.source == "SigninLogs")
    tried = []
    short_cut = loader.short_cuts[Carrier.EXPORT]

    def decode(raw):
        tried.append(raw)
        return short_cut.decode(raw)

    spied = [replace(loader, short_cuts={Carrier.EXPORT: replace(short_cut, decode=decode)})]
    usual = {**ENVELOPE, "category": "SignInLogs", "properties": PROPERTIES}
    for record, expected in ((usual, 99), ({**usual, "addedLately": 1}, 20)):
        path = tmp_path / "PT1H.json"
        path.write_text("\n".join([json.dumps(record)] * 100))
        tried.clear()
        delivered, _ = _read(path, spied)
        assert (len(delivered), len(tried)) == (100, expected)


def test_observed_sign_ins_are_read_alike(shared_data, tmp_path):
    for number, path in enumerate(sorted((shared_data / "diagnostic-export").rglob("*.json"))):
        try:
            found = json.loads(path.read_text())
        except ValueError:
            continue
        records = found.get("records", [found]) if isinstance(found, dict) else found
        lines = tmp_path / f"{number}.json"
        lines.write_text("\n".join(json.dumps(record) for record in records for _ in range(2)))
        assert _read(lines, None) == _read(lines, WITHOUT), path


# -- exports of all sources, one value at a time changed ---------------------------------------------------------------

_ODD = (
    None, "", "<null>", "None", "N/A", " ", "x" * 5000, "Zo\u00eb", 7, 1.0, "200.0", True, [], ["a", "b"], [1], {},
    {"a": "b"}, _ZERO, ID.upper(), "{" + ID + "}", "2026-05-11 08:05:00", "2026-02-31T08:05:00Z",
    "1999-05-11T08:05:00Z", "soon", "user@contoso.example", "/subscriptions/1/providers/Microsoft.Other/things/t",
)  # fmt: skip


# An answer that names an identity: bodies are looked at by others, unless their name is written in code points.
_ANSWERED = {
    "time": "2026-05-11T08:05:00.5Z", "category": "Administrative", "resultType": "Success", "correlationId": ID,
    "operationName": "Microsoft.ManagedIdentity/userAssignedIdentities/write", "tenantId": TENANT,
    "resourceId": f"/subscriptions/{TENANT}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a",
    "properties": {"responseBody": json.dumps({"properties": {"principalId": ID, "clientId": TENANT}})},
}  # fmt: skip


def _exports(loader, constructed):
    """Constructed export records of a source, one of each operation and shape."""
    found = {}
    if _ANSWERED["category"] in loader.categories:
        found = {"answered": _ANSWERED, "claimed": {**_ANSWERED, "category": "Write"}}
    for path in sorted((constructed / "diagnostic-export").glob("*.jsonl")):
        for record in map(json.loads, path.read_text().splitlines()):
            if record.get("category") in loader.categories:
                found.setdefault((record.get("operationName"), *record, *_inner(record)), record)
    return list(found.values())


def _inner(record):
    return record["properties"] if isinstance(record.get("properties"), dict) else ()


def _changed(found: object) -> Iterator[object]:
    """What is like it but for one value or name at any depth."""
    if not isinstance(found, dict):
        return
    for name, value in found.items():
        others = {key: item for key, item in found.items() if key != name}
        yield others
        yield {**others, name.upper(): value}
        yield {name.swapcase(): value, **found}
        yield from ({**found, name: odd} for odd in (*_ODD, json.dumps(value), *_written_otherwise(value)))
        yield from ({**found, name: inner} for inner in _changed(value))
    yield {**found, "addedLately": 1}


def _written_otherwise(value):
    return (value.upper(), [value], value.split()) if isinstance(value, str) else (str(value),)


def _in_code_points(line):
    """The same JSON with the first letter of every text written as a code point."""
    return re.sub(r'"(\w)', lambda letter: f'"\\u{ord(letter[1]):04x}', line)


@pytest.mark.parametrize("loader", [*LOADERS, *OTHERS], ids=lambda loader: loader.source)
def test_one_odd_value_anywhere_is_read_alike(loader, constructed, tmp_path):
    path = tmp_path / "PT1H.json"
    records = _exports(loader, constructed)
    for number, record in enumerate(records):
        usual = json.dumps(record)
        changed = map(json.dumps, _changed(record) if number < 2 else [])
        path.write_text(
            "\n".join(
                [usual, usual, _in_code_points(usual), usual, *(line for other in changed for line in (other, usual))]
            )
        )
        assert _read(path, None) == _read(path, WITHOUT)


def _as_messages(lines):
    """As an event hub delivers them: some records in each line."""
    return "\n".join(f'{{"records": [{",".join(lines[at : at + 7])}]}}' for at in range(0, len(lines), 7))


@pytest.mark.parametrize(
    "written", ["\n".join, lambda lines: f"[{','.join(lines)}]", _as_messages], ids=["lines", "list", "messages"]
)
def test_logs_in_turns_in_one_file_keep_their_short_cuts(written, constructed, tmp_path, monkeypatch):
    exports = [list(map(json.dumps, _exports(loader, constructed))) for loader in OTHERS]
    usual = [next(line for line in lines if not suspicious(line.encode())) for lines in exports]
    usual += [_lines(loader, [({}, {})])[0] for loader in LOADERS] + [_rows(loader, [{}])[0] for loader in LOADERS]
    path = tmp_path / "PT1H.json"
    path.write_text(written([line for n in range(30) for line in (*usual[n % 5 :], '"broken"', *usual[: n % 5])]))
    detected = []
    detect = Detector.detect
    monkeypatch.setattr(Detector, "detect", lambda *given: detected.append(given) or detect(*given))
    found = _read(path, None)
    assert len(detected) == len(usual), "each is recognised once"
    assert found == _read(path, WITHOUT)


@pytest.mark.parametrize("loader", OTHERS, ids=lambda loader: loader.source)
def test_records_of_a_short_cut_are_its_columns(loader, constructed):
    short_cut = loader.short_cuts[Carrier.EXPORT]
    decoded = []
    for record in _exports(loader, constructed):
        with contextlib.suppress(RecordError, msgspec.DecodeError):
            decoded.append(short_cut.decode(json.dumps(record).encode()))
    assert decoded
    assert completed(loader.record, short_cut.columns(decoded), len(decoded)).equals(table_of(loader.record, decoded))


def test_what_was_learned_from_one_file_changes_nothing_in_the_next(constructed, tmp_path):
    usual = [json.dumps(records[0]) for loader in (*LOADERS, *OTHERS) if (records := _exports(loader, constructed))]
    broken = [json.dumps(next(_changed(json.loads(line)))) for line in usual]
    texts = [*usual, *reversed(usual), *broken, "{", "[" + usual[0] + "]", "", json.dumps({"records": []}), usual[0]]
    for number, text in enumerate(itertools.chain.from_iterable(zip(texts, texts, strict=True))):
        (tmp_path / f"{number:03}.json").write_text(text)
    assert _read(tmp_path, None) == _read(tmp_path, WITHOUT)
