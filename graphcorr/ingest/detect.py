"""Which loader reads an object: by stated table or category, else by what loaders claim. Between readers and parse.

Objects of one file look alike, so the answer is kept per signature: the keys and the few values that may decide.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphcorr import ids
from graphcorr.errors import ConfigError, RecordError
from graphcorr.ingest import powershell
from graphcorr.ingest.fields import is_change, stated
from graphcorr.ingest.loader import UNEXPECTED, Carrier, Context, JsonObject, Loader, Parse
from graphcorr.ingest.readers import Page

# Hostile input may have new keys in every object; then knowing the last few thousand signatures is enough.
_MAX_SIGNATURES = 5000

_ENVELOPE = {
    name.lower(): name
    for name in (
        "time", "resourceId", "operationName", "operationVersion", "category", "tenantId", "resultType",
        "resultSignature", "resultDescription", "durationMs", "callerIpAddress", "correlationId", "identity",
        "location", "properties",
    )
}  # fmt: skip
_ENVELOPE_COLUMNS = frozenset(_ENVELOPE.values()) | {"level", "Level"}

# Columns that every Log Analytics table has.
_ROW_COLUMNS = frozenset(
    {
        "$table", "Computer", "ManagementGroupName", "MG", "RawData", "SourceSystem", "TenantId", "TimeGenerated",
        "Type", "_BilledSize", "_IsBillable", "_ItemId", "_OriginalItemId", "_OriginalTimeGenerated", "_OriginalType",
        "_ResourceId", "_SubscriptionId", "_TimeReceived",
    }
)  # fmt: skip

# This table holds the logs of many services; its rows belong to the log that their category names.
_SHARED_TABLE = "azurediagnostics"

# How names of tables end that somebody chose: for a copy, for what was restored, for what a search job found.
_OWN, _RESTORED, _SEARCHED = "_cl", "_rst", "_srch"

# A search job keeps the searched row's own under these names, and has under the usual ones when and where it ran.
_SEARCH_NAMES = {
    "_OriginalType": "Type", "_OriginalTimeGenerated": "TimeGenerated", "_OriginalItemId": "_ItemId",
    "Type": "_SearchType", "TimeGenerated": "_SearchTimeGenerated", "_ItemId": "_SearchItemId",
}  # fmt: skip

_HUNTING = "unknown table of advanced hunting"

# Logs known by names of their own where an object states no table. They count in any case of letters.
_MARKS: tuple[tuple[str, frozenset[str]], ...] = (
    ("EntraIdSpnSignInEvents", frozenset({"Timestamp", "ErrorCode", "ServicePrincipalId", "ApplicationId"})),
    ("EntraIdSignInEvents", frozenset({"Timestamp", "ErrorCode", "AccountUpn", "ApplicationId"})),
    ("GraphApiAuditEvents", frozenset({"Timestamp", "RequestUri", "ApplicationId", "ResponseStatusCode"})),
    ("CloudAppEvents", frozenset({"Timestamp", "ActionType", "RawEventData"})),
    ("LAQueryLogs", frozenset({"QueryText", "AADClientId"})),
    ("StorageBlobLogs", frozenset({"AccountName", "RequesterObjectId", "AuthenticationType"})),
    ("SQLSecurityAuditEvents", frozenset({"ServerPrincipalName", "Statement", "ActionName"})),
    ("AzureDevOpsAuditing", frozenset({"ActorUPN", "ScopeType", "Area"})),
    ("OfficeActivity", frozenset({"OfficeWorkload", "RecordType"})),
    # The unified audit log: management API; search command and portal.
    ("UnifiedAuditLog", frozenset({"CreationTime", "RecordType", "Workload", "Operation"})),
    ("UnifiedAuditLog", frozenset({"CreationDate", "AuditData"})),
    ("AADProvisioningLogs", frozenset({"ProvisioningSteps", "CycleId"})),
    ("AADRiskyUsers", frozenset({"RiskLastUpdatedDateTime", "UserPrincipalName"})),
    ("AADUserRiskEvents", frozenset({"RiskEventType", "UserPrincipalName", "DetectedDateTime"})),
    # What the portal of Microsoft Entra ID writes as CSV is not all that it shows.
    ("Entra portal audit CSV (download JSON instead)", frozenset({"Date (UTC)", "Service", "Activity"})),
    ("Entra portal sign-in CSV (download JSON instead)", frozenset({"Date (UTC)", "Request ID", "Correlation ID"})),
    (_HUNTING, frozenset({"Timestamp", "ReportId"})),
    (_HUNTING, frozenset({"Timestamp", "DeviceId", "ActionType"})),
    (_HUNTING, frozenset({"Timestamp", "DeviceName", "ActionType"})),
)
_LOWERED_MARKS = tuple((table, frozenset(map(str.lower, marks))) for table, marks in _MARKS)

_REST_MARKS = frozenset({"eventTimestamp", "event_timestamp", "eventDataId", "event_data_id", "operation_name"})

_CONTEXT_NAME = re.compile(r"#(?:microsoft\.graph\.)?([A-Za-z/.]+)")


@dataclass(frozen=True)
class NotLoaded:
    """The object names a table, category or collection that no loader reads."""

    table: str


class Match:
    """What to do with all objects of one signature, and how many there were."""

    __slots__ = (
        "by_powershell", "carrier", "envelope_unknown", "known", "loader", "parse", "records", "rename",
        "seen_properties", "short_cut",
    )  # fmt: skip

    def __init__(
        self, loader: Loader, carrier: Carrier, keys: frozenset[str], rename: Mapping[str, str] | None
    ) -> None:
        self.loader = loader
        self.carrier = carrier
        self.by_powershell = False
        self.parse: Parse = loader.parse[carrier]
        self.short_cut = loader.short_cuts.get(carrier)
        self.rename = rename
        self.records = 0
        # Property names of exports differ within one signature; counted by set of names.
        self.seen_properties: dict[tuple[str, ...], int] = {}
        self.known = loader.known.get(carrier, frozenset())
        named = {_ENVELOPE.get(key.lower(), key) for key in keys} if carrier is Carrier.EXPORT else keys
        usual = _ENVELOPE_COLUMNS if carrier is Carrier.EXPORT else _ROW_COLUMNS
        self.envelope_unknown = _unknown(named, self.known, usual) if self.known else ()

    def prepared(self, obj: JsonObject) -> JsonObject:
        """The object as the loader's `parse` takes it, with its usual names."""
        if self.by_powershell:
            obj = powershell.api_object(obj)
        return obj if self.rename is None else _renamed(obj, self.rename)

    def count(self, obj: JsonObject) -> None:
        """Count an object, for `unknown_columns`."""
        self.records += 1
        if self.known and self.carrier is Carrier.EXPORT:
            properties = obj.get("properties")
            if isinstance(properties, dict):
                names = tuple(properties)
                self.seen_properties[names] = self.seen_properties.get(names, 0) + 1

    def unknown_columns(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """Columns the loader does not know, with the number of records that have them."""
        yield self.envelope_unknown, self.records
        for names, count in self.seen_properties.items():
            yield _unknown(names, self.known, frozenset()), count


@dataclass(frozen=True)
class _Stated:
    """What an object says of its log."""

    # As people know it.
    name: str | None = None
    loader: Loader | None = None
    # Whether that decides; else loaders may claim the object.
    decides: bool = False


Detected = Match | NotLoaded | None
"""None: the object looks like no log."""


class Detector:
    """Finds the loader of an object. ConfigError if two loaders want the same category, table or object, RecordError
    if none wants it and the claim of one failed."""

    def __init__(self, loaders: Sequence[Loader]) -> None:
        self._loaders = tuple(loaders)
        self._by_category, self._by_table = indexes(self._loaders)
        self._by_page: dict[Page, dict[tuple[Any, ...], Detected]] = {}
        self._page: Page | None = None
        self._known: dict[tuple[Any, ...], Detected] = {}
        self._unknown: dict[str, Counter[str]] = {}

    def detect(self, obj: JsonObject, page: Page, context: Context) -> Detected:
        """The loader and carrier of an object; the same Match for all objects of a signature."""
        if page is not self._page:
            self._page, self._known = page, self._by_page.setdefault(page, {})
        keys = tuple(obj)
        wrote = powershell.mark(obj)
        signature = (keys, *[part(obj[key]) for key, part in _deciding(keys)], context.path_resource_id, wrote)
        if signature in self._known:
            return self._known[signature]
        found = self._find(frozenset(obj), obj, page, context) if wrote is None else None
        if wrote is not None or (found is None and not page.csv):
            found = self._by_powershell(obj, page, context, certain=wrote is not None)
        if len(self._known) >= _MAX_SIGNATURES:
            self._count_unknown(self._known.pop(next(iter(self._known))))
        self._known[signature] = found
        return found

    def unknown_columns(self) -> Mapping[str, Mapping[str, int]]:
        """Source → column that its loader does not know → records that had it. Ends the counting."""
        for known in self._by_page.values():
            for match in known.values():
                self._count_unknown(match)
            known.clear()
        return self._unknown

    def _count_unknown(self, match: Detected) -> None:
        if not isinstance(match, Match):
            return
        for columns, records in match.unknown_columns():
            if columns and records:
                counter = self._unknown.setdefault(match.loader.source, Counter())
                counter.update(dict.fromkeys(columns, records))

    def _find(self, keys: frozenset[str], obj: JsonObject, page: Page, context: Context) -> Detected:
        named: str | None = None
        for carrier in _carriers(keys, obj, page):
            rename = _renames(keys, obj, carrier)
            usual = obj if rename is None else _renamed(obj, rename)
            if carrier is Carrier.EXPORT:
                said = self._of_category(usual.get("category"), _provider(usual, context))
            elif carrier in (Carrier.CSV, Carrier.ROW):
                said = self._of_row(usual, page, context)
            else:
                said = _Stated(table := _table_of(keys), decides=table is not None)
            loader = said.loader
            if loader is None and not said.decides:
                loader = self._claimed(frozenset(usual), usual, carrier, context)
            if loader is not None and carrier in loader.parse:
                return Match(loader, carrier, keys, rename)
            named = named or said.name
        named = named or _collection(obj, page)
        return NotLoaded(named) if named else None

    def _by_powershell(self, obj: JsonObject, page: Page, context: Context, *, certain: bool) -> Detected:
        """As `_find`, of an object of an API that PowerShell wrote.

        If that is not certain, it counts only for a source that has no rows: another's object might be one.
        """
        usual = powershell.api_object(obj)
        found = self._find(frozenset(usual), usual, page, context)
        if isinstance(found, Match) and (certain or Carrier.ROW not in found.loader.parse):
            found.by_powershell = True
            return found
        table = _table_of(frozenset(obj)) if certain else None
        return NotLoaded(table) if table else None

    def _of_row(self, row: JsonObject, page: Page, context: Context) -> _Stated:
        """A table decides; in AuditLogs, `Category` is something else."""
        table = self._table(row, page)
        by_category = self._of_category(row.get("Category"), _provider(row, context))
        if table is None:
            other = _table_of(frozenset(row))
            return by_category if other is None else _Stated(other, decides=True)
        lowered, loader = table.lower().removesuffix(_RESTORED), by_category.loader
        if lowered == _SHARED_TABLE:
            shared = loader is not None and _SHARED_TABLE in map(str.lower, loader.tables)
            name = f"{table} {by_category.name}" if by_category.name else table
            return _Stated(name, loader if shared else None, decides=True)
        chosen = table.lower().endswith((_OWN, _RESTORED, _SEARCHED))
        return _Stated(table, self._by_table.get(lowered, loader if chosen else None), decides=True)

    def _table(self, row: JsonObject, page: Page) -> str | None:
        """The table that a row states, if it does: other things have a column `Type` too."""
        table = _text(row.get("$table"))
        if table is not None:
            return table
        table = _text(row.get("Type"))
        if table is None or page.row or table.lower() in self._by_table:
            return table
        return table if len(_ROW_COLUMNS & row.keys()) > 1 else None

    def _of_category(self, category: object, provider: str | None) -> _Stated:
        """What a category says; several services may have one of that name."""
        category = _text(category)
        if category is None:
            return _Stated()
        name = f"{category} ({provider})" if provider else category
        loader = self._by_category.get(category.lower())
        if loader is not None and provider is not None and provider not in (loader.providers or (provider,)):
            return _Stated(name, decides=True)
        return _Stated(name, loader)

    def _claimed(self, keys: frozenset[str], obj: JsonObject, carrier: Carrier, context: Context) -> Loader | None:
        claiming: list[Loader] = []
        failed: list[RecordError] = []
        for loader in self._loaders:
            try:
                if carrier in loader.claims and loader.claims[carrier](keys, obj, context):
                    claiming.append(loader)
            except UNEXPECTED as error:  # the object may well be another's
                failed.append(
                    RecordError(
                        f"claims of the loader of {loader.source} failed: {type(error).__name__}: {error}",
                        hint="a claim must take any object: use `get`, see loaders/README.md",
                    )
                )
        if len(claiming) > 1:
            names = " and ".join(loader.source for loader in claiming)
            raise ConfigError(
                f"two loaders claim an object: {names}", hint=f"their `claims` for {carrier} must exclude each other"
            )
        if failed and not claiming:
            raise failed[0]
        return claiming[0] if claiming else None


def _carriers(keys: frozenset[str], obj: JsonObject, page: Page) -> tuple[Carrier, ...]:
    """How the object may have been exported, likeliest first."""
    if page.csv:
        return (Carrier.CSV,)
    if page.row or "TimeGenerated" in keys or "$table" in keys:
        return (Carrier.ROW,)
    lowered = {key.lower() for key in keys}
    capital = sum(1 for key in keys if key[:1].isupper() or key[:1] in "_$")
    if capital * 2 > len(keys):
        return (Carrier.EXPORT,) if {"time", "category", "properties"} <= lowered else (Carrier.ROW,)
    if page.odata_context is not None or "@odata.context" in keys or "@odata.type" in keys:
        return (Carrier.GRAPH,)
    if not keys.isdisjoint(_REST_MARKS) or isinstance(obj.get("operationName"), dict):
        return (Carrier.REST, Carrier.GRAPH)
    if "properties" in lowered and not lowered.isdisjoint(("category", "time")) or {"time", "category"} <= lowered:
        return (Carrier.EXPORT, Carrier.REST, Carrier.GRAPH)
    return (Carrier.GRAPH, Carrier.REST)


def _table_of(keys: frozenset[str]) -> str | None:
    """The table that is known by these names, where an object states none."""
    lowered = {key.lower() for key in keys}
    return next((table for table, marks in _LOWERED_MARKS if marks <= lowered), None)


def _provider(obj: JsonObject, context: Context) -> str | None:
    """Whose log it is, by the resource that an export or a row names: `microsoft.keyvault`."""
    named = (ids.provider_of(obj.get(name)) for name in ("_ResourceId", "resourceId", "ResourceId"))
    provider = (_text(obj.get("ResourceProvider")) or "").lower()
    return next(filter(None, named), None) or provider or ids.provider_of(context.path_resource_id)


def _collection(obj: JsonObject, page: Page) -> str | None:
    """`users` or `auditLogs/provisioning` from the metadata of a Graph page, where nothing else names it."""
    context = _text(obj.get("@odata.context")) or page.odata_context or _text(obj.get("@odata.type")) or ""
    name = _CONTEXT_NAME.search(context)
    return f"Graph {name[1].strip('/')}" if name else None


@lru_cache(maxsize=8)  # every file has a detector
def indexes(loaders: tuple[Loader, ...]) -> tuple[Mapping[str, Loader], Mapping[str, Loader]]:
    """The loaders by category and by table. ConfigError if two have the same."""
    return (
        _index(loaders, lambda loader: loader.categories, "category"),
        _index(loaders, lambda loader: (loader.source, *loader.tables), "table"),
    )


def _index(loaders: Sequence[Loader], names: Callable[[Loader], Iterable[str]], what: str) -> Mapping[str, Loader]:
    found: dict[str, Loader] = {}
    for loader in loaders:
        for name in names(loader):
            other = found.setdefault(name.lower(), loader)
            if other is not loader and name.lower() != _SHARED_TABLE:
                raise ConfigError(
                    f"two loaders for {what} {name}: {other.source} and {loader.source}",
                    hint=f"each {what} belongs to one loader",
                )
    return found


def _renames(keys: frozenset[str], obj: JsonObject, carrier: Carrier) -> Mapping[str, str] | None:
    """The usual names of what an object has under others, if any."""
    if carrier is Carrier.EXPORT:  # a data lake may have written the envelope in another case
        found = {key: _ENVELOPE[key.lower()] for key in keys if key.lower() in _ENVELOPE}
        return {key: name for key, name in found.items() if key != name and name not in keys} or None
    if carrier in (Carrier.CSV, Carrier.ROW):
        searched = (_text(obj.get("Type")) or "").lower().endswith(_SEARCHED)
        return _SEARCH_NAMES if searched or "_OriginalType" in keys or "_OriginalTimeGenerated" in keys else None
    return None


def _renamed(obj: JsonObject, names: Mapping[str, str]) -> JsonObject:
    return {names.get(key, key): value for key, value in obj.items()}


@lru_cache(maxsize=_MAX_SIGNATURES)
def _deciding(keys: tuple[str, ...]) -> tuple[tuple[str, Callable[[Any], object]], ...]:
    """Those of an object's keys whose values may decide, and what of them."""
    return tuple((key, _DECISIVE[name]) for key in keys if (name := key.lower()) in _DECISIVE)


def _unknown(names: Iterable[str], known: frozenset[str], usual: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if name not in known and name not in usual and name[:1] != "@"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and stated(value) else None


_DECISIVE: dict[str, Callable[[Any], object]] = {
    **dict.fromkeys(("category", "type", "$table", "_originaltype", "resourceprovider"), _text),
    **dict.fromkeys(("@odata.context", "@odata.type"), _text),
    **dict.fromkeys(("resourceid", "_resourceid"), ids.provider_of),
    "operationname": is_change,
    "signineventtypes": str,
}
