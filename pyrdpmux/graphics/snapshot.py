"""What a surface has when it is looked at, and where that is not what clients show.

Memory is what limits this: a picture is read and written once, band by band, and all that is to
be done with a band is done while it lies in the processor's cache.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from pyrdpmux.codec.color import COLOR_MASK, Words
from pyrdpmux.geometry import Rect, bounding_box
from pyrdpmux.graphics.proofs import Move
from pyrdpmux.graphics.residual import Mask, bounds_of

BAND_BYTES: Final = 256 * 1024
"""Of a picture, that are looked at together with as many of another one."""


class Snapshot:
    """Of a surface of ``width`` x ``height``, for clients that show the MAIN that is given with each call."""

    def __init__(self, width: int, height: int) -> None:
        self._own: Words = np.zeros((height, width), np.uint32)
        #: what the surface had, masked; these may be the very pixels of MAIN
        self.words = self._own
        #: (height, width) bool: where that differed from MAIN, within what was compared last
        self.changed: Mask = np.zeros((height, width), np.bool_)
        #: around all that has not come to ``_own`` since ``words`` are those of MAIN
        self._missing = Rect(0, 0, 0, 0)

    def clone(self, main: Words) -> "Snapshot":
        """One of its own, the same."""
        self.part_from(main)
        height, width = self._own.shape
        other = Snapshot(width, height)
        np.copyto(other._own, self._own)
        return other

    def part_from(self, main: Words, but: Sequence[Rect] = ()) -> None:
        """From here on, MAIN may become what ``words`` are not; ``but``: these are about to be taken."""
        if self.words is not self._own:
            rest = [self._missing]
            for hole in but:
                rest = [piece for part in rest for piece in part.without(hole)]
            for piece in rest:
                self._own[piece.slices] = main[piece.slices]
            self.words, self._missing = self._own, Rect(0, 0, 0, 0)

    def take(self, source: Words, main: Words, rects: Sequence[Rect]) -> None:
        """What ``source``, the pixels of a surface, has in these rectangles."""
        self.part_from(main, rects)
        for rect in rects:
            np.bitwise_and(source[rect.slices], COLOR_MASK, out=self.words[rect.slices])

    def compare(self, main: Words, rects: Sequence[Rect]) -> list[Rect]:
        """Where something of it differs; ``changed`` is right within the box around all rectangles."""
        return self._compared(None, main, rects)

    def take_and_compare(self, source: Words, main: Words, rects: Sequence[Rect]) -> list[Rect]:
        """Both at once."""
        self.part_from(main, rects)
        return self._compared(source, main, rects)

    def _compared(self, source: Words | None, main: Words, rects: Sequence[Rect]) -> list[Rect]:
        if len(rects) > 1:
            self.changed[bounding_box(rects).slices] = False
        found = []
        for rect in rects:
            for part in _parts(rect):
                if source is not None:
                    np.bitwise_and(source[part], COLOR_MASK, out=self.words[part])
                np.not_equal(main[part], self.words[part], out=self.changed[part])
            bounds = bounds_of(self.changed[rect.slices])
            if bounds is not None:
                found.append(bounds.moved(rect.x, rect.y))
        return found

    def take_moved(self, source: Words, main: Words, region: Rect, move: Move) -> None:
        """The same in ``region``, after a move within it that clients have made.

        MAIN becomes what the surface has there, and ``changed`` is where it was not. INVARIANT: outside of
        ``region``, MAIN and ``words`` are equal.
        """
        columns = slice(region.x, region.right)
        new, shown, changed = source[:, columns], main[:, columns], self.changed[:, columns]
        target = move.destination
        inner = slice(target.x - region.x, target.right - region.x)
        from_columns = slice(move.source.x, move.source.right)
        edges = sorted({region.y, target.y, target.bottom, region.bottom})
        bands = [band for part in pairwise(edges) for band in _bands(*part, region.width)]
        # What is still to be moved is not painted yet.
        if move.dy > 0:
            bands.reverse()
        rows = max([stop - top for top, stop in bands], default=0)
        scratch, beside = np.empty((rows, region.width), np.uint32), np.empty((rows, region.width), np.bool_)
        for top, stop in bands:
            now, before, differs = scratch[: stop - top], shown[top:stop], changed[top:stop]
            np.bitwise_and(new[top:stop], COLOR_MASK, out=now)
            painted = slice(None)
            if target.y <= top < target.bottom:
                is_vertical = not move.dx
                rows_before = slice(top - move.dy, stop - move.dy)
                origin = shown[rows_before] if is_vertical else main[rows_before, from_columns]
                painted = _compare_moved(now, before, origin, inner, differs, beside[: stop - top])
            else:
                np.not_equal(now, before, out=differs)
            before[:, painted] = now[:, painted]
        self._missing = region if self._missing.is_empty else self._missing.union(region)
        self.words = main

    def take_predicted(
        self, source: Words, main: Words, rects: Sequence[Rect], move: Move, is_window: bool
    ) -> list[Rect]:
        """The same in these rectangles after a move; returns where something has changed.

        Around a page that scrolls, all is looked at. On the way from a window that is dragged to what lies
        apart from it, nothing is.
        """
        if not is_window:
            box = bounding_box(rects)
            self.take_moved(source, main, box, move)
            return [box]
        region = bounding_box([*[rect for rect in rects if rect.overlaps(move.room)], move.destination])
        others = [piece for rect in rects for piece in rect.without(region)]
        self.changed[bounding_box([region, *others]).slices] = False
        self.take_moved(source, main, region, move)
        for rect in others:
            self._take_beside(source, main, rect)
        room = move.room.intersection(region)
        found = [room]
        for part in [*region.without(room), *others]:
            bounds = bounds_of(self.changed[part.slices])
            if bounds is not None:
                found.append(bounds.moved(part.x, part.y))
        return found

    def _take_beside(self, source: Words, main: Words, rect: Rect) -> None:
        """MAIN becomes what the surface has in ``rect``, and ``changed`` is where it was not."""
        for part in _parts(rect):
            now = source[part] & COLOR_MASK
            np.not_equal(main[part], now, out=self.changed[part])
            main[part] = now
        self._missing = self._missing.union(rect)


def _compare_moved(
    now: Words, before: Words, origin: Words, inner: slice, differs: Mask, beside: Mask
) -> slice:
    """Where rows are not what they are after a move; returns the columns in which anything is new.

    ``now`` and ``before`` are (rows, columns), ``origin`` is what moves into the columns ``inner``, as
    wide as those or as ``now``. The result goes to ``differs``, of the same shape as ``beside``, a place to
    work.
    """
    if inner.stop - inner.start == now.shape[1]:
        np.not_equal(now, origin, out=differs)
        return inner
    left, right = slice(inner.start), slice(inner.stop, None)
    if origin.shape == now.shape:  # a long row is compared sooner than a part of it
        np.not_equal(now, before, out=differs)
        np.not_equal(now, origin, out=beside)
        differs[:, inner] = beside[:, inner]
    else:
        np.not_equal(now[:, inner], origin, out=differs[:, inner])
        for side in (left, right):
            np.not_equal(now[:, side], before[:, side], out=differs[:, side])
    is_still = not (differs[:, left].any() or differs[:, right].any())
    return inner if is_still else slice(None)


def _parts(rect: Rect) -> list[tuple[slice, slice]]:
    """Where the bands of a rectangle lie in a picture."""
    if rect.pixels * 4 <= BAND_BYTES:
        return [rect.slices]
    columns = slice(rect.x, rect.right)
    return [(slice(*rows), columns) for rows in _bands(rect.y, rect.bottom, rect.width)]


def _bands(top: int, bottom: int, width: int) -> list[tuple[int, int]]:
    """First row and the one after the last of parts of so many pixels across."""
    rows = max(BAND_BYTES // (width * 4), 1)
    return [(row, min(row + rows, bottom)) for row in range(top, bottom, rows)]
