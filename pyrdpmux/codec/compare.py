"""What differs between two framebuffers: which 64x64 tiles, and within which exact bounds.

All four bytes of a pixel are compared; whoever fills framebuffers keeps the unused byte constant, or sees
a tile more.

Memory layout: two frames are compared as 64-bit words (two pixels each) into a byte per pair, one band of
tiles at a time, so that the bytes stay in the processor's cache; they are folded by OR, eight at a time. The
whole is one pass over both frames at the speed of memory.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Pixels, Words, words
from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect

TILE: Final = 64
"""Pixels per side of a tile: the largest bitmap that every client's codecs take."""


class Changes(NamedTuple):
    """Where two frames differ."""

    tiles: list[Rect]
    """Changed tiles of the frame's grid, clipped to the compared region, left to right, top to bottom."""
    bounds: Rect | None
    """The smallest rectangle that holds every changed pixel; None if there is none."""


def changed_tiles(previous: Pixels, current: Pixels, region: Rect | None = None) -> Changes:
    """The tiles and exact bounds of what differs between two (h, w, 4) uint8 frames of one size.

    ``region`` restricts the comparison, and is clipped to the frame; tiles keep to the frame's grid and are
    clipped to the region.
    """
    before, now = _pair(previous, current)
    height, width = before.shape
    whole = Rect(0, 0, width, height)
    wanted = whole if region is None else region.intersection(whole)
    if wanted.is_empty:
        return Changes([], None)
    left, top, right, bottom = wanted.x, wanted.y, wanted.right, wanted.bottom
    # From the left edge of the grid's tile, so that words line up; what is left of the region is masked.
    outer = left // TILE * TILE
    before, now = before[:, outer:right], now[:, outer:right]
    tiles: list[Rect] = []
    total: NDArray[np.uint64] | None = None
    bands: list[slice] = []
    for band_top in range(top // TILE * TILE, bottom, TILE):
        lines = slice(max(band_top, top), min(band_top + TILE, bottom))
        folded = _fold(_different_pairs(before[lines], now[lines], left - outer))
        for column in np.flatnonzero(_columns(folded)).tolist():
            start, stop = max(outer + column * TILE, left), min(outer + (column + 1) * TILE, right)
            tiles.append(Rect.from_corners(start, lines.start, stop, lines.stop))
        if folded.any():
            total = folded if total is None else total | folded
            bands.append(lines)
    if total is None:
        return Changes([], None)
    return Changes(tiles, _bounds(before, now, total.view(np.bool_), bands, (outer, left)))


def _pair(previous: Pixels, current: Pixels) -> tuple[Words, Words]:
    if previous.shape != current.shape:
        raise EncodeError("frames", f"shapes {previous.shape} and {current.shape}, expected the same")
    return words(previous), words(current)


def _different_pairs(before: Words, now: Words, skip: int = 0) -> NDArray[np.bool_]:
    """(lines, 32 a tile) bool: which pairs of pixels differ, the first ``skip`` pixels left out."""
    height, width = before.shape
    even = width // 2 * 2
    different = np.zeros((height, -(-width // TILE) * TILE // 2), np.bool_)
    pairs = different[:, : even // 2]
    np.not_equal(before[:, :even].view(np.uint64), now[:, :even].view(np.uint64), out=pairs)
    if width % 2:
        different[:, even // 2] = before[:, -1] != now[:, -1]
    if skip:
        different[:, : skip // 2] = False
        if skip % 2:
            different[:, skip // 2] = before[:, skip] != now[:, skip]
    return different


def _fold(different: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """All lines in one, eight pairs a word."""
    result: NDArray[np.uint64] = np.bitwise_or.reduce(different.view(np.uint64), axis=0)
    return result


def _columns(folded: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(tiles,) bool."""
    result: NDArray[np.bool_] = np.any(folded.reshape(-1, TILE // 16).astype(np.bool_), axis=1)
    return result


def _bounds(
    before: Words, now: Words, pairs: NDArray[np.bool_], bands: list[slice], edges: tuple[int, int]
) -> Rect:
    """The exact bounds, from a close look at the outermost pairs and at the outermost bands' lines."""
    outer, left = edges
    skip = left - outer
    top = bands[0].start + _lines(before[bands[0]], now[bands[0]], skip)[0]
    bottom = bands[-1].start + _lines(before[bands[-1]], now[bands[-1]], skip)[-1] + 1
    changed = np.flatnonzero(pairs)
    first, last = int(changed[0]) * 2, int(changed[-1]) * 2
    lines = slice(top, bottom)
    if first < skip or not (before[lines, first] != now[lines, first]).any():
        first += 1
    if last + 1 < before.shape[1] and (before[lines, last + 1] != now[lines, last + 1]).any():
        last += 1
    return Rect(outer + first, top, last + 1 - first, bottom - top)


def _lines(before: Words, now: Words, skip: int) -> list[int]:
    """Those in which anything differs."""
    different = _different_pairs(before, now, skip).view(np.uint64)
    lines: list[int] = np.flatnonzero(different.any(axis=1)).tolist()
    return lines
