"""A stolen key is used from an address that threat intelligence has listed."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("the key is used there", "the key is added from there")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.2)
    stage.call_bad(stage.address, at - timedelta(days=1), at + timedelta(days=30))
    if story.variant == "the key is used there":
        stage.work(victim, at, "vault", stage.address)
        story.expect_new_address(stage, victim, at)
    else:
        # Used from the known address: only the actor's address tells.
        key = stage.add_key(victim, at, stage.taken_over())
        stage.work(victim, at + timedelta(hours=1), "graph", key=key)
        story.expect(victim, "unexplained_credential_update")
    story.expect(victim, "threat_intelligence_address")
