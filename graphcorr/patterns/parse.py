"""Reads pattern files: metadata in YAML inside the leading comment, then the query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from graphcorr.content import content_dir
from graphcorr.errors import PatternError
from graphcorr.patterns.model import MATURITIES, SEVERITIES, Parameter, Pattern

_TEXTS = ("id", "title", "description", "severity", "maturity", "sentence", "disproof")
_LISTS = ("needs", "fingerprint", "attack", "blind_spots", "false_positives", "references")
_OPTIONAL = {"subject", "params", "references", "attack"}
_KEYS = {*_TEXTS, *_LISTS, "subject", "params"}
# Ten times as fast as the one in Python, and every scan reads all patterns; not built into every PyYAML.
_YAML_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_patterns(dirs: Iterable[Path] | None = None) -> tuple[Pattern, ...]:
    """All patterns below the folders, ordered by id; without folders, the ones that come with graphcorr.

    Raises PatternError for a file that is not valid and for an id that occurs twice.
    """
    found: dict[str, Pattern] = {}
    for folder in [content_dir("cypher") / "patterns"] if dirs is None else dirs:
        if not folder.is_dir():
            raise PatternError("no such folder of patterns", where=str(folder))
        for path in sorted(folder.rglob("*.cypher")):
            pattern = read_pattern(path)
            if pattern.id in found:
                raise PatternError(
                    f"the id {pattern.id!r} is already used by {found[pattern.id].path}",
                    where=str(path),
                    hint="give each pattern its own id and file name",
                )
            found[pattern.id] = pattern
    return tuple(found[name] for name in sorted(found))


def read_pattern(path: Path) -> Pattern:
    """The pattern in a file. Raises PatternError with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PatternError("not UTF-8", where=str(path), hint="save the file as UTF-8") from error
    comment, first_line = _leading_comment(text, path)
    reader = _Metadata(_yaml(comment, path, first_line), comment, path, first_line)
    return Pattern(
        id=reader.text("id"),
        title=reader.text("title"),
        description=reader.text("description"),
        severity=reader.choice("severity", SEVERITIES),
        maturity=reader.choice("maturity", MATURITIES),
        needs=reader.texts("needs"),
        params=reader.params(),
        fingerprint=reader.texts("fingerprint"),
        subject=reader.text("subject", default="subject"),
        sentence=reader.text("sentence"),
        disproof=reader.text("disproof"),
        attack=reader.texts("attack"),
        blind_spots=reader.texts("blind_spots"),
        false_positives=reader.texts("false_positives"),
        references=reader.texts("references"),
        query=text,
        path=path,
    )


def safe_yaml(text: str) -> Any:
    """The value of a YAML text, made of plain values only. Raises yaml.YAMLError."""
    return yaml.load(text, _YAML_LOADER)


def _leading_comment(text: str, path: Path) -> tuple[str, int]:
    """The text between `/*` and `*/` at the start of the file, and the line it begins in."""
    opening = re.match(r"\ufeff?\s*/\*", text)
    end = text.find("*/")
    if opening is None or end < 0:
        raise PatternError("no metadata", where=f"{path}:1", hint="begin the file with /* and YAML, end it with */")
    return text[opening.end() : end], text.count("\n", 0, opening.end()) + 1


def _yaml(comment: str, path: Path, first_line: int) -> Mapping[str, Any]:
    try:
        data = safe_yaml(comment)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = first_line + (mark.line if mark else 0)
        raise PatternError(
            f"metadata is no YAML: {error.problem}", where=f"{path}:{line}", hint="quote texts that hold `: ` or `#`"
        ) from error
    if not isinstance(data, dict):
        raise PatternError("metadata is no mapping", where=f"{path}:{first_line}", hint="write `id: …` lines")
    return data


class _Metadata:
    """Typed access to the keys of the metadata; every complaint names the line of the key."""

    def __init__(self, data: Mapping[str, Any], comment: str, path: Path, first_line: int) -> None:
        self._data = data
        self._comment = comment
        self._path = path
        self._first_line = first_line
        for key in data:
            if key not in _KEYS:
                raise self._error(str(key), f"unknown key {key!r}", f"known keys: {', '.join(sorted(_KEYS))}")
        for key in sorted(_KEYS - _OPTIONAL):
            if key not in data:
                raise self._error(key, f"{key!r} is missing", f"add `{key}:` to the leading comment")

    def text(self, key: str, default: str | None = None) -> str:
        value = self._data.get(key, default)
        if not isinstance(value, str) or not value.strip():
            raise self._error(key, f"{key!r} is not a text", "write one text")
        return " ".join(value.split())

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in choices:
            raise self._error(key, f"{key!r} is {value!r}", f"one of {', '.join(choices)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._error(key, f"{key!r} is not a list of texts", "write a YAML list of texts")
        return tuple(" ".join(item.split()) for item in value)

    def params(self) -> tuple[Parameter, ...]:
        value = self._data.get("params") or {}
        if not isinstance(value, dict):
            raise self._error("params", "'params' is not a mapping", "write `name: {default: …, reason: …}`")
        return tuple(self._param(name, body) for name, body in value.items())

    def _param(self, name: object, body: object) -> Parameter:
        if not isinstance(name, str) or not isinstance(body, dict) or set(body) != {"default", "reason"}:
            raise self._error(str(name), f"parameter {name!r} needs exactly `default` and `reason`", "write both")
        if not isinstance(body["reason"], str) or not _is_value(body["default"]):
            raise self._error(name, f"parameter {name!r}: reason is a text; default a text, number, true/false or list")
        return Parameter(name=name, default=body["default"], reason=" ".join(body["reason"].split()))

    def _error(self, key: str, message: str, hint: str | None = None) -> PatternError:
        line = self._first_line
        for number, content in enumerate(self._comment.split("\n")):
            if re.match(rf"\s*{re.escape(key)}\s*:", content):
                line += number
                break
        return PatternError(message, where=f"{self._path}:{line}", hint=hint)


def _is_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int | float | bool)
