"""A stolen key empties a vault; what lay in it signs in next, from the same address."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import VAULT
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("all secrets", "one secret")


def place(stage: Stage, story: Story) -> None:
    thief, second = stage.victim(duty="vault"), stage.victim()
    story.principals += [thief, second]
    at = stage.moment(3.1)
    stage.sign_in(thief, at, VAULT, stage.address)
    for number in range(30 if story.variant == "all secrets" else 1):
        stage.vault(thief, at + timedelta(seconds=2 + number), f"secret-{number:02}", stage.address)
    use = at + timedelta(minutes=14)
    stage.work(second, use, "graph", stage.address)
    if story.variant == "all secrets":
        story.expect(thief, "mass_secret_read")
    story.expect(second, "secret_read_then_other_principal")
    for victim in story.principals:
        story.expect_new_address(stage, victim, at)
    story.expect_address(stage.address, "address_shared_by_principals")
