"""A YUV 4:4:4 picture as two 4:2:0 pictures (MS-RDPEGFX 3.3.8.3.2 and 3.3.8.3.3), and back.

The main view has luma, and in each chroma value the mean of four. The auxiliary view has the three of the
four that are not at an even column and line, where its luma and chroma planes have room::

    AVC444, for each sixteen lines               AVC444v2
    luma, lines 0-7    odd lines of U            luma, left half     odd columns of U
    luma, lines 8-15   odd lines of V            luma, right half    odd columns of V
    chroma             even lines, odd           U, left and right   odd lines, columns 0, 4, 8 ... of U, V
                       columns of U, V           V, left and right   odd lines, columns 2, 6, 10 ... of U, V

The fourth is four times the mean without the other three: exact but for rounding. Compression makes errors
four times as large there; so where the result is within 30 of the mean, the mean is taken (3.3.8.3.2).

INVARIANT: height and width are multiples of 16.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.avc.yuv import I420, MACROBLOCK, Plane, i420, planes

THRESHOLD: Final = 30
_HALF: Final = MACROBLOCK // 2


def _blocks(plane: Plane) -> NDArray[np.uint8]:
    """(h / 16, 2, 8, w): halves of rows of macroblocks."""
    return plane.reshape(-1, 2, _HALF, plane.shape[1])


def _pairs(plane: Plane) -> NDArray[np.uint8]:
    """(h / 16, 8, 2, w): pairs of lines of rows of macroblocks."""
    return plane.reshape(-1, _HALF, 2, plane.shape[1])


def main_view(y: Plane, u: Plane, v: Plane) -> I420:
    """Luma, and the means of chroma."""
    picture = i420(*y.shape)
    luma, *chroma = planes(picture)
    luma[...] = y
    for target, source in zip(chroma, (u, v), strict=True):
        total = source[0::2].astype(np.uint16) + source[1::2]
        mean = total[:, 0::2] + total[:, 1::2]
        mean += np.uint16(2)
        mean >>= np.uint16(2)
        target[...] = mean
    return picture


def auxiliary_view(u: Plane, v: Plane) -> I420:
    """AVC444: what the main view lacks."""
    picture = i420(*u.shape)
    luma, first, second = planes(picture)
    blocks = _blocks(luma)
    blocks[:, 0] = _pairs(u)[:, :, 1]
    blocks[:, 1] = _pairs(v)[:, :, 1]
    first[...] = u[0::2, 1::2]
    second[...] = v[0::2, 1::2]
    return picture


def auxiliary_view_v2(u: Plane, v: Plane) -> I420:
    """AVC444v2: what the main view lacks."""
    picture = i420(*u.shape)
    luma, first, second = planes(picture)
    for half, source in enumerate((u, v)):
        _part(luma, half)[...] = source[:, 1::2]
        _part(first, half)[...] = source[1::2, 0::4]
        _part(second, half)[...] = source[1::2, 2::4]
    return picture


def _part(plane: Plane, half: int) -> Plane:
    """The left or right half."""
    middle = plane.shape[1] // 2
    return plane[:, middle:] if half else plane[:, :middle]


def combined(main: I420, auxiliary: I420) -> tuple[Plane, Plane, Plane]:
    """AVC444: luma, U and V of both views."""
    luma, first, second = planes(auxiliary)
    blocks = _blocks(luma)
    chroma = []
    for half, source in enumerate((first, second)):
        plane: Plane = np.empty(luma.shape, np.uint8)
        _pairs(plane)[:, :, 1] = blocks[:, half]
        plane[0::2, 1::2] = source
        chroma.append(plane)
    return _restored(main, chroma)


def combined_v2(main: I420, auxiliary: I420) -> tuple[Plane, Plane, Plane]:
    """AVC444v2: luma, U and V of both views."""
    luma, first, second = planes(auxiliary)
    chroma = []
    for half in range(2):
        plane: Plane = np.empty(luma.shape, np.uint8)
        plane[:, 1::2] = _part(luma, half)
        plane[1::2, 0::4] = _part(first, half)
        plane[1::2, 2::4] = _part(second, half)
        chroma.append(plane)
    return _restored(main, chroma)


def _restored(main: I420, chroma: list[Plane]) -> tuple[Plane, Plane, Plane]:
    """Fill in even columns of even lines."""
    luma, *means = planes(main)
    for plane, mean in zip(chroma, means, strict=True):
        value = mean.astype(np.int16)
        value <<= np.int16(2)
        for line, column in ((0, 1), (1, 0), (1, 1)):
            value -= plane[line::2, column::2]
        np.clip(value, 0, 255, out=value)
        near = np.abs(value - mean) <= THRESHOLD
        plane[0::2, 0::2] = np.where(near, mean, value)
    return luma, chroma[0], chroma[1]
