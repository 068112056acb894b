"""Records as Arrow columns and back: the schema of a record class, many values at a time.

Columns are what the archive stores. Most records become columns here; a short cut (short_cuts.py) makes columns without
records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
import pyarrow as pa
from msgspec import Struct, convert
from msgspec.structs import asdict, astuple, fields

from graphcorr.errors import ConfigError
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
    was written is kept elsewhere, and one hostile value must not stop a load. ConfigError for a value of another type
    than the class declares, which is a mistake in a loader.
    """
    return pa.Table.from_arrays(list(columns_by_name(record, records).values()), schema=schema_of(record))


def columns_by_name(record: type[Record], records: Iterable[Record]) -> dict[str, pa.Array]:
    """As `table_of`, each column under its name."""
    columns = list(zip(*map(astuple, records), strict=True))
    found: dict[str, pa.Array] = {}
    for values, field in zip(columns, schema_of(record), strict=True):
        try:
            found[field.name] = array(values, field.type)
        except pa.ArrowTypeError as error:
            raise _wrong_type(f"{record.__name__}.{field.name}", field.type, values, columns[0]) from error
    return found


def _wrong_type(where: str, kind: pa.DataType, values: Sequence[Any], sources: Sequence[str]) -> ConfigError:
    """What to say of a column with a value that no such column holds."""

    def refused(value: Any) -> bool:
        try:
            array([value], kind)
        except pa.ArrowTypeError:
            return True
        return False

    source, value = next((source, value) for source, value in zip(sources, values, strict=True) if refused(value))
    return ConfigError(
        f"the loader of {source} put a {type(value).__name__} into {where}, which takes {kind}",
        hint="ids go through `ids`, times through `times`, text through `as_text`: see loaders/README.md",
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


def joined(values: Sequence[bytes]) -> pa.BinaryArray:
    """Bytes as a column, all copied at once: half the time of `pa.array`, whose memory grows as it is filled."""
    ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), len(values), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(values))])


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
