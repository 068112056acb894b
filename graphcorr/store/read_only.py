"""Refuses Cypher that is not a plain query, before any store sees it.

The stores run statements in read mode as well. This check is for what read mode lets through (procedures, files, other
databases) and it errs on the side of refusing.
"""

from __future__ import annotations

import re

from graphcorr.errors import PatternError

# What can hold any text: strings, quoted names, comments.
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:``|[^`])*`|//[^\n]*|/\*.*?\*/""", re.DOTALL)
_WRITES = re.compile(
    r"(?<![.:$\w])(CREATE|MERGE|SET|DELETE|DETACH|REMOVE|FOREACH|INSERT|DROP|ALTER|GRANT|DENY|REVOKE)\b(?!\s*[:(])",
    re.IGNORECASE,
)
_FILES = re.compile(r"(?<![.:$\w])LOAD\s+CSV\b", re.IGNORECASE)
_PROCEDURE = re.compile(r"(?<![.:$\w])CALL\s*(?![\s({])", re.IGNORECASE)
_COMMAND = re.compile(r"^\s*(SHOW|USE|EXPLAIN|PROFILE|TERMINATE|START|STOP|ENABLE|RENAME|CYPHER)\b", re.IGNORECASE)


def check(cypher: str) -> None:
    """Raises PatternError for statements that write, call procedures, read files or are no query."""
    if re.search(r"\\u", cypher, re.IGNORECASE):
        # Neo4j decodes these before it parses, so they could end a string that looks closed here.
        raise PatternError("a query must not contain \\u escapes", hint="write the character itself or use a parameter")
    code = _QUOTED.sub(_harmless, cypher)
    for pattern, refused in (
        (_WRITES, "{} writes"),
        (_FILES, "LOAD CSV reads files"),
        (_PROCEDURE, "CALL of a procedure"),
        (_COMMAND, "{} is no query"),
    ):
        match = pattern.search(code)
        if match:
            raise PatternError(f"only read-only queries are run: {refused.format(match[0].strip().upper())}",
                               hint="use MATCH, WITH, RETURN; subqueries in CALL { … } are fine")  # fmt: skip


def _harmless(quoted: re.Match[str]) -> str:
    """A quoted name as a name, a string as a string, a comment as the blank that it is."""
    return {"`": "x", "/": " "}.get(quoted[0][0], " '' ")
