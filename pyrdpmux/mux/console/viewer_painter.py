"""What a viewer's client has not been sent yet, and when to send it.

INVARIANT: damage is a region of bounded size; painting waits until the socket has drained and for a turn of
the viewer's share, and sends what the screen shows at that moment: no frame is ever queued, so a viewer
that stands still costs no memory and catches up in one picture.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from pyrdpmux.geometry import Rect, Region, bounding_box
from pyrdpmux.mux.console.painter import batches_of, bitmaps_of
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.net.budget import TokenBucket
from pyrdpmux.net.fair import Turn
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.server.connection import ServerConnection

TILES_PER_STEP: Final = 32
"""Tiles of 64x64 encoded before the clock is looked at: about a millisecond."""

MAX_REFRESHED: Final = 8
"""Rectangles that a client asks for again, at a time; of more it gets what they span."""

REFRESHES_PER_SECOND: Final = 2.0
REFRESHES_AT_ONCE: Final = 4.0
"""Whole pictures that a client may ask for again; what it asks for beyond is joined, and comes later."""


class ViewerPainter:
    """Paints for one connection; :meth:`run` is its life."""

    def __init__(self, connection: ServerConnection, peer: Peer) -> None:
        self._connection = connection
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._display: Display | None = None
        self._frame_seconds: Callable[[], float] = _at_once
        self._size = (0, 0)
        self._pending = Region()
        self._work = asyncio.Event()
        #: the client's window is minimized
        self.is_suppressed = False
        #: counts the times that the client's picture became worthless; a frame of an older one is dropped
        self._generation = 0
        self._refreshes = TokenBucket(REFRESHES_PER_SECOND, REFRESHES_AT_ONCE)
        self._asked = Region()
        self._timer: asyncio.TimerHandle | None = None

    def show(self, display: Display, size: tuple[int, int], frame_seconds: Callable[[], float]) -> None:
        """All of this from now on, on a desktop of this size. None of it before this is called."""
        self.start_over()
        self._display, self._size, self._frame_seconds = display, size, frame_seconds
        self.add_everything()

    def start_over(self) -> None:
        """Whatever the client has or is being sent is worth nothing any more."""
        self._generation += 1
        self._display, self._frame_seconds = None, _at_once
        self._forget()

    def close(self) -> None:
        """Nobody looks any more."""
        self.start_over()

    def _forget(self) -> None:
        self._pending.clear()
        self._work.clear()
        self._asked.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- what is to be sent --------------------------------------------------------------------------

    def add(self, rects: Iterable[Rect]) -> None:
        """These have changed."""
        if self._display is None or self.is_suppressed:
            return  # the whole picture is sent when it is wanted (again)
        self._pending.add_all(rects)
        self._work.set()

    def add_everything(self) -> None:
        if self._display is not None:
            self.add([Rect(0, 0, self._display.width, self._display.height)])

    def refresh(self, rects: Sequence[Rect]) -> None:
        """The client asks for these again: merged at once, and sent as its budget allows."""
        if self._display is None or self.is_suppressed:
            return
        rects = [rect.clip(self._display.width, self._display.height) for rect in rects]
        rects = [rect for rect in rects if not rect.is_empty]
        self._asked.add_all(rects if len(rects) <= MAX_REFRESHED else [bounding_box(rects)])
        self._answer_refreshes()

    def suppress(self, is_suppressed: bool) -> None:
        """The client's window is minimized, or shown again: then it wants a refresh of everything."""
        was_suppressed, self.is_suppressed = self.is_suppressed, is_suppressed
        if is_suppressed:
            self._generation += 1
            self._forget()
        elif was_suppressed and self._display is not None:
            self.refresh([Rect(0, 0, self._display.width, self._display.height)])

    def _answer_refreshes(self) -> None:
        self._timer = None
        if self._asked.is_empty or self._display is None:
            return
        share = min(self._asked.pixels / (self._display.width * self._display.height), 1.0)
        now = self._loop.time()
        if wait := self._refreshes.wait(now, share):
            self._timer = self._loop.call_later(wait, self._answer_refreshes)
            return
        self._refreshes.take(share, now)
        self.add(tuple(self._asked))
        self._asked.clear()

    # -- painting ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """The first change after a rest goes out at once, those that follow at the frame rate."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                frame_end = self._loop.time() + self._frame_seconds()
                await self._paint_frame()
                await asyncio.sleep(max(0.0, frame_end - self._loop.time()))
        except ConnectionError:
            pass  # the socket is gone; the peer's task sees that too

    async def _paint_frame(self) -> None:
        """Everything that was damaged when the frame began, from the screen as it is when it is sent."""
        generation, display = self._generation, self._display
        if display is None or self._pending.is_empty:
            return
        width, height = (min(pair) for pair in zip(self._size, (display.width, display.height), strict=True))
        batches = batches_of(tuple(self._pending), width, height, TILES_PER_STEP)
        self._pending.clear()
        tiles = next(batches, None)
        while tiles is not None:
            await self._peer.drained()
            async with self._peer.turn() as turn:
                if generation != self._generation or not self._connection.is_active:
                    return
                tiles = self._paint_some(display, tiles, batches, turn)

    def _paint_some(
        self, display: Display, tiles: list[Rect] | None, batches: Iterator[list[Rect]], turn: Turn
    ) -> list[Rect] | None:
        """As many as there is time for; what comes next."""
        while tiles is not None and not turn.is_over:
            self._connection.send_bitmaps(bitmaps_of(display.pixels, tiles, self._connection.output))
            self._peer.flush()
            if not self._connection.is_active:
                return None
            tiles = next(batches, None)
        return tiles


def _at_once() -> float:
    return 0.0
