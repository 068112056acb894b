"""Tenants whose graphs the favourites must draw: the demonstration's, one with every log, and parts that lack some."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphcorr.archive.archive import Archive
from graphcorr.cli.demo import DAYS, EVENTS_PER_DAY, SEED, STORIES
from graphcorr.config import load_config
from graphcorr.home import Home
from graphcorr.load import load
from graphcorr.projection.project import Projection, project
from graphcorr.sample.generate import CONFIG, generate
from graphcorr.sample.generate import LOGS as SAMPLE_LOGS
from tests.demo import LOGS

# What `graphcorr demo` makes; the guide tells its story.
DEMO = "graphcorr demo"
# Which of the constructed files each other tenant has.
TENANTS = {
    "every log": ("*",),
    "audit logs only": ("*AuditLogs.csv", "AuditLogs-other-days.jsonl", "insights-logs-auditlogs*"),
    "sign-ins only": ("*SignInLogs*", "SigninLogs.csv", "*signinlogs*"),
    "inventory only": ("applications-*", "servicePrincipals-*"),
}


@dataclass(frozen=True)
class Tenants:
    """Makes the projection of a tenant when it is first asked for."""

    folder: Path
    made: dict[str, Projection]

    def get(self, name: str) -> Projection:
        if name not in self.made:
            folder = self.folder / name
            logs, config = self._demo(folder) if name == DEMO else self._part(folder, TENANTS[name])
            home = Home(folder / "home")
            load([logs], home=home.root, config=load_config(config), archive_only=True)
            settings = home.settings
            self.made[name] = project(
                Archive(home.archive_dir), settings.config, home.projection_dir, users=settings.users
            )
        return self.made[name]

    def _demo(self, folder: Path) -> tuple[Path, Path]:
        generate(folder / "sample", seed=SEED, days=DAYS, events_per_day=EVENTS_PER_DAY, stories=STORIES)
        return folder / "sample" / SAMPLE_LOGS, folder / "sample" / CONFIG

    def _part(self, folder: Path, wanted: tuple[str, ...]) -> tuple[Path, Path]:
        logs = folder / "logs"
        for file in (LOGS / "logs").rglob("*"):
            # AZKVAuditLogs are no directory audit logs.
            if file.is_file() and any(file.match(pattern) for pattern in wanted):
                target = logs / file.relative_to(LOGS / "logs")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
        return logs, LOGS / "graphcorr.toml"


@pytest.fixture(scope="session")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Tenants:
    return Tenants(tmp_path_factory.mktemp("tenants"), {})
