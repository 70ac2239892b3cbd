"""The daemon's own copy of a VM's picture, and who wants to hear when it changes.

One copy per VM, however many viewers: a viewer keeps only a :class:`~pyrdpmux.geometry.Region` of what it
has not been sent. The guest's dirty rectangles are hints; what is reported is what really differs.
"""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import MAX_SIDE, Rect, bounding_box
from pyrdpmux.mux.picture.cursor import AnyCursor, CursorState

logger = logging.getLogger("pyrdpmux.mux")


NO_SIGNAL_SIZE: Final = (640, 480)
"""What a viewer sees, in black, until the VM shows something."""

BAND: Final = 64
"""Rows compared at a time, at most; changes in different bands are told apart."""

BAND_PIXELS: Final = 1 << 17
"""And fewer rows of a very wide picture: memory that was never touched costs a millisecond for so many."""

MAX_REPORTED: Final = 64
"""Rectangles that listeners are told of at once. Stripes that fit no pattern would be thousands."""

GAP: Final = 64
"""Unchanged columns between two changes of a band that make them two rectangles."""


class ScreenListener(Protocol):
    """Called at once, from inside the write; a listener takes notes and returns."""

    def screen_damaged(self, rects: Sequence[Rect]) -> None: ...

    def screen_resized(self, width: int, height: int) -> None:
        """All of the picture is new (black, at first): nothing that a viewer has is of use any more."""

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
        self.pixels: Pixels = _black(width, height)
        self.cursor: AnyCursor = CursorState.DEFAULT
        self._on_painted = on_painted

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def rect(self) -> Rect:
        """The whole picture."""
        return Rect(0, 0, self.width, self.height)

    def resize(self, width: int, height: int) -> None:
        """Start over in black at another size; the present size changes nothing."""
        if (width, height) == (self.width, self.height):
            return
        self.pixels = _black(width, height)
        self.tell(lambda listener: listener.screen_resized(width, height))
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

        What has been written is reported, also if fetching fails halfway.
        """
        for _ in self.update_in_steps(rect, fetch):
            pass

    def update_in_steps(self, rect: Rect, fetch: Callable[[Rect], Pixels]) -> Generator[None, None, None]:
        """The same, for :meth:`pyrdpmux.net.fair.LoopShare.work`: a yield after every band of rows.

        What has changed is reported when it is done, or given up; another size meanwhile ends it.
        """
        visible = rect.clip(self.width, self.height)
        pixels = self.pixels
        damage = _Damage()
        try:
            for band in bands_of(visible):
                if pixels is not self.pixels:
                    damage = _Damage()
                    return
                damage.add_below(_write_band(_words(pixels), _words(fetch(band)), band))
                yield
        finally:
            if damaged := damage.reported():
                self.tell(lambda listener: listener.screen_damaged(damaged))
            self._on_painted()


def bands_of(rect: Rect) -> Iterator[Rect]:
    """Its bands from top to bottom: as much as is compared and copied in one step."""
    rows = max(1, min(BAND, BAND_PIXELS // max(rect.width, 1)))
    for top in range(rect.y, rect.bottom, rows):
        yield Rect(rect.x, top, rect.width, min(rows, rect.bottom - top))


def _black(width: int, height: int) -> Pixels:
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise ValueError(f"a screen of {width}x{height}, 1 to {MAX_SIDE} allowed")
    return np.zeros((height, width, 4), np.uint8)


def _words(pixels: Pixels) -> NDArray[np.uint32]:
    """One 32-bit word per pixel, without a copy where the four bytes lie together."""
    if pixels.strides[2] != 1:
        pixels = np.ascontiguousarray(pixels)
    return pixels.view(np.uint32)[:, :, 0]


def _write_band(target: NDArray[np.uint32], source: NDArray[np.uint32], band: Rect) -> list[Rect]:
    """Copy ``source`` to its place where it differs; returns the changed rectangles, disjoint."""
    old = target[band.y : band.bottom, band.x : band.right]
    changed = old != source
    if not changed.any():
        return []
    rects = _changed_rects(changed, band.x, band.y)
    for rect in rects:
        part = np.s_[rect.y - band.y : rect.bottom - band.y, rect.x - band.x : rect.right - band.x]
        old[part] = source[part]
    return rects


def _changed_rects(changed: NDArray[np.bool_], x: int, y: int) -> list[Rect]:
    """The tight boxes around each run of columns, less than a gap apart, in one band."""
    columns = np.flatnonzero(changed.any(axis=0))
    breaks = np.flatnonzero(np.diff(columns) > GAP) + 1
    rects = []
    for run in np.split(columns, breaks):
        left, right = int(run[0]), int(run[-1]) + 1
        rows = np.flatnonzero(changed[:, left:right].any(axis=1))
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        rects.append(Rect(x + left, y + top, right - left, bottom - top))
    return rects


class _Damage:
    """Changed rectangles, band after band; those of equal width right below each other are one."""

    def __init__(self) -> None:
        self._rects: list[Rect] = []
        #: where those are that end at a certain row: by left edge, width and bottom
        self._open: dict[tuple[int, int, int], int] = {}

    def add_below(self, rects: list[Rect]) -> None:
        """The changed rectangles of the next band, which lies below all others."""
        for rect in rects:
            index = self._open.pop((rect.x, rect.width, rect.y), None)
            if index is None:
                index = len(self._rects)
                self._rects.append(rect)
            else:
                self._rects[index] = self._rects[index].union(rect)
            self._open[rect.x, rect.width, rect.bottom] = index

    def reported(self) -> list[Rect]:
        """All of them; of too many, the boxes around those that begin in the same strip of rows."""
        if len(self._rects) <= MAX_REPORTED:
            return self._rects
        box = bounding_box(self._rects)
        strip = -(-box.height // MAX_REPORTED)
        strips: dict[int, Rect] = {}
        for rect in self._rects:
            number = (rect.y - box.y) // strip
            strips[number] = strips[number].union(rect) if number in strips else rect
        return list(strips.values())
