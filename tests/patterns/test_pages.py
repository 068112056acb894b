"""docs/patterns/ is what the patterns themselves say."""

from __future__ import annotations

from pathlib import Path

from graphcorr.patterns.document import pages
from graphcorr.patterns.parse import load_patterns

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "patterns"


def test_the_pages_are_current() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert written == pages(load_patterns()), "run: python -m graphcorr.patterns.document docs/patterns"
