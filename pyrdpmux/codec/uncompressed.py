"""Pixels as they are: RDPGFX_CODECID_UNCOMPRESSED (MS-RDPEGFX 2.2.2.1), and surface commands without a codec.

MS-RDPEGFX has 32 bits a pixel, lines top-down, the fourth byte opacity or unused. A surface command with
``codecID`` 0 (MS-RDPBCGR 2.2.9.2.1.1 TS_BITMAP_DATA_EX) may have fewer bits; its lines are bottom-up.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec.batches import cut
from pyrdpmux.codec.color import MAX_PIXELS, REDUCE, Pixels, Samples, expand, sample_size, words
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect

ALL_BITS: Final = 32


def encode(
    frame: Pixels, rects: Sequence[Rect], bits_per_pixel: int = ALL_BITS, *, bottom_up: bool = False
) -> list[bytes]:
    """The bytes of each of ``rects`` of a (h, w, 4) uint8 BGRX frame.

    32 bits are lossless and keep the fourth byte; less is what `codec.color` makes of it.
    """
    return encode_tiles(cut(frame, rects), bits_per_pixel, bottom_up=bottom_up)


def encode_tiles(
    tiles: Sequence[Pixels] | Pixels, bits_per_pixel: int = ALL_BITS, *, bottom_up: bool = False
) -> list[bytes]:
    """The same of (h, w, 4) uint8 BGRX tiles."""
    result = []
    for tile in tiles:
        source = words(tile)[::-1] if bottom_up else words(tile)
        if bits_per_pixel == ALL_BITS:
            result.append(source.tobytes())
            continue
        size = sample_size(bits_per_pixel)
        samples = REDUCE[bits_per_pixel](np.ascontiguousarray(source))
        octets = np.ascontiguousarray(samples).view(np.uint8).reshape(source.size, -1)
        result.append(octets[:, :size].tobytes())
    return result


def decode(
    data: bytes,
    width: int,
    height: int,
    bits_per_pixel: int = ALL_BITS,
    *,
    bottom_up: bool = False,
    out: Pixels | None = None,
) -> Pixels:
    """(height, width, 4) uint8 BGRX; DecodeError unless ``data`` has exactly that many pixels."""
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        raise DecodeError("Uncompressed", f"{width} x {height} pixels, expected 1 to {MAX_PIXELS}", 0)
    size = 4 if bits_per_pixel == ALL_BITS else sample_size(bits_per_pixel)
    if len(data) != size * width * height:
        raise DecodeError("Uncompressed", f"{len(data)} bytes, expected {size * width * height}", 0)
    octets = np.frombuffer(data, np.uint8).reshape(height, width, size)
    if bits_per_pixel == ALL_BITS:
        pixels: Pixels = octets
    else:
        samples: Samples = np.zeros((height, width), np.uint32)
        for index in range(size):
            samples |= octets[..., index].astype(np.uint32) << np.uint32(8 * index)
        pixels = expand(samples, bits_per_pixel)
    if bottom_up:
        pixels = pixels[::-1]
    if out is None:
        return pixels.copy()
    out[...] = pixels
    return out
