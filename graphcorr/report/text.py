"""The scan document for a person at a terminal, or in a pipe: what was found, why, and what would disprove it."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from graphcorr.report.safe import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from graphcorr.findings import Finding, Subject
    from graphcorr.scan import ScanDocument
    from graphcorr.stories import Story

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
# More evidence than this is counted, not listed; the JSON document has all of it.
_SHOWN_EVENTS = 6
_SHOWN_ABOUT = 4
_CONNECTED = {
    "acted": "one did what the other shows,",
    "credential": "one credential,",
    "actor": "both done by",
    "address": "both from",
}


def render(document: ScanDocument, *, colour: bool = False) -> str:
    """Findings first, then leads, what could not be decided, and how each pattern fared.

    Every value is printed as it is, with control characters made visible; lines are left to the terminal to wrap.
    """
    return _printed(_lines(document), colour)


def render_stories(document: ScanDocument, *, colour: bool = False) -> str:
    """The stories alone, below the summary of everything."""
    lines = [Text(_summary(document), style="bold"), *(line for story in document.stories for line in _story(story))]
    return _printed(lines, colour)


def coloured(stream: TextIO) -> bool:
    """Whether a stream is a terminal whose user wants colours."""
    return stream.isatty() and "NO_COLOR" not in os.environ


def _printed(lines: Iterable[Text], colour: bool) -> str:
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=colour, no_color=not colour, highlight=False, markup=False, width=200)
    for line in lines:
        console.print(line, soft_wrap=True)
    return buffer.getvalue()


def _lines(document: ScanDocument) -> Iterable[Text]:
    yield Text(_summary(document), style="bold")
    for tenant in document.tenants:
        yield Text(f"tenant {printable(tenant.tenant_id)}, newest event {tenant.as_of}")
    for story in document.stories:
        yield from _story(story)
    if document.stories and document.findings:
        yield from _heading("Findings")
    for finding in document.findings:
        yield from _finding(finding)
    if document.leads:
        yield from _heading("Leads: facts worth seeing, no accusation")
        for lead in document.leads:
            yield from _finding(lead)
    if document.undecided:
        yield from _heading("Not decidable: the logs cannot tell")
        rows = [(u.pattern, u.reason, str(u.count), _named(u.subject)) for u in document.undecided]
        yield from _table(("pattern", "reason", "count", "subject"), rows)
    if document.suppressed:
        yield from _heading("Allowed by the configuration")
        rows = [
            (s.finding.pattern, s.finding.verdict, _named(s.finding.subject), f"until {s.until}: {s.reason}")
            for s in document.suppressed
        ]
        yield from _table(("pattern", "verdict", "subject", "allowed"), rows)
    yield from _heading("Patterns")
    statuses = [(p.id, p.status, str(p.found), str(p.leads), str(p.undecided)) for p in document.patterns]
    yield from _table(("pattern", "status", "found", "leads", "undecided"), statuses)
    for pattern in document.patterns:
        if pattern.message is not None:
            yield Text(f"{pattern.id} failed: {printable(pattern.message)}", style="red")


def _summary(document: ScanDocument) -> str:
    undecided = sum(row.count for row in document.undecided)
    tenants = _counted(len(document.tenants), "tenant")
    findings = _counted(len(document.findings), "finding")
    leads = _counted(len(document.leads), "lead")
    told = f"{_counted(len(document.stories), 'story', 'stories')}: " if document.stories else ""
    return f"{told}{findings}, {leads}, {undecided} not decidable, in {tenants}"


def _counted(number: int, noun: str, plural: str | None = None) -> str:
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def _heading(title: str) -> Iterable[Text]:
    yield Text()
    yield Text(title, style="bold")


def _finding(finding: Finding) -> Iterable[Text]:
    yield Text()
    head = Text(f"{finding.severity.upper():8}", style=_STYLES.get(finding.severity, ""))
    yield head.append(f" {finding.pattern}", style="bold").append(f"  {_span(finding)}", style="dim")
    yield Text(f"  {printable(finding.sentence)}")
    yield _field("subject", _named(finding.subject))
    if finding.reason is not None:
        yield _field("reason", printable(finding.reason))
    for explanation in finding.explanations:
        seen = "seen:" if explanation.present else "not seen:"
        events = f" ({_events(explanation.evidence)})" if explanation.present and explanation.evidence else ""
        yield _field("looked for", f"{seen:10}{printable(explanation.text)}{events}")
    if finding.evidence:
        yield _field("evidence", _events(finding.evidence))
    if finding.verdict == "found":
        yield _field("disproof", printable(finding.disproof))
    yield _field("id", finding.fingerprint)


def _story(story: Story) -> Iterable[Text]:
    yield Text()
    head = Text(f"{story.severity.upper():8}", style=_STYLES.get(story.severity, ""))
    title = f" Story about {', '.join(printable(name) for name in story.about[:_SHOWN_ABOUT])}"
    more = len(story.about) - _SHOWN_ABOUT
    yield head.append(title + (f" and {more} more" if more > 0 else ""), style="bold")
    yield _field("score", f"{story.score} of 100: {'; '.join(printable(reason) for reason in story.reasons)}")
    for step in story.steps:
        mark = "lead: " if step.verdict == "lead" else ""
        at = f"{(step.at or 'undated')[:19]:21}"
        yield (
            Text(f"  {at}", style="dim")
            .append(f"{mark}{printable(step.sentence)} ", style="not dim")
            .append(f"[{step.fingerprint}]", style="dim")
        )
    # That events of one identity belong together needs no words.
    for connection in story.connections:
        if connection.kind not in ("identity", "event"):
            via = f"{_CONNECTED[connection.kind]} {printable(connection.via)}"
            yield _field("connected", f"{connection.source} and {connection.target}: {via}")


def _field(name: str, value: str) -> Text:
    return Text(f"  {name:11}", style="dim").append(value, style="not dim")


def _span(finding: Finding) -> str:
    if finding.first_at is None or finding.first_at == finding.last_at or finding.last_at is None:
        return finding.first_at or finding.last_at or "undated"
    return f"{finding.first_at} to {finding.last_at}"


def _events(events: Sequence[str]) -> str:
    listed = ", ".join(printable(event) for event in events[:_SHOWN_EVENTS])
    more = len(events) - _SHOWN_EVENTS
    return f"{listed} and {more} more" if more > 0 else listed


def _named(subject: Subject) -> str:
    ids = {
        "app": subject.app_id,
        "object": subject.object_id,
        "key": subject.key_id,
        "address": subject.address,
    }
    stated = ", ".join(f"{name} {printable(value)}" for name, value in ids.items() if value is not None)
    caption = printable(subject.caption or subject.key)
    return f"{subject.label} {caption} ({stated})" if stated else f"{subject.label} {caption}"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterable[Text]:
    shown = [header, *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(header))]
    for number, row in enumerate(shown):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield Text(f"  {cells}", style="dim" if number == 0 else "")
