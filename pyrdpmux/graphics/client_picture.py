"""What the clients of a stream show, as far as the server knows: every pixel, and how well it is shown.

Pixels are those that were *meant*: of a lossy codec, the client shows something near. So lossy places are
marked, cell by cell, with the time at which they are to be made exact; marks go along with copies.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect

CELL: Final = 16
"""Pixels per side of a cell, whose pixels have one mark: a macroblock."""

UNKNOWN: Final = 0xFF000000
"""A pixel that the client may show in any color: no pixel of a surface, whose fourth byte is masked, is
equal to it."""

TILE_BYTES: Final = 64 * 64 * 4
"""Of a tile in the clients' cache."""

EXACT: Final = np.inf
"""The mark of a cell that shows what was meant."""

Marks = NDArray[np.float64]


class Layer:
    """A surface at the client: ``words`` (h, w) uint32 and ``due`` (cells, cells) float64.

    ``due`` is when a lossy cell is to be made exact, on the clock of the caller, or EXACT.
    """

    def __init__(self, width: int, height: int) -> None:
        self.words: Words = np.full((height, width), UNKNOWN, np.uint32)
        self.due: Marks = np.full((-(-height // CELL), -(-width // CELL)), EXACT)
        #: whether any cell is lossy, or may be
        self.has_lossy = False

    def forget(self) -> None:
        """The client may show anything."""
        self.words.fill(UNKNOWN)
        self.due.fill(EXACT)
        self.has_lossy = False

    def clone(self) -> "Layer":
        """One of its own, the same."""
        other = Layer.__new__(Layer)
        other.words, other.due, other.has_lossy = self.words.copy(), self.due.copy(), self.has_lossy
        return other

    def paint(self, rect: Rect, source: Words) -> None:
        """``source``, a picture of the same size, is shown in ``rect`` as it is."""
        part = _part(rect)
        self.words[part] = source[part]
        if self.has_lossy:
            self._clear(rect)

    def paint_lossy(self, rect: Rect, source: Words, due: float) -> None:
        """Nearly as it is: whole cells count as lossy, also those that ``rect`` only touches."""
        part = _part(rect)
        self.words[part] = source[part]
        self.due[_cells(rect)] = due
        self.has_lossy = True

    def copy(self, origin: "Layer", source: Rect, x: int, y: int) -> None:
        """Show what ``origin`` (perhaps this one) shows in ``source`` at (x, y), with its losses."""
        target = Rect(x, y, source.width, source.height)
        losses = origin._losses(source, x, y) if origin.has_lossy else None
        self.words[_part(target)] = origin.words[_part(source)]
        if self.has_lossy:
            self._clear(target)
        if losses is not None:
            cells = _cells(target)
            self.due[cells] = np.minimum(self.due[cells], losses)
            self.has_lossy = True

    def accept_marks(self, other: "Layer") -> None:
        """What is lossy in ``other``, of the same size, is so here, too."""
        np.minimum(self.due, other.due, out=self.due)
        self.has_lossy = self.has_lossy or other.has_lossy

    def is_exact(self, rect: Rect) -> bool:
        """Whether all of it is known, and shown as it was meant."""
        if self.has_lossy and (self.due[_cells(rect)] != EXACT).any():
            return False
        return not (self.words[_part(rect)] == UNKNOWN).any()

    def overdue(self, now: float) -> NDArray[np.bool_]:
        """(cells, cells) bool: lossy ones that are to be made exact by now."""
        found: NDArray[np.bool_] = self.due <= now
        return found

    def next_due(self) -> float | None:
        """When the first lossy cell is to be made exact; None if all are."""
        if not self.has_lossy:
            return None
        first = float(self.due.min())
        if first == EXACT:
            self.has_lossy = False
            return None
        return first

    # -- inside ----------------------------------------------------------------------------------

    def _clear(self, rect: Rect) -> None:
        """Whole cells of ``rect`` are exact now; those that it only touches stay as they are."""
        height, width = self.words.shape
        top, left = -(-rect.y // CELL), -(-rect.x // CELL)
        # The last row and column of cells are as small as the picture leaves them.
        bottom = len(self.due) if rect.bottom == height else rect.bottom // CELL
        right = self.due.shape[1] if rect.right == width else rect.right // CELL
        self.due[top:bottom, left:right] = EXACT

    def _losses(self, source: Rect, x: int, y: int) -> Marks | None:
        """For each cell that the copy touches, the earliest due of the cells that come to lie in it."""
        if not (self.due[_cells(source)] != EXACT).any():
            return None
        rows = _origins(y, source.height, source.y, len(self.due))
        columns = _origins(x, source.width, source.x, self.due.shape[1])
        found = np.full((len(rows[0]), len(columns[0])), EXACT)
        for row in rows:
            for column in columns:
                np.minimum(found, self.due[np.ix_(row, column)], out=found)
        return found


def _origins(target: int, size: int, source: int, count: int) -> list[NDArray[np.int64]]:
    """Along one axis, for each cell of the target the first and the last cell of the source in it: all that
    there can be, since both have the same size."""
    cells = np.arange(target // CELL, -(-(target + size) // CELL))
    first = np.maximum(cells * CELL, target) - target + source
    last = np.minimum((cells + 1) * CELL, target + size) - 1 - target + source
    return [np.minimum(part // CELL, count - 1) for part in (first, last)]


def _part(rect: Rect) -> tuple[slice, slice]:
    return slice(rect.y, rect.bottom), slice(rect.x, rect.right)


def _cells(rect: Rect) -> tuple[slice, slice]:
    """All cells that a rectangle touches."""
    rows = slice(rect.y // CELL, -(-rect.bottom // CELL))
    return rows, slice(rect.x // CELL, -(-rect.right // CELL))


class TileCache:
    """Which tiles lie in which slots of the clients' cache; the one that was used longest ago goes first.

    Slots begin at 1 and are overwritten, never evicted: who joins a stream later has nothing in them, and a
    client that evicts an empty slot may close the channel.
    """

    def __init__(self, slots: int, max_bytes: int) -> None:
        """``max_bytes`` bounds what all slots hold, each counted as a whole tile (MS-RDPEGFX 3.3.1.4)."""
        self._slots = min(slots, max_bytes // TILE_BYTES)
        #: key -> slot, in the order of their use
        self._known: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: int) -> int | None:
        """The slot that holds it."""
        slot = self._known.pop(key, None)
        if slot is not None:
            self._known[key] = slot
        return slot

    def add(self, key: int) -> int | None:
        """A slot for it, to be stored to; None if there is no cache."""
        if len(self._known) < self._slots:
            slot = len(self._known) + 1
        elif self._known:
            slot = self._known.pop(next(iter(self._known)))
        else:
            return None
        self._known[key] = slot
        return slot

    def forget(self) -> None:
        """Nothing of it may be used any more."""
        self._known.clear()
