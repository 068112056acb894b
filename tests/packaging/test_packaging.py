"""graphcorr works the same from a wheel, a wheel made of the sdist, an editable install and a bare checkout."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SITE_PACKAGES = sysconfig.get_path("purelib")

# Run far away from the checkout and with -P: the working folder must not be what is imported.
PROBE = """
import json, pathlib
import graphcorr
from graphcorr.content import content_dir
from graphcorr.ingest import registry
package = pathlib.Path(graphcorr.__file__).parent
def files(folder, *patterns):
    return sorted(p.relative_to(folder).as_posix() for g in patterns for p in folder.rglob(g) if p.is_file())
print(json.dumps({
    "package": str(package),
    "version": graphcorr.__version__,
    "sources": sorted(loader.source for loader in registry.all()),
    "modules": [m for m in files(package, "*.py") if not m.startswith("loaders/")],
    # In a wheel the bridge to the folder lies inside the folder.
    "loaders": [name for name in files(content_dir("loaders"), "*.py") if name != "__init__.py"],
    "cypher": files(content_dir("cypher"), "*.cypher", "*.yaml", "*.md"),
    "sql": files(package, "*.sql"),
}))
"""


def probe(python: str | Path, *paths: str | Path) -> dict[str, object]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    run = subprocess.run([python, "-P", "-c", PROBE], capture_output=True, text=True, env=environment, cwd="/")
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert isinstance(found, dict)
    return found


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def build(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", *map(str, arguments), str(REPOSITORY)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="session")
def checkout() -> dict[str, object]:
    """What a checkout with nothing installed shows."""
    return probe(sys.executable, REPOSITORY, SITE_PACKAGES)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel built from the checkout, and one built from the sdist."""
    direct, through_sdist = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("sdist")
    build("--wheel", "--outdir", direct)
    build("--outdir", through_sdist)
    return {"wheel": next(direct.glob("*.whl")), "sdist": next(through_sdist.glob("*.whl"))}


def same_but_for_the_place(found: dict[str, object], expected: dict[str, object]) -> None:
    assert {**found, "package": ""} == {**expected, "package": ""}
    assert found["package"] != expected["package"]


@pytest.mark.parametrize("origin", ["wheel", "sdist"])
def test_a_wheel_holds_what_the_checkout_holds(
    origin: str, wheels: dict[str, Path], checkout: dict[str, object], tmp_path: Path
) -> None:
    pip("install", "--quiet", "--no-deps", "--target", tmp_path / "site", wheels[origin])
    found = probe(sys.executable, tmp_path / "site", SITE_PACKAGES)
    same_but_for_the_place(found, checkout)
    assert found["package"] == str(tmp_path / "site" / "graphcorr")


def test_an_editable_install_sees_the_checkout_live(checkout: dict[str, object], tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    python = tmp_path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    here = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (Path(here) / "zz_dependencies.pth").write_text(SITE_PACKAGES + "\n")
    pip("--python", python, "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", REPOSITORY)
    assert probe(python) == checkout


def test_nothing_of_the_checkout_is_missing(checkout: dict[str, object]) -> None:
    assert checkout["sources"]
    assert checkout["cypher"]
    assert checkout["sql"]


def test_the_wheel_installs_the_command_its_licence_and_no_generic_names(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["wheel"]) as wheel:
        names = wheel.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        info = metadata.removesuffix("METADATA")
        fields = email.message_from_bytes(wheel.read(metadata))
        entry_points = wheel.read(f"{info}entry_points.txt").decode()
    assert {name.split("/")[0] for name in names} == {"graphcorr", info.rstrip("/")}
    assert not [name for name in names if "__pycache__" in name]
    assert entry_points.split() == ["[console_scripts]", "graphcorr", "=", "graphcorr.__main__:start"]
    assert fields["License-Expression"] == "Apache-2.0"
    assert f"{info}licenses/LICENSE" in names
    assert "graphcorr/py.typed" in names


def test_the_version_is_said_once_more_and_equal(checkout: dict[str, object], wheels: dict[str, Path]) -> None:
    assert wheels["wheel"].name.startswith(f"graphcorr-{checkout['version']}-")
