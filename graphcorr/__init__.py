"""graphcorr: one workload identity across all logs of Microsoft Entra ID and Azure, as a graph.

The Python door. Names are imported when they are first used: `import graphcorr` loads no database and no JVM.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphcorr.coverage import coverage as coverage
    from graphcorr.load import load as load
    from graphcorr.scan import scan as scan
    from graphcorr.stores import open_store as open_store
    from graphcorr.trace import trace as trace

__version__ = "0.1.0"

__all__ = ["__version__", "coverage", "load", "open_store", "scan", "trace"]

_HOMES = {
    "coverage": "graphcorr.coverage",
    "load": "graphcorr.load",
    "open_store": "graphcorr.stores",
    "scan": "graphcorr.scan",
    "trace": "graphcorr.trace",
}


class _Door(ModuleType):
    """Keeps `graphcorr.load` a function: importing the module of that name would put the module in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if _HOMES.get(name) == getattr(value, "__name__", None):
            value = getattr(value, name)
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'graphcorr' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


sys.modules[__name__].__class__ = _Door
