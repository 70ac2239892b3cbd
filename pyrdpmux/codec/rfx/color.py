"""BGRX to YCbCr and back (MS-RDPRFX 3.1.8.1.3, 3.1.8.2.5), in fixed point with five fraction bits.

::

    (tiles, 64, 64) words  ->  (4096, tiles) words  ->  (3, 4096, tiles) int16: Y - 128, Cb, Cr, times 32

The transposition to tile-minor layout is done once, on whole words, in front of all arithmetic.

INVARIANT: forward, with r, g, b in -128..127: each row of the matrix times 256 has coefficients whose
magnitudes add up to 256, so sums are within -32768..32767 and all is int16.
INVARIANT: backward, int32: chroma of 16 bits times at most 116,200 fits for every value that pictures have
(13 bits); hostile ones wrap around to other colors, harmlessly.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words

Plane = NDArray[np.int16]

TILE: Final = 64
PIXELS: Final = TILE * TILE
FRACTION_BITS: Final = 5

_CENTER: Final = np.uint32(0x00808080)
# Rows for Y, Cb, Cr, columns for r, g, b: 256 times the matrix of 3.1.8.1.3, rows adding up to 256, 0, 0.
_FORWARD: Final = np.array([[77, 150, 29], [-43, -85, 128], [128, -107, -21]], np.int16)
_SPARE: Final = 16
"""Words between tiles that are transposed together: at a distance of 16 KB, pixels of one place would all
want the same few lines of the cache, which takes seven times as long."""
_SAMPLED: Final = 21
"""Lines of a tile from one to the next that is looked at for color."""
_PART: Final = 1 << 15
"""Pixels that are converted at a time."""
_FORWARD_SHIFT: Final = np.int16(8 - FRACTION_BITS)

# The inverse of 3.1.8.2.5 times 65536.
_CR_TO_RED: Final = np.int32(91916)
_CB_TO_GREEN: Final = np.int32(-22527)
_CR_TO_GREEN: Final = np.int32(-46819)
_CB_TO_BLUE: Final = np.int32(115992)
_LEVEL: Final = np.int32(128 << FRACTION_BITS)
_HALF: Final = np.int32(1 << (16 + FRACTION_BITS - 1))


def gathered(tiles: Sequence[Words]) -> Words:
    """Tiles of (64, 64) words as (n, 64, 64), as :func:`to_planes` likes them to lie."""
    buffer = np.empty((len(tiles), PIXELS + _SPARE), np.uint32)
    result: Words = buffer[:, :PIXELS].reshape(len(tiles), TILE, TILE)
    for tile, place in zip(tiles, result, strict=True):
        place[...] = tile
    return result


def to_planes(tiles: Words) -> Plane:
    """(n, 64, 64) words to (4096, 3n): all Y lanes, all Cb lanes, all Cr lanes."""
    count = len(tiles)
    words = tiles.reshape(count, PIXELS)
    planes = np.empty((PIXELS, 3, count), np.int16)
    # Parts that stay in the first-level cache: half the time of all rows at once.
    rows = max(64, _PART // count)
    for first in range(0, PIXELS, rows):
        _part_to_planes(words[:, first : first + rows], planes[first : first + rows])
    return planes.reshape(PIXELS, 3 * count)


def are_gray(tiles: Words) -> NDArray[np.bool_]:
    """(n,) bool, which of (n, 64, 64) words have no color: their chroma is zero."""
    # Few lines tell most that have some.
    result = _without_color(tiles[:, ::_SAMPLED])
    rest = np.flatnonzero(result)
    if len(rest):
        result[rest] = _without_color(tiles[rest] if len(rest) < len(tiles) else tiles)
    return result


def _without_color(tiles: Words) -> NDArray[np.bool_]:
    difference = tiles >> np.uint32(8)
    difference ^= tiles
    difference &= np.uint32(0xFFFF)
    result: NDArray[np.bool_] = np.logical_not(difference.any(axis=(1, 2)))
    return result


def to_luma(tiles: Words) -> Plane:
    """(n, 64, 64) words of grays to (4096, n) lanes of Y, which :func:`to_planes` would have."""
    count = len(tiles)
    words = tiles.reshape(count, PIXELS)
    luma = np.empty((PIXELS, count), np.int16)
    rows = max(64, _PART // count)
    for first in range(0, PIXELS, rows):
        pixels = np.bitwise_xor(words[:, first : first + rows].T, _CENTER, order="C")
        luma[first : first + rows] = pixels.astype(np.int8)
    luma <<= np.int16(FRACTION_BITS)
    return luma


def _part_to_planes(words: Words, planes: Plane) -> None:
    """(n, rows) to (rows, 3, n)."""
    pixels = np.bitwise_xor(words.T, _CENTER, order="C")
    blue = pixels.astype(np.int16)
    green = blue >> np.int16(8)
    blue <<= np.int16(8)
    blue >>= np.int16(8)
    pixels >>= np.uint32(16)
    red = pixels.astype(np.int8).astype(np.int16)
    term = np.empty_like(blue)
    total = np.empty_like(blue)
    for component, row in enumerate(_FORWARD):
        np.multiply(red, row[0], out=total)
        np.multiply(green, row[1], out=term)
        total += term
        np.multiply(blue, row[2], out=term)
        total += term
        np.right_shift(total, _FORWARD_SHIFT, out=planes[:, component])


def to_pixels(planes: Plane) -> NDArray[np.uint8]:
    """(4096, 3n) lanes to (n, 64, 64, 4) BGRX, the fourth byte 255."""
    count = planes.shape[1] // 3
    lanes = planes.reshape(PIXELS, 3, count)
    luma = lanes[:, 0].astype(np.int32)
    luma += _LEVEL
    luma <<= np.int32(16)
    luma += _HALF
    cb, cr = lanes[:, 1].astype(np.int32), lanes[:, 2].astype(np.int32)
    words = np.full((PIXELS, count), 0xFF000000, np.uint32)
    green = cb * _CB_TO_GREEN
    green += cr * _CR_TO_GREEN
    for shift, channel in ((16, cr * _CR_TO_RED), (8, green), (0, cb * _CB_TO_BLUE)):
        channel += luma
        channel >>= np.int32(16 + FRACTION_BITS)
        np.clip(channel, 0, 255, out=channel)
        channel <<= np.int32(shift)
        words |= channel.view(np.uint32)
    return (
        np.ascontiguousarray(words.T).astype("<u4", copy=False).view(np.uint8).reshape(count, TILE, TILE, 4)
    )
