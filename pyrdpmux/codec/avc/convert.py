"""BGRX to 4:2:0 by swscale, through PyAV: two thirds of the time that numpy takes, and without the GIL.

It averages the colors of four pixels for a chroma value, as :mod:`.yuv` does (its filter AREA; the others
look further, which blurs text). Its values are within 2 of ours. Chroma is cut off where we round: half a
decibel at quantisers of 22 to 26. So that grays stay grays, a value one below the middle becomes the middle.

PyAV before 14 cannot take arrays of BGRA as they lie, and before 17 does not get to full range: then numpy
converts.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from pyrdpmux.codec import extras
from pyrdpmux.codec.avc import yuv
from pyrdpmux.codec.avc.yuv import I420, Plane
from pyrdpmux.codec.color import Pixels, pixels_of

_BELOW_NEUTRAL: Final = 127
_SOURCE: Final = "bgra"
_AS_OURS: Final = {
    "format": "yuv420p",
    "src_colorspace": "ITU709",
    "dst_colorspace": "ITU709",
    "src_color_range": "JPEG",
    "dst_color_range": "JPEG",
    "interpolation": "AREA",
}

_Planes = tuple[Plane, ...]

_PROBE: Final = pixels_of(np.array([0, 0xFF, 0xFF00, 0xFF0000, 0xFFFFFF], "<u4").repeat(4)[None].repeat(4, 0))
"""Black, blue, green, red and white, each of 4x4 pixels: what a conversion is known by."""
_NEAR: Final = 2
_FEWEST_LINES: Final = 3
"""With one line of chroma, swscale takes the first of two lines for it."""


class Converter:
    """Frames of one size to pictures of the size that is coded, the last column and line repeated.

    Frames are (height, width, 4) uint8 BGRX, and may be parts of larger ones: they are not copied. A picture
    is valid until the next one.
    """

    def __init__(self, width: int, height: int) -> None:
        coded_width, coded_height = yuv.coded_size(width, height)
        self._picture = yuv.i420(coded_height, coded_width)
        self._swscale = _swscale()

    def to_yuv420(self, frame: Pixels) -> I420:
        """A 4:2:0 picture."""
        height, width = frame.shape[:2]
        if self._swscale is None or height < _FEWEST_LINES:
            return yuv.to_yuv420(yuv.padded(frame))
        if width % 2 or height % 2:
            frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        for step, (old, new) in enumerate(zip(self._swscale(frame), yuv.planes(self._picture), strict=True)):
            height, width = old.shape
            if step:
                np.add(old, old == _BELOW_NEUTRAL, out=new[:height, :width])
            else:
                new[:height, :width] = old
            new[:height, width:] = new[:height, width - 1 : width]
            new[height:] = new[height - 1]
        return self._picture


def _swscale() -> Callable[[Pixels], _Planes] | None:
    """A function from pixels of even size to planes; None where PyAV's does something else."""
    av = extras.load(extras.H264)
    frame_of, reformatter = av.VideoFrame.from_numpy_buffer, av.video.reformatter.VideoReformatter()

    def convert(pixels: Pixels, **more: int) -> _Planes:
        if pixels.strides[1:] != (4, 1) or pixels.strides[0] < 0:
            pixels = np.ascontiguousarray(pixels)
        frame = reformatter.reformat(frame_of(pixels, format=_SOURCE), **_AS_OURS, **more)
        return tuple(
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
            for plane in frame.planes
        )

    expected = yuv.planes(yuv.to_yuv420(_PROBE))
    for choice in (partial(convert, threads=1), convert):
        try:
            found = choice(_PROBE)
        except (KeyError, TypeError, ValueError):
            # no such choice, or no such format
            continue
        if all(
            np.abs(plane.astype(int) - wanted).max() <= _NEAR
            for plane, wanted in zip(found, expected, strict=True)
        ):
            return choice
    return None
