"""An application that nobody uses any more is given a key, and signs in again."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("from the attacker's address", "from where it had been")

# Silence as long as this is no pause.
_QUIET = timedelta(days=60)


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.3)
    # It ran for the last time in the first hours of the logs.
    last = stage.tenant.start + timedelta(hours=5)
    stage.work(victim, last, victim.duties[0])
    victim.works_until = last
    key = stage.add_key(victim, at, stage.taken_over())
    stage.work(victim, at + timedelta(minutes=50), "graph", None if "had been" in story.variant else stage.address, key)
    if at - last > _QUIET:
        story.expect(victim, "dormant_principal_revived")
    if "attacker" in story.variant:
        story.expect(victim, "new_credential_first_use_from_new_address", "credential_to_resource_chain")
