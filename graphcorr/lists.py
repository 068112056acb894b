"""List files that graphcorr.toml names under [lists]: read once, checked line by line, held by the configuration."""

from __future__ import annotations

import csv
import ipaddress
import json
from typing import TYPE_CHECKING

from graphcorr.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


def rows(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a CSV file with a header, each with its place (`owners.csv:3`); blank values are left out.

    Raises ConfigError with file and line for a missing file, a wrong header and a row without a required value.
    """
    reader = csv.DictReader(_text(path).splitlines())
    header = [name.strip().lower() for name in reader.fieldnames or ()]
    if not set(required) <= set(header) <= {*required, *optional}:
        hint = f"the first line must read {','.join((*required, *optional))}"
        raise ConfigError(f"wrong columns: {', '.join(header) or 'none'}", where=f"{path}:1", hint=hint)
    reader.fieldnames = header
    for row in reader:
        place = f"{path}:{reader.line_num}"
        if None in row or None in row.values():
            hint = "put texts with commas in quotes"
            raise ConfigError("a row with too many or too few values", where=place, hint=hint)
        stated = {name: value.strip() for name, value in row.items() if value.strip()}
        missing = [name for name in required if name not in stated]
        if stated and missing:
            raise ConfigError(f"no value for {missing[0]}", where=place, hint="fill it in, or remove the line")
        if stated:
            yield place, stated


def azure_ranges(path: Path) -> tuple[str, ...]:
    """Networks of Microsoft's service tags file (JSON), or of a text file with one network a line; merged, sorted.

    Of a service tags file the tag `AzureCloud` counts, which holds every public address of Azure.
    """
    text = _text(path)
    stated = _service_tags(path, text) if text.lstrip().startswith("{") else _lines(path, text)
    networks = [_network(value, place) for place, value in stated]
    merged: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = [
        *ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv4Network)),
        *ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv6Network)),
    ]
    return tuple(sorted(str(network) for network in merged))


def _service_tags(path: Path, text: str) -> Iterable[tuple[str, str]]:
    try:
        tags = json.loads(text)["values"]
        (cloud,) = [tag for tag in tags if tag["name"] == "AzureCloud"]
        return [(str(path), str(prefix)) for prefix in cloud["properties"]["addressPrefixes"]]
    except (ValueError, KeyError, TypeError) as error:
        hint = "expected Microsoft's service tags file (values[], one of them AzureCloud) or one network a line"
        raise ConfigError("not a file of service tags", where=str(path), hint=hint) from error


def _lines(path: Path, text: str) -> Iterable[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        value = line.partition("#")[0].strip()
        if value:
            yield f"{path}:{number}", value


def _network(value: str, place: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        raise ConfigError(f"not a network: {error}", where=place, hint="expected 20.33.0.0/16") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError("no such list", where=str(path), hint="paths in [lists] start at graphcorr.toml") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the list: {error}", where=str(path)) from error
