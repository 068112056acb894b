"""Stories: attacks that are placed into the sample, one file each. A new file is a new story.

A story has `VARIANTS` and `place(stage, story)`, which acts out `story.variant` and notes what must be found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from graphcorr.sample.stage import Stage, Story


@dataclass(frozen=True)
class Script:
    """One story as its file tells it."""

    id: str
    title: str
    variants: tuple[str, ...]
    place: Callable[[Stage, Story], None]


def scripts() -> dict[str, Script]:
    """All stories by id, in the order of their ids."""
    found = {}
    for name in sorted(module.name for module in iter_modules(__path__)):
        module = import_module(f"{__name__}.{name}")
        title = (module.__doc__ or "").strip().partition("\n")[0]
        found[name] = Script(name, title, module.VARIANTS, module.place)
    return found
