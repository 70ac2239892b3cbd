"""Threads for what computes: comparing and encoding pictures, where numpy and codecs let go of the interpreter.

One pool for all; nobody has more than a few jobs at work, and what waits is asked in turns.
"""

import asyncio
import os
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")

JOBS_PER_OWNER: Final = 2
"""At work at the same time."""

MAX_THREADS: Final = 8


class WorkerPool:
    """The threads of one daemon, as many as there are processors, and at least two."""

    def __init__(self, threads: int | None = None) -> None:
        count = threads or min(max(os.cpu_count() or 1, 2), MAX_THREADS)
        self._threads = ThreadPoolExecutor(count, "pyrdpmux-worker")
        self._running: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    async def run(self, owner: str, job: Callable[[], T]) -> T:
        """What ``job`` returns or raises. Cancelled, it goes on to its end, and its place is taken until then."""
        while self._running[owner] >= JOBS_PER_OWNER:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            queue = self._queues.setdefault(owner, deque())
            queue.append(turn)
            try:
                await turn
            finally:
                if turn in queue:
                    queue.remove(turn)
        self._running[owner] += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, job)
        future.add_done_callback(lambda _: self._ended(owner))
        return await asyncio.shield(future)

    def close(self) -> None:
        """Take no more jobs."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ended(self, owner: str) -> None:
        self._running[owner] -= 1
        queue = self._queues.get(owner)
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        if not self._running[owner]:
            del self._running[owner]
            self._queues.pop(owner, None)
