"""The kit: what `graphcorr browser` writes and offers."""

from __future__ import annotations

import html
import io
import re
import threading
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from graphcorr.browser_kit import favourites, kit, server
from graphcorr.cli import run
from graphcorr.graph.schema import NODES


def test_the_command_writes_every_file_over_an_older_kit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "kit"
    out.mkdir()
    (out / "guide.html").write_text("old")
    (out / "mine.txt").write_text("stays")
    assert run(["browser", str(out)]) == 0
    assert {file.name: file.read_bytes() for file in out.iterdir()} == {**kit(), "mine.txt": b"stays"}
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in kit()]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run(["browser", str(tmp_path / "file" / "kit")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_equal_content_gives_equal_bytes() -> None:
    assert kit() == kit()


def test_the_zip_holds_one_file_per_favourite_in_the_folder_of_its_task() -> None:
    with zipfile.ZipFile(io.BytesIO(kit()["favourites.zip"])) as packed:
        held = {name: packed.read(name).decode() for name in packed.namelist()}
    assert held == {f"{favourite.folder}/{favourite.name}.cypher": favourite.text for favourite in favourites()}


def test_the_guide_shows_favourites_as_they_are() -> None:
    guide = kit()["guide.html"].decode()
    assert "{{" not in guide and guide.count("<slide") == guide.count("</slide>") > 5
    shown = re.findall(r'<pre class="code runnable".*?>(.*?)</pre>', guide, re.DOTALL)
    runnable = [html.unescape(text) for text in shown]
    known = {favourite.text.strip() for favourite in favourites()}
    assert len(runnable) > 8 and all(text in known or text.startswith(":param ") for text in runnable)


def test_the_style_gives_every_kind_a_colour_of_its_own_and_names_as_captions() -> None:
    style = kit()["style.grass"].decode()
    rules = dict(re.findall(r"^node\.(\w+) \{(.*?)^\}", style, re.MULTILINE | re.DOTALL))
    # What a variant label adds to its node keeps the colour of that node.
    coloured_by_their_kind = {"Secret", "Certificate", "FederatedCredential"}
    labels = {label for node in NODES for labels in node.label_sets for label in labels}
    assert set(rules) == labels - coloured_by_their_kind
    assert all('caption: "{caption}"' in rule for rule in rules.values())
    colours = [re.findall(r"\bcolor: (#\w+)", rule)[0] for rule in rules.values()]
    assert len(set(colours)) == len(colours)


def test_the_readme_explains_every_parameter() -> None:
    readme = kit()["README.md"].decode()
    used = {name for favourite in favourites() for name in re.findall(r"\$(\w+)", favourite.text)}
    assert set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)) == used


def test_the_kit_is_offered_to_the_browser_and_nothing_else_is() -> None:
    with server("127.0.0.1", 0) as offered:
        threading.Thread(target=offered.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{offered.server_port}"
        for name, content in kit().items():
            with urllib.request.urlopen(f"{address}/{name}?x=1") as answer:
                assert answer.read() == content
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
        for path in ("/", "/../pyproject.toml", "/%2e%2e/pyproject.toml", "/favourites/"):
            with pytest.raises(urllib.error.HTTPError, match="404") as refused:
                urllib.request.urlopen(address + path)
            refused.value.close()
        offered.shutdown()
