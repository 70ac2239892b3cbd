"""The bands layer, as a server writes it (MS-RDPEGFX 2.2.4.1.1.2 CLEARCODEC_BANDS_DATA).

All columns of all bands of some messages are one row of arrays: key, line, x. A key that the client has costs
two bytes; the first column of a key that it does not have costs its short V-Bar (two bytes and its pixels, or
three bytes); from then on it is known.

A line whose columns would cost more than its pixels are worth is left to the other layers.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.clear import columns
from pyrdpmux.codec.clear.layout import Layout
from pyrdpmux.codec.clear.mirror import Keys, Mirror, Slots
from pyrdpmux.codec.clear.residual import octets
from pyrdpmux.codec.clear.stream import BAND_HEADER, MAX_BAND_HEIGHT
from pyrdpmux.codec.color import Words
from pyrdpmux.codec.scatter import Positions

VBAR_BITS: Final = 15
SHORT_VBAR_BITS: Final = 14
_HIT: Final = 0x8000
_SHORT_HIT: Final = 0x4000
MAX_FRESH: Final = (1 << SHORT_VBAR_BITS) - 1
"""New columns in one message: fewer than short slots, so that none is overwritten while it is needed."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Whose lines are whose, where pictures of several messages stand one below the other.

    ``of_line`` (lines,) int64, ascending; ``tops`` (messages,) int64, each picture's first row.
    """

    of_line: Positions
    tops: Positions

    def cut(self, data: bytes, band_line: Positions, ends: Positions) -> list[bytes]:
        """What of ``data`` is each message's; the bands of lines ``band_line`` end at ``ends`` (bands,)."""
        bounds = np.searchsorted(self.of_line[band_line], np.arange(len(self.tops) + 1))
        places = np.concatenate([[0], ends])[bounds]
        return [data[a:b] for a, b in pairwise(places.tolist())]


@dataclass(slots=True)
class Columns:
    """All columns of some messages, in order, and the bands they make up.

    ``keys`` (columns,) uint64; ``line`` and ``x`` (columns,) int64: index of the line in the layout, and
    place in the picture. ``band_line``, ``band_start`` and ``band_end`` (bands,) int64, the end
    exclusive.
    """

    keys: Keys
    line: Positions
    x: Positions
    band_line: Positions
    band_start: Positions
    band_end: Positions

    def without(self, lines: NDArray[np.bool_]) -> "Columns":
        """Only columns and bands of lines that are not set in ``lines`` (lines,) bool."""
        kept, bands = ~lines[self.line], ~lines[self.band_line]
        return Columns(
            self.keys[kept],
            self.line[kept],
            self.x[kept],
            self.band_line[bands],
            self.band_start[bands],
            self.band_end[bands],
        )

    def parts(self) -> tuple["Columns", "Columns"] | None:
        """Two halves, between lines; None for a single line."""
        middle = int(self.line[len(self.line) // 2])
        if middle == self.line[0]:
            middle += 1
        before = np.arange(int(self.line[-1]) + 1) < middle
        if before.all():
            return None
        return self.without(~before), self.without(before)


def columns_of(words: Words, layout: Layout) -> Columns:
    """The columns of all bands of a layout of ``words`` (h, w) uint32, at least one."""
    starts, ends = np.concatenate(layout.starts), np.concatenate(layout.ends)
    band_line = np.concatenate(layout.line)
    order = np.argsort(band_line, kind="stable")
    starts, ends, band_line = starts[order], ends[order], band_line[order]
    widths = ends - starts
    x = np.repeat(starts - (np.cumsum(widths) - widths), widths)
    x += np.arange(len(x))
    line = np.repeat(band_line, widths)
    result: Keys = np.empty(len(x), np.uint64)
    first_band = np.searchsorted(band_line, np.arange(len(layout.lines) + 1))
    bounds = np.concatenate([[0], np.cumsum(widths)])[first_band].tolist()
    for index, (top, bottom, _) in enumerate(layout.lines):
        part = x[bounds[index] : bounds[index + 1]]
        left = int(part[0])
        found = columns.keys(words[top:bottom, left : int(part[-1]) + 1], bottom - top)
        np.take(found, part - left, out=result[bounds[index] : bounds[index + 1]])
    return Columns(result, line, x, band_line, starts, ends)


class BandEncoder:
    """The model of one client's V-Bar caches."""

    def __init__(self) -> None:
        self._bars = Mirror(VBAR_BITS)
        self._short_bars = Mirror(SHORT_VBAR_BITS)
        self.columns = 0
        """Columns sent so far,"""
        self.hits = 0
        """of which the client knew so many."""

    def encode(
        self, words: Words, layout: Layout, found: Columns, messages: Messages
    ) -> tuple[list[bytes], NDArray[np.bool_]]:
        """The bands of each message, and (lines,) bool: which lines are not among them.

        ``words`` (h, w) uint32 are the pictures of all of them.
        """
        left_out = np.zeros(len(layout.lines), np.bool_)
        if not len(found.keys):
            return [b""] * len(messages.tops), left_out
        planned = columns.plan(self._bars, found.keys)
        if planned is None or len(planned.fresh) > MAX_FRESH:
            return self._encode_halves(words, layout, found, messages, left_out)
        left_out = _too_dear(words, layout, found, planned)
        if left_out.any():
            found = found.without(left_out)
            if not len(found.keys):
                return [b""] * len(messages.tops), left_out
            planned = columns.plan(self._bars, found.keys)
            assert planned is not None, "fewer columns than before"
        return self._encode(words, layout, found, messages, planned), left_out

    def _encode_halves(
        self, words: Words, layout: Layout, found: Columns, messages: Messages, left_out: NDArray[np.bool_]
    ) -> tuple[list[bytes], NDArray[np.bool_]]:
        """The bands of two halves of the lines, one after the other; a single line is left out instead."""
        parts = found.parts()
        if parts is None:  # one line wider than the cache is no text
            left_out[found.line[0]] = True
            return [b""] * len(messages.tops), left_out
        first, without_first = self.encode(words, layout, parts[0], messages)
        second, without_second = self.encode(words, layout, parts[1], messages)
        bands = [a + b for a, b in zip(first, second, strict=True)]
        return bands, without_first | without_second

    def _encode(
        self, words: Words, layout: Layout, found: Columns, messages: Messages, planned: columns.Plan
    ) -> list[bytes]:
        """The bytes of all bands, by message.

        ``headers`` and ``sizes`` (columns,) int64: the two bytes of each column's V-Bar header, and the
        bytes of it all; ``at`` is where it begins. ``pixels`` are (fresh columns, 52) uint32.
        """
        fresh = planned.fresh
        slots = columns.commit(self._bars, planned)
        self.columns += len(slots)
        self.hits += len(slots) - len(fresh)
        headers = slots | _HIT
        sizes = np.full(len(slots), 2)
        on, pixels, lengths, hits = self._short(words, layout, found.line[fresh], found.x[fresh])
        is_hit = hits >= 0
        headers[fresh] = np.where(is_hit, hits | _SHORT_HIT, on | (on + lengths) << 8)
        sizes[fresh] = np.where(is_hit, 3, 2 + 3 * lengths)
        # A band's header stands before its first column.
        widths = found.band_end - found.band_start
        first = np.cumsum(widths) - widths
        sizes[first] += BAND_HEADER.size
        ends = np.cumsum(sizes)
        at = ends - sizes
        out = np.empty(int(ends[-1]), np.uint8)
        out[at[first][:, None] + np.arange(BAND_HEADER.size)] = _headers(layout, found, messages)
        at[first] += BAND_HEADER.size
        out[at] = headers
        out[at + 1] = headers >> 8
        at = at[fresh] + 2
        out[at[is_hit]] = on[is_hit]
        row, place = np.nonzero(np.arange(MAX_BAND_HEIGHT) < np.where(is_hit, 0, lengths)[:, None])
        colors = octets(pixels[row, place])
        where = at[row] + 3 * place
        for channel in range(3):
            out[where + channel] = colors[:, channel]
        return messages.cut(out.tobytes(), found.band_line, ends[first + widths - 1])

    def _short(
        self, words: Words, layout: Layout, line: Positions, x: Positions
    ) -> tuple[Positions, Words, Positions, Slots]:
        """Of each new column's short V-Bar: first row, pixels (n, 52), their number, and known slot or -1."""
        lines = np.array(layout.lines, np.int64)
        top, bottom, background = (lines[line, part] for part in range(3))
        height = (bottom - top)[:, None]
        place = np.arange(MAX_BAND_HEIGHT)
        rows = np.minimum(top[:, None] + place, len(words) - 1)
        pixels = words[rows, x[:, None]]
        ink = (pixels != background[:, None]) & (place < height)
        on = ink.argmax(axis=1)
        empty = ~ink[np.arange(len(ink)), on]
        length = MAX_BAND_HEIGHT - ink[:, ::-1].argmax(axis=1) - on
        on[empty] = length[empty] = 0
        pixels = np.take_along_axis(pixels, np.minimum(on[:, None] + place, MAX_BAND_HEIGHT - 1), axis=1)
        inside = place < length[:, None]
        # keys() adds one to every pixel: what does not belong to the column becomes zero.
        found = columns.keys(np.where(inside, pixels, np.uint32(0xFFFFFFFF)).T, length)
        planned = columns.plan(self._short_bars, found)
        assert planned is not None, "MAX_FRESH is less than the cache"
        hits = planned.slots.copy()
        slots = columns.commit(self._short_bars, planned)
        # A short V-Bar that occurs twice is a hit the second time.
        again = np.flatnonzero(hits < 0)
        hits[again] = slots[again]
        hits[planned.fresh] = -1
        return on, pixels, length, hits


def _headers(layout: Layout, found: Columns, messages: Messages) -> NDArray[np.uint8]:
    """(bands, 11) octets."""
    lines = np.array(layout.lines, np.int64)[found.band_line]
    lines[:, :2] -= messages.tops[messages.of_line[found.band_line]][:, None]
    result = np.empty((len(lines), BAND_HEADER.size), np.uint8)
    edges = np.stack([found.band_start, found.band_end - 1, lines[:, 0], lines[:, 1] - 1], axis=1)
    result[:, :8] = edges.astype("<u2").view(np.uint8)
    result[:, 8:] = octets(lines[:, 2].astype(np.uint32))
    return result


def _too_dear(words: Words, layout: Layout, found: Columns, planned: columns.Plan) -> NDArray[np.bool_]:
    """(lines,) bool: lines that runs or raw pixels show in fewer bytes. ``words`` (h, w) uint32."""
    count = len(layout.lines)
    line, x = found.line[planned.fresh], found.x[planned.fresh]
    fresh = np.bincount(line, minlength=count)
    width = np.bincount(found.line, minlength=count)
    result = np.zeros(count, np.bool_)
    # With few new columns, nothing is cheaper: most lines need no closer look.
    for index in np.flatnonzero(fresh * 2 > width).tolist():
        top, bottom, background = layout.lines[index]
        bands = np.flatnonzero(found.band_line == index)
        left, right = int(found.band_start[bands[0]]), int(found.band_end[bands[-1]])
        part = words[top:bottom, left:right]
        runs = 4 * (int(np.count_nonzero(part[:, 1:] != part[:, :-1])) + 2 * len(part))
        ink = words[top:bottom, x[line == index]] != np.uint32(background)
        extent = bottom - top - ink.argmax(axis=0) - ink[::-1].argmax(axis=0)
        cost = 3 * int(extent.sum()) + 2 * int(width[index]) + BAND_HEADER.size * len(bands)
        result[index] = cost > min(runs, 3 * part.size)
    return result
