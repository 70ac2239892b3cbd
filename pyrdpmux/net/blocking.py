"""What would block the loop (opening and reading files that others own) runs on a few threads instead.

Bounded in every way: threads, jobs that wait, jobs of one owner, and the time that anybody waits for one.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from pyrdpmux.errors import LimitExceeded, PyRdpMuxError

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
        #: jobs of each owner that a thread has, and who waits for one of them to end
        self._running: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """Jobs that have not ended."""
        return self._running.total() + sum(len(queue) for queue in self._queues.values())

    async def run(self, owner: str, job: Callable[[], T]) -> T:
        """What ``job`` returns or raises. Raises LimitExceeded, BlockingTimeout."""
        if self.waiting >= MAX_JOBS:
            raise LimitExceeded("files that do not answer", self.waiting, MAX_JOBS)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds
        await self._place(owner, until)
        future = loop.run_in_executor(self._threads, job)
        future.add_done_callback(lambda _done: self._ended(owner))
        done, _ = await asyncio.wait([future], timeout=max(until - loop.time(), 0.0))
        if not done:
            raise BlockingTimeout(owner)
        return future.result()

    async def _place(self, owner: str, until: float) -> None:
        """Until this owner has a job less than it may have; places are handed on in order."""
        if self._running[owner] < MAX_JOBS_PER_OWNER:
            self._running[owner] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(owner, deque()).append(turn)
        try:
            async with asyncio.timeout_at(until):
                await turn
        except TimeoutError:
            raise BlockingTimeout(owner) from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._ended(owner)  # the place came too late for us
            raise
        finally:
            self._leave_queue(owner, turn)

    def _leave_queue(self, owner: str, turn: "asyncio.Future[None]") -> None:
        queue = self._queues.get(owner)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[owner]

    def close(self) -> None:
        """Take no more jobs; what hangs is left to the end of the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ended(self, owner: str) -> None:
        """Hand the place of a job that has ended to the next that waits."""
        for turn in self._queues.get(owner, ()):
            if not turn.done():
                turn.set_result(None)
                return
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
