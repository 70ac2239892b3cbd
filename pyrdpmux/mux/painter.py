"""From damaged rectangles of a picture to bitmap updates in the format that one client wants."""

from collections.abc import Iterable
from typing import Final

from pyrdpmux.mux.region import Rect

TILE: Final = 64
"""Side of the grid, anchored at the top left of the screen, at which damage is cut. One tile is one bitmap:
16 KiB at 32 bits, safely below every limit on an update's size."""

COLUMN_ALIGNMENT: Final = 4
"""Bitmaps are this many pixels wide, or a multiple: mstsc and the scan lines of MS-RDPBCGR 2.2.9.1.1.3.1.2.2
want it. Only at the right edge of an odd screen a codec has to pad."""


def tiles_of(damage: Iterable[Rect], width: int, height: int) -> list[Rect]:
    """What to send for this damage: at most one rectangle per tile of the grid, top down."""
    boxes: dict[tuple[int, int], Rect] = {}
    for rect in damage:
        visible = rect.clip(width, height)
        if visible.is_empty:
            continue
        for top in range(visible.y // TILE * TILE, visible.bottom, TILE):
            for left in range(visible.x // TILE * TILE, visible.right, TILE):
                piece = visible.intersection(Rect(left, top, TILE, TILE))
                known = boxes.get((top, left))
                boxes[top, left] = piece if known is None else known.union(piece)
    return [_aligned(boxes[cell], width) for cell in sorted(boxes)]


def _aligned(rect: Rect, width: int) -> Rect:
    left = rect.x - rect.x % COLUMN_ALIGNMENT
    right = rect.right + -rect.right % COLUMN_ALIGNMENT
    return Rect.from_corners(left, rect.y, min(right, width), rect.bottom)
