"""What one guest makes us do: its messages are read in turns of its VM's share, its picture is copied in
threads.

A task at most for either, which is there while there is something to do. A step of reading is a few messages,
and a copy goes band by band: a guest that floods us with messages is copied as ever, one with a huge picture
is heard as ever, and neither takes more of the loop than its share.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from pyrdpmux.graphics.surface import WHOLE_SECONDS, Surface
from pyrdpmux.mux.backend import Compute
from pyrdpmux.mux.librdpmux.copying import Copy
from pyrdpmux.mux.librdpmux.session import Session
from pyrdpmux.net.fair import LoopShare
from pyrdpmux.net.tasks import TaskSet

SMALL: Final = 1 << 17
"""Pixels that are read in less time than a thread takes to begin and to end: a tenth of a millisecond."""

UNWATCHED_READ_SECONDS: Final = 1.0
"""Between two looks at what a guest says that nobody looks at, if it may be kept waiting. At 33 updates a
second it says so little meanwhile that ZeroMQ's thread, which goes on reading, holds it by far."""

READER_POLL: Final = 0.002
"""Seconds between two looks whether the last picture has been taken over."""


class GuestWork:
    """``on_rest`` is called when, for now, everything is done."""

    def __init__(self, session: Session, clock: Callable[[], float], on_rest: Callable[[], None]) -> None:
        self._session = session
        self._clock = clock
        self._on_rest = on_rest
        self._share: LoopShare | None = None
        self._compute: Compute | None = None
        self._tasks = TaskSet()
        self._reader: asyncio.Task[None] | None = None
        self._copier: asyncio.Task[None] | None = None
        self._reading: Iterator[None] | None = None
        #: a turn that was not waited for
        self._is_at_once = False
        #: a copy for a thread
        self._begun: Copy | None = None
        self._pause: asyncio.TimerHandle | None = None

    def start(self, share: LoopShare, compute: Compute) -> None:
        """From now on there are turns, and threads; what was to be read before has waited for them."""
        self._share, self._compute = share, compute
        self.wake()

    def read(self, steps: Iterator[None]) -> None:
        """Take these steps, which read from the guest's socket, in turns to come."""
        self._reading = steps
        if self._session.may_wait:
            loop = asyncio.get_running_loop()
            self._pause = loop.call_later(UNWATCHED_READ_SECONDS, self._end_pause)
            return
        self._work_at_once()
        self.wake()
        self._rest()

    def wake(self) -> None:
        """A copy may be due."""
        share, compute = self._share, self._compute
        if share is None or compute is None or self._is_at_once:
            return
        if not self._session.may_wait:
            self._stop_pause()
        if self._reader is None and self._reading is not None and self._pause is None:
            self._reader = self._tasks.create(self._read(share), f"messages of {share.name}")
        if self._copier is None and (self._begun is not None or self._session.is_copy_due(self._clock())):
            self._copier = self._tasks.create(self._copy(share, compute), f"picture of {share.name}")

    @property
    def is_active(self) -> bool:
        """Whether something is being done, or waits for its turn."""
        return self._is_at_once or self._reader is not None or self._copier is not None

    def close(self) -> None:
        self._share = self._compute = self._reading = None
        self._stop_pause()
        for task in (self._reader, self._copier):
            if task is not None:
                task.cancel()
        self._reader = self._copier = None

    def _work_at_once(self) -> None:
        """If nobody else wants the loop: tasks for a message and a small copy cost more than these."""
        if self._share is None or self._reader is not None:
            return
        self._is_at_once = True
        try:
            self._share.work_at_once(self._steps_at_once())
        finally:
            self._is_at_once = False

    def _steps_at_once(self) -> Iterator[None]:
        yield from self._steps()
        if self._copier is None and self._session.is_copy_due(self._clock()):
            self._begun = self._begin()

    def _stop_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _end_pause(self) -> None:
        self._pause = None
        self.wake()

    # -- the tasks -------------------------------------------------------------------------------

    async def _read(self, share: LoopShare) -> None:
        """INVARIANT: nothing is awaited between the last look for work and the end of the task."""
        try:
            while self._reading is not None and self._pause is None:
                await share.work(self._steps())
        finally:
            self._reader = None
        self._rest()

    def _steps(self) -> Iterator[None]:
        while (reading := self._reading) is not None and self._pause is None:
            if next(reading, StopIteration) is StopIteration and self._reading is reading:
                self._reading = None
            yield

    async def _copy(self, share: LoopShare, compute: Compute) -> None:
        """The same. A copy is planned in a turn, and a small one made there."""
        try:
            while self._begun is not None or self._session.is_copy_due(self._clock()):
                if self._begun is None:
                    async with share.turn():
                        self._begun = self._begin()
                copy, self._begun = self._begun, None
                if copy is not None:
                    await self._make_elsewhere(copy, compute)
        finally:
            self._copier = None
        self._rest()

    def _begin(self) -> Copy | None:
        """In a turn: what is left to be copied elsewhere; a small copy is made."""
        copy = self._session.begin_copy(self._clock())
        if copy is None or copy.pixels > SMALL:
            return copy
        copy.run(self._clock)
        self._session.end_copy(copy, self._clock())
        return None

    async def _make_elsewhere(self, copy: Copy, compute: Compute) -> None:
        """Cancelled, the thread stops before its next band."""
        copy.surface.is_being_painted = True
        try:
            await self._until_taken_over(copy.surface)
            await compute(lambda: copy.run(self._clock))
        finally:
            copy.is_stopped = True
            copy.surface.is_being_painted = False
            self._session.end_copy(copy, self._clock())

    async def _until_taken_over(self, surface: Surface) -> None:
        """Nobody takes half of this picture for half of the next: a page that scrolls would be torn."""
        latest = self._clock() + WHOLE_SECONDS
        while surface.readers and self._clock() < latest:  # noqa: ASYNC110 (a thread ends it)
            await asyncio.sleep(READER_POLL)

    def _rest(self) -> None:
        if not self.is_active:
            self._on_rest()
