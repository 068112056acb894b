"""What short cuts of loaders are made of: strict decoding of the usual record, and columns of many values at a time.

A short cut (`loader.ShortCut`) is a struct of what is read of a record, and a table of columns: what each is made of.
Or, for fewer records, a function that makes one record of such a struct (`of_records`).
"""

from __future__ import annotations

import binascii
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Meta, Raw, Struct, defstruct, field
from msgspec.json import Decoder

from graphcorr import ids
from graphcorr.errors import RecordError
from graphcorr.ingest.columns import TIME, array, columns_by_name
from graphcorr.ingest.loader import UNEXPECTED, ShortCut
from graphcorr.records import Record
from graphcorr.times import EARLIEST, LATEST

_V = TypeVar("_V")
Texts = Sequence[str | None]

# -- decoding --------------------------------------------------------------------------------------------------------

Id = Annotated[str, Meta(max_length=96)]
"""Text that may be an id or an address. Longer texts are none, and what is remembered of them must stay small."""

NOTHING = Raw(b"null")
"""Any value as it is written, where there is none."""


def strict(names: str, read: Mapping[str, Any], required: Mapping[str, Any] | None = None) -> type[Struct]:
    """A struct of these names, divided by blanks: those of `read` and `required` with their types, the others with any.

    Decoding refuses a record with any other name; it then goes the long way, where it is counted. What of `read` is
    null, absent or not among the names is None; of type Raw it is `NOTHING`. Decoding is fastest with names in the
    order that records have.
    """
    required = required or {}
    made: list[tuple[str, Any, Any]] = []
    listed = names.split()
    for place, name in enumerate(listed):
        if name in required:
            made.append((name, required[name], field(name=name)))
        elif name in read and read[name] is not Raw:
            made.append((name, read[name] | None, field(name=name, default=None)))
        else:
            made.append((name if name in read else f"unread{place}", Raw, field(name=name, default=NOTHING)))
    others = dict.fromkeys(set(read).difference(listed))
    return defstruct("Strict", made, namespace=others, forbid_unknown_fields=True, kw_only=True, gc=False)


def of_records(record: type[Record], envelope: type[Struct], read: Callable[[Any], Record | None]) -> ShortCut:
    """A short cut that makes records one by one, `read` from a struct; it still spares decoding what nobody reads.

    `read` returns None or raises for what is left to the loader's `parse`.
    """
    decode = Decoder(envelope).decode

    def usual(raw: bytes) -> Record:
        try:
            found = read(decode(raw))
        except UNEXPECTED as error:
            raise RecordError("an unusual record") from error
        if found is None:
            raise RecordError("an unusual record")
        return found

    return ShortCut(usual, partial(columns_by_name, record))


def object_text(written: Raw) -> str | None:
    """The JSON text of an object, None for null or nothing; raises for everything else."""
    text = bytes(written).decode("utf-8")
    if text[0] == "{":
        return text
    if text == "null":
        return None
    raise RecordError("no object")


# -- columns ---------------------------------------------------------------------------------------------------------

Column = tuple[Callable[..., Any], *tuple[str, ...]]
"""A function that makes a column of those values of many records that are named after it."""


def declared(columns: Mapping[str, Column], names: Sequence[str], records: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Columns as they are declared, of records that are tuples of the values `names`; there is at least one."""
    values = dict(zip(names, zip(*records, strict=True), strict=True))
    return {name: function(*[values[part] for part in parts]) for name, (function, *parts) in columns.items()}


def texts(values: Texts) -> pa.Array:
    """The values as they are."""
    return array(values, pa.string())


class Remembered(dict[Any, _V], Generic[_V]):
    """Answers of a function that is asked the same few things again and again: `remembered[asked]`.

    Forgets all when there are too many, and never keeps long texts.
    """

    def __init__(self, function: Callable[[Any], _V], most: int = 1 << 14, longest: int = 256) -> None:
        super().__init__()
        self._function = function
        self._most = most
        self._longest = longest

    def __missing__(self, asked: Any) -> _V:
        answer = self._function(asked)
        if isinstance(asked, str) and len(asked) > self._longest:
            return answer
        if len(self) >= self._most:
            self.clear()
        self[asked] = answer
        return answer


# Forms of texts by their length, in which 0 is any digit. Comparing bytes takes a fourth of what an expression takes.
_GUID = {len(ids.ZERO_GUID): ids.ZERO_GUID.encode()}
_HEXADECIMAL = bytes.maketrans(b"0123456789abcdef", b"0" * 16)
_TIME = {
    len(form): form
    for fraction in ("", *("." + "0" * i for i in range(1, 10)))
    if (form := f"0000-00-00T00:00:00{fraction}Z".encode())
}
_DECIMAL = bytes.maketrans(b"0123456789", b"0" * 10)


def _all_like(forms: Mapping[int, bytes], digits: bytes, written: pa.Array) -> bool:
    """Whether all texts have the same of some forms. Nulls do not count."""
    shortest, longest = pc.min_max(pc.binary_length(written)).as_py().values()
    if longest is None:
        return True
    if shortest != longest or longest not in forms:
        return False
    count = len(written) - written.null_count
    _, _, data = written.buffers()
    alike: bool = data.to_pybytes()[: count * longest].translate(digits) == forms[longest] * count
    return alike


def object_ids(values: Texts) -> pa.Array:
    """As `ids.object_id`, for ids that hardly come again."""
    written = array(values, pa.string())
    if _all_like(_GUID, _HEXADECIMAL, written) and pc.any(pc.equal(written, ids.ZERO_GUID)).as_py() is not True:
        return written
    return array([ids.object_id(value) for value in values], pa.string())


# Places of the 32 digits of a GUID among the hexadecimal digits of a token id, whose first three groups lie reversed.
_DIGITS = np.array([6, 7, 4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 14, 15, 12, 13, *range(16, 32)])
_DASHES = (8, 13, 18, 23)
_BETWEEN = [place for place in range(36) if place not in _DASHES]
_URL_SAFE = str.maketrans("-_", "+/")
_TOKEN_LENGTH = 22


def token_guids(values: Texts) -> pa.Array:
    """As `ids.token_guid`, all of them at once where all have the usual form."""
    stated = [value for value in values if value is not None]
    if set(map(len, stated)) == {_TOKEN_LENGTH}:
        try:
            # Two letters more make whole groups of four, so that one text can hold them all.
            joined = binascii.a2b_base64(("AA".join(stated) + "AA").translate(_URL_SAFE), strict_mode=True)
        except ValueError:
            pass
        else:
            found = _guids(joined, len(stated))
            if len(stated) < len(values):
                places = iter(range(len(stated)))
                found = found.take(pa.array([None if value is None else next(places) for value in values], pa.int32()))
            return pc.if_else(pc.equal(found, ids.ZERO_GUID), pa.scalar(None, pa.string()), found)
    return array([ids.token_guid(value) for value in values], pa.string())


def _guids(tokens: bytes, count: int) -> pa.Array:
    """GUIDs from the bytes of token ids, each with two bytes that mean nothing at its end."""
    digits = np.frombuffer(tokens.hex().encode("ascii"), np.uint8).reshape(count, -1)
    written = np.full((count, 36), ord("-"), np.uint8)
    written[:, _BETWEEN] = digits[:, _DIGITS]
    starts = np.arange(0, 36 * (count + 1), 36, dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(starts), pa.py_buffer(written)])


def moments(values: Texts, read: Callable[[object], datetime | None]) -> pa.Array:
    """Times as `read` reads them, which knows every spelling; in the usual one all at once."""
    written = array(values, pa.string())
    if _all_like(_TIME, _DECIMAL, written):
        with contextlib.suppress(pa.ArrowInvalid):  # 31 February
            found = written.cast(pa.timestamp("ns", "UTC")).cast(TIME, safe=False)  # cuts digits off, as `read` does
            first, last = pc.min_max(found).as_py().values()
            if first is None or EARLIEST <= first <= last < LATEST:
                return found
    return array([read(value) for value in values], TIME)
