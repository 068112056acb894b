"""The pattern lint: what must hold before a pattern runs on a tenant; each check says what to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from graphcorr.errors import PatternError
from graphcorr.graph import schema
from graphcorr.patterns.cases import read_cases
from graphcorr.patterns.model import REQUIRED_COLUMNS, RUN_PARAMETERS, TENANT_PARAMETER, Pattern
from graphcorr.patterns.query import Named, Query
from graphcorr.patterns.run import placeholders
from graphcorr.patterns.tokens import Token


@dataclass(frozen=True)
class Problem:
    """What a check found, where, and what to do about it."""

    pattern: str
    check: str
    where: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message} ({self.remedy})"


def lint(patterns: Sequence[Pattern]) -> tuple[Problem, ...]:
    """All problems of the patterns, in the order of patterns and checks; empty = ready to run."""
    problems: list[Problem] = []
    titles = Counter(pattern.title for pattern in patterns)
    for pattern in patterns:
        if titles[pattern.title] > 1:
            problems.append(_problem(UniqueTitle(), pattern, 1, f"another pattern has the title {pattern.title!r}"))
        try:
            query = Query(pattern.query, str(pattern.path))
            # Read here, so that a column without a name is one problem and not one of each check.
            _ = query.columns
        except PatternError as error:
            where = error.where or str(pattern.path)
            problems.append(Problem(pattern.id, "readable", where, error.message, error.hint or "write valid Cypher"))
            continue
        for check in CHECKS:
            problems.extend(_problem(check, pattern, line, text) for line, text in check.run(pattern, query))
    return tuple(problems)


def _problem(check: Check, pattern: Pattern, line: int, message: str) -> Problem:
    return Problem(pattern.id, type(check).__name__, f"{pattern.path}:{line}", message, check.remedy)


class Check(ABC):
    """One rule. `run` yields line and message of each breach."""

    remedy: str

    @abstractmethod
    def run(self, pattern: Pattern, query: Query) -> Iterable[tuple[int, str]]: ...


class IdIsFileName(Check):
    remedy = "give file and id one name"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        if pattern.path.stem != pattern.id:
            yield 1, f"the id {pattern.id!r} is not the file's name"


class UniqueTitle(Check):
    remedy = "give each pattern its own title"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        yield from ()  # checked over all patterns together


class BlindSpotsStated(Check):
    remedy = "write down what the pattern cannot see; every pattern has something"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        if not pattern.blind_spots:
            yield 1, "no blind spots"


class FingerprintDeclared(Check):
    remedy = "list the columns of ids that identify a finding"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        if not pattern.fingerprint:
            yield 1, "no fingerprint"


class ColumnsReturned(Check):
    remedy = "add the column to the final RETURN"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        required = [pattern.subject if name == "subject" else name for name in REQUIRED_COLUMNS]
        line = query.tokens[-1].line
        for name in dict.fromkeys((*required, *pattern.fingerprint)):
            if name not in query.columns:
                yield line, f"column {name!r} is not returned"


class SentenceColumns(Check):
    remedy = "return the column or take it out of the sentence"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        for name in placeholders(pattern.sentence):
            if name not in query.columns:
                yield 1, f"the sentence uses {name!r}, which is not returned"


class FingerprintStable(Check):
    """Only source ids, key ids, event ids, addresses, codes and calendar days identify a finding (design 9)."""

    remedy = "use ids, addresses, codes or toString(date(x)); names, counts, times and identity ids move"

    _COUNTS = ("count", "days", "candidates", "events")
    _NAMES = (
        "name", "caption", "formerNames", "displayName", "resourceName", "userPrincipalName", "skeleton",
        "identityId", "formerIds",
    )  # fmt: skip
    _AGGREGATES = ("count", "sum", "avg", "size")

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        for name in pattern.fingerprint:
            if name not in query.columns:
                continue
            if name in self._moving() or name in (*RETURNED_TIMES, "principal", "actor"):
                yield 1, f"fingerprint column {name!r} is one that moves"
                continue
            for line, text in self._moving_source(query, query.columns[name], set()):
                yield line, f"fingerprint column {name!r} comes from {text}"

    def _moving(self) -> frozenset[str]:
        times = {
            p.name
            for kind in (*map(schema.properties_of, schema.NODES), *(edge.properties for edge in schema.EDGES))
            for p in kind
            if p.type == "datetime"
        }
        counts = {p.name for kind in map(schema.properties_of, schema.NODES) for p in kind if p.type == "integer"}
        return frozenset({*self._COUNTS, *self._NAMES, *times, *counts})

    def _moving_source(self, query: Query, expression: Sequence[Token], seen: set[str]) -> Iterator[tuple[int, str]]:
        moving = self._moving()
        in_date = False
        for place, token in enumerate(expression):
            before = expression[place - 1] if place else None
            after = expression[place + 1] if place + 1 < len(expression) else None
            if token.is_word("DATE") and after is not None and after.is_symbol("("):
                in_date = True
            if token.kind != "name":
                continue
            if before is not None and before.is_symbol("."):
                if token.text in moving and not in_date:
                    yield token.line, f"the property {token.text!r}"
            elif after is not None and after.is_symbol("("):
                if token.text.lower() in self._AGGREGATES:
                    yield token.line, f"{token.text}()"
            elif token.text not in seen and not (after is not None and after.is_symbol(".")) and not in_date:
                seen.add(token.text)
                yield from self._moving_source(query, query.definition(token.text), seen)


RETURNED_TIMES = ("firstAt", "lastAt")


class SchemaNames(Check):
    remedy = "cypher/schema.md lists labels, edge types and properties"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        known_labels = {label for node in schema.NODES for labels in node.label_sets for label in labels}
        known_types = {edge.type for edge in schema.EDGES}
        for label in query.labels:
            if label.name not in known_labels:
                yield label.line, f"unknown label {label.name!r}"
        for edge_type in query.types:
            if edge_type.name not in known_types:
                yield edge_type.line, f"unknown edge type {edge_type.name!r}"
        every = {p for name in (*known_labels, *known_types) for p in _properties(name)}
        for used in query.properties:
            yield from self._property(query, used, every)
        for key, owners, _ in query.matched_keys:
            known = {p for owner in owners if owner in known_labels | known_types for p in _properties(owner)}
            if key.name not in (known or every):
                yield key.line, f"{' or '.join(owners) or 'no label'} has no property {key.name!r}"

    def _property(self, query: Query, used: Named, every: set[str]) -> Iterator[tuple[int, str]]:
        bound = query.variables.get(used.variable or "", frozenset())
        owned = {p for name in bound for p in _properties(name)}
        # A variable without a label may be a map of the query's own, or a node of any kind.
        if used.name not in (owned or every | query.map_keys | _TIME_PARTS):
            owner = " or ".join(sorted(bound)) or "nothing in the schema"
            yield used.line, f"{owner} has no property {used.name!r}"


_TIME_PARTS = frozenset({"epochMillis", "epochSeconds", "seconds", "hour", "dayOfWeek", "year"})


def _properties(name: str) -> frozenset[str]:
    """Property names of a label or edge type; empty if the schema does not know it."""
    try:
        return frozenset(p.name for p in schema.properties_of(schema.node_of_label(name)))
    except KeyError:
        pass
    try:
        return frozenset(p.name for p in schema.edge_of_type(name).properties) | {"key"}
    except KeyError:
        return frozenset()


class DeclaredParameters(Check):
    remedy = "declare parameters under `params`, use all of them, and filter by $tenantId"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        declared = {parameter.name for parameter in pattern.params}
        used = {token.text[1:]: token.line for token in query.tokens if token.kind == "param"}
        for name, line in used.items():
            if name not in declared | RUN_PARAMETERS:
                yield line, f"parameter ${name} is not declared"
        for name in sorted(declared - set(used)):
            yield 1, f"parameter ${name} is declared and not used"
        for name in sorted(declared & RUN_PARAMETERS):
            yield 1, f"parameter ${name} is supplied by every run"
        reads = query.tokens[: query.final_return]
        if not any(token.kind == "param" and token.text[1:] == TENANT_PARAMETER for token in reads):
            yield 1, "nothing is filtered by $tenantId: a pattern runs once per tenant and sees that tenant only"


class ReadOnly(Check):
    remedy = "patterns only read, and run on a server without plug-ins: no writes, no procedures, no apoc"

    _WRITES = (
        "CREATE", "MERGE", "SET", "DELETE", "DETACH", "REMOVE", "DROP", "FOREACH", "LOAD", "USE", "ALTER",
        "GRANT", "DENY", "REVOKE", "SHOW", "EXPLAIN", "PROFILE", "FILTER", "LET", "FINISH", "NEXT", "INSERT",
    )  # fmt: skip

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        for place, token in enumerate(query.tokens):
            after = query.tokens[place + 1] if place + 1 < len(query.tokens) else None
            if token.is_word(*self._WRITES) and query.is_plain_name(place):
                yield token.line, f"the word {token.text}"
            elif token.is_word("CALL") and after is not None and not after.is_symbol("(", "{"):
                yield token.line, f"the procedure {after.text}"
            elif token.is_word("APOC", "GDS") and after is not None and after.is_symbol("."):
                yield token.line, f"a function of {token.text}"
            elif token.is_symbol(";"):
                yield token.line, "a second statement"


class Deterministic(Check):
    remedy = '"now" is $asOf; order by all fingerprint columns; LIMIT only after ORDER BY'

    _CLOCKS = (
        "datetime", "date", "time", "localdatetime", "localtime", "timestamp", "rand", "randomUUID", "id", "elementId",
    )  # fmt: skip

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        tokens = query.tokens
        for place, token in enumerate(tokens[:-2]):
            if token.kind != "name" or not tokens[place + 1].is_symbol("("):
                continue
            name = token.text
            if name in ("id", "elementId", "rand", "randomUUID", "timestamp"):
                yield token.line, f"{name}() differs from run to run or store to store"
            elif name.lower() in self._CLOCKS and tokens[place + 2].is_symbol(")"):
                yield token.line, f"{name}() without an argument reads the clock"
        missing = [name for name in pattern.fingerprint if name not in query.order]
        if missing:
            yield tokens[-1].line, f"the final ORDER BY lacks {', '.join(missing)}"
        yield from self._limits(query)

    def _limits(self, query: Query) -> Iterator[tuple[int, str]]:
        for place, token in enumerate(query.tokens):
            if not token.is_word("LIMIT", "SKIP") or not query.is_plain_name(place):
                continue
            before = [t for t in query.tokens[:place] if t.depth == token.depth]
            clause = next((t for t in reversed(before) if t.is_word("WITH", "RETURN", "ORDER")), None)
            if clause is None or not clause.is_word("ORDER"):
                yield token.line, f"{token.text} without ORDER BY"
            elif token.depth == 0 and any(t.is_word("RETURN") for t in before):
                yield token.line, f"{token.text} after the final RETURN hides findings"


class UnknownIsNotFalse(Check):
    remedy = "write `x.p = false`; a missing property is unknown, not false"

    _OPERATORS = ("=", "<>", "<", ">", "<=", ">=", "=~", "+", "-", "[", ".")
    _WORDS = ("IN", "IS", "STARTS", "ENDS", "CONTAINS")

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        tokens = query.tokens
        for place, token in enumerate(tokens[:-4]):
            name, dot, prop, after = tokens[place + 1 : place + 5]
            if not (token.is_word("NOT") and name.kind == "name" and dot.is_symbol(".") and prop.kind == "name"):
                continue
            if not after.is_symbol(*self._OPERATORS) and not after.is_word(*self._WORDS):
                yield token.line, f"NOT {name.text}.{prop.text}"


class DialectTraps(Check):
    """Forms that one of the stores answers differently: docs/cypher-dialect.md."""

    remedy = "docs/cypher-dialect.md says which form works on both stores"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        tokens = query.tokens
        datetimes = {
            p.name
            for properties in (*map(schema.properties_of, schema.NODES), *(e.properties for e in schema.EDGES))
            for p in properties
            if p.type == "datetime"
        }
        for key, _, value in query.matched_keys:
            if value.is_symbol("."):
                yield key.line, f"{{{key.name}: x.y}} in a pattern finds nothing on the embedded store; use WHERE"
        for place, token in enumerate(tokens[:-5]):
            following = tokens[place + 1 : place + 5]
            if token.is_word("DURATION") and following[0].is_symbol(".") and following[1].text == "between":
                yield token.line, "duration.between(): compare times plus a duration, or epochMillis"
            elif token.is_word("TOSTRING") and following[2].is_symbol(".") and following[3].text in datetimes:
                yield (
                    token.line,
                    f"toString() of the time {following[3].text!r} is spelled differently; return the time",
                )
            elif token.is_word("EXISTS") and following[0].is_symbol("("):
                yield token.line, "exists(...); write EXISTS { ... }"


class NoNullNodeInside(Check):
    """The embedded store takes a node that is null outside for any node inside `EXISTS { }` and `COUNT { }`."""

    remedy = "ask `x IS NOT NULL AND EXISTS { … }`, or `CASE WHEN x IS NULL THEN …`: docs/cypher-dialect.md"

    _CLAUSES = ("MATCH", "OPTIONAL", "WITH", "RETURN", "UNWIND", "CALL", "UNION")

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        tokens = query.tokens
        bound: set[str] = set()
        optional: set[str] = set()
        matching: set[str] = set()  # by the OPTIONAL MATCH that is being read: in its own WHERE they are there
        clause, depth = "", 0
        for place, token in enumerate(tokens):
            if token.is_word(*self._CLAUSES) and query.is_plain_name(place):
                if token.depth <= depth and not (clause == "OPTIONAL" and token.is_word("MATCH")):
                    optional, matching = optional | matching, set()
                    clause, depth = token.text.upper(), token.depth
                elif token.depth > depth and not self._asked(tokens, token):
                    clause, depth = token.text.upper(), token.depth
            elif token.is_word("AS") and place + 1 < len(tokens):
                bound.add(tokens[place + 1].text)
                optional.discard(tokens[place + 1].text)
            elif token.is_word("IS") and tokens[place + 1].is_word("NULL", "NOT"):
                optional.discard(tokens[place - 1].text)
            elif token.is_symbol("(") and (node := self._node(tokens, place)) is not None:
                if self._asked(tokens, token):
                    if node in optional:
                        yield token.line, f"{node!r} may be null here"
                elif clause == "OPTIONAL" and node not in bound:
                    matching.add(node)
                elif clause in ("MATCH", "CALL") and node not in optional:
                    bound.add(node)

    def _node(self, tokens: Sequence[Token], place: int) -> str | None:
        """The variable of a node pattern, or of an import into CALL, that opens here."""
        before, (name, after) = tokens[place - 1], tokens[place + 1 : place + 3]
        called = place and before.kind == "name" and not before.is_word("MATCH", "CALL", "WHERE", "AND", "OR", "NOT")
        return name.text if name.kind == "name" and after.is_symbol(")", ":", "{", ",") and not called else None

    def _asked(self, tokens: Sequence[Token], token: Token) -> bool:
        """True inside the braces of EXISTS or COUNT."""
        inside = token.inside
        while inside >= 0:
            if tokens[inside].is_symbol("{") and inside and tokens[inside - 1].is_word("EXISTS", "COUNT"):
                return True
            inside = tokens[inside].inside
        return False


class CasesCoverBothSides(Check):
    remedy = "a .cases.yaml beside the pattern holds at least one case that fires, one silent, one near miss"

    def run(self, pattern: Pattern, query: Query) -> Iterator[tuple[int, str]]:
        if not pattern.cases_path.is_file():
            yield 1, f"no file {pattern.cases_path.name}"
            return
        try:
            kinds = Counter(case.kind for case in read_cases(pattern.cases_path))
        except PatternError as error:
            yield 1, str(error)
            return
        for kind in ("fires", "silent", "nearMiss"):
            if not kinds[kind]:
                yield 1, f"no case of kind {kind}"


CHECKS: tuple[Check, ...] = (
    IdIsFileName(),
    BlindSpotsStated(),
    FingerprintDeclared(),
    ColumnsReturned(),
    SentenceColumns(),
    FingerprintStable(),
    SchemaNames(),
    DeclaredParameters(),
    ReadOnly(),
    Deterministic(),
    UnknownIsNotFalse(),
    DialectTraps(),
    NoNullNodeInside(),
    CasesCoverBothSides(),
)
