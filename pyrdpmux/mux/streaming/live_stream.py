"""A stream at work: waits until something has changed and can be sent, has it computed, and hands it out.

INVARIANT: nothing is computed that nobody can be sent, and nothing waits that was computed: when the next
frame is due is decided by pacers, and its pixels are taken then.

INVARIANT: whoever has a seat has had every message of the stream since it took it.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from pyrdpmux.geometry import Rect, Region
from pyrdpmux.graphics.cadence import Cadence
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.surface import WHOLE_SECONDS
from pyrdpmux.mux.figures import StreamFigures, WorkFigures
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.streaming.seat import Seat
from pyrdpmux.mux.streaming.turns import Turns
from pyrdpmux.net.workers import WorkerPool

logger = logging.getLogger("pyrdpmux.mux")

SPARE_SECONDS: Final = 0.02
"""After which is looked again whether links have anything to spare for what is only made better."""

T = TypeVar("T")

_Rendered: TypeAlias = tuple[Frame[Any] | None, float | None]
"""What there is to send, and when there is more; here, since Python would put it together with each frame."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class _Offer:
    seat: Seat
    entries: Sequence[tuple[int, int]] = field(repr=False)
    send: Callable[[Any], object] = field(repr=False)


class LiveStream:
    """Runs one stream of a display for its seats, until none is left."""

    def __init__(
        self,
        display: Display,
        stream: Stream[Any],
        workers: WorkerPool,
        owner: str,
        goes_alone: "Callable[[LiveStream, Seat, Stream[Any]], None]",
    ) -> None:
        """``owner``: the VM, for the pool; ``goes_alone`` is given who leaves with a copy of the stream."""
        self.display = display
        self.stream = stream
        self.seats: dict[Seat, None] = {}
        #: tells it from every other stream that there has ever been
        self.number = next(_numbers)
        #: held while a frame is computed and handed out, or while seats come from another stream
        self.lock = asyncio.Lock()
        #: its clients show what the display has shown at some time
        self.has_shown = False
        #: not before then it may become one with another
        self.apart_until = 0.0
        self._workers = workers
        self._owner = owner
        self._goes_alone = goes_alone
        self._loop = asyncio.get_running_loop()
        stream.target.tally.clock = self._loop.time
        self._frames = 0
        #: in threads: altogether, and for the latest frame
        self._seconds = self._latest_seconds = 0.0
        self._cadence = Cadence()
        self._wake = asyncio.Event()
        #: since when the display may show something else
        self._changed_at: float | None = self._loop.time()
        #: when there is something to do although nothing changes
        self._next_due: float | None = None
        #: the same as the stream has said, also while the display has another size
        self._rests_at: float | None = None
        #: when it looks again, unless it is woken
        self._sleeps_until: float | None = None
        self._turns = Turns()
        #: what the clients show there is to be sent again
        self._invalid = Region()
        #: those who are to go alone, and what they are to be sent again then
        self._leaving: dict[Seat, Sequence[Rect]] = {}
        self._offer: _Offer | None = None

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
        now = self._loop.time()
        self._cadence.changed(now)
        if self._changed_at is None:
            self._changed_at = now
        self._wake.set()

    def wake(self) -> None:
        """A seat may be sent something now; nothing is looked at if there is nothing to send."""
        is_idle = self._changed_at is None and not self._leaving
        if not is_idle or self._sleeps_until != self._next_due:
            self._wake.set()

    def left(self) -> None:
        """A seat is not here any more."""
        self._wake.set()

    def refresh(self, seat: Seat, rects: Sequence[Rect]) -> None:
        """What its client shows there is to be sent again: the others are not to be bothered with it."""
        if len(self.seats) > 1:
            self._leaving[seat] = (*self._leaving.get(seat, ()), *rects)
        else:
            self._invalid.add_all(rects)
        self.changed()

    def take_over(self, guest: "LiveStream") -> None:
        """All who have a seat there, and whose clients show the same; and what they have asked for."""
        for seat in tuple(guest.seats):
            del guest.seats[seat]
            self.seats[seat] = None
        self._leaving |= guest._leaving
        self._invalid.add_all(guest._invalid)
        guest.left()
        self.changed()

    def fail(self, error: Exception) -> None:
        """Nobody knows any more what clients show."""
        seats = tuple(self.seats)
        self.seats.clear()
        self._wake.set()
        for seat in seats:
            seat.failed(error)

    def offer_cache(
        self, seat: Seat, entries: Sequence[tuple[int, int]], send: Callable[[Any], object]
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
                    self._send_away()
                    if self._leaving:
                        await self._let_go()
                    else:
                        await self._show()
        except Exception as error:
            logger.exception("The picture of %s", self._owner)
            self.fail(error)

    async def compute(self, job: Callable[[], T]) -> T:
        """Run it in a thread, and count what it costs."""

        def timed() -> "tuple[T, float]":
            started = self._loop.time()
            result = job()
            return result, self._loop.time() - started

        result, seconds = await self._workers.run(self._owner, timed)
        self._seconds += seconds
        self._latest_seconds = seconds
        return result

    async def hand_out(self, frame: Frame[Any]) -> None:
        """To all who have a seat, in turns of each where that takes time: nobody waits for another's."""
        self._frames += 1
        seats = [seat for seat in tuple(self.seats) if seat in self.seats and not seat.send_at_once(frame)]
        if len(seats) == 1:
            await self._send(seats[0], frame)
        elif seats:
            await asyncio.gather(*[self._send(seat, frame) for seat in seats])

    # -- inside ----------------------------------------------------------------------------------

    async def _send(self, seat: Seat, frame: Frame[Any]) -> None:
        if seat in self.seats:  # it may have left while the frame was computed, or another one was sent
            await seat.send(frame)

    async def _show(self) -> None:
        if not self.seats:
            return
        surface, stream = self.display.surface, self.stream
        is_changed = self._changed_at is not None
        self._changed_at = None
        if (surface.width, surface.height) != (stream.width, stream.height):
            self._next_due = None
            return  # viewers are about to come again, with another size
        await self._answer_offer()
        if not self.seats:
            return
        now = self._loop.time()
        # Nothing is made exact but what rests by now: without that, links need not be asked.
        has_rested = self._rests_at is not None and self._rests_at <= now
        pixels = self._spare_pixels(now, is_changed=is_changed) if has_rested else 0
        room = min([seat.room(now, self._cadence.change_seconds) for seat in self.seats])
        invalid, self._invalid = self._invalid, Region()

        def render() -> _Rendered:
            stream.planner.invalidate(tuple(invalid))
            return stream.render(surface, now, pixels, room), stream.next_due()

        # From here on, not from when a thread begins: nobody is to paint the next picture meanwhile.
        surface.readers.add(stream.planner)
        try:
            frame, self._rests_at = await self.compute(render)
            self._next_due = self._rests_at
        finally:
            surface.readers.discard(stream.planner)
        is_first, self.has_shown = not self.has_shown, True
        if stream.is_behind:
            self.changed()
        if frame is not None:
            is_change, fine_pixels = not frame.is_refinement, stream.planner.fine_pixels
            self._cadence.showed(self._latest_seconds, fine_pixels, is_change=is_change)
            await self.hand_out(frame)
        if is_first:
            # Not before: the first picture may do without. Not counted as a frame's time.
            await self._workers.run(self._owner, stream.target.prepare)

    async def _answer_offer(self) -> None:
        offer, self._offer = self._offer, None
        if offer is not None and tuple(self.seats) == (offer.seat,):
            reply = await self.compute(lambda: self.stream.import_cache(offer.entries))
            if reply is not None and offer.seat in self.seats:
                offer.send(reply)

    async def _let_go(self) -> None:
        """Who is to go alone, does so with a copy of the stream; the last one has it for itself anyway."""
        leaving, self._leaving = self._leaving, {}
        for seat, rects in leaving.items():
            if seat in self.seats and len(self.seats) > 1:
                copied = await self.compute(self.stream.clone)
                if seat in self.seats:
                    copied.planner.invalidate((*self._invalid, *rects))
                    self._goes_alone(self, seat, copied)
            elif seat in self.seats:
                self._invalid.add_all(rects)

    async def _until_due(self) -> None:
        """Until there may be something to send, and somebody to send it to."""
        whole_by: float | None = None
        while self.seats and not self._leaving:
            self._wake.clear()
            now = self._loop.time()
            at = self._due_at(now)
            if at is None or at > now:
                whole_by = None
            else:
                at = whole_by = now + WHOLE_SECONDS if whole_by is None else whole_by
                if at <= now or self._changed_at is None or not self.display.surface.is_being_painted:
                    return
            self._sleeps_until = at
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(at):
                    await self._wake.wait()

    def _due_at(self, now: float) -> float | None:
        """When to look for something to send; None: not before something has happened."""
        due = self._changed_at if self._changed_at is not None else self._next_due
        if due is None:
            return None
        at = self._turns.frame_at(self.seats, due, now)
        can_wait = self._changed_at is None
        if can_wait and at is not None and at <= now and not self._spare_pixels(now, is_changed=False):
            self._send_away()  # who takes nothing keeps the others from what is only made better
            return now + SPARE_SECONDS
        return at

    def _send_away(self) -> None:
        """Who has held up the others for too long is to go alone."""
        for seat in self._turns.take_leavers(self.seats, self._loop.time()):
            self._leaving.setdefault(seat, ())

    def _spare_pixels(self, now: float, *, is_changed: bool) -> int:
        """That all links, and the time until the next change, have room for."""
        most = min(seat.fine_pixels(now) for seat in self.seats)
        return self._cadence.fine_pixels(now, most, is_changed=is_changed)
