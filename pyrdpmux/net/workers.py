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
from typing import Final, TypeVar

from pyrdpmux.net.places import Places

T = TypeVar("T")

JOBS_PER_OWNER: Final = 2
"""At the same time. What else an owner wants waits for them, and holds up nobody else."""

MAX_THREADS: Final = 8

SWITCH_SECONDS: Final = 0.001
"""A thread gives the interpreter back to the event loop after so long at most. Python's 5 ms, twice or three
times between a change and its picture, are felt."""


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

    async def run(self, owner: str, job: Callable[[], T]) -> T:
        """What ``job`` returns or raises.

        Cancelled while it waits, the job is not done. Cancelled while a thread has it, it goes on to its end,
        keeps its place until then, and whatever it returns or raises is dropped.
        """
        await self._places.take(owner)
        self._of_owner.setdefault(owner, 0.0)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()
        seconds = 0.0

        def timed() -> T:
            nonlocal seconds
            started = time.thread_time()
            try:
                return job()
            finally:
                seconds = time.thread_time() - started

        def ended(done: Future[T]) -> None:
            self._places.give_back(owner)
            self.seconds += seconds
            if owner in self._of_owner:
                self._of_owner[owner] += seconds
            _hand_over(done, waiter)

        def ended_in_thread(done: Future[T]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has gone
                loop.call_soon_threadsafe(ended, done)

        try:
            future = self._threads.submit(timed)
        except RuntimeError:  # closed
            self._places.give_back(owner)
            raise
        future.add_done_callback(ended_in_thread)
        return await waiter

    def close(self) -> None:
        """Take no more jobs: RuntimeError. Those that no thread has yet are cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _hand_over(done: Future[T], waiter: asyncio.Future[T]) -> None:
    """What came of a job, unless nobody waits for it any more."""
    if waiter.done():
        return
    if done.cancelled():
        waiter.cancel()
    elif (error := done.exception()) is not None:
        waiter.set_exception(error)
    else:
        waiter.set_result(done.result())
