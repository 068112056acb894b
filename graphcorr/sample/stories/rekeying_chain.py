"""One application that was given a key gives a key to the next, and that one to another."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("two links", "three links")


def place(stage: Stage, story: Story) -> None:
    at = stage.moment(3.4)
    actor = stage.taken_over()
    for _ in range(2 if story.variant == "two links" else 3):
        victim = stage.victim()
        story.principals.append(victim)
        key = stage.add_key(victim, at, actor)
        use = at + timedelta(minutes=8)
        token = stage.sign_in(victim, use, GRAPH, stage.address, key)
        stage.graph(victim, use + timedelta(seconds=3), token)
        story.expect(
            victim,
            "unexplained_credential_update",
            "new_credential_first_use_from_new_address",
            "credential_to_resource_chain",
        )
        story.expect_new_address(stage, victim, use)
        at = use + timedelta(minutes=3)
        actor = stage.app(victim, at)
        # The request that gives the key to the next one.
        stage.graph(victim, at - timedelta(milliseconds=200), token, "POST", "/applications/addPassword")
    for victim in story.principals[1:]:
        story.expect(victim, "chained_rekeying")
    story.expect_address(stage.address, "address_shared_by_principals")
