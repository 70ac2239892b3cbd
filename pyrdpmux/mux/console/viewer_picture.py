"""One viewer's picture: by which way its client is drawn to, and its seat in a stream.

A client that knows the graphics pipeline is drawn to by nothing else: what both paint would cover each other.
It is waited for some seconds; one that loses the channel is given it again, a few times.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from pyrdpmux.errors import PyRdpMuxError
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.pacer import ALLOWANCE, Pacer
from pyrdpmux.graphics.planner import FINE_PIXELS
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.targets.choice import target_for
from pyrdpmux.graphics.targets.pipeline import NOTHING, Pipeline, PipelineFormat, PipelineState
from pyrdpmux.mux.console.blank_screen import BlankScreen
from pyrdpmux.mux.console.cache_offer import CacheOffer
from pyrdpmux.mux.console.pieces import PieceSender, acknowledges
from pyrdpmux.mux.console.refreshes import Refreshes
from pyrdpmux.mux.console.reopenings import Reopenings
from pyrdpmux.mux.console.viewer_figures import viewer_figures
from pyrdpmux.mux.figures import ViewerFigures
from pyrdpmux.mux.streaming.streams import Streams
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

GRAPHICS_SECONDS: Final = 3.0
"""For a client that announces the pipeline to open it; then it is sent bitmaps until it does."""

SETTLE_SECONDS: Final = 1.0
"""That a viewer looks before it may share a stream."""

CLOSE: Final = 0.1
"""Seconds behind, at most, for who is to share a stream."""

ENOUGH: Final = 512 * 1024
"""Bytes of a frame: if the link is believed to take less, TCP is asked what it takes."""

BYTES_PER_PIXEL: Final = 2
"""Of a photograph that is made exact, about."""

MAX_HELD: Final = 1 << 20
"""Bytes of frames that wait for a client that is activated again; of more it is sent everything anew."""


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
        self._sender = PieceSender(connection, peer, self.pacer)
        self._entered_at = 0.0
        #: the client's window is minimized
        self.is_suppressed = False
        self._streams: Streams | None = None
        self._size = (0, 0)
        self._monitors: tuple[Rect, ...] = ()
        self._refreshes = Refreshes(self._loop)
        # -- the pipeline: what the client can do, once the channel is open, and what it has --
        self._graphics: GraphicsOpened | None = None
        self._state: PipelineState = NOTHING
        self._frame_id = 0
        #: surfaces of ``_state`` are there for certain, and may be deleted
        self._may_delete = True
        self._offer = CacheOffer()
        self._reopenings = Reopenings(connection, log)
        #: the client was waited for in vain
        self._is_late = False
        self._waiting: asyncio.TimerHandle | None = None
        self._blank = BlankScreen()
        #: frames of a client that is not Active because it is being healed
        self._held: list[Frame[bytes]] = []
        #: counts the seats that were taken or left
        self._entry = 0
        self._draining: asyncio.Task[None] | None = None

    @property
    def figures(self) -> ViewerFigures:
        """For people who look."""
        live = self._streams.stream_of(self) if self._streams is not None else None
        link = self.pacer.figures(self._loop.time())
        return viewer_figures(live, self._graphics, self._peer, link, is_minimized=self.is_suppressed)

    # -- the owner's side ------------------------------------------------------------------------

    def show(self, streams: Streams, size: tuple[int, int], monitors: tuple[Rect, ...] = ()) -> None:
        """All of this from now on, on a desktop of this size, or of these monitors; the client is Active.

        Nothing is shown before this is called.
        """
        is_healing, self._blank.is_healing = self._blank.is_healing, False
        is_same = (self._streams, self._size, self._monitors) == (streams, size, monitors)
        if is_healing and is_same and streams.stream_of(self):
            self._present_again()
            return
        self.start_over()
        self._streams, self._size, self._monitors = streams, size, monitors
        self._reopen()
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
        self._fail = lambda reason: None
        if self._draining is not None:
            self._draining.cancel()
            self._draining = None

    def suppress(self, is_suppressed: bool) -> None:
        """The client's window is minimized, or shown again: then it wants everything at once."""
        was_suppressed, self.is_suppressed = self.is_suppressed, is_suppressed
        if is_suppressed:
            self._leave()
        elif was_suppressed and self._streams is not None:
            self.refresh([Rect(0, 0, *self._size)])

    def refresh(self, rects: Sequence[Rect]) -> None:
        """The client asks for these again: merged at once, and sent as its budget allows."""
        if self._streams is not None and not self.is_suppressed:
            self._refreshes.ask(rects, self._size, self._send_again)

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
        self._is_late = False
        self._log.debug("Graphics pipeline %s", event.capabilities)
        # Numbers of surfaces go on: of some that were, a client that has begun anew may still know.
        self._state = PipelineState(self._state.surfaces if event.is_repeated else (), 0)
        self._may_delete = not event.is_repeated
        self._offer.opened(self._connection, self._loop.time(), self._peer.round_trip)
        self._leave()
        if event.is_repeated:
            self._heal()
        self._enter()

    def offered(self, event: GraphicsCacheOffered) -> None:
        """The client has bitmaps of earlier sessions."""
        if self._offer.came(event):
            self._log.debug("Offers %d bitmaps of its cache", len(event.entries))
            self._pass_offer_on()
            self._wake()

    def _pass_offer_on(self) -> None:
        live = self._streams.stream_of(self) if self._streams is not None else None
        if live is not None and self._offer.entries is not None and self._graphics is not None:
            live.offer_cache(self, self._offer.entries, self._send_message)
            self._offer.entries = None

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
        self._is_late = False
        self._leave()
        self._reopenings.lost(event, self._loop.time())
        self._reopen()
        self._enter()

    def _reopen(self) -> None:
        if self._reopenings.ask():
            self._peer.flush()

    def _heal(self) -> None:
        """QUIRK(mstsc): shows nothing of what it decodes, until it is activated again; with its surfaces."""
        if self._connection.is_active and self._blank.heal():
            self._log.info("The client seems to show nothing: it is activated again")
            self._connection.reactivate(self._loop.time())
            self._peer.flush()

    def _present_again(self) -> None:
        """The client has been activated again with all that it had: it may show it, and is shown it anew."""
        held, self._held = self._held, []
        for frame in held:
            self._send_graphics(frame)
        self.refresh([Rect(0, 0, *self._size)])

    # -- the seat --------------------------------------------------------------------------------

    def ready_at(self, now: float) -> float | None:
        if not self._connection.is_active:
            return None
        unsent, in_flight = self._peer.outstanding_bytes
        self.pacer.unsent(unsent, now, in_flight)
        return max(self.pacer.ready_at(now), self._offer.begins_at)

    def lag(self, now: float) -> float:
        return self.pacer.lag(now)

    @property
    def backlog(self) -> int:
        return self._peer.unsent_bytes

    def keeps_up(self, now: float) -> bool:
        has_settled = now - self._entered_at >= SETTLE_SECONDS
        is_read_from = self.backlog <= ALLOWANCE
        return self._connection.is_active and has_settled and is_read_from and self.pacer.lag(now) <= CLOSE

    def fine_pixels(self, now: float) -> int:
        return min(self.pacer.budget(now) // BYTES_PER_PIXEL, FINE_PIXELS)

    def room(self, now: float, seconds: float = 0.0) -> int:
        room = self.pacer.room(now, seconds)
        if room < ENOUGH and (rate := self._peer.delivery_rate):
            self.pacer.delivered(rate, now)
            room = self.pacer.room(now, seconds)
        return self._sender.plain(room)

    def send_at_once(self, frame: Frame[Any]) -> bool:
        if not self._connection.is_active:
            self._hold(frame)
        elif isinstance(frame.output, bytes):
            self._send_graphics(frame)
        else:
            return not frame.output  # there may be nothing to show: a tile is to be kept
        return True

    async def send(self, frame: Frame[Any]) -> None:
        if not self.send_at_once(frame) and self._streams is not None:
            sent = self._peer.bytes_sent
            self._frame_id = frame.frame_id
            try:
                entry = self._entry
                # What follows once it has left is of a stream that the client has no more.
                await self._sender.send(frame, self._streams, lambda: self._entry == entry)
            except PyRdpMuxError as error:  # it has just gone
                self._log.debug("A frame was not sent: %s", error)
                return
            self._has_sent(frame, sent)

    def failed(self, error: Exception) -> None:
        self._fail(f"the picture could not be made: {error}")

    def _send_graphics(self, frame: Frame[bytes]) -> None:
        sent = self._peer.bytes_sent
        if self._send_message(frame.output):
            self._state = frame.state
            self._frame_id = frame.frame_id
            self._blank.sent(frame.frame_id, frame.commands, self._size)
            self._has_sent(frame, sent)

    def _send_message(self, message: bytes) -> bool:
        """A frame, or what belongs to none. INVARIANT: it gets all messages of a stream, or leaves it."""
        try:
            self._connection.send_graphics(message)
        except PyRdpMuxError as error:  # the channel has just gone, of which we shall hear
            self._log.debug("Nothing was sent: %s", error)
            self._leave()
            return False
        self._peer.flush()
        return True

    def _hold(self, frame: Frame[Any]) -> None:
        """Until the client is Active again."""
        is_due = self._blank.is_healing and isinstance(frame.output, bytes)
        if is_due and sum(len(item.output) for item in (*self._held, frame)) <= MAX_HELD:
            self._held.append(frame)
        else:
            self._may_delete = False
            self._leave()

    def _has_sent(self, frame: Frame[Any], sent_before: int) -> None:
        size = self._peer.bytes_sent - sent_before
        self.pacer.sent(frame.frame_id, size, self._loop.time(), is_refinement=frame.is_refinement)
        self._watch_socket()

    # -- inside ----------------------------------------------------------------------------------

    def _enter(self) -> None:
        """Take a seat, by the way that the client knows; unless it is not Active, or does not look."""
        if self._streams is None or self.is_suppressed or not self._connection.is_active:
            return
        self._entered_at = self._loop.time()
        self._entry += 1
        if self._graphics is not None:
            self._enter_with_pipeline(self._streams, self._graphics)
            return
        if self._connection.supports_graphics and not self._reopenings.is_hopeless and not self._is_late:
            self._waiting = self._loop.call_later(GRAPHICS_SECONDS, self._wait_no_longer)
        else:
            self._enter_with_bitmaps()

    def _enter_with_pipeline(self, streams: Streams, graphics: GraphicsOpened) -> None:
        format = PipelineFormat.of(graphics.abilities, self._monitors)
        pipeline = Pipeline(*self._size, format, self._state, deletes=self._may_delete)
        if not self._send_message(pipeline.opening()):
            return
        self._state, self._may_delete = pipeline.state, True
        self._start_over(streams, acknowledges=True)
        streams.enter(self, Stream(*self._size, pipeline, frame_id=self._frame_id))
        self._pass_offer_on()

    def _wait_no_longer(self) -> None:
        self._is_late = True
        self._enter_with_bitmaps()

    def _enter_with_bitmaps(self) -> None:
        """For who has no pipeline, or takes too long to open it."""
        self._waiting = None
        if self._streams is None or self._graphics is not None or not self._connection.is_active:
            return
        output = self._connection.output
        self._start_over(self._streams, acknowledges=acknowledges(output))
        self._streams.enter(self, Stream(*self._size, target_for(output), frame_id=self._frame_id))

    def _start_over(self, streams: Streams, *, acknowledges: bool) -> None:
        """What was under way counts no more; the link is the same."""
        rate, now = streams.frames_per_second, self._loop.time()
        self.pacer.start_over(now, acknowledges=acknowledges, frames_per_second=rate)

    def _leave(self) -> None:
        self._entry += 1
        if self._streams is not None:
            self._streams.leave(self)
        self._held.clear()
        self._refreshes.forget()
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _wake(self) -> None:
        if self._streams is not None:
            self._streams.wake(self)

    def _watch_socket(self) -> None:
        """Wake the stream when what waits has been sent."""
        is_watching = self._draining is not None and not self._draining.done()
        if self._streams is not None and self._peer.buffered_bytes and not is_watching:
            self._draining = self._loop.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            await self._peer.drained()
        except OSError:
            return  # the peer's task sees that too
        self._wake()

    def _send_again(self, rects: Sequence[Rect]) -> None:
        if self._streams is None or self._waiting is not None:
            return
        if self._streams.stream_of(self) is None:
            self._enter()
        else:
            self._streams.refresh(self, rects)
