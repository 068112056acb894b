"""Paths → batches of records for a sink, and a report. The last stage of ingest; the archive stands behind the sink."""

from __future__ import annotations

import itertools
import os
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from graphcorr import ids
from graphcorr.errors import ConfigError, GraphcorrError, RecordError
from graphcorr.ingest import readers, workers
from graphcorr.ingest import registry as registered
from graphcorr.ingest.columns import joined
from graphcorr.ingest.delivery import Batch, Run
from graphcorr.ingest.detect import Detector, Match, NotLoaded
from graphcorr.ingest.indicators import ADDRESS_COLUMNS, column_name
from graphcorr.ingest.loader import UNEXPECTED, Carrier, Context, JsonObject, Loader
from graphcorr.ingest.readers import Page
from graphcorr.ingest.report import FileReport, ReadReport, Tally
from graphcorr.records import Record
from graphcorr.times import to_iso

# A batch goes to the sink when it has this many records or raw bytes.
BATCH_RECORDS = 16_000
BATCH_BYTES = 48 << 20

# Several processes pay off when there is this much to read. Each gets so much at a time, and less towards the end, so
# that none works much longer than the others.
_SHARED_BYTES = 50 << 20
_TASK_BYTES = 32 << 20
_LEAST_TASK_BYTES = 4 << 20

# The last of these in a path is taken for the day of a file's records: `y=2026/m=05/d=11`, `2026-05-11`, `20260511`.
_DAY = re.compile(r"(?<!\d)(20\d\d)\D{0,3}(\d\d)\D{0,3}(\d\d)(?!\d)")

# Hashes kept to count repetitions. Repeated deliveries stand close together; a set of all would grow without end.
_REMEMBERED = 200_000

_PATH_TENANT = re.compile(r"(?:^|/)(?:tenantId=|resourceId=/*TENANTS/)([0-9a-fA-F-]{36})(?=/|$)", re.IGNORECASE)
_PATH_RESOURCE = re.compile(r"(?:^|/)resourceId=/*(SUBSCRIPTIONS/.+?)(?=/y=\d{4}(?:/|$)|/[^/]*$)", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)(20\d{2})[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True)
class ReadOptions:
    """What the user says about the input. All optional."""

    # Tenant of records that do not state theirs.
    tenant_id: str | None = None
    # When an inventory was taken; else a date in its file name.
    observed_at: datetime | None = None
    # Zone of CSV files with times in the viewer's zone.
    time_zone: tzinfo | None = None


class Sink(Protocol):
    """Takes records in batches of some thousand, all kinds mixed, those of a kind mostly in file order."""

    def add(self, batch: Batch) -> None: ...


class SinkPart(Sink, Protocol):
    """What one process fills. It can be pickled before it is filled and after it is closed."""

    def close(self) -> None:
        """Nothing more will come."""
        ...


@runtime_checkable
class SharedSink(Sink, Protocol):
    """A sink that can be filled by several processes."""

    def part(self) -> Any:
        """An empty SinkPart."""
        ...

    def take(self, part: Any) -> None:
        """Take over what a closed part of this sink holds."""
        ...


class Progress(Protocol):
    """Is told after every batch and every file how far the work has come: records so far, total unknown."""

    def __call__(self, what: str, done: int, total: int | None) -> None: ...


def read_logs(
    paths: Sequence[str | Path],
    sink: Sink,
    options: ReadOptions | None = None,
    registry: Sequence[Loader] | None = None,
    progress: Progress | None = None,
    processes: int | None = None,
) -> ReadReport:
    """Read files, folders and standard input (`-`) into the sink; say what was found, file by file.

    Bad input never raises: it is in the report. ConfigError for broken loaders, and whatever the sink raises.
    `registry` are the loaders to use, by default all that come with graphcorr. `processes` share the work if the sink
    is a SharedSink and the registry is the default; by default as many as pay off. They change nothing but the time.
    """
    files, empty = _expanded(paths)
    tallies: list[Tally]
    sizes = dict(zip(files, map(_size, files), strict=True))
    if registry is None and isinstance(sink, SharedSink) and _processes(sizes, processes) > 1:
        tallies = _read_shared(sizes, sink, options, progress, _processes(sizes, processes))
    else:
        loaders = registered.all() if registry is None else tuple(registry)
        tallies = _read_files(zip(files, itertools.repeat(None)), sink, options, loaders, progress)
    return ReadReport((*empty, *(tally.report() for tally in tallies)))


_Task = Sequence[str] | readers.Piece


def _read_files(
    files: Iterable[tuple[str, readers.Piece | None]],
    sink: Sink,
    options: ReadOptions | None,
    loaders: Sequence[Loader] | None,
    progress: Progress | None = None,
) -> list[Tally]:
    tallies: list[Tally] = []
    preferred = readers.Preferred()
    runs: list[Run] = []
    count = size = done = 0
    for path, piece in files:
        tally = Tally(path)
        for whole in read_file(path, tally, options, loaders, piece, preferred):
            for run in whole.pieces(BATCH_RECORDS - count, BATCH_RECORDS):
                runs.append(run)
                count += len(run)
                size += run.raws.nbytes
                done += len(run)
                if count >= BATCH_RECORDS or size >= BATCH_BYTES:
                    sink.add(Batch(runs))
                    runs, count, size = [], 0, 0
                    if progress is not None:
                        progress("records read", done, None)
        tallies.append(tally)
        if progress is not None:
            progress("records read", done, None)
    if runs:
        sink.add(Batch(runs))
    return tallies


# -- in several processes ----------------------------------------------------------------------------------------


def _read_shared(
    sizes: Mapping[str, int], sink: SharedSink, options: ReadOptions | None, progress: Progress | None, processes: int
) -> list[Tally]:
    """As `_read_files`, in several processes: some of the files each, of a large file a piece each."""
    tallies: list[Tally] = []
    # Of the file that is read in pieces.
    pieces: list[tuple[Any, Tally]] = []
    repetitions = Repetitions()
    done = 0
    calls = ((task, sink.part(), options) for task in _tasks(_by_day(sizes), processes))
    for task, part, found in workers.results(_read_part, calls, processes):
        if isinstance(task, readers.Piece):
            (tally,) = found
            tally.repeated = repetitions.among(tally.hashes or ())
            tally.hashes = None
            pieces.append((part, tally))
            if task.end is None:
                tallies.append(_of_pieces(task.path, pieces, sink, options))
                pieces, repetitions = [], Repetitions()
        else:
            sink.take(part)
            tallies += found
        done += sum(tally.records for tally in found)
        if progress is not None:
            progress("records read", done, None)
    places = {file: place for place, file in enumerate(sizes)}
    return sorted(tallies, key=lambda tally: places[tally.path])


def _by_day(sizes: Mapping[str, int]) -> dict[str, int]:
    """Files of a day together, if their paths say so: then what one process reads makes few files of the archive."""

    def day(file: str) -> str:
        found = _DAY.findall(file)
        return "".join(found[-1]) if found else ""

    return {file: sizes[file] for file in sorted(sizes, key=day)}


def _read_part(task: _Task, part: SinkPart, options: ReadOptions | None) -> tuple[_Task, SinkPart, list[Tally]]:
    files = [(task.path, task)] if isinstance(task, readers.Piece) else [(path, None) for path in task]
    tallies = _read_files(files, part, options, None)
    part.close()
    return task, part, tallies


def _of_pieces(path: str, pieces: Sequence[tuple[Any, Tally]], sink: SharedSink, options: ReadOptions | None) -> Tally:
    """The tally of a file from those of its pieces; the file is read again if its pieces do not stand on their own."""
    if not all(tally.by_lines for _, tally in pieces):
        _, part, tallies = _read_part([path], sink.part(), options)
        sink.take(part)
        return tallies[0]
    (_, whole), *later = pieces
    for part, _ in pieces:
        sink.take(part)
    for _, tally in later:
        whole.join(tally)
    return whole


def _processes(sizes: Mapping[str, int], wanted: int | None) -> int:
    """As many as are wanted or pay off, and not more than can have something to do."""
    size = sum(sizes.values())
    if readers.STDIN in sizes:
        return 1
    most = max(len(sizes), size // _TASK_BYTES)
    return min(wanted or (workers.cores() if size >= _SHARED_BYTES else 1), most)


def _tasks(sizes: Mapping[str, int], processes: int) -> Iterator[_Task]:
    """Files that follow each other, some megabytes at a time, log by log, and pieces of the large ones."""
    task: list[str] = []
    size = 0
    left = sum(sizes.values())
    for file, its_size in sizes.items():
        enough = min(_TASK_BYTES, max(_LEAST_TASK_BYTES, left // (2 * processes)))
        left -= its_size
        found = readers.pieces(file, enough) if its_size > enough else iter(())
        first = next(found, None)
        if first is None:
            task.append(file)
            size += its_size
        if task and (first is not None or size >= enough):
            yield sorted(task)
            task, size = [], 0
        if first is not None:
            yield from itertools.chain([first], found)
    if task:
        yield sorted(task)


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size  # noqa: PTH116 - a third of the time, for each of many files
    except OSError:
        return 0  # reading it says why


def read_file(
    path: str,
    tally: Tally,
    options: ReadOptions | None = None,
    loaders: Sequence[Loader] | None = None,
    piece: readers.Piece | None = None,
    preferred: readers.Preferred | None = None,
) -> Iterator[Run]:
    """The records of one file, of a piece of it or of standard input (`-`); counts and problems go into the tally.

    Their order is that of the file, but that those of a short cut come together for each text that is read at a time.

    `preferred` is what was learned from files before, with the same loaders; it makes reading faster and nothing else.
    Else depends on nothing but its arguments, so that files can be read in any order and in several processes.
    """
    options = options or ReadOptions()
    detector = Detector(registered.all() if loaders is None else loaders)
    reading = _Reading(tally, detector, options, preferred or readers.Preferred())
    if piece is not None:
        tally.hashes = []
    for member in readers.members(path, tally, piece):
        yield from reading.member(member)
    tally.unknown_columns = detector.unknown_columns()


def _expanded(paths: Sequence[str | Path]) -> tuple[list[str], list[FileReport]]:
    """The files of all paths, each once, and reports of folders without files."""
    files: dict[str, str] = {}
    empty: list[FileReport] = []
    for path in map(str, paths):
        found = readers.files_in(path)
        real = path if path == readers.STDIN else os.path.realpath(path)
        for file in found:
            files.setdefault(_real(file, path, real), file)
        if not found:
            tally = Tally(path)
            tally.problem(None, "no files in this folder", "name the folder that holds the exported logs")
            empty.append(tally.report())
    return list(files.values()), empty


def _real(file: str, path: str, real: str) -> str:
    """The path without links of a file that is or lies below `path`, whose own path without links is `real`."""
    if os.path.islink(file):  # noqa: PTH114 - as in _size
        return os.path.realpath(file)
    below = file[len(path) :].lstrip(os.sep)  # in folders that are no links: others are not gone into
    return os.path.join(real, below) if below else real  # noqa: PTH118


_Read = tuple[Record, bytes, str, int]
"""A record, the bytes of its object, their hash and line."""
_Where = tuple[str, str | None, str | None]
"""A file with the tenants that its path and the user state."""


class _Reading:
    """The state of reading one file: what is known of the current member and page, and which records were seen."""

    def __init__(self, tally: Tally, detector: Detector, options: ReadOptions, preferred: readers.Preferred) -> None:
        self._preferred = preferred
        self._tally = tally
        self._detector = detector
        self._options = options
        self._repetitions = Repetitions()
        # Of the last object that gave records.
        self._match: Match

    def member(self, member: readers.Member) -> Iterator[Run]:
        tally, options = self._tally, self._options
        name = member.name
        path_tenant_id, path_resource_id = path_ids(name)
        observed_at = _observed_at(options, name)
        page_before: Page | None = None
        preferred = self._preferred
        preferred.begin()
        where = (name, path_tenant_id, options.tenant_id)
        # Records of one class and carrier that were read one by one.
        pending: list[_Read] = []
        alike: tuple[type[Record], Carrier] = (Record, Carrier.EXPORT)
        size = 0
        # Hashes of the objects read one by one since the last that were not.
        noted: list[str] = []
        for item in readers.items(member, options.time_zone, tally, preferred):
            if isinstance(item, readers.Usual):
                yield from _run(pending, alike, where)
                self._note(noted)
                noted = []
                yield self._usual(item, where)
                continue
            obj, line, raw, page = item
            if page is not page_before:
                page_before = page
                context = Context(
                    path_tenant_id=path_tenant_id,
                    path_resource_id=path_resource_id,
                    observed_at=observed_at,
                    odata_context=page.odata_context,
                    file_name=_file_name(name),
                )
            records = self._records(obj, line, page, context)
            if not records:
                continue
            match = self._match
            if match.short_cut is not None:
                preferred.offer(match.short_cut, match, raw)
            raw_hash = readers.hash_of(raw)
            noted.append(raw_hash)
            tally.records += len(records)
            for record in records:
                if alike != (type(record), match.carrier) or size >= BATCH_BYTES:
                    yield from _run(pending, alike, where)
                    alike = type(record), match.carrier
                    size = 0
                pending.append((record, raw, raw_hash, line))
                size += len(raw)
        yield from _run(pending, alike, where)
        self._note(noted)

    def _usual(self, usual: readers.Usual, where: _Where) -> Run:
        """What a short cut decoded, as deliveries."""
        match: Match = usual.whose
        tally, count = self._tally, len(usual.lines)
        tally.recognised = True
        tally.records += count
        tally.by_source[match.loader.source] += count
        self._note(usual.hashes)
        how = (match.loader.record, match.short_cut, match.carrier)
        return Run(*how, *where, usual.decoded, joined(usual.raws), usual.hashes, usual.lines)

    def _note(self, raw_hashes: list[str]) -> None:
        """Count the records of this file that came before."""
        if self._tally.hashes is not None:
            self._tally.hashes += raw_hashes
        else:
            self._tally.repeated += self._repetitions.among(raw_hashes)

    def _records(self, obj: JsonObject, line: int, page: Page, context: Context) -> tuple[Record, ...]:
        """The records of an object, `_match` says how they were found; none with the reason counted."""
        tally = self._tally
        try:
            detected = self._detector.detect(obj, page, context)
        except RecordError as error:
            tally.skipped += 1
            tally.problem(line, error.message, error.hint)
            return ()
        if not isinstance(detected, Match):
            self._note_unread(detected, obj, line)
            return ()
        match = detected
        try:
            tally.recognised = True
            obj = match.prepared(obj)
            match.count(obj)
            found = match.parse(obj, context)
            records = (found,) if isinstance(found, Record) else tuple(found or ())
            if not all(map(match.loader.makes, records)):
                raise ConfigError(
                    f"the loader of {match.loader.source} made no {match.loader.record.__name__} of its source with an "
                    f"event key, but {records!r:.200}",
                    hint="see loaders/README.md",
                )
        except RecordError as error:
            tally.skipped += 1
            tally.problem(line, error.message, error.hint)
        except GraphcorrError:
            raise  # a mistake in a loader's declaration, not in the input
        except UNEXPECTED as error:
            tally.skipped += 1
            message = f"unexpected shape: {type(error).__name__}: {_short(str(error))}"
            tally.problem(line, message, f"the loader of {match.loader.source} does not know it{_place(error)}")
        else:
            if records:
                self._match = match
                tally.by_source[match.loader.source] += len(records)
            else:
                tally.without_content += 1
            return records
        return ()

    def _note_unread(self, found: NotLoaded | None, obj: JsonObject, line: int) -> None:
        tally = self._tally
        if found is not None:
            tally.recognised = True
            tally.not_loaded[found.table] += 1
            return
        tally.skipped += 1
        keys = _short(", ".join(list(obj)[:6])) or "no keys at all"
        hint = "see `graphcorr loaders` for what is read"
        if any(column_name(key) in ADDRESS_COLUMNS for key in obj):
            hint += "; a list of addresses has no columns but those in docs/sources.md"
        tally.problem(line, f"no known log: {keys}", hint)


def _run(pending: list[_Read], alike: tuple[type[Record], Carrier], where: _Where) -> Iterator[Run]:
    """What is pending, as deliveries; then nothing is."""
    if pending:
        records, raws, hashes, lines = map(list, zip(*pending, strict=True))
        pending.clear()
        kind, carrier = alike
        yield Run(kind, None, carrier, *where, records, joined(raws), hashes, lines)


class Repetitions:
    """Knows which of the last records of a file were the same."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def among(self, raw_hashes: Sequence[str]) -> int:
        """How many of these, one after another, came before."""
        found = set(raw_hashes)
        none_twice = len(found) == len(raw_hashes) and self._seen.isdisjoint(found)
        if none_twice and len(self._seen) + len(found) <= _REMEMBERED:
            self._seen |= found
            return 0
        return sum(map(self._again, raw_hashes))

    def _again(self, raw_hash: str) -> bool:
        if raw_hash in self._seen:
            return True
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen.add(raw_hash)
        return False


def path_ids(name: str) -> tuple[str | None, str | None]:
    """Tenant id and ARM id (lower case) in the folders of a storage account's blob, each None if not there.

    `WorkspaceResourceId=` names a workspace, which is neither the tenant nor the resource of a record: not taken.
    """
    path = name.replace("\\", "/").replace("!", "/")
    tenant = _PATH_TENANT.search(path)
    resource = _PATH_RESOURCE.search(path)
    return ids.guid(tenant[1]) if tenant else None, ids.arm_id("/" + resource[1]) if resource else None


def _file_name(name: str) -> str:
    return re.split(r"[/\\!]", name)[-1]


def _observed_at(options: ReadOptions, name: str) -> str | None:
    if options.observed_at is not None:
        return to_iso(options.observed_at)
    for date in _DATE.finditer(_file_name(name)):
        try:
            return to_iso(datetime(int(date[1]), int(date[2]), int(date[3]), tzinfo=UTC))
        except ValueError:
            continue  # 20260231
    return None


def _place(error: BaseException) -> str:
    """Where in a loader an error came from."""
    places = [
        f" ({Path(frame.f_code.co_filename).name}, line {line})"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").startswith(registered.LOADER_PACKAGES)
    ]
    return places[-1] if places else ""


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."
