"""Neo4j Browser as analysts open it: the page that a real server serves, in headless Chromium, with our kit loaded.

Skips loudly without Chromium; GRAPHCORR_REQUIRE_BROWSER=1 makes that a failure. GRAPHCORR_SCREENSHOTS names a folder
for a picture of every favourite, on the demonstration and on a tenant with audit logs only.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphcorr.browser_kit import favourites, kit, server
from graphcorr.projection.project import Projection
from tests.browser.conftest import DEMO, Tenants
from tests.neo4j_server import Server, Unavailable
from tests.stores import connect

pytestmark = pytest.mark.neo4j

QUERIES = [favourite for favourite in favourites() if not favourite.command]
MILLISECONDS = 180_000
STYLED = "(localStorage.getItem('neo4j.grass') || '').includes('node.Identity')"
DROP = """async ([name, packed]) => {
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.from(atob(packed), letter => letter.charCodeAt(0))], name));
  for (const kind of ['dragenter', 'dragover', 'drop'])
    document.querySelector('.filedrop').dispatchEvent(
      new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true}));
}"""


def unavailable(reason: str) -> None:
    if os.environ.get("GRAPHCORR_REQUIRE_BROWSER") == "1":
        pytest.fail(f"Neo4j Browser is required: {reason}")
    pytest.skip(f"NEO4J BROWSER NOT TESTED: {reason}")


@pytest.fixture(scope="module")
def offered() -> Iterator[int]:
    """The port on which the kit is offered."""
    with server("127.0.0.1", 0) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_port
        running.shutdown()


@pytest.fixture(scope="module")
def neo4j(tmp_path_factory: pytest.TempPathFactory, offered: int, tenants: Tenants) -> Iterator[tuple[Server, int]]:
    """A server that serves the Browser, with the settings of docker/compose.yaml; and the Browser's port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    kit_address = f"http://localhost:{offered}"
    made = Server(
        "neo4j-5",
        tmp_path_factory.mktemp("browser") / "neo4j",
        server__http__enabled="true",
        server__http__listen_address=f"127.0.0.1:{port}",
        browser__post_connect_cmd=f"style {kit_address}/style.grass; play {kit_address}/guide.html",
    )
    try:
        made.start()
    except Unavailable as reason:
        unavailable(str(reason))
    show(made, tenants.get(DEMO))
    yield made, port
    made.stop()


@pytest.fixture(scope="module")
def page(neo4j: tuple[Server, int]) -> Iterator[Any]:
    """Neo4j Browser, connected, having shown the guide and loaded the style as the server told it."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("playwright is not installed")
    chromium = os.environ.get("GRAPHCORR_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        unavailable("no Chromium on the path (GRAPHCORR_CHROMIUM)")
    running, port = neo4j
    with sync_playwright() as playwright:
        # As root, which containers are, Chromium refuses its sandbox; it opens nothing but our own server.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)
        opened.set_default_timeout(MILLISECONDS)
        local = re.compile(r"^https?://(127\.0\.0\.1|localhost)[:/]")
        opened.route(lambda url: not local.match(url), lambda route: route.abort())
        opened.goto(f"http://127.0.0.1:{port}/browser/")
        opened.fill("[data-testid=username]", running.user)
        opened.fill("[data-testid=password]", running.password)
        opened.click("[data-testid=connect]")
        opened.wait_for_selector("text=graphcorr: a first investigation")
        opened.wait_for_function(STYLED)
        yield opened
        browser.close()


def test_the_guide_leads_to_its_first_query(page: Any, offered: int) -> None:
    clear(page)
    run(page, f":play http://localhost:{offered}/guide.html")
    for _ in range(2):
        page.click("[data-testid=nextSlide]")
    page.wait_for_selector("text=1. What do we know at all?")
    page.click("pre.runnable:visible")
    page.wait_for_function("document.querySelector('.monaco-editor').innerText.includes('loaded')")


ADDRESS = """MATCH (i:Identity)<-[:PART_OF]-()<-[:CHANGED]-(c:Change)-[:FROM]->(ip)
WHERE i.key = $key AND EXISTS { (c)-[:ADDED]->(:Credential) } AND EXISTS { (ip)<-[:FROM]-()-[:RENAMED_TO]->() }
RETURN DISTINCT ip.address"""


def test_the_demonstration_is_the_story_of_the_guide(neo4j: tuple[Server, int]) -> None:
    """Renamed and back, a new key, one address behind user and application, a vault: by the queries of the guide."""
    story, used = (
        next(favourite.text for favourite in QUERIES if favourite.name == name)
        for name in ("1 One principal's story", "3 Who used this address")
    )
    with connect(neo4j[0]) as store:
        told = [node for (path,) in store.query(story, {"principal": ""}).rows for node in path.nodes]
        identity = next(node.key for node in told if "Identity" in node.labels)
        ((address,),) = store.query(ADDRESS, {"key": identity}).rows
        seen = [node for (path,) in store.query(used, {"address": address}).rows for node in path.nodes]
    assert len({node.key for node in told if "Name" in node.labels}) == 2
    assert f":param address => '{address}'" in kit()["guide.html"].decode(), "tell the guide the address of today"
    kinds = {label for node in seen for label in node.labels}
    assert {"User", "ServicePrincipal", "Change", "SignIn", "Activity"} <= kinds


def test_the_style_can_be_dropped(page: Any) -> None:
    run(page, ":style reset")
    page.wait_for_function(f"!{STYLED}")
    drop(page, "style.grass")
    page.wait_for_function(STYLED)


def test_favourites_arrive_in_their_folders(page: Any) -> None:
    drop(page, "favourites.zip")
    page.wait_for_function(f"JSON.parse(localStorage.getItem('neo4j.documents') || '[]').length >= {len(QUERIES)}")
    page.click("[data-testid=navigationFavorites]")
    for folder in dict.fromkeys(favourite.folder for favourite in QUERIES):
        assert page.locator(f"text='{folder}'").count() == 1, "shown once"
    folder = QUERIES[0].folder
    page.click(f"text='{folder}'")
    page.wait_for_selector(f"text='{QUERIES[0].title}'")
    take_picture(page, "favourites")
    page.click("[data-testid=navigationFavorites]")


# Whoever wants to look sees both; that something is drawn of audit logs alone test_favourites holds.
SHOWN = [DEMO, "audit logs only"] if os.environ.get("GRAPHCORR_SCREENSHOTS") else [DEMO]


@pytest.mark.parametrize("tenant", SHOWN)
def test_every_favourite_draws_a_picture_with_names(
    page: Any, neo4j: tuple[Server, int], tenants: Tenants, tenant: str
) -> None:
    show(neo4j[0], tenants.get(tenant))
    drop(page, "style.grass")
    (command,) = [favourite for favourite in favourites() if favourite.command]
    run(page, command.text)
    page.wait_for_selector("text=/eventId/")
    for favourite in QUERIES:
        clear(page)
        run(page, favourite.text)
        page.wait_for_selector("g.node")
        # The captions' letters; a node without one would be an empty disc.
        captions = page.evaluate("[...document.querySelectorAll('g.node')].map(node => node.textContent.trim())")
        assert all(captions), favourite.name
        bare = [caption for caption in captions if re.match(r"[0-9a-f]{8}-[0-9a-f]{4}", caption)]
        assert not bare, favourite.name
        take_picture(page, f"{tenant} {favourite.folder[0]}-{favourite.name[0]}")


def show(server: Server, projection: Projection) -> None:
    """Make a tenant what the server shows."""
    with connect(server) as store:
        store.write(projection.tables, projection.id, None)


def drop(page: Any, name: str) -> None:
    page.evaluate(DROP, [name, base64.b64encode(kit()[name]).decode()])


def run(page: Any, text: str) -> None:
    page.click(".monaco-editor")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")


def clear(page: Any) -> None:
    """Remove what is shown, whichever test showed it."""
    run(page, ":clear")
    page.wait_for_function("document.querySelectorAll('[data-testid=frame]').length === 0")


def take_picture(page: Any, name: str) -> None:
    if folder := os.environ.get("GRAPHCORR_SCREENSHOTS"):
        page.wait_for_timeout(2500)  # until the nodes have found their places
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")
