"""BGRX to 4:2:0 by swscale, through PyAV: two thirds of the time that numpy takes, and without the GIL.

It averages the colors of four pixels for a chroma value, as :mod:`.yuv` does (its filter AREA; the others
look further, which blurs text). Its values are within 2 of ours. Chroma is cut off where we round: half a
decibel at quantisers of 22 to 26. So that grays stay grays, a value one below the middle becomes the middle.

PyAV before 14 cannot take arrays of BGRA as they lie, and before 17 does not get to full range: then numpy
converts.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np

from pyrdpmux.codec import extras
from pyrdpmux.codec.avc import yuv
from pyrdpmux.codec.avc.yuv import I420, Plane
from pyrdpmux.codec.color import Pixels, pixels_of
from pyrdpmux.geometry import Rect

_BLACK: Final = 0
_NEUTRAL: Final = 128
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
    is valid until the next one. It is black before the first.
    """

    def __init__(self, width: int, height: int) -> None:
        coded_width, coded_height = yuv.coded_size(width, height)
        self._picture = yuv.i420(coded_height, coded_width)
        self._picture[:coded_height] = _BLACK
        self._picture[coded_height:] = _NEUTRAL
        self._whole = Rect(0, 0, coded_width, coded_height)
        self._swscale = _swscale()

    def to_yuv420(self, frame: Pixels) -> I420:
        """A 4:2:0 picture."""
        return self.update(frame, [self._whole])

    def update(self, frame: Pixels, rects: Sequence[Rect]) -> I420:
        """The same, but outside of ``rects``, whose edges are even, everything is as it was."""
        height, width = frame.shape[:2]
        planes = yuv.planes(self._picture)
        for rect in rects:
            part = frame[rect.clip(width, height).slices]
            for scale, old, plane in zip((1, 2, 2), self._planes_of(part), planes, strict=True):
                new = plane[rect.y // scale : rect.bottom // scale, rect.x // scale : rect.right // scale]
                lines, columns = min(len(old), len(new)), min(old.shape[1], new.shape[1])
                new[:lines, :columns] = old[:lines, :columns]
                new[:lines, columns:] = new[:lines, columns - 1 : columns]
                new[lines:] = new[lines - 1]
        return self._picture

    def _planes_of(self, part: Pixels) -> _Planes:
        """Of even size, or larger: the last column and line are repeated."""
        height, width = part.shape[:2]
        if self._swscale is None or height < _FEWEST_LINES:
            return yuv.planes(yuv.to_yuv420(yuv.padded(part)))
        if width % 2 or height % 2:
            part = np.pad(part, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        luma, u, v = self._swscale(part)
        return luma, u + (u == _BELOW_NEUTRAL), v + (v == _BELOW_NEUTRAL)


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
