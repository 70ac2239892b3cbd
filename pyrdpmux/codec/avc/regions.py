"""Regions of AVC pictures in whole macroblocks, and which of them may get color by itself.

Clients differ in regions whose edges lie within a macroblock: FreeRDP 3.30 aborts at an odd width, and loses
10 to 15 dB where the left edge is no multiple of 4 (AVC444v2), or the top one no multiple of 16 (AVC444).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.avc.yuv import MACROBLOCK
from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect


def aligned_regions(rects: Sequence[Rect], width: int, height: int) -> list[Rect]:
    """The macroblocks that ``rects`` touch on a surface of this size, as disjoint rectangles.

    Edges are multiples of 16, or the surface's; the pixels that are gained by this are sent, too. What lies
    outside of the surface is left out.
    """
    whole = [grown for rect in rects if not (grown := _grown(rect, width, height)).is_empty]
    macroblocks = _Macroblocks(width, height)
    if not macroblocks.overlap(whole):
        return whole
    used = np.zeros(macroblocks.shape, np.bool_)
    for rect in whole:
        used[macroblocks.of(rect)] = True
    return [rect.clip(width, height) for rect in _rectangles(used)]


def _grown(rect: Rect, width: int, height: int) -> Rect:
    """To whole macroblocks, within the surface; empty for what was empty or lies outside."""
    inside = rect.clip(width, height)
    if inside.is_empty:
        return Rect(0, 0, 0, 0)
    right, bottom = (side + -side % MACROBLOCK for side in (inside.right, inside.bottom))
    left, top = inside.x & -MACROBLOCK, inside.y & -MACROBLOCK
    return Rect.from_corners(left, top, right, bottom).clip(width, height)


def _rectangles(used: NDArray[np.bool_]) -> list[Rect]:
    """Disjoint rectangles, in pixels, of the macroblocks that are set: runs of lines, joined where equal."""
    edges = np.diff(np.pad(used, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    done: list[Rect] = []
    growing: dict[tuple[int, int], int] = {}
    for line in range(len(used) + 1):
        ends = np.flatnonzero(edges[line]).tolist() if line < len(used) else []
        runs = list(zip(ends[0::2], ends[1::2], strict=True))
        for run in [run for run in growing if run not in runs]:
            done.append(_pixels(run, growing.pop(run), line))
        growing |= {run: growing.get(run, line) for run in runs}
    return sorted(done, key=lambda rect: (rect.y, rect.x))


def _pixels(run: tuple[int, int], top: int, bottom: int) -> Rect:
    return Rect.from_corners(*(MACROBLOCK * side for side in (run[0], top, run[1], bottom)))


class _Macroblocks:
    """A surface's macroblocks as a grid of (lines, columns)."""

    def __init__(self, width: int, height: int) -> None:
        self.shape: Final = (-(-height // MACROBLOCK), -(-width // MACROBLOCK))

    def of(self, rect: Rect) -> tuple[slice, slice]:
        """Those that a rectangle touches."""
        return (
            slice(rect.y // MACROBLOCK, -(-rect.bottom // MACROBLOCK)),
            slice(rect.x // MACROBLOCK, -(-rect.right // MACROBLOCK)),
        )

    def overlap(self, rects: Sequence[Rect]) -> bool:
        """Whether two rectangles touch one macroblock."""
        if len(rects) < 2:
            return False
        count = np.zeros(self.shape, np.int32)
        for rect in rects:
            count[self.of(rect)] += 1
        return bool(count.max() > 1)


class ChromaRules:
    """What AVC444 asks of its regions: whole macroblocks, each once, and color only after luma.

    QUIRK(FreeRDP 2.11 to 3.9): the filter of the chroma view works in place, so a second auxiliary view (LC
    of 2) for the same luma filters what has been filtered: 29 dB instead of 38, then 23.
    """

    def __init__(self, width: int, height: int) -> None:
        if width % 2:
            raise EncodeError("width", f"{width}: AVC444 needs an even one, FreeRDP 3.30 aborts at others")
        self._surface = (width, height)
        self._macroblocks = _Macroblocks(width, height)
        self._takes_chroma = np.zeros(self._macroblocks.shape, np.bool_)

    def forget(self) -> None:
        """Nothing has luma yet, as in the beginning."""
        self._takes_chroma.fill(False)

    def check(self, rects: Sequence[Rect]) -> None:
        """EncodeError unless these might have come from :func:`aligned_regions`."""
        for rect in rects:
            if rect != _grown(rect, *self._surface):
                reason = f"{tuple(rect)} is not in whole macroblocks: use aligned_regions"
                raise EncodeError("rects", reason)
        if self._macroblocks.overlap(rects):
            raise EncodeError("rects", "they overlap: use aligned_regions")

    def needs_luma(self, rects: Sequence[Rect]) -> bool:
        """Whether some region has no luma, or has had its color since it came."""
        return not all(self._takes_chroma[self._macroblocks.of(rect)].all() for rect in rects)

    def sent(self, rects: Sequence[Rect], *, luma: bool, chroma: bool) -> None:
        """These views of the regions are on their way."""
        for rect in rects:
            place = self._macroblocks.of(rect)
            self._takes_chroma[place] = not chroma and (luma or self._takes_chroma[place])
