"""A federated credential lets the attacker's own issuer sign in as the application."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("an issuer in a storage account", "another repository of a known issuer")


def place(stage: Stage, story: Story) -> None:
    victim = stage.victim()
    story.principals.append(victim)
    at = stage.moment(3.7)
    issuer, subject = "https://oidcstore7.blob.core.windows.net/oidc", "workload"
    if "repository" in story.variant:
        issuer, subject = "https://token.actions.githubusercontent.com", "repo:mallory/build:ref:refs/heads/main"
    federated = stage.add_federated(victim, at, stage.taken_over(), "ci", issuer, subject)
    use = at + timedelta(minutes=22)
    token = stage.sign_in(victim, use, GRAPH, stage.address, federated=federated)
    stage.graph(victim, use + timedelta(seconds=2), token)
    story.expect(victim, "federated_credential_added")
    story.expect_new_address(stage, victim, use)
