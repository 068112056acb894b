"""Addresses and networks in threat intelligence: one spelling, and where they stand in lists and in STIX patterns."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime, timedelta

from graphcorr import ids, times

_LONGEST = 96
_MILLISECOND = timedelta(milliseconds=1)

ADDRESS_COLUMNS = (
    "ip", "ips", "ip_address", "ipaddress", "address", "addr", "src_ip", "source_ip", "dst_ip", "cidr", "network",
    "netblock", "prefix", "subnet", "indicator", "ioc",
)  # fmt: skip
"""What lists call the column of addresses, as `column_name` spells it."""

LOG_COLUMNS = frozenset(("IPAddress", "IpAddress", "ipAddress"))
"""What logs call theirs. A file with it may be a list, or columns taken out of a log."""

# A comparison of an address in a STIX pattern: `ipv4-addr:value = '…'`, `network-traffic:src_ref.value ISSUBSET '…'`,
# `ipv6-addr:value IN ('…', '…')`.
_COMPARISON = re.compile(
    r"(?:ipv4-addr:value|ipv6-addr:value|network-traffic:(?:src|dst)_ref\.value)\s*"
    r"(?:=|ISSUBSET|IN\s*\()\s*('[^']{1,96}'(?:\s*,\s*'[^']{1,96}')*)"
)
# With these a pattern says more, or something else, than "any of these addresses".
_NARROWER = re.compile(r"\b(?:AND|NOT|FOLLOWEDBY|REPEATS|WITHIN)\b|!=")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")


def address_or_network(value: object) -> str | None:
    """The canonical address, or the network in CIDR notation; None for anything else.

    A network of one address is that address; bits beyond the prefix are cut off. Lists handed on by mail write
    `192.0.2[.]1`, so that nobody clicks on it.
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip().replace("[.]", ".").replace("[:]", ":")
    if "/" not in text:
        return ids.ip_address(text)
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return ids.ip_address(str(network.network_address)) if network.num_addresses == 1 else str(network)


def addresses_or_networks(value: object) -> tuple[str, ...]:
    """As `address_or_network`; a range `192.0.2.1-192.0.2.9` is the networks that it is made of, never many."""
    first, dash, last = value.partition("-") if isinstance(value, str) else ("", "", "")
    if not dash:
        found = address_or_network(value)
        return (found,) if found is not None else ()
    try:
        ends = [ipaddress.ip_address(ids.ip_address(end) or "") for end in (first, last)]
        networks = ipaddress.summarize_address_range(*ends)  # of two kinds: TypeError
        return tuple(filter(None, map(address_or_network, map(str, networks))))
    except (ValueError, TypeError):
        return ()


def column_name(written: str) -> str:
    """A column's name as lists are compared by: `IP Address` is `ip_address`."""
    return written.strip(" \t\r\"'").lower().replace(" ", "_").replace("-", "_").lstrip("#")


def is_address_column(written: str) -> bool:
    """Whether lists call their column of addresses so, and logs do not."""
    return len(written) <= _LONGEST and column_name(written) in ADDRESS_COLUMNS and written not in LOG_COLUMNS


def version_key(source: str, indicator_id: str, value: str, at: datetime | None) -> str:
    """Event key of one address in one version of an indicator: the newest version of an id is the one that counts."""
    return "ti:" + ids.digest(source, indicator_id, value, None if at is None else (at - times.EPOCH) // _MILLISECOND)


def pattern_addresses(pattern: object) -> tuple[str, ...]:
    """The addresses and networks of which any one matches a STIX pattern, each once; none if it asks for more."""
    if not isinstance(pattern, str) or _NARROWER.search(_TEXT.sub("''", pattern)):
        return ()
    compared = (value for values in _COMPARISON.findall(pattern) for value in _TEXT.findall(values))
    found = (address_or_network(value[1:-1]) for value in compared)
    return tuple(dict.fromkeys(value for value in found if value is not None))
