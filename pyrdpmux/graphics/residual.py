"""What is left to paint: changed pixels as a few disjoint rectangles, and where a score is best.

Memory layout: a mask is (h, w) bool, a byte a pixel. Eight pixels of a line are read as one 64-bit word,
eight lines are folded by OR into cells of 8x8 pixels, and what follows works on cells only: runs of changed
cells in each row of cells, runs one above the other joined, each rectangle cut to its true bounds at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect

Mask = NDArray[np.bool_]
"""(h, w) bool: pixels that are meant."""

CELL: Final = 8
"""Pixels per side of a cell: the bytes of a word."""

MAX_RECTS: Final = 128
"""A rectangle costs a header and an encoder's start; past this fewer and larger ones are cheaper."""

SMALL_PIXELS: Final = 4096
"""A rectangle around changes of no more is painted as a whole: a letter was typed, a cursor blinks."""

_GAP: Final = 3
"""Unchanged cells that a run goes on over: less than a second rectangle costs."""

_SLACK: Final = 2
"""Cells that the ends of the runs of one rectangle may differ by.

INVARIANT: at most (_GAP + 1) / 2. Runs of one row are more than _GAP cells apart, so that rectangles which
grow by _SLACK towards each other do not meet.
"""

_MAX_RUNS: Final = 2048
"""Runs are joined one by one, at about half a microsecond each."""

_BLOCKS: Final = 34
"""Rows of blocks that a best rectangle is looked for in: all pairs of them are tried."""

_SMALL: Final = 64
"""A score with a side below this has no blocks worth the name."""

_LINE: Final = 24
"""Pixels: a band of no more is a line of text, if it is longer than that."""

_APART: Final = 8
"""Rows of cells: what has more of them without a change in between is searched each by itself."""


def changed_mask(before: Words, now: Words) -> Mask:
    """Which pixels differ: (h, w) bool of two (h, w) uint32, of which the fourth byte counts, too."""
    result: Mask = np.not_equal(before, now)
    return result


def changed_rects(
    mask: Mask, origin_x: int, origin_y: int, *, max_rects: int = MAX_RECTS, lines: Mask | None = None
) -> list[Rect]:
    """At most ``max_rects`` disjoint rectangles that cover every set pixel of a (h, w) bool, top to bottom.

    Each is the bounding box of the pixels in it. The mask's first pixel lies at ``origin_x``, ``origin_y``.
    ``lines``: (h,) bool, where any is set, if that is known.
    """
    found: list[Rect] = []
    for top, bottom in _bands(np.logical_or.reduce(mask, axis=1) if lines is None else lines):
        band = mask[top:bottom]
        line = _line_in(band)
        found += [line.moved(0, top)] if line is not None else _rects_of(band, top, max_rects)
    if len(found) > max(max_rects, 1):
        found = _rects_of(mask, 0, max_rects)
    return [rect.moved(origin_x, origin_y) for rect in found]


def rects_around(mask: Mask, areas: Sequence[Rect], lines: Mask | None = None) -> list[Rect]:
    """Disjoint rectangles that hold all set pixels of a mask in areas, which are disjoint, too.

    ``lines``: of a large area, if it is the only one, in which of its rows there are any.
    """
    found: list[Rect] = []
    for area in areas:
        if area.pixels <= SMALL_PIXELS:
            found.append(area)
        else:
            found += changed_rects(mask[area.slices], area.x, area.y, lines=lines)
    return found


def _line_in(mask: Mask) -> Rect | None:
    """The rectangle around what may be a line of text: low, and without a gap to speak of."""
    if len(mask) > _LINE:
        return None
    bounds = bounds_of(mask)
    if bounds is None or bounds.width < _LINE:
        return None
    columns = np.flatnonzero(mask[:, bounds.x : bounds.right].any(axis=0))
    has_gaps = len(columns) > 1 and int(np.diff(columns).max()) > _GAP * CELL
    return None if has_gaps else bounds


def _bands(is_set: Mask) -> list[tuple[int, int]]:
    """First line and the one after the last, in whole cells, of parts with many others between them.

    ``is_set``: (h,) bool, of each line.
    """
    lines = is_set.nonzero()[0] // CELL
    if not len(lines):
        return []
    breaks = (lines[1:] - lines[:-1] > _APART).nonzero()[0].tolist()
    starts = [int(lines[place]) * CELL for place in (0, *[place + 1 for place in breaks])]
    return list(zip(starts, [(int(lines[place]) + 1) * CELL for place in (*breaks, -1)], strict=True))


def _rects_of(mask: Mask, y: int, max_rects: int) -> list[Rect]:
    """The same of a mask whose first line is at ``y``."""
    cells = _Cells.of(mask)
    found = cells.joined(max_rects)
    if not len(found):
        return []
    left, right = cells.columns(found)
    top, bottom = cells.lines(found)
    corners = (left, top + y, right, bottom + y)
    return [Rect.from_corners(*rect) for rect in zip(*[edge.tolist() for edge in corners], strict=True)]


def bounds_of(mask: Mask) -> Rect | None:
    """The rectangle around all set pixels of a (h, w) bool; None if none is set."""
    if not mask.size:
        return None
    lines = np.logical_or.reduce(mask, axis=1)
    top = int(lines.argmax())
    if not lines[top]:
        return None
    bottom = len(lines) - int(lines[::-1].argmax())
    columns = np.logical_or.reduce(mask[top:bottom], axis=0)
    left, right = int(columns.argmax()), len(columns) - int(columns[::-1].argmax())
    return Rect.from_corners(left, top, right, bottom)


def best_rectangle(score: NDArray[np.int8]) -> tuple[Rect, int] | None:
    """A rectangle whose sum of a (h, w) int8 score of -1, 0 and 1 is as large as we can find, and that sum.

    The best of all made of whole blocks; then its edges are moved to the best columns and rows, twice.
    None if nothing has a sum above 0. Sides are below 32768, so that the sum of a line fits 16 bits.
    """
    height, width = score.shape
    if not score.size:
        return None
    area = limits = Rect(0, 0, width, height)
    if min(height, width) >= _SMALL:
        area, limits = _best_blocks(score)
        if area.is_empty:
            return None
    total = 0
    # Columns are weighed by the rows found so far, and the other way round: an edge moved outwards too early
    # would weigh what is beside the rectangle.
    for _ in range(2):
        rows = (area.y, area.height)
        lines = score[area.y : area.bottom, limits.x : limits.right]
        start, stop, _ = _best_range(np.add.reduce(lines, axis=0, dtype=np.int16))
        area = Rect(limits.x + start, area.y, stop - start, area.height)
        lines = score[limits.y : limits.bottom, area.x : area.right]
        start, stop, total = _best_range(np.add.reduce(lines, axis=1, dtype=np.int16))
        area = Rect(area.x, limits.y + start, area.width, stop - start)
        if rows == (area.y, area.height):
            break
    return (area, total) if total > 0 else None


def _best_range(sums: NDArray[np.int16]) -> tuple[int, int, int]:
    """Start, stop and sum of the best range of numbers, the shortest of equals."""
    before = np.zeros(len(sums) + 1, np.int64)
    np.cumsum(sums, out=before[1:])
    gain = before[1:] - np.minimum.accumulate(before)[:-1]
    stop = int(gain.argmax()) + 1
    start = stop - 1 - int(before[:stop][::-1].argmin())
    return start, stop, int(gain[stop - 1])


def _best_blocks(score: NDArray[np.int8]) -> tuple[Rect, Rect]:
    """The best rectangle of whole blocks, and a block more on each side; empty if none is above 0."""
    height, width = score.shape
    side = max(16, -(-min(height, width) // _BLOCKS))
    rows, columns = -(-height // side), -(-width // side)
    whole = height // side * side
    bands = np.zeros((rows, columns * side), np.int64)
    bands[: height // side, :width] = np.add.reduce(
        score[:whole].reshape(-1, side, width), axis=1, dtype=np.int16
    )
    if whole < height:
        bands[-1, :width] = np.add.reduce(score[whole:], axis=0, dtype=np.int16)
    blocks = bands.reshape(rows, columns, side).sum(axis=2)
    left, top, right, bottom = (
        _best_of_pairs(blocks) if rows <= columns else _turned(_best_of_pairs(blocks.T))
    )
    found, around = [
        Rect.from_corners(*[side * corner for corner in corners]).clip(width, height)
        for corners in ((left, top, right, bottom), (left - 1, top - 1, right + 1, bottom + 1))
    ]
    return found, around


def _turned(corners: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = corners
    return top, left, bottom, right


def _best_of_pairs(blocks: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a small array's best rectangle: the best range for each pair of rows."""
    rows, columns = blocks.shape
    above = np.zeros((rows + 1, columns + 1), np.int64)
    above[1:, 1:] = blocks.cumsum(axis=0).cumsum(axis=1)
    tops, bottoms = np.triu_indices(rows + 1, 1)
    sums = above[bottoms] - above[tops]
    gain = sums[:, 1:] - np.minimum.accumulate(sums, axis=1)[:, :-1]
    pair, last = divmod(int(gain.argmax()), columns)
    if gain[pair, last] <= 0:
        return 0, 0, 0, 0
    left = last - int(sums[pair, : last + 1][::-1].argmin())
    return left, int(tops[pair]), last + 1, int(bottoms[pair])


def _words(mask: Mask) -> NDArray[np.uint64]:
    """The mask as words of eight pixels, filled up to whole cells."""
    height, width = mask.shape
    full = (-(-height // CELL) * CELL, -(-width // CELL) * CELL)
    if full != mask.shape or mask.strides[1] != 1:
        filled = np.zeros(full, np.bool_)
        filled[:height, :width] = mask
        mask = filled
    return mask.view("<u8")


Value = TypeVar("Value", np.uint8, np.uint64)
Corners = NDArray[np.intp]
"""(n, 4): left, top, right, bottom of rectangles, in cells."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """A mask in cells of 8x8, (rows, columns) each."""

    set: Mask
    """Cells with any pixel set."""
    across: NDArray[np.uint64]
    """All lines of a cell in one word: which of its columns are set."""
    down: NDArray[np.uint8]
    """All columns of a cell in one byte: which of its lines are set, the first in the lowest bit."""

    @classmethod
    def of(cls, mask: Mask) -> "_Cells":
        lines = _words(mask).reshape(-1, CELL, -(-mask.shape[1] // CELL))
        across = np.bitwise_or.reduce(lines, axis=1)
        bits = (lines != 0).view(np.uint8) << np.arange(CELL, dtype=np.uint8)[:, None]
        return cls(across != 0, across, np.bitwise_or.reduce(bits, axis=1))

    def joined(self, most: int) -> Corners:
        """Disjoint rectangles of cells around all that are set, their outer rows and columns not empty.

        Where there are too many, twice as many rows at a time are taken for one, with twice the gap.
        """
        rows, columns = self.set.shape
        band, gap, slack = 1, _GAP, _SLACK
        while True:
            lines, edges = _distinct(self.set if band == 1 else _folded(self.set, band))
            runs = _runs(lines, min(gap, columns))
            if len(runs) <= _MAX_RUNS:
                found = _joined(runs.tolist(), slack)
                if len(found) <= max(most, 1):
                    break
            band, gap, slack = band * 2, gap * 2 + 1, slack * 2
        corners = np.array(found, np.intp).reshape(-1, 4)
        corners[:, 1::2] = edges[corners[:, 1::2]]
        if band > 1:
            corners[:, 1::2] *= band
            for corner in corners:
                left, top, right, bottom = corner.tolist()
                full = np.flatnonzero(self.set[top : min(bottom, rows), left:right].any(axis=1))
                corner[1], corner[3] = top + full[0], top + full[-1] + 1
        return corners

    def columns(self, corners: Corners) -> tuple[Corners, Corners]:
        """First column and the one after the last of each rectangle, in pixels."""
        rows = len(self.set)
        turned = np.append(self.across.T, np.uint64(0))
        left, top, right, bottom = corners.T
        first = _any_in(turned, left * rows + top, left * rows + bottom).view(np.bool_).reshape(-1, CELL)
        right = right - 1
        last = _any_in(turned, right * rows + top, right * rows + bottom).view(np.bool_).reshape(-1, CELL)
        return left * CELL + first.argmax(axis=1), (right + 1) * CELL - last[:, ::-1].argmax(axis=1)

    def lines(self, corners: Corners) -> tuple[Corners, Corners]:
        """First line and the one after the last of each rectangle, in pixels."""
        columns = self.set.shape[1]
        straight = np.append(self.down, np.uint8(0))
        left, top, right, bottom = corners.T
        first = _bits(_any_in(straight, top * columns + left, top * columns + right))
        bottom = bottom - 1
        last = _bits(_any_in(straight, bottom * columns + left, bottom * columns + right))
        return top * CELL + first.argmax(axis=1), (bottom + 1) * CELL - last[:, ::-1].argmax(axis=1)


def _bits(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.unpackbits(values[:, None], axis=1, bitorder="little")


def _any_in(values: NDArray[Value], starts: Corners, stops: Corners) -> NDArray[Value]:
    """OR of each of disjoint ranges; ``values`` has one more behind the last."""
    order = starts.argsort()
    edges = np.empty(2 * len(starts), np.intp)
    edges[0::2], edges[1::2] = starts[order], stops[order]
    result = np.empty(len(starts), values.dtype)
    result[order] = np.bitwise_or.reduceat(values, edges)[0::2]
    return result


def _folded(flags: Mask, band: int) -> Mask:
    """So many rows in one."""
    result: Mask = np.logical_or.reduceat(flags, np.arange(0, len(flags), band), axis=0)
    return result


def _distinct(flags: Mask) -> tuple[Mask, Corners]:
    """Rows that differ from the one above; and for each where it begins, and where all of them end.

    The runs of a row like the one above always go on with the same rectangles.
    """
    first = np.ones(len(flags), np.bool_)
    (flags[1:] != flags[:-1]).any(axis=1, out=first[1:])
    return flags[first], np.append(np.flatnonzero(first), len(flags))


def _runs(flags: Mask, gap: int) -> Corners:
    """(n, 3): row, start and stop of runs of set cells with gaps up to ``gap``, in the order of reading."""
    rows, columns = flags.shape
    apart = np.zeros((rows, columns + gap + 1), np.bool_)
    apart[:, :columns] = flags
    places = np.flatnonzero(apart)
    if not len(places):
        return np.empty((0, 3), np.intp)
    breaks = np.flatnonzero(np.diff(places) > gap + 1)
    starts, stops = places[np.append(0, breaks + 1)], places[np.append(breaks, len(places) - 1)]
    row = starts // apart.shape[1]
    return np.stack([row, starts - row * apart.shape[1], stops + 1 - row * apart.shape[1]], axis=1)


def _joined(runs: list[list[int]], slack: int) -> list[list[int]]:
    """Left, top, right, bottom of rectangles, each made of runs one above the other.

    A rectangle under way is ``[left, top, right, bottom, innermost left, innermost right]``. They are kept in
    a list, from left to right as the runs of a row come: by their ends two could be mistaken for one.
    """
    done: list[list[int]] = []
    above: list[list[int]] = []
    here: list[list[int]] = []
    row, index = -1, 0
    for line, start, stop in runs:
        if line != row:
            above, here, index = (here if line == row + 1 else []), [], 0
            row = line
        while index < len(above) and above[index][4] < start - slack:
            index += 1
        if index < len(above) and _fits(above[index], start, stop, slack):
            rect = above[index]
            rect[0], rect[2], rect[3] = min(rect[0], start), max(rect[2], stop), line + 1
            rect[4], rect[5] = max(rect[4], start), min(rect[5], stop)
            index += 1
        else:
            rect = [start, line, stop, line + 1, start, stop]
            done.append(rect)
        here.append(rect)
    return [rect[:4] for rect in done]


def _fits(rect: list[int], start: int, stop: int, slack: int) -> bool:
    """Whether all left ends, and all right ends, then differ by so much at most."""
    return (
        max(rect[4], start) - min(rect[0], start) <= slack
        and max(rect[2], stop) - min(rect[5], stop) <= slack
    )
