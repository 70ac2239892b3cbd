"""Passwords that are guessed are answered ever later; nobody is locked out by another's guessing.

Three counts of a minute's failures, the longest wait of which holds:

* of one network at one account: grows by doubling, up to half a minute;
* of one network at any account: grows slowly, since many people may sit behind one address;
* of one account, wherever from: grows slowly, so that a hundred addresses do not get a hundred times as far,
  and stays short, so that its owner, who comes from elsewhere, need not notice.

Answers to one network at one account come one after the other: guesses in parallel gain nothing.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Final

WINDOW_SECONDS: Final = 60.0
"""Failures count for so long."""

FREE_GUESSES: Final = 3
"""Of one network at one account: so often people mistype."""

MAX_PAIR_WAIT: Final = 30.0
MAX_NETWORK_WAIT: Final = 2.0
MAX_ACCOUNT_WAIT: Final = 2.0
STEP: Final = 0.1
"""Seconds that each failure beyond the free ones adds, where the wait grows slowly."""

MAX_COUNTED: Final = 4096
"""Networks, accounts, and pairs of them; what has been quiet for longest is forgotten first."""


class FailureCounts:
    """Failures of the last minute, by key."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def add(self, key: Hashable) -> None:
        self._times.setdefault(key, deque(maxlen=256)).append(self._clock())
        self._times.move_to_end(key)
        if len(self._times) > MAX_COUNTED:
            self._times.popitem(last=False)

    def of(self, key: Hashable) -> int:
        times = self._times.get(key)
        if times is None:
            return 0
        while times and times[0] <= self._clock() - WINDOW_SECONDS:
            times.popleft()
        if not times:
            del self._times[key]
            return 0
        return len(times)

    def forget(self, key: Hashable) -> None:
        self._times.pop(key, None)


class Guesses:
    """Of all VMs of a daemon together."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        #: failures a minute from which on a network, or an account, waits; 0: nobody does
        self.limit = limit
        self._pairs = FailureCounts(clock)
        self._networks = FailureCounts(clock)
        self._accounts = FailureCounts(clock)
        self._queues: dict[tuple[str, Hashable], tuple[asyncio.Lock, int]] = {}

    def wait(self, network: str, account: Hashable) -> float:
        """Seconds until the next guess may be answered."""
        if not self.limit:
            return 0.0
        pair = self._pairs.of((network, account)) - min(FREE_GUESSES, self.limit)
        return max(
            min(2.0**pair, MAX_PAIR_WAIT) if pair >= 0 else 0.0,
            self._slow(self._networks.of(network), MAX_NETWORK_WAIT),
            self._slow(self._accounts.of(account), MAX_ACCOUNT_WAIT),
        )

    def _slow(self, failures: int, longest: float) -> float:
        return min(STEP * max(failures - self.limit + 1, 0), longest)

    @asynccontextmanager
    async def attempt(self, network: str, account: Hashable) -> AsyncIterator[None]:
        """Waits for its turn, and as long as :meth:`wait` says then; after that, check the password."""
        key = (network, account)
        lock, users = self._queues.get(key, (asyncio.Lock(), 0))
        self._queues[key] = (lock, users + 1)
        try:
            async with lock:
                await asyncio.sleep(self.wait(network, account))
                yield
        finally:
            lock, users = self._queues[key]
            if users == 1:
                del self._queues[key]
            else:
                self._queues[key] = (lock, users - 1)

    def failed(self, network: str, account: Hashable) -> bool:
        """A wrong password; True if it is the one from which on that network has to wait at that account."""
        before = self.wait(network, account)
        self._pairs.add((network, account))
        self._networks.add(network)
        self._accounts.add(account)
        return before == 0.0 and self.wait(network, account) > 0.0

    def succeeded(self, network: str, account: Hashable) -> None:
        """The right one: who mistyped before has not guessed."""
        self._pairs.forget((network, account))
