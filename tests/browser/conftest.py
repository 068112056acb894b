"""Tenants whose graphs the favourites must draw: one with every log, and parts of it that lack whole logs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphcorr.archive.archive import Archive
from graphcorr.config import load_config
from graphcorr.home import Home
from graphcorr.load import load
from graphcorr.projection.project import Projection, project
from tests.demo import LOGS

# Which of the demo's files each tenant has.
TENANTS = {
    "demo": ("*",),
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
            logs = self.folder / name / "logs"
            for file in (LOGS / "logs").rglob("*"):
                # AZKVAuditLogs are no directory audit logs.
                if file.is_file() and any(file.match(wanted) for wanted in TENANTS[name]):
                    target = logs / file.relative_to(LOGS / "logs")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)
            home = self.folder / name / "home"
            load([logs], home=home, config=load_config(LOGS / "graphcorr.toml"), archive_only=True)
            opened = Home(home)
            settings = opened.settings
            self.made[name] = project(
                Archive(opened.archive_dir), settings.config, opened.projection_dir, users=settings.users
            )
        return self.made[name]


@pytest.fixture(scope="session")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Tenants:
    return Tenants(tmp_path_factory.mktemp("tenants"), {})
