"""Hours for which an export to a storage account left no blob although it did for most hours around."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphcorr.archive.archive import InputFact

# `tenantId=…/y=2026/m=07/d=16/h=13/m=00/PT1H.json`, with the container or any folder in front (log-facts 1.2).
_BLOB = re.compile(
    r"(?:^|[/\\!])((?:tenantId|resourceId|WorkspaceResourceId)=.*?)[/\\]y=(\d{4})[/\\]m=(\d\d)[/\\]d=(\d\d)[/\\]h=(\d\d)[/\\]",
    re.IGNORECASE,
)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, order=True)
class Missing:
    """Hours without a blob: `file` is a blob of the same export, whose records say whose it is."""

    source: str
    file: str
    start: datetime
    end: datetime


def place_and_hour(file: str) -> tuple[str, datetime] | None:
    """What an hour blob is of (tenant, resource or workspace, lower case) and its hour; None for other files."""
    found = _BLOB.search(file)
    if found is None:
        return None
    place, year, month, day, hour = found.groups()
    try:
        start = datetime(int(year), int(month), int(day), int(hour), tzinfo=UTC)
    except ValueError:
        return None
    return place.replace("\\", "/").lower(), start


def missing(facts: Iterable[InputFact]) -> list[Missing]:
    """Runs of missing hours between present ones, sorted.

    A log that is silent in most hours leaves no blobs for them: only where at least half of the hours have one, a
    missing one means something.
    """
    hours: dict[tuple[str, str], dict[datetime, str]] = defaultdict(dict)
    for fact in facts:
        found = place_and_hour(fact.file)
        if fact.source is not None and found is not None and fact.rows:
            place, hour = found
            held = hours[(fact.source, place)]
            held[hour] = min(fact.file, held.get(hour, fact.file))
    runs: list[Missing] = []
    for (source, _), held in hours.items():
        present = sorted(held)
        if 2 * len(present) < (present[-1] - present[0]) // _HOUR + 1:
            continue
        sample = min(held.values())
        for before, after in zip(present, present[1:], strict=False):
            if after - before > _HOUR:
                runs.append(Missing(source, sample, before + _HOUR, after))
    return sorted(runs)
