"""The token of a managed identity is fetched on its machine and used from the attacker's address."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import ARM, GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("Microsoft Graph", "Azure Resource Manager")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim("managedIdentity")
    story.principals.append(victim)
    at = stage.moment(3.4)
    graph = story.variant == "Microsoft Graph"
    token = stage.sign_in(victim, at, GRAPH if graph else ARM)
    for hours, ip in ((0.1, None), (5, stage.address)):
        then = at + timedelta(hours=hours)
        if graph:
            stage.graph(victim, then, token, ip=ip)
        else:
            stage.arm(victim, then, token, ip=ip)
    story.expect(victim, "token_used_from_other_address", "managed_identity_token_outside_azure")
