"""RDP 6.0 planes (MS-RDPEGDI 3.1.9.2) without runs, for photos that ZGFX compresses behind.

Photos have few runs, and ZGFX repeats a byte for less than a control byte costs. What counts are the
differences to the line before, which are small in photos and have short codes there. So every line is cut
into stretches of 15 raw values, and all control bytes stand at places that follow from the width alone: ten
calls of numpy for a picture of any size, where finding runs takes a hundred.

INVARIANT: differences and their zigzag form are uint8 and wrap.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.codec.planar_encoder import (
    HEADER_RAW_NO_ALPHA,
    HEADER_RLE_NO_ALPHA,
    PLANES,
    RAW_MAX,
)
from pyrdpmux.codec.scatter import Bytes

SMALL: Final = 12
"""Differences from -6 to 5 have codes of 5 to 7 bits in ZGFX, most others of 9."""
SMALL_SHARE: Final = 3
"""Where fewer than one in so many is small, plain values are shorter: they need no control bytes."""
EQUAL_SHARE: Final = 2
"""Where more than one in so many is zero, runs are shorter, and leave less to be compressed."""


def encode(words: Words, *, bottom_up: bool) -> bytes | None:
    """The RDP6_BITMAP_STREAM of (h, w) uint32 words 0xXXRRGGBB, lossless for red, green and blue.

    None where runs are worth being looked for.
    """
    height, width = words.shape
    octets = np.ascontiguousarray(words[:: -1 if bottom_up else 1], "<u4").view(np.uint8)
    # Red, green, blue.
    planes = octets.reshape(height, width, 4)[:, :, 2::-1].transpose(2, 0, 1)
    values = _zigzagged(planes)
    if (values.size - np.count_nonzero(values)) * EQUAL_SHARE > values.size:
        return None
    if np.count_nonzero(values < np.uint8(SMALL)) * SMALL_SHARE < values.size:
        return b"".join([HEADER_RAW_NO_ALPHA, planes.tobytes(), b"\0"])
    return HEADER_RLE_NO_ALPHA + _in_stretches(values).tobytes()


def _zigzagged(planes: Bytes) -> Bytes:
    """(3, h, w) uint8: the first line as it is, then differences x < 0 as -2x - 1, others as 2x."""
    values = np.empty(planes.shape, np.uint8)
    values[:, 0] = planes[:, 0]
    np.subtract(planes[:, 1:], planes[:, :-1], out=values[:, 1:])
    later: NDArray[np.int8] = values[:, 1:].view(np.int8)
    sign = later >> np.int8(7)
    later += later
    later ^= sign
    return values


def _in_stretches(values: Bytes) -> Bytes:
    """(3, h, w + stretches of a line) uint8: ``values`` (3, h, w), a control byte before each stretch."""
    height, width = values.shape[1:]
    full, rest = divmod(width, RAW_MAX)
    result = np.empty((PLANES, height, width + full + (rest > 0)), np.uint8)
    if full:
        stretches = result[:, :, : full * (1 + RAW_MAX)].reshape(PLANES, height, full, 1 + RAW_MAX)
        stretches[..., 0] = RAW_MAX << 4
        stretches[..., 1:] = values[:, :, : full * RAW_MAX].reshape(PLANES, height, full, RAW_MAX)
    if rest:
        result[:, :, -rest - 1] = rest << 4
        result[:, :, -rest:] = values[:, :, full * RAW_MAX :]
    return result
