"""One RDP client looking at a VM: what it has not been sent yet, and when to send it.

INVARIANT: a viewer delays nobody but itself. It notes damage as a region of bounded size, paints only when
its socket has drained, a bounded number of tiles a turn, and always what the screen shows at that moment: no
frame is ever queued, so a viewer that stands still costs no memory and catches up in one picture.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from pyrdpmux.errors import AuthenticationFailed
from pyrdpmux.mux.access import ANYBODY, Principal
from pyrdpmux.mux.connection_log import MAX_REASON, ConnectionLog, printable
from pyrdpmux.mux.painter import bitmaps_of, palette_update, tiles_of
from pyrdpmux.mux.region import Rect, Region
from pyrdpmux.mux.stage import Stage
from pyrdpmux.mux.viewer_pointer import ViewerPointer
from pyrdpmux.mux.way_back import WayBack
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

TILES_PER_TURN: Final = 64
"""The codecs are quickest with about this many at once: a few milliseconds, then it is others' turn."""


class Viewer:
    """Drives one connection; :meth:`run` is its life."""

    def __init__(
        self,
        stage: Stage,
        connection: ServerConnection,
        peer: Peer,
        log: ConnectionLog,
    ) -> None:
        self.principal = ANYBODY
        #: the stage has let it in
        self.is_admitted = False
        #: told as soon as it has failed to prove who it is
        self.on_failed_logon: Callable[[], None] = lambda: None
        self.size = (0, 0)
        self._client_size = (0, 0)
        self._stage = stage
        self._way_back: WayBack | None = None
        self._connection = connection
        self._peer = peer
        self._log = log
        self._pending = Region()
        self._work = asyncio.Event()
        #: the client's window is minimized
        self.is_suppressed = False
        #: counts the times that the client's picture became worthless; a frame of an older one is dropped
        self._generation = 0
        self._pointer = ViewerPointer(connection, peer, self._follow)
        self._unsubscribe: Callable[[], None] = lambda: None

    @property
    def user(self) -> str:
        return self.principal.user

    @property
    def address(self) -> str:
        return self._peer.peername

    @property
    def is_active(self) -> bool:
        return self._connection.is_active

    @property
    def has_ended(self) -> bool:
        """It only waits for its socket to be closed."""
        return self._connection.should_close

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
        self._join()
        try:
            async with asyncio.TaskGroup() as tasks:
                painting = tasks.create_task(self._paint())
                await self._peer.run(self._on_event)
                painting.cancel()
        finally:
            self._pointer.close()
            self._leave()

    def enter(self, stage: Stage, *, way_back: Stage | None = None) -> None:
        """Go on to another stage; the connection takes on its size and picture.

        ``way_back`` is where certain keys lead from there, see :mod:`.way_back`.
        """
        self._leave()
        self._way_back = WayBack(way_back) if way_back is not None else None
        self._log.info("Goes on to %s", printable(stage.name))
        self._log.set_vm(stage.name)
        self._stage = stage
        self._join()
        self._start_over()
        self._connection.set_desktop_size(stage.display.width, stage.display.height, self._now())
        if self._connection.is_active:  # otherwise that is still to come
            self._appear()
        self._peer.flush()

    def _join(self) -> None:
        self.is_admitted = False
        self._unsubscribe = self._stage.display.subscribe(self)
        self._stage.join(self)

    def _leave(self) -> None:
        self._unsubscribe()
        self._stage.leave(self)

    def disconnect(self, error_info: ErrorInfo, reason: str) -> None:
        """Ask the client to go, and tell it why."""
        self.is_admitted = False
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
        self._pointer.show(self._stage.display.cursor)

    def cursor_moved(self, x: int, y: int) -> None:
        self._pointer.moved_by_guest(x, y)

    def show_leds(self) -> None:
        """The lock keys of the client's keyboard follow the guest's."""
        if self._stage.leds is not None and self._connection.is_active:
            self._connection.send_keyboard_indicators(LedFlags(self._stage.leds))
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
        if not self.is_admitted:
            return
        if any(isinstance(event, MouseEvent | ExtendedMouseEvent) for event in events):
            self._pointer.moved_by_user()
        index = self._way_back.find(events) if self._way_back is not None else None
        self._stage.take_input(self, events[:index], self._now())
        if index is not None and self._way_back is not None:
            self.enter(self._way_back.stage)

    def _on_introduced(self, event: ClientIntroduced) -> None:
        self._client_size = (event.desktop_width, event.desktop_height)
        self._log.debug("Client %r, build %d", event.client_name, event.client_build)

    def _on_logged_on(self, event: LoggedOn) -> None:
        claimed = Principal(event.user, event.domain, event.is_authenticated)
        self._log.set_user(event.user)
        how = "authenticated" if event.is_authenticated else "not authenticated"
        self._log.info("Logged on (%s%s)", how, ", came back" if event.is_reconnect else "")
        self.principal = claimed
        self.principal = self._stage.identify(self, claimed)

    def _on_activated(self, event: Activated) -> None:
        self.size = (event.width, event.height)
        level = logging.DEBUG if event.is_reactivation else logging.INFO
        depth = event.bits_per_pixel
        self._log.log(level, "Active at %dx%d, %d bits per pixel", event.width, event.height, depth)
        if depth == 8:
            self._connection.send_palette(palette_update())
        self._pointer.start_over()
        self._appear()

    def _appear(self) -> None:
        """On the stage, if it lets us: not any sooner, since only an active client can be told why not."""
        if not self.is_admitted:
            if reason := self._stage.refuse(self):
                self.disconnect(ErrorInfo.SERVER_DENIED_CONNECTION, reason)
                return
            self.is_admitted = True
            self._stage.request_size(self, *self._client_size)
        self.cursor_changed()
        self.show_leds()
        self._start_over()
        self._add_everything()

    def _on_suppressed(self, is_suppressed: bool) -> None:
        self._log.debug("Output %s", "suppressed" if is_suppressed else "wanted again")
        self.is_suppressed = is_suppressed
        self._start_over()
        if not is_suppressed:
            self._add_everything()

    def _on_disconnected(self, event: Disconnected) -> None:
        self._start_over()
        if isinstance(event.error, AuthenticationFailed):
            self.on_failed_logon()
        by_whom = "by the client" if event.by_peer else "by us"
        self._log.info("Closed %s: %s", by_whom, printable(event.reason, MAX_REASON))

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
                frame_end = loop.time() + self._stage.frame_seconds
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

    def _follow(self, x: int, y: int) -> bool:
        return self._stage.place_pointer(self, x, y)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
