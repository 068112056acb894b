"""What managed identities of stories ask a token for that they never asked before: it depends on their whole past."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from graphcorr.sample.events import Event, SignIn
from graphcorr.sample.stage import Story
from graphcorr.sample.tenant import Principal

# A past this long says what is new.
_PAST = timedelta(days=14)


class Firsts:
    """Sees every event of the sample, routine and stories, and then adds what is new to the truth of the stories."""

    def __init__(self, stories: Iterable[Story]) -> None:
        self._stories = list(stories)
        # By object id: when each API was first asked for.
        self._asked: dict[str, dict[str, datetime]] = {
            principal.object_id: {} for story in self._stories for principal in _managed(story)
        }

    def note(self, event: Event) -> None:
        """Events may come in any order."""
        if isinstance(event, SignIn) and event.object_id in self._asked and event.code == 0:
            asked = self._asked[event.object_id]
            asked[event.service.app_id] = min(event.at, asked.get(event.service.app_id, event.at))

    def tell(self) -> None:
        """Expect a finding about every managed identity that asked for something new."""
        for story in self._stories:
            for principal in _managed(story):
                times = self._asked[principal.object_id].values()
                if times and max(times) - min(times) >= _PAST:
                    story.expect(principal, "managed_identity_new_resource")


def _managed(story: Story) -> list[Principal]:
    return [principal for principal in story.principals if principal.kind == "managedIdentity"]
