"""What a pattern is: one Cypher query with the metadata of its leading comment (design 9)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SEVERITIES = ("info", "low", "medium", "high", "critical")
"""Weakest first."""
MATURITIES = ("experimental", "stable")
VERDICTS = ("notDecidable", "lead", "found")
"""Weakest first."""

# Parameters that every run supplies.
TENANT_PARAMETER = "tenantId"
AS_OF_PARAMETER = "asOf"
RUN_PARAMETERS = frozenset({TENANT_PARAMETER, AS_OF_PARAMETER})

# Columns with a meaning of their own; the remaining ones are details of a finding.
REQUIRED_COLUMNS = ("verdict", "reason", "subject", "firstAt", "lastAt", "evidence")
OPTIONAL_COLUMNS = ("severity", "confidence", "explanations")

Value = str | int | float | bool | list[str]


@dataclass(frozen=True)
class Parameter:
    """A window or threshold: its default value and one sentence why it is that."""

    name: str
    default: Value
    reason: str


@dataclass(frozen=True)
class Pattern:
    """One pattern as read from its file; `query` is the whole file, comment included, so that lines agree."""

    id: str
    title: str
    description: str
    severity: str
    maturity: str
    # Log Analytics tables; without any of them in a tenant the pattern has no records to judge.
    needs: tuple[str, ...]
    params: tuple[Parameter, ...]
    # Columns that identify a finding across scans.
    fingerprint: tuple[str, ...]
    # Column that holds the node the finding is about.
    subject: str
    # Template over the columns: `{column}`.
    sentence: str
    disproof: str
    attack: tuple[str, ...]
    blind_spots: tuple[str, ...]
    false_positives: tuple[str, ...]
    references: tuple[str, ...]
    query: str
    path: Path

    @property
    def group(self) -> str:
        """The folder it lies in: principals, credentials, sign-ins …"""
        return self.path.parent.name

    @property
    def cases_path(self) -> Path:
        return self.path.with_name(f"{self.id}.cases.yaml")

    def defaults(self) -> dict[str, Value]:
        """Parameter values without overrides."""
        return {parameter.name: parameter.default for parameter in self.params}
