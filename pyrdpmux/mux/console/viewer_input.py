"""What a viewer's user does, on its way to the VM: joined where only the last counts, and paced.

Nothing is lost: a viewer that sends more than its budget is read from no further until it has caught up.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from pyrdpmux.net.budget import TokenBucket
from pyrdpmux.net.fair import Turn
from pyrdpmux.rdp.pdu.input import InputEvent, MouseEvent, PointerFlags, SynchronizeEvent

EVENTS_PER_SECOND: Final = 1000.0
"""After joining: three times what the quickest hands and mice do."""

EVENTS_AT_ONCE: Final = 1000.0
"""A client that was away for a moment, or types a text, may send so many."""

TOLD_PER_SECOND: Final = 10_000.0
TOLD_AT_ONCE: Final = 20_000.0
"""The same before joining, and of all that a client tells: it costs time to read, also what is dropped."""

BATCH: Final = 16
"""Events that are handed on before the clock is looked at."""

Apply = Callable[[Sequence[InputEvent]], None]
NextTurn = Callable[[], AbstractAsyncContextManager[Turn]]
Sleep = Callable[[float], Awaitable[None]]


class ViewerInput:
    """A queue that one PDU fills and that is empty before the next is looked at."""

    def __init__(self, now: Callable[[], float], sleep: Sleep) -> None:
        self._now = now
        self._sleep = sleep
        self._events: deque[InputEvent] = deque()
        #: that the pointer has had
        self._positions = 0
        self._told = TokenBucket(TOLD_PER_SECOND, TOLD_AT_ONCE)
        self._bucket = TokenBucket(EVENTS_PER_SECOND, EVENTS_AT_ONCE)

    def __len__(self) -> int:
        return len(self._events)

    @property
    def is_slowed(self) -> bool:
        """Its budget is used up: what comes has to wait."""
        return min(self._bucket.available(self._now()), self._told.available(self._now())) < BATCH

    def charge(self, count: int) -> None:
        """So much has been read that the client has told, of whatever kind."""
        self._told.take(count, self._now())

    def add(self, events: Sequence[InputEvent]) -> None:
        """Joined with what waits already; but for the first position, which motion is told against."""
        for event in events:
            may_join = True
            if isinstance(event, MouseEvent):
                may_join, self._positions = self._positions > 1, self._positions + 1
            if may_join and self._events and _replaces(event, self._events[-1]):
                self._events[-1] = event
            else:
                self._events.append(event)

    def clear(self) -> None:
        """What was meant for another VM."""
        self._events.clear()
        self._positions = 0

    async def work_off(self, next_turn: NextTurn, apply: Apply) -> None:
        """Hand on everything, in turns of the viewer's share, as fast as its budget allows."""
        if wait := self._told.wait(self._now()):
            await self._sleep(wait)
        while self._events:
            if wait := self._bucket.wait(self._now(), min(BATCH, len(self._events))):
                await self._sleep(wait)
            async with next_turn() as turn:
                while self._events and self._bucket.available(self._now()) >= 1.0:
                    size = min(BATCH, len(self._events), int(self._bucket.available(self._now())))
                    batch = [self._events.popleft() for _ in range(size)]
                    self._bucket.take(size, self._now())
                    apply(batch)
                    if turn.is_over:
                        break


def _replaces(event: InputEvent, before: InputEvent) -> bool:
    """Whether only the later of two neighbors counts: a pointer moved on, locks told again."""
    match event, before:
        case MouseEvent(flags=PointerFlags.MOVE), MouseEvent(flags=PointerFlags.MOVE):
            return True
        case SynchronizeEvent(), SynchronizeEvent():
            return True
    return False
