"""How many jobs of one owner may be at work at a time; what else it wants waits for one of them, in order."""

import asyncio
from collections import Counter, deque


class Places:
    """Of the threads of a pool."""

    def __init__(self, per_owner: int) -> None:
        self._per_owner = per_owner
        self._taken: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def claims(self) -> int:
        """Places that are taken, or waited for."""
        return self._taken.total() + sum(len(queue) for queue in self._queues.values())

    async def take(self, owner: str, until: float | None = None) -> None:
        """Wait for a place. Raises TimeoutError at ``until``, on the loop's clock.

        Who has got one calls :meth:`give_back`; who has not, because it was cancelled or too late, does not.
        """
        if self._taken[owner] < self._per_owner:
            self._taken[owner] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(owner, deque()).append(turn)
        try:
            async with asyncio.timeout_at(until):
                await turn
        except (TimeoutError, asyncio.CancelledError):
            if turn.done() and not turn.cancelled():
                self.give_back(owner)  # the place came too late for us
            raise
        finally:
            self._leave_queue(owner, turn)

    def give_back(self, owner: str) -> None:
        """The next of this owner that waits has it."""
        for turn in self._queues.get(owner, ()):
            if not turn.done():
                turn.set_result(None)
                return
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]

    def _leave_queue(self, owner: str, turn: "asyncio.Future[None]") -> None:
        queue = self._queues.get(owner)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[owner]
