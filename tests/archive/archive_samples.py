"""Hand-made deliveries for the archive's tests."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from graphcorr.archive.archive import Archive
from graphcorr.archive.duck import connect, create_view
from graphcorr.archive.merge import merge_sql
from graphcorr.ingest.delivery import Batch, Delivered, Run
from graphcorr.ingest.loader import Carrier
from graphcorr.records import Activity, Bridge, DirectoryChange, Grant, ListedKey, NameChange, Record, SignIn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOON = datetime(2026, 5, 11, 12, tzinfo=UTC)


def delivered(
    record: Record,
    carrier: Carrier = Carrier.EXPORT,
    raw: bytes | None = None,
    file: str = "logs.json",
    line: int = 1,
    path: str | None = None,
    given: str | None = None,
) -> Delivered:
    text = repr(record).encode() + carrier.encode() if raw is None else raw
    digest = hashlib.sha256(text).hexdigest()[:32]
    return Delivered(record, carrier, text, digest, file, line, path, given)


def batch(items: Iterable[Delivered]) -> Batch:
    """Deliveries as a sink gets them."""
    return Batch(
        Run(
            type(item.record), None, item.carrier, item.file, item.path_tenant_id, item.given_tenant_id,
            [item.record], pa.array([item.raw], pa.binary()), [item.raw_hash], [item.line],
        )
        for item in items
    )  # fmt: skip


def sign_in(key: str, at: datetime | None = NOON, **more: Any) -> SignIn:
    return SignIn(source="AADServicePrincipalSignInLogs", event_key=key, at=at, kind="servicePrincipal", **more)


def activity(key: str, at: datetime | None = NOON, **more: Any) -> Activity:
    return Activity(source="AzureActivity", event_key=key, at=at, service="arm", operation="write", **more)


def change(key: str, **more: Any) -> DirectoryChange:
    return DirectoryChange(
        source="AuditLogs",
        event_key=key,
        at=NOON,
        operation="updateApplication",
        raw_operation="Update application",
        **more,
    )


RENAME = change(
    "rename-1",
    names=(NameChange(object_type="Application", object_id="a-1", old="Payroll", new="Billing"),),
    bridges=(Bridge(left_type="appId", left_id="x", right_type="application", right_id="a-1", basis="AppId"),),
)
ROLE = activity(
    "role-1", grants=(Grant(change="added", kind="azureRole", value="Owner"),), roles=("Mail.Read",), scopes=()
)
KEY = ListedKey(kind="secret", key_id="k-1", start_at=NOON, expires_at=NOON + timedelta(days=90))


def load(root: Path, *batches: Iterable[Delivered]) -> Archive:
    """One load of several batches into the archive at `root`."""
    archive = Archive(root)
    with archive.staging() as staging:
        for items in batches:
            staging.add(batch(items))
        staging.commit()
    return archive


def rows(archive: Archive, kind: str) -> list[dict[str, Any]]:
    with connect(archive.root / "spill") as duck:
        create_view(duck, "v", archive.files(kind), archive.schema(kind))
        return duck.sql("SELECT * FROM v").to_arrow_table().to_pylist()


def versions(archive: Archive, kind: str) -> list[tuple[str, str]]:
    return sorted((row["event_key"], row["raw_hash"]) for row in rows(archive, kind))


def events(archive: Archive, kind: str) -> list[dict[str, Any]]:
    with connect(archive.root / "spill") as duck:
        create_view(duck, "v", archive.files(kind), archive.schema(kind))
        merged = duck.sql(merge_sql(kind, "v")).to_arrow_table().to_pylist()
    return sorted(merged, key=lambda row: row["event_key"])


def content(archive: Archive, kinds: Iterable[str]) -> dict[str, Any]:
    """Everything that two equal archives have in common: versions, events, raw texts and origins, as sets."""
    found: dict[str, Any] = {}
    with connect(archive.root / "spill") as duck:
        for kind in (*kinds, "raw", "origins"):
            create_view(duck, kind, archive.files(kind), archive.schema(kind))
            stored = duck.sql(f"SELECT DISTINCT * FROM {kind}").to_arrow_table().to_pylist()
            found[kind] = sorted(repr(row) for row in stored)
        for kind in kinds:
            merged = duck.sql(merge_sql(kind, kind)).to_arrow_table().to_pylist()
            found[f"events of {kind}"] = sorted(merged, key=lambda row: row["event_key"])
    return found
