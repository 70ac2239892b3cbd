"""The size that a viewer's window has: many quick changes settle into one wish.

While a user drags the corner of a window, clients report every size on the way. Each would make a guest
switch its display and every viewer activate again.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from pyrdpmux.rdp.connection.events import DesktopLayoutRequested

SETTLE_SECONDS: Final = 0.25
"""Without another change, until the wish is passed on."""

MAX_WAIT_SECONDS: Final = 1.0
"""From the first change on, also if they do not end."""


class DisplayControl:
    """One viewer's. ``wish`` is told width and height in pixels, and the scale in percent."""

    def __init__(self, wish: Callable[[int, int, int], None], loop: asyncio.AbstractEventLoop) -> None:
        self._wish: Callable[[int, int, int], None] | None = wish
        self._loop = loop
        self._latest: tuple[int, int, int] | None = None
        self._give_up_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def requested(self, event: DesktopLayoutRequested) -> None:
        """The client says how it is now. Of several monitors, the primary one is what the VM fills."""
        now = self._loop.time()
        if self._timer is None:
            self._give_up_at = now + MAX_WAIT_SECONDS
        else:
            self._timer.cancel()
        monitor = event.primary
        self._latest = monitor.width, monitor.height, monitor.desktop_scale
        self._timer = self._loop.call_at(min(now + SETTLE_SECONDS, self._give_up_at), self._settled)

    def close(self) -> None:
        """Nothing is wished for any more, and whoever was told is let go."""
        self._wish = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _settled(self) -> None:
        self._timer = None
        if self._latest is not None and self._wish is not None:
            self._wish(*self._latest)
