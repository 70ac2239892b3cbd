"""All streams of one display, and who shares one.

Everybody begins with a stream of their own, and so waits for nobody. Streams of clients that are alike and
keep up become one: what the newcomer shows is brought to what the others show, and an epoch begins. Who falls
behind leaves with a copy, and comes back by the same door.
"""

import asyncio
import logging
from typing import Any, Final

from pyrdpmux.graphics.joining import join
from pyrdpmux.graphics.pacer import FRAMES_PER_SECOND
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.mux.figures import StreamFigures, WorkFigures
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.streaming.live_stream import LiveStream
from pyrdpmux.mux.streaming.seat import Seat
from pyrdpmux.net.workers import WorkerPool

logger = logging.getLogger("pyrdpmux.mux")

GATHER_SECONDS: Final = 0.5
"""How often streams are looked at that might become one."""


class Streams:
    """Those of one display. As its listener it wakes them; nobody is there, nothing is done."""

    def __init__(self, display: Display, workers: WorkerPool, owner: str) -> None:
        """``owner``: the VM, among the owners of jobs of the pool."""
        self._display = display
        self._workers = workers
        self._owner = owner
        self._tasks: dict[asyncio.Task[None], LiveStream] = {}
        self._of_seat: dict[Seat, LiveStream] = {}
        self._gathering: asyncio.TimerHandle | None = None
        #: what streams have cost that are no more
        self.ended = WorkFigures()
        #: that each viewer is sent at most
        self.frames_per_second = FRAMES_PER_SECOND
        display.subscribe(self)

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
        self._run(stream, seat)
        if len(self._of_seat) > 1 and self._gathering is None:
            self._gather_later()

    def leave(self, seat: Seat) -> None:
        """It is sent nothing more; harmless if it was not there."""
        live = self._of_seat.pop(seat, None)
        if live is not None:
            live.seats.pop(seat, None)
            live.wake()

    def wake(self, seat: Seat) -> None:
        """It can be sent something now."""
        live = self._of_seat.get(seat)
        if live is not None:
            live.wake()

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
        loop = asyncio.get_running_loop()
        self._gathering = loop.call_later(GATHER_SECONDS, self._gather)

    def _gather(self) -> None:
        """Make streams that are alike one, two at a time."""
        self._gathering = None
        live = self.live
        if len(live) < 2:
            return
        now = asyncio.get_running_loop().time()
        groups: dict[object, list[LiveStream]] = {}
        for stream in live:
            if not stream.lock.locked() and all(seat.keeps_up(now) for seat in stream.seats):
                key = stream.stream.target.sharing_key
                groups.setdefault((key, stream.stream.width, stream.stream.height), []).append(stream)
        for group in groups.values():
            if len(group) > 1:
                group.sort(key=lambda stream: -len(stream.seats))
                host, guest = group[0], group[-1]
                task = asyncio.get_running_loop().create_task(self._join(host, guest))
                self._tasks[task] = guest
                task.add_done_callback(self._tasks.pop)
        self._gather_later()

    async def _join(self, host: LiveStream, guest: LiveStream) -> None:
        """INVARIANT: nothing is sent to any seat of the two between an epoch's end and its beginning, but
        what brings it there."""
        async with host.lock, guest.lock:
            if not host.seats or not guest.seats:
                return
            now = asyncio.get_running_loop().time()
            try:
                frames = await host.compute(lambda: join(host.stream, guest.stream, now))
            except Exception as error:
                logger.exception("The streams of %s", self._owner)
                for seat in (*host.seats, *guest.seats):
                    seat.failed(error)
                return
            await _hand_out(host, frames.of_host)
            await _hand_out(guest, frames.of_guest)
            for seat in tuple(guest.seats):
                del guest.seats[seat]
                host.seats[seat] = None
                self._of_seat[seat] = host
            guest.wake()
            host.changed()

    def _part(self, live: LiveStream, seat: Seat) -> None:
        """The seat goes on with a copy of the stream."""
        if len(live.seats) < 2 or live.lock.locked():
            return
        del live.seats[seat]
        self._run(live.stream.clone(), seat)
        if self._gathering is None:
            self._gather_later()


async def _hand_out(live: LiveStream, frames: list[Frame[Any]]) -> None:
    for frame in frames:
        await live.hand_out(frame)
