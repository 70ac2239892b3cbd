"""When all who share a stream are sent its next frame, and who holds up the others too often.

Whoever is ready waits a little for who is not; then a frame goes to all. A stream of its own for who is slow
costs as much as all others together, so nobody leaves for having been late a few times, nor where all are
late alike: then it is this machine that is slow, and more streams would make it slower.
"""

from collections.abc import Iterable
from typing import Final

from pyrdpmux.mux.streaming.seat import Seat

PATIENCE: Final = 0.02
"""Seconds that those who can be sent a frame wait for those who cannot for longer than SLACK."""

SLACK: Final = 0.05
"""Seconds until a seat can be sent what others can: so long all wait for it."""

BURDEN: Final = 10
"""Frames in a row that were due to others before a seat was ready for them: it has to leave."""

RELIEF: Final = 2
"""Of these are forgiven with each frame for which it was ready."""

MAX_LAG: Final = 0.5
"""Seconds behind the one that is the least behind, with which a seat has to leave."""

MAX_BACKLOG: Final = 1 << 20
"""Bytes that wait on our side for a seat that is not ready, with which it has to leave: it may be that nobody
reads them, and each frame of the others would go on top."""


class Turns:
    """Of the seats of one stream."""

    def __init__(self) -> None:
        #: since when somebody waits for the others
        self._waiting_since: float | None = None
        #: seats that are not ready for the frame that is due now; None: nor will be without doing something
        self._late: dict[Seat, float | None] = {}
        self._burdens: dict[Seat, int] = {}

    def frame_at(self, seats: Iterable[Seat], due: float, now: float) -> float | None:
        """When to send what is due then: when all can be sent it, or some have waited long enough.

        None: not before a seat tells that it may be ready. For what is due later no seat is asked: until then
        it may be another one that is not ready.
        """
        if due > now:
            self._waiting_since = None
            self._late = {}
            return due
        times = {seat: seat.ready_at(now) for seat in seats}
        self._late = {}
        ready = [time for time in times.values() if time is not None]
        first = max(due, min(ready)) if ready else None
        if first is None or first > now:
            self._waiting_since = None
            return first
        if self._waiting_since is None:
            self._waiting_since = now
        # From then on, not from now: whose socket is full says again and again that it will be soon.
        latest = max(self._waiting_since + SLACK, now)
        if len(ready) == len(times) and (last := max(ready)) <= latest:
            return last
        self._late = {seat: time for seat, time in times.items() if time is None or time > latest}
        return self._waiting_since + PATIENCE

    def take_leavers(self, seats: Iterable[Seat], now: float) -> list[Seat]:
        """A frame is about to go, or would be: who has to leave before, as it was not ready for too many."""
        self._waiting_since = None
        late, self._late = self._late, {}
        burdens = {seat: self._burdens.get(seat, 0) for seat in seats}
        self._burdens = {
            seat: burden + 1 if seat in late else max(burden - RELIEF, 0) for seat, burden in burdens.items()
        }
        if not late or not burdens:  # all have gone meanwhile
            return []
        lags = {seat: seat.lag(now) for seat in self._burdens}
        most = min(lags.values()) + MAX_LAG

        def has_to_leave(seat: Seat, ready_at: float | None) -> bool:
            is_slow = self._burdens[seat] > BURDEN or lags[seat] > most
            return ready_at is None or is_slow or seat.backlog > MAX_BACKLOG

        return [seat for seat, ready_at in late.items() if seat in lags and has_to_leave(seat, ready_at)]
