"""The monitors that a viewer has, or the size of its window: many quick changes settle into one wish.

While a user drags the corner of a window, clients report every size on the way. Each would make a guest
switch its display and every viewer activate again.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.picture.heads import Monitor
from pyrdpmux.rdp.channels.display_control.layout import DesktopMonitor
from pyrdpmux.rdp.connection.events import DesktopLayoutRequested

SETTLE_SECONDS: Final = 0.25
"""Without another change, until the wish is passed on."""

MAX_WAIT_SECONDS: Final = 1.0
"""From the first change on, also if they do not end."""


Wish = Callable[[tuple[Monitor, ...]], None]


class DisplayControl:
    """One viewer's. ``wish`` is told the monitors, the primary one first."""

    def __init__(self, wish: Wish, loop: asyncio.AbstractEventLoop) -> None:
        self._wish: Wish | None = wish
        self._loop = loop
        self._latest: tuple[Monitor, ...] | None = None
        self._give_up_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def requested(self, event: DesktopLayoutRequested) -> None:
        """The client says how it is now."""
        now = self._loop.time()
        if self._timer is None:
            self._give_up_at = now + MAX_WAIT_SECONDS
        else:
            self._timer.cancel()
        self._latest = monitors_of(event.monitors)
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
            self._wish(self._latest)


def monitors_of(monitors: Sequence[DesktopMonitor]) -> tuple[Monitor, ...]:
    """What of them a VM can be asked for, the primary one first."""
    ordered = sorted(monitors, key=lambda monitor: not monitor.is_primary)
    return tuple(
        [Monitor(Rect(one.left, one.top, one.width, one.height), one.desktop_scale) for one in ordered]
    )
