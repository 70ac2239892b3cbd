"""All streams of one display, and who shares one.

Everybody begins with a stream of their own, and so waits for nobody. Streams of clients that are alike and
keep up become one: what the newcomer shows is brought to what the others show, and an epoch begins. Who falls
behind, or wants something again, leaves with a copy, and comes back by the same door.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.joining import join
from pyrdpmux.graphics.pacer import FRAMES_PER_SECOND
from pyrdpmux.graphics.stream import Stream
from pyrdpmux.mux.figures import StreamFigures, WorkFigures
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.streaming.live_stream import LiveStream
from pyrdpmux.mux.streaming.seat import Seat
from pyrdpmux.net.workers import WorkerPool

T = TypeVar("T")

logger = logging.getLogger("pyrdpmux.mux")

GATHER_SECONDS: Final = 0.5
"""How often streams are looked at that might become one."""

APART_SECONDS: Final = 5.0
MAX_APART_SECONDS: Final = 60.0
"""That who has left with a copy stays away, since each joining ends the videos and caches of all: twice as
long each time, and at most; who was not away for so long begins anew."""

WIDE: Final = 256 * 1024
ALIKE: Final = 4
"""Bytes that a link takes of a frame, from which on it does not matter how much, and how many times less the
links of others may take: all are sent what the narrowest takes."""


class Streams:
    """Those of one display. As its listener it wakes them; nobody is there, nothing is done or kept."""

    def __init__(self, display: Display, workers: WorkerPool, owner: str) -> None:
        """``owner``: the VM, among the owners of jobs of the pool."""
        self._display = display
        self._workers = workers
        self._owner = owner
        self._tasks: dict[asyncio.Task[None], LiveStream] = {}
        self._of_seat: dict[Seat, LiveStream] = {}
        #: two at a time that are about to become one
        self._joining: dict[asyncio.Task[None], tuple[LiveStream, LiveStream]] = {}
        self._gathering: asyncio.TimerHandle | None = None
        #: how long seats that have left others with a copy stay away, and until when they did
        self._apart: dict[Seat, tuple[float, float]] = {}
        #: what streams have cost that are no more
        self.ended = WorkFigures()
        #: that each viewer is sent at most
        self.frames_per_second = FRAMES_PER_SECOND
        #: from the display, while there are seats
        self._unsubscribe: Callable[[], None] | None = None

    @property
    def live(self) -> list[LiveStream]:
        """Those that have somebody."""
        return [stream for stream in self._tasks.values() if stream.seats]

    @property
    def figures(self) -> tuple[StreamFigures, ...]:
        """Of all that run."""
        return tuple([live.figures for live in dict.fromkeys(self._tasks.values())])

    def stream_of(self, seat: Seat) -> LiveStream | None:
        return self._of_seat.get(seat)

    # -- seats -----------------------------------------------------------------------------------

    def enter(self, seat: Seat, stream: Stream[Any]) -> None:
        """A stream for this seat alone, until it can share one."""
        self.leave(seat)
        if self._unsubscribe is None:
            self._unsubscribe = self._display.subscribe(self)
        self._run(stream, seat)
        self._gather_later()

    def leave(self, seat: Seat) -> None:
        """It is sent nothing more; harmless if it was not there."""
        self._apart.pop(seat, None)
        live = self._of_seat.pop(seat, None)
        if live is not None:
            live.seats.pop(seat, None)
            live.left()
        if not self._of_seat:
            self._rest()

    async def close(self) -> None:
        """Nobody is sent anything more: what still runs for those who were here ends, and is awaited."""
        self._of_seat.clear()
        self._apart.clear()
        self._rest()
        tasks = (*self._tasks, *self._joining)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self, seat: Seat) -> None:
        """It can be sent something now."""
        live = self._of_seat.get(seat)
        if live is not None:
            live.wake()

    async def compute(self, job: Callable[[], T]) -> T:
        """Run it in a thread, as one of the jobs of the VM."""
        return await self._workers.run(self._owner, job)

    def refresh(self, seat: Seat, rects: Sequence[Rect]) -> None:
        """Its client is to be sent these again."""
        live = self._of_seat.get(seat)
        if live is not None:
            live.refresh(seat, rects)

    def _run(self, stream: Stream[Any], seat: Seat) -> LiveStream:
        live = LiveStream(self._display, stream, self._workers, self._owner, self._part)
        live.seats[seat] = None
        self._of_seat[seat] = live
        task = asyncio.get_running_loop().create_task(live.run(), name=f"stream of {self._owner}")
        self._tasks[task] = live
        task.add_done_callback(self._ended)
        return live

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.ended += self._tasks.pop(task).figures.work

    def _rest(self) -> None:
        """INVARIANT: without seats, neither the display nor the loop knows of us."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            self._workers.trim_soon()
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    # -- the display's side ----------------------------------------------------------------------

    def screen_changed(self) -> None:
        for live in self._tasks.values():
            live.changed()

    def screen_resized(self, width: int, height: int) -> None:
        """Viewers come again."""
        for live in self._tasks.values():
            live.changed()

    def cursor_changed(self) -> None: ...

    def cursor_moved(self, x: int, y: int) -> None: ...

    # -- sharing ---------------------------------------------------------------------------------

    def _gather_later(self) -> None:
        if self._gathering is None and len(self._of_seat) > 1:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._gather)

    def _gather(self) -> None:
        """Make one of each two streams that are alike."""
        self._gathering = None
        loop = asyncio.get_running_loop()
        groups: dict[object, list[LiveStream]] = {}
        for live in self.live:
            if self._may_join(live, loop.time()):
                stream = live.stream
                key = stream.target.sharing_key, stream.width, stream.height
                groups.setdefault(key, []).append(live)
        for group in groups.values():
            for two in _pairs(group, loop.time()) if len(group) > 1 else ():
                task = loop.create_task(self._join(*two), name=f"streams of {self._owner}")
                self._joining[task] = two
                task.add_done_callback(self._joining.pop)
        if len(self.live) > 1:
            self._gather_later()

    def _may_join(self, live: LiveStream, now: float) -> bool:
        if any(live in two for two in self._joining.values()):
            return False
        has_settled = live.has_shown and now >= live.apart_until
        return has_settled and all(seat.keeps_up(now) for seat in live.seats)

    async def _join(self, host: LiveStream, guest: LiveStream) -> None:
        """INVARIANT: nothing is sent to any seat of the two between an epoch's end and its beginning, but
        what brings it there.

        Seats may leave at any time. A host that has lost all of its own meanwhile runs on for who comes, as
        it has to take its lock to see that it has none.
        """
        async with host.lock, guest.lock:
            if not host.seats or not guest.seats:
                return
            now = asyncio.get_running_loop().time()
            try:
                frames = await host.compute(lambda: join(host.stream, guest.stream, now))
            except Exception as error:
                logger.exception("The streams of %s", self._owner)
                host.fail(error)
                guest.fail(error)
                return
            for live, last in ((host, frames.of_host), (guest, frames.of_guest)):
                for frame in last:
                    await live.hand_out(frame)
            for seat in guest.seats:
                self._of_seat[seat] = host
            host.take_over(guest)

    def _part(self, live: LiveStream, seat: Seat, stream: Stream[Any]) -> None:
        """The seat goes on with a copy of the stream that it has shared."""
        del live.seats[seat]
        alone = self._run(stream, seat)
        now = asyncio.get_running_loop().time()
        seconds, until = self._apart.get(seat, (0.0, 0.0))
        is_soon = now - until < MAX_APART_SECONDS
        seconds = min(2 * seconds, MAX_APART_SECONDS) if seconds and is_soon else APART_SECONDS
        alone.apart_until = now + seconds
        self._apart[seat] = seconds, alone.apart_until
        self._gather_later()


def _pairs(group: list[LiveStream], now: float) -> Iterator[tuple[LiveStream, LiveStream]]:
    """Who becomes one: most with fewest, of those whose links take about as much."""
    rooms = {live: min([seat.room(now) for seat in live.seats]) for live in group}
    left = sorted(group, key=lambda live: -len(live.seats))
    while left:
        host = left.pop(0)
        for guest in reversed(left):
            narrow, wide = sorted((rooms[host], rooms[guest]))
            if min(wide, WIDE) <= ALIKE * narrow:
                left.remove(guest)
                yield host, guest
                break
