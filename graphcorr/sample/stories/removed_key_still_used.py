"""A key is removed, and signs in hours later all the same."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("five hours later", "a day later")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(4.4)
    key = victim.key(at)
    stage.remove_key(victim, at, stage.user(victim.owner), key)
    victim.works_until = at
    hours = 5 if "five" in story.variant else 26
    stage.work(victim, at + timedelta(hours=hours), "graph", key=key)
    story.expect(victim, "removed_credential_still_used")
