"""The attacker becomes an owner of an application, and as its owner adds a key."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story
from graphcorr.sample.tenant import ACCOUNTS

VARIANTS = ("within an hour", "two days later")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    # Three days of ordinary life before it even in the shortest sample: less, and no address can be called new.
    at = stage.moment(4.6)
    actor = stage.taken_over()
    mallory = stage.tenant.users[ACCOUNTS - 1]
    stage.add_owner(victim, at, actor, mallory)
    added = at + (timedelta(minutes=35) if "hour" in story.variant else timedelta(days=2))
    as_owner = stage.user(mallory)
    key = stage.add_key(victim, added, as_owner)
    use = added + timedelta(minutes=12)
    stage.work(victim, use, "graph", stage.address, key)
    story.expect(
        victim,
        "owner_then_credential",
        "unexplained_credential_update",
        "new_credential_first_use_from_new_address",
        "credential_to_resource_chain",
    )
    if "hour" in story.variant:
        story.expect(victim, "credential_after_role_change")
    story.expect_new_address(stage, victim, use)
