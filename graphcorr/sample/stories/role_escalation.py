"""An application is given a powerful role or permission and uses it at once."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import ARM, GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("directory role", "application permission", "Azure role", "a permission that no record grants")

_PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
_OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.9)
    actor = stage.taken_over()
    use = at + timedelta(minutes=9)
    if "no record" in story.variant:
        # It is new, so that everything it was ever granted is in the log.
        stage.create(victim, at, stage.user(victim.owner))
        victim.works_from = victim.works_until
        token = stage.sign_in(victim, use, GRAPH)
        roles = "Directory.Read.All RoleManagement.ReadWrite.Directory"
        stage.graph(victim, use + timedelta(seconds=2), token, "POST", "/directoryRoles/members/$ref", roles=roles)
        story.expect(victim, "privilege_used_without_grant")
        return
    if story.variant == "Azure role":
        helper = stage.victim()
        story.principals.append(helper)
        token = stage.sign_in(helper, at - timedelta(minutes=1), ARM)
        scope = f"/subscriptions/{stage.tenant.subscription}"
        assignment = f"1f1f1f1f-0000-4000-8000-{victim.object_id[-12:]}"
        body = (
            f'{{"Id":"{assignment}","Properties":{{"PrincipalId":"{victim.object_id}",'
            f'"RoleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/{_OWNER}","Scope":"{scope}"}}}}'
        )
        resource = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment}"
        stage.arm(helper, at, token, "Microsoft.Authorization/roleAssignments/write", resource, body=body)
        stage.arm(victim, use + timedelta(seconds=2), stage.sign_in(victim, use, ARM))
    else:
        if story.variant == "directory role":
            stage.add_to_role(victim, at, actor, "Privileged Role Administrator", _PRIVILEGED_ROLE_ADMINISTRATOR)
        else:
            stage.grant_app_role(victim, at, actor, "RoleManagement.ReadWrite.Directory")
            story.expect(victim, "high_risk_consent")
        token = stage.sign_in(victim, use, GRAPH)
        stage.graph(victim, use + timedelta(seconds=2), token, "POST", "/directoryRoles/roleTemplateId/members/$ref")
    story.expect(victim, "grant_then_use")
