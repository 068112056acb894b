"""Objects as PowerShell writes them, every name with a capital letter → objects of the API. Between readers and detect.

`Get-MgAuditLogSignIn`, `Get-AzADServicePrincipal`, `Get-AzActivityLog` and their like, piped to ConvertTo-Json: what
Microsoft Graph or the management API answered, under other names. A Log Analytics row has capital letters too, but in
its columns alone: below them stands what the source wrote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from graphcorr.errors import RecordError
from graphcorr.ingest.fields import as_list, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphcorr.ingest.loader import JsonObject

# What a type of its own had no name for; these names are the API's.
_ADDITIONAL = "AdditionalProperties"
# Around claims and properties of an activity, whose names are values.
_CONTENT = ("Content",)

# Columns of a log: what has one of them is a row of it.
_ROW_COLUMNS = (
    "time", "TimeGenerated", "Timestamp", "Type", "$table", "SourceSystem", "_ResourceId", "ResultType",
    "ResourceIdentity", "LocationDetails",
)  # fmt: skip

# `IPAddress` is `ipAddress`, `AppId` is `appId`.
_CAPITALS = re.compile(r"[A-Z]+(?=[A-Z][a-z]|$)|[A-Z]")
# What stands for an object that is nested deeper than ConvertTo-Json was told to go.
_CUT = ("Microsoft.Graph.PowerShell.Models.", "Microsoft.Azure.Commands.", "Microsoft.Azure.PowerShell.")
# What an audit record holds below its first level; of other objects, nothing there is read.
_DEEP = {"InitiatedBy": ("App", "User"), "TargetResources": ("ModifiedProperties",)}


def mark(obj: JsonObject) -> str | None:
    """What an object that PowerShell wrote says of its type and page; None for an object that need not be one.

    Certain are capital letters on the names of everything nested, a bag of additional properties, a list of the kinds
    of a sign-in, and the name of a type where its object should be.
    """
    if any(name in obj for name in _ROW_COLUMNS) or not _most_capital(obj):
        return None
    additional = obj.get(_ADDITIONAL)
    if isinstance(additional, dict):
        return f"{additional.get('@odata.type')} {additional.get('@odata.context')}"
    nested = [part for value in obj.values() if type(value) is not str for part in _objects(value) if part]
    if nested:
        return "" if all(map(_all_capital, nested)) else None
    return "" if isinstance(obj.get("SignInEventTypes"), list) or any(map(_is_cut, obj.values())) else None


def api_object(obj: JsonObject) -> JsonObject:
    """The object with the names that the API has for it, at every level; values stay. RecordError if a part is cut off.

    It may be asked of any object: one without capital letters stays as it is.
    """
    cut = next((name for name, value in obj.items() if _is_cut(value, _DEEP.get(name, ()))), None)
    if cut is not None:
        raise RecordError(
            f"{cut} is cut off: a type's name stands for what it holds", hint="export it with ConvertTo-Json -Depth 10"
        )
    try:
        return _renamed(obj)
    except RecursionError:
        raise RecordError("nested too deeply") from None


def _renamed(obj: JsonObject) -> JsonObject:
    found = {_api_name(name): _value(value) for name, value in obj.items() if name != _ADDITIONAL}
    additional = obj.get(_ADDITIONAL)
    return {**additional, **found} if isinstance(additional, dict) else found


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        if tuple(value) == _CONTENT:
            return value["Content"]
        members = listed(value)
        return _renamed(value) if members is None else _value(members)
    return [_value(member) for member in value] if isinstance(value, list) else value


def _api_name(name: str) -> str:
    return _CAPITALS.sub(lambda found: found[0].lower(), name, count=1) if name[:1].isupper() else name


def _objects(value: object) -> list[JsonObject]:
    """The objects that a value is or lists."""
    if not isinstance(value, dict | list):
        return []
    return [part for part in as_list(value) or () if isinstance(part, dict)]


def _most_capital(names: Iterable[str]) -> bool:
    capital = [name[:1].isupper() for name in names]
    return sum(capital) * 2 > len(capital)


def _all_capital(names: Iterable[str]) -> bool:
    return all(name[:1].isupper() or name[:1] == "@" for name in names)


def _is_cut(value: object, parts: Iterable[str] = ()) -> bool:
    """Whether a type's name stands for the value, for its first member or for one of these parts of an object in it."""
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, str):
        return first.startswith(_CUT)
    return any(_is_cut(obj.get(part)) for obj in _objects(value) for part in parts)
