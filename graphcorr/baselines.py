"""Baselines: what rules in public use would say, as SQL over the archive; `evaluate` shows them beside the patterns.

Written anew from what the rules do, with the defects they have (patterns.md, "Mistakes in public rules"). Each query
returns one column `subject`: the ids (app id or object id) that its alert would name.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphcorr.archive.duck import connect, create_view

if TYPE_CHECKING:
    from graphcorr.archive.archive import Archive


@dataclass(frozen=True)
class Baseline:
    """One public rule: the pattern whose question it asks, its known defects, where it stands, and its logic."""

    id: str
    pattern: str
    title: str
    defects: str
    source: str
    sql: str


# Once per event, whatever it was delivered as.
_KEYS_ADDED = """
    SELECT DISTINCT c.event_key, c."at", c.operation, c.raw_operation, c.actor_type, t.id AS target_id,
           t.type AS target_type, lower(t.display_name) AS target_name,
           list_contains([k.change FOR k IN c.credentials], 'kept') AS had_keys
    FROM directory_changes c, unnest(c.targets) AS u(t)
    WHERE coalesce(c.result, 'success') = 'success'
      AND list_contains([k.change FOR k IN c.credentials], 'added')
      AND (c.operation LIKE '%certificates and secrets management' OR c.operation = 'add service principal credentials')
"""

_SUCCESSES = """
    SELECT DISTINCT "at", app_id, service_principal_id, lower(service_principal_name) AS name
    FROM sign_ins WHERE kind = 'servicePrincipal' AND result_code = '0'
"""

_SENTINEL = "Microsoft Sentinel content, analytics rule"

BASELINES = (
    Baseline(
        "name_join",
        "unexplained_credential_update",
        "New key although sign-ins succeed, joined by lower-cased display name",
        "Blind after a rename; accuses every application of that name; leaves out keys of the service principal.",
        "Thomas Naunheim, article on service-principal sign-in logs, cloud-architekt.net, September 2020",
        f"""
        WITH added AS ({_KEYS_ADDED}), success AS ({_SUCCESSES})
        SELECT DISTINCT s.app_id AS subject FROM added a JOIN success s
            ON s.name = a.target_name AND s."at" <= a."at" AND s."at" >= a."at" - INTERVAL 3 DAY
        WHERE a.operation LIKE '%certificates and secrets management'
        """,
    ),
    Baseline(
        "object_id_join",
        "unexplained_credential_update",
        "New key although sign-ins succeed, target id taken for the service principal's id",
        "An application's object id is no service principal's id: keys on applications never match.",
        "log-facts 2.4: seen in published detection content",
        f"""
        WITH added AS ({_KEYS_ADDED}), success AS ({_SUCCESSES})
        SELECT DISTINCT s.app_id AS subject FROM added a JOIN success s
            ON s.service_principal_id = a.target_id AND s."at" <= a."at" AND s."at" >= a."at" - INTERVAL 3 DAY
        """,
    ),
    Baseline(
        "ascii_hyphen",
        "unexplained_credential_update",
        "New key, operation name compared with a hyphen",
        "The log writes an en dash and a trailing blank: nothing is ever found.",
        "log-facts 2.4: the article's rule as printed",
        f"""
        WITH added AS ({_KEYS_ADDED})
        SELECT DISTINCT target_id AS subject FROM added
        WHERE raw_operation = 'Update application - Certificates and secrets management'
        """,
    ),
    Baseline(
        "new_credential",
        "unexplained_credential_update",
        "New access credential added beside others",
        "Knows no sign-ins: every rotation is an alert.",
        f"{_SENTINEL} 'New access credential added to Application or Service Principal'",
        f"SELECT DISTINCT target_id AS subject FROM ({_KEYS_ADDED}) WHERE had_keys",
    ),
    Baseline(
        "first_credential",
        "unexplained_credential_update",
        "First access credential added where there was none",
        "Alerts on every new application; a second key is left to another rule.",
        f"{_SENTINEL} 'First access credential added to Application or Service Principal where no credential was "
        "present'",
        f"SELECT DISTINCT target_id AS subject FROM ({_KEYS_ADDED}) WHERE NOT had_keys",
    ),
    Baseline(
        "added_by_user",
        "unexplained_credential_update",
        "Key added by a user",
        "A key added by an application has no user to compare with and is dropped.",
        "patterns.md, mistakes in public rules",
        f"SELECT DISTINCT target_id AS subject FROM ({_KEYS_ADDED}) WHERE actor_type = 'user'",
    ),
    Baseline(
        "second_federated",
        "federated_credential_added",
        "Federated credential added beside others, on the application",
        "The first one has nothing beside it, and one on a service principal is another operation: both are missed.",
        "patterns.md, mistakes in public rules",
        """
        SELECT DISTINCT t.id AS subject FROM directory_changes c, unnest(c.targets) AS u(t)
        WHERE c.operation = 'update application'
          AND list_contains([k.change FOR k IN c.credentials IF k.kind = 'federated'], 'added')
          AND list_contains([k.change FOR k IN c.credentials IF k.kind = 'federated'], 'kept')
        """,
    ),
    Baseline(
        "failures_by_address",
        "bad_credential_spray",
        "Five applications fail from one address within a day",
        "An egress from which all of them work is accused like an attacker's address.",
        "scenarios.md R1, counted by address alone",
        """
        SELECT ip AS subject FROM sign_ins WHERE kind = 'servicePrincipal' AND result_class = 'credentialFailed'
        GROUP BY ip, "at"::DATE HAVING count(DISTINCT app_id) >= 5
        """,
    ),
)


def run_baselines(archive: Archive) -> dict[str, frozenset[str]]:
    """Baseline id → the ids that its alerts name."""
    with tempfile.TemporaryDirectory() as spill, closing(connect(Path(spill) / "duckdb")) as duck:
        for kind in ("directory_changes", "sign_ins"):
            create_view(duck, kind, archive.files(kind), archive.schema(kind))
        return {
            baseline.id: frozenset(
                subject
                for subject in duck.sql(baseline.sql).to_arrow_table().column("subject").to_pylist()
                if subject is not None
            )
            for baseline in BASELINES
        }
