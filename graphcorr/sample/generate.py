"""Making a sample: seed and size → a folder of logs, graphcorr.toml and truth.json; same arguments, same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from graphcorr.sample import tenant as cast
from graphcorr.sample.background import Routine, innocent_changes
from graphcorr.sample.events import Audit, Event, GraphCall, SignIn
from graphcorr.sample.firsts import Firsts
from graphcorr.sample.shapes import LOGS as LOGS_BY_KIND
from graphcorr.sample.stage import Innocent, SampleError, Stage, Story
from graphcorr.sample.stories import scripts
from graphcorr.sample.tenant import Principal, Tenant
from graphcorr.sample.write import Writer, configuration, inventory, listed

TRUTH = "truth.json"
CONFIG = "graphcorr.toml"
LOGS = "logs"

# Stories need some days of ordinary life before them, and a day after them in which late logs would arrive.
LEAST_DAYS = 8
# The stories and innocent changes take a principal each, some several.
LEAST_PRINCIPALS = 80
LEAST_EVENTS = 500

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Generated:
    """What was made: events by table, records with their duplicates, the stories and their variants."""

    events: dict[str, int]
    records: int
    stories: tuple[tuple[str, str], ...]


def generate(
    folder: Path,
    seed: int = 1,
    principals: int = 80,
    days: int = 21,
    events_per_day: int = 2000,
    stories: Sequence[str] | None = None,
) -> Generated:
    """Make a sample in `folder`, which must be empty or not there. `stories` None = all of them.

    About `events_per_day` events; every log says something in every hour, which takes some 900 of them for 80
    principals. Raises SampleError.
    """
    _check(folder, principals, days, events_per_day)
    wanted = _wanted(stories)
    tenant = cast.build(seed, principals, days)
    routine = Routine(tenant, seed, tenant.principals, events_per_day)
    folder.mkdir(parents=True, exist_ok=True)
    everybody = [*tenant.principals, *routine.heartbeats]
    before = listed(everybody)
    told, innocents, acts = _plot(tenant, seed, wanted)
    gap = (tenant.start + timedelta(hours=34), tenant.start + timedelta(hours=42))
    inventory(folder, tenant.start + timedelta(days=1), before)
    inventory(folder, tenant.end - timedelta(days=1), listed(everybody))
    holes = {LOGS_BY_KIND["graph"].table: gap}
    for story in told:
        holes.update(story.holes)
    writer = Writer(folder, tenant, seed, events_per_day, holes)
    firsts = Firsts(told)
    for event in _in_hours(tenant, routine, acts, writer):
        firsts.note(event)
        writer.add(event)
    writer.close()
    firsts.tell()
    (folder / CONFIG).write_text(configuration(tenant, gap), encoding="utf-8")
    _write_truth(folder / TRUTH, tenant, seed, told, [*innocents, *routine.innocents])
    written = writer.written
    return Generated(dict(sorted(written.events.items())), written.records, tuple((s.id, s.variant) for s in told))


def _check(folder: Path, principals: int, days: int, events_per_day: int) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SampleError(f"{folder} is not empty", "name a folder that does not exist yet")
    for name, value, least in (
        ("principals", principals, LEAST_PRINCIPALS),
        ("days", days, LEAST_DAYS),
        ("events per day", events_per_day, LEAST_EVENTS),
    ):
        if value < least:
            raise SampleError(f"{value} {name} are too few", f"at least {least}")


def _wanted(stories: Sequence[str] | None) -> list[str]:
    known = scripts()
    if stories is None:
        return list(known)
    for name in stories:
        if name not in known:
            raise SampleError(f"no story {name!r}", f"one of {', '.join(known)}")
    return sorted(set(stories))


def _plot(tenant: Tenant, seed: int, wanted: Iterable[str]) -> tuple[list[Story], list[Innocent], list[Event]]:
    """Everything that happens once: stories and innocent changes, in the order of time."""
    actors = list(tenant.principals)
    Random(f"actors/{seed}").shuffle(actors)
    stage = Stage(tenant, Random(f"background/{seed}"), actors, "")
    told, innocents = innocent_changes(stage, tenant)
    acts = stage.events
    known = scripts()
    for number, name in enumerate(wanted):
        # A story's dice are its own: leaving another story out changes nothing here but who plays in it.
        rng = Random(f"story/{name}/{seed}")
        stage = Stage(tenant, rng, actors, f"198.51.100.{10 + number}", number)
        story = Story(name, rng.choice(known[name].variants))
        known[name].place(stage, story)
        story.events = stage.events
        acts = acts + stage.events
        told.append(story)
    return told, innocents, sorted(acts, key=lambda event: event.at)


def _in_hours(tenant: Tenant, routine: Routine, acts: list[Event], writer: Writer) -> Iterator[Event]:
    """The routine hour by hour with the acts of that hour among it."""
    waiting = iter(acts)
    act = next(waiting, None)
    hour = tenant.start
    while hour < tenant.end:
        yield from routine.hour(hour)
        while act is not None and act.at < hour + _HOUR:
            yield act
            act = next(waiting, None)
        writer.end_of_hour()
        hour += _HOUR


def _write_truth(path: Path, tenant: Tenant, seed: int, told: list[Story], innocents: list[Innocent]) -> None:
    truth = {
        "version": 1,
        "seed": seed,
        "tenantId": tenant.id,
        "from": _iso(tenant.start),
        "until": _iso(tenant.end),
        "stories": [_story(story) for story in sorted(told, key=lambda story: (story.kind, story.id))],
        "innocent": [
            {"pattern": innocent.pattern, "appId": innocent.app_id, "why": innocent.why}
            for innocent in sorted(innocents, key=lambda innocent: (innocent.pattern, innocent.app_id))
        ],
    }
    path.write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _story(story: Story) -> dict[str, Any]:
    ids = sorted(event.id for event in story.events if isinstance(event, SignIn | Audit | GraphCall))
    return {
        "id": story.id,
        "variant": story.variant,
        "kind": story.kind,
        "principals": [_principal(principal) for principal in story.principals],
        "events": ids,
        "findings": [
            {
                "pattern": finding.pattern,
                "verdict": finding.verdict,
                **({"subjectAppId": finding.app_id, "subjectObjectId": finding.object_id} if finding.app_id else {}),
                **({"subjectAddress": finding.address} if finding.address else {}),
                **({"subjectSource": finding.source} if finding.source else {}),
            }
            for finding in story.findings
        ],
    }


def _principal(principal: Principal) -> dict[str, Any]:
    return {
        "appId": principal.app_id,
        "objectId": principal.object_id,
        **({"registrationId": principal.registration_id} if principal.registration_id else {}),
        "names": list(dict.fromkeys(name for _, name in principal.names)),
    }


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
