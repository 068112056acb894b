"""Which addresses lie in which networks of threat intelligence: what SQL cannot do. Part of the whole layer."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def covered(addresses: Iterable[str], values: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (value, address), sorted: `values` are canonical addresses and networks in CIDR notation.

    Takes as many look-ups per address as there are different lengths of prefixes, however many networks there are.
    """
    networks: dict[tuple[int, int], dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for value in values:
        network = ipaddress.ip_network(value)
        start = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        networks[network.version, network.prefixlen][start].append(value)
    found = []
    for address in addresses:
        number = ipaddress.ip_address(address)
        for (version, length), starts in networks.items():
            if version == number.version:
                inside = starts.get(int(number) >> (number.max_prefixlen - length), ())
                found += [(value, address) for value in inside]
    return sorted(found)
