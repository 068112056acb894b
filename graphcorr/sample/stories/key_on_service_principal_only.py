"""A key is added to the service principal, where the page of the application does not show it."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("secret", "certificate")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.6)
    key = stage.add_key(victim, at, stage.taken_over(), story.variant, on="servicePrincipal")
    use = at + timedelta(hours=1)
    stage.work(victim, use, "graph", stage.address, key)
    story.expect(
        victim,
        "unexplained_credential_update",
        "new_credential_first_use_from_new_address",
        "credential_to_resource_chain",
    )
    story.expect_new_address(stage, victim, use)
