"""The picture of a VM as its backend paints it, and who wants to hear when it changes.

One picture per VM, however many viewers: what of it has changed for whom is found out when somebody can be
sent something (:mod:`pyrdpmux.graphics.surface`), so a backend only writes, and a listener is only woken.
"""

import logging
import mmap
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import MAX_SIDE, Rect
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.picture.cursor import AnyCursor, CursorState

logger = logging.getLogger("pyrdpmux.mux")


NO_SIGNAL_SIZE: Final = (640, 480)
"""What a viewer sees, in black, until the VM shows something."""

BAND: Final = 64
"""Rows copied at a time, at most."""

BAND_PIXELS: Final = 1 << 17
"""And fewer rows of a very wide picture: memory that was never touched costs a millisecond for so many."""


class ScreenListener(Protocol):
    """Called at once, from inside the write; a listener takes notes and returns."""

    def screen_changed(self) -> None:
        """Something was written: see :class:`~pyrdpmux.graphics.surface.Surface` for what."""

    def screen_resized(self, width: int, height: int) -> None:
        """All of the picture is new (black, at first): nothing that a viewer has is of use any more.

        Also told of other heads in a picture of the same size.
        """

    def cursor_changed(self) -> None: ...

    def cursor_moved(self, x: int, y: int) -> None:
        """The guest has moved its pointer there."""


class Observable:
    """A picture's subscribers, and how they are told."""

    def __init__(self) -> None:
        self._listeners: list[ScreenListener] = []

    def subscribe(self, listener: ScreenListener) -> Callable[[], None]:
        """Hear of changes from now on, until the returned function is called."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def tell(self, news: Callable[[ScreenListener], None]) -> None:
        """Call every listener. One that raises is dropped, and logged; the others, and the painter, go on."""
        for listener in tuple(self._listeners):
            try:
                news(listener)
            except Exception:
                logger.exception("A viewer could not be told what has changed")
                if listener in self._listeners:
                    self._listeners.remove(listener)


class Screen(Observable):
    """A picture with subscribers."""

    def __init__(
        self,
        width: int = NO_SIGNAL_SIZE[0],
        height: int = NO_SIGNAL_SIZE[1],
        *,
        on_painted: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_painted`` is called after every write or resize, also one that changed nothing."""
        super().__init__()
        #: another one for each size
        self.surface = new_surface(width, height)
        self._heads: tuple[Rect, ...] = ()
        self.cursor: AnyCursor = CursorState.DEFAULT
        self._on_painted = on_painted

    @property
    def pixels(self) -> Pixels:
        """The surface's; (height, width, 4) uint8."""
        return self.surface.pixels

    @property
    def width(self) -> int:
        return self.surface.width

    @property
    def height(self) -> int:
        return self.surface.height

    @property
    def rect(self) -> Rect:
        """The whole picture."""
        return self.surface.rect

    @property
    def heads(self) -> tuple[Rect, ...]:
        """The VM's displays as parts of the picture, the main one first; mostly one, which is all of it."""
        return self._heads or (self.rect,)

    def resize(self, width: int, height: int) -> None:
        """Start over in black at another size, of one head; the present size changes nothing."""
        if (width, height) == (self.width, self.height) and not self._heads:
            return
        self._heads = ()
        self.surface = new_surface(width, height)
        self.tell(lambda listener: listener.screen_resized(width, height))
        self._on_painted()

    def adopt(self, surface: Surface, heads: tuple[Rect, ...] = ()) -> None:
        """Show this one, which somebody else paints: see :meth:`written`. Of whatever size.

        ``heads``: of several, where each lies in it; other heads are told as another size is.
        """
        heads = heads if len(heads) > 1 else ()
        if surface is self.surface and heads == self._heads:
            return
        is_same = (surface.width, surface.height, heads) == (self.width, self.height, self._heads)
        self.surface, self._heads = surface, heads
        if is_same:
            self.tell_changed()
        else:
            self.tell(lambda listener: listener.screen_resized(surface.width, surface.height))
        self._on_painted()

    def set_cursor(self, cursor: AnyCursor) -> None:
        """The shape of the guest's pointer, where the guest does not draw it into its picture."""
        if cursor == self.cursor:
            return
        self.cursor = cursor
        self.tell(lambda listener: listener.cursor_changed())

    def move_cursor(self, x: int, y: int) -> None:
        """The guest has moved its pointer, which viewers follow unless they move theirs."""
        x, y = min(max(x, 0), self.width - 1), min(max(y, 0), self.height - 1)
        self.tell(lambda listener: listener.cursor_moved(x, y))

    def write(self, rect: Rect, bgrx: Pixels) -> None:
        """Put ``bgrx``, of the size of ``rect``, at its place; what lies outside is cut off."""
        if bgrx.shape != (rect.height, rect.width, 4):
            raise ValueError(f"pixels of shape {bgrx.shape} for {rect}")

        def part(band: Rect) -> Pixels:
            left, top = band.x - rect.x, band.y - rect.y
            return bgrx[top : top + band.height, left : left + band.width]

        self.update(rect, part)

    def update(self, rect: Rect, fetch: Callable[[Rect], Pixels]) -> None:
        """The same with pixels that are fetched band by band: a few rows at a time stay in the cache.

        What has been written is told, also if fetching fails halfway.
        """
        for _ in self.update_in_steps(rect, fetch):
            pass

    def update_in_steps(self, rect: Rect, fetch: Callable[[Rect], Pixels]) -> Generator[None, None, None]:
        """The same, for :meth:`pyrdpmux.net.fair.LoopShare.work`: a yield after every band of rows.

        What was written is told when it is done, or given up; another size meanwhile ends it.
        """
        surface = self.surface
        visible = rect.clip(surface.width, surface.height)
        bottom = visible.y
        try:
            for band in bands_of(visible):
                if surface is not self.surface:
                    return
                words = _words(fetch(band))
                surface.words[band.y : band.bottom, band.x : band.right] = words
                bottom = band.bottom
                yield
        finally:
            if bottom > visible.y and surface is self.surface:
                surface.touch([Rect.from_corners(visible.x, visible.y, visible.right, bottom)])
                self.tell_changed()
            self._on_painted()

    def written(self, surface: Surface, rects: Sequence[Rect]) -> None:
        """Pixels of the surface have been written by who has it; nothing, if it is not the present one."""
        if surface is self.surface:
            if rects:
                surface.touch(rects)
                self.tell_changed()
            self._on_painted()

    def released(self) -> None:
        """Nobody looks: black, without the memory that the picture took. Whoever paints it starts over."""
        self.surface = new_surface(self.width, self.height)

    def tell_changed(self) -> None:
        """Wake who looks: something was written to the surface."""
        self.tell(lambda listener: listener.screen_changed())


def bands_of(rect: Rect) -> Iterator[Rect]:
    """Its bands from top to bottom: as much as is copied in one step."""
    if rect.is_empty:
        return
    rows = max(1, min(BAND, BAND_PIXELS // max(rect.width, 1)))
    for top in range(rect.y, rect.bottom, rows):
        yield Rect(rect.x, top, rect.width, min(rows, rect.bottom - top))


def new_surface(width: int, height: int) -> Surface:
    """Black, in memory of its own. ValueError for what is no size of a screen."""
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise ValueError(f"a screen of {width}x{height}, 1 to {MAX_SIDE} allowed")
    # Of its own, and not the allocator's, which keeps what was used and clears it: what nobody paints takes
    # no memory, and what is given up is given back.
    memory = mmap.mmap(-1, Surface.size_of(width, height), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return Surface(width, height, memory)


def _words(pixels: Pixels) -> NDArray[np.uint32]:
    """One 32-bit word per pixel, without a copy where the four bytes lie together."""
    if pixels.strides[2] != 1:
        pixels = np.ascontiguousarray(pixels)
    return pixels.view(np.uint32)[:, :, 0]
