"""A workflow is changed, and its managed identity does what it never did."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.stage import Stage, Story

VARIANTS = ("reads a vault", "asks Microsoft Graph")


def place(stage: Stage, story: Story) -> None:
    editor = stage.victim(duty="arm")
    workflow = stage.victim("managedIdentity")
    story.principals += [editor, workflow]
    at = stage.moment(3.3)
    name = workflow.names[0][1].replace("vm-", "la-")
    workflow.names[0] = (stage.tenant.start, name)
    workflow.managed_identity = stage.tenant.resource_id("rg-flows", "Microsoft.Logic/workflows", name)
    # Until now it only wrote through Azure Resource Manager.
    workflow.duties = ("arm",)
    token = stage.work(editor, at, "arm")
    stage.arm(editor, at + timedelta(minutes=1), token, "Microsoft.Logic/workflows/write", workflow.managed_identity)
    use = at + timedelta(minutes=12)
    stage.run_workflow(name, use - timedelta(seconds=2), "Get_everything", use + timedelta(seconds=40))
    stage.work(workflow, use, "vault" if "vault" in story.variant else "graph")
    story.expect(workflow, "logic_app_changed_then_acted")
