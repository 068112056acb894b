"""Reads sample files as the readers hand them to loaders, without the run around them."""

from __future__ import annotations

import csv
import importlib
import json
from pathlib import Path
from typing import Any

import msgspec

from graphcorr import times
from graphcorr.ingest.loader import Carrier, Context, Loader
from graphcorr.records import Record

NOTHING_KNOWN = Context()


def loader(module: str) -> Loader:
    found = importlib.import_module(f"graphcorr.loaders.{module}").LOADER
    assert isinstance(found, Loader)
    return found


def objects(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON file: array, `records` or `value` envelope, one object, or JSON Lines."""
    text = path.read_text("utf-8-sig")
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(whole, dict):
        whole = whole.get("records", whole.get("value", whole))
    return whole if isinstance(whole, list) else [whole]


def csv_objects(path: Path) -> list[dict[str, Any]]:
    """The rows of a portal CSV with clean column names, empty cells left out and times as ISO text."""
    rows = []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for cells in csv.DictReader(lines):
            row: dict[str, Any] = {}
            for header, cell in cells.items():
                name = header.removesuffix(" [UTC]")
                when = times.parse_time(cell) if name != header else None
                if cell:
                    row[name] = cell if when is None else when.isoformat().replace("+00:00", "Z")
            rows.append(row)
    return rows


def parse(source: Loader, carrier: Carrier, obj: dict[str, Any], context: Context = NOTHING_KNOWN) -> Any:
    """The one record of an object. Round-trips it through JSON first: loaders must not change what they are given."""
    before = json.dumps(obj)
    found = source.parse[carrier](obj, context)
    assert json.dumps(obj) == before, "a loader changed the object that it was given"
    assert found is None or isinstance(found, source.record)
    if found is not None:
        # Types as declared: the archive derives its columns from them.
        assert msgspec.convert(msgspec.to_builtins(found), type(found)) == found
    return found


def stated(record: Record, *without: str) -> dict[str, Any]:
    """The fields that a record states, except those named."""
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    return {name: value for name, value in fields.items() if value not in (None, ()) and name not in without}


def differences(left: Record, right: Record) -> set[str]:
    """Names of the fields in which two records differ."""
    return {name for name in left.__struct_fields__ if getattr(left, name) != getattr(right, name)}
