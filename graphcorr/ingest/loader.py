"""The loader protocol: what a file in `loaders/` declares about one log source.

A loader is one module with one `LOADER`. It knows every shape in which its source is exported and turns one
decoded object into one record. Reading files, finding shapes, counting, redaction and the archive are not its job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pyarrow as pa

from graphcorr.records import Record

JsonObject = dict[str, Any]


class Carrier(StrEnum):
    """How a record was exported; richest first (the order decides merges, design 5)."""

    EXPORT = "diagnosticExport"  # envelope with `category` and `properties`: storage account, event hub
    GRAPH = "graphApi"  # object of a Graph `value` page
    REST = "restApi"  # activity log event of the management API
    ROW = "logAnalytics"  # row with Log Analytics columns: JSON, JSON Lines, data export, query API
    CSV = "csv"  # row of a portal CSV: same columns as ROW, values are text, times cut to milliseconds


RANK: dict[str, int] = {carrier: len(Carrier) - place for place, carrier in enumerate(Carrier)}


@dataclass(frozen=True)
class Context:
    """What is known about a record from outside of it. All optional."""

    # Tenant or ARM id in the blob path (`tenantId=`, `resourceId=`).
    path_tenant_id: str | None = None
    path_resource_id: str | None = None
    # Time an inventory was taken: `--observed-at`, else a date in the file name (ISO text).
    observed_at: str | None = None
    # `@odata.context` of the page the object came in.
    odata_context: str | None = None
    # File name without folders: only for messages and dates, never to decide a table.
    file_name: str | None = None


Parse = Callable[[JsonObject, Context], "Record | Iterable[Record] | None"]
"""One decoded object → its record(s); None = belongs to the source but says nothing that is kept.

Raises RecordError with a reason if the object cannot be understood. Rows of CSV files arrive as dicts of text with
clean column names (no BOM, no ` [UTC]`, `X_dynamic` / `X_string` folded into `X`), empty cells left out, times already
ISO UTC text; `$table` is kept.
"""

UNEXPECTED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)
"""What hostile input can make a loader raise. Everything else is a bug of ours and keeps its traceback."""

Claims = Callable[[frozenset[str], JsonObject, Context], bool]
"""True if an object of this carrier belongs to the source. Called once for all objects that look alike: it may look at
keys and at the values of `category`, `Category`, `Type`, `type`, `$table`, `signInEventTypes`, `@odata.type` and
`@odata.context`, and may ask `ids.provider_of` of `resourceId` and `fields.is_change` of `operationName`; no more."""


@dataclass(frozen=True)
class ShortCut:
    """A faster way to read the usual record of a carrier, many at a time, with the same result as `parse`.

    `decode` raises RecordError, or what msgspec raises, for a record that is unusual in any way – a column that is not
    known, a value of another type, another category or table – and for one without sense: `parse` then reads it, or
    says what is wrong with it. What it took, `columns` must be able to read.
    """

    # JSON text → the parts that are read. Small: thousands are kept until they become columns.
    decode: Callable[[bytes], Any]
    # Those of many records → fields of the record class as columns; what is left out is null in all of them.
    columns: Callable[[Sequence[Any]], Mapping[str, pa.Array]]


@dataclass(frozen=True)
class Service:
    """A resource that tokens are issued for, and what the log shows of their use (log-facts 3.3, 6, 7).

    `acts` are the kinds of acts that its tokens can lead to: `Activity.service`, or `directory` for changes of the
    directory. `changes_only`: the log shows no reads. `scoped`: the log is switched on per resource, so completeness is
    a question of scopes. `latency_minutes`: how late the log may be.
    """

    name: str
    # App id of the resource, as sign-ins name it. Never a name: "Windows Azure Service Management API" became "Azure
    # Resource Manager".
    app_id: str
    acts: tuple[str, ...]
    changes_only: bool = False
    scoped: bool = False
    latency_minutes: int = 30


@dataclass(frozen=True, eq=False)
class Loader:
    """One log source. `parse` has one function per carrier that exists for it."""

    # Log Analytics table name; the `source` of its records and the name shown to people.
    source: str
    record: type[Record]
    # One sentence for `graphcorr loaders`.
    title: str
    parse: Mapping[Carrier, Parse]
    # Values of the envelope's `category` / the LA column `Category` (diagnostic category), compared in lower case.
    categories: tuple[str, ...] = ()
    # Resource providers (`ids.provider_of`) with these categories, where others have some of the same name.
    providers: tuple[str, ...] = ()
    # Values of `Type` / `$table`; `AzureDiagnostics` if that holds rows of these categories.
    tables: tuple[str, ...] = ()
    # Recognition where neither category nor table is stated (projected rows, Graph objects, REST events).
    claims: Mapping[Carrier, Claims] = field(default_factory=dict)
    # Known columns / properties per carrier; others are kept in raw and counted. Empty = do not count.
    known: Mapping[Carrier, frozenset[str]] = field(default_factory=dict)
    # For sources with very many records, exported as JSON Lines.
    short_cuts: Mapping[Carrier, ShortCut] = field(default_factory=dict)
    # Resources that the source is the log of: everything (or every change) done with a token for one is in it.
    services: tuple[Service, ...] = ()

    def makes(self, record: object) -> bool:
        """Whether the record is one of this source that can be told from others."""
        return type(record) is self.record and record.source == self.source and bool(record.event_key)
