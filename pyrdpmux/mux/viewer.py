"""One RDP client looking at a VM: what it has not been sent yet, and when to send it.

INVARIANT: a viewer delays nobody but itself. It notes damage as a region of bounded size, paints only when
its socket has drained, a bounded number of tiles a turn, and always what the screen shows at that moment: no
frame is ever queued, so a viewer that stands still costs no memory and catches up in one picture.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from pyrdpmux.mux.arbiter import InputArbiter
from pyrdpmux.mux.connection_log import ConnectionLog
from pyrdpmux.mux.display import Display
from pyrdpmux.mux.painter import bitmaps_of, palette_update, tiles_of
from pyrdpmux.mux.pointer_cache import PointerCache
from pyrdpmux.mux.region import Rect, Region
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.events import (
    Activated,
    ClientIntroduced,
    Deactivated,
    Disconnected,
    Event,
    InputReceived,
    LoggedOn,
    NetworkMeasured,
    OutputSuppressed,
    RefreshRequested,
    SecurityEstablished,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.display import LedFlags
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import ExtendedMouseEvent, InputEvent, MouseEvent
from pyrdpmux.rdp.pdu.pointer import PointerPosition

TILES_PER_TURN: Final = 64
"""The codecs are quickest with about this many at once: a few milliseconds, then it is others' turn."""

OWN_MOTION_SECONDS: Final = 0.4
"""While somebody moves the pointer, and this long after, the guest does not move it for that viewer: what it
says then is about where it was."""


class Stage(Protocol):
    """What viewers share: the VM's console, see :mod:`pyrdpmux.mux.vm`."""

    @property
    def display(self) -> Display: ...

    @property
    def arbiter(self) -> InputArbiter: ...

    @property
    def is_view_only(self) -> bool: ...

    @property
    def leds(self) -> int | None: ...

    def has_room_for(self, viewer: "Viewer") -> bool:
        """Whether somebody who has just become active may stay."""

    def request_size(self, viewer: "Viewer", width: int, height: int) -> None:
        """The viewer would like this desktop size."""


class Viewer:
    """Drives one connection; :meth:`run` is its life."""

    def __init__(
        self,
        stage: Stage,
        connection: ServerConnection,
        peer: Peer,
        log: ConnectionLog,
        *,
        frame_seconds: float,
    ) -> None:
        self.user = ""
        #: it has become active once and was let in
        self.is_admitted = False
        self.size = (0, 0)
        self._client_size = (0, 0)
        self._stage = stage
        self._connection = connection
        self._peer = peer
        self._log = log
        self._frame_seconds = frame_seconds
        self._pending = Region()
        self._work = asyncio.Event()
        #: the client's window is minimized
        self.is_suppressed = False
        #: counts the times that the client's picture became worthless; a frame of an older one is dropped
        self._generation = 0
        self._pointers: PointerCache | None = None
        #: where the guest has put its pointer, until the client is told
        self._untold_position: tuple[int, int] | None = None
        self._position_timer: asyncio.TimerHandle | None = None
        self._moved_at = float("-inf")

    @property
    def address(self) -> str:
        return self._peer.peername

    @property
    def is_active(self) -> bool:
        return self._connection.is_active

    @property
    def unsent_bytes(self) -> int:
        """What the client has not read yet, of what is ours to hold."""
        return self._peer.unsent_bytes

    @property
    def pending_pixels(self) -> int:
        """How far behind this viewer is."""
        return self._pending.pixels

    async def run(self) -> None:
        """Until the connection has ended; the socket is closed on return."""
        unsubscribe = self._stage.display.subscribe(self)
        try:
            async with asyncio.TaskGroup() as tasks:
                painting = tasks.create_task(self._paint())
                await self._peer.run(self._on_event)
                painting.cancel()
        finally:
            unsubscribe()
            if self._position_timer is not None:
                self._position_timer.cancel()
            self._stage.arbiter.leave(self)

    def disconnect(self, error_info: ErrorInfo, reason: str) -> None:
        """Ask the client to go, and tell it why."""
        self._connection.disconnect(error_info, reason, self._now())
        self._peer.flush()

    # -- the screen's side -----------------------------------------------------------------------

    def screen_damaged(self, rects: Sequence[Rect]) -> None:
        if self._connection.is_active:  # otherwise the whole picture will be asked for
            self._add_damage(rects)

    def screen_resized(self, width: int, height: int) -> None:
        self._start_over()
        self._connection.set_desktop_size(width, height, self._now())
        self._peer.flush()

    def cursor_changed(self) -> None:
        if self._pointers is not None and self._connection.is_active:
            self._connection.send_pointer(self._pointers.update_for(self._stage.display.cursor))
            self._peer.flush()

    def cursor_moved(self, x: int, y: int) -> None:
        if self._stage.arbiter.is_absolute:
            return  # viewers have put it there, each on its own
        self._untold_position = (x, y)
        if self._position_timer is None:
            wait = self._moved_at + OWN_MOTION_SECONDS - self._now()
            if wait > 0:
                self._tell_position_in(wait)
            else:
                self._tell_position()

    def show_leds(self) -> None:
        """The lock keys of the client's keyboard follow the guest's."""
        if self._stage.leds is not None and self._connection.is_active:
            self._connection.send_keyboard_indicators(LedFlags(self._stage.leds))
            self._peer.flush()

    def _tell_position_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._position_timer = loop.call_later(seconds, self._on_position_timer)

    def _on_position_timer(self) -> None:
        self._position_timer = None
        if self._untold_position is not None:
            self.cursor_moved(*self._untold_position)

    def _tell_position(self) -> None:
        position, self._untold_position = self._untold_position, None
        arbiter = self._stage.arbiter
        if position is None or not self._connection.is_active or position == arbiter.position_of(self):
            return
        arbiter.place(self, *position)
        self._connection.send_pointer(PointerPosition(*position))
        self._peer.flush()

    # -- the connection's side -------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        match event:
            case InputReceived(events):
                self._on_input(events)
            case RefreshRequested(rectangles):
                self._add_damage([Rect(*rectangle) for rectangle in rectangles])
            case OutputSuppressed(is_suppressed):
                self._on_suppressed(is_suppressed)
            case Activated():
                self._on_activated(event)
            case Deactivated():
                self._start_over()
            case ClientIntroduced():
                self._on_introduced(event)
            case LoggedOn():
                self._on_logged_on(event)
            case Disconnected():
                self._on_disconnected(event)
            case _:
                self._log_detail(event)

    def _on_input(self, events: Sequence[InputEvent]) -> None:
        if self._stage.is_view_only:
            return
        if any(isinstance(event, MouseEvent | ExtendedMouseEvent) for event in events):
            self._moved_at = self._now()
        self._stage.arbiter.apply(self, events)

    def _on_introduced(self, event: ClientIntroduced) -> None:
        self._client_size = (event.desktop_width, event.desktop_height)
        self._log.debug("Client %r, build %d", event.client_name, event.client_build)

    def _on_logged_on(self, event: LoggedOn) -> None:
        self.user = event.user
        self._log.set_user(event.user)
        how = "authenticated" if event.is_authenticated else "not authenticated"
        self._log.info("Logged on (%s%s)", how, ", came back" if event.is_reconnect else "")

    def _on_activated(self, event: Activated) -> None:
        if not self.is_admitted and not self._stage.has_room_for(self):
            # not any sooner: only now the client can be told why
            self.disconnect(ErrorInfo.SERVER_DENIED_CONNECTION, "too many viewers")
            return
        self.is_admitted = True
        self.size = (event.width, event.height)
        level = logging.DEBUG if event.is_reactivation else logging.INFO
        depth = event.bits_per_pixel
        self._log.log(level, "Active at %dx%d, %d bits per pixel", event.width, event.height, depth)
        if depth == 8:
            self._connection.send_palette(palette_update())
        self._pointers = PointerCache(self._connection.output)
        self.cursor_changed()
        self.show_leds()
        self._start_over()
        self._add_everything()
        if not event.is_reactivation:
            self._stage.request_size(self, *self._client_size)

    def _on_suppressed(self, is_suppressed: bool) -> None:
        self._log.debug("Output %s", "suppressed" if is_suppressed else "wanted again")
        self.is_suppressed = is_suppressed
        self._start_over()
        if not is_suppressed:
            self._add_everything()

    def _on_disconnected(self, event: Disconnected) -> None:
        self._start_over()
        by_whom = "by the client" if event.by_peer else "by us"
        self._log.info("Closed %s: %s", by_whom, event.reason)

    def _log_detail(self, event: Event) -> None:
        match event:
            case SecurityEstablished():
                self._log.debug("Security: %s", event.description)
            case NetworkMeasured():
                self._log.debug(
                    "Network: %.1f ms, %.0f kbit/s",
                    event.round_trip_seconds * 1000,
                    event.bits_per_second / 1000,
                )
            case _:
                self._log.debug("%r", event)

    # -- painting --------------------------------------------------------------------------------

    def _start_over(self) -> None:
        """Whatever the client has or is being sent is worth nothing any more."""
        self._generation += 1
        self._pending.clear()
        self._work.clear()

    def _add_everything(self) -> None:
        self._add_damage([Rect(0, 0, self._stage.display.width, self._stage.display.height)])

    def _add_damage(self, rects: Iterable[Rect]) -> None:
        if self.is_suppressed:
            return  # the whole picture is sent when it is wanted again
        self._pending.add_all(rects)
        self._work.set()

    async def _paint(self) -> None:
        """The first change after a rest goes out at once, those that follow at the frame rate."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                frame_end = loop.time() + self._frame_seconds
                await self._paint_frame()
                await asyncio.sleep(max(0.0, frame_end - loop.time()))
        except ConnectionError:
            pass  # the socket is gone; the peer's task sees that too

    async def _paint_frame(self) -> None:
        """Everything that was damaged when the frame began, from the screen as it is when it is sent."""
        generation = self._generation
        display = self._stage.display
        width, height = (min(pair) for pair in zip(self.size, (display.width, display.height), strict=True))
        tiles = tiles_of(self._pending, width, height)
        self._pending.clear()
        for start in range(0, len(tiles), TILES_PER_TURN):
            await self._peer.drained()
            if generation != self._generation or not self._connection.is_active:
                return
            turn = tiles[start : start + TILES_PER_TURN]
            self._connection.send_bitmaps(bitmaps_of(display.pixels, turn, self._connection.output))
            self._peer.flush()
            await asyncio.sleep(0)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
