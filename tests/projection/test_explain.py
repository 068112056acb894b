"""`identities --explain` from records: bridges, names, conflicts, re-creation, and candidates that were not joined."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import graphcorr
from graphcorr.identities import explain
from tests.builders import at, created, deleted, guid, jsonl, rename, sign_in


def test_an_identity_is_explained_record_by_record(tmp_path: Path) -> None:
    rows = [
        created(1, at("05:00"), kind="Application"),
        sign_in(1, at("05:30")),
        rename(2, at("06:00"), "Payroll", "Backup"),
        deleted(3, at("07:00")),
        created(4, at("08:00"), number_of=2),
        # Another identity of the former name.
        sign_in(2, at("09:00"), principal=3, app=3),
        sign_in(3, at("09:10"), principal=4, app=4, ServicePrincipalName="Backup"),
    ]
    (tmp_path / "rows.jsonl").write_bytes(jsonl(*rows))
    graphcorr.load([tmp_path / "rows.jsonl"], home=tmp_path / "home")
    with closing(graphcorr.open_store(tmp_path / "home")) as store:
        by_name = explain(store, "Backup").rows
        table = explain(store, guid("b", 1))
        assert table.rows == tuple(row for row in by_name if row[0] == f"app:{guid('a', 1)}")
    app, b, one, two, four = f"app:{guid('a', 1)}", guid("b", 1), guid("d", 1), guid("d", 2), guid("d", 4)
    parts = "AdditionalDetails.AppId"
    assert [(r[0], *r[1:6], r[9]) for r in table.rows] == [
        (app, "partOf", "AppRegistration", b, app, f"audit:{parts}+audit:AppId", ["Directory_1"]),
        (app, "partOf", "ServicePrincipal", one, app, "signIn", [guid("5", 1)]),
        (app, "partOf", "ServicePrincipal", two, app, f"audit:{parts}+audit:AppPrincipalId", ["Directory_4"]),
        (app, "appId", "AppRegistration", b, guid("a", 1), f"audit:{parts}+audit:AppId", ["Directory_1"]),
        (app, "appId", "ServicePrincipal", one, guid("a", 1), "signIn", [guid("5", 1)]),
        (app, "appId", "ServicePrincipal", two, guid("a", 1), f"audit:{parts}+audit:AppPrincipalId", ["Directory_4"]),
        (app, "name", "AppRegistration", b, "Payroll", "audit", ["Directory_2"]),
        (app, "name", "ServicePrincipal", one, "Payroll", "signIn", [guid("5", 1)]),
        (app, "name", "AppRegistration", b, "Backup", "audit", ["Directory_2"]),
        (app, "recreatedAs", "ServicePrincipal", one, two, "appId", ["Directory_4"]),
        (app, "recreationOf", "ServicePrincipal", two, one, "appId", ["Directory_4"]),
        (app, "notJoined", "AppRegistration", b, four, "name", None),
    ]
