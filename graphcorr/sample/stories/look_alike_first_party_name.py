"""An application takes a name that looks like one of Microsoft's."""

from __future__ import annotations

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("letters of another alphabet", "an invisible character", "the name itself")

_NAMES = {
    "letters of another alphabet": "Micr\u043es\u043eft Graph",
    "an invisible character": "Azure\u200b Key Vault",
    "the name itself": "Azure Resource Manager",
}


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    stage.rename(victim, stage.moment(3.8), stage.taken_over(), _NAMES[story.variant])
    story.expect(victim, "renamed_principal", "look_alike_name")
