"""Records as Arrow columns and back: the schema of a record class, many values at a time, and columns of texts.

Columns are what the archive stores. Most records become columns here; a short cut makes columns without records.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, convert
from msgspec.structs import asdict, astuple, fields

from graphcorr import ids
from graphcorr.records import Record

TIME = pa.timestamp("us", "UTC")

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    bool: pa.bool_(),
    datetime: TIME,
}
_LONGEST = 2**63


# -- records ---------------------------------------------------------------------------------------------------------


@cache
def schema_of(record: type[Record]) -> pa.Schema:
    """The columns that a record class declares, in its order."""
    return pa.schema([(field.encode_name, _arrow_type(field.type)) for field in fields(record)])


def table_of(record: type[Record], records: Iterable[Record]) -> pa.Table:
    """Records of one class as rows, in their order.

    Text that is no Unicode is kept with replacement marks and integers beyond 64 bits are left out: the record as it
    was written is kept elsewhere, and one hostile value must not stop a load.
    """
    schema = schema_of(record)
    columns = zip(*map(astuple, records), strict=True)
    return pa.Table.from_arrays(
        [array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


def completed(record: type[Record], columns: Mapping[str, pa.Array], rows: int) -> pa.Table:
    """Columns of a record class as its rows; what is not there is null, as if no record stated it."""
    schema = schema_of(record)
    return pa.Table.from_arrays(
        [columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in schema],
        schema=schema,
    )


def records_of(record: type[Record], table: pa.Table) -> list[Any]:
    """The records that rows of `schema_of(record)` stand for."""
    return convert(table.to_pylist(), list[record])  # type: ignore[valid-type]


def _arrow_type(stated: Any) -> pa.DataType:
    origin = get_origin(stated)
    if origin in (Union, UnionType):
        (inner,) = (part for part in get_args(stated) if part is not NoneType)
        return _arrow_type(inner)
    if origin is Literal:
        return pa.string()
    if origin is tuple:
        return pa.list_(_arrow_type(get_args(stated)[0]))
    if isinstance(stated, type) and issubclass(stated, Struct):
        return pa.struct([(field.encode_name, _arrow_type(field.type)) for field in fields(stated)])
    return _SCALARS[stated]


# -- values ----------------------------------------------------------------------------------------------------------


def array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values of any origin as a column of that type; what it cannot hold is replaced as `table_of` says."""
    if pa.types.is_list(kind):
        values = _plain_lists(values)
    try:
        return pa.array(values, kind)
    except (UnicodeEncodeError, OverflowError, pa.ArrowInvalid):
        return pa.array([_storable(value) for value in values], kind)


def _plain_lists(values: Sequence[Any]) -> Sequence[Any]:
    first = next(filter(None, values), None)
    if first is None or not isinstance(first[0], Struct):
        return values
    return [[asdict(part) for part in value] if value else value for value in values]


def storable_text(value: str) -> str:
    """Text that Arrow can hold: what is no Unicode (names of files may be any bytes) becomes a replacement mark."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, int) and not -_LONGEST <= value < _LONGEST:
        return None
    if isinstance(value, dict):
        return {name: _storable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(part) for part in value]
    return value


# -- columns of texts, for short cuts ----------------------------------------------------------------------------------

Texts = Sequence[str | None]

_V = TypeVar("_V")


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


_GUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def object_ids(values: Texts) -> pa.Array:
    """As `ids.object_id`, for ids that hardly come again."""
    written = array(values, pa.string())
    sound = pc.and_(pc.match_substring_regex(written, _GUID), pc.not_equal(written, ids.ZERO_GUID))
    if pc.all(sound).as_py() is not False:  # nulls do not count
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


_USUAL_TIME = "^20(?:0[1-9]|[1-9][0-9])-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,9})?Z$"


def moments(values: Texts, read: Callable[[object], datetime | None]) -> pa.Array:
    """Times as `read` reads them, which knows every spelling; in the usual one all at once."""
    written = array(values, pa.string())
    if pc.all(pc.match_substring_regex(written, _USUAL_TIME)).as_py() is not False:
        try:
            return written.cast(pa.timestamp("ns", "UTC")).cast(TIME, safe=False)  # cuts digits off, as `read` does
        except pa.ArrowInvalid:
            pass  # 31 February
    return array([read(value) for value in values], TIME)
