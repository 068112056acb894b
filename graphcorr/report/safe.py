"""Text that is safe to print: log values are hostile, so every output passes its values through here."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime

from graphcorr.times import to_iso

# Categories that a terminal or viewer acts on instead of showing: control, format (bidirectional overrides,
# zero-width), surrogate, private use, unassigned, line and paragraph separators.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# What spreadsheets take for the start of a formula, and their full-width twins.
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def printable(value: object) -> str:
    """One line of text in which every character that would not be shown is a visible escape.

    None becomes empty text. Rich markup is left alone: hand the text to `rich.text.Text`, never to markup.
    """
    text = "" if value is None else str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if unicodedata.category(character) not in _UNSHOWN:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def csv_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: text that starts like one gets a leading apostrophe.

    None is empty, times are ISO in UTC, booleans `true` / `false`, lists joined with blanks, mappings JSON.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case datetime():
            return to_iso(value)
        case str():
            return _no_formula(value)
        case Mapping():
            return _no_formula(json.dumps(value, ensure_ascii=False, sort_keys=True, default=csv_cell))
        case Sequence():
            return _no_formula(" ".join(str(part) for part in value))
        case _:
            return _no_formula(str(value))


def _no_formula(text: str) -> str:
    # Blanks in front do not stop every spreadsheet.
    start = text.lstrip(" ")[:1] or text[:1]
    shown = printable(text)
    return f"'{shown}" if start in _FORMULA and start else shown
