"""A small Cypher tokenizer: enough to check a query without taking words inside strings or comments for code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphcorr.errors import PatternError

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<param>\$(?:\w+|`[^`]*`))
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<name>[^\W\d]\w*|`[^`]*`)
  | (?P<symbol><>|<=|>=|=~|\.\.|\+=|->|<-|[^\s\w])
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Token:
    """One token with its place. `kind`: string, param, number, name, symbol. `depth` counts open brackets around it;
    `inside` is the index of the innermost opening bracket, -1 at the top."""

    kind: str
    text: str
    line: int
    depth: int
    inside: int

    def is_word(self, *words: str) -> bool:
        """True for a name that reads as one of the keywords, in any case."""
        return self.kind == "name" and self.text.upper() in words

    def is_symbol(self, *symbols: str) -> bool:
        return self.kind == "symbol" and self.text in symbols


def tokenize(query: str, where: str) -> tuple[Token, ...]:
    """Tokens of a query without blanks and comments. Raises PatternError for brackets and quotes that do not close."""
    tokens: list[Token] = []
    open_brackets: list[int] = []
    at = 0
    line = 1
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            raise PatternError(f"unexpected {query[at]!r}", where=f"{where}:{line}")
        kind, text = str(match.lastgroup), match.group()
        if kind == "symbol" and text in ("'", '"', "`"):
            raise PatternError("a quote is not closed", where=f"{where}:{line}")
        if kind == "symbol" and text in _OPENING.values():
            if not open_brackets or _OPENING[tokens[open_brackets[-1]].text] != text:
                raise PatternError(f"{text!r} closes nothing", where=f"{where}:{line}")
            open_brackets.pop()
        if kind not in ("space", "comment"):
            tokens.append(Token(kind, text, line, len(open_brackets), open_brackets[-1] if open_brackets else -1))
        if kind == "symbol" and text in _OPENING:
            open_brackets.append(len(tokens) - 1)
        line += text.count("\n")
        at = match.end()
    if open_brackets:
        last = tokens[open_brackets[-1]]
        raise PatternError(f"{last.text!r} is not closed", where=f"{where}:{last.line}")
    return tuple(tokens)
