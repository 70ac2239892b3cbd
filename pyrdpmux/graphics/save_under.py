"""What a moved window covers: kept in a surface that is never shown, and copied back when it is uncovered.

Only what a move covers and does not carry along is saved: everything that changes, and the window's own text
would overwrite the background.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.client_picture import Layer
from pyrdpmux.graphics.commands import BACK, MAIN, Copy
from pyrdpmux.graphics.residual import Mask, best_rectangle, changed_rects

MIN_RESTORED: Final = 256
"""Pixels that a copy back has to save."""

MAX_RESTORED: Final = 3
"""Copies back within one changed rectangle."""


class SaveUnder:
    """The back surface of one stream of ``width`` x ``height``."""

    def __init__(self, width: int, height: int) -> None:
        self._layer = Layer(width, height)

    def save(self, main: Layer, source: Rect, destination: Rect, due: float) -> list[Copy]:
        """What ``main`` shows in ``destination`` is about to be covered by a move from ``source``.

        ``due``: of what is lossy there, see :meth:`Layer.copy`; below, too.
        """
        pieces = destination.without(source)
        for piece in pieces:
            self._layer.copy(main, piece, piece.x, piece.y, due)
        return [Copy(MAIN, piece, BACK, piece.x, piece.y) for piece in pieces]

    def uncover(
        self, rects: Sequence[Rect], main: Layer, current: Words, changed: Mask, due: float
    ) -> tuple[list[Copy], list[Rect]]:
        """Copies that make pixels of ``main`` what ``current`` has, and what is left of ``rects`` then.

        ``current`` is (h, w) uint32, ``changed`` (h, w) bool: where both differ; it is brought up to date.
        """
        copies: list[Copy] = []
        rest: list[Rect] = []
        for rect in rects:
            part = rect.slices
            is_kept = self._layer.words[part] == current[part]
            found = self._uncovered(rect, is_kept, changed[part])
            for place in found:
                main.copy(self._layer, place, place.x, place.y, due, current)
                copies.append(Copy(BACK, place, MAIN, place.x, place.y))
            rest += changed_rects(changed[part], rect.x, rect.y) if found else [rect]
        return copies, rest

    def _uncovered(self, rect: Rect, is_kept: Mask, changed: Mask) -> list[Rect]:
        found: list[Rect] = []
        while len(found) < MAX_RESTORED and (place := _restorable(is_kept, changed)) is not None:
            found.append(place.moved(rect.x, rect.y))
            changed[place.slices] = ~is_kept[place.slices]
        return found


def _restorable(is_kept: Mask, changed: Mask) -> Rect | None:
    """Where a copy back makes most pixels right, if that is worth it; both (h, w) bool."""
    wins = is_kept & changed
    saved = int(np.count_nonzero(wins))
    if saved < MIN_RESTORED:
        return None
    if saved == wins.size:  # most often, and nothing is better
        return Rect(0, 0, wins.shape[1], wins.shape[0])
    # 1 where a copy makes a pixel right, -1 where it makes it wrong.
    score = np.add(is_kept.view(np.int8), changed.view(np.int8))
    score -= 1
    # Strips of an L are found along one of its sides only.
    along, across = best_rectangle(score), best_rectangle(np.ascontiguousarray(score.T))
    if across is not None and (along is None or across[1] > along[1]):
        turned, saved = across
        best = Rect(turned.y, turned.x, turned.height, turned.width)
    elif along is not None:
        best, saved = along
    else:
        return None
    return best if saved >= MIN_RESTORED else None
