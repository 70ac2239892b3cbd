"""Threads for what computes: copying, comparing and encoding pictures, while numpy and codecs let go of the
interpreter.

Fair by being short: nobody has more than a few jobs at work or in line, and threads take them in order.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Generic, TypeVar

from pyrdpmux.net import heap
from pyrdpmux.net.places import Places

T = TypeVar("T")

JOBS_PER_OWNER: Final = 2
"""At the same time. What else an owner wants waits for them, and holds up nobody else."""

MAX_THREADS: Final = 8

SWITCH_SECONDS: Final = 0.001
"""A thread gives the interpreter back to the event loop after so long at most. Python's 5 ms, twice or three
times between a change and its picture, are felt."""


TRIM_SECONDS: Final = 5.0
"""From when somebody has done with pictures until what was freed of them is given back to the system."""


class WorkerPool:
    """The threads of one daemon, as many as there are processors, and at least two.

    None of them is there before there is something to do.
    """

    def __init__(self, threads: int | None = None) -> None:
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_SECONDS))
        self.threads = threads or min(max(os.cpu_count() or 1, 2), MAX_THREADS)
        #: of processors, for jobs that have ended
        self.seconds = 0.0
        self._threads = ThreadPoolExecutor(self.threads, "pyrdpmux-worker")
        self._places = Places(JOBS_PER_OWNER)
        self._of_owner: dict[str, float] = {}
        #: that have not ended, by who waits for them
        self._begun: dict[asyncio.Future[Any], tuple[_Work[Any], Future[None]]] = {}
        self._trimming: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Jobs that have not ended."""
        return self._places.claims

    def seconds_of(self, owner: str) -> float:
        """Of processors, that its jobs have taken."""
        return self._of_owner.get(owner, 0.0)

    def forget(self, owner: str) -> None:
        """It is gone; what its last jobs may still take counts in the sum only."""
        self._of_owner.pop(owner, None)

    def trim_soon(self) -> None:
        """Somebody has done for now: memory goes back to the system, once for all who are done by then."""
        if self._trimming is None:
            self._trimming = asyncio.get_running_loop().call_later(TRIM_SECONDS, self._trim)

    def _trim(self) -> None:
        self._trimming = None
        with contextlib.suppress(RuntimeError):  # closed
            self._threads.submit(heap.trim)

    async def run(self, owner: str, job: Callable[[], T]) -> T:
        """What ``job`` returns or raises.

        Cancelled while it waits, the job is not done. Cancelled while a thread has it, it goes on to its end,
        keeps its place until then, and whatever it returns or raises is dropped.
        """
        await self._places.take(owner)
        self._of_owner.setdefault(owner, 0.0)
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        work = _Work(job, waiter, lambda seconds: self._ended(owner, waiter, seconds))
        try:
            self._begun[waiter] = work, self._threads.submit(work.run)
        except RuntimeError:  # closed
            self._places.give_back(owner)
            raise
        return await waiter

    def close(self) -> None:
        """Take no more jobs: RuntimeError. Those that no thread has yet are cancelled."""
        if self._trimming is not None:
            self._trimming.cancel()
        self._threads.shutdown(wait=False)
        for work, future in tuple(self._begun.values()):
            if future.cancel():
                work.cancel()

    def _ended(self, owner: str, waiter: "asyncio.Future[Any]", seconds: float) -> None:
        del self._begun[waiter]
        self._places.give_back(owner)
        self.seconds += seconds
        if owner in self._of_owner:
            self._of_owner[owner] += seconds


class _Work(Generic[T]):
    """A job, who waits for what comes of it, and who is told on the loop that it has ended.

    The one wake-up of the loop is all that a thread has to do for it: what a Future of a thread does beside
    that, with locks and callbacks, takes as long as a small picture.
    """

    __slots__ = ("_job", "_loop", "_on_end", "_waiter")

    def __init__(
        self, job: Callable[[], T], waiter: "asyncio.Future[T]", on_end: Callable[[float], None]
    ) -> None:
        self._job = job
        self._waiter = waiter
        self._on_end = on_end
        self._loop = waiter.get_loop()

    def run(self) -> None:
        """In a thread; nothing is raised."""
        started = time.thread_time()
        try:
            result = self._job()
        except BaseException as error:
            self._tell(self._failed, error, time.thread_time() - started)
        else:
            self._tell(self._done, result, time.thread_time() - started)

    def cancel(self) -> None:
        """No thread has begun it."""
        self._tell(self._cancelled)

    def _tell(self, what: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has gone
            self._loop.call_soon_threadsafe(what, *arguments)

    # -- on the loop -----------------------------------------------------------------------------

    def _done(self, result: T, seconds: float) -> None:
        self._on_end(seconds)
        if not self._waiter.done():
            self._waiter.set_result(result)

    def _failed(self, error: BaseException, seconds: float) -> None:
        self._on_end(seconds)
        if not self._waiter.done():
            self._waiter.set_exception(error)

    def _cancelled(self) -> None:
        self._on_end(0.0)
        self._waiter.cancel()
