"""Whom a daemon hears, when, and how many at once: the limits of admission, of all its ports together."""

import asyncio
from collections.abc import Callable
from typing import Final

from pyrdpmux.errors import (
    DecodeError,
    LimitExceeded,
    PeerError,
    PeerTimeout,
    SequenceError,
)
from pyrdpmux.mux.admission.guesses import Guesses
from pyrdpmux.mux.admission.networks import ExemptNetworks, Origin
from pyrdpmux.mux.admission.penalties import Failure, Penalties
from pyrdpmux.mux.admission.pending import PendingTable
from pyrdpmux.mux.settings.config import LimitSettings
from pyrdpmux.net.fair import FairSchedule, Kind, LoopShare

_FAILURES: Final[tuple[tuple[type[PeerError], Failure], ...]] = (
    (PeerTimeout, Failure.SILENCE),
    (DecodeError, Failure.JUNK),
    (SequenceError, Failure.JUNK),
    (LimitExceeded, Failure.JUNK),
)
"""Not among them: a wrong password, no common protocol, a refused certificate, an early goodbye."""

LINES_PER_SECOND: Final = 10
LINES_AT_ONCE: Final = 100
"""Strangers that the log names; what is beyond is there with -v only."""


def failure_of(error: PeerError | None) -> Failure | None:
    """How a connection that never logged on has failed, if that counts against its network."""
    return next((failure for kind, failure in _FAILURES if isinstance(error, kind)), None)


class LineBudget:
    """Lines of the log that strangers can cause."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = 0.0

    def take(self) -> bool:
        """Whether there is room for one more."""
        now = self._clock()
        following = max(self._next, now - LINES_AT_ONCE / LINES_PER_SECOND) + 1 / LINES_PER_SECOND
        if following > now:
            return False
        self._next = following
        return True


class AdmissionControl:
    """Pending connections, penalties, guesses, and the strangers' shares of the loop."""

    def __init__(
        self, limits: LimitSettings, schedule: FairSchedule, clock: Callable[[], float] | None = None
    ) -> None:
        """``clock``: monotonic seconds; the loop's if not given."""
        clock = clock or (lambda: asyncio.get_running_loop().time())
        self.schedule = schedule
        self.penalties = Penalties(clock, limits.attempts_per_second)
        self.guesses = Guesses(limits.failed_logons_per_minute, clock)
        self.pending = PendingTable(limits.pending, self.penalties.is_suspect)
        self.exempt = ExemptNetworks(limits.exempt_networks)
        self._shares: dict[str, tuple[LoopShare, int]] = {}
        self._lines, self._warnings = LineBudget(clock), LineBudget(clock)

    def configure(self, limits: LimitSettings) -> None:
        """Other limits, for connections to come."""
        self.penalties.attempts_per_second = limits.attempts_per_second
        self.guesses.limit = limits.failed_logons_per_minute
        self.pending.limit = limits.pending
        self.exempt = ExemptNetworks(limits.exempt_networks)

    def may_log(self) -> bool:
        """Whether there is room in the log for one more stranger."""
        return self._lines.take()

    def may_warn(self) -> bool:
        """Whether there is room for one more that has failed; who only connects takes none of it."""
        return self._warnings.take()

    def take_share(self, origin: Origin) -> LoopShare:
        """Of the loop, for all connections of this network that have not logged on; to be given back."""
        share, users = self._shares.get(origin.narrow, (None, 0))
        share = share or self.schedule.share(Kind.STRANGER, origin.narrow)
        self._shares[origin.narrow] = (share, users + 1)
        return share

    def give_back_share(self, origin: Origin) -> None:
        share, users = self._shares[origin.narrow]
        if users > 1:
            self._shares[origin.narrow] = (share, users - 1)
        else:
            del self._shares[origin.narrow]
            share.close()

    def figures(self) -> dict[str, int]:
        """For the control socket."""
        return {
            "pending": len(self.pending),
            "evicted": self.pending.evicted,
            "delayed": self.penalties.delayed,
            "networks": len(self.penalties),
        }
