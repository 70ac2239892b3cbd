"""Pointer shapes (MS-RDPBCGR 2.2.9.1.1.4.4, 2.2.9.1.1.4.5): BGRA pixels to and from XOR and AND masks.

Memory layout: an image is (height, width, 4) uint8, top-down, bytes blue, green, red, alpha, the colors
multiplied by alpha. A mask's scan lines are padded to an even number of bytes and go bottom-up, with one
exception that the specification does not mention: at 1 bpp both go top-down (Windows Server 2016 sends
them so, and FreeRDP shows them so).

======  =====  ===================================================
AND     XOR    pixel
======  =====  ===================================================
0       color  that color
1       black  transparent
1       white  the screen's, inverted; shown as a checkered pattern
======  =====  ===================================================

At 32 bpp the XOR mask's alpha decides, and its colors are premultiplied; the AND mask is for those who
cannot blend, and set where alpha is below 128 (as Windows Server 2016 does both).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import DecodeError, EncodeError

Rows = NDArray[np.uint8]
"""(height, bytes) of a mask."""
Bits = NDArray[np.bool_]
"""(height, width)."""

OPAQUE_FROM: Final = 128
ENCODED_DEPTHS: Final = (24, 32)
DECODED_DEPTHS: Final = (1, 16, 24, 32)
MAX_SIZE: Final = 384


def premultiply(image: Pixels) -> Pixels:
    """An image with straight alpha as this module wants it."""
    result = image.copy()
    alpha = image[:, :, 3:].astype(np.uint16)
    # At most 255 * 255 + 127: fits uint16.
    result[:, :, :3] = (image[:, :, :3] * alpha + 127) // 255
    return result


def encode_pointer(image: Pixels, bits_per_pixel: int = 32) -> tuple[bytes, bytes]:
    """XOR and AND mask of ``image``: 32 bpp for a new or large pointer, 24 for a color pointer."""
    if bits_per_pixel not in ENCODED_DEPTHS:
        raise EncodeError("pointer.xorBpp", f"{bits_per_pixel}, expected one of {ENCODED_DEPTHS}")
    is_clear: Bits = image[:, :, 3] < OPAQUE_FROM
    colors = image[:, :, : bits_per_pixel // 8]
    if bits_per_pixel == 24:
        colors = np.where(is_clear[:, :, None], np.uint8(0), colors)
    rows = colors.reshape(image.shape[0], -1)
    return _bottom_up(rows), _bottom_up(np.packbits(is_clear, axis=1))


def _bottom_up(rows: Rows) -> bytes:
    padded = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    return padded[::-1].tobytes()


def decode_pointer(width: int, height: int, bits_per_pixel: int, xor_mask: bytes, and_mask: bytes) -> Pixels:
    """The image of two masks; no AND mask at all stands for one without a set bit."""
    if not (0 < width <= MAX_SIZE and 0 < height <= MAX_SIZE):
        raise DecodeError("pointer.width", f"{width}x{height}, at most {MAX_SIZE}x{MAX_SIZE} allowed", 0)
    if bits_per_pixel not in DECODED_DEPTHS:
        raise DecodeError("pointer.xorBpp", f"{bits_per_pixel}, expected one of {DECODED_DEPTHS}", 0)
    xor_rows = _rows(xor_mask, width, height, bits_per_pixel, "pointer.xorMaskData")
    and_bits = np.zeros((height, width), np.bool_)
    if and_mask:
        and_bits = _bits(_rows(and_mask, width, height, 1, "pointer.andMaskData"), width)
    if bits_per_pixel == 1:
        return _classic(_gray(_bits(xor_rows, width)), and_bits)
    xor_rows, and_bits = xor_rows[::-1], and_bits[::-1]
    if bits_per_pixel != 32:
        return _classic(_colors(xor_rows, width, bits_per_pixel), and_bits)
    image = xor_rows.reshape(height, width, 4)
    if not image[:, :, 3].any():  # drawn without alpha, by someone who knows only masks
        return _classic(image[:, :, :3], and_bits)
    return image.copy()


def _rows(mask: bytes, width: int, height: int, bits_per_pixel: int, path: str) -> Rows:
    """The scan lines in wire order, without their padding."""
    line_size = (width * bits_per_pixel + 15) // 16 * 2
    if len(mask) < line_size * height:
        raise DecodeError(path, f"{len(mask)} bytes, expected {line_size * height}", 0)
    rows = np.frombuffer(mask, np.uint8, line_size * height).reshape(height, line_size)
    return rows[:, : (width * bits_per_pixel + 7) // 8]


def _bits(rows: Rows, width: int) -> Bits:
    return np.unpackbits(rows, axis=1, count=width).astype(np.bool_)


def _gray(bits: Bits) -> Pixels:
    levels = np.where(bits, np.uint8(255), np.uint8(0))
    return np.repeat(levels[:, :, None], 3, axis=2)


def _colors(rows: Rows, width: int, bits_per_pixel: int) -> Pixels:
    """16 bpp is what Windows calls so in bitmaps of its own: five bits each."""
    if bits_per_pixel == 24:
        return rows.reshape(len(rows), width, 3)
    words = np.ascontiguousarray(rows).view("<u2")
    channels = np.stack([words & 31, words >> 5 & 31, words >> 10 & 31], axis=2)
    return (channels << 3 | channels >> 2).astype(np.uint8)


def _classic(colors: Pixels, and_bits: Bits) -> Pixels:
    """What the table above says, for masks without alpha. A color under a set AND bit counts as clear."""
    height, width = and_bits.shape
    image = np.zeros((height, width, 4), np.uint8)
    image[~and_bits, :3] = colors[~and_bits]
    image[~and_bits, 3] = 255
    is_inverted = and_bits & (colors == 255).all(axis=2)
    y, x = np.indices((height, width))
    checkered = np.where((x + y) & 1, np.uint8(0), np.uint8(255))
    image[is_inverted, :3] = checkered[is_inverted, None]
    image[is_inverted, 3] = 255
    return image
