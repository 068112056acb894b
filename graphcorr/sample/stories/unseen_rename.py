"""An application shows another name in its sign-ins, and the audit log, complete as it is, knows of no rename."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("no key", "a key as well")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(4.3)
    actor = stage.taken_over()
    stage.rename(victim, at, actor, f"yy-{stage.rng.randint(1000, 9999)}", silent=True)
    # At home and as ever, but for the name.
    stage.work(victim, at + timedelta(hours=2), victim.duties[0])
    story.expect(victim, "renamed_principal", "rename_without_audit_event")
    if story.variant == "a key as well":
        key = stage.add_key(victim, at + timedelta(hours=3), actor)
        use = at + timedelta(hours=4)
        stage.work(victim, use, "vault", stage.address, key)
        story.expect(
            victim,
            "rename_around_credential_change",
            "unexplained_credential_update",
            "new_credential_first_use_from_new_address",
            "credential_to_resource_chain",
        )
        story.expect_new_address(stage, victim, use)
