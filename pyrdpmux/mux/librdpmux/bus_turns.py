"""Callers on the bus: those of one user wait for each other, and users take turns.

Whoever calls without end then delays itself. That one user registers a thousand VMs at once is what happens
when a host boots, so that calls wait rather than being refused.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pyrdpmux.mux.librdpmux.registration import RegistrationRefused
from pyrdpmux.net.fair import FairSchedule, Kind, LoopShare

MAX_WAITING: Final = 1200
"""Calls of one user: all its VMs at once, and some more."""


class _Queue:
    """The calls of one user."""

    def __init__(self, share: LoopShare) -> None:
        self.share = share
        self.lock = asyncio.Lock()
        self.length = 0


class BusTurns:
    """Who may call now."""

    def __init__(self, schedule: FairSchedule) -> None:
        self._schedule = schedule
        self._queues: dict[int | None, _Queue] = {}

    @asynccontextmanager
    async def of(self, uid: int | None) -> AsyncIterator[LoopShare]:
        """When it is this user's turn; with the share for what the call makes us do. RegistrationRefused."""
        queue = self._queues.get(uid)
        if queue is None:
            queue = self._queues[uid] = _Queue(self._schedule.share(Kind.BUS, f"uid {uid}"))
        if queue.length >= MAX_WAITING:
            raise RegistrationRefused(f"{queue.length} calls of uid {uid} wait already")
        queue.length += 1
        try:
            async with queue.lock:
                async with queue.share.turn():
                    pass  # the others first
                yield queue.share
        finally:
            queue.length -= 1
            if not queue.length:
                queue.share.close()
                del self._queues[uid]
