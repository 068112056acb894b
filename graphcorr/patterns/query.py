"""What the lint needs to know about a query: its columns, the labels and types of its variables, what it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from graphcorr.errors import PatternError
from graphcorr.patterns.tokens import Token, tokenize

_SUBQUERY_WORDS = ("CALL", "EXISTS", "COUNT", "COLLECT")
# Names after which a bracket opens a node pattern; after any other name it opens the arguments of a function.
_PATTERN_WORDS = ("MATCH", "WHERE", "AND", "OR", "XOR", "NOT", "WHEN", "EXISTS")
_CLAUSES = ("ORDER", "SKIP", "LIMIT")


@dataclass(frozen=True)
class Named:
    """A label, edge type or property key in the text, and the variable it belongs to, if any."""

    name: str
    line: int
    variable: str | None = None


@dataclass
class _Found:
    labels: list[Named] = field(default_factory=list)
    types: list[Named] = field(default_factory=list)
    # Keys of `{…}` directly inside a node or edge pattern, with what they are bound to.
    matched_keys: list[tuple[Named, tuple[str, ...], Token]] = field(default_factory=list)
    map_keys: set[str] = field(default_factory=set)


class Query:
    """A tokenized query. Raises PatternError when it cannot be read or has no RETURN."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self.tokens = tokenize(text, where)
        self._found = _Found()
        self._read_patterns()

    # -- structure ---------------------------------------------------------------------------------------

    @cached_property
    def final_return(self) -> int:
        """Index of the token RETURN of the last clause."""
        places = [i for i, token in enumerate(self.tokens) if token.depth == 0 and token.is_word("RETURN")]
        if not places:
            raise PatternError("no RETURN", where=self.where)
        return places[-1]

    @cached_property
    def columns(self) -> dict[str, tuple[Token, ...]]:
        """Aliases of the final RETURN with the tokens of their expressions. An unnamed expression is an error."""
        start = self.final_return
        items: list[list[Token]] = [[]]
        for token in self.tokens[start + 1 :]:
            if token.depth == 0 and token.is_word(*_CLAUSES):
                break
            if token.depth == 0 and token.is_symbol(","):
                items.append([])
            else:
                items[-1].append(token)
        return dict(self._named(item) for item in items)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The columns that the final ORDER BY lists."""
        tail = self.tokens[self.final_return :]
        starts = [i for i, token in enumerate(tail) if token.depth == 0 and token.is_word("ORDER")]
        if not starts:
            return ()
        return tuple(t.text for t in tail[starts[-1] + 2 :] if t.kind == "name" and not t.is_word("ASC", "DESC"))

    def definition(self, name: str) -> tuple[Token, ...]:
        """The expression behind the last `… AS name` before the final RETURN; empty if there is none."""
        found: tuple[Token, ...] = ()
        for place, token in enumerate(self.tokens[: self.final_return]):
            if token.kind == "name" and token.text == name and self.tokens[place - 1].is_word("AS"):
                found = self._expression_before(place - 1)
        return found

    def _named(self, item: list[Token]) -> tuple[str, tuple[Token, ...]]:
        match item:
            case [*expression, as_word, name] if as_word.is_word("AS"):
                return name.text, tuple(expression)
            case [name] if name.kind == "name":
                return name.text, (name,)
            case _:
                line = item[0].line if item else self.tokens[-1].line
                raise PatternError("a column without a name", where=f"{self.where}:{line}", hint="write `… AS name`")

    def _expression_before(self, end: int) -> tuple[Token, ...]:
        depth = self.tokens[end].depth
        start = end
        while start > 0:
            token = self.tokens[start - 1]
            if token.depth < depth or (
                token.depth == depth and (token.is_symbol(",") or token.is_word("WITH", "RETURN", "DISTINCT", "UNWIND"))
            ):
                break
            start -= 1
        return self.tokens[start:end]

    # -- labels, types, properties -----------------------------------------------------------------------------

    @property
    def labels(self) -> list[Named]:
        return self._found.labels

    @property
    def types(self) -> list[Named]:
        return self._found.types

    @property
    def matched_keys(self) -> list[tuple[Named, tuple[str, ...], Token]]:
        """Property keys inside patterns, the labels or types they belong to, and the first token of their value."""
        return self._found.matched_keys

    @property
    def map_keys(self) -> set[str]:
        return self._found.map_keys

    @cached_property
    def variables(self) -> dict[str, frozenset[str]]:
        """Labels and types that each variable is bound with, over the whole text."""
        bound: dict[str, set[str]] = {}
        for named in (*self.labels, *self.types):
            if named.variable is not None:
                bound.setdefault(named.variable, set()).add(named.name)
        return {name: frozenset(labels) for name, labels in bound.items()}

    @cached_property
    def properties(self) -> list[Named]:
        """Every `variable.property`."""
        found = []
        for place in range(2, len(self.tokens)):
            owner, dot, name = self.tokens[place - 2 : place + 1]
            if dot.is_symbol(".") and name.kind == "name":
                called = place + 1 < len(self.tokens) and self.tokens[place + 1].is_symbol("(")
                if not called:
                    found.append(Named(name.text, name.line, owner.text if owner.kind == "name" else None))
        return found

    def is_plain_name(self, place: int) -> bool:
        """True for a name that is no property, label, map key or alias of a column: it may be a keyword."""
        before = self.tokens[place - 1] if place else None
        after = self.tokens[place + 1] if place + 1 < len(self.tokens) else None
        if before is not None and (before.is_symbol(".", ":", "|", "&", "!") or before.is_word("AS")):
            return False
        return not (after is not None and after.is_symbol(":") and self._is_map(self.tokens[place].inside))

    def _is_map(self, opening: int) -> bool:
        """True if the bracket opens a map, false for a pattern, a list or a subquery."""
        if opening < 0 or not self.tokens[opening].is_symbol("{") or opening == 0:
            return False
        before = self.tokens[opening - 1]
        if before.is_word(*_SUBQUERY_WORDS):
            return False
        return not (before.is_symbol(")") and self._call_before(opening - 1))

    def _call_before(self, closing: int) -> bool:
        place = closing
        while not (self.tokens[place].is_symbol("(") and self.tokens[place].depth == self.tokens[closing].depth):
            place -= 1
        return place > 0 and self.tokens[place - 1].is_word("CALL")

    def _read_patterns(self) -> None:
        for place, token in enumerate(self.tokens):
            if not token.is_symbol(":"):
                continue
            if self._is_map(token.inside):
                self._read_key(place)
            else:
                self._read_labels(place)

    def _read_key(self, place: int) -> None:
        key, opening = self.tokens[place - 1], self.tokens[place].inside
        around = self.tokens[opening].inside
        named = Named(key.text, key.line)
        owners = self._pattern_labels(around, opening) if around >= 0 else None
        if owners is None:
            self._found.map_keys.add(key.text)
        else:
            value = self.tokens[place + 1 : place + 4]
            dotted = len(value) == 3 and value[1].is_symbol(".")
            self._found.matched_keys.append((named, owners, value[1] if dotted else value[0]))

    def _pattern_labels(self, opening: int, until: int) -> tuple[str, ...] | None:
        """Labels or types in `(x:A {` or `-[x:T {`; None if the brackets are no such pattern."""
        inner = self.tokens[opening + 1 : until]
        if not all(t.kind == "name" or t.is_symbol(":", "|", "&", "!") for t in inner):
            return None
        if self.tokens[opening].is_symbol("["):
            edge = opening > 0 and self.tokens[opening - 1].is_symbol("-", "<-")
            if not edge:
                return None
        elif not self.tokens[opening].is_symbol("(") or self._opens_arguments(opening):
            return None
        colons = [i for i, t in enumerate(inner) if t.is_symbol(":")]
        return tuple(t.text for t in inner[colons[0] :] if t.kind == "name") if colons else ()

    def _opens_arguments(self, opening: int) -> bool:
        before = self.tokens[opening - 1] if opening else None
        return before is not None and before.kind == "name" and not before.is_word(*_PATTERN_WORDS)

    def _read_labels(self, place: int) -> None:
        opening = self.tokens[place].inside
        edge = opening > 0 and self.tokens[opening].is_symbol("[") and self.tokens[opening - 1].is_symbol("-", "<-")
        before = self.tokens[place - 1]
        variable = before.text if before.kind == "name" else None
        target = self._found.types if edge else self._found.labels
        following = place + 1
        while following < len(self.tokens):
            token = self.tokens[following]
            if token.kind == "name":
                target.append(Named(token.text, token.line, variable))
                if not self.tokens[following + 1].is_symbol("|", "&"):
                    break
            elif not token.is_symbol("|", "&", "!"):
                break
            following += 1
