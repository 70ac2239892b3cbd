"""Where a peer comes from, as far as it can choose: addresses of one network are one and the same to us."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

IPV6_NETWORK_BITS: Final = 64
"""What one customer has at least, and can choose addresses from."""

IPV4_WIDE_BITS: Final = 24
IPV6_WIDE_BITS: Final = 48
"""What one owner often has: counted when the narrow networks are even."""

AnyNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Origin:
    """The networks that an address belongs to."""

    #: an IPv4 address, or the /64 of an IPv6 one
    narrow: str
    #: the /24, or the /48
    wide: str

    @classmethod
    def of(cls, address: str) -> "Origin":
        """What is no IP address is a network of its own."""
        found = _parse(address)
        if found is None:
            return cls(address, address)
        if isinstance(found, ipaddress.IPv4Address):
            return cls(str(found), _around(found, IPV4_WIDE_BITS))
        return cls(_around(found, IPV6_NETWORK_BITS), _around(found, IPV6_WIDE_BITS))


class ExemptNetworks:
    """Those that the administrator vouches for, such as a proxy's in front of us."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        """Raises ValueError for what is no network."""
        self._networks = tuple(ipaddress.ip_network(network, strict=False) for network in networks)

    def __contains__(self, address: str) -> bool:
        found = _parse(address)
        return found is not None and any(found in network for network in self._networks)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """IPv4 addresses mapped into IPv6 are IPv4 addresses."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _around(address: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int) -> str:
    return str(ipaddress.ip_network((int(address), bits), strict=False))
