"""What a reading says about itself: files, counts, problems. Written by the readers and the run, read by people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphcorr.errors import InputError

# A file with a million bad lines is described by its first ones; all are counted.
KEPT_PROBLEMS = 20

# Portals and query interfaces stop at these row counts without saying so (design 8: a Gap of kind rowLimit).
ROW_LIMITS = frozenset({10_000, 30_000, 50_000, 100_000, 500_000, 1_000_000})


@dataclass(frozen=True)
class Problem:
    """Something that could not be read. `line` is None where the whole file is meant."""

    file: str
    line: int | None
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.message} ({self.hint})" if self.hint else f"{where}: {self.message}"


@dataclass(frozen=True)
class FileReport:
    """What one file (with all members, if it is an archive) held."""

    path: str
    # Parts with content of their own: 1, or the members of a zip.
    members: int = 0
    # jsonLines, document, array, csv, list, and wrappers by their key (records, value, …), in order of appearance.
    shapes: tuple[str, ...] = ()
    # Bytes read, after decompression.
    bytes: int = 0
    # Records handed to the sink.
    records: int = 0
    by_source: Mapping[str, int] = field(default_factory=dict)
    # Records whose bytes equal those of an earlier record nearby in this file; they are delivered all the same.
    repeated: int = 0
    # Objects that gave no record and are described by a problem.
    skipped: int = 0
    # Objects that belong to a source but say nothing that is kept.
    without_content: int = 0
    # Objects of tables that no loader reads, by table.
    not_loaded: Mapping[str, int] = field(default_factory=dict)
    # Columns no loader knows: source → column → records that have it. They stay in the raw record.
    unknown_columns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    # The first KEPT_PROBLEMS of `problem_count`.
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    # True if a CSV or query answer holds exactly a known maximum of rows: it may have been cut off.
    row_limit: bool = False
    # True if it ends in the middle of a record, or is an answer that says that it is partial: something is missing.
    cut_off: bool = False
    # True if the file was understood: a log, a table without loader, a schema, an empty answer.
    recognised: bool = False

    @property
    def readable(self) -> bool:
        """True if it gave something, or was understood and had nothing to give; False if all of it was refused."""
        gave = self.records or self.without_content or self.not_loaded
        return self.recognised and bool(gave or not self.problem_count)


@dataclass(frozen=True)
class ReadReport:
    """What a call of `read_logs` found, file by file in reading order, and the totals."""

    files: tuple[FileReport, ...] = ()

    @property
    def records(self) -> int:
        return sum(file.records for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def repeated(self) -> int:
        return sum(file.repeated for file in self.files)

    @property
    def skipped(self) -> int:
        return sum(file.skipped for file in self.files)

    @property
    def without_content(self) -> int:
        return sum(file.without_content for file in self.files)

    @property
    def problem_count(self) -> int:
        return sum(file.problem_count for file in self.files)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The kept problems of all files, in reading order."""
        return tuple(problem for file in self.files for problem in file.problems)

    @property
    def by_source(self) -> dict[str, int]:
        return _sum(file.by_source for file in self.files)

    @property
    def not_loaded(self) -> dict[str, int]:
        return _sum(file.not_loaded for file in self.files)

    @property
    def unknown_columns(self) -> dict[str, dict[str, int]]:
        """Source → column → records that have it, over all files."""
        sources = sorted({source for file in self.files for source in file.unknown_columns})
        return {source: _sum(file.unknown_columns.get(source, {}) for file in self.files) for source in sources}

    @property
    def row_limited(self) -> tuple[str, ...]:
        """Files that hold exactly as many rows as an export delivers at most."""
        return tuple(file.path for file in self.files if file.row_limit)

    @property
    def cut_off(self) -> tuple[str, ...]:
        """Files that end in the middle of a record, or hold an answer that says that it is partial."""
        return tuple(file.path for file in self.files if file.cut_off)

    @property
    def nothing_readable(self) -> bool:
        """True if no input at all could be read as logs. An empty answer or a table without loader is readable."""
        return not any(file.readable for file in self.files)

    def input_error(self) -> InputError | None:
        """The error for "nothing readable", with the first reason; None if something was readable."""
        if not self.nothing_readable:
            return None
        first = next(iter(self.problems), None)
        if first is None:
            return InputError("no log could be read from the input", hint="name files or folders with logs")
        where = first.file if first.line is None else f"{first.file}:{first.line}"
        return InputError(first.message, where=where, hint=first.hint)


class Tally:
    """The growing counts of one file. Readers note problems and shapes here; `report` freezes it."""

    def __init__(self, path: str) -> None:
        self.path = path
        # Name of the part being read: the path, or `logs.zip!inner/name.json`.
        self.member = path
        self.members = 0
        self.shapes: dict[str, None] = {}
        self.bytes = 0
        self.records = 0
        self.by_source: Counter[str] = Counter()
        self.repeated = 0
        self.skipped = 0
        self.without_content = 0
        self.not_loaded: Counter[str] = Counter()
        self.unknown_columns: Mapping[str, Mapping[str, int]] = {}
        self.problems: list[Problem] = []
        self.problem_count = 0
        self.row_limit = False
        self.cut_off = False
        self.recognised = False
        # True if it is read line by line, so that parts of it can be read on their own.
        self.by_lines = False
        # Of a part of a file: hashes of its records, in order, for `repeated` of the whole.
        self.hashes: list[str] | None = None

    def problem(self, line: int | None, message: str, hint: str | None = None) -> None:
        """Count something that could not be read in the current member, and keep it if it is among the first."""
        self.problem_count += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(Problem(self.member, line, message, hint))

    def shape(self, name: str) -> None:
        """Note a shape that was met."""
        self.shapes[name] = None

    def rows(self, count: int) -> None:
        """Note the number of rows of a finished CSV or query answer."""
        self.row_limit = self.row_limit or count in ROW_LIMITS

    def join(self, later: Tally) -> None:
        """Add the counts of a later part of the same file."""
        self.shapes |= later.shapes
        self.bytes += later.bytes
        self.records += later.records
        self.by_source += later.by_source
        self.repeated += later.repeated
        self.skipped += later.skipped
        self.without_content += later.without_content
        self.not_loaded += later.not_loaded
        sources = self.unknown_columns.keys() | later.unknown_columns.keys()
        both = (self.unknown_columns, later.unknown_columns)
        self.unknown_columns = {source: _sum(counts.get(source, {}) for counts in both) for source in sources}
        self.problems = (self.problems + later.problems)[:KEPT_PROBLEMS]
        self.problem_count += later.problem_count
        self.cut_off = later.cut_off
        self.recognised = self.recognised or later.recognised

    def report(self) -> FileReport:
        """The counts so far, frozen and in a stable order."""
        return FileReport(
            path=self.path,
            members=self.members,
            shapes=tuple(self.shapes),
            bytes=self.bytes,
            records=self.records,
            by_source=dict(sorted(self.by_source.items())),
            repeated=self.repeated,
            skipped=self.skipped,
            without_content=self.without_content,
            not_loaded=dict(sorted(self.not_loaded.items())),
            unknown_columns={
                source: dict(sorted(columns.items())) for source, columns in sorted(self.unknown_columns.items())
            },
            problems=tuple(self.problems),
            problem_count=self.problem_count,
            row_limit=self.row_limit,
            cut_off=self.cut_off,
            recognised=self.recognised,
        )


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))
