"""One address tries guessed secrets at many applications."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("all fail", "one succeeds")


def place(stage: Stage, story: Story) -> None:
    at = stage.moment(3)
    # All within one calendar day, or the day's groups would be smaller than the spray.
    at = at.replace(hour=9, minute=stage.rng.randint(0, 30))
    tried = [stage.victim() for _ in range(6)]
    story.principals += tried
    for place, victim in enumerate(tried):
        for attempt in range(2):
            stage.sign_in(victim, at + timedelta(minutes=3 * place + attempt), GRAPH, stage.address, code=7000215)
        story.expect(victim, "failed_sign_ins_bad_credential")
    story.expect_address(stage.address, "bad_credential_spray")
    if story.variant == "one succeeds":
        use = at + timedelta(minutes=25)
        stage.work(tried[2], use, "graph", stage.address)
        story.expect_new_address(stage, tried[2], use)
