"""Small readings of decoded log values for loaders: JSON text or object, first stated of several names."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

# What sources and tools write for "nothing", exactly so (log-facts 1.3): the Azure CLI writes Python's `None`. In a
# country `NA` is Namibia, and `none` is a kind of credential; where ids stand, `ids` knows more of such words.
_ABSENT = frozenset(("", "-", "<null>", "null", "None", "N/A", "n/a", "nan", "NaN"))
_LONGEST_ABSENT = max(map(len, _ABSENT))

_LIST_KEYS = {"value", "Count"}

# Columns of numbers with gaps become texts like `200.0` in CSV files.
_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,18})(?:\.0*)?\s*\Z")
_LONGEST_NUMBER = 32


def stated(value: object) -> bool:
    """False for None, empty text and words like `<null>`, `None`, `N/A`; True for all else, also 0, False, [], {}."""
    return value is not None and not (isinstance(value, str) and len(value) <= _LONGEST_ABSENT and value in _ABSENT)


def as_object(value: object) -> dict[str, Any] | None:
    """A JSON object given decoded or as text; None if absent, unreadable or something else."""
    if isinstance(value, dict):
        return value
    found = decoded(value) if isinstance(value, str) else None
    return found if isinstance(found, dict) else None


def as_list(value: object) -> list[Any] | None:
    """A JSON array given decoded or as text, a single object as a list of one; None if absent, unreadable or else."""
    if isinstance(value, list):
        return value
    found = decoded(value) if isinstance(value, str) else value
    if isinstance(found, dict):
        members = listed(found)
        return members if members is not None else [found] if found else None
    return found if isinstance(found, list) else None


def listed(value: object) -> list[Any] | None:
    """The list inside `{"value": [...], "Count": 1}`, as which PowerShell 5.1 writes some; None if it is no such."""
    if isinstance(value, dict) and value.keys() == _LIST_KEYS and isinstance(value["value"], list):
        return value["value"]
    return None


def as_text(value: object) -> str | None:
    """A stated text or number as text; None for absent values, booleans, lists and objects.

    For names, which are free to be `None` or `N/A`; of other values `as_value` says that they are not stated.
    """
    if isinstance(value, str):
        return value if value and value != "<null>" else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value)


def as_value(value: object) -> str | None:
    """As `as_text`; None also for words that tools write where they have no value."""
    if isinstance(value, str):
        return None if len(value) <= _LONGEST_ABSENT and value in _ABSENT else value
    return as_text(value)


def as_code(value: object) -> str | None:
    """A code as trimmed text from 0, 0.0, "0" or "0.0"; words are kept, None for booleans and fractions."""
    number = as_int(value)
    if number is not None:
        return str(number)
    return as_value(value.strip()) if isinstance(value, str) else None


def as_bool(value: object) -> bool | None:
    """True or False, also from text of any case (`TRUE`, `false`) and from 1 and 0; None for everything else."""
    if isinstance(value, bool):
        return value
    lowered = value.strip().lower() if isinstance(value, str) else None
    if lowered in ("true", "false"):
        return lowered == "true"
    number = as_int(value)  # what queries answer where a column holds them in one byte
    return bool(number) if number in (0, 1) else None


def as_int(value: object) -> int | None:
    """A whole number from a number or its text; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return _whole(value) if isinstance(value, str) and len(value) <= _LONGEST_NUMBER else None


@lru_cache(maxsize=1024)  # mostly codes, of which there are few
def _whole(text: str) -> int | None:
    whole = _WHOLE.match(text)
    return int(whole[1]) if whole else None


def as_words(value: object) -> tuple[str, ...] | None:
    """The words of a space-separated list, in its order; None if absent. A list of texts is taken as it is."""
    if isinstance(value, str):
        return tuple(value.split()) if stated(value) else None
    if is_text_list(value):
        return tuple(value)
    return None


def is_text_list(value: object) -> TypeGuard[list[str]]:
    """True for a list that holds nothing but text."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_change(operation: object) -> bool | None:
    """Whether an operation has a name that Azure Resource Manager gives to changes: `…/write`; None if it has none."""
    if not isinstance(operation, str):
        return None
    return operation.rpartition("/")[2].strip().lower() in ("write", "delete", "action")


def first(obj: Mapping[str, Any], *names: str) -> Any:
    """The value of the first name that states something; None if none does."""
    for name in names:
        value = obj.get(name)
        # As `stated`, without a call: rows are asked a dozen times.
        if value is not None and not (isinstance(value, str) and len(value) <= _LONGEST_ABSENT and value in _ABSENT):
            return value
    return None


def first_object(obj: Mapping[str, Any], *names: str) -> Any:
    """The first value that is an object, or looks like its JSON text, and holds something. Nothing is decoded."""
    for name in names:
        value = obj.get(name)
        if isinstance(value, str):
            text = value.strip()
            if text[:1] == "{" and text[-1:] == "}" and text[1:-1].strip():
                return value
        elif isinstance(value, dict) and value:
            return value
    return None


def decoded(text: str, otherwise: Any = None) -> Any:
    """The value of a JSON text; `otherwise` if it is none. The result can always be written as UTF-8."""
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        return otherwise
    except (msgspec.DecodeError, UnicodeEncodeError):
        pass
    # json reads what the fast decoder refuses and sources do write: lone surrogates, line breaks in texts.
    try:
        return _writable(json.loads(text, strict=False, parse_constant=str))
    except (ValueError, RecursionError):
        return otherwise


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if isinstance(value, dict):
        return {_writable(key): _writable(item) for key, item in value.items()}
    return value
