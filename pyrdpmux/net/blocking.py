"""What would block the loop (opening and reading files that others own) runs on a few threads instead.

Bounded in every way: threads, jobs that wait, jobs of one owner, and the time that anybody waits for one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from pyrdpmux.errors import LimitExceeded, PyRdpMuxError

T = TypeVar("T")

THREADS: Final = 4
MAX_JOBS: Final = 256
MAX_JOBS_PER_OWNER: Final = 2
"""A file that hangs (a dead network file system) costs its owner these, and nobody else anything."""

SECONDS: Final = 5.0
"""For one job; a thread that takes longer is not waited for."""


class BlockingTimeout(PyRdpMuxError):
    """A file that does not answer."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"{owner}: no answer from the file system within {SECONDS:g} s")


class BlockingPool:
    """The threads of one daemon."""

    def __init__(self, threads: int = THREADS, seconds: float = SECONDS) -> None:
        self._threads = ThreadPoolExecutor(threads, "pyrdpmux-files")
        self._seconds = seconds
        self._jobs: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """Jobs that have not ended."""
        return self._jobs.total()

    async def run(self, owner: str, job: Callable[[], T]) -> T:
        """What ``job`` returns or raises. Raises LimitExceeded, BlockingTimeout."""
        if self._jobs[owner] >= MAX_JOBS_PER_OWNER:
            raise LimitExceeded(f"{owner}: files that do not answer", self._jobs[owner], MAX_JOBS_PER_OWNER)
        if self.waiting >= MAX_JOBS:
            raise LimitExceeded("files that do not answer", self.waiting, MAX_JOBS)
        self._jobs[owner] += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, job)
        future.add_done_callback(lambda _done: self._ended(owner))
        done, _ = await asyncio.wait([future], timeout=self._seconds)
        if not done:
            raise BlockingTimeout(owner)
        return future.result()

    def close(self) -> None:
        """Take no more jobs; what hangs is left to the end of the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ended(self, owner: str) -> None:
        self._jobs[owner] -= 1
        if not self._jobs[owner]:
            del self._jobs[owner]
