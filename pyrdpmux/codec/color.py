"""Pixel formats of bitmap updates (MS-RDPBCGR 2.2.9.1.1.3.1.2.2) to and from BGRX.

Memory layout: ``Pixels`` is (height, width, 4) uint8, top-down, bytes blue, green, red, unused. As
little-endian words that is ``0xXXRRGGBB``.

Reduction drops low bits (no rounding, no dithering); expansion is what FreeRDP 2.11's client shows:

====  ===================  ==============================  =====================================
bits  word                 reduction                       expansion
====  ===================  ==============================  =====================================
24    three bytes B G R    none                            none
16    RRRRRGGGGGGBBBBB     c >> 3, green c >> 2            (c << 3) + (c >> 2),
                                                           green min(255, (c << 2) + (c >> 3))
15    0RRRRRGGGGGBBBBB     c >> 3                          (c << 3) + (c >> 2)
8     palette index        nearest level of the 6x6x6 cube the palette
====  ===================  ==============================  =====================================

QUIRK(FreeRDP 2.11): the six-bit green repeats three of its top bits instead of two, so that 62 and 63 both
show as 255. Other clients may differ by at most 4 in green; 5-bit channels agree everywhere.

The fourth byte of an expanded pixel is 255.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.errors import EncodeError

COLOR_MASK: Final = np.uint32(0x00FFFFFF)
"""The three color bytes of a BGRX word; the fourth means nothing."""

Pixels = NDArray[np.uint8]
"""(height, width, 4) uint8, top-down: blue, green, red, and a fourth byte, which is alpha in a pointer, 0 on
the screen of a VM, and otherwise without meaning."""
Words = NDArray[np.uint32]
"""The same pixels as (height, width) little-endian words 0xXXRRGGBB."""
Samples = NDArray[Any]
"""(height, width) reduced pixels: palette indices (uint8), 15 or 16 bits (uint16), or 24 bits (uint32)."""

DEPTHS: Final = (8, 15, 16, 24)
"""Bits per pixel of interleaved and of uncompressed bitmaps; 32 bits are planar."""

MAX_PIXELS: Final = 1 << 24
"""Of one decoded bitmap: twice a screen of 3840x2160; three bytes of input can claim 65535 pixels."""

CUBE_LEVELS: Final = 6
"""The palette is a cube of 6 levels a channel, 51 apart: index = 36 r + 6 g + b; the rest are grays."""

_OPAQUE: Final = np.uint32(0xFF000000)


def words(pixels: Pixels) -> Words:
    """The (h, w) words of (h, w, 4) pixels, without copying where the bytes of a line lie together."""
    if pixels.ndim != 3 or pixels.shape[2] != 4 or pixels.dtype != np.uint8:
        raise EncodeError("pixels", f"{pixels.dtype} array of shape {pixels.shape}, expected uint8 (h, w, 4)")
    if pixels.strides[1:] != (4, 1):
        pixels = np.ascontiguousarray(pixels)
    return pixels.view("<u4")[..., 0]


def pixels_of(source: Words) -> Pixels:
    """The (h, w, 4) pixels of (h, w) words, without copying."""
    result: Pixels = source[..., None].view(np.uint8)
    return result


def sample_size(bits_per_pixel: int) -> int:
    """Bytes of one pixel on the wire."""
    if bits_per_pixel not in DEPTHS:
        raise EncodeError("bitsPerPixel", f"{bits_per_pixel}, expected one of {DEPTHS}")
    return (bits_per_pixel + 7) // 8


# -- BGRX to samples -----------------------------------------------------------------------------------


def to_rgb565(source: Words) -> NDArray[np.uint16]:
    """Any shape of words to the same shape of 16-bit samples."""
    red, green = _red_and_green(source)
    red &= np.uint16(0xF800)
    green *= np.uint16(8)
    green &= np.uint16(0x07E0)
    red |= green
    red |= _blue(source)
    return red


def to_rgb555(source: Words) -> NDArray[np.uint16]:
    """Any shape of words to the same shape of 15-bit samples; the top bit is zero."""
    red, green = _red_and_green(source)
    red &= np.uint16(0xF800)
    red >>= np.uint16(1)
    green *= np.uint16(4)
    green &= np.uint16(0x03E0)
    red |= green
    red |= _blue(source)
    return red


def _red_and_green(source: Words) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """The middle 16 bits of each word, twice; lanes of 16 bits are quicker than those of 32."""
    middle = np.empty(source.shape, np.uint16)
    # Casting within the ufunc goes through its small buffer, not through a large intermediate array.
    np.right_shift(source, np.uint32(8), out=middle, casting="unsafe")
    return middle, middle.copy()


def _blue(source: Words) -> NDArray[np.uint16]:
    """The upper five bits of blue."""
    blue = source.astype(np.uint16)
    blue >>= np.uint16(3)
    blue &= np.uint16(0x001F)
    return blue


def to_bgr24(source: Words) -> NDArray[np.uint32]:
    """Any shape of words with the unused byte cleared."""
    return source & COLOR_MASK


def to_indices(source: Words) -> NDArray[np.uint8]:
    """Any shape of words to indices of :data:`PALETTE`: the nearest level in each channel."""
    index = np.zeros(source.shape, np.uint16)
    for shift in (16, 8, 0):
        # (5 c + 130) >> 8 is round(c / 51) for every byte
        level = (source >> np.uint32(shift)).astype(np.uint8).astype(np.uint16)
        level *= np.uint16(5)
        level += np.uint16(130)
        level >>= np.uint16(8)
        index *= np.uint16(CUBE_LEVELS)
        index += level
    return index.astype(np.uint8)


REDUCE: Final[dict[int, Callable[[Words], Samples]]] = {
    8: to_indices,
    15: to_rgb555,
    16: to_rgb565,
    24: to_bgr24,
}
"""Bits per pixel to the function from words to samples."""


# -- samples to BGRX -----------------------------------------------------------------------------------


def _cube() -> Pixels:
    """The 256 entries as (256, 4) BGRX: the cube, then 40 grays between its own."""
    index = np.arange(256)
    palette = np.empty((256, 4), np.uint8)
    palette[:, 0] = index % 6 * 51
    palette[:, 1] = index // 6 % 6 * 51
    palette[:, 2] = index // 36 * 51 % 256
    palette[216:, :3] = (np.arange(40) * 255 // 41 + 6)[:, None]
    palette[:, 3] = 255
    return palette


PALETTE: Final = _cube()
"""(256, 4) uint8 BGRX: what the server announces in its Palette Update when the session has 8 bits."""
PALETTE.flags.writeable = False


def _expansion_565() -> Words:
    sample = np.arange(1 << 16, dtype=np.uint32)
    five = np.arange(32, dtype=np.uint32)
    five = (five << 3) + (five >> 2)
    six = np.arange(64, dtype=np.uint32)
    six = np.minimum(255, (six << 2) + (six >> 3))
    result: Words = _OPAQUE | five[sample >> 11] << 16 | six[sample >> 5 & 63] << 8 | five[sample & 31]
    return result


def _expansion_555() -> Words:
    sample = np.arange(1 << 16, dtype=np.uint32)
    five = np.arange(32, dtype=np.uint32)
    five = (five << 3) + (five >> 2)
    result: Words = _OPAQUE | five[sample >> 10 & 31] << 16 | five[sample >> 5 & 31] << 8 | five[sample & 31]
    return result


_EXPANSIONS: Final = {16: _expansion_565(), 15: _expansion_555()}


def expand(samples: Samples, bits_per_pixel: int, palette: Pixels | None = None) -> Pixels:
    """(h, w) samples to (h, w, 4) BGRX as FreeRDP 2.11's client shows them.

    ``palette`` is (256, 4) uint8 BGRX, for 8 bits only; :data:`PALETTE` where absent.
    """
    sample_size(bits_per_pixel)
    if bits_per_pixel == 24:
        result = samples.astype("<u4") | _OPAQUE
    elif bits_per_pixel == 8:
        colors = PALETTE if palette is None else palette
        result = (words(colors.reshape(1, 256, 4))[0] | _OPAQUE)[samples]
    else:
        result = _EXPANSIONS[bits_per_pixel][samples]
    return np.ascontiguousarray(result).view(np.uint8).reshape(*samples.shape, 4)


def reduce_and_expand(pixels: Pixels, bits_per_pixel: int) -> Pixels:
    """What a client shows of ``pixels`` (h, w, 4) sent with this depth; 32 bits only set the unused byte."""
    if bits_per_pixel == 32:
        return expand(to_bgr24(words(pixels)), 24)
    sample_size(bits_per_pixel)
    return expand(REDUCE[bits_per_pixel](words(pixels)), bits_per_pixel)
