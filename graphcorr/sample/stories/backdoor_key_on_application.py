"""A key is added to an application that works well, and used from the attacker's address."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("secret added by a user", "certificate added by a user", "secret added by an application")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.5)
    actor = stage.taken_over()
    if "by an application" in story.variant:
        helper = stage.victim()
        story.principals.append(helper)
        actor = stage.app(helper, at)
    key = stage.add_key(victim, at, actor, story.variant.partition(" ")[0])
    use = at + timedelta(minutes=11)
    stage.work(victim, use, "vault", stage.address, key)
    stage.work(victim, use + timedelta(minutes=5), "graph", stage.address, key)
    story.expect(
        victim,
        "unexplained_credential_update",
        "new_credential_first_use_from_new_address",
        "credential_to_resource_chain",
    )
    story.expect_new_address(stage, victim, use)
