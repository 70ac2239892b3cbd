"""The daemon's own copy of a VM's picture, and who wants to hear when it changes.

One copy per VM, however many viewers: a viewer keeps only a :class:`~pyrdpmux.mux.region.Region` of what it
has not been sent. The guest's dirty rectangles are hints; what is reported is what really differs.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.mux.region import Rect

Pixels: TypeAlias = NDArray[np.uint8]
"""(height, width, 4): blue, green, red, and a fourth byte that is always 0."""

MAX_SIDE: Final = 8192
"""MS-RDPBCGR 2.2.7.1.2: desktopWidth and desktopHeight of a bitmap capability go up to 8192 in practice."""

NO_SIGNAL_SIZE: Final = (640, 480)
"""What a viewer sees, in black, until the VM shows something."""

TILE: Final = 64
"""Changes are told apart at this distance; closer ones share a rectangle."""


class ScreenListener(Protocol):
    """Called at once, from inside the write; a listener takes notes and returns."""

    def screen_damaged(self, rects: Sequence[Rect]) -> None: ...

    def screen_resized(self, width: int, height: int) -> None:
        """All of the picture is new (black, at first): nothing that a viewer has is of use any more."""


class Screen:
    """A picture with subscribers."""

    def __init__(self, width: int = NO_SIGNAL_SIZE[0], height: int = NO_SIGNAL_SIZE[1]) -> None:
        self.pixels: Pixels = _black(width, height)
        self._listeners: list[ScreenListener] = []

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def rect(self) -> Rect:
        """All of it."""
        return Rect(0, 0, self.width, self.height)

    def resize(self, width: int, height: int) -> None:
        """Start over in black at another size; the present size changes nothing."""
        if (width, height) == (self.width, self.height):
            return
        self.pixels = _black(width, height)
        for listener in tuple(self._listeners):
            listener.screen_resized(width, height)

    def write(self, rect: Rect, bgrx: Pixels) -> None:
        """Put ``bgrx``, of the size of ``rect``, at its place; what lies outside is cut off."""
        if bgrx.shape != (rect.height, rect.width, 4):
            raise ValueError(f"pixels of shape {bgrx.shape} for {rect}")
        visible = rect.clip(self.width, self.height)
        if visible.is_empty:
            return
        left, top = visible.x - rect.x, visible.y - rect.y
        source = _words(bgrx[top : top + visible.height, left : left + visible.width])
        damaged = _update(_words(self.pixels), source, visible)
        if damaged:
            for listener in tuple(self._listeners):
                listener.screen_damaged(damaged)

    def subscribe(self, listener: ScreenListener) -> Callable[[], None]:
        """Hear of changes from now on, until the returned function is called."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe


def _black(width: int, height: int) -> Pixels:
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise ValueError(f"a screen of {width}x{height}, 1 to {MAX_SIDE} allowed")
    return np.zeros((height, width, 4), np.uint8)


def _words(pixels: Pixels) -> NDArray[np.uint32]:
    """One 32-bit word per pixel, without a copy where the four bytes lie together."""
    if pixels.strides[2] != 1:
        pixels = np.ascontiguousarray(pixels)
    return pixels.view(np.uint32)[:, :, 0]


def _update(target: NDArray[np.uint32], source: NDArray[np.uint32], place: Rect) -> list[Rect]:
    """Copy ``source`` to ``place`` where it differs; returns the changed rectangles, disjoint.

    Works in bands of rows that fit the cache: comparing and, if need be, copying touch memory once.
    """
    damaged: list[Rect] = []
    for top in range(0, place.height, TILE):
        new = source[top : top + TILE]
        y = place.y + top
        old = target[y : y + new.shape[0], place.x : place.right]
        changed = old != new
        if changed.any():
            rects = _changed_rects(changed, place.x, y)
            for rect in rects:
                part = np.s_[rect.y - y : rect.bottom - y, rect.x - place.x : rect.right - place.x]
                old[part] = new[part]
            _append_below(damaged, rects)
    return damaged


def _changed_rects(changed: NDArray[np.bool_], x: int, y: int) -> list[Rect]:
    """The tight boxes around each run of columns, less than a tile apart, in one band."""
    columns = np.flatnonzero(changed.any(axis=0))
    breaks = np.flatnonzero(np.diff(columns) > TILE) + 1
    rects = []
    for run in np.split(columns, breaks):
        left, right = int(run[0]), int(run[-1]) + 1
        rows = np.flatnonzero(changed[:, left:right].any(axis=1))
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        rects.append(Rect(x + left, y + top, right - left, bottom - top))
    return rects


def _append_below(damaged: list[Rect], rects: list[Rect]) -> None:
    """Join a band's rectangles to those right above them that are equally wide."""
    for rect in rects:
        for index, above in enumerate(damaged):
            if (above.x, above.width, above.bottom) == (rect.x, rect.width, rect.y):
                damaged[index] = above.union(rect)
                break
        else:
            damaged.append(rect)
