"""Fair time: one event loop serves all, and nobody gets more of it than its share while others wait.

Whatever can make us work has a :class:`LoopShare`: a stranger's network, a viewer, a guest, a caller on the
bus. Work is done in slices of about :data:`SLICE_SECONDS`, one at a time, each granted to the waiting share
that has had the least; between two slices the loop looks at its sockets and timers. Kinds divide the time
by :data:`WEIGHTS` first, the shares of a kind equally among themselves, so that a hundred strangers weigh
no more than one.

How to work::

    async with share.turn() as turn:      # waits until it is this share's turn
        while something_left and not turn.is_over:
            do_a_bounded_step()           # no await in here

    await share.work(steps)               # the same for a generator that yields after each bounded step
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Final

SLICE_SECONDS: Final = 0.002
"""What one may work before others are asked. A step that cannot be cut may run over it; that is charged."""

CREDIT_SECONDS: Final = 2 * SLICE_SECONDS
"""How far one that rests may fall behind the others' time: what it has saved up is no licence to burst."""


class Kind(Enum):
    """What a share of the loop is for; each kind has its weight."""

    VIEWER = "viewer"
    GUEST = "guest"
    STRANGER = "stranger"
    BUS = "bus"


WEIGHTS: Final[Mapping[Kind, float]] = {Kind.VIEWER: 4.0, Kind.GUEST: 2.0, Kind.STRANGER: 1.0, Kind.BUS: 1.0}
"""While all kinds have work: half of the time is for people who look."""


@dataclass(frozen=True, slots=True)
class ShareFigures:
    """What one share, or all that ended of a kind, have cost; times in seconds."""

    kind: str
    name: str
    #: of the loop
    worked: float
    turns: int
    #: the longest turn
    longest: float
    #: for a turn, at worst
    waited: float
    #: turns that are asked for now
    waiting: int


class Turn:
    """A slice of the loop that was granted; :attr:`is_over` says when to leave it."""

    __slots__ = ("_clock", "_end")

    def __init__(self, clock: Callable[[], float], begun: float | None = None) -> None:
        self._clock = clock
        self._end = (clock() if begun is None else begun) + SLICE_SECONDS

    @property
    def is_over(self) -> bool:
        """The slice is used up: leave, and ask again if there is more."""
        return self._clock() >= self._end


class LoopShare:
    """One claim to the loop's time. :meth:`close` it when its owner is gone."""

    def __init__(self, schedule: "FairSchedule", kind: Kind, name: str) -> None:
        self.kind = kind
        self.name = name
        self.worked = 0.0
        self.turns = 0
        self.longest = 0.0
        self.waited = 0.0
        #: on the clock of its kind, which runs as its shares are used
        self.virtual = 0.0
        self.waiters: deque[asyncio.Future[None]] = deque()
        self._schedule = schedule
        self.state = schedule.state_of(kind)

    def turn(self) -> AbstractAsyncContextManager[Turn]:
        """Wait for a turn; inside, work without awaiting anything until it ``is_over``."""
        return _Granted(self, self._schedule)

    async def work(self, steps: Iterable[object]) -> None:
        """Take all ``steps``, as many in a turn as there is time for; each yield ends a step."""
        iterator = iter(steps)
        while True:
            async with self.turn() as turn:
                for _ in iterator:
                    if turn.is_over:
                        break
                else:
                    return

    def work_at_once(self, steps: Iterable[object]) -> bool:
        """The same without waiting, and without a task: if it is nobody's turn, for as long as a turn is.

        Whether all were taken; the rest of them is for :meth:`work`.
        """
        schedule = self._schedule
        if not schedule.begins(self):
            return False
        started = schedule.clock()
        turn = Turn(schedule.clock, started)
        try:
            return all(not turn.is_over for _ in steps)
        finally:
            schedule.finished(self, schedule.clock() - started)

    def close(self) -> None:
        """It is gone; what it has cost stays in the figures of its kind."""
        self._schedule.forget(self)

    @property
    def figures(self) -> ShareFigures:
        waiting = sum(1 for waiter in self.waiters if not waiter.done())
        return ShareFigures(
            self.kind.value, self.name, self.worked, self.turns, self.longest, self.waited, waiting
        )


class _Granted(AbstractAsyncContextManager[Turn]):
    """A turn of a share: waited for where it is entered, charged for where it is left."""

    __slots__ = ("_schedule", "_share", "_started")

    def __init__(self, share: LoopShare, schedule: "FairSchedule") -> None:
        self._share = share
        self._schedule = schedule

    async def __aenter__(self) -> Turn:
        schedule = self._schedule
        if not schedule.begins(self._share):
            await schedule.granted(self._share)
        self._started = schedule.clock()
        return Turn(schedule.clock, self._started)

    async def __aexit__(self, *_: object) -> None:
        self._schedule.finished(self._share, self._schedule.clock() - self._started)


class _KindState:
    """The clocks of one kind."""

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.virtual = 0.0
        self.clock = 0.0
        self.waiting: dict[LoopShare, None] = {}
        self.ended = ShareFigures("", "(ended)", 0.0, 0, 0.0, 0.0, 0)


class FairSchedule:
    """All shares of one event loop."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """``clock``: seconds; the loop's if not given, which is a monotonic one."""
        self.clock = clock or time.monotonic
        self._shares: dict[LoopShare, None] = {}
        self._kinds = {kind: _KindState(WEIGHTS[kind]) for kind in Kind}
        self._states = tuple(self._kinds.values())
        self._virtual = 0.0
        self._is_busy = False

    def share(self, kind: Kind, name: str) -> LoopShare:
        """A new one; two of the same name are two shares."""
        share = LoopShare(self, kind, name)
        self._shares[share] = None
        return share

    def state_of(self, kind: Kind) -> "_KindState":
        """For a share, which has it at hand: to look it up takes as long as to use it."""
        return self._kinds[kind]

    def snapshot(self) -> list[ShareFigures]:
        """What each share has cost since it came, and all that ended of each kind."""
        figures = [share.figures for share in self._shares]
        for kind, state in self._kinds.items():
            if state.ended.turns:
                ended = state.ended
                figures.append(
                    ShareFigures(
                        kind.value, ended.name, ended.worked, ended.turns, ended.longest, ended.waited, 0
                    )
                )
        return figures

    # -- the shares' side -------------------------------------------------------------------------

    async def granted(self, share: LoopShare) -> None:
        """Until it is this share's turn. Cancelled, it hands on what it was granted."""
        if self.begins(share):
            return
        asked = self.clock()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        share.waiters.append(waiter)
        self._enqueue(share)
        if not self._is_busy:
            self._grant()
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._release()
            raise
        share.waited = max(share.waited, self.clock() - asked)

    def begins(self, share: LoopShare) -> bool:
        """A turn that was not waited for, unless somebody else has one or waits."""
        if self._is_busy:
            return False
        for state in self._states:
            if state.waiting:
                return False
        self._credit(share)
        self._go_on(share)
        self._is_busy = True
        return True

    def finished(self, share: LoopShare, seconds: float) -> None:
        """A turn has taken this long."""
        state = share.state
        share.worked += seconds
        share.turns += 1
        if seconds > share.longest:
            share.longest = seconds
        share.virtual += seconds
        state.virtual += seconds / state.weight
        self._release()

    def forget(self, share: LoopShare) -> None:
        """It has ended; turns that it still waits for it gets."""
        if share not in self._shares:
            return
        del self._shares[share]
        state = share.state
        ended = state.ended
        state.ended = ShareFigures(
            "",
            ended.name,
            ended.worked + share.worked,
            ended.turns + share.turns,
            max(ended.longest, share.longest),
            max(ended.waited, share.waited),
            0,
        )

    # -- inside ------------------------------------------------------------------------------------

    def _enqueue(self, share: LoopShare) -> None:
        self._credit(share)
        share.state.waiting[share] = None

    def _credit(self, share: LoopShare) -> None:
        """What has rested has not saved up more than so much."""
        state = share.state
        if not state.waiting:
            state.virtual = max(state.virtual, self._virtual - CREDIT_SECONDS)
        if share not in state.waiting:
            share.virtual = max(share.virtual, state.clock - CREDIT_SECONDS)

    def _go_on(self, share: LoopShare) -> None:
        """It is its turn: the clocks go on to where it stands."""
        state = share.state
        self._virtual = max(self._virtual, state.virtual)
        state.clock = max(state.clock, share.virtual)

    def _release(self) -> None:
        """INVARIANT: the loop polls its sockets before the next turn, which is granted from a callback."""
        asyncio.get_running_loop().call_soon(self._grant)

    def _grant(self) -> None:
        """The next turn to the kind, and in it to the share, that has had the least."""
        self._is_busy = False
        while (share := self._next()) is not None:
            waiter = share.waiters.popleft()
            if not any(not other.done() for other in share.waiters):
                share.waiters.clear()
                share.state.waiting.pop(share, None)
            if not waiter.done():
                self._is_busy = True
                waiter.set_result(None)
                return

    def _next(self) -> LoopShare | None:
        waiting = [state for state in self._states if state.waiting]
        if not waiting:
            return None
        state = min(waiting, key=lambda candidate: candidate.virtual)
        share = min(state.waiting, key=lambda candidate: candidate.virtual)
        self._go_on(share)
        return share
