"""What would block the loop (opening and reading files that others own) runs on a few threads instead.

Bounded in every way: threads, jobs that wait, jobs of one owner, and the time that anybody waits for one.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from pyrdpmux.errors import LimitExceeded, PyRdpMuxError
from pyrdpmux.net.places import Places

T = TypeVar("T")

THREADS: Final = 4
MAX_JOBS: Final = 256
MAX_JOBS_PER_OWNER: Final = 2
"""Threads that files which hang (a dead network file system) cost; what else their owner wants waits."""

SECONDS: Final = 5.0
"""For one job, its wait included; a thread that takes longer is not waited for."""


class BlockingTimeout(PyRdpMuxError):
    """A job was not done in its time."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"{owner}: no answer from the file system within {SECONDS:g} s")


class BlockingPool:
    """The threads of one daemon."""

    def __init__(self, threads: int = THREADS, seconds: float = SECONDS) -> None:
        self._threads = ThreadPoolExecutor(threads, "pyrdpmux-files")
        self._seconds = seconds
        self._places = Places(MAX_JOBS_PER_OWNER)

    @property
    def waiting(self) -> int:
        """Jobs that have not ended."""
        return self._places.claims

    async def run(self, owner: str, job: Callable[[], T]) -> T:
        """What ``job`` returns or raises. Raises LimitExceeded, BlockingTimeout."""
        if self.waiting >= MAX_JOBS:
            raise LimitExceeded("files that do not answer", self.waiting, MAX_JOBS)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds
        try:
            await self._places.take(owner, until)
        except TimeoutError:
            raise BlockingTimeout(owner) from None
        future = loop.run_in_executor(self._threads, job)
        future.add_done_callback(lambda _done: self._places.give_back(owner))
        done, _ = await asyncio.wait([future], timeout=max(until - loop.time(), 0.0))
        if not done:
            raise BlockingTimeout(owner)
        return future.result()

    def close(self) -> None:
        """Take no more jobs; what hangs is left to the end of the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)
