"""What can be said of docker/ without a container engine; docs/docker.md says what cannot."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKER = REPOSITORY / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

needs_sh = pytest.mark.skipif(sys.platform == "win32", reason="a shell script")


def instructions() -> list[tuple[str, str]]:
    lines = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_bound_to_this_machine(service: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


@pytest.mark.parametrize("service", ["kit", "graphcorr"])
def test_our_containers_can_do_little(service: str) -> None:
    ours = SERVICES[service]
    assert ours["read_only"] is True and ours["cap_drop"] == ["ALL"]
    assert ours["security_opt"] == ["no-new-privileges:true"]


def test_graphcorr_reaches_the_database_and_nothing_else() -> None:
    assert SERVICES["graphcorr"]["networks"] == ["database"] and COMPOSE["networks"]["database"]["internal"] is True


def test_images_are_pinned_and_services_have_health_checks() -> None:
    assert re.fullmatch(r"neo4j:\d+\.\d+\.\d+-community", SERVICES["neo4j"]["image"])
    assert all("healthcheck" in SERVICES[name] for name in ("neo4j", "kit"))
    images = {rest.split()[0] for word, rest in instructions() if word == "FROM"}
    assert len(images) == 1 and re.fullmatch(r"python:3\.\d+-slim-\w+", images.pop())


def test_no_password_stands_in_any_file() -> None:
    assert SERVICES["neo4j"]["environment"]["NEO4J_AUTH_FILE"] == "/run/secrets/neo4j_auth"
    assert not {"NEO4J_AUTH", "NEO4J_PASSWORD"} & set(SERVICES["neo4j"]["environment"])
    assert all(secret["file"].startswith("./secrets/") for secret in COMPOSE["secrets"].values())
    ignored = (DOCKER / ".gitignore").read_text(encoding="utf-8").split()
    assert {"secrets/", ".env"} <= set(ignored)


def test_volumes_and_secrets_that_services_name_are_declared() -> None:
    named = {str(volume).partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {name for name in named if re.fullmatch(r"[a-z0-9-]+", name)} == set(COMPOSE["volumes"])
    assert {name for service in SERVICES.values() for name in service.get("secrets", [])} == set(COMPOSE["secrets"])
    assert {name for service in SERVICES.values() for name in service["networks"]} == set(COMPOSE["networks"])


def test_the_browser_is_told_what_the_kit_offers() -> None:
    command = SERVICES["neo4j"]["environment"]["NEO4J_browser_post__connect__cmd"]
    assert set(re.findall(r"http://localhost:8001/(\S+?)(?:;|$)", command)) == {"guide.html", "style.grass"}
    assert SERVICES["kit"]["command"][:4] == ["browser", "/tmp/kit", "--serve", "8001"]


def test_options_of_the_compose_file_are_options_of_the_command() -> None:
    options = {"--" + option.partition("=")[0].lstrip("-") for option in SERVICES["graphcorr"]["entrypoint"][1:]}
    known = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
    assert all(f"`{option}`" in known for option in options)


def test_the_image_copies_what_exists_and_runs_as_nobody_special() -> None:
    steps = instructions()
    copied = [rest.split()[:-1] for word, rest in steps if word == "COPY" and not rest.startswith("--from")]
    assert all((REPOSITORY / path).exists() for paths in copied for path in paths)
    sent = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert {f"!{path}" for paths in copied for path in paths} == {line for line in sent if line.startswith("!")}
    assert [rest for word, rest in steps if word == "USER"] == ["${UID}"]
    assert not any("http" in rest and "|" in rest for word, rest in steps if word == "RUN")


def test_the_image_leaves_out_what_is_there() -> None:
    """A `rm` of nothing fails the build: a new version of a library may name its files differently."""
    left_out = [path for _, rest in instructions() for path in re.findall(r"pyarrow/\S+", rest)]
    assert left_out and all(list(Path(pyarrow.__file__).parents[1].glob(path)) for path in left_out)


@needs_sh
def test_shell_steps_are_valid() -> None:
    for word, rest in instructions():
        if word == "RUN":
            subprocess.run(["sh", "-n", "-c", rest], check=True)


@needs_sh
def test_init_makes_a_password_once_that_nobody_else_can_read(tmp_path: Path) -> None:
    shutil.copy(DOCKER / "init.sh", tmp_path)
    first = subprocess.run([tmp_path / "init.sh"], capture_output=True, text=True, check=True)
    files = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    user, password = re.fullmatch(r"(neo4j)/([\w]{30,})", files["neo4j_auth"]).groups()  # type: ignore[union-attr]
    assert files["graphcorr_credentials"] == f"NEO4J_USERNAME={user}\nNEO4J_PASSWORD={password}\n"
    assert password not in first.stdout + first.stderr
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "secrets").iterdir()} == {0o600}
    assert re.fullmatch(r"GRAPHCORR_UID=\d+\n", (tmp_path / ".env").read_text())
    subprocess.run([tmp_path / "init.sh"], capture_output=True, check=True)
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == files
