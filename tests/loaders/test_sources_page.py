"""docs/sources.md lists every source; run this file as a program to write the table anew."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from graphcorr.ingest import registry

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sources.md"
START = "<!-- table of sources: made from the loaders, do not edit -->\n"
END = "<!-- end of table -->\n"


def table() -> str:
    rows = [
        f"| `{loader.source}` | {loader.title.rstrip('.')} | {', '.join(sorted(loader.parse))} "
        f"| {', '.join(loader.categories) or '–'} |"
        for loader in sorted(registry.all(), key=lambda loader: loader.source)
    ]
    return "\n".join(["", "| source | what | shapes | diagnostic categories |", "|---|---|---|---|", *rows, "", ""])


def page_with_table(text: str) -> str:
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return before + START + table() + END + after


def test_what_the_page_of_sources_tells_of_a_loader_is_so():
    # A loader that the page does not tell of yet is no failure: a new source is three new files. CI asks for the page.
    told = PAGE.read_text("utf-8").partition(START)[2].partition(END)[0]
    assert set(told.splitlines()) <= set(table().splitlines()), "run: python tests/loaders/test_sources_page.py"


def test_the_page_of_sources_names_the_columns_that_make_a_list():
    told = re.findall(r"`(\w+)`", PAGE.read_text("utf-8").partition("| column | names |")[2])
    module = importlib.import_module("graphcorr.loaders.address_lists")
    assert sorted(told) == sorted(module._KNOWN - {module.COLUMN})


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text("utf-8")), "utf-8")
