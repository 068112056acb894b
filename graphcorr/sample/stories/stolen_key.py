"""A working key is used from a network where the application never was."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import ARM, GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("reads a vault", "asks for tokens it does not use", "signs in and changes nothing")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.2)
    if "vault" in story.variant:
        for hours in (0, 2, 5):
            stage.work(victim, at + timedelta(hours=hours), "vault", stage.address)
    elif "changes nothing" in story.variant:
        for hours in (0, 1):
            stage.sign_in(victim, at + timedelta(hours=hours), ARM, stage.address)
        story.expect(victim, "sign_in_without_change")
    else:
        for hours in (0, 1):
            stage.sign_in(victim, at + timedelta(hours=hours), GRAPH, stage.address)
        story.expect(victim, "orphan_sign_in")
    story.expect_new_address(stage, victim, at)
