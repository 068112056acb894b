"""A service principal signs in that no inventory holds and nobody was seen to create; or acts without any sign-in."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("signs in", "acts without a sign-in")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(5)
    if story.variant == "signs in":
        # It exists for this story only: no inventory lists it.
        victim.created = stage.tenant.end
        victim.works_from = victim.works_until
        # On three days: not every shape of a sign-in says whose application it is.
        for hours in (0, 25, 50):
            stage.work(victim, at + timedelta(hours=hours), "graph", stage.address)
        story.expect(victim, "sign_in_of_unknown_principal")
    else:
        token = stage.sign_in(victim, at, GRAPH)
        # Whatever issued the token, no log of sign-ins shows it.
        stage.events.remove(token)
        stage.graph(victim, at + timedelta(minutes=1), token)
        story.expect(victim, "activity_without_sign_in")
