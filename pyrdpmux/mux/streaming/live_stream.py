"""A stream at work: waits until something has changed and can be sent, has it computed, and hands it out.

INVARIANT: nothing is computed that nobody can be sent, and nothing waits that was computed: when the next
frame is due is decided by pacers, and its pixels are taken then.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from pyrdpmux.geometry import Rect, Region
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.mux.figures import StreamFigures, WorkFigures
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.streaming.seat import Seat
from pyrdpmux.net.workers import WorkerPool

logger = logging.getLogger("pyrdpmux.mux")

PATIENCE: Final = 0.02
"""Seconds that those who can be sent a frame wait for those who cannot for longer."""

SLACK: Final = 0.05
"""Seconds until a seat can be sent the next frame: with more it does not keep up with the others."""

T = TypeVar("T")

_numbers = itertools.count(1)


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
        #: tells it from every other stream that there has ever been
        self.number = next(_numbers)
        #: held while a frame is computed, or while seats come from another stream
        self.lock = asyncio.Lock()
        self._workers = workers
        self._owner = owner
        self._fell_behind = fell_behind
        self._loop = asyncio.get_running_loop()
        stream.target.tally.clock = self._loop.time
        self._frames = 0
        #: in threads: altogether, and for the latest frame
        self._seconds = self._latest_seconds = 0.0
        self._wake = asyncio.Event()
        self._is_dirty = True
        #: some seats can be sent what is due, others not, since then
        self._waits_since: float | None = None
        self._invalid = Region()

    @property
    def figures(self) -> StreamFigures:
        """For people who look."""
        stream, tally = self.stream, self.stream.target.tally
        steps = {step.value: figures for step, figures in tally.figures().items()}
        return StreamFigures(
            number=self.number,
            width=stream.width,
            height=stream.height,
            way=stream.target.way,
            codecs=stream.target.codecs,
            viewers=len(self.seats),
            latest_seconds=self._latest_seconds,
            work=WorkFigures(self._frames, self._seconds, tally.bytes, steps),
        )

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
        self._seconds += seconds
        self._latest_seconds = seconds
        return result

    async def hand_out(self, frame: Frame[Any]) -> None:
        """To all who have a seat now."""
        self._frames += 1
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
        if len(ready) == len(times) and (last := max(due, *ready)) <= first + SLACK:
            return last
        if first > now:
            return first
        if self._waits_since is None:
            self._waits_since = now
        latest = self._waits_since + PATIENCE
        if latest <= now:
            for seat in tuple(self.seats):
                time = seat.ready_at(now)
                if time is None or time > now + SLACK or seat.must_leave(now):
                    self._fell_behind(self, seat)
        return latest
