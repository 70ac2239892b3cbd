"""A stream at work: waits until something has changed and can be sent, has it computed, and hands it out.

INVARIANT: nothing is computed that nobody can be sent, and nothing waits that was computed: when the next
frame is due is decided by pacers, and its pixels are taken then.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final, TypeVar

from pyrdpmux.geometry import Rect, Region
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.streaming.seat import Seat
from pyrdpmux.net.workers import WorkerPool

logger = logging.getLogger("pyrdpmux.mux")

PATIENCE: Final = 0.02
"""Seconds that those who can be sent a frame wait for those who cannot for longer."""

SLACK: Final = 0.05
"""Seconds until a seat can be sent the next frame: with more it does not keep up with the others."""

T = TypeVar("T")


@dataclass(slots=True)
class Work:
    """What a stream has cost so far."""

    frames: int = 0
    #: in threads
    seconds: float = 0.0
    #: of the latest frame
    latest_seconds: float = 0.0
    commands: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Offer:
    seat: Seat
    entries: Sequence[tuple[int, int]] = field(repr=False)
    send: Callable[[Any], None] = field(repr=False)


class LiveStream:
    """Runs one stream of a display for its seats, until none is left."""

    def __init__(
        self,
        display: Display,
        stream: Stream[Any],
        workers: WorkerPool,
        owner: str,
        fell_behind: "Callable[[LiveStream, Seat], None]",
    ) -> None:
        """``owner``: the VM, for the pool; ``fell_behind`` is told of a seat that the others wait for."""
        self.display = display
        self.stream = stream
        self.seats: dict[Seat, None] = {}
        self.work = Work()
        #: held while a frame is computed, or while seats come from another stream
        self.lock = asyncio.Lock()
        self._workers = workers
        self._owner = owner
        self._fell_behind = fell_behind
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._is_dirty = True
        #: some seats can be sent what is due, others not, since then
        self._waits_since: float | None = None
        self._invalid = Region()
        self._offer: _Offer | None = None

    def changed(self) -> None:
        """The display may show something else."""
        self._is_dirty = True
        self._wake.set()

    def wake(self) -> None:
        """A seat may be sent something now."""
        self._wake.set()

    def invalidate(self, rects: Sequence[Rect]) -> None:
        """What the clients show there is to be sent again."""
        self._invalid.add_all(rects)
        self.changed()

    def offer_cache(
        self, seat: Seat, entries: Sequence[tuple[int, int]], send: Callable[[Any], None]
    ) -> None:
        """A client has bitmaps by these keys and bytes: used before the next frame, if nobody else is here.

        ``send`` is given what answers it.
        """
        self._offer = _Offer(seat, entries, send)
        self.changed()

    async def run(self) -> None:
        """Until the last seat has left."""
        try:
            while self.seats:
                await self._until_due()
                async with self.lock:
                    await self._show()
        except Exception as error:
            logger.exception("The picture of %s", self._owner)
            for seat in tuple(self.seats):
                seat.failed(error)

    async def compute(self, job: Callable[[], T]) -> T:
        """Run it in a thread, and count what it costs."""

        def timed() -> tuple[T, float]:
            started = self._loop.time()
            result = job()
            return result, self._loop.time() - started

        result, seconds = await self._workers.run(self._owner, timed)
        self.work.seconds += seconds
        self.work.latest_seconds = seconds
        return result

    async def hand_out(self, frame: Frame[Any]) -> None:
        """To all who have a seat now."""
        self.work.frames += 1
        for command in frame.commands:
            name = type(command).__name__
            self.work.commands[name] = self.work.commands.get(name, 0) + 1
        for seat in tuple(self.seats):
            await seat.send(frame)

    # -- inside ----------------------------------------------------------------------------------

    async def _show(self) -> None:
        if not self.seats:
            return
        surface, stream = self.display.surface, self.stream
        if (surface.width, surface.height) != (stream.width, stream.height):
            self._is_dirty = False
            return  # viewers are about to come again, with another size
        now = self._loop.time()
        self._is_dirty, self._waits_since = False, None
        pixels = min(seat.fine_pixels(now) for seat in self.seats)
        invalid, self._invalid = self._invalid, Region()

        offer, self._offer = self._offer, None
        if offer is not None and tuple(self.seats) == (offer.seat,):
            reply = await self.compute(lambda: stream.import_cache(offer.entries))
            if reply is not None and offer.seat in self.seats:
                offer.send(reply)

        def render() -> Frame[Any] | None:
            stream.planner.invalidate(tuple(invalid))
            return stream.render(surface, now, pixels)

        frame = await self.compute(render)
        if frame is not None:
            await self.hand_out(frame)

    async def _until_due(self) -> None:
        """Until there may be something to send, and somebody to send it to."""
        while self.seats:
            self._wake.clear()
            now = self._loop.time()
            due = now if self._is_dirty else self.stream.next_due()
            at = self._ready_at(due, now) if due is not None else None
            if at is not None and at <= now:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(at):
                    await self._wake.wait()

    def _ready_at(self, due: float, now: float) -> float | None:
        """When to send what is due then: when all can be sent it, or some have waited long enough."""
        times = [seat.ready_at(now) for seat in self.seats]
        ready = [time for time in times if time is not None]
        if not ready:
            return None
        first = max(due, min(ready))
        last = max(due, *ready) if len(ready) == len(times) else inf
        is_near = last <= first + SLACK
        if first > now or last <= now:
            return last if is_near else first
        if self._waits_since is None:
            self._waits_since = now
        # Who will be ready soon may say so for ever: a socket that is not read from is looked at again.
        latest = self._waits_since + (SLACK if is_near else PATIENCE)
        if latest > now:
            return min(last, latest)
        for seat in tuple(self.seats):
            time = seat.ready_at(now)
            if time is None or time > now + (0.0 if is_near else SLACK) or seat.must_leave(now):
                self._fell_behind(self, seat)
        return now
