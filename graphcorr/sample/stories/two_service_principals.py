"""A second service principal signs in under the app id of one that lives: one of the two is not what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from graphcorr.sample.events import new_guid
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("once", "on two days")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    twin = replace(victim, object_id=new_guid(stage.rng))
    story.principals += [victim, twin]
    at = stage.moment(3.5)
    for day in range(1 if story.variant == "once" else 2):
        # At home, and with the key that the victim has.
        stage.work(twin, at + timedelta(days=day), "graph")
    story.expect(victim, "identity_conflict")
    # No inventory lists the second one.
    story.expect(twin, "sign_in_of_unknown_principal")
