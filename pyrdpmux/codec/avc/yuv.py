"""BGRX to and from YUV (MS-RDPEGFX 3.3.8.3.1): BT.709, full range.

::

    Y = ( 54 R + 183 G +  19 B + 128) >> 8               R = Y + (403 V'          >> 8)      U' = U - 128
    U = (-29 R -  99 G + 128 B + 127) >> 8  + 128        G = Y + (-48 U' - 120 V' >> 8)      V' = V - 128
    V = (128 R - 116 G -  12 B + 127) >> 8  + 128        B = Y + (475 U'          >> 8)

Clients do the reverse as it stands. The specification's forward matrix has 18 for blue and cuts off: white
became 254, and colors up to three steps darker. Weights that add up to 256, and rounding, keep every gray as
it is, and cost nothing.

A 4:2:0 picture is one (h + h / 2, w) uint8 array, what FFmpeg calls I420::

    rows 0 to h             luma
    the next h / 4 rows     U, (h / 2, w / 2), two of its lines in each row
    the last h / 4 rows     V, likewise

INVARIANT: w is even, h a multiple of four; H.264 has multiples of sixteen anyway.
INVARIANT: sums of luma are at most 65408 (uint16), of chroma within -32640 and 32767 (int16).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Pixels

Plane = NDArray[np.uint8]
"""(height, width) uint8."""
I420 = NDArray[np.uint8]
"""(3 * height // 2, width) uint8, see above."""

MACROBLOCK: Final = 16
CODED_WIDTH: Final = 2 * MACROBLOCK
"""What the width of our pictures is a multiple of. FreeRDP 3.18 and later looks for the halves of AVC444v2 at
half of the next multiple of 32, and Microsoft's software decoder fails at some other widths."""

_STRIP: Final = 64
"""Lines at a time: what stays in the cache takes half the time of whole pictures."""


def i420(height: int, width: int) -> I420:
    """An empty picture."""
    return np.empty((height + height // 2, width), np.uint8)


def planes(picture: I420) -> tuple[Plane, Plane, Plane]:
    """Views of luma, U and V of a picture."""
    rows, width = picture.shape
    height = rows * 2 // 3
    quarter = height // 4
    chroma = (height // 2, width // 2)
    u = picture[height : height + quarter].reshape(chroma)
    return picture[:height], u, picture[height + quarter :].reshape(chroma)


def coded_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the pictures of a surface's stream."""
    return width + -width % CODED_WIDTH, height + -height % MACROBLOCK


def padded(pixels: Pixels) -> Pixels:
    """The picture with its last column and line repeated up to the size that is coded."""
    height, width = pixels.shape[:2]
    coded = coded_size(width, height)
    if coded == (width, height):
        return pixels
    return np.pad(pixels, ((0, coded[1] - height), (0, coded[0] - width), (0, 0)), "edge")


def to_yuv444(pixels: Pixels) -> tuple[Plane, Plane, Plane]:
    """Three (h, w) planes of (h, w, 4) uint8 BGRX."""
    result = tuple(np.empty(pixels.shape[:2], np.uint8) for _ in range(3))
    for top in range(0, len(pixels), _STRIP):
        part = slice(top, top + _STRIP)
        blue, green, red = (pixels[part, :, channel].astype(np.int16) for channel in range(3))
        result[0][part] = _luma(blue, green, red)
        result[1][part], result[2][part] = _chroma(blue, green, red)
    return result[0], result[1], result[2]


def to_yuv420(pixels: Pixels) -> I420:
    """A 4:2:0 picture of (h, w, 4) uint8 BGRX, each chroma value of the mean of four pixels' colors."""
    picture = i420(*pixels.shape[:2])
    luma, u, v = planes(picture)
    for top in range(0, len(pixels), _STRIP):
        part, half = slice(top, top + _STRIP), slice(top // 2, (top + _STRIP) // 2)
        channels = [pixels[part, :, channel].astype(np.int16) for channel in range(3)]
        luma[part] = _luma(*channels)
        blue, green, red = (_mean(channel) for channel in channels)
        u[half], v[half] = _chroma(blue, green, red)
    return picture


def _luma(blue: NDArray[np.int16], green: NDArray[np.int16], red: NDArray[np.int16]) -> NDArray[np.uint16]:
    total = green.view(np.uint16) * np.uint16(183)
    total += red.view(np.uint16) * np.uint16(54)
    total += blue.view(np.uint16) * np.uint16(19)
    total += np.uint16(128)
    total >>= np.uint16(8)
    return total


def _chroma(
    blue: NDArray[np.int16], green: NDArray[np.int16], red: NDArray[np.int16]
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    u = blue * np.int16(128)
    u -= green * np.int16(99)
    u -= red * np.int16(29)
    v = red * np.int16(128)
    v -= green * np.int16(116)
    v -= blue * np.int16(12)
    for plane in (u, v):
        plane += np.int16(127)
        plane >>= np.int16(8)
        plane += np.int16(128)
    return u, v


def _mean(channel: NDArray[np.int16]) -> NDArray[np.int16]:
    """Of each 2x2 values."""
    lines = channel[0::2] + channel[1::2]
    # Neighbors lie in one word of 32 bits: quicker than adding every other element.
    pairs = lines.view(np.uint32)
    total = pairs >> np.uint32(16)
    total += pairs
    total += np.uint32(2)
    result: NDArray[np.int16] = total.astype(np.int16)
    result >>= np.int16(2)
    return result


def from_yuv444(y: Plane, u: Plane, v: Plane, out: Pixels | None = None) -> Pixels:
    """(h, w, 4) uint8 BGRX of three (h, w) planes; the fourth byte is 255."""
    result: Pixels = np.empty((*y.shape, 4), np.uint8) if out is None else out
    for top in range(0, len(y), _STRIP):
        part = slice(top, top + _STRIP)
        _fill(result[part], y[part], *_differences(u[part], v[part]))
    return result


def from_yuv420(y: Plane, u: Plane, v: Plane, out: Pixels | None = None) -> Pixels:
    """The same of (h, w) luma and chroma of half the size; a chroma value is good for four pixels."""
    result: Pixels = np.empty((*y.shape, 4), np.uint8) if out is None else out
    height, width = y.shape
    for top in range(0, height, _STRIP):
        part, half = slice(top, top + _STRIP), slice(top // 2, (top + _STRIP) // 2)
        lines = len(y[part])
        differences = _differences(u[half], v[half])
        blue, green, red = (
            np.repeat(np.repeat(plane, 2, axis=1), 2, axis=0)[:lines, :width] for plane in differences
        )
        _fill(result[part], y[part], blue, green, red)
    return result


def _differences(u: Plane, v: Plane) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]:
    """What chroma adds to luma in blue, green and red."""
    blue, red = u.astype(np.int16), v.astype(np.int16)
    blue -= np.int16(128)
    red -= np.int16(128)
    green = blue * np.int16(-48)
    green -= red * np.int16(120)
    green >>= np.int16(8)
    # 475 and 403 times 128 do not fit 16 bits; 256 of them are the value itself.
    for difference, rest in ((blue, 475 - 256), (red, 403 - 256)):
        more = difference * np.int16(rest)
        more >>= np.int16(8)
        difference += more
    return blue, green, red


def _fill(
    out: Pixels,
    y: Plane,
    blue: NDArray[np.int16],
    green: NDArray[np.int16],
    red: NDArray[np.int16],
) -> None:
    for channel, difference in enumerate((blue, green, red)):
        total = difference + y
        np.clip(total, 0, 255, out=total)
        out[..., channel] = total
    out[..., 3] = 255
