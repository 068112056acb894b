"""For the tests of ingest: two small loaders, a sink that keeps everything, two records in every shape."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable

from graphcorr.errors import RecordError
from graphcorr.ingest.delivery import Batch, Delivered
from graphcorr.ingest.loader import Carrier, Context, JsonObject, Loader
from graphcorr.records import Activity, Record
from graphcorr.times import parse_time

R1 = {"TimeGenerated": "2026-05-11T08:00:00Z", "Type": "Alpha", "N": 1}
R2 = {"TimeGenerated": "2026-05-11T08:00:01Z", "Type": "Alpha", "N": 2}
J1, J2 = json.dumps(R1).encode(), json.dumps(R2).encode()
P1, P2 = json.dumps(R1, indent=2).encode(), json.dumps(R2, indent=2).encode()
TABLES = {
    "tables": [
        {
            "name": "PrimaryResult",
            "columns": [{"name": "TimeGenerated", "type": "datetime"}, {"name": "Type"}, {"name": "N"}, {"name": "X"}],
            "rows": [["2026-05-11T08:00:00Z", "Alpha", 1, None], ["2026-05-11T08:00:01Z", "Alpha", 2, "x"]],
        }
    ]
}
OLDER_TABLES = {
    "Tables": [
        {
            "TableName": "Table_0",
            "Columns": [{"ColumnName": name, "DataType": "String"} for name in ("TimeGenerated", "Type", "N", "X")],
            "Rows": TABLES["tables"][0]["rows"],
        }
    ]
}
KUSTO_COLUMNS = OLDER_TABLES["Tables"][0]["Columns"]
KUSTO_ROWS = OLDER_TABLES["Tables"][0]["Rows"]
# An answer as Kusto gives it, version 1: the last table says what the others are.
KUSTO_TABLES = {
    "Tables": [
        *OLDER_TABLES["Tables"],
        {"TableName": "Table_1", "Columns": [{"ColumnName": "Value"}], "Rows": [['{"Visualization":null}']]},
        {"TableName": "Table_2", "Columns": [{"ColumnName": "Timestamp"}], "Rows": [["2026-05-11T08:00:00Z"]]},
        {
            "TableName": "Table_3",
            "Columns": [{"ColumnName": name} for name in ("Ordinal", "Kind", "Name", "Id", "PrettyName")],
            "Rows": [
                [0, "QueryResult", "PrimaryResult", "a", ""],
                [1, "QueryProperties", "@ExtendedProperties", "b", ""],
                [2, "QueryStatus", "QueryStatus", "c", ""],
            ],
        },
    ]
}
# Version 2.
FRAMES = [
    {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"},
    {
        "FrameType": "DataTable",
        "TableId": 0,
        "TableKind": "QueryProperties",
        "TableName": "@ExtendedProperties",
        "Columns": [{"ColumnName": "Value", "ColumnType": "dynamic"}],
        "Rows": [["{}"]],
    },
    {
        "FrameType": "DataTable",
        "TableId": 1,
        "TableKind": "PrimaryResult",
        "TableName": "PrimaryResult",
        "Columns": KUSTO_COLUMNS,
        "Rows": KUSTO_ROWS,
    },
    {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False},
]
BATCH = {
    "responses": [
        {"id": "1", "status": 200, "headers": {}, "body": {"value": [R1]}},
        {"id": "2", "status": 200, "body": {"value": [R2]}},
    ]
}
BATCH_LOG_ANALYTICS = {"responses": [{"id": "1", "status": 200, "headers": {"Age": "9"}, "body": TABLES}]}
MESSAGE = {"SequenceNumber": 1, "Offset": "4", "EnqueuedTimeUtc": "5/11/2026 8:00:05 AM", "SystemProperties": {}}
MARK = b"\xef\xbb\xbf"


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


# content, lines on which the two records start, shapes
SHAPES = {
    "JSON Lines": (J1 + b"\n" + J2 + b"\n", [1, 2], ("jsonLines",)),
    "JSON Lines without a last line feed": (J1 + b"\n" + J2, [1, 2], ("jsonLines",)),
    "JSON Lines with CRLF": (J1 + b"\r\n" + J2 + b"\r\n", [1, 2], ("jsonLines",)),
    "JSON Lines with blank lines": (b"\n" + J1 + b"\n\n" + J2 + b"\n", [2, 4], ("jsonLines",)),
    "byte order mark": (b"\xef\xbb\xbf" + J1 + b"\n" + J2, [1, 2], ("jsonLines",)),
    "UTF-16 with mark, little endian": ((J1 + b"\n" + J2).decode().encode("utf-16"), [1, 2], ("jsonLines",)),
    "UTF-16 with mark, big endian": (
        b"\xfe\xff" + (J1 + b"\n" + J2).decode().encode("utf-16-be"),
        [1, 2],
        ("jsonLines",),
    ),
    "UTF-16 without mark": ((J1 + b"\n" + J2).decode().encode("utf-16-le"), [1, 2], ("jsonLines",)),
    "pretty-printed objects": (P1 + b"\n" + P2 + b"\n", [1, 6], ("document",)),
    "an object a line, then a pretty-printed one": (J1 + b"\n" + P2, [1, 2], ("jsonLines",)),
    "array in one line": (b"[" + J1 + b"," + J2 + b"]", [1, 1], ("array",)),
    "array, one element a line": (b"[\n" + J1 + b",\n" + J2 + b"\n]\n", [2, 3], ("array",)),
    "pretty-printed array": (json.dumps([R1, R2], indent=1).encode(), [2, 7], ("array",)),
    "records, pretty-printed": (json.dumps({"records": [R1, R2]}, indent=1).encode(), [3, 8], ("records",)),
    "records, elements a line": (b'{"records": [\n' + J1 + b",\n" + J2 + b"]}", [2, 3], ("records",)),
    "a records message a line": (
        b'{"records":[' + J1 + b']}\n{"records":[' + J2 + b"]}\n",
        [1, 2],
        ("records",),
    ),
    "a bundle of STIX": (b'{"type":"bundle","id":"x","objects":[\n' + J1 + b",\n" + J2 + b"]}", [2, 3], ("objects",)),
    "objects of a STIX server": (b'{"more": false, "objects": [\n' + J1 + b",\n" + J2 + b"]}", [2, 3], ("objects",)),
    "objects inside a record": (
        J1[:-1] + b',"objects":[{"a":1}]}\n' + J2[:-1] + b',"objects":[]}',
        [1, 2],
        ("document",),
    ),
    "array of records messages": (
        b'[{"records":[' + J1 + b']},\n{"records":[' + J2 + b"]}]",
        [1, 2],
        ("array", "records"),
    ),
    "value": (json.dumps({"value": [R1, R2], "nextLink": "x"}, indent=1).encode(), [3, 8], ("value",)),
    "tables": (json.dumps(TABLES, indent=None).replace("[[", "[\n[").encode(), [2, 2], ("tables",)),
    "tables of older clients": (json.dumps(OLDER_TABLES).replace("[[", "[\n[").encode(), [2, 2], ("tables",)),
    "advanced hunting": (
        json.dumps({"schema": [{"name": "N"}], "results": [R1, R2]}, indent=1).encode(),
        [8, 13],
        ("results",),
    ),
    "CSV": (b"TimeGenerated,Type,N\n2026-05-11T08:00:00Z,Alpha,1\n2026-05-11T08:00:01Z,Alpha,2\n", [2, 3], ("csv",)),
    "CSV with line breaks in cells": (
        b'TimeGenerated,Type,N,T\r\n2026-05-11T08:00:00Z,Alpha,1,"a\r\nb\r\n"\r\n2026-05-11T08:00:01Z,Alpha,2,\r\n',
        [2, 5],
        ("csv",),
    ),
    "CSV with semicolons": (
        b"TimeGenerated;Type;N\n2026-05-11T08:00:00Z;Alpha;1\n2026-05-11T08:00:01Z;Alpha;2",
        [2, 3],
        ("csv",),
    ),
    "CSV with tabs, UTF-16": (
        "TimeGenerated\tType\tN\n2026-05-11T08:00:00Z\tAlpha\t1\n2026-05-11T08:00:01Z\tAlpha\t2".encode("utf-16"),
        [2, 3],
        ("csv",),
    ),
    "CSV with a semicolon that Excel is told of": (
        b"sep=;\r\nTimeGenerated;Type;N\r\n2026-05-11T08:00:00Z;Alpha;1\r\n2026-05-11T08:00:01Z;Alpha;2\r\n",
        [3, 4],
        ("csv",),
    ),
    "CSV of Windows PowerShell": (
        b'#TYPE System.Object[], mscorlib\r\n"TimeGenerated","Type","N"\r\n'
        b'"2026-05-11T08:00:00Z","Alpha","1"\r\n"2026-05-11T08:00:01Z","Alpha","2"\r\n',
        [3, 4],
        ("csv",),
    ),
    "several CSV files joined": (
        MARK + b'#TYPE X\n"TimeGenerated",Type,N\n2026-05-11T08:00:00Z,Alpha,1\n' + MARK + b"#TYPE X\n"
        b'"TimeGenerated",Type,N\n2026-05-11T08:00:01Z,Alpha,2\n' + MARK + b'"TimeGenerated",Type,N\n',
        [3, 6],
        ("csv",),
    ),
    "several files of JSON Lines joined": (MARK + J1 + b"\n" + MARK + J2 + b"\n" + MARK, [1, 2], ("jsonLines",)),
    "several documents joined": (MARK + P1 + b"\n" + MARK + P2 + MARK + b"\n", [1, 6], ("document",)),
    "a list of Windows PowerShell": (
        json.dumps({"value": [R1, R2], "Count": 2}, indent=1).encode(),
        [3, 8],
        ("value",),
    ),
    "query by PowerShell": (
        json.dumps({"Results": [R1, R2], "Render": None, "Statistics": None, "Error": None}, indent=1).encode(),
        [3, 8],
        ("results",),
    ),
    "Azure DevOps": (
        json.dumps({"decoratedAuditLogEntries": [R1, R2], "continuationToken": "x", "hasMore": False}).encode(),
        [1, 1],
        ("decoratedauditlogentries",),
    ),
    "Kusto, version 1": (json.dumps(KUSTO_TABLES).replace("[[", "[\n[").encode(), [2, 2], ("tables",)),
    "Kusto, version 2": (json.dumps(FRAMES).replace("[[", "[\n[").encode(), [3, 3], ("array", "frames")),
    "answers to a batch": (json.dumps(BATCH, indent=1).encode(), [9, 22], ("responses", "body", "value")),
    "answers to batches": (
        b"[" + json.dumps(BATCH).encode() + b"]",
        [1, 1],
        ("array", "responses", "body", "value"),
    ),
    "answers of Log Analytics to a batch": (
        json.dumps(BATCH_LOG_ANALYTICS).replace("[[", "[\n[").encode(),
        [2, 2],
        ("responses", "body", "tables"),
    ),
    "messages of an event hub, peeked": (
        json.dumps([{"body": {"records": [R1, R2]}, "sequenceNumber": 7, "offset": "4"}], indent=1).encode(),
        [5, 10],
        ("array", "body", "records"),
    ),
    "a captured message of an event hub a line": (
        b"\n".join(
            json.dumps({**MESSAGE, "Body": json.dumps({"records": [row]}, indent=1)}).encode() for row in (R1, R2)
        ),
        [1, 2],
        ("body", "records"),
    ),
    "gzip": (gzip.compress(J1 + b"\n" + J2), [1, 2], ("jsonLines",)),
    "gzip of several members": (gzip.compress(J1 + b"\n") + gzip.compress(J2), [1, 2], ("jsonLines",)),
    "zip": (zipped(b=J2, a=J1), [1, 1], ("jsonLines",)),
    "gzip in zip": (zipped(a=gzip.compress(J1), b=gzip.compress(J2)), [1, 1], ("jsonLines",)),
    "zip in zip": (zipped(inner=zipped(a=J1, b=J2)), [1, 1], ("jsonLines",)),
    "zip in gzip": (gzip.compress(zipped(a=J1, b=J2)), [1, 1], ("jsonLines",)),
}


def _parse(source: str) -> Callable[[JsonObject, Context], Record | None]:
    """The record's `operation` is the object's number, so that tests can name what arrived."""

    def parse(obj: JsonObject, context: Context) -> Record | None:
        properties = obj.get("properties")
        body = properties if isinstance(properties, dict) else obj
        number = body.get("N", body.get("n"))
        if number == "empty":
            return None
        if number == "bad":
            raise RecordError("bad number", hint="count again")
        if number == "crash":
            return body["missing"]  # type: ignore[no-any-return]
        at = parse_time(obj.get("TimeGenerated", obj.get("time")))
        return Activity(
            source=source,
            event_key=f"{source}:{number}",
            service="test",
            operation=str(number),
            at=at,
            object_path=context.odata_context,
            resource_id=context.path_resource_id,
            tenant_id=context.path_tenant_id,
            correlation_id=context.observed_at,
        )

    return parse


def _rows(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    return {"N", "OnlyHere"} <= keys


def _graph(keys: frozenset[str], obj: JsonObject, context: Context) -> bool:
    return "n" in keys and "graphOnly" in keys


ALPHA = Loader(
    source="Alpha",
    record=Activity,
    title="Alpha for tests",
    parse=dict.fromkeys((Carrier.EXPORT, Carrier.ROW, Carrier.CSV, Carrier.GRAPH), _parse("Alpha")),
    categories=("AlphaCategory",),
    claims={Carrier.ROW: _rows, Carrier.CSV: _rows, Carrier.GRAPH: _graph},
    known={
        Carrier.ROW: frozenset({"N"}),
        Carrier.CSV: frozenset({"N"}),
        Carrier.EXPORT: frozenset({"n"}),
    },
)
BETA = Loader(
    source="Beta",
    record=Activity,
    title="Beta for tests",
    parse=dict.fromkeys((Carrier.EXPORT, Carrier.ROW, Carrier.CSV, Carrier.REST), _parse("Beta")),
    categories=("BetaCategory", "AuditThing"),
    providers=("microsoft.beta",),
    tables=("AzureDiagnostics",),
    claims={Carrier.REST: lambda keys, obj, context: "eventDataId" in keys},
)
LOADERS = (ALPHA, BETA)


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def add(self, batch: Batch) -> None:
        self.batches.append(batch)

    @property
    def all(self) -> list[Delivered]:
        return [delivered for batch in self.batches for delivered in batch]
