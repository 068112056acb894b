"""The shape of the code: imports point one way, loaders know little, every module says what it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "graphcorr"

# From left to right; a module imports its own layer and those to its left.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "times", "ids", "content", "lists"),
    ("config", "home", "sample"),
    ("records",),
    ("ingest",),
    ("archive",),
    ("graph",),
    ("projection",),
    ("store",),
    ("stores", "tables", "legacy"),
    ("refresh",),
    ("patterns", "findings"),
    ("stories",),
    ("scan", "trace", "load", "coverage", "identities", "calibrate"),
    ("baselines",),
    ("evaluate",),
    ("answer",),
    ("report", "browser_kit"),
    ("cli",),
)
LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}

# The doors: the package itself names the public functions, `python -m graphcorr` and the bridge to loaders/.
DOORS = {"__init__", "__main__", "loaders"}

# Text made safe to print knows nothing of reports; logs and errors of every layer may need it.
SHARED = {"graphcorr.report.safe"}

LOADERS_MAY_IMPORT = ("ingest", "records", "times", "ids", "errors")

MODULES = sorted(PACKAGE.rglob("*.py"))
LOADERS = sorted((REPOSITORY / "loaders").glob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of what a file imports, in functions too; not what it names for type checkers only."""
    found: set[str] = set()
    for node in at_run_time(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            module = node.module or ""
            # `from graphcorr import ids` imports a module, `from graphcorr.ids import guid` a name of one.
            found.update(f"{module}.{a.name}" if module == "graphcorr" else module for a in node.names)
    return found


def at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield from at_run_time(child)


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("graphcorr.") and name not in SHARED}


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def identify(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("path", [p for p in MODULES if layer_of(p) not in DOORS], ids=identify)
def test_imports_point_from_right_to_left(path: Path) -> None:
    own = layer_of(path)
    assert own in LEVEL, f"{own} stands in no layer: add it to LAYERS at its place"
    names = {name.split(".")[1] for name in ours(imported(path))} - {"__version__", "loaders"}
    wrong = sorted(name for name in names if LEVEL[name] > LEVEL[own])
    assert not wrong, f"{identify(path)} imports {wrong}, which stand to its right"


def test_only_the_registry_knows_the_folder_of_loaders() -> None:
    users = [identify(p) for p in MODULES if any(n.startswith("graphcorr.loaders") for n in imported(p))]
    assert users == ["graphcorr/ingest/registry.py"]


@pytest.mark.parametrize("path", LOADERS, ids=identify)
def test_a_loader_imports_only_what_every_loader_may(path: Path) -> None:
    names = {name.split(".")[1] for name in ours(imported(path))}
    assert names <= set(LOADERS_MAY_IMPORT), "helpers shared by loaders live in graphcorr/ingest/"


def test_the_sample_imports_ids_only() -> None:
    for path in sorted((PACKAGE / "sample").rglob("*.py")):
        others = {name for name in ours(imported(path)) if not name.startswith("graphcorr.sample.")}
        assert others <= {"graphcorr.ids", "graphcorr.sample"}


@pytest.mark.parametrize("path", [*MODULES, *LOADERS], ids=identify)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_content_folders_are_no_packages() -> None:
    """They must not become importable as `loaders` and `cypher` in everybody's environment."""
    assert not (REPOSITORY / "loaders" / "__init__.py").exists()
    assert not list((REPOSITORY / "cypher").rglob("*.py"))


HEAVY = ("duckdb", "pyarrow", "deltalake", "neo4j", "pandas", "networkx", "arcadedb_embedded", "jpype", "rich")


@pytest.mark.parametrize("statement", ["import graphcorr", "import graphcorr.cli", "import graphcorr.store.base"])
def test_importing_is_light(statement: str) -> None:
    code = f"{statement}; import sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert run.stdout == "[]\n"
