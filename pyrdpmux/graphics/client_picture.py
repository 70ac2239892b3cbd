"""What the clients of a stream show, as far as the server knows: every pixel, and how well it is shown.

Pixels are those that were *meant*: of a lossy codec, the client shows something near. So lossy pixels are
marked, and each cell of them with the time at which it is to be made exact; marks go along with copies.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect

CELL: Final = 16
"""Pixels per side of a cell, which is made exact as one: a macroblock."""

UNKNOWN: Final = 0xFF000000
"""A pixel that the client may show in any color: no pixel of a surface, whose fourth byte is masked, is
equal to it."""

EXACT: Final = np.inf
"""Of a cell that shows what was meant: it is never due."""

Marks = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Layer:
    """A surface at the client: ``words`` (h, w) uint32, and which of them are only near what was meant."""

    def __init__(self, width: int, height: int) -> None:
        rows, columns = -(-height // CELL), -(-width // CELL)
        self.words: Words = np.full((height, width), UNKNOWN, np.uint32)
        #: (rows * 16, columns * 16) bool, in whole cells
        self._lossy: Mask = np.zeros((rows * CELL, columns * CELL), np.bool_)
        #: (rows, columns) float64: not before then a cell is made exact; EXACT where none of it is lossy
        self._due: Marks = np.full((rows, columns), EXACT)

    @property
    def lossy(self) -> Mask:
        """(h, w) bool: pixels that the client shows only nearly as they were meant."""
        height, width = self.words.shape
        return self._lossy[:height, :width]

    @property
    def has_lossy(self) -> bool:
        """Whether there may be any."""
        return self._due.min() != EXACT if self._due.size else False

    def clone(self) -> "Layer":
        """One of its own, the same."""
        other = Layer.__new__(Layer)
        other.words, other._lossy, other._due = self.words.copy(), self._lossy.copy(), self._due.copy()
        return other

    def paint(self, rect: Rect, source: Words) -> None:
        """``source``, a picture of the same size, is shown in ``rect`` as it is."""
        part = rect.slices
        if source is not self.words:
            self.words[part] = source[part]
        self._lossy[part] = False

    def paint_lossy(self, rect: Rect, source: Words, due: float) -> None:
        """Nearly as it is, until it is ``due``."""
        if source is not self.words:
            self.words[rect.slices] = source[rect.slices]
        self.mark_lossy(rect, due)

    def mark_lossy(self, rect: Rect, due: float) -> None:
        """What is shown there is only nearly what was meant."""
        self._lossy[rect.slices] = True
        self._due[_cells(rect)] = due

    def copy(
        self, origin: "Layer", source: Rect, x: int, y: int, due: float, picture: Words | None = None
    ) -> None:
        """Show what ``origin`` (perhaps this one) shows in ``source`` at (x, y), with its losses.

        What moves does not rest: lossy pixels are ``due`` then. ``picture``, of this size, is what is shown
        in the end, if the caller paints all that it differs in from what was copied.
        """
        target = Rect(x, y, source.width, source.height)
        if picture is None:
            # numpy copies within an array by way of another one.
            self.words[target.slices] = origin.words[source.slices]
        elif picture is not self.words:
            self.words[target.slices] = picture[target.slices]
        self.copy_marks(origin, source, x, y, due)

    def copy_marks(self, origin: "Layer", source: Rect, x: int, y: int, due: float) -> None:
        """The losses of what is copied, only."""
        target = Rect(x, y, source.width, source.height)
        if not (origin.has_lossy or self.has_lossy):
            return
        losses = origin._lossy[source.slices]
        if losses.any():
            self._due[_cells(target)] = due
        self._lossy[target.slices] = losses

    def accept_marks(self, other: "Layer") -> None:
        """What is lossy in ``other``, of the same size, is so here, too."""
        self._lossy |= other._lossy
        np.minimum(self._due, other._due, out=self._due)

    def is_exact(self, rect: Rect) -> bool:
        """Whether all of it is known, and shown as it was meant."""
        part = rect.slices
        if self._lossy[rect.y, rect.x]:  # all of it, most often
            return False
        return not self._lossy[part].any() and not (self.words[part] == UNKNOWN).any()

    def is_due_after(self, rect: Rect, due: float) -> bool:
        """Whether most of its cells are lossy, and will be due later than that."""
        cells = self._due[_cells(rect)]
        return bool(2 * np.count_nonzero((cells > due) & (cells < EXACT)) > cells.size)

    def overdue(self, now: float) -> Mask:
        """(cells, cells) bool: those with lossy pixels that are to be made exact by now."""
        found: Mask = self._due <= now
        if found.any():
            rows, columns = found.shape
            # Sixteen pixels of a line are two words.
            folded = np.bitwise_or.reduce(self._lossy.view(np.uint64).reshape(rows, CELL, -1), axis=1)
            has_lossy = folded.reshape(rows, columns, -1).any(axis=2)
            self._due[~has_lossy] = EXACT
            found &= has_lossy
        return found

    def next_due(self) -> float | None:
        """When cells are to be looked at that may have to be made exact; None if all are."""
        first = float(self._due.min())
        return None if first == EXACT else first


def _cells(rect: Rect) -> tuple[slice, slice]:
    """All cells that a rectangle touches."""
    rows = slice(rect.y // CELL, -(-rect.bottom // CELL))
    return rows, slice(rect.x // CELL, -(-rect.right // CELL))
