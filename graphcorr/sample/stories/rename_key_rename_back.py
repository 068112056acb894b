"""An application is renamed, given a key and used, so that rules that join by name lose it."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("renamed back", "not renamed back", "renamed back before the first use", "a decoy has the old name")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    actor = stage.taken_over()
    at = stage.moment(4)
    former = victim.name(at)
    if "decoy" in story.variant:
        decoy = stage.victim()
        story.principals.append(decoy)
    stage.rename(victim, at, actor, f"zz-{stage.rng.randint(1000, 9999)}")
    if "decoy" in story.variant:
        stage.rename(decoy, at + timedelta(minutes=2), actor, former)
        story.expect(decoy, "renamed_principal", "name_taken_over")
    key = stage.add_key(victim, at + timedelta(minutes=4), actor)
    use = at + timedelta(minutes=30)
    if "before" in story.variant:
        stage.rename(victim, at + timedelta(minutes=9), actor, former)
    stage.work(victim, use, "vault", stage.address, key)
    if story.variant == "renamed back":
        stage.rename(victim, at + timedelta(hours=2), actor, former)
    story.expect(
        victim,
        "renamed_principal",
        "rename_around_credential_change",
        "unexplained_credential_update",
        "new_credential_first_use_from_new_address",
        "credential_to_resource_chain",
    )
    story.expect_new_address(stage, victim, use)
