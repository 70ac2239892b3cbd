"""One viewer's picture: by which way its client is drawn to, and its seat in a stream.

A client that knows the graphics pipeline is drawn to by nothing else: what both paint would cover each other.
It is waited for some seconds; one that loses the channel is given it again, a few times.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from pyrdpmux.errors import PyRdpMuxError
from pyrdpmux.geometry import Rect, Region, bounding_box
from pyrdpmux.graphics.pacer import Pacer
from pyrdpmux.graphics.planner import FINE_PIXELS
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.targets.pieces import Piece, slices
from pyrdpmux.graphics.targets.pipeline import NOTHING, Pipeline, PipelineFormat, PipelineState
from pyrdpmux.mux.console.blank_screen import BlankScreen
from pyrdpmux.mux.console.pieces import acknowledges, send_slice, target_for
from pyrdpmux.mux.streaming.streams import Streams
from pyrdpmux.net.budget import TokenBucket
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.connection.events import (
    ChannelClosed,
    GraphicsCacheOffered,
    GraphicsOpened,
    GraphicsQuality,
    NetworkMeasured,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import BitmapCacheRev2Capability, CacheFlags

GRAPHICS_SECONDS: Final = 3.0
"""For a client that announces the pipeline to open it; then it is sent bitmaps until it does."""

OFFER_SECONDS: Final = 0.3
"""That a client whose cache outlives sessions is waited for before the first frame, to offer it: it does so
as soon as its capabilities are confirmed. What comes later is used for what is sent then."""

MAX_REOPENINGS: Final = 3
"""Of a channel that the client closes because it does not like what was sent."""

PIECES_PER_STEP: Final = 32
"""Sent before the clock is looked at: about a millisecond."""

SETTLE_SECONDS: Final = 1.0
"""That a viewer looks before it may share a stream."""

CLOSE: Final = 0.1
"""Seconds behind, at most, for who is to share a stream."""

SLOW_LINK: Final = 3_000_000.0
"""Bits per second, below which it pays to compress bitmaps and orders: what it takes away, a quarter, would
be longer on its way than the second that it costs for 2 MB."""

MAX_REFRESHED: Final = 8
"""Rectangles that a client asks for again, at a time; of more it gets what they span."""

REFRESHES_PER_SECOND: Final = 2.0
REFRESHES_AT_ONCE: Final = 4.0
"""Whole pictures that a client may ask for again; what it asks for beyond is joined, and comes later."""

BYTES_PER_PIXEL: Final = 2
"""Of a photograph that is made exact, about."""


class ViewerPicture:
    """A :class:`~pyrdpmux.mux.streaming.seat.Seat`; its owner passes on what the connection tells."""

    def __init__(
        self,
        connection: ServerConnection,
        peer: Peer,
        log: logging.LoggerAdapter[Any],
        fail: Callable[[str], None],
    ) -> None:
        """``fail`` is called with the reason if there can be no more pictures."""
        self._connection = connection
        self._peer = peer
        self._log = log
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self.pacer = Pacer()
        self._entered_at = 0.0
        #: the client's window is minimized
        self.is_suppressed = False
        self._streams: Streams | None = None
        self._size = (0, 0)
        self._graphics: GraphicsOpened | None = None
        self._state: PipelineState = NOTHING
        self._frame_id = 0
        #: no frame before that, while the client may still offer its cache
        self._begins_at = 0.0
        #: what it has offered and no stream knows yet: keys and bytes
        self._offer: list[tuple[int, int]] | None = None
        self._may_offer = False
        self._reopenings = 0
        #: the client has the channel no more
        self._is_hopeless = False
        self._waiting: asyncio.TimerHandle | None = None
        self._draining: asyncio.Task[None] | None = None
        self._blank = BlankScreen()
        self._refreshes = TokenBucket(REFRESHES_PER_SECOND, REFRESHES_AT_ONCE)
        self._asked = Region()
        self._timer: asyncio.TimerHandle | None = None
        #: counts the seats that were taken or left
        self._entry = 0

    # -- the owner's side ------------------------------------------------------------------------

    def show(self, streams: Streams, size: tuple[int, int]) -> None:
        """All of this from now on, on a desktop of this size. None of it before this is called."""
        if self._streams is streams and self._size == size and self._blank.is_healing:
            self._blank.is_healing = False
            self._wake()
            return
        self.start_over()
        self._streams, self._size = streams, size
        if not self.is_suppressed:
            self._enter()

    def start_over(self) -> None:
        """Nothing more of what was shown."""
        self._leave()
        self._streams = None

    def pause(self) -> None:
        """The client is deactivated, and will be Active again."""
        if not self._blank.is_healing:
            self.start_over()

    def close(self) -> None:
        """Nobody looks any more."""
        self.start_over()
        if self._draining is not None:
            self._draining.cancel()

    def suppress(self, is_suppressed: bool) -> None:
        """The client's window is minimized, or shown again: then it wants everything at once."""
        was_suppressed, self.is_suppressed = self.is_suppressed, is_suppressed
        if is_suppressed:
            self._leave()
        elif was_suppressed and self._streams is not None:
            self.refresh([Rect(0, 0, *self._size)])

    def refresh(self, rects: Sequence[Rect]) -> None:
        """The client asks for these again: merged at once, and sent as its budget allows."""
        if self._streams is None or self.is_suppressed:
            return
        rects = [rect.clip(*self._size) for rect in rects]
        rects = [rect for rect in rects if not rect.is_empty]
        self._asked.add_all(rects if len(rects) <= MAX_REFRESHED else [bounding_box(rects)])
        self._answer_refreshes()

    def measured(self, event: NetworkMeasured) -> None:
        """How the network is."""
        now = self._loop.time()
        if event.bits_per_second:
            self.pacer.bandwidth(event.bits_per_second, now)
            self._peer.size_buffers(event.bits_per_second)
            self._connection.compress_output(event.bits_per_second < SLOW_LINK)
        else:
            self.pacer.round_trip(event.round_trip_seconds, now)
        self._wake()

    # -- the graphics pipeline -------------------------------------------------------------------

    def opened(self, event: GraphicsOpened) -> None:
        """The client can be drawn to by the pipeline, from nothing."""
        self._graphics = event
        self._log.debug("Graphics pipeline %s", event.capabilities)
        # Numbers of surfaces go on: of some that were, a client that has begun anew may still know.
        self._state = PipelineState(self._state.surfaces if event.is_repeated else (), 0)
        self._may_offer, self._offer = True, None
        self._begins_at = self._loop.time() + OFFER_SECONDS if self._keeps_bitmaps else 0.0
        if event.is_repeated:
            self._heal()
        if self._streams is not None and not self.is_suppressed:
            self._leave()
            self._enter(deletes=not event.is_repeated)

    def offered(self, event: GraphicsCacheOffered) -> None:
        """The client has bitmaps of earlier sessions; once each time that it begins."""
        if not self._may_offer:
            return
        self._may_offer, self._begins_at = False, 0.0
        self._offer = [(entry.key, entry.length) for entry in event.entries]
        self._log.debug("Offers %d bitmaps of its cache", len(self._offer))
        self._pass_offer_on()
        self._wake()

    @property
    def _keeps_bitmaps(self) -> bool:
        """Whether the client may have any: the pipeline has no flag for it, the older caches have."""
        caches = self._connection.facts.capability(BitmapCacheRev2Capability)
        return caches is not None and bool(caches.cache_flags & CacheFlags.PERSISTENT_KEYS_EXPECTED)

    def _pass_offer_on(self) -> None:
        live = self._streams.stream_of(self) if self._streams is not None else None
        if live is not None and self._offer is not None and self._graphics is not None:
            live.offer_cache(self, self._offer, self._send_aside)
            self._offer = None

    def _send_aside(self, message: bytes) -> None:
        """What belongs to no frame, in the order of the stream."""
        if self._connection.is_active and self._graphics is not None:
            self._connection.send_graphics(message)
            self._peer.flush()

    def acknowledged(self, frame_id: int, queue_depth: int = 0) -> None:
        """The client has shown a frame, by whichever way it came."""
        self.pacer.acknowledged(frame_id, queue_depth, self._loop.time())
        self._wake()

    def quality(self, event: GraphicsQuality) -> None:
        """The client tells how long frames take until they are shown."""
        if self._blank.told(event):
            self._heal()

    def lost(self, event: ChannelClosed) -> None:
        """The channel is gone: it comes again with everything anew, or is given up."""
        if event.channel != CHANNEL_NAME:
            return
        self._graphics = None
        self._leave()
        self._is_hopeless = event.is_refused or self._reopenings >= MAX_REOPENINGS
        if not self._is_hopeless:
            self._reopenings += 1
            self._log.warning("The client has closed the graphics channel: it is opened again")
            self._connection.open_channel(CHANNEL_NAME)
            self._peer.flush()
        if self._streams is not None and not self.is_suppressed:
            self._enter()

    def _heal(self) -> None:
        """QUIRK(mstsc): shows nothing of what it decodes, until it is activated again; with its surfaces."""
        if self._blank.heal():
            self._log.info("The client seems to show nothing: it is activated again")
            self._connection.reactivate(self._loop.time())
            self._peer.flush()

    # -- the seat --------------------------------------------------------------------------------

    def ready_at(self, now: float) -> float | None:
        if not self._connection.is_active:
            return None
        self.pacer.unsent(self._peer.unsent_bytes, now, self._peer.in_flight_bytes)
        at = self.pacer.ready_at(now)
        return max(at, self._begins_at)

    def must_leave(self, now: float) -> bool:
        return self.pacer.must_leave(now)

    def keeps_up(self, now: float) -> bool:
        has_settled = now - self._entered_at >= SETTLE_SECONDS
        return self._connection.is_active and has_settled and self.pacer.lag(now) <= CLOSE

    def fine_pixels(self, now: float) -> int:
        return min(self.pacer.budget(now) // BYTES_PER_PIXEL, FINE_PIXELS)

    async def send(self, frame: Frame[Any]) -> None:
        if not self._connection.is_active:
            return
        sent = self._peer.bytes_sent
        self._frame_id = frame.frame_id
        try:
            if isinstance(frame.output, bytes):
                self._connection.send_graphics(frame.output)
                self._state = frame.state
                self._blank.sent(frame.frame_id, frame.commands, self._size)
                self._peer.flush()
            else:
                await self._send_pieces(frame)
        except PyRdpMuxError as error:  # it has just gone
            self._log.debug("A frame was not sent: %s", error)
            return
        now = self._loop.time()
        self.pacer.sent(frame.frame_id, self._peer.bytes_sent - sent, now)
        self._watch_socket()

    def failed(self, error: Exception) -> None:
        self._fail(f"the picture could not be made: {error}")

    async def _send_pieces(self, frame: Frame[Sequence[Piece]]) -> None:
        """In slices; behind the last one comes what the client acknowledges, if it does."""
        entry = self._entry
        waiting = deque(slices(frame.output, PIECES_PER_STEP))
        while waiting:
            async with self._peer.turn() as turn:
                while waiting and not turn.is_over:
                    if self._entry != entry or not self._connection.is_active:
                        return  # what follows is of a stream that the client has no more
                    send_slice(self._connection, waiting.popleft())
                    if not waiting and acknowledges(self._connection.output):
                        self._connection.send_surface_commands((), frame.frame_id)
                    self._peer.flush()

    # -- inside ----------------------------------------------------------------------------------

    def _enter(self, *, deletes: bool = True) -> None:
        """Take a seat, by the way that the client knows."""
        assert self._streams is not None
        self._entry += 1
        self._entered_at = self._loop.time()
        width, height = self._size
        if self._graphics is not None:
            self.pacer = Pacer(frames_per_second=self._streams.frames_per_second)
            format = PipelineFormat.of(self._graphics.abilities)
            pipeline = Pipeline(width, height, format, self._state, deletes=deletes)
            self._connection.send_graphics(pipeline.opening())
            self._peer.flush()
            self._streams.enter(self, Stream(width, height, pipeline, frame_id=self._frame_id))
            self._pass_offer_on()
        elif (
            self._connection.supports_graphics
            and self._reopenings <= MAX_REOPENINGS
            and self._waiting is None
        ):
            self._waiting = self._loop.call_later(GRAPHICS_SECONDS, self._enter_with_bitmaps)
        else:
            self._enter_with_bitmaps()

    def _enter_with_bitmaps(self) -> None:
        """For who has no pipeline, or takes too long to open it."""
        self._waiting = None
        if self._streams is None or self._graphics is not None or not self._connection.is_active:
            return
        output = self._connection.output
        self.pacer = Pacer(
            acknowledges=acknowledges(output), frames_per_second=self._streams.frames_per_second
        )
        self._streams.enter(self, Stream(*self._size, target_for(output), frame_id=self._frame_id))

    def _leave(self) -> None:
        self._entry += 1
        if self._streams is not None:
            self._streams.leave(self)
        self._asked.clear()
        for timer in (self._timer, self._waiting):
            if timer is not None:
                timer.cancel()
        self._timer = self._waiting = None

    def _wake(self) -> None:
        if self._streams is not None:
            self._streams.wake(self)

    def _watch_socket(self) -> None:
        """Wake the stream when what waits has been sent."""
        if self._peer.unsent_bytes and (self._draining is None or self._draining.done()):
            self._draining = self._loop.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            await self._peer.drained()
        except ConnectionError:
            return  # the peer's task sees that too
        self._wake()

    def _answer_refreshes(self) -> None:
        self._timer = None
        if self._asked.is_empty or self._streams is None or self.is_suppressed:
            return
        share = min(self._asked.pixels / max(self._size[0] * self._size[1], 1), 1.0)
        now = self._loop.time()
        if wait := self._refreshes.wait(now, share):
            self._timer = self._loop.call_later(wait, self._answer_refreshes)
            return
        self._refreshes.take(share, now)
        rects = tuple(self._asked)
        self._asked.clear()
        live = self._streams.stream_of(self)
        if live is None:
            self._enter()
        else:
            live.invalidate(rects)
