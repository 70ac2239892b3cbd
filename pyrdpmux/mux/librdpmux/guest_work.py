"""What one guest makes us do, in the turns of its VM's share: its messages are read, its picture is copied.

One task at most, which is there while there is something to do. A step of it is a few messages and a band of
the picture: a guest that floods us with messages is copied as ever, one with a huge picture is heard as ever,
and neither takes more of the loop than its share.
"""

import asyncio
from collections.abc import Callable, Generator, Iterator

from pyrdpmux.mux.librdpmux.session import Session
from pyrdpmux.net.fair import LoopShare
from pyrdpmux.net.tasks import TaskSet


class GuestWork:
    """``on_rest`` is called when, for now, everything is done."""

    def __init__(self, session: Session, clock: Callable[[], float], on_rest: Callable[[], None]) -> None:
        self._session = session
        self._clock = clock
        self._on_rest = on_rest
        self._share: LoopShare | None = None
        self._tasks = TaskSet()
        self._task: asyncio.Task[None] | None = None
        self._reading: Iterator[None] | None = None
        self._copying: Generator[None, None, None] | None = None
        self._copy_started = 0.0
        self._copy_worked = 0.0

    def start(self, share: LoopShare) -> None:
        """From now on there are turns; what was to be read before has waited for them."""
        self._share = share
        self.wake()

    def read(self, steps: Iterator[None]) -> None:
        """Take these steps, which read from the guest's socket, in turns to come."""
        self._reading = steps
        self.wake()

    def wake(self) -> None:
        """A copy may be due."""
        if self._share is not None and not self.is_active and self._has_work:
            self._task = self._tasks.create(self._work(self._share), f"work for {self._share.name}")

    @property
    def is_active(self) -> bool:
        """Whether what is due is done already, or waits for its turn."""
        return self._task is not None

    def stop_copying(self) -> None:
        """At once: the guest is lost, or its session ends."""
        if self._copying is not None:
            self._copying.close()
            self._end_copy()

    def close(self) -> None:
        self._share = None
        self._reading = None
        self.stop_copying()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @property
    def _has_work(self) -> bool:
        return (
            self._reading is not None or self._copying is not None or self._session.is_copy_due(self._clock())
        )

    async def _work(self, share: LoopShare) -> None:
        """INVARIANT: nothing is awaited between the last look for work and the end of the task."""
        try:
            while self._has_work:
                await share.work(self._steps())
        finally:
            self._task = None
        self._on_rest()

    def _steps(self) -> Iterator[None]:
        while self._has_work:
            self._read_on()
            self._copy_on()
            yield

    def _read_on(self) -> None:
        reading = self._reading
        if reading is not None and next(reading, StopIteration) is StopIteration and self._reading is reading:
            self._reading = None

    def _copy_on(self) -> None:
        """A step, whose time alone counts: what others have done between two is not this guest's."""
        now = self._clock()
        if self._copying is None:
            if not self._session.is_copy_due(now):
                return
            self._copying, self._copy_started, self._copy_worked = self._session.copy_steps(), now, 0.0
        copying = self._copying
        has_ended = next(copying, StopIteration) is StopIteration
        self._copy_worked += self._clock() - now
        if has_ended and self._copying is copying:
            self._end_copy()

    def _end_copy(self) -> None:
        self._copying = None
        self._session.copied(self._copy_started, self._clock(), self._copy_worked)
