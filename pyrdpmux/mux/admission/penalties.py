"""Slows down who guesses passwords: an address that has failed too often is refused for a while."""

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

WINDOW_SECONDS: Final = 60.0
"""Failures count for so long. Who goes on after that is refused again: so many guesses a minute, no more."""

MAX_ADDRESSES: Final = 4096
"""The one that has been quiet for longest is forgotten first."""

IPV6_NETWORK_BITS: Final = 64
"""What one customer has at least, and can choose addresses from."""


def network_of(address: str) -> str:
    """The addresses that are one and the same to us."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), IPV6_NETWORK_BITS), strict=False))


class FailedLogons:
    """Of all VMs of a daemon together: who guesses at one is refused at the others, too."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        #: failures within WINDOW_SECONDS, from then on an address is refused; 0: none is, whatever happens
        self.limit = limit
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def note(self, address: str) -> bool:
        """A logon from there has failed; True if this is the one from which on the address is refused."""
        if not self.limit or self.is_refused(address):
            return False
        network = network_of(address)
        self._failures.setdefault(network, deque()).append(self._clock())
        self._failures.move_to_end(network)
        if len(self._failures) > MAX_ADDRESSES:
            self._failures.popitem(last=False)
        return self.is_refused(address)

    def is_refused(self, address: str) -> bool:
        """Whether connections from there have to wait."""
        times = self._failures.get(network_of(address))
        if times is None:
            return False
        while times and times[0] <= self._clock() - WINDOW_SECONDS:
            times.popleft()
        return 0 < self.limit <= len(times)
