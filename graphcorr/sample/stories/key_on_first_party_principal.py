"""A key is added to the service principal of an application of Microsoft."""

from __future__ import annotations

from datetime import timedelta

from graphcorr.sample.events import GRAPH
from graphcorr.sample.stage import Stage, Story

VARIANTS = ("secret", "certificate")


def place(stage: Stage, story: Story) -> None:
    exchange = stage.tenant.microsoft
    story.principals.append(exchange)
    at = stage.moment(3.2)
    key = stage.add_key(exchange, at, stage.taken_over(), story.variant, on="servicePrincipal")
    use = at + timedelta(minutes=6)
    token = stage.sign_in(exchange, use, GRAPH, stage.address, key)
    stage.graph(exchange, use + timedelta(seconds=1), token, ip=stage.address)
    story.expect(
        exchange,
        "credential_on_first_party_principal",
        "new_credential_first_use_from_new_address",
        "credential_to_resource_chain",
    )
