"""Small readings of decoded log values for loaders: JSON text or object, first stated of several names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the sources write for "nothing" (log-facts 1.3).
_ABSENT = ("", "<null>")


def stated(value: object) -> bool:
    """False for None, empty text and the exports' `<null>`; True for all else, also 0, False, [] and {}."""
    return value is not None and not (isinstance(value, str) and value in _ABSENT)


def as_object(value: object) -> dict[str, Any] | None:
    """A JSON object given decoded or as text; None if absent, unreadable or something else."""
    if isinstance(value, dict):
        return value
    found = decoded(value) if isinstance(value, str) else None
    return found if isinstance(found, dict) else None


def as_list(value: object) -> list[Any] | None:
    """A JSON array given decoded or as text; None if absent, unreadable or something else."""
    if isinstance(value, list):
        return value
    found = decoded(value) if isinstance(value, str) else None
    return found if isinstance(found, list) else None


def as_text(value: object) -> str | None:
    """A stated text or number as text; None for absent values, booleans, lists and objects."""
    if isinstance(value, str):
        return value if value and value != "<null>" else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value)


def as_bool(value: object) -> bool | None:
    """True or False, also from text of any case (`TRUE`, `false`); None for everything else."""
    if isinstance(value, bool):
        return value
    lowered = value.strip().lower() if isinstance(value, str) else None
    return True if lowered == "true" else False if lowered == "false" else None


def as_int(value: object) -> int | None:
    """A whole number from a number or its text; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    try:
        return int(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None


def as_words(value: object) -> tuple[str, ...] | None:
    """The words of a space-separated list, in its order; None if absent. A list of texts is taken as it is."""
    if isinstance(value, str):
        return tuple(value.split()) if value not in _ABSENT else None
    if is_text_list(value):
        return tuple(value)
    return None


def is_text_list(value: object) -> TypeGuard[list[str]]:
    """True for a list that holds nothing but text."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def first(obj: Mapping[str, Any], *names: str) -> Any:
    """The value of the first name that states something; None if none does."""
    for name in names:
        value = obj.get(name)
        if value is not None and value != "" and value != "<null>":
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
