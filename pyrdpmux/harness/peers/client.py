"""A client that keeps the picture: connect, look, type, and be told why when it ends.

::

    async with connect("192.0.2.7", user="alice", password="secret") as client:
        await client.until_stable()
        client.screenshot("desktop.png")
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import PeerClosed, PyRdpMuxError
from pyrdpmux.harness.peers.errors import ClientTimeout, SessionEnded
from pyrdpmux.harness.peers.graphics_cache import PersistentCache
from pyrdpmux.harness.peers.input import ClientInput
from pyrdpmux.harness.peers.renderer import Renderer
from pyrdpmux.harness.png import write_png
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import (
    Activated,
    ChannelDataReceived,
    Disconnected,
    ErrorInfoReceived,
    Event,
    GraphicsCommandsReceived,
    GraphicsConfirmed,
    GraphicsReceived,
    MonitorLayoutReceived,
    PointerReceived,
)
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

PATIENCE: Final = 30.0
"""Seconds that a wait takes at most, unless it is told otherwise."""

QUIET: Final = 0.5
"""Seconds without a changed pixel after which a picture counts as finished; a clock's tick is longer."""

FAREWELL: Final = 3.0
"""Seconds for a polite end."""

HINTS: Final = {
    "NetworkLevelAuthentication": ", perhaps a wrong user or password",
    "ConnectionInitiation": ", perhaps no RDP server, or a security that it does not offer",
}
"""What it usually means that a server closes the connection in a phase without a word."""

MAX_EVENTS: Final = 10_000
"""Events that are kept, the oldest go first. Updates and channel data are not among them: they are big."""

E = TypeVar("E", bound=Event)


class Client(ClientInput):
    """One session. The picture is as the server sent it last; all waits are bounded.

    Every wait raises :class:`SessionEnded` once the session is over and what is waited for cannot come any
    more, and :class:`ClientTimeout` after ``within`` seconds.
    """

    def __init__(
        self,
        peer: Peer,
        connection: ClientConnection,
        transport: asyncio.Transport,
        renderer: Renderer,
        *,
        patience: float = PATIENCE,
        observer: Callable[[Event], None] | None = None,
        graphics_cache: PersistentCache | None = None,
    ) -> None:
        """``observer`` is told of every event, after the picture has been brought up to date.

        ``graphics_cache``: bitmaps of earlier sessions, which are offered to the server; gets new ones.
        """
        super().__init__(connection, peer.flush)
        self.renderer = renderer
        self.events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self.patience = patience
        #: say of each frame that it is shown; what was left unsaid is said with the next one
        self.acknowledges = True
        #: the socket is closed
        self.is_over = False
        self._is_cut = False
        self._peer = peer
        self._transport = transport
        self._observer = observer
        self._graphics_cache = graphics_cache
        self._failure: PyRdpMuxError | None = None
        self._happened = asyncio.Event()
        self._changed_at = self._now

    # -- what is to be seen ----------------------------------------------------------------------

    @property
    def picture(self) -> Pixels:
        """The framebuffer itself, (height, width, 4) BGRX: it changes while others run."""
        return self.renderer.framebuffer

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the desktop."""
        height, width = self.picture.shape[:2]
        return width, height

    @property
    def monitors(self) -> tuple[MonitorDefinition, ...]:
        """Those that the desktop consists of, as the server says, counted from the primary one's corner."""
        told = self.seen(MonitorLayoutReceived)
        return told[-1].layout.monitors if told else ()

    def screenshot(self, path: Path | str | None = None, *, with_pointer: bool = False) -> Pixels:
        """A copy of the picture, also written to ``path`` as PNG; OSError if that fails."""
        pixels = self.picture.copy()
        if with_pointer:
            self.renderer.draw_pointer(pixels, self.renderer.pointer_position or self.pointer_position)
        if path is not None:
            write_png(path, pixels)
        return pixels

    # -- what has happened -----------------------------------------------------------------------

    @property
    def is_active(self) -> bool:
        return self.connection.is_active and not self.is_over

    @property
    def is_closed(self) -> bool:
        """The connection has ended, by whichever side."""
        return bool(self.seen(Disconnected))

    def seen(self, kind: type[E]) -> list[E]:
        """The events of this class, oldest first."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def error_info(self) -> ErrorInfo | None:
        """Why the server said that it disconnects."""
        found = self.seen(ErrorInfoReceived)
        return found[-1].error_info if found else None

    @property
    def server(self) -> str:
        """Its address and port."""
        return self._peer.peername

    @property
    def bytes_received(self) -> int:
        """On the wire, so far."""
        return self._peer.bytes_received

    @property
    def server_certificate(self) -> bytes | None:
        """In DER, where there is TLS."""
        tls = self.connection.tls
        return tls.peer_certificate_der() if tls is not None else None

    def reason(self) -> str:
        """Why the session has ended."""
        if self._failure is not None:
            return str(self._failure)
        # Whether the end of the stream is seen behind what had arrived is chance then.
        ends = self.seen(Disconnected) if not self._is_cut else []
        text = ends[-1].reason if ends else "the connection was cut"
        if ends and isinstance(ends[-1].error, PeerClosed):
            text += HINTS.get(ends[-1].error.phase, "")
        return text if self.error_info is None else f"{text} ({self.error_info.name})"

    # -- waiting ---------------------------------------------------------------------------------

    async def until(
        self, condition: Callable[[], bool], within: float | None = None, what: str = "the condition"
    ) -> None:
        """Until ``condition`` holds; it is asked after every event."""
        seconds = self.patience if within is None else within
        deadline = self._now + seconds
        while not condition():
            if self.is_over:
                raise self._ended()
            if not await self._wait(deadline - self._now):
                raise ClientTimeout(self.server, what, seconds, self._state())

    async def until_active(self, within: float | None = None) -> None:
        """Until input may be sent and pictures come."""
        await self.until(lambda: self.is_active, within, "becoming active")

    async def until_stable(self, quiet: float = QUIET, within: float | None = None) -> None:
        """Until there is a picture, and nothing in it has changed for ``quiet`` seconds from now on."""
        seconds = self.patience if within is None else within
        start = self._now
        await self.until(lambda: self.is_active and self.renderer.painted > 0, seconds, "a first picture")
        while (rest := max(start, self._changed_at) + quiet - self._now) > 0:
            left = start + seconds - self._now
            if left <= 0:
                raise ClientTimeout(self.server, "a stable picture", seconds, self._state())
            await self._wait(min(rest, left))
            if self.is_over:
                raise self._ended()

    async def until_shows(self, picture: Pixels, within: float | None = None) -> None:
        """Until the picture has exactly these colors."""
        await self.until(lambda: same_colors(self.picture, picture), within, "that picture")

    async def until_closed(self, within: float | None = None) -> str:
        """Until the session has ended; why it has."""
        await self.until(lambda: self.is_over, within, "the end")
        return self.reason()

    # -- the connection --------------------------------------------------------------------------

    async def run(self) -> None:
        """Drive the session to its end; whoever made the client does this, once."""
        try:
            await self._peer.run(self._on_event)
        except PyRdpMuxError as error:
            self._failure = error
        finally:
            self.is_over = True
            self._happened.set()

    def flush(self) -> None:
        """After anything done on ``connection`` itself."""
        self._peer.flush()

    async def disconnect(self) -> None:
        """End the session politely, in FAREWELL seconds at most."""
        if not self.is_over:
            self.connection.disconnect()
            self.flush()
            with contextlib.suppress(ClientTimeout):
                await self.until(lambda: self.is_over, FAREWELL, "the end")

    def drop(self) -> None:
        """End it as if the cable was cut."""
        self._is_cut = True
        self._peer.abort()

    def stop_reading(self) -> None:
        """Be a client whose network stands still."""
        self._transport.pause_reading()

    def read_again(self) -> None:
        self._transport.resume_reading()

    # -- inside ----------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        before = self.renderer.changes
        match event:
            case GraphicsReceived(update) | PointerReceived(update):
                self.renderer.apply(update)
                self._acknowledge()
            case GraphicsConfirmed(abilities):
                self.renderer.begin_graphics(abilities)
                self._offer_cache()
                self.events.append(event)
            case GraphicsCommandsReceived(pdus):
                self.renderer.draw_graphics(pdus)
                self._acknowledge_graphics()
            case Activated(width, height):
                self.renderer.resize(width, height)
                self.events.append(event)
            case ChannelDataReceived():
                pass  # as big as the server likes: for observers
            case _:
                self.events.append(event)
        if self.renderer.changes != before:
            self._changed_at = self._now
        if self._observer is not None:
            self._observer(event)
        self._happened.set()

    def _acknowledge(self) -> None:
        if not self.acknowledges:
            return
        frames, self.renderer.ended_frames = self.renderer.ended_frames, []
        for frame_id in frames:
            self.connection.acknowledge_frame(frame_id)

    def _acknowledge_graphics(self) -> None:
        graphics = self.renderer.graphics
        if graphics is None or not self.acknowledges:
            return
        said, graphics.acknowledgements = graphics.acknowledgements, []
        for item in said:
            self.connection.acknowledge_graphics_frame(
                item.frame_id, item.queue_depth, item.total_frames_decoded
            )

    def _offer_cache(self) -> None:
        graphics, cache = self.renderer.graphics, self._graphics_cache
        if graphics is not None and cache is not None:
            graphics.persistent, graphics.offered = cache, cache.bitmaps
            if cache:
                self.connection.offer_graphics_cache(cache.entries)

    async def _wait(self, seconds: float) -> bool:
        """For whatever happens next; False if nothing did."""
        self._happened.clear()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._happened.wait()
        except TimeoutError:
            return False
        return True

    def _ended(self) -> SessionEnded:
        ends = self.seen(Disconnected)
        return SessionEnded(self.server, self.reason(), self._failure or (ends[-1].error if ends else None))

    def _state(self) -> str:
        changed = self._now - self._changed_at
        return f"in {self.connection.phase_name}, last change {changed:.1f} s ago"

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def same_colors(one: Pixels, other: Pixels) -> bool:
    """Whether two BGRX pictures show the same; the fourth byte does not count."""
    return one.shape == other.shape and bool(np.array_equal(one[..., :3], other[..., :3]))
