"""The whole layer: daily tables, inventories and configuration → one parquet file per node label and edge type.

Without those that belong to a day (dated_layer.py), for which it makes tables of what is known about each day.
"""

from __future__ import annotations

import ipaddress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from graphcorr import ids
from graphcorr.archive.duck import create_view, cursor
from graphcorr.archive.merge import merge_sql
from graphcorr.graph import schema
from graphcorr.projection import (
    blobs,
    daily_layer,
    dated_layer,
    graph_tables,
    identities,
    indicators,
    risks,
    services,
    steps,
)
from graphcorr.projection.survey import EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from graphcorr.archive.archive import Archive, InputFact
    from graphcorr.config import Config, Network
    from graphcorr.projection.daily_layer import Daily

_TEXT = pa.string()
_TEXTS = pa.list_(pa.string())
_TIME = pa.timestamp("us", "UTC")


def build(
    duck: duckdb.DuckDBPyConnection,
    archive: Archive,
    inputs: Sequence[InputFact],
    daily: Daily,
    config: Config,
    only_tenant: str | None,
) -> None:
    """Make the tables of this layer, of which `write` makes files.

    `duck` is a database as `daily_layer.opened` makes it, `inputs` are those of the archive.
    """
    daily_layer.put_only_tenant(duck, only_tenant)
    _put_lists(duck, config)
    daily.show(duck)
    create_view(duck, "inventory_versions", archive.files("directory_objects"), archive.schema("directory_objects"))
    duck.execute(f"CREATE TEMP VIEW inventory_events AS {merge_sql('directory_objects', 'inventory_versions')}")
    inventory = daily_layer.tenant_sql("inventory_events", daily_layer.event_schema(archive, "directory_objects"))
    duck.execute(f"CREATE TABLE inventory AS SELECT * FROM ({inventory}) WHERE tenant IS NOT NULL")
    _put_input_gaps(duck, archive, inputs)
    _put_risk_sign_ins(duck, archive)
    steps.run_files(duck, "whole", last="40")
    _put_identities(duck)
    steps.run_files(duck, "whole", "40", "70")
    _put_names(duck)
    _put_addresses(duck, config)
    _put_indicators(duck, archive)
    steps.run_files(duck, "whole", "70")


def _put_input_gaps(duck: duckdb.DuckDBPyConnection, archive: Archive, facts: Sequence[InputFact]) -> None:
    """What inputs say about holes, for each tenant that their records name.

    An input that stopped at a known row limit or in the middle of a record, or that says itself that it is partial, may
    have holes anywhere; an hour blob may be missing between others.
    """
    columns = {"tenant": _TEXT, "source": _TEXT, "scope": _TEXT, "start": _TIME, "end": _TIME, "kind": _TEXT}
    steps.put(duck, "input_gap", columns, [])
    limited = sorted(
        {
            (fact.file, kind)
            for fact in facts
            for kind, stated in (("rowLimit", fact.row_limit), ("cutOff", fact.cut_off and not _healed(fact, facts)))
            if stated and fact.first_at is not None
        }
    )
    missing = blobs.missing(facts)
    if not limited and not missing:
        return
    steps.put(duck, "limited", {"file": _TEXT, "kind": _TEXT}, limited)
    holes = [(m.source, m.file, m.start, m.end) for m in missing]
    steps.put(duck, "missing_blob", {"source": _TEXT, "file": _TEXT, "start": _TIME, "end": _TIME}, holes)
    create_view(duck, "origin", archive.files("origins"), archive.schema("origins"))
    duck.execute("""
        CREATE TABLE told AS SELECT DISTINCT raw_hash, file FROM origin
        WHERE file IN (SELECT file FROM limited UNION SELECT file FROM missing_blob)""")
    for kind in EVENTS:
        create_view(duck, f"{kind}_version", archive.files(kind), archive.schema(kind))
        duck.execute(f"""
            CREATE OR REPLACE TEMP TABLE of_input AS
            SELECT tenant, source, coalesce(scope, '') AS scope, file, min("at") AS first_at, max("at") AS last_at
            FROM ({daily_layer.tenant_sql(f"{kind}_version", archive.schema(kind))}) JOIN told USING (raw_hash)
            WHERE tenant IS NOT NULL AND "at" IS NOT NULL GROUP BY ALL""")
        duck.execute("""
            INSERT INTO input_gap
            SELECT tenant, source, '', min(first_at), max(last_at), kind
            FROM of_input JOIN limited USING (file) GROUP BY tenant, source, file, kind
            UNION ALL
            SELECT DISTINCT i.tenant, i.source, i.scope, m.start, m."end", 'missingBlob'
            FROM of_input i JOIN missing_blob m USING (source, file)""")


def _healed(cut: InputFact, facts: Sequence[InputFact]) -> bool:
    """True if the file that was cut off was read again, whole."""
    return any(
        (fact.file, fact.source, fact.carrier) == (cut.file, cut.source, cut.carrier)
        and not fact.cut_off
        and fact.rows >= cut.rows
        for fact in facts
    )


def _put_risk_sign_ins(duck: duckdb.DuckDBPyConnection, archive: Archive) -> None:
    """The sign-ins that detections are about, event by event: a detection may come days after its sign-in."""
    named = duck.execute("SELECT count(*) FROM risk_seen WHERE sign_in_id IS NOT NULL").fetchall()[0][0]
    files = archive.files("sign_ins") if named else []
    create_view(duck, "signed_in", files, archive.schema("sign_ins"))
    duck.execute("""
        CREATE TABLE risk_version AS
        SELECT * FROM signed_in WHERE event_key IN (SELECT sign_in_id FROM risk_seen WHERE sign_in_id IS NOT NULL)""")
    duck.execute(f"CREATE TEMP VIEW risk_sign_in_event AS {merge_sql('sign_ins', 'risk_version')}")
    resolved = daily_layer.tenant_sql("risk_sign_in_event", daily_layer.event_schema(archive, "sign_ins"))
    duck.execute(f"CREATE TABLE risk_sign_in AS SELECT * FROM ({resolved}) WHERE tenant IS NOT NULL")


def _put_identities(duck: duckdb.DuckDBPyConnection) -> None:
    found = duck.sql("""
        SELECT tenant, object_id, kinds, first_at, created_at, deleted_at, left_at, restored_at,
               list_distinct(coalesce(origin_ids, []) || coalesce(pair_ids, [])) AS event_ids
        FROM object_kind JOIN life USING (tenant, object_id)
        LEFT JOIN (
            SELECT tenant, left_id AS object_id, flatten(list(event_ids)) AS pair_ids
            FROM stated_pair GROUP BY tenant, left_id
        ) USING (tenant, object_id)
        WHERE len(kinds) > 1 OR list_has_any(kinds, ['application', 'servicePrincipal'])""")
    objects = found.to_arrow_table().to_pylist()
    pairs = duck.table("stated_pair").to_arrow_table().to_pylist()
    members, conflicts = identities.resolve(objects, pairs)
    steps.put(
        duck,
        "member",
        {
            "tenant": _TEXT, "object_type": _TEXT, "object_id": _TEXT, "app_id": _TEXT, "identity_id": _TEXT,
            "basis": _TEXT, "confidence": _TEXT, "event_ids": _TEXTS,
        },
        [
            (m.tenant, m.object_type, m.object_id, m.app_id, m.identity_id, m.basis, m.confidence, list(m.event_ids))
            for m in members
        ],
    )  # fmt: skip
    steps.put(
        duck,
        "conflict",
        {"key": _TEXT, "tenant": _TEXT, "kind": _TEXT, "reason": _TEXT, "ids": _TEXTS, "event_ids": _TEXTS},
        [
            (f"{c.tenant}/{ids.digest(c.kind, *c.ids)}", c.tenant, c.kind, c.reason, list(c.ids), list(c.event_ids))
            for c in conflicts
        ],
    )


def _put_names(duck: duckdb.DuckDBPyConnection) -> None:
    names = _column(duck, "SELECT name FROM name_interval UNION SELECT unnest([old_name, new_name]) FROM rename")
    steps.put(duck, "name_skeleton", {"name": _TEXT, "skeleton": _TEXT}, [(name, ids.skeleton(name)) for name in names])


def _put_lists(duck: duckdb.DuckDBPyConnection, config: Config) -> None:
    """What the operator's lists say about applications, permissions, identities and issuers."""
    applications = {**services.FIRST_PARTY, **config.first_party}
    steps.put(
        duck,
        "first_party",
        {"app_id": _TEXT, "name": _TEXT, "skeleton": _TEXT},
        [(app_id, name, ids.skeleton(name)) for app_id, name in applications.items()],
    )
    columns = {"kind": _TEXT, "value": _TEXT, "declared": pa.bool_(), "risk": _TEXT}
    steps.put(duck, "listed_risk", columns, risks.listed(config))
    steps.put(duck, "listed_role", {"id": _TEXT, "name": _TEXT}, list(risks.ROLE_NAMES.items()))
    owners = [(o.id, o.owner, o.tier) for o in config.owners]
    steps.put(duck, "listed_owner", {"id": _TEXT, "owner": _TEXT, "tier": _TEXT}, owners)
    steps.put(duck, "listed_issuer", {"issuer": _TEXT}, [(i.issuer,) for i in config.issuers])


def _put_addresses(duck: duckdb.DuckDBPyConnection, config: Config) -> None:
    found = _column(duck, "SELECT DISTINCT value FROM mentioned WHERE what = 'address'")
    azure = {ip for _, ip in indicators.covered(found, config.azure)}
    rows = [(ip, *_described(ip, config.networks, ip in azure)) for ip in found]
    columns = {"ip": _TEXT, "scope": _TEXT, "network": _TEXT, "purpose": _TEXT, "declared": pa.bool_()}
    steps.put(duck, "address", columns, rows)


def _put_indicators(duck: duckdb.DuckDBPyConnection, archive: Archive) -> None:
    """Threat intelligence, and which addresses it covers: containment is arithmetic, not a question of texts."""
    create_view(duck, "indicator_versions", archive.files("indicators"), archive.schema("indicators"))
    duck.execute(f"CREATE TEMP VIEW indicator_events AS {merge_sql('indicators', 'indicator_versions')}")
    resolved = daily_layer.tenant_sql("indicator_events", daily_layer.event_schema(archive, "indicators"))
    duck.execute(f"CREATE TABLE indicator_version AS SELECT * FROM ({resolved})")
    values = _column(duck, "SELECT DISTINCT value FROM indicator_version WHERE value <> ''")
    found = indicators.covered(_column(duck, "SELECT ip FROM address"), values) if values else []
    steps.put(duck, "covered", {"value": _TEXT, "ip": _TEXT}, found)


def _described(ip: str, networks: tuple[Network, ...], azure: bool) -> tuple[str, str, str | None, bool]:
    """Scope of an address; the declared network that covers it most closely, its purpose, true; else its /24 or /48."""
    address = ipaddress.ip_address(ip)
    scope = "azure" if azure else _scope(address)
    covering = [
        (net.prefixlen, network.name, network.purpose or "")
        for net, network in _parsed(networks)
        if net.version == address.version and address in net
    ]
    if covering:
        _, name, purpose = max(covering)
        return scope, name, purpose or None, True
    return scope, str(ipaddress.ip_network(f"{ip}/{24 if address.version == 4 else 48}", strict=False)), None, False


@cache
def _parsed(networks: tuple[Network, ...]) -> list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, Network]]:
    return [(ipaddress.ip_network(network.cidr), network) for network in networks]


_DOCUMENTATION = [
    ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


def _scope(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if any(address.version == net.version and address in net for net in _DOCUMENTATION):
        return "documentation"
    return "public" if address.is_global else "private"


def _column(duck: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    (values,) = duck.sql(query).to_arrow_table().columns
    return sorted(value for value in values.to_pylist() if value is not None)


# -- out ------------------------------------------------------------------------------------------------------------


def write(database: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Write `target/nodes/*.parquet` and `target/edges/*.parquet`: columns of the graph schema.

    Tables without rows get no file. Other threads may work with the database at the same time.
    """
    for kind in ("nodes", "edges"):
        (target / kind).mkdir(parents=True, exist_ok=True)
    with cursor(database) as duck:
        listed = duck.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        views = {name for (name,) in listed}
        duck.execute("CREATE TABLE node_key (label VARCHAR, key VARCHAR)")
        for node in schema.NODES:
            path = target / "nodes" / f"{node.label}.parquet"
            if f"node_{node.label}" in views and _write(duck, graph_tables.nodes_sql(node), path):
                duck.execute(f"INSERT INTO node_key SELECT '{node.label}', key FROM out")
        for edge in schema.EDGES:
            if f"edge_{edge.type}" in views:
                _write(duck, _between_shown(graph_tables.edges_sql(edge)), target / "edges" / f"{edge.type}.parquet")


def _between_shown(edges: str) -> str:
    """Edges between nodes that are shown; an end that is left out takes its edges with it.

    Edges to nodes that belong to a day leave out for themselves what is not shown.
    """
    dated = ", ".join(f"'{label}'" for label in dated_layer.NODES)
    shown = " AND ".join(
        f"({end}Label IN ({dated}) OR ({end}Label, {end}Key) IN (SELECT (label, key) FROM node_key))"
        for end in ("from", "to")
    )
    return f"SELECT * FROM ({edges}) WHERE {shown}"


def _write(duck: duckdb.DuckDBPyConnection, query: str, path: Path) -> bool:
    """Rows of a query as a parquet file, if there are any; also left behind as the table `out`."""
    if not graph_tables.make(duck, query, path.stem):
        return False
    duck.execute("COPY out TO $1 (FORMAT parquet)", [str(path)])
    return True
