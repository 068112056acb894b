"""The scan document as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphcorr.scan import encode

if TYPE_CHECKING:
    from graphcorr.scan import ScanDocument


def render(document: ScanDocument) -> str:
    """The whole document: what `graphcorr report` and other programs read."""
    return encode(document).decode("ascii")
