"""One connection to a VNC server: what it tells goes to the VM's screen, and it is asked for more in time.

Without sockets and clocks: events and ``now`` are handed in. INVARIANT: no step of :meth:`VncSession.handle`
takes more than a millisecond or so, whatever the server sent.
"""

import logging
import math
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import PeerTimeout
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.backend import Vm, VmStatus
from pyrdpmux.mux.log.connection_log import printable
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.mux.picture.screen import bands_of
from pyrdpmux.mux.resting import REST_FACTOR
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

UNWATCHED_INTERVAL: Final = 0.1
"""The same while nobody looks: what is not asked for costs nobody anything."""

HANDSHAKE_SECONDS: Final = 10.0

News: TypeAlias = Resized | ResizeAnswered | CursorChanged | LedsChanged | PointerModeChanged


class VncSession:
    """Paints, and asks: one request is on its way at a time."""

    def __init__(self, vm: Vm, input: VncInput, client: RfbClient, now: float) -> None:
        self._vm = vm
        self._input = input
        self._client = client
        self._handshake_deadline = now + HANDSHAKE_SECONDS
        self._requested_at = -math.inf
        self._rests_until = -math.inf
        #: what is worth telling once per update, however often the server changes its mind
        self._news: dict[type[News], News] = {}
        self._is_watched = False
        vm.watch(self._watched)
        self._wants_update = False
        self._needs_everything = True
        self._has_picture = False

    def handle(self, event: Event) -> Iterator[None]:
        """What :meth:`RfbClient.step` returned; a yield after each step."""
        match event:
            case Connected():
                name = printable(event.name)
                log.info("%s: connected to %s, %dx%d", self._vm.name, name, event.width, event.height)
                self._vm.screen.set_cursor(CursorState.UNDEFINED)
                self._vm.set_pointer_mode(is_absolute=True)
                self._resize(event.width, event.height)
                self._wants_update = True
            case UpdateFinished():
                yield from self._tell_news()
                self._wants_update = True
            case Painted():
                yield from self._paint(event)
            case Copied():
                yield from self._copy(event)
            case Resized():
                self._resize(event.width, event.height)
            case ResizeAnswered() | CursorChanged() | LedsChanged() | PointerModeChanged():
                self._news[type(event)] = event

    def _tell_news(self) -> Iterator[None]:
        news, self._news = self._news, {}
        for event in news.values():
            self._handle_news(event)
            yield

    def _handle_news(self, event: News) -> None:
        match event:
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

    def _paint(self, event: Painted) -> Iterator[None]:
        def fetch(band: Rect) -> Pixels:
            left, top = band.x - event.x, band.y - event.y
            return event.pixels[top : top + band.height, left : left + band.width]

        yield from self._vm.screen.update_in_steps(event.rect, fetch)
        if not self._has_picture:
            self._has_picture = True
            self._vm.set_status(VmStatus.RUNNING)

    def _copy(self, event: Copied) -> Iterator[None]:
        """Band by band, in the order in which no band overwrites what another is still to be copied from."""
        screen = self._vm.screen
        source = event.source
        if source.clip(screen.width, screen.height) != source:
            self._needs_everything = True  # of a size that is no more, or nonsense: ask
            return
        right, down = event.rect.x - source.x, event.rect.y - source.y

        def fetch(band: Rect) -> Pixels:
            rows = slice(band.y - down, band.bottom - down)
            return np.array(screen.pixels[rows, band.x - right : band.right - right])

        bands = list(bands_of(event.rect))
        for band in reversed(bands) if down > 0 else bands:
            yield from screen.update_in_steps(band, fetch)

    # -- asking for more ---------------------------------------------------------------------------

    def worked(self, seconds: float, now: float) -> None:
        """What has come took so long."""
        self._rests_until = max(self._rests_until, now) + REST_FACTOR * seconds

    def rest_seconds(self, now: float) -> float:
        """How long nothing more of this server's is looked at."""
        return max(0.0, self._rests_until - now)

    @property
    def _interval(self) -> float:
        return REQUEST_INTERVAL if self._is_watched else UNWATCHED_INTERVAL

    def _watched(self, is_watched: bool) -> None:
        self._is_watched = is_watched

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timeout` is to be called if nothing happens before."""
        if not self._client.is_connected:
            return self._handshake_deadline
        return self._due if self._wants_update else None

    @property
    def _due(self) -> float:
        """When the next update may be asked for."""
        return max(self._requested_at + self._interval, self._rests_until)

    def handle_timeout(self, now: float) -> None:
        """Raises PeerTimeout."""
        if not self._client.is_connected:
            if now >= self._handshake_deadline:
                raise PeerTimeout("RFB handshake", HANDSHAKE_SECONDS)
            return
        if self._wants_update and now >= self._due:
            self._client.request_update(incremental=not self._needs_everything)
            self._wants_update = self._needs_everything = False
            self._requested_at = now
