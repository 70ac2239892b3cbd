"""The desktop of one viewer: the monitors that its client has, and those that it is shown."""

import asyncio
from collections.abc import Callable
from typing import Final

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.channels.display_control import DisplayControl, monitors_of
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.picture.heads import PLAIN_SCALE, Monitor
from pyrdpmux.rdp.channels.display_control.layout import MAX_DESKTOP_SCALE, MIN_DESKTOP_SCALE
from pyrdpmux.rdp.connection.events import ClientIntroduced, DesktopLayoutRequested
from pyrdpmux.rdp.connection.server.connection import ServerConnection

NOTHING: Final = Monitor(Rect(0, 0, 0, 0))


class ViewerDesktop:
    """``wish`` is called when the client asks for other monitors, once it has settled."""

    def __init__(self, connection: ServerConnection, wish: Callable[[], None]) -> None:
        self._connection = connection
        self._wish = wish
        self._loop = asyncio.get_running_loop()
        self._control = DisplayControl(self._wished, self._loop)
        #: what its client has, or asked for last; the main one first
        self.monitors: tuple[Monitor, ...] = (NOTHING,)

    def __str__(self) -> str:
        if len(self.monitors) > 1:
            return ", ".join([str(monitor) for monitor in self.monitors])
        _, _, width, height = self.monitors[0].area
        return f"{width}x{height} at {self.monitors[0].scale} %"

    def close(self) -> None:
        """Nothing is wished for any more."""
        self._control.close()
        self._wish = _nothing

    def introduced(self, event: ClientIntroduced) -> None:
        """One monitor is a window, whose size the client says elsewhere."""
        self.monitors = monitors_of(event.monitors)
        if len(self.monitors) < 2:
            area = Rect(0, 0, event.desktop_width, event.desktop_height)
            scales = [monitor.scale for monitor in self.monitors]
            self.monitors = (Monitor(area, max(self._scale(), *scales, PLAIN_SCALE)),)

    def _scale(self) -> int:
        """Of the desktop; that of its only monitor is said elsewhere, too, and by some clients only there."""
        core = self._connection.facts.client_core
        scale = core.desktop_scale_factor if core is not None else None
        return scale if scale and MIN_DESKTOP_SCALE <= scale <= MAX_DESKTOP_SCALE else PLAIN_SCALE

    def requested(self, event: DesktopLayoutRequested) -> None:
        """Display Control has something to say."""
        self._control.requested(event)

    def fit(self, display: Display) -> None:
        """Give the client this display: heads as monitors, if it has as many, or else as one desktop."""
        heads = display.heads
        monitors = heads if 1 < len(heads) <= len(self.monitors) else ()
        self._connection.set_desktop_size(display.width, display.height, self._loop.time(), monitors)

    def _wished(self, monitors: tuple[Monitor, ...]) -> None:
        self.monitors = monitors
        self._wish()


def _nothing() -> None:
    """Nobody is there."""
