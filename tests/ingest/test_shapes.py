"""Every exported shape gives the same records, with the lines they start on and the bytes they had."""

from __future__ import annotations

import gzip
import io
import json

import pytest
from ingest_samples import J1, J2, R1, R2, SHAPES, zipped


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_gives_both_records_with_their_lines(read, shape):
    content, lines, shapes = SHAPES[shape]
    delivered, report = read(content)
    assert [d.record.operation for d in delivered] == ["1", "2"]
    assert [d.line for d in delivered] == lines
    assert report.problems == ()
    assert report.files[0].shapes == shapes
    assert [d.record.at.second for d in delivered] == [0, 1]


def test_raw_bytes_are_those_of_the_file(read):
    odd = b'{ "Type":"Alpha" , "N":1.0e0, "u":"\\u00e9\\/"}'
    delivered, _ = read(b"[" + odd + b" ,\n" + odd + b"]")
    assert [d.raw for d in delivered] == [odd, odd]
    assert delivered[0].raw_size == len(odd)
    assert delivered[0].raw_hash == delivered[1].raw_hash
    delivered, report = read(odd + b"\r\n" + odd + b"\r\n" + J1)
    assert [d.raw for d in delivered] == [odd, odd, J1]
    assert report.repeated == 1


def test_raw_of_csv_and_query_rows_is_a_json_object(read):
    delivered, _ = read(SHAPES["CSV"][0])
    assert json.loads(delivered[0].raw) == {"TimeGenerated": "2026-05-11T08:00:00Z", "Type": "Alpha", "N": "1"}
    delivered, _ = read(SHAPES["tables"][0])
    assert [json.loads(d.raw) for d in delivered] == [R1, {**R2, "X": "x"}]


def test_a_value_may_be_one_object_and_pages_keep_their_context(read):
    page = {"@odata.context": "https://x/$metadata#alphas", "value": {"n": 1, "graphOnly": True}}
    delivered, _ = read(json.dumps(page).encode())
    assert [(d.record.operation, d.record.object_path) for d in delivered] == [("1", "https://x/$metadata#alphas")]
    pages = [{"@odata.context": f"c{n}", "@odata.nextLink": "x", "value": [{"n": n, "graphOnly": 1}]} for n in (1, 2)]
    delivered, _ = read("\n".join(map(json.dumps, pages)).encode())
    assert [(d.record.operation, d.record.object_path) for d in delivered] == [("1", "c1"), ("2", "c2")]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"Name": "T", "Properties": [{"Name": "TenantId", "Type": "String"}]}).encode(),
        json.dumps({"tables": [{"columns": [{"name": "N"}], "rows": []}]}).encode(),
        b'{"value": []}',
        b'{"records": []}',
        b"[]",
        b"TimeGenerated [UTC],Type,N\n",
    ],
)
def test_an_understood_file_without_records_is_no_error(read, content):
    delivered, report = read(content)
    assert (delivered, report.problems, report.nothing_readable) == ([], (), False)


def test_standard_input(read, monkeypatch):
    stdin = type("Stdin", (), {"buffer": io.BytesIO(gzip.compress(J1 + b"\n" + J2))})
    monkeypatch.setattr("sys.stdin", stdin)
    delivered, _ = read("-")
    assert [(d.file, d.line) for d in delivered] == [("<stdin>", 1), ("<stdin>", 2)]


def test_a_folder_is_read_in_order_without_hidden_files(read, tmp_path):
    logs = tmp_path / "logs"
    for name, content in {"b/1": J2, "a": J1, ".hidden": J1, ".git/x": J1}.items():
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / name).write_bytes(content)
    delivered, report = read(logs, logs / "a")
    assert [d.file for d in delivered] == [str(logs / "a"), str(logs / "b/1")]
    assert report.problems == ()


TENANT = "d9139857-9d9d-40ae-b846-10539c9dfb58"
SUBSCRIPTION = "/subscriptions/bb6fc856-b52e-4f4c-9c47-7547100df6fe"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"insights-logs-x/tenantId={TENANT}/y=2026/m=05/d=11/h=06/m=00/PT1H.json", (TENANT, None)),
        (f"resourceId={SUBSCRIPTION.upper()}/y=2026/m=05/d=11/h=06/m=00/PT1H.json", (None, SUBSCRIPTION)),
        (f"resourceId=/TENANTS/{TENANT}/PROVIDERS/MICROSOFT.AADIAM/y=2026/m=05/PT1H.json", (TENANT, None)),
        (f"WorkspaceResourceId={SUBSCRIPTION}/resourcegroups/r/y=2026/m=05/PT05M.json", (None, None)),
    ],
)
@pytest.mark.parametrize("archived", [False, True])
def test_folders_of_a_storage_account_say_tenant_and_resource(read, tmp_path, name, expected, archived):
    if archived:
        delivered, _ = read(zipped(**{name.replace("/", "__"): J1}))
        assert delivered[0].file.endswith("input!" + name)
    else:
        path = tmp_path / "container" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(J1)
        delivered, _ = read(tmp_path / "container")
    record = delivered[0].record
    assert (record.tenant_id, record.resource_id) == expected
    assert delivered[0].path_tenant_id == expected[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("applications-2026-05-10.json", "2026-05-10T00:00:00.000Z"),
        ("sps_20260510T1200.json", "2026-05-10T00:00:00.000Z"),
        ("x-20260231.json", None),
        ("12320260510999", None),
    ],
)
def test_an_inventory_is_dated_by_its_file_name(read, name, expected):
    delivered, _ = read(J1, name=name)
    assert delivered[0].record.correlation_id == expected
