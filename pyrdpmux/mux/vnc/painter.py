"""What a VNC server paints, into the surface of its VM, by the thread that decodes it.

Pixels are written at once, and their tiles are touched at the end of an update. Tiles that were touched
before may be looked at meanwhile: ``Surface.is_being_painted`` tells that it is better to wait. A long update
shows what it has every :data:`LONGEST_UPDATE`.
"""

import time
from collections.abc import Iterator
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import WHOLE_SECONDS, Surface
from pyrdpmux.mux.picture.screen import bands_of

LONGEST_UPDATE: Final = 0.05
"""Seconds for which what is painted is kept back."""

MAX_KEPT: Final = 4096
"""Rectangles that are kept back."""

MAX_MOVES: Final = 64
"""Of an update, that are proposed; servers send a handful."""

READER_POLL: Final = 0.001
"""Seconds between two looks whether the last picture has been taken over."""


class Painter:
    """Writes into one surface; another size of the desktop is another painter."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        surface.is_being_painted = False
        self._written: list[Rect] = []
        self._moves: dict[tuple[int, int], None] = {}
        #: there is something to show
        self._since: float | None = None

    def paint(self, x: int, y: int, pixels: Pixels) -> None:
        """Pixels (height, width, 4) with their corner at (x, y); what lies outside is cut off."""
        surface = self._surface
        height, width = pixels.shape[:2]
        visible = Rect(x, y, width, height).clip(surface.width, surface.height)
        if visible.is_empty:
            return
        words = pixels.view(np.uint32)[: visible.height, : visible.width, 0]
        self._begin()
        surface.words[visible.y : visible.bottom, visible.x : visible.right] = words
        self._written.append(visible)

    def copy(self, source: Rect, x: int, y: int) -> Iterator[None]:
        """What is at ``source``, to where (x, y) is its corner; a yield after each band.

        ValueError for a source that is not in the picture.
        """
        surface = self._surface
        if source.clip(surface.width, surface.height) != source:
            raise ValueError(f"{source} of a picture of {surface.width}x{surface.height}")
        dx, dy = x - source.x, y - source.y
        visible = Rect(x, y, source.width, source.height).clip(surface.width, surface.height)
        self._begin()
        # In the order in which no band overwrites what another is still to be copied from.
        bands = list(bands_of(visible))
        for band in reversed(bands) if dy > 0 else bands:
            rows = slice(band.y - dy, band.bottom - dy)
            # numpy finds out whether a band overlaps itself.
            moved = surface.words[rows, band.x - dx : band.right - dx]
            surface.words[band.y : band.bottom, band.x : band.right] = moved
            yield
        if bands:
            self._written.append(visible)
            if len(self._moves) < MAX_MOVES:
                self._moves[dx, dy] = None

    def _begin(self) -> None:
        """An update paints: not before those who look have taken the picture over, but no later than that."""
        surface = self._surface
        if not surface.is_being_painted:
            surface.is_being_painted = True
            latest = time.monotonic() + WHOLE_SECONDS
            while surface.readers and time.monotonic() < latest:
                time.sleep(READER_POLL)

    def is_due(self, now: float) -> bool:
        """What was written is to be shown although the update goes on. To be asked after each step."""
        if not self._written:
            return False
        if self._since is None:
            self._since = now
        return len(self._written) >= MAX_KEPT or now - self._since >= LONGEST_UPDATE

    def show(self) -> bool:
        """Touch what was written; False if nothing was."""
        self._since = None
        self._surface.is_being_painted = False
        if not self._written:
            return False
        self._surface.touch(self._written)
        for dx, dy in self._moves:
            self._surface.propose_move(dx, dy)
        self._written.clear()
        self._moves.clear()
        return True
