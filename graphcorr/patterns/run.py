"""Runs one pattern for one tenant: rows of the store, checked, become findings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from graphcorr.errors import PatternError, UsageError
from graphcorr.findings import Explanation, Finding, Subject, fingerprint_of, merged, plain
from graphcorr.patterns.model import (
    AS_OF_PARAMETER,
    OPTIONAL_COLUMNS,
    REQUIRED_COLUMNS,
    SEVERITIES,
    TENANT_PARAMETER,
    VERDICTS,
    Pattern,
)
from graphcorr.store.base import GraphNode
from graphcorr.times import to_iso

if TYPE_CHECKING:
    from graphcorr.store.base import Store

UNKNOWN = "unknown"
"""What a sentence says where a column is null."""

PLACEHOLDER = re.compile(r"\{(\w+)\}")
_CONFIDENCES = ("exact", "high", "medium", "low")
# A node has several labels; the most telling one names it.
_TELLING = (
    "ManagedIdentity", "AgentIdentity", "ServicePrincipal", "AppRegistration", "User",
    "Secret", "Certificate", "FederatedCredential",
)  # fmt: skip


def run_pattern(
    pattern: Pattern,
    store: Store,
    tenant_id: str,
    as_of: datetime,
    params: Mapping[str, Any] | None = None,
) -> tuple[Finding, ...]:
    """All findings, leads and undecided rows of a pattern in one tenant, one per fingerprint, worst first.

    `as_of` is the tenant's newest event, `params` override the pattern's defaults. Raises UsageError for a parameter
    that the pattern does not have, PatternError for rows that break the contract of design 9.
    """
    values = {**pattern.defaults(), **checked_parameters(pattern, params or {})}
    result = store.query(pattern.query, {**values, TENANT_PARAMETER: tenant_id, AS_OF_PARAMETER: as_of})
    required = [pattern.subject if name == "subject" else name for name in REQUIRED_COLUMNS]
    missing = [name for name in (*required, *pattern.fingerprint) if name not in result.columns]
    if missing and result.rows:
        raise PatternError(f"does not return {', '.join(missing)}", where=str(pattern.path))
    return merged(_finding(pattern, tenant_id, row) for row in result.dicts())


def checked_parameters(pattern: Pattern, given: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides of a pattern's parameters; a number given as text becomes a number where the default is one.

    Raises UsageError for a name that the pattern does not have and a value of another type than the default.
    """
    defaults = pattern.defaults()
    checked: dict[str, Any] = {}
    for name, value in given.items():
        if name not in defaults:
            known = ", ".join(sorted(defaults)) or "none"
            raise UsageError(f"pattern {pattern.id} has no parameter {name!r}", hint=f"its parameters: {known}")
        checked[name] = _like(pattern.id, name, value, defaults[name])
    return checked


def _like(pattern_id: str, name: str, value: Any, default: object) -> Any:
    kind = type(default)
    if kind in (int, float) and isinstance(value, str):
        try:
            return kind(value)
        except ValueError:
            pass
    if isinstance(value, kind) and isinstance(value, bool) == isinstance(default, bool):
        return value
    raise UsageError(f"parameter {name!r} of {pattern_id} is {value!r}", hint=f"expected a value like {default!r}")


def _finding(pattern: Pattern, tenant_id: str, row: Mapping[str, Any]) -> Finding:
    special = {*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS, pattern.subject}
    reason = row["reason"]
    verdict = _one_of(pattern, "verdict", row["verdict"], VERDICTS)
    if verdict == "notDecidable" and not reason:
        raise PatternError("a row is notDecidable without a reason", where=str(pattern.path))
    confidence = row.get("confidence")
    return Finding(
        pattern=pattern.id,
        fingerprint=fingerprint_of(pattern.id, (row[name] for name in pattern.fingerprint)),
        tenant_id=tenant_id,
        verdict=verdict,
        severity=_one_of(pattern, "severity", row.get("severity") or pattern.severity, SEVERITIES),
        confidence=None if confidence is None else _one_of(pattern, "confidence", confidence, _CONFIDENCES),
        sentence=sentence(pattern.sentence, row),
        reason=None if reason is None else str(reason),
        first_at=_time(pattern, "firstAt", row["firstAt"]),
        last_at=_time(pattern, "lastAt", row["lastAt"]),
        subject=subject_of(pattern, row[pattern.subject]),
        evidence=_texts(row["evidence"]),
        explanations=_explanations(pattern, row.get("explanations")),
        details={name: plain(row[name]) for name in sorted(row) if name not in special},
        disproof=pattern.disproof,
        attack=pattern.attack,
    )


def sentence(template: str, row: Mapping[str, Any]) -> str:
    """The template with each `{column}` replaced by its value; what is null or missing reads "unknown".

    Values are put in as they are, in one pass: braces inside a value mean nothing.
    """
    return PLACEHOLDER.sub(lambda match: _worded(row.get(match.group(1))), template)


def placeholders(template: str) -> tuple[str, ...]:
    """The columns that a sentence uses."""
    return tuple(PLACEHOLDER.findall(template))


def _worded(value: object) -> str:
    match value:
        case None | []:
            return UNKNOWN
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S UTC")
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(_worded(part) for part in value)
        case GraphNode():
            return str(value.properties.get("caption") or value.key)
        case _:
            return str(value)


def subject_of(pattern: Pattern, node: object) -> Subject:
    """A node as the subject of a finding. Raises PatternError if the value is no node."""
    if not isinstance(node, GraphNode):
        raise PatternError(
            f"column {pattern.subject!r} holds {type(node).__name__}, not a node",
            where=str(pattern.path),
            hint="return the node itself and rule out rows without one",
        )
    stated = node.properties
    telling = [label for label in _TELLING if label in node.labels] or sorted(node.labels)
    return Subject(
        label=telling[0],
        key=node.key,
        identity_id=stated.get("identityId"),
        object_id=stated.get("objectId"),
        app_id=stated.get("appId"),
        key_id=stated.get("keyId"),
        address=stated.get("address"),
        caption=stated.get("caption"),
    )


def _explanations(pattern: Pattern, value: object) -> tuple[Explanation, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or not all(isinstance(part, Mapping) for part in value):
        raise PatternError("column 'explanations' is no list of maps", where=str(pattern.path))
    parts: Sequence[Mapping[str, Any]] = value
    try:
        return tuple(
            Explanation(
                id=str(part["id"]),
                present=bool(part["present"]),
                text=str(part["text"]),
                evidence=_texts(part.get("evidence")),
            )
            for part in parts
        )
    except KeyError as error:
        raise PatternError(
            f"an explanation lacks {error}",
            where=str(pattern.path),
            hint="each is {id, present, text, evidence}",
        ) from error


def _texts(value: Any) -> tuple[str, ...]:
    """Event ids without repetition, in one order."""
    return tuple(sorted({str(part) for part in value if part is not None})) if value else ()


def _time(pattern: Pattern, column: str, value: object) -> str | None:
    if value is None or isinstance(value, datetime):
        return None if value is None else to_iso(value)
    raise PatternError(f"column {column!r} holds {value!r}, not a time", where=str(pattern.path))


def _one_of(pattern: Pattern, column: str, value: object, allowed: Sequence[str]) -> str:
    if isinstance(value, str) and value in allowed:
        return value
    raise PatternError(
        f"column {column!r} holds {value!r}", where=str(pattern.path), hint=f"one of {', '.join(allowed)}"
    )
