"""What a surface has when it is looked at, and where that is not what clients show.

Memory is what limits this: a picture is read and written once, band by band, and all that is to
be done with a band is done while it lies in the processor's cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from pyrdpmux.codec.color import COLOR_MASK, Words
from pyrdpmux.geometry import MAX_SIDE, Rect, bounding_box
from pyrdpmux.graphics.proofs import Move
from pyrdpmux.graphics.residual import Mask, bounds_of
from pyrdpmux.graphics.rows import WholeRows

BAND_BYTES: Final = 256 * 1024
"""Of a picture, that are looked at together with as many of another one."""

MIN_BAND: Final = 32_768
"""Pixels that are worth a band of their own."""

NARROW: Final = 16
"""What lies beside a move is narrow if it is no more of the region than one of so many parts."""

MIN_EXCHANGED: Final = 65_536
"""Pixels that are sooner not copied: what is typed stays where it is in the processor's caches."""

MAX_PAIRS: Final = 1024
"""Of rectangles, of which one is cut from the other: above this, more is copied than has to be."""

MAX_MISSING: Final = 16
"""Rectangles that may be remembered as missing, frame by frame."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Where something has changed, once what was predicted to move has moved."""

    #: disjoint
    places: list[Rect]
    #: of the only place, in which of its rows: (height,) bool; None: not known
    lines: Mask | None = None


class Snapshot:
    """Of a surface of ``width`` x ``height``, for clients that show the MAIN that is given with each call."""

    def __init__(self, width: int, height: int) -> None:
        self._own: Words = np.zeros((height, width), np.uint32)
        #: what the surface had, masked; these may be the very pixels of MAIN
        self.words = self._own
        #: (height, width) bool: where that differed from MAIN, within what was compared last
        self.changed: Mask = np.zeros((height, width), np.bool_)
        #: what was taken last
        self._taken: Sequence[Rect] = ()
        #: all that has not come to ``_own`` since ``words`` are those of MAIN, perhaps more than once
        self._missing: list[Rect] = []

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
            rest = self._missing
            if len(rest) * len(but) > MAX_PAIRS:
                rest, but = [bounding_box(rest)], ()
            for hole in but:
                rest = [piece for part in rest for piece in part.without(hole)]
            for piece in rest:
                self._own[piece.slices] = main[piece.slices]
            self.words, self._missing = self._own, []

    def become_main(self, main: Words, written: Sequence[Rect] = ()) -> Words:
        """All in which MAIN differs is being painted: returns its pixels from here on, which are ``words``.

        The pixels that it had are our own, as soon as they are needed, and nothing is copied; a few pixels
        are. ``written``: where MAIN is not what it was when something was taken last, besides that.
        """
        if self.words is main:
            return main
        places = [*self._taken, *written]
        if sum([place.pixels for place in places]) < MIN_EXCHANGED:
            for place in places:
                main[place.slices] = self.words[place.slices]
            return main
        self._own, self._missing = main, places
        return self.words

    def take(self, source: Words, main: Words, rects: Sequence[Rect]) -> None:
        """What ``source``, the pixels of a surface, has in these rectangles."""
        self.part_from(main, rects)
        self._taken = rects
        for rect in rects:
            with WholeRows(rect.width, rect.pixels):
                np.bitwise_and(source[rect.slices], COLOR_MASK, out=self.words[rect.slices])

    def compare(self, main: Words, rects: Sequence[Rect]) -> list[Rect]:
        """Where something of it differs; ``changed`` is right within the box around all rectangles."""
        return self._compared(None, main, rects)

    def take_and_compare(self, source: Words, main: Words, rects: Sequence[Rect]) -> list[Rect]:
        """Both at once."""
        self.part_from(main, rects)
        self._taken = rects
        return self._compared(source, main, rects)

    def _compared(self, source: Words | None, main: Words, rects: Sequence[Rect]) -> list[Rect]:
        if len(rects) > 1:
            self.changed[bounding_box(rects).slices] = False
        found = []
        for rect in rects:
            with WholeRows(rect.width, rect.pixels):
                for part in _parts(rect):
                    if source is not None:
                        np.bitwise_and(source[part], COLOR_MASK, out=self.words[part])
                    np.not_equal(main[part], self.words[part], out=self.changed[part])
            bounds = bounds_of(self.changed[rect.slices])
            if bounds is not None:
                found.append(bounds.moved(rect.x, rect.y))
        return found

    def take_moved(self, source: Words, main: Words, region: Rect, move: Move) -> Mask:
        """The same in ``region``, after a move within it that clients have made.

        MAIN becomes what the surface has there, and ``changed`` is where it was not; returns in which of its
        rows that is anywhere. INVARIANT: outside of ``region``, MAIN and ``words`` are equal.
        """
        taking = _Taking(source, main, self.changed, region, move)
        target = move.destination
        parts = list(pairwise(sorted({region.y, target.y, target.bottom, region.bottom})))
        with WholeRows(region.width, region.pixels):
            for top, bottom in parts if move.dy <= 0 else reversed(parts):
                taking.take(top, bottom, is_moved=target.y <= top < target.bottom)
        self._miss(region)
        self.words = main
        return taking.lines

    def take_predicted(
        self, source: Words, main: Words, rects: Sequence[Rect], move: Move, is_window: bool
    ) -> Prediction:
        """The same in these rectangles after a move; returns where something has changed.

        Around a page that scrolls, all is looked at. On the way from a window that is dragged to what lies
        apart from it, nothing is.
        """
        if not is_window:
            box = bounding_box(rects)
            return Prediction([box], self.take_moved(source, main, box, move))
        region = bounding_box([*[rect for rect in rects if rect.overlaps(move.room)], move.destination])
        others = [piece for rect in rects for piece in rect.without(region)]
        self.changed[bounding_box([region, *others]).slices] = False
        self.take_moved(source, main, region, move)
        for rect in others:
            self._take_beside(source, main, rect)
        room = move.room.intersection(region)
        places = [room]
        for part in [*region.without(room), *others]:
            bounds = bounds_of(self.changed[part.slices])
            if bounds is not None:
                places.append(bounds.moved(part.x, part.y))
        return Prediction(places)

    def _take_beside(self, source: Words, main: Words, rect: Rect) -> None:
        """MAIN becomes what the surface has in ``rect``, and ``changed`` is where it was not."""
        for part in _parts(rect):
            now = source[part] & COLOR_MASK
            np.not_equal(main[part], now, out=self.changed[part])
            main[part] = now
        self._miss(rect)

    def _miss(self, rect: Rect) -> None:
        """MAIN has something there that has not come to our own pixels."""
        self._missing.append(rect)
        if len(self._missing) > MAX_MISSING:
            self._missing = [bounding_box(self._missing)]


class _Taking:
    """Of rows of a region in which something has moved: they become what the surface has, band by band.

    What is still to be moved is not painted yet.
    """

    def __init__(self, source: Words, main: Words, changed: Mask, region: Rect, move: Move) -> None:
        columns = slice(region.x, region.right)
        #: as wide as the region, as high as the pictures
        self._new, self._shown, self._changed = source[:, columns], main[:, columns], changed[:, columns]
        #: as wide as the move
        self._origin = main[:, move.source.x : move.source.right]
        self._region = region
        self._dy = move.dy
        #: columns of the region into which something moves
        self._inner = slice(move.x - region.x, move.destination.right - region.x)
        #: columns into which nothing moves
        sides = slice(0, self._inner.start), slice(self._inner.stop, region.width)
        self._beside = [side for side in sides if side.start < side.stop]
        #: (region.height,) bool: rows in which anything has changed
        self.lines: Mask = np.zeros(region.height, np.bool_)

    def take(self, top: int, bottom: int, *, is_moved: bool) -> None:
        """These rows, into all or none of which something moves."""
        width = self._region.width
        is_narrow = (self._inner.stop - self._inner.start) * NARROW >= width * (NARROW - 1)
        is_direct = is_moved and is_narrow and abs(self._dy) * width >= MIN_BAND
        bands = _bands(top, bottom, width, abs(self._dy) if is_direct else bottom - top)
        scratch = np.empty((0 if is_direct else bands[0][1] - bands[0][0], width), np.uint32)
        for first, last in bands if self._dy <= 0 else reversed(bands):
            if is_direct:
                self._take_far(slice(first, last))
            else:
                self._take_by_way_of(scratch[: last - first], slice(first, last), is_moved)
            changed = self._changed[first:last]
            if np.count_nonzero(changed):
                first, last = first - self._region.y, last - self._region.y
                np.logical_or.reduce(changed, axis=1, out=self.lines[first:last])

    def _take_far(self, rows: slice) -> None:
        """Rows that are not among those from which something moves into them."""
        for side in self._beside:
            now = self._new[rows, side] & COLOR_MASK
            np.not_equal(now, self._shown[rows, side], out=self._changed[rows, side])
        np.bitwise_and(self._new[rows], COLOR_MASK, out=self._shown[rows])
        self._compare_moved(self._shown[rows], rows)

    def _take_by_way_of(self, scratch: Words, rows: slice, is_moved: bool) -> None:
        np.bitwise_and(self._new[rows], COLOR_MASK, out=scratch)
        for side in self._beside if is_moved else [slice(None)]:
            np.not_equal(scratch[:, side], self._shown[rows, side], out=self._changed[rows, side])
        if is_moved:
            self._compare_moved(scratch, rows)
        self._shown[rows] = scratch

    def _compare_moved(self, now: Words, rows: slice) -> None:
        origin = self._origin[rows.start - self._dy : rows.stop - self._dy]
        np.not_equal(now[:, self._inner], origin, out=self._changed[rows, self._inner])


def _parts(rect: Rect) -> list[tuple[slice, slice]]:
    """Where the bands of a rectangle lie in a picture."""
    if rect.pixels * 4 <= BAND_BYTES:
        return [rect.slices]
    columns = slice(rect.x, rect.right)
    return [(slice(*rows), columns) for rows in _bands(rect.y, rect.bottom, rect.width)]


def _bands(top: int, bottom: int, width: int, most: int = MAX_SIDE) -> list[tuple[int, int]]:
    """First row and the one after the last of parts of so many pixels across, and of so many rows at most."""
    rows = min(max(BAND_BYTES // (width * 4), 1), most)
    return [(row, min(row + rows, bottom)) for row in range(top, bottom, rows)]
