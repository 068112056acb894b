"""Cases of the loaders as data: reads `tests/loaders/<loader file>/cases.yaml` and runs one of them.

A file holds `samples` and `cases`:

samples:                       at least one; a file in the loader's test folder, or under tests/data/constructed
  - file: constructed/diagnostic-export/insights-logs-auditlogs.jsonl
    carrier: diagnosticExport
    records: 12                records that the program makes of it with this loader
    events: 12                 different event keys among them
    skipped: 1                 optional: lines or records that nothing can be made of

cases:
  - name: a sentence about behaviour
    carrier: diagnosticExport  one of Carrier
    context: {observed_at: …}  optional, fields of Context
    record: {…}                the object as exported
    expect: {…}                every stated field of the record; None, (), and defaults are left out
    # or `expect: null` (nothing is kept), a list (several records), or `error: part of the message`

A case may hold `also: {graphApi: {…}, csv: {…}}`: the same event in other carriers, which must give the same record
except for the fields under `differs: {csv: {at: …}}` (null: the carrier does not state it).
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from graphcorr import ids
from graphcorr.errors import RecordError
from graphcorr.ingest import registry
from graphcorr.ingest.delivery import Batch, Delivered
from graphcorr.ingest.loader import Carrier, Context, Loader
from graphcorr.ingest.report import ReadReport
from graphcorr.ingest.run import ReadOptions, read_logs
from graphcorr.times import parse_time

HERE = Path(__file__).resolve().parent
LOADERS = {path.stem: path for path in sorted((HERE.parent.parent / "loaders").glob("*.py"))}


@dataclass(frozen=True)
class Case:
    loader: str
    name: str
    carrier: str
    record: dict[str, Any]
    expect: Any = None
    error: str | None = None
    context: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    loader: str
    file: str
    carrier: str
    records: int
    events: int
    skipped: int = 0


_Part = TypeVar("_Part", Case, Sample)


def loader_named(name: str) -> Loader:
    """The loader of a file in `loaders/`, found as the program finds it."""
    folder = LOADERS[name]
    module = __import__(f"graphcorr.loaders.{folder.stem}", fromlist=["LOADER"])
    assert module.LOADER in registry.all()
    return module.LOADER


def stated(record: msgspec.Struct) -> dict[str, Any]:
    """What a record states, as plain data: fields that differ from their default, parts likewise."""
    plain: dict[str, Any] = {}
    for info in msgspec.structs.fields(record):
        value = getattr(record, info.name)
        if value is None or value == () or (info.default is not msgspec.NODEFAULT and value == info.default):
            continue
        plain[info.name] = _plain(value)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return stated(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat().replace("+00:00", "Z")
    return value


def parse(loader: Loader, carrier: str, record: dict[str, Any], context: dict[str, str] | None = None) -> list[Any]:
    """The records that a loader makes of one object, as a list."""
    found = loader.parse[Carrier(carrier)](record, Context(**(context or {})))
    if found is None:
        return []
    return [found] if isinstance(found, msgspec.Struct) else list(found)


def unsound(loader: Loader, record: msgspec.Struct) -> list[str]:
    """What no record may be: of another class or source, without event key, with values of other types or other ids."""
    if not loader.makes(record):
        return [f"no {loader.record.__name__} of {loader.source} with an event key: {record}"]
    plain = msgspec.to_builtins(record)
    try:
        msgspec.convert(plain, loader.record)
    except msgspec.ValidationError as error:
        return [str(error)]
    return [
        f"{name} does not come from `ids`: {value}"
        for name, value in plain.items()
        if name.endswith("_id") and isinstance(value, str) and "-" in value and (ids.guid(value) or value) != value
    ]


def outcome(case: Case) -> Any:
    """What a case gives, in the form in which cases expect it."""
    try:
        loader = loader_named(case.loader)
        records = parse(loader, case.carrier, case.record, case.context)
    except RecordError as error:
        return f"error: {error}"
    assert [problem for record in records for problem in unsound(loader, record)] == []
    found = [stated(record) for record in records]
    for record in found:
        record.pop("source")  # held by `unsound`
    return None if not found else found[0] if len(found) == 1 else found


def cases() -> list[Case]:
    return [case for name in LOADERS for raw in _parts(name, "cases") for case in _variants(name, raw)]


def samples() -> list[Sample]:
    return [_made(Sample, name, raw) for name in LOADERS for raw in _parts(name, "samples")]


def _parts(name: str, of: str) -> list[dict[str, Any]]:
    path = HERE / name / "cases.yaml"
    if not path.is_file():
        return []
    try:
        return yaml.load(path.read_text("utf-8"), _Loader).get(of, [])
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error


def _made(part: type[_Part], loader: str, raw: dict[str, Any]) -> _Part:
    try:
        return part(loader=loader, **raw)
    except TypeError as error:  # a key too many or too few
        raise ValueError(f"{HERE / loader / 'cases.yaml'}: {raw.get('name') or raw.get('file')}: {error}") from error


class _Loader(yaml.CSafeLoader):
    """YAML without dates: times stay the text that the logs hold."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _variants(name: str, raw: dict[str, Any]) -> list[Case]:
    also, differs = raw.pop("also", {}), raw.pop("differs", {})
    case = _made(Case, name, raw)
    others = []
    for carrier, record in also.items():
        expect = {**case.expect, **differs.get(carrier, {})}
        expect = {key: value for key, value in expect.items() if value is not None}
        others.append(Case(name, f"{case.name} ({carrier})", carrier, record, expect, context=case.context))
    return [case, *others]


def sample_path(file: str, loader: str) -> Path:
    return HERE.parent / "data" / file if file.startswith("constructed/") else HERE / loader / file


def read_objects(path: Path) -> list[dict[str, Any]]:
    """The objects in a small file of any exported shape; the program's own readers have tests of their own."""
    text = path.read_text("utf-8-sig")
    if path.suffix == ".csv":
        return [_csv_object(row) for row in csv.DictReader(text.splitlines(keepends=True))]
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(document, list):
        return document
    if "tables" in document:
        (table,) = document["tables"]
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, row, strict=True)) for row in table["rows"]]
    found = document.get("records", document.get("value", document))
    return found if isinstance(found, list) else [found]


class _Collect:
    def __init__(self) -> None:
        self.delivered: list[Delivered] = []

    def add(self, batch: Batch) -> None:
        self.delivered.extend(batch)


def read(path: Path, options: ReadOptions | None = None) -> list[Delivered]:
    """Everything that the program reads from a file, with all loaders."""
    return read_and_told(path, options)[0]


def read_and_told(path: Path, options: ReadOptions | None = None) -> tuple[list[Delivered], ReadReport]:
    """As `read`, with the report."""
    sink = _Collect()
    report = read_logs([path], sink, options)
    return sink.delivered, report


def _csv_object(row: dict[str, str]) -> dict[str, str]:
    """As the readers hand over rows: clean names, no empty cells, times as UTC text."""
    clean: dict[str, str] = {}
    for header, cell in row.items():
        name = header.removesuffix(" [UTC]").removesuffix("_dynamic").removesuffix("_string")
        if not cell or name in clean:
            continue
        when = parse_time(cell) if header.endswith(" [UTC]") else None
        clean[name] = cell if when is None else when.isoformat().replace("+00:00", "Z")
    return clean
