"""The kit for Neo4j Browser, made from `cypher/browser/`: favourites as a zip, style, guide, and how to load them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import jinja2

from graphcorr.content import content_dir
from graphcorr.errors import UsageError

# Zip files cannot say an earlier time; a fixed one makes equal kits equal.
_TIME = (1980, 1, 1, 0, 0, 0)
_TYPES = {".html": "text/html", ".grass": "text/plain", ".md": "text/plain", ".zip": "application/zip"}


@dataclass(frozen=True)
class Favourite:
    """One saved query of the Browser. `folder` names its task; `text` begins with its title as a comment."""

    folder: str
    name: str
    text: str

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].removeprefix("// ")

    @property
    def command(self) -> bool:
        """True for a command of the Browser itself (`:params`) instead of Cypher."""
        return any(line.startswith(":") for line in self.text.splitlines())


def favourites() -> tuple[Favourite, ...]:
    """All favourites in the order in which the Browser lists them."""
    files = sorted((content_dir("cypher") / "browser" / "favourites").glob("*/*.cypher"))
    return tuple(Favourite(file.parent.name, file.stem, file.read_text(encoding="utf-8")) for file in files)


def kit() -> dict[str, bytes]:
    """Every file of the kit by name. Equal content gives equal bytes."""
    source = content_dir("cypher") / "browser"
    queries = {f"{favourite.folder}/{favourite.name}": favourite.text.strip() for favourite in favourites()}
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    guide = environment.from_string((source / "guide.html").read_text(encoding="utf-8"))
    return {
        "README.md": (source / "README.md").read_bytes(),
        "favourites.zip": _zip(favourites()),
        "guide.html": guide.render(favourite=queries.__getitem__).encode(),
        "style.grass": (source / "style.grass").read_bytes(),
    }


def write_kit(folder: Path) -> list[Path]:
    """Write the kit into a folder, made if needed, over an older kit; other files there stay.

    Raises UsageError if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in kit().items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise UsageError(f"the kit cannot be written: {error.strerror}", where=str(folder)) from error
    return [folder / name for name in kit()]


def server(address: str, port: int) -> ThreadingHTTPServer:
    """A web server of the kit and nothing else, for `:play` and `:style`; the caller runs and closes it.

    Raises UsageError if the port cannot be taken.
    """
    files = {f"/{name}": content for name, content in kit().items()}

    class Handler(BaseHTTPRequestHandler):
        server_version = "graphcorr"
        sys_version = ""

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            content = files.get(path)
            self.send_response(404 if content is None else 200)
            # The page of the Browser comes from another origin; what is offered here is public.
            self.send_header("Access-Control-Allow-Origin", "*")
            kind = _TYPES[Path(path).suffix] if content is not None else "text/plain"
            self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
            body = b"not found\n" if content is None else content
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: requests name no event worth keeping."""

    try:
        return ThreadingHTTPServer((address, port), Handler)
    except OSError as error:
        hint = "name a free port"
        raise UsageError(f"cannot listen: {error.strerror}", where=f"{address}:{port}", hint=hint) from error


def _zip(found: tuple[Favourite, ...]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for favourite in found:
            entry = zipfile.ZipInfo(f"{favourite.folder}/{favourite.name}.cypher", _TIME)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # else the system that packs shows in the bytes
            archive.writestr(entry, favourite.text.encode())
    return packed.getvalue()
