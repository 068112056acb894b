"""An application is deleted, and its tokens or its key are used afterwards."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("a token lives on", "it signs in again", "only switched off")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.6)
    token = stage.sign_in(victim, at - timedelta(minutes=4), GRAPH)
    stage.graph(victim, at - timedelta(minutes=3), token)
    if story.variant == "only switched off":
        stage.disable(victim, at, stage.user(victim.owner))
    else:
        stage.delete(victim, at, stage.user(victim.owner))
    victim.works_until = at
    if story.variant == "a token lives on":
        stage.graph(victim, at + timedelta(minutes=40), token)
    else:
        stage.work(victim, at + timedelta(hours=5), "graph")
    story.expect(victim, "deleted_principal_active")
