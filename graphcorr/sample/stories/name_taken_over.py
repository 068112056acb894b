"""An application gives its name away, and another one, made by the attacker, is called so from then on."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = (
    "taken by a new application",
    "taken by an application that was there",
    "taken by a new application after the first was deleted",
)


def place(stage: Stage, story: Story) -> None:
    former, heir = stage.victim(), stage.victim()
    story.principals += [former, heir]
    actor = stage.taken_over()
    at = stage.moment(4.1)
    name = former.name(at)
    if "deleted" in story.variant:
        stage.delete(former, at, actor)
        former.works_until = at
        story.expect(heir, "recreated_principal")
    else:
        stage.rename(former, at, actor, f"{name}-old")
        story.expect(former, "renamed_principal")
    later = at + timedelta(minutes=20)
    if "new" in story.variant:
        heir.names[:] = [(stage.tenant.start, name)]
        stage.create(heir, later, actor)
        heir.works_from = heir.works_until
    else:
        stage.rename(heir, later, actor, name)
        story.expect(heir, "renamed_principal")
    stage.work(heir, later + timedelta(minutes=30), "graph", stage.address)
    # No record says who owned the deleted one: the heir may be the owner's.
    story.expect(heir, "name_taken_over", verdict="lead" if "deleted" in story.variant else "found")
    if "there" in story.variant:
        story.expect_new_address(stage, heir, later)
        # A new place counts once a week of others is known.
        if later - stage.tenant.start >= timedelta(days=8):
            story.expect(heir, "rename_around_credential_change")
