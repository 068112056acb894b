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
