"""One viewer's picture: by which way its client is drawn to, and its seat in a stream.

A client that knows the graphics pipeline is drawn to by nothing else: what both paint would cover each other.
It is waited for some seconds; one that loses the channel is given it again, a few times.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from pyrdpmux.codec.extras import H264, is_installed
from pyrdpmux.errors import PyRdpMuxError
from pyrdpmux.geometry import Rect, Region, bounding_box
from pyrdpmux.graphics.pacer import Pacer
from pyrdpmux.graphics.planner import FINE_PIXELS
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.targets.bitmap_updates import BitmapUpdates
from pyrdpmux.graphics.targets.pipeline import NOTHING, Pipeline, PipelineFormat, PipelineState
from pyrdpmux.mux.console.blank_screen import BlankScreen
from pyrdpmux.mux.figures import ViewerFigures, version_of
from pyrdpmux.mux.streaming.streams import Streams
from pyrdpmux.net.budget import TokenBucket
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.connection.events import (
    ChannelClosed,
    GraphicsFrameAcknowledged,
    GraphicsOpened,
    GraphicsQuality,
    NetworkMeasured,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.update import BitmapData

GRAPHICS_SECONDS: Final = 3.0
"""For a client that announces the pipeline to open it; then it is sent bitmaps until it does."""

MAX_REOPENINGS: Final = 3
"""Of a channel that the client closes because it does not like what was sent."""

BITMAPS_PER_STEP: Final = 32
"""Sent before the clock is looked at: about a millisecond."""

SETTLE_SECONDS: Final = 1.0
"""That a viewer looks before it may share a stream."""

CLOSE: Final = 0.1
"""Seconds behind, at most, for who is to share a stream."""

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
        self._reopenings = 0
        #: the client has the channel no more
        self._is_hopeless = False
        self._waiting: asyncio.TimerHandle | None = None
        self._draining: asyncio.Task[None] | None = None
        self._blank = BlankScreen()
        self._refreshes = TokenBucket(REFRESHES_PER_SECOND, REFRESHES_AT_ONCE)
        self._asked = Region()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def figures(self) -> ViewerFigures:
        """For people who look."""
        live = self._streams.stream_of(self) if self._streams is not None else None
        return ViewerFigures(
            stream=live.number if live is not None else None,
            way=live.stream.target.way if live is not None else None,
            version=version_of(self._graphics.capabilities.version) if self._graphics is not None else None,
            codecs=live.stream.target.codecs if live is not None else (),
            is_minimized=self.is_suppressed,
            loop_seconds=self._peer.share.worked if self._peer.share is not None else 0.0,
            bytes_sent=self._peer.bytes_sent,
            unsent_bytes=self._peer.unsent_bytes,
            link=self.pacer.figures(self._loop.time()),
        )

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
        if event.is_repeated:
            self._heal()
        if self._streams is not None and not self.is_suppressed:
            self._leave()
            self._enter(deletes=not event.is_repeated)

    def acknowledged(self, event: GraphicsFrameAcknowledged) -> None:
        self.pacer.acknowledged(event.frame_id, event.queue_depth, self._loop.time())
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
        return self.pacer.ready_at(now)

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
        try:
            if isinstance(frame.output, bytes):
                self._connection.send_graphics(frame.output)
                self._state = frame.state
                self._frame_id = frame.frame_id
                self._blank.sent(frame.frame_id, frame.commands, self._size)
                self._peer.flush()
            else:
                await self._send_bitmaps(frame.output)
        except PyRdpMuxError as error:  # it has just gone
            self._log.debug("A frame was not sent: %s", error)
            return
        now = self._loop.time()
        self.pacer.sent(frame.frame_id, self._peer.bytes_sent - sent, now)
        self._watch_socket()

    def failed(self, error: Exception) -> None:
        self._fail(f"the picture could not be made: {error}")

    async def _send_bitmaps(self, bitmaps: Sequence[BitmapData]) -> None:
        streams, at = self._streams, 0
        while at < len(bitmaps):
            async with self._peer.turn() as turn:
                while at < len(bitmaps) and not turn.is_over:
                    if self._streams is not streams or not self._connection.is_active:
                        return
                    self._connection.send_bitmaps(bitmaps[at : at + BITMAPS_PER_STEP])
                    self._peer.flush()
                    at += BITMAPS_PER_STEP

    # -- inside ----------------------------------------------------------------------------------

    def _enter(self, *, deletes: bool = True) -> None:
        """Take a seat, by the way that the client knows."""
        assert self._streams is not None
        self._entered_at = self._loop.time()
        width, height = self._size
        self.pacer = Pacer(
            acknowledges=self._graphics is not None, frames_per_second=self._streams.frames_per_second
        )
        if self._graphics is not None:
            abilities = self._graphics.abilities
            format = PipelineFormat(
                has_avc=abilities.has_avc420 and is_installed(H264),
                has_progressive=abilities.has_progressive,
                cache_slots=abilities.cache_slots,
                cache_bytes=abilities.cache_bytes,
            )
            pipeline = Pipeline(width, height, format, self._state, deletes=deletes)
            self._connection.send_graphics(pipeline.opening())
            self._peer.flush()
            self._streams.enter(self, Stream(width, height, pipeline, frame_id=self._frame_id))
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
        width, height = self._size
        self._streams.enter(self, Stream(width, height, BitmapUpdates(self._connection.output)))

    def _leave(self) -> None:
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
