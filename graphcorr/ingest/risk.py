"""What the two loaders of workload-identity risk share: keys of versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphcorr.times import EPOCH

if TYPE_CHECKING:
    from datetime import datetime


def version_key(risk_id: str, updated_at: datetime | None) -> str:
    """Event key of one version of a detection or risk state.

    A detection is written anew when its state changes (atRisk, then dismissed): versions must not merge into a mixture.
    Exports, rows and Graph objects state the update with different precision, so that the second decides.
    """
    return risk_id if updated_at is None else f"{risk_id}@{int((updated_at - EPOCH).total_seconds())}"
