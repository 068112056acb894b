"""An administrator is led to consent to a foreign application that asks for everybody's mail."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("delegated, for everybody", "application permissions")


def place(stage: Stage, story: Story) -> None:
    foreign = stage.victim("multiTenant")
    story.principals.append(foreign)
    at = stage.moment(4)
    actor = stage.taken_over()
    stage.create(foreign, at, actor)
    foreign.works_from = foreign.works_until
    agreed = at + timedelta(seconds=1)
    if story.variant == "application permissions":
        for role in ("Mail.ReadWrite", "Files.ReadWrite.All"):
            stage.grant_app_role(foreign, agreed, actor, role)
        stage.work(foreign, at + timedelta(minutes=15), "graph", stage.address)
        story.expect(foreign, "grant_then_use")
    else:
        stage.consent(foreign, agreed, actor, "Mail.ReadWrite Mail.Send offline_access")
    story.expect(foreign, "high_risk_consent")
