"""A small table for people: column names and rows of plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from graphcorr.store.base import Result


@dataclass(frozen=True)
class Table:
    """Rows in order; values are plain Python, datetimes aware UTC, None = not known."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]

    @classmethod
    def of(cls, result: Result) -> Table:
        return cls(result.columns, result.rows)

    def to_pandas(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(self.columns))
