"""A key is added to the service principal, where the page of the application does not show it."""

from __future__ import annotations

from datetime import datetime, timedelta

from graphcorr.sample.stage import Stage, Story
from graphcorr.sample.tenant import Principal

VARIANTS = ("secret", "certificate", "secret, and the application object has none")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.6)
    if "none" in story.variant:
        _without_key(stage, story, victim, at)
        return
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


def _without_key(stage: Stage, story: Story, victim: Principal, at: datetime) -> None:
    """Somebody registered it for users to sign in to; it never had a key."""
    created = stage.tenant.start + timedelta(hours=30)
    stage.create(victim, created, stage.user(victim.owner), with_key=False)
    victim.works_from = victim.works_until
    key = stage.add_key(victim, at, stage.taken_over(), on="servicePrincipal")
    use = at + timedelta(hours=1)
    stage.work(victim, use, "graph", stage.address, key)
    # In its first week it would be the set-up.
    if at - created > timedelta(days=7):
        story.expect(
            victim,
            "credential_on_service_principal_only",
            "new_credential_first_use_from_new_address",
            "credential_to_resource_chain",
        )
    if at - created > timedelta(days=60):
        story.expect(victim, "dormant_principal_revived")
