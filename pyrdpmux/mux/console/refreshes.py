"""What a client asks to be sent again: as often as it likes, and answered as its budget allows."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from pyrdpmux.geometry import Rect, Region, bounding_box
from pyrdpmux.net.budget import TokenBucket

MAX_REFRESHED: Final = 8
"""Rectangles that a client asks for again, at a time; of more it gets what they span."""

REFRESHES_PER_SECOND: Final = 2.0
REFRESHES_AT_ONCE: Final = 4.0
"""Whole pictures that a client may ask for again; what it asks for beyond is joined, and comes later."""


class Refreshes:
    """Of one client. INVARIANT: what is asked for and not answered is one region, and waits on one timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._budget = TokenBucket(REFRESHES_PER_SECOND, REFRESHES_AT_ONCE)
        self._asked = Region()
        self._size = (0, 0)
        self._timer: asyncio.TimerHandle | None = None

    def ask(
        self, rects: Sequence[Rect], size: tuple[int, int], answer: Callable[[Sequence[Rect]], None]
    ) -> None:
        """For these, of a desktop of this size; ``answer`` is given what is to be sent again, then."""
        self._size = size
        rects = [rect.clip(*size) for rect in rects]
        rects = [rect for rect in rects if not rect.is_empty]
        self._asked.add_all(rects if len(rects) <= MAX_REFRESHED else [bounding_box(rects)])
        if self._timer is None:
            self._go_on(answer)

    def forget(self) -> None:
        """What was asked for comes anyway, or is not there any more. What it has cost stays."""
        self._asked.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self, answer: Callable[[Sequence[Rect]], None]) -> None:
        self._timer = None
        if self._asked.is_empty:
            return
        share = min(self._asked.pixels / max(self._size[0] * self._size[1], 1), 1.0)
        now = self._loop.time()
        if wait := self._budget.wait(now, share):
            self._timer = self._loop.call_later(wait, self._go_on, answer)
            return
        self._budget.take(share, now)
        rects = tuple(self._asked)
        self._asked.clear()
        answer(rects)
