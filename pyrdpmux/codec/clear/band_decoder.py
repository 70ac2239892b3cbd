"""The bands layer, as a client reads it (MS-RDPEGFX 2.2.4.1.1.2 CLEARCODEC_BANDS_DATA).

Storage: one row of 52 words per slot, the first ``height`` of them in use. Columns are of different sizes on
the wire, but all that are known ("hits") have two bytes with the top bit set. So for each parity of the
offset, the other ones are listed, and the decoder walks from one to the next.

Writes do not go to the storage at once: a hit may mean a slot as it was before or after a write in the same
stretch. A stretch's writes are numbered, and a hit at a time when ``t`` of them had been made means the last
one before ``t`` that went to its slot, or the storage.

Limits: a stretch is flushed after 8192 writes, at the end of a band; bands paint at most four times the
bitmap's pixels.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.clear.residual import colors_of
from pyrdpmux.codec.clear.stream import BAND_HEADER, MAX_BAND_HEIGHT
from pyrdpmux.codec.color import Words
from pyrdpmux.codec.scatter import Bytes, Positions
from pyrdpmux.errors import DecodeError

PATH: Final = "ClearCodec.bandsData"
VBARS: Final = 1 << 15
SHORT_VBARS: Final = 1 << 14
MAX_OVERDRAW: Final = 4
"""How often a layer may paint the bitmap's pixels: bands and rectangles of honest senders do not overlap."""

_FLUSH: Final = 8192
_HIT: Final = 0x80
_SHORT_HIT: Final = 0x40
_HEADER_SIZE: Final = 2
_SHORT_HIT_SIZE: Final = 3


class Storage:
    """Slots filled at a cursor that goes round (MS-RDPEGFX 3.3.1.10 to 3.3.1.13)."""

    def __init__(self, slots: int) -> None:
        # Zeros that are never touched cost no memory.
        self.pixels: Words = np.zeros((slots, MAX_BAND_HEIGHT), np.uint32)
        self.heights: NDArray[np.int8] = np.full(slots, -1, np.int8)
        """-1 where nothing has been stored; short V-Bars may have no pixels."""
        self.cursor = 0

    def latest(self, slots: Positions, times: Positions) -> Positions:
        """(n,) number of the last write before ``times`` to each slot, or -1 for what is in the storage.

        ``slots`` and ``times`` (n,) int64; writes of this stretch count from 0, and go to slots from the
        cursor on.
        """
        size = len(self.heights)
        number = (slots - self.cursor) % size
        number += (times - 1 - number) // size * size
        number[number < 0] = -1
        return number

    def heights_of(self, slots: Positions, numbers: Positions, written: Positions) -> Positions:
        """(n,) heights, from the storage or from the writes' ``written`` (writes,) heights; int64 all."""
        result: Positions = self.heights[slots].astype(np.int64)
        fresh = np.flatnonzero(numbers >= 0)
        result[fresh] = written[numbers[fresh]]
        return result

    def columns(self, slots: Positions, numbers: Positions, written: Words, height: int) -> Words:
        """(n, height) pixels, likewise."""
        result: Words = self.pixels[slots, :height]
        fresh = np.flatnonzero(numbers >= 0)
        result[fresh] = written[numbers[fresh], :height]
        return result

    def store(self, written: Words, heights: Positions) -> None:
        """All writes of a stretch; of those to one slot, the last remains.

        ``written`` (writes, 52) uint32, ``heights`` (writes,) int64. Fancy assignment goes in the order
        of the index.
        """
        slots = (self.cursor + np.arange(len(heights))) % len(self.heights)
        self.pixels[slots] = written
        self.heights[slots] = heights
        self.cursor = (self.cursor + len(heights)) % len(self.heights)


class _Band(NamedTuple):
    x_start: int
    x_end: int
    y_start: int
    y_end: int
    background: int
    """Word 0xFFRRGGBB."""
    offset: int

    @property
    def width(self) -> int:
        return self.x_end - self.x_start + 1

    @property
    def height(self) -> int:
        return self.y_end - self.y_start + 1


@dataclass(slots=True)
class _Stretch:
    """Bands whose columns have been found, but not painted."""

    bands: list[_Band] = field(default_factory=list)
    # stretches of hits: offset, count; then number of writes before; in order of columns
    hit_offsets: list[int] = field(default_factory=list)
    hit_counts: list[int] = field(default_factory=list)
    hit_times: list[int] = field(default_factory=list)
    # one for each write, in order: its column, band, first row; offset of pixels or slot of a short hit
    write_column: list[int] = field(default_factory=list)
    write_band: list[int] = field(default_factory=list)
    write_on: list[int] = field(default_factory=list)
    write_size: list[int] = field(default_factory=list)
    """Pixels of a miss, or -1 for a short hit."""
    write_source: list[int] = field(default_factory=list)
    columns: int = 0


class BandDecoder:
    """Both caches of a client, and what they mean."""

    def __init__(self) -> None:
        self._bars = Storage(VBARS)
        self._short_bars = Storage(SHORT_VBARS)

    def reset(self) -> None:
        """MS-RDPEGFX 2.2.4.1, CLEARCODEC_FLAG_CACHE_RESET: the cursors only; what is stored stays."""
        self._bars.cursor = self._short_bars.cursor = 0

    def decode(self, data: bytes, canvas: Words, offset: int = 0) -> None:
        """Paint all bands of ``data`` on ``canvas`` (h, w)."""
        array = np.frombuffer(data, np.uint8)
        others = np.flatnonzero(array[1:] < _HIT)
        by_parity = [others[others & 1 == parity].tolist() for parity in (0, 1)]
        room = MAX_OVERDRAW * canvas.size
        position = 0
        stretch = _Stretch()
        while position < len(data):
            band = _read_band(data, position, canvas.shape, offset)
            room -= band.width * band.height
            if room < 0:
                raise DecodeError(PATH, f"bands cover the bitmap {MAX_OVERDRAW} times", offset + position)
            stretch.bands.append(band)
            position = _find_columns(data, position + BAND_HEADER.size, stretch, by_parity, offset)
            if len(stretch.write_on) >= _FLUSH:
                self._paint(array, stretch, canvas)
                stretch = _Stretch()
        self._paint(array, stretch, canvas)

    def _paint(self, array: Bytes, stretch: _Stretch, canvas: Words) -> None:
        """Paint a stretch's bands on ``canvas`` (h, w) uint32 and store its V-Bars. DecodeError before any
        of their pixels.

        ``array`` (k,) uint8 is the whole layer. ``slots``, ``numbers`` and ``found`` are (columns,)
        int64.
        """
        bands = stretch.bands
        if not bands:
            return
        heights = np.array([band.height for band in bands])
        written_heights = heights[np.array(stretch.write_band, int)]
        written = self._write_short(array, stretch, written_heights)
        slots, numbers = self._sources(array, stretch)
        counts = [band.width for band in bands]
        found = self._bars.heights_of(slots, numbers, written_heights)
        wrong = np.flatnonzero(found != np.repeat(heights, counts))
        if len(wrong):
            band = bands[int(np.searchsorted(np.cumsum(counts), wrong[0], side="right"))]
            reason = f"the column has {found[wrong[0]]} pixels, the band {band.height}"
            raise DecodeError(f"{PATH}.vBarIndex", reason, band.offset)
        first = 0
        for band in bands:
            part = slice(first, first + band.width)
            first += band.width
            pixels = self._bars.columns(slots[part], numbers[part], written, band.height)
            canvas[band.y_start : band.y_end + 1, band.x_start : band.x_end + 1] = pixels.T
        self._bars.store(written, written_heights)

    def _sources(self, array: Bytes, stretch: _Stretch) -> tuple[Positions, Positions]:
        """Slot, and number of the write or -1, of each column; (columns,) int64 both."""
        slots = np.zeros(stretch.columns, np.int64)
        numbers = np.empty(stretch.columns, np.int64)
        is_hit = np.ones(stretch.columns, np.bool_)
        written = np.array(stretch.write_column, int)
        is_hit[written] = False
        numbers[written] = np.arange(len(written))
        counts = np.array(stretch.hit_counts, int)
        before = np.cumsum(counts) - counts
        at = np.repeat(np.array(stretch.hit_offsets, int) - 2 * before, counts)
        at += 2 * np.arange(len(at))
        hits = np.flatnonzero(is_hit)
        slots[hits] = array[at] | (array[at + 1] & np.int64(_HIT - 1)) << 8
        numbers[hits] = self._bars.latest(slots[hits], np.repeat(np.array(stretch.hit_times, int), counts))
        return slots, numbers

    def _write_short(self, array: Bytes, stretch: _Stretch, heights: Positions) -> Words:
        """The (writes, 52) V-Bars of a stretch; short ones go to their storage."""
        sizes = np.array(stretch.write_size, int)
        sources = np.array(stretch.write_source, int)
        ons = np.array(stretch.write_on, int)
        missed = np.flatnonzero(sizes >= 0)
        hit = np.flatnonzero(sizes < 0)
        misses_before: Positions = np.cumsum(sizes >= 0, dtype=np.int64)
        place = np.arange(MAX_BAND_HEIGHT)
        fresh_sizes = sizes[missed]
        fresh = np.zeros((len(missed), MAX_BAND_HEIGHT), np.uint32)
        row, column = np.nonzero(place < fresh_sizes[:, None])
        at = sources[missed][row] + 3 * column
        fresh[row, column] = colors_of(array[at[:, None] + np.arange(3)])
        short = np.zeros((len(sizes), MAX_BAND_HEIGHT), np.uint32)
        short[missed] = fresh
        numbers = self._short_bars.latest(sources[hit], misses_before[hit])
        sizes[hit] = self._short_bars.heights_of(sources[hit], numbers, fresh_sizes)
        short[hit] = self._short_bars.columns(sources[hit], numbers, fresh, MAX_BAND_HEIGHT)
        self._check_short(stretch, sizes, ons, heights)
        self._short_bars.store(fresh, fresh_sizes)
        backgrounds = np.array([band.background for band in stretch.bands], np.uint32)
        written = np.repeat(backgrounds[np.array(stretch.write_band, int)][:, None], MAX_BAND_HEIGHT, axis=1)
        row, column = np.nonzero(place < sizes[:, None])
        written[row, ons[row] + column] = short[row, column]
        return written

    @staticmethod
    def _check_short(stretch: _Stretch, sizes: Positions, ons: Positions, heights: Positions) -> None:
        """DecodeError for a short V-Bar that does not fit its band; all (writes,) int64, rows of pixels."""
        wrong = np.flatnonzero((sizes < 0) | (ons + sizes > heights))
        if len(wrong):
            at = int(wrong[0])
            reason = f"{sizes[at]} pixels from {ons[at]} on, the band has {heights[at]}"
            raise DecodeError(f"{PATH}.shortVBar", reason, stretch.bands[stretch.write_band[at]].offset)


def _read_band(data: bytes, position: int, shape: tuple[int, ...], offset: int) -> _Band:
    place = offset + position
    if len(data) - position < BAND_HEADER.size:
        left = len(data) - position
        raise DecodeError(f"{PATH}.xStart", f"need {BAND_HEADER.size} bytes, {left} left", place)
    x_start, x_end, y_start, y_end, blue, green, red = BAND_HEADER.unpack(data, position)
    if not x_start <= x_end < shape[1]:
        raise DecodeError(f"{PATH}.xEnd", f"{x_end}, expected {x_start} to {shape[1] - 1}", place)
    last = min(shape[0], y_start + MAX_BAND_HEIGHT) - 1
    if not y_start <= y_end <= last:
        raise DecodeError(f"{PATH}.yEnd", f"{y_end}, expected {y_start} to {last}", place)
    return _Band(x_start, x_end, y_start, y_end, 255 << 24 | red << 16 | green << 8 | blue, place)


def _find_columns(data: bytes, position: int, stretch: _Stretch, others: list[list[int]], offset: int) -> int:
    """Note all columns of the stretch's last band, which begin at ``position``; the position behind them.

    INVARIANT: each turn consumes two bytes at least.
    """
    left = stretch.bands[-1].width
    while left:
        candidates = others[position & 1]
        index = bisect_left(candidates, position)
        end = candidates[index] if index < len(candidates) else len(data)
        hits = min(left, (end - position) // 2)
        if hits:
            stretch.hit_offsets.append(position)
            stretch.hit_counts.append(hits)
            stretch.hit_times.append(len(stretch.write_on))
            stretch.columns += hits
            position += 2 * hits
            left -= hits
        if left:
            position = _find_write(data, position, stretch, offset)
            left -= 1
    return position


def _find_write(data: bytes, position: int, stretch: _Stretch, offset: int) -> int:
    """Note one column that is not a hit."""
    if len(data) - position < _HEADER_SIZE:
        raise DecodeError(f"{PATH}.vBarHeader", "need 2 bytes", offset + position)
    low, high = data[position], data[position + 1]
    if high & _SHORT_HIT:
        behind = position + _SHORT_HIT_SIZE
        source, size = (high & (_SHORT_HIT - 1)) << 8 | low, -1
        on = data[position + 2] if behind <= len(data) else 0
    else:
        source, size, on = position + _HEADER_SIZE, high - low, low
        if size < 0:
            raise DecodeError(f"{PATH}.shortVBarYOff", f"{high}, expected {low} at least", offset + position)
        behind = source + 3 * size
    if behind > len(data):
        raise DecodeError(f"{PATH}.shortVBarPixels", "ends within a column", offset + position)
    stretch.write_column.append(stretch.columns)
    stretch.write_band.append(len(stretch.bands) - 1)
    stretch.write_on.append(on)
    stretch.write_size.append(size)
    stretch.write_source.append(source)
    stretch.columns += 1
    return behind
