"""graphcorr: one workload identity across all logs of Microsoft Entra ID and Azure, as a graph.

The Python door. Names are imported when they are first used: `import graphcorr` loads no database and no JVM.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphcorr.coverage import coverage as coverage
    from graphcorr.load import load as load
    from graphcorr.scan import scan as scan
    from graphcorr.stores import open_store as open_store
    from graphcorr.trace import trace as trace

__version__ = "0.1.0"

_HOMES = {
    "load": "graphcorr.load",
    "scan": "graphcorr.scan",
    "trace": "graphcorr.trace",
    "coverage": "graphcorr.coverage",
    "open_store": "graphcorr.stores",
}

__all__ = ["__version__", "coverage", "load", "open_store", "scan", "trace"]  # noqa: F822


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'graphcorr' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
