"""Which of the lossy places are made exact next."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.client_picture import CELL

TILE_CELLS: Final = 4
"""Cells per side of a tile of 64x64 pixels, of which all or nothing is taken."""


def overdue_parts(overdue: NDArray[np.bool_], picture: Rect, pixels: int) -> list[Rect]:
    """Tiles with cells of ``overdue`` (cells, cells) bool, the topmost first, up to so many pixels.

    Neighbors in a row are one rectangle; at least one tile is taken, if there is any. A tile of which only
    some cells are overdue counts as far as they reach.
    """
    rows = np.flatnonzero(overdue.any(axis=1))
    parts: list[Rect] = []
    for top in sorted({int(row) // TILE_CELLS * TILE_CELLS for row in rows}):
        band = overdue[top : top + TILE_CELLS]
        for column in np.flatnonzero(band.any(axis=0)).tolist():
            left = column // TILE_CELLS * TILE_CELLS
            if (
                parts
                and parts[-1].y // CELL // TILE_CELLS * TILE_CELLS == top
                and parts[-1].right > column * CELL
            ):
                continue
            if pixels <= 0 and parts:
                return parts
            part = _reach(band[:, left : left + TILE_CELLS], top, left).intersection(picture)
            parts.append(part)
            pixels -= part.pixels
    return parts


def _reach(cells: NDArray[np.bool_], top: int, left: int) -> Rect:
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    return Rect.from_corners(
        (left + int(columns[0])) * CELL,
        (top + int(rows[0])) * CELL,
        (left + int(columns[-1]) + 1) * CELL,
        (top + int(rows[-1]) + 1) * CELL,
    )
