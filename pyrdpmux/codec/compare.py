"""What differs between two framebuffers: which 64x64 tiles, and within which exact bounds.

All four bytes of a pixel are compared; whoever fills framebuffers keeps the unused byte constant, or sees
a tile more.

Memory layout: two frames are compared as 64-bit words (two pixels each) into a byte per pair, one band of tiles
at a time, so that the bytes stay in the processor's cache; they are folded by OR, eight at a time. The whole
is one pass over both frames at the speed of memory.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.bitmap import Rectangle
from pyrdpmux.codec.color import Pixels, Words, words
from pyrdpmux.errors import EncodeError

TILE: Final = 64
"""Pixels per side of a tile: the largest bitmap that every client's codecs take."""


class Changes(NamedTuple):
    """Where two frames differ."""

    tiles: list[Rectangle]
    """Changed tiles of the frame's grid, clipped to the compared region, left to right, top to bottom."""
    bounds: Rectangle | None
    """The smallest rectangle that holds every changed pixel; None if there is none."""


def changed_map(previous: Pixels, current: Pixels) -> NDArray[np.bool_]:
    """(ceil(h/64), ceil(w/64)) bool: the tiles in which two (h, w, 4) uint8 frames differ."""
    before, now = _pair(previous, current)
    height, width = before.shape
    columns = -(-width // TILE)
    result = np.zeros((-(-height // TILE), columns), np.bool_)
    for row in range(len(result)):
        band = slice(row * TILE, (row + 1) * TILE)
        result[row] = _changed_columns(before[band], now[band], columns)
    return result


def changed_tiles(previous: Pixels, current: Pixels, region: Rectangle | None = None) -> Changes:
    """The tiles and exact bounds of what differs between two (h, w, 4) uint8 frames of one size.

    ``region`` (x, y, width, height) restricts the comparison, and is clipped to the frame; tiles keep to
    the frame's grid and are clipped to the region.
    """
    before, now = _pair(previous, current)
    height, width = before.shape
    x, y, w, h = (0, 0, width, height) if region is None else region
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
    if left >= right or top >= bottom:
        return Changes([], None)
    # The grid's whole tiles around the region: their bytes line up, and clipping comes after.
    outer_left, outer_top = left // TILE * TILE, top // TILE * TILE
    tiles: list[Rectangle] = []
    bounds: list[Rectangle] = []
    columns = -(-(right - outer_left) // TILE)
    for band_top in range(outer_top, bottom, TILE):
        lines = slice(max(band_top, top), min(band_top + TILE, bottom))
        cut = slice(outer_left, right)
        changed = _changed_columns(before[lines, cut], now[lines, cut], columns)
        for column in np.flatnonzero(changed).tolist():
            start = outer_left + column * TILE
            clipped = slice(max(start, left), min(start + TILE, right))
            inner = _bounds(before, now, clipped, lines)
            if inner:
                tiles.append(
                    (clipped.start, lines.start, clipped.stop - clipped.start, lines.stop - lines.start)
                )
                bounds.append(inner)
    return Changes(tiles, _union(bounds))


def _pair(previous: Pixels, current: Pixels) -> tuple[Words, Words]:
    if previous.shape != current.shape:
        raise EncodeError("frames", f"shapes {previous.shape} and {current.shape}, expected the same")
    return words(previous), words(current)


def _changed_columns(before: Words, now: Words, columns: int) -> NDArray[np.bool_]:
    """(columns,) bool for up to 64 lines."""
    height, width = before.shape
    even = width // 2 * 2
    different = np.zeros((height, columns * TILE // 2), np.bool_)
    pairs = different[:, : even // 2]
    if before.strides[1] == now.strides[1] == before.itemsize:
        np.not_equal(before[:, :even].view(np.uint64), now[:, :even].view(np.uint64), out=pairs)
    else:
        np.not_equal(before[:, 0:even:2], now[:, 0:even:2], out=pairs)
        pairs |= before[:, 1:even:2] != now[:, 1:even:2]
    if width % 2:
        different[:, even // 2] = before[:, -1] != now[:, -1]
    folded: NDArray[np.bool_] = np.bitwise_or.reduce(different.view(np.uint64), axis=0).astype(np.bool_)
    result: NDArray[np.bool_] = np.any(folded.reshape(columns, -1), axis=1)
    return result


def _bounds(before: Words, now: Words, across: slice, down: slice) -> Rectangle | None:
    """The exact bounds of what differs within one tile."""
    different = before[down, across] != now[down, across]
    columns = np.flatnonzero(different.any(axis=0))
    if not len(columns):
        return None
    lines = np.flatnonzero(different.any(axis=1))
    x, y = int(columns[0]), int(lines[0])
    return across.start + x, down.start + y, int(columns[-1]) - x + 1, int(lines[-1]) - y + 1


def _union(parts: list[Rectangle]) -> Rectangle | None:
    if not parts:
        return None
    left, top = min(x for x, _, _, _ in parts), min(y for _, y, _, _ in parts)
    right, bottom = max(x + w for x, _, w, _ in parts), max(y + h for _, y, _, h in parts)
    return left, top, right - left, bottom - top
