"""A token is taken from where it was issued and used elsewhere."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import ARM, GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("Microsoft Graph", "Azure Resource Manager")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.3)
    graph = story.variant == "Microsoft Graph"
    token = stage.sign_in(victim, at, GRAPH if graph else ARM)
    for minutes, ip in ((1, None), (17, stage.address), (19, stage.address)):
        then = at + timedelta(minutes=minutes)
        if graph:
            stage.graph(victim, then, token, path="/applications?$top=100", ip=ip)
        else:
            stage.arm(victim, then, token, ip=ip)
    story.expect(victim, "token_used_from_other_address")
