"""A key signs in that no list of the application's keys holds, and that nobody was seen to add."""

from __future__ import annotations

from graphcorr.sample import tenant as cast
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("secret", "certificate")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.4)
    key = cast.new_key(stage.rng, at, story.variant, "unknown")
    stage.work(victim, at, "graph", key=key)
    story.expect(victim, "credential_used_without_add_event")
