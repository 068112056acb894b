"""The audit log says nothing for half a day, and just after it an application has another name."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.shapes import LOGS
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("renamed", "given a key")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    # Before the first inventory: what is proven from there on is not touched by the hole.
    hole = stage.tenant.start + timedelta(hours=8), stage.tenant.start + timedelta(hours=20)
    story.holes[LOGS["audit"].table] = hole
    at = hole[1] + timedelta(minutes=50)
    if story.variant == "renamed":
        stage.rename(victim, at, stage.taken_over(), f"xx-{stage.rng.randint(1000, 9999)}")
        story.expect(victim, "renamed_principal")
    else:
        # It has a working key, or a past of its own would have to be told apart from no past.
        stage.work(victim, at - timedelta(hours=2), victim.duties[0])
        story.expect(victim, "unexplained_credential_update")
        stage.add_key(victim, at, stage.taken_over())
    story.expect_log(LOGS["audit"].table, "audit_gap_around_change")
