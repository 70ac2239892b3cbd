"""Networks that keep failing are slowed down: seconds are added up for each failure, and pass by themselves.

As OpenSSH does it (sshd_config(5), PerSourcePenalties), with one difference: nobody is refused for them,
since behind one address there may be many people. While more than :data:`TOLERATED_SECONDS` are left, a
network's connections wait before they are heard, and are the first to go when there is no room. Besides, a
network gets so many connections a second and no more: what is beyond waits its turn.
"""

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from pyrdpmux.mux.admission.networks import Origin

TOLERATED_SECONDS: Final = 15.0
"""Clients try one protocol after another, and people let them wait."""

MAX_SECONDS: Final = 120.0
"""What is remembered of a network at most: so long after its last failure it is as good as any other."""

MAX_WAIT: Final = 3.0
"""Before a connection of a network that keeps failing is heard."""

BURST_SECONDS: Final = 2.0
"""So many seconds' worth of connections may come at once."""

MAX_NETWORKS: Final = 4096
"""The one that has been quiet for longest is forgotten first."""


class Failure(Enum):
    """How a connection ended before its user was known. Wrong passwords are for :mod:`.guesses`."""

    #: it said nothing, or stopped halfway, until its time was over or others needed its place
    SILENCE = auto()
    #: what it said was not the protocol
    JUNK = auto()


SECONDS: Final = {Failure.SILENCE: 5.0, Failure.JUNK: 2.0}
"""What each adds."""


class _Record:
    """Of one network."""

    __slots__ = ("next_turn", "until")

    def __init__(self) -> None:
        #: the penalty ends then
        self.until = 0.0
        #: the next connection is heard then at the earliest, apart from the burst
        self.next_turn = 0.0


class Penalties:
    """All networks of a daemon."""

    def __init__(self, clock: Callable[[], float], attempts_per_second: float = 10.0) -> None:
        #: connections that are heard, of each network; 0: any number
        self.attempts_per_second = attempts_per_second
        #: connections that had to wait
        self.delayed = 0
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def note(self, origin: Origin, failure: Failure) -> bool:
        """It has failed; True if this is what makes it wait from now on."""
        before = self.is_suspect(origin)
        record = self._of(origin)
        now = self._clock()
        record.until = min(max(record.until, now) + SECONDS[failure], now + MAX_SECONDS)
        return not before and self.is_suspect(origin)

    def forgive(self, origin: Origin) -> None:
        """Somebody from there has logged on."""
        if (record := self._records.get(origin.narrow)) is not None:
            record.until = 0.0

    def is_suspect(self, origin: Origin) -> bool:
        """Whether it has failed so often that it has to wait."""
        return self._excess(origin) > 0.0

    def attempt(self, origin: Origin) -> float:
        """One more connection from there: seconds until it is heard."""
        wait = min(self._excess(origin), MAX_WAIT)
        if self.attempts_per_second:
            record, now = self._of(origin), self._clock()
            record.next_turn = max(record.next_turn, now - BURST_SECONDS) + 1 / self.attempts_per_second
            wait = max(wait, record.next_turn - now)
        if wait > 0.0:
            self.delayed += 1
        return max(wait, 0.0)

    def withdraw(self, origin: Origin) -> None:
        """A connection that waited is gone before it was heard: those behind it need not wait for it."""
        if self.attempts_per_second and (record := self._records.get(origin.narrow)) is not None:
            record.next_turn -= 1 / self.attempts_per_second

    def _excess(self, origin: Origin) -> float:
        record = self._records.get(origin.narrow)
        return record.until - self._clock() - TOLERATED_SECONDS if record is not None else 0.0

    def _of(self, origin: Origin) -> _Record:
        record = self._records.setdefault(origin.narrow, _Record())
        self._records.move_to_end(origin.narrow)
        if len(self._records) > MAX_NETWORKS:
            self._records.popitem(last=False)
        return record
