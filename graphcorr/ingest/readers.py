"""Files → decoded objects with line numbers and raw bytes, free of secrets. First stage; knows no log source.

What a file is, is decided by its content, never by its name: compression, archive, encoding, JSON or CSV, wrapper.
Nothing here raises on bad input: problems go into the tally and whatever can be read is read.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import itertools
import json
import os
import re
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from graphcorr.errors import RecordError
from graphcorr.ingest.csv_rows import clean_name, csv_rows, delimiter_of
from graphcorr.ingest.fields import first
from graphcorr.ingest.loader import JsonObject, ShortCut
from graphcorr.ingest.redact import redacted, suspicious
from graphcorr.ingest.report import Tally
from graphcorr.ingest.word_lists import header_below_comments, is_address_list, list_rows

STDIN = "-"

# So much is read at a time, smaller files as a whole: with what is made of it, it stays in a processor's caches.
BLOCK = 512 << 10
# A document that is no JSON Lines is decoded in memory, and so is a single line.
MAX_DOCUMENT = 1 << 30
# Zip archives up to this size are kept in memory while they are read.
_SPOOLED = 256 << 20
# What is looked at to tell JSON from CSV from neither.
_HEAD = 1 << 16
# So many lines, blank ones among them, and what they are is told.
_TELLING_LINES = 50
# A longer line is likely a whole message with many records: only its elements are decoded.
_LONG_LINE = 1 << 17
# So many elements of a list are taken at a time.
_ELEMENTS = 2_000
# gzip in zip in zip is seen; deeper nesting is a bomb.
_MAX_NESTING = 3
# A list of answers to several requests, each with a page of records, is seen.
_MAX_WRAPPERS = 4
# So many objects nested too deeply, one after another, and the rest of a broken text is given up: each costs time.
_MAX_TOO_DEEP = 100

# So many lines in a row that short cuts refuse, and the rest of the file is read without them.
_MAX_REFUSED = 20
# So many kinds of lines are known at a time, told apart by so many bytes.
_MOST_LOGS = 64
_LONGEST_PAIR = 96

_UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)
# zipfile takes damaged offsets as they are.
_BROKEN_ZIP = (*_UNREADABLE, ValueError)
_UNDECODABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


@dataclass(frozen=True)
class Page:
    """What the objects of one wrapper have in common."""

    odata_context: str | None = None
    # Row of a CSV.
    csv: bool = False
    # Row of a query answer: columns of Log Analytics, whatever they are called.
    row: bool = False


PLAIN = Page()
CSV_PAGE = Page(csv=True)
ROW_PAGE = Page(row=True)

Item = tuple[JsonObject, int, bytes, Page]
"""Decoded object, line where it starts (from 1), its bytes in the file (of a CSV or query row: as a JSON object), its
page. Secrets are redacted in both."""


class Usual(NamedTuple):
    """Lines of one text that a short cut decoded: what it made of each, their bytes, hashes and numbers."""

    # What the caller of `Preferred.offer` says of the short cut.
    whose: Any
    decoded: list[Any]
    raws: list[bytes]
    # Made at once: a moment later the bytes are out of the processor's caches.
    hashes: list[str]
    lines: list[int]


def hash_of(raw: bytes) -> str:
    """What tells raw records apart: 32 hexadecimal digits of SHA-256, for which processors have instructions."""
    return sha256(raw).hexdigest()[:32]


class Preferred:
    """How lines are decoded first, as learned from the lines before: by the short cut of a loader, or not at all."""

    __slots__ = ("_known", "_last", "_refused", "decode", "whose")

    def __init__(self) -> None:
        # What a line says of its log → the short cut for it, and whose it is.
        self._known: dict[bytes, tuple[_Decode, Any]] = {}
        # The last short cut: lines and files that follow each other are mostly of one log.
        self._last: tuple[_Decode | None, Any] = (None, None)
        self.begin()

    def begin(self) -> None:
        """Another file begins."""
        self.decode, self.whose = self._last
        # Since one was last of use.
        self._refused = 0

    def offer(self, short_cut: ShortCut, whose: Any, raw: bytes) -> None:
        """Take this for lines like `raw`, the next ones first, unless too many lines were refused."""
        if self._refused >= _MAX_REFUSED:
            return
        if len(self._known) >= _MOST_LOGS:
            self._known.clear()
        self._last = self.decode, self.whose = self._known[_log_of(raw)] = (short_cut.decode, whose)

    def decode_for(self, raw: bytes) -> _Decode | None:
        """What to try next, on this line."""
        return self.decode if self.decode is not None or self.turn(raw) else None

    def turn(self, raw: bytes) -> bool:
        """Whether there is another one for this line; then it is the one to take."""
        other = self._known.get(_log_of(raw)) if self._refused < _MAX_REFUSED else None
        if other is None or other[0] is self.decode:
            return False
        self._last = self.decode, self.whose = other
        return True

    def refused(self) -> None:
        """A line was none for any."""
        self.decode = None
        self._refused += 1

    def useful(self) -> None:
        """A line was one for it."""
        self._refused = 0


_Decode = Callable[[bytes], Any]


def _log_of(raw: bytes) -> bytes:
    """The pair of a line that names its log, as written: a category or a table; empty if there is none."""
    start = raw.find(b'"category":')
    if start < 0:
        start = raw.find(b'"Type":')
    return raw[start : min(raw.find(b",", start), start + _LONGEST_PAIR)] if start >= 0 else b""


@dataclass(frozen=True)
class Member:
    """One stream of content: a file, or a part of a zip."""

    # As shown to people and stored: `logs.zip!inner/PT1H.json`.
    name: str
    # Decompressed bytes.
    blocks: Iterator[bytes]
    # Number of its first line.
    first_line: int = 1


# -- from a path to decompressed bytes ---------------------------------------------------------------------------


def files_in(path: str) -> list[str]:
    """The files a path stands for, sorted: itself, or all regular files below a folder except hidden ones."""
    if path == STDIN or not Path(path).is_dir():
        return [path]
    found: list[str] = []
    folders = [path]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file():  # a pipe would block for ever
                    found.append(entry.path)
    return sorted(found)


@dataclass(frozen=True)
class Piece:
    """Whole lines of a large plain file of JSON Lines."""

    path: str
    start: int
    # None: to the end of the file.
    end: int | None
    # Number of the line at `start`, from 1.
    first_line: int


def pieces(path: str, size: int) -> Iterator[Piece]:
    """Pieces of a file, in order, some `size` bytes each; none at all if it does not look like plain JSON Lines.

    Whether it is, is known only when all pieces are read (`Tally.by_lines`).
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD)
            if head[:1] != b"{" or b"\0" in head[1:4] or not _is_json_lines(head.split(b"\n")[:-1]):
                return
            start, line = 0, 1
            while True:
                file.seek(start)
                data = file.read(size)
                cut = data.rfind(b"\n{") if len(data) == size else -1
                if cut < 0:  # the end, or a line as long as a piece
                    yield Piece(path, start, None, line)
                    return
                yield Piece(path, start, start + cut + 1, line)
                start += cut + 1
                line += data.count(b"\n", 0, cut + 1)
    except OSError:
        return  # opening it again says why


def members(path: str, tally: Tally, piece: Piece | None = None) -> Iterator[Member]:
    """The contents of a file, or of a piece of it, or of standard input (`-`). What cannot be opened is a problem."""
    if path == STDIN:
        tally.member = "<stdin>"
        yield from _contents("<stdin>", _blocks(sys.stdin.buffer, tally), tally)
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - only the opening is in the try
    except OSError as error:
        hint = "check the path" if isinstance(error, FileNotFoundError) else "check the permissions"
        tally.problem(None, f"cannot be read: {error.strerror or error}", hint)
        return
    with file:
        if piece is None:
            yield from _contents(path, _blocks(file, tally), tally)
            return
        file.seek(piece.start)
        blocks = _blocks(file, tally)
        tally.members += 1
        size = None if piece.end is None else piece.end - piece.start
        yield Member(path, blocks if size is None else _first(blocks, size), first_line=piece.first_line)


def _first(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[:size]
        size -= len(block)
        if size <= 0:
            return


def _blocks(stream: IO[bytes] | gzip.GzipFile, tally: Tally) -> Iterator[bytes]:
    """Blocks until the end or the first error. `read1`: a `read` would drop what came before the error."""
    name = tally.member
    read1: Callable[[int], bytes] = stream.read1  # type: ignore[union-attr]
    while True:
        try:
            block = read1(BLOCK)
        except _UNREADABLE as error:
            tally.member = name
            tally.cut_off = True
            tally.problem(
                None,
                f"damaged or cut off: {error}",
                "records before the damage were read; fetch the file again for the rest",
            )
            return
        if not block:
            return
        yield block


class _Stream(io.RawIOBase):
    """A readable file over blocks."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._left = memoryview(b"")
        self._blocks = blocks

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._blocks, b""))
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _contents(name: str, blocks: Iterator[bytes], tally: Tally, nesting: int = 0) -> Iterator[Member]:
    head, blocks = _peek(blocks, 4)
    if nesting <= _MAX_NESTING and head[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=_Stream(blocks)) as unzipped:
            yield from _contents(name, _blocks(unzipped, tally), tally, nesting + 1)
    elif nesting <= _MAX_NESTING and head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as spool:
            for block in blocks:
                spool.write(block)
            spool.seek(0)
            yield from _zip_contents(name, spool, tally, nesting)
    else:
        tally.members += 1
        yield Member(name, blocks)


def _zip_contents(name: str, file: IO[bytes], tally: Tally, nesting: int) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(file)
    except _BROKEN_ZIP as error:
        tally.problem(None, f"damaged zip archive: {error}", "fetch the file again")
        return
    with archive:
        infos = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
        if any(info.filename == "[Content_Types].xml" for info in infos):
            tally.problem(None, "an Office document, not a log", "save the sheet as CSV UTF-8")
            return
        for info in infos:
            if any(part.startswith(".") or part == "__MACOSX" for part in info.filename.split("/")):
                continue
            tally.member = inner = f"{name}!{info.filename}"
            try:
                stream = archive.open(info)
            except _BROKEN_ZIP as error:
                tally.problem(None, f"cannot be read: {error}", "unpack the archive and load the files")
                continue
            with stream:
                yield from _contents(inner, _blocks(stream, tally), tally, nesting + 1)
        tally.member = name


def _peek(blocks: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """At least `size` first bytes, if there are as many, and all blocks from the start."""
    seen: list[bytes] = []
    while sum(map(len, seen)) < size and (block := next(blocks, None)) is not None:
        seen.append(block)
    head = b"".join(seen)
    return head, itertools.chain([head] if head else [], blocks)


# -- from bytes to objects ---------------------------------------------------------------------------------------


def items(member: Member, zone: tzinfo | None, tally: Tally, preferred: Preferred) -> Iterator[Item | Usual]:
    """The objects of a member, in file order but that those of a short cut come together for each text.

    `zone` is for CSV files with times in the viewer's zone. `preferred` may change between any two of them.
    """
    tally.member = member.name
    blocks = _utf8(_counted(member.blocks, tally), tally)
    head, blocks = _peek(blocks, _HEAD)
    start = head.lstrip()
    if not start:
        tally.problem(None, "empty file", "nothing to load; fetch it again if it should hold records")
        return
    if start[:1] not in (b"{", b"[") and b"\0" in head:  # a log may have been padded after a crash
        tally.problem(None, "a binary file, not a log", "expected JSON, JSON Lines or CSV, also as gz or zip")
        return
    written = "" if start[:1] == b"{" else start.decode("utf-8", "replace")
    if is_address_list(written):
        tally.shape("list")
        text = (line.decode("utf-8", "replace") for text in _texts(blocks, tally) for line in _lines(text))
        yield from _without_secrets(((row, line, raw, CSV_PAGE) for row, line, raw in list_rows(text)), tally)
        return
    if start[:1] in (b"{", b"["):
        yield from _json_items(_texts(blocks, tally), member, tally, preferred)
        return
    below = header_below_comments(written)
    delimiter = delimiter_of(below or written)
    if delimiter is None:
        tally.problem(
            None,
            "neither JSON nor CSV with a header",
            "expected JSON, JSON Lines, CSV or a list of addresses, also as gz or zip",
        )
        return
    tally.shape("csv")
    lines = (line.removeprefix(codecs.BOM_UTF8) for text in _texts(blocks, tally) for line in _lines(text))
    text = (line.decode("utf-8", "surrogateescape") + "\n" for line in lines)
    if below is not None:
        text = ("\n" if line.startswith("#") else line for line in text)
    rows = csv_rows(text, delimiter, zone, tally)
    yield from _without_secrets(((row, line, raw, CSV_PAGE) for row, line, raw in rows), tally)


def _without_secrets(found: Iterable[Item | Usual], tally: Tally) -> Iterator[Item | Usual]:
    """The same items, redacted; what a short cut took holds no secret."""
    for item in found:
        if not isinstance(item, Usual) and suspicious(item[2]):
            yield from _redacted(item, tally)
        else:
            yield item


def _redacted(item: Item, tally: Tally) -> Iterator[Item]:
    """The item without secrets; none, and a problem, if it cannot be looked through: then it must not be stored."""
    try:
        obj, raw = redacted(item[2])
    except RecursionError:
        tally.skipped += 1
        tally.problem(item[1], "nested too deeply to look for secrets", "expected a log record")
        return
    yield obj, item[1], raw, item[3]


def _counted(blocks: Iterator[bytes], tally: Tally) -> Iterator[bytes]:
    for block in blocks:
        tally.bytes += len(block)
        yield block


def _utf8(blocks: Iterator[bytes], tally: Tally) -> Iterator[bytes]:
    """The same text in UTF-8 without byte order mark; UTF-16 is known by its mark or by its zero bytes."""
    head, blocks = _peek(blocks, 4)
    if head.startswith(codecs.BOM_UTF8):
        return _without(blocks, 3)
    if head.startswith(codecs.BOM_UTF16_LE):
        return _recoded(_without(blocks, 2), "utf-16-le", tally)
    if head.startswith(codecs.BOM_UTF16_BE):
        return _recoded(_without(blocks, 2), "utf-16-be", tally)
    if len(head) >= 4 and head[0] and not head[1] and head[2] and not head[3]:
        return _recoded(blocks, "utf-16-le", tally)
    if len(head) >= 4 and not head[0] and head[1] and not head[2] and head[3]:
        return _recoded(blocks, "utf-16-be", tally)
    return blocks


def _without(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    first = next(blocks)
    return itertools.chain([first[size:]], blocks)


def _recoded(blocks: Iterator[bytes], encoding: str, tally: Tally) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            yield decoder.decode(block).encode("utf-8")
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        tally.problem(None, f"broken UTF-16 text: {error}", "save the file as UTF-8")


def _texts(blocks: Iterable[bytes], tally: Tally) -> Iterator[bytes]:
    """Texts of whole lines, a block or more in each; the last one need not end with a line feed."""
    whole: list[bytes | memoryview] = []  # lines
    rest: list[bytes] = []  # of a line
    size = 0
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if end:
            whole += [*rest, memoryview(block)[:end] if end < len(block) else block]
            rest = []
        if end < len(block):
            rest.append(block[end:])
        size += len(block)
        if whole and size >= BLOCK:
            yield b"".join(whole)
            whole, size = [], sum(map(len, rest))
        elif not whole and size > MAX_DOCUMENT:
            tally.problem(None, f"a line of more than {MAX_DOCUMENT >> 20} MiB", "write it as JSON Lines")
            return
    if size:
        yield b"".join([*whole, *rest])


def _lines(text: bytes) -> list[bytes]:
    """The lines of a text without line feeds; carriage returns stay."""
    lines: list[bytes] = []
    add, find = lines.append, text.find
    start = 0
    while (end := find(b"\n", start)) >= 0:  # `split` takes three times as long: it looks at one byte at a time
        add(text[start:end])
        start = end + 1
    if start < len(text):
        add(text[start:])
    return lines


_decode = decoded = msgspec.json.Decoder().decode
_decode_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def _json_items(texts: Iterator[bytes], member: Member, tally: Tally, preferred: Preferred) -> Iterator[Item | Usual]:
    """JSON Lines line by line; anything else as one text in memory."""
    first = next(texts, b"")
    lines = _lines(first)
    if len(lines) < _TELLING_LINES:
        first += next(texts, b"")
        lines = _lines(first)
    if not _is_json_lines(lines):
        yield from _without_secrets(_document(_joined(first, texts, tally), 1, tally, preferred), tally)
        return
    tally.by_lines = True
    line = member.first_line - 1
    plain = False
    broken = 0  # the last line that ends in the middle
    for text, batch in itertools.chain([(first, lines)], ((text, _lines(text)) for text in texts)):
        harmless = not suspicious(text)
        place, before = 0, line
        numbers = range(line + 1, line + len(batch) + 1)
        usual: dict[Any, Usual] = {}
        while True:
            until = _take(batch, numbers, place, harmless, preferred, usual)
            if until > place and not plain:
                tally.shape("jsonLines")
                plain = True
            line = before + until
            if until == len(batch):
                break
            raw = batch[until]
            if raw.startswith(codecs.BOM_UTF8):  # files were joined
                batch[until] = raw.removeprefix(codecs.BOM_UTF8)
                place = until
                continue
            place = until + 1
            line += 1
            if len(raw) > _LONG_LINE:
                yield from _without_secrets(_unwrapped(raw.strip(), line, PLAIN, tally, preferred), tally)
                continue
            if raw.startswith(_MESSAGE):
                yield from _without_secrets(_document(raw.strip(), line, tally, preferred), tally)
                continue
            flagged = not harmless and suspicious(raw)
            try:
                found = _decode(raw)
            except _UNDECODABLE as error:
                stripped = raw.strip()
                if stripped in (b"{", b"["):  # objects over many lines follow
                    tally.by_lines = False
                    yield from usual.values()
                    rest = _joined(b"\n".join([*batch[place - 1 :], b""]), texts, tally)
                    yield from _without_secrets(_document(rest, line, tally, preferred), tally)
                    return
                if _OPENING.match(stripped[:_LONG_LINE].decode("utf-8", "replace")):  # many records in one line
                    yield from _without_secrets(_document(stripped, line, tally, preferred), tally)
                elif stripped:
                    tally.skipped += 1
                    tally.problem(line, f"not a JSON object: {_reason(error)}", _cut_off_hint(error))
                    broken = line if _is_cut_off(error) else broken
                continue
            if type(found) is dict and _MAY_WRAP.isdisjoint(found):
                if not plain:
                    tally.shape("jsonLines")
                    plain = True
                raw = raw.strip()
                if flagged:
                    yield from _redacted((found, line, raw, PLAIN), tally)
                else:
                    yield found, line, raw, PLAIN
            else:
                yield from _without_secrets(_unwrapped(raw.strip(), line, PLAIN, tally, preferred), tally)
        yield from usual.values()
    tally.cut_off = tally.cut_off or 0 < broken == line


def _take(
    batch: list[bytes],
    numbers: Sequence[int],
    place: int,
    harmless: bool,
    preferred: Preferred,
    usual: dict[Any, Usual],
) -> int:
    """Put the texts from `place` on into `usual`, up to the first that no short cut takes; returns its place.

    `numbers` are their lines. `harmless` says that none holds anything like a secret.
    """
    while place < len(batch):
        decode = preferred.decode_for(batch[place])
        if decode is None:
            break
        taken = usual.get(preferred.whose) or Usual(preferred.whose, [], [], [], [])
        until, refused = _decoded(batch, place, harmless, decode, taken)
        if until > place:
            preferred.useful()
            taken.lines.extend(numbers[place:until])
            usual[preferred.whose] = taken
            place = until
        if not refused:
            break
        if not preferred.turn(batch[place]):
            preferred.refused()
            break
    return place


def _decoded(
    batch: list[bytes], start: int, harmless: bool, decode: Callable[[bytes], Any], taken: Usual
) -> tuple[int, bool]:
    """Decode texts from `start` on into `taken`; returns where that ended, and whether because one was refused."""
    add, add_raw, add_hash = taken.decoded.append, taken.raws.append, taken.hashes.append
    for place in range(start, len(batch)):
        raw = batch[place]
        if len(raw) > _LONG_LINE or (not harmless and suspicious(raw)):
            return place, False
        try:
            add(decode(raw))
        except (RecordError, *_UNDECODABLE):
            return place, True
        raw = raw.strip()
        add_raw(raw)
        add_hash(hash_of(raw))
    return len(batch), False


def _is_json_lines(lines: list[bytes]) -> bool:
    """True if the first line is an object; or is broken but no opening, and several objects follow it line by line."""
    stated = [line for line in itertools.islice(lines, _TELLING_LINES) if line.strip()][:6]
    if not stated:
        return False
    if _is_object(stated[0]):
        return True
    opening = stated[0].strip()[:1] == b"[" or stated[0].strip() == b"{"
    return not opening and len(stated) > 2 and all(_is_object(line) for line in stated[1:])


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(_decode_parts(line), dict)
    except _UNDECODABLE:
        return False


def _joined(first: bytes, texts: Iterator[bytes], tally: Tally) -> bytes:
    parts: list[bytes] = []
    size = 0
    for text in itertools.chain([first], texts):
        parts.append(text)
        size += len(text)
        if size > MAX_DOCUMENT:
            tally.problem(None, f"a JSON document of more than {MAX_DOCUMENT >> 20} MiB", "write it as JSON Lines")
            return b""
    return b"".join(parts)


def _document(data: bytes, line: int, tally: Tally, preferred: Preferred) -> Iterator[Item | Usual]:
    """One JSON text, or several after one another; of a broken one whatever can be told apart."""
    if not data:
        return
    try:
        whole: Any = _decode_elements(data) if data.lstrip()[:1] == b"[" else _decode_parts(data)
    except _UNDECODABLE:
        yield from _sequence(data, line, tally, preferred)
        return
    yield from _unwrapped(data, line, PLAIN, tally, preferred, whole=whole)


# -- wrappers ----------------------------------------------------------------------------------------------------


class _Table(msgspec.Struct):
    columns: list[dict[str, Any]]
    rows: list[msgspec.Raw]


class _OlderTable(msgspec.Struct, rename="pascal"):
    """As Kusto and older clients write it."""

    columns: list[dict[str, Any]]
    rows: list[msgspec.Raw]


# How an event hub writes some records in a line: decoding that as a record would be in vain.
_MESSAGE = b'{"records":'
# Wrappers by the key of what is in them → what may stand beside it, apart from names that begin with "@".
_WRAPPERS: dict[str, frozenset[str]] = {
    # Pages; `Count` is how Windows PowerShell writes a list.
    "value": frozenset({"nextLink", "count", "Count"}),
    # Invoke-AzOperationalInsightsQuery.
    "Results": frozenset({"Render", "Statistics", "Error"}),
    # Azure DevOps.
    "decoratedAuditLogEntries": frozenset({"continuationToken", "hasMore"}),
    # STIX, from a server that is asked for objects; bundles are known by their type.
    "objects": frozenset({"more", "next"}),
    # An answer to several requests at once, and each of its answers or a message of an event hub.
    "responses": frozenset(),
    "body": frozenset(
        {
            "id", "status", "headers", "sequenceNumber", "offset", "enqueuedTimeUtc", "partitionKey", "partitionId",
            "properties", "systemProperties", "contentType", "correlationId", "messageId",
        }
    ),
    # A message as Event Hubs Capture keeps it: the body is JSON as text.
    "Body": frozenset({"SequenceNumber", "Offset", "EnqueuedTimeUtc", "SystemProperties", "Properties"}),
}  # fmt: skip
_MAY_WRAP = frozenset({"records", "tables", "Tables", "results", "FrameType", "Name", "error", *_WRAPPERS})
_BUNDLE = msgspec.Raw(b'"bundle"')
_Tables = Sequence[_Table | _OlderTable]
_decode_tables: dict[str, Callable[[msgspec.Raw], _Tables]] = {
    "tables": msgspec.json.Decoder(list[_Table]).decode,
    "Tables": msgspec.json.Decoder(list[_OlderTable]).decode,
}
_decode_table = msgspec.json.Decoder(_OlderTable).decode
_decode_row = msgspec.json.Decoder(list[Any]).decode
# Columns of the table of contents of a Kusto answer.
_CONTENTS = frozenset({"Ordinal", "Kind", "Name", "Id"})


def _unwrapped(
    data: bytes | msgspec.Raw,
    line: int,
    page: Page,
    tally: Tally,
    preferred: Preferred,
    depth: int = 0,
    whole: Any = None,
) -> Iterator[Item | Usual]:
    """The objects inside a JSON text: the elements of a list or wrapper, else the object itself.

    `line` is where `data` starts; `whole` is its first level if that is decoded already.
    """
    view = memoryview(data)
    start = bytes(view[:64]).lstrip()[:1]
    try:
        if whole is None:
            whole = _decode_elements(data) if start == b"[" else _decode_parts(data) if start == b"{" else None
        if isinstance(whole, list):
            tally.recognised = tally.recognised or not whole
            tally.shape("array")
            yield from _elements(data, whole, line, page, tally, depth, preferred)
        elif isinstance(whole, dict):
            yield from _wrapper(data, whole, line, page, tally, depth, preferred)
        else:
            tally.skipped += 1
            tally.problem(line, f"not an object: {_excerpt(view)}", "expected one JSON object per record")
    except _UNDECODABLE as error:
        tally.skipped += 1
        tally.problem(line, f"not a JSON object: {_reason(error)}", _cut_off_hint(error))


def _wrapper(
    data: bytes | msgspec.Raw,
    parts: dict[str, msgspec.Raw],
    line: int,
    page: Page,
    tally: Tally,
    depth: int,
    preferred: Preferred,
) -> Iterator[Item | Usual]:
    kind = _wrapper_kind(parts) if depth < _MAX_WRAPPERS else None
    if kind is None:
        if depth == 0 and "jsonLines" not in tally.shapes:
            tally.shape("document")
        raw = bytes(memoryview(data)).strip()
        yield _decode(raw), line, raw, page
        return
    tally.shape(kind.lower())
    if kind == "schema":
        tally.recognised = True
    elif kind == "error":
        tally.skipped += 1
        tally.problem(line, f"an error instead of an answer: {_error_text(_decode(parts[kind]))}", "ask again")
    elif kind == "frames":
        yield from _frame(data, parts, line, tally)
    elif kind in _decode_tables:
        tally.recognised = True
        yield from _tables(data, _decode_tables[kind](parts[kind]), line, tally)
    else:
        yield from _content(data, parts, kind, line, page, tally, depth, preferred)
    if kind != "error":
        _note_partial(parts, line, tally)


def _content(
    data: bytes | msgspec.Raw,
    parts: dict[str, msgspec.Raw],
    kind: str,
    line: int,
    page: Page,
    tally: Tally,
    depth: int,
    preferred: Preferred,
) -> Iterator[Item | Usual]:
    """The objects in the part of that name: a list, one object, or either as a text."""
    context = _decode(parts["@odata.context"]) if "@odata.context" in parts else None
    inner = Page(odata_context=context) if isinstance(context, str) else page
    content = memoryview(parts[kind])
    if bytes(content[:1]) == b"[":
        elements = _decode_elements(content)
        tally.recognised = tally.recognised or not elements
        yield from _elements(data, elements, line, inner, tally, depth, preferred)
    elif bytes(content[:1]) == b'"':
        text = _decode(content).replace("\n", " ").encode()  # the text is in one line of the file
        yield from _unwrapped(text, line, inner, tally, preferred, depth + 1)
    else:
        yield from _elements(data, [parts[kind]], line, inner, tally, depth, preferred)


def _wrapper_kind(parts: dict[str, msgspec.Raw]) -> str | None:
    """The key of the records in a wrapper, or frames, schema or error; None for an object that is a record itself."""

    def begins(key: str) -> bytes:
        return bytes(memoryview(parts[key])[:1]) if key in parts else b""

    if begins("records") == b"[":
        return "records"
    for key in _decode_tables:
        if begins(key) == b"[":
            return key
    for key, schema in (("results", "schema"), ("Results", "Schema")):  # answers of advanced hunting
        if begins(key) == b"[" and begins(schema) == b"[":
            return key
    if begins("objects") == b"[" and parts.get("type") == _BUNDLE:
        return "objects"
    stated = {key for key in parts if not key.startswith("@")}
    for key in stated & _WRAPPERS.keys():
        opening = begins(key) in (b"[", b"{") or (begins(key) == b'"' and key in ("body", "Body"))
        if opening and stated <= {key, *_WRAPPERS[key]}:
            return key
    if begins("FrameType") == b'"':
        return "frames"
    if stated == {"error"} and begins("error") == b"{":
        return "error"
    if begins("Name") == b'"' and begins("Properties") == b"[" and len(parts) <= 4:
        return "schema"
    return None


def _note_partial(parts: Mapping[str, msgspec.Raw], line: int, tally: Tally) -> None:
    """Tell of an answer that says itself that something is missing."""
    keys = ("error", "Error", "Exceptions", "OneApiErrors", "HasErrors")
    stated = (_decode(parts[key]) for key in keys if key in parts)
    error = next(filter(None, stated), None)
    if error is not None:
        tally.cut_off = True
        hint = "ask for less at a time, such as one day, and load it again"
        tally.problem(line, f"the answer is partial: {_error_text(error)}", hint)


def _error_text(error: Any) -> str:
    """Code and words of an error of the query interface, of Kusto or of Graph."""
    for _ in range(4):
        if isinstance(error, list):
            error = error[0] if error else None
        if isinstance(error, dict):
            error = first(error, "error", "Exceptions", "OneApiErrors") or error
    if isinstance(error, dict):
        words = (first(error, "code", "Code"), first(error, "@message", "message", "Message"))
        error = ": ".join(str(word) for word in words if word)
    return error[:200] if isinstance(error, str) and error else "no reason is stated"


def _elements(
    data: bytes | msgspec.Raw,
    elements: list[msgspec.Raw],
    line: int,
    page: Page,
    tally: Tally,
    depth: int,
    preferred: Preferred,
) -> Iterator[Item | Usual]:
    places = _places(data, elements, line)
    for start in range(0, len(elements), _ELEMENTS):
        batch = [bytes(memoryview(element)) for element in elements[start : start + _ELEMENTS]]
        numbers = list(itertools.islice(places, len(batch)))
        usual: dict[Any, Usual] = {}
        place = 0
        while place < len(batch):
            if page == PLAIN:
                place = _take(batch, numbers, place, False, preferred, usual)
            if place < len(batch):
                yield from _unwrapped(batch[place], numbers[place], page, tally, preferred, depth + 1)
                place += 1
        yield from usual.values()


def _places(data: bytes | msgspec.Raw, elements: list[msgspec.Raw], line: int) -> Iterator[int]:
    """The line of each element. They stand in order, so the next occurrence of its bytes is the element itself."""
    text = bytes(memoryview(data))
    position = 0
    for element in elements:
        piece = bytes(memoryview(element))
        at = text.find(piece, position)
        line += text.count(b"\n", position, at)
        yield line
        line += piece.count(b"\n")
        position = at + len(piece)


def _frame(data: bytes | msgspec.Raw, parts: dict[str, msgspec.Raw], line: int, tally: Tally) -> Iterator[Item]:
    """The rows of a frame of a Kusto answer, if it is a table of results."""
    tally.recognised = True
    kind, table_kind = (_decode(parts[key]) if key in parts else None for key in ("FrameType", "TableKind"))
    if kind == "DataTable" and table_kind == "PrimaryResult":
        yield from _tables(data, [_decode_table(data)], line, tally)
    elif kind == "TableFragment":
        tally.skipped += 1
        tally.problem(line, "rows of a progressive answer", "ask without results_progressive_enabled")


def _tables(data: bytes | msgspec.Raw, tables: _Tables, line: int, tally: Tally) -> Iterator[Item]:
    """Rows of an answer of the query interface as objects by column name; nulls are left out."""
    places = _places(data, [row for table in tables for row in table.rows], line)
    wanted = _results(tables)
    for number, table in enumerate(tables):
        at_rows = list(itertools.islice(places, len(table.rows)))
        if number not in wanted:
            continue
        names = _names(table)
        tally.rows(len(table.rows))
        for raw_row, at in zip(table.rows, at_rows, strict=True):
            cells = _decode(raw_row)
            if isinstance(cells, dict) and cells:  # instead of the rows that are missing
                _note_partial({"error": raw_row}, at, tally)
                continue
            if not isinstance(cells, list) or len(cells) != len(names):
                tally.skipped += 1
                found = len(cells) if isinstance(cells, list) else "no"
                tally.problem(at, f"the row has {found} values, the table {len(names)} columns", "fetch it again")
                continue
            row: JsonObject = {}
            for name, cell in zip(names, cells, strict=True):
                if cell is not None and row.get(name) in (None, ""):
                    row[name] = cell
            yield row, at, _encode(row), ROW_PAGE


def _names(table: _Table | _OlderTable) -> list[str]:
    return [clean_name(str(column.get("name", column.get("ColumnName", "")))) for column in table.columns]


def _results(tables: _Tables) -> Collection[int]:
    """Which tables hold results. Kusto adds tables of its own; then the last one says what each of the others is."""
    everything = range(len(tables))
    names = _names(tables[-1]) if len(tables) > 2 else []
    if not _CONTENTS.issubset(names):
        return everything
    rows = [dict(zip(names, _decode_row(row), strict=False)) for row in tables[-1].rows]
    results = [row.get("Ordinal") for row in rows if row.get("Kind") == "QueryResult"]
    return [number for number in everything if number in results] or everything


# -- several or broken documents -----------------------------------------------------------------------------------

# The opening of a list or wrapper whose end is missing or whose inside is broken.
_OPENING = re.compile(
    r'(?:\{\s*(?:"(?:[^"\\]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[\d.]+|null|true|false)\s*,\s*){0,20}'
    r'"(?P<key>records|value|Results|decoratedAuditLogEntries)"\s*:\s*)?\['
)
_CONTEXT = re.compile(r'"@odata\.context"\s*:\s*"([^"\\]*)"')
_FIRST_KEY = re.compile(r'\{\s*"[^"\\]*"\s*:')
# A byte order mark is where files were joined.
_BETWEEN = re.compile(r"[\s,\ufeff]*")
_BETWEEN_OR_END = re.compile(r"[\s,\]}\ufeff]*")

_scan = json.JSONDecoder().raw_decode
_decode_whole = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw]).decode


def _sequence(data: bytes, line: int, tally: Tally, preferred: Preferred) -> Iterator[Item | Usual]:
    """Objects one after another, also in a list that is cut off. After a broken one the next of its indentation."""
    text = data.decode("utf-8", "surrogateescape")  # an object that is no UTF-8 is refused on its own
    page, between = PLAIN, _BETWEEN
    position = counted = 0
    opened = too_deep = 0  # since the last object
    while True:
        position = between.match(text, position).end()  # type: ignore[union-attr]
        if position >= len(text):
            return
        line += text.count("\n", counted, position)
        counted = position
        opening = _OPENING.match(text, position) if opened < _MAX_NESTING else None
        try:
            _, end = _scan(text, position)
            if opening is not None:  # looked at strictly: one NaN must not take a whole list with it
                _decode_whole(text[position:end].encode("utf-8", "surrogateescape"))
        except (ValueError, RecursionError) as error:
            if opening is not None:
                opened += 1
                tally.shape((opening["key"] or "array").lower())
                context = _CONTEXT.search(opening[0])
                page, between = Page(odata_context=context[1]) if context else page, _BETWEEN_OR_END
                position = opening.end()
                continue
            _note_broken(text, position, line, error, tally)
            too_deep += isinstance(error, RecursionError)
            if too_deep >= _MAX_TOO_DEEP:
                tally.problem(line, "the rest was not looked at", "expected log records")
                return
            position = _next_object(text, position, error)
            continue
        opened = too_deep = 0
        yield from _unwrapped(text[position:end].encode("utf-8", "surrogateescape"), line, page, tally, preferred)
        position = end


def _note_broken(text: str, start: int, line: int, error: Exception, tally: Tally) -> None:
    tally.skipped += 1
    if not isinstance(error, json.JSONDecodeError):
        tally.problem(line, f"not valid JSON: {_reason(error)}")
        return
    end = len(text.rstrip())
    # Behind the end means at the end, whatever blank lines follow.
    place = min(error.pos, end)
    broken = line + text.count("\n", start, place)
    column = place - text.rfind("\n", 0, place)
    cut = error.pos >= end or error.msg.startswith("Unterminated string")
    tally.cut_off = tally.cut_off or cut
    tally.problem(
        broken,
        f"not valid JSON: {error.msg}, column {column}",
        "the file is cut off: fetch it again" if cut else "correct it there; objects before and after it were read",
    )


def _next_object(text: str, start: int, error: Exception) -> int:
    """Where the next object with the indentation of the broken one begins; the end of the text if none does.

    In a line of several objects it is the next one in that line that begins with the same key.
    """
    margin = text.rfind("\n", 0, start) + 1
    indentation = text[margin:start]
    after = max(start + 1, getattr(error, "pos", 0))
    if indentation and not indentation.isspace():
        first = _FIRST_KEY.match(text, start)
        beside = re.compile(r"\}\s*,\s*(?=" + re.escape(first[0]) + ")").search(text, start + 1) if first else None
        return beside.end() if beside else len(text)
    # From the start of the line: the error may be seen only in the first character of the next object.
    line_start = max(text.rfind("\n", 0, after), start + 1)
    opener = "\n" + (indentation if indentation.isspace() else "") + "{"
    found = text.find(opener, line_start)
    return len(text) if found < 0 else found + len(opener) - 1


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "not UTF-8 text" if _is_not_utf8(error) else str(error)


def _cut_off_hint(error: Exception) -> str:
    if _is_not_utf8(error):
        return "save the file as UTF-8"
    return "the line is cut off" if _is_cut_off(error) else "expected one JSON object per line"


def _is_not_utf8(error: Exception) -> bool:
    """Up to version 0.22, msgspec raises a UnicodeError for bytes that are no UTF-8, then an error of its own."""
    return isinstance(error, UnicodeError) or "UTF-8" in str(error)


def _is_cut_off(error: Exception) -> bool:
    return "truncated" in str(error)


def _excerpt(view: memoryview) -> str:
    text = bytes(view[:41]).decode("utf-8", "replace")
    return text if len(text) <= 40 else text[:37] + "..."
