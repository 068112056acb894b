"""One certificate is put on two applications, and signs in as both."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("within an hour", "on the next day")


def place(stage: Stage, story: Story) -> None:
    story.principals += [stage.victim(), stage.victim()]
    at = stage.moment(3.5)
    actor = stage.taken_over()
    key = None
    for victim in story.principals:
        key = stage.add_key(victim, at, actor, "certificate", same=key)
        use = at + timedelta(minutes=9)
        stage.work(victim, use, "graph", stage.address, key)
        story.expect(
            victim,
            "unexplained_credential_update",
            "new_credential_first_use_from_new_address",
            "credential_to_resource_chain",
        )
        story.expect_new_address(stage, victim, use)
        at += timedelta(minutes=20) if "hour" in story.variant else timedelta(days=1)
    # One finding about both; it names the one whose id comes first.
    story.expect(min(story.principals, key=lambda principal: principal.app_id), "shared_credential")
    story.expect_address(stage.address, "address_shared_by_principals")
