"""One connection to a VNC server: what it tells goes to the VM's screen, and it is asked for more in time.

Without sockets and clocks: events and ``now`` are handed in.
"""

import logging
import math
from typing import Final

import numpy as np

from pyrdpmux.errors import PeerTimeout
from pyrdpmux.mux.backend import Vm, VmStatus
from pyrdpmux.mux.cursor import Cursor, CursorState
from pyrdpmux.mux.region import Rect
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.desktop import ResizeStatus
from pyrdpmux.rfb.events import (
    Connected,
    Copied,
    CursorChanged,
    Event,
    LedsChanged,
    Painted,
    PointerModeChanged,
    ResizeAnswered,
    Resized,
    UpdateFinished,
)

log = logging.getLogger("pyrdpmux.vnc")

REQUEST_INTERVAL: Final = 1 / 60
"""Between two requests for an update: servers that answer at once would keep the loop from the others."""

HANDSHAKE_SECONDS: Final = 10.0


class VncSession:
    """Paints, and asks: one request is on its way at a time."""

    def __init__(self, vm: Vm, input: VncInput, client: RfbClient, now: float) -> None:
        self._vm = vm
        self._input = input
        self._client = client
        self._handshake_deadline = now + HANDSHAKE_SECONDS
        self._requested_at = -math.inf
        self._wants_update = False
        self._needs_everything = True
        self._has_picture = False

    def handle(self, event: Event, now: float) -> None:
        """What :meth:`RfbClient.next_event` returned."""
        match event:
            case Connected():
                log.info("%s: connected to %r, %dx%d", self._vm.name, event.name, event.width, event.height)
                self._vm.screen.set_cursor(CursorState.DEFAULT)
                self._vm.set_pointer_mode(is_absolute=True)
                self._resize(event.width, event.height)
                self._want_update(now)
            case UpdateFinished():
                self._want_update(now)
            case Painted():
                self._paint(event)
            case Copied():
                self._copy(event)
            case _:
                self._handle_rare(event)

    def _handle_rare(self, event: Event) -> None:
        match event:
            case Resized():
                self._resize(event.width, event.height)
            case ResizeAnswered() if event.status not in (ResizeStatus.DONE, ResizeStatus.FORWARDED):
                log.debug("%s: the VNC server refuses the size: %d", self._vm.name, event.status)
            case CursorChanged():
                self._vm.screen.set_cursor(Cursor(event.image, event.hot_x, event.hot_y))
            case LedsChanged():
                self._input.set_lights(event.leds)
                self._vm.set_leds(event.leds)
            case PointerModeChanged():
                self._input.set_pointer_mode(is_absolute=event.is_absolute)
                self._vm.set_pointer_mode(is_absolute=event.is_absolute)

    # -- the picture -------------------------------------------------------------------------------

    def _resize(self, width: int, height: int) -> None:
        screen = self._vm.screen
        if (width, height) != (screen.width, screen.height) and width and height:
            screen.resize(width, height)
            self._needs_everything = True

    def _paint(self, event: Painted) -> None:
        height, width = event.pixels.shape[:2]
        self._vm.screen.write(Rect(event.x, event.y, width, height), event.pixels)
        if not self._has_picture:
            self._has_picture = True
            self._vm.set_status(VmStatus.RUNNING)

    def _copy(self, event: Copied) -> None:
        screen = self._vm.screen
        source = Rect(event.source_x, event.source_y, event.width, event.height)
        if source.clip(screen.width, screen.height) != source:
            self._needs_everything = True  # of a size that is no more, or nonsense: ask
            return
        pixels = screen.pixels[source.y : source.bottom, source.x : source.right]
        target = Rect(event.x, event.y, event.width, event.height)
        screen.write(target, np.array(pixels))

    # -- asking for more ---------------------------------------------------------------------------

    def _want_update(self, now: float) -> None:
        self._wants_update = True
        self.handle_timeout(now)

    @property
    def _interval(self) -> float:
        """Longer while nobody looks: what is not asked for costs nobody anything."""
        rate = getattr(self._vm, "frame_rate", 0)
        return max(REQUEST_INTERVAL, 1 / (2 * rate)) if rate else REQUEST_INTERVAL

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timeout` is to be called if nothing happens before."""
        if not self._client.is_connected:
            return self._handshake_deadline
        return self._requested_at + self._interval if self._wants_update else None

    def handle_timeout(self, now: float) -> None:
        """Raises PeerTimeout."""
        if not self._client.is_connected:
            if now >= self._handshake_deadline:
                raise PeerTimeout("RFB handshake", HANDSHAKE_SECONDS)
            return
        if self._wants_update and now >= self._requested_at + self._interval:
            self._client.request_update(incremental=not self._needs_everything)
            self._wants_update = self._needs_everything = False
            self._requested_at = now
