"""The page about the graph."""

from __future__ import annotations

from graphcorr.content import content_dir
from graphcorr.graph.document import schema_markdown


def test_the_page_is_what_the_schema_says() -> None:
    page = content_dir("cypher") / "schema.md"
    assert page.read_text(encoding="utf-8") == schema_markdown(), (
        "run: python -m graphcorr.graph.document > cypher/schema.md"
    )
