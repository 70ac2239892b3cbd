"""RLGR1 and RLGR3 encoding of many components at once (MS-RDPRFX 3.1.8.1.7).

Input is sparse: an *event* is a run of zeros and the value behind it; the last event of each *stream* (one
component of one tile) has only zeros. Cost follows the number of events.

1. kp in front of each event, by one scan (:mod:`pyrdpmux.codec.rfx.rlgr_tables`).
2. Events become *symbols*, what is coded with kr: the same in RLGR1, while RLGR3 codes pairs.
3. krp in front of each symbol, by a second scan. From here on, all is arithmetic on arrays.
4. Each symbol is one code, its unary part included; zero bits in front of it are gaps. Codes of more than 33
   bits, from values that come as a surprise, are cut in pieces.

The scans take all streams in one go; codes are made of about a thousand tiles' worth of kilobytes at a time,
which stay in the cache.

INVARIANT: |value| <= 1023 (in RLGR1 2047), which pictures cannot exceed: the gain of their wavelet is below 3
in two dimensions.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.bits import MAX_WIDTH, Codes, msb_bytes, msb_words
from pyrdpmux.codec.rfx.rlgr_scan import scan
from pyrdpmux.codec.rfx.rlgr_tables import (
    CODE_WIDTH_SHIFT,
    CODES_SHIFT,
    COEFFICIENTS,
    GAP_MASK,
    KIND_SHIFT,
    LEFT,
    MAX_CODED,
    MAX_TABLED_WIDTH,
    PAIR,
    PARAMETERS,
    PENDING,
    PREFIX_MASK,
    RUN,
    SINGLE,
    SINGLES_MASK,
    SINGLES_SHIFT,
    START,
    STATES,
    TABLED,
    WHOLE_MASK,
    WHOLE_SHIFT,
    WIDTH_MASK,
    WIDTH_SHIFT,
    Mode,
    following_kp,
    packed_runs,
    value_codes,
    value_table,
    zero_codes,
)
from pyrdpmux.errors import EncodeError

Numbers = NDArray[np.int64]
Words = NDArray[np.int32]

MAX_VALUE: Final = {Mode.RLGR1: 2047, Mode.RLGR3: 1023}
"""RLGR3 codes sums of two."""

_CHUNK: Final = 1 << 15
"""Symbols that are coded at a time."""


@dataclass(frozen=True, slots=True)
class Events:
    """``lengths[s]`` events of each stream, in order; the last of each has value 0, and only it.

    ``lengths`` (streams,) int64 sums up to the events; ``zeros`` (events,) int32, 0 to 4096 in front of
    each value; ``value`` (events,) int32.
    """

    lengths: Numbers
    zeros: Words
    value: Words

    @classmethod
    def of(cls, rows: NDArray[Any]) -> "Events":
        """The events of the rows of a (streams, 4096) array of any signed integers."""
        marked = np.ones((len(rows), COEFFICIENTS + 1), np.bool_)
        np.not_equal(rows, 0, out=marked[:, :-1])
        stream, position = np.nonzero(marked)
        zeros = np.diff(position, prepend=-1) - 1
        first = np.flatnonzero(np.diff(stream, prepend=-1))
        zeros[first] = position[first]
        values = np.pad(rows, ((0, 0), (0, 1)))[stream, position]
        return cls(marked.sum(axis=1, dtype=np.int64), zeros.astype(np.int32), values.astype(np.int32))

    @classmethod
    def joined(cls, parts: "list[Events]") -> "Events":
        """All streams of ``parts``, one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.lengths for part in parts]),
            np.concatenate([part.zeros for part in parts]),
            np.concatenate([part.value for part in parts]),
        )


def encode(events: Events, mode: Mode = Mode.RLGR1) -> list[bytes]:
    """The bytes of each stream, in order.

    INVARIANT: indices into tables fit int32: 4096 zeros times STATES (89) and a state; three singles
    times MAX_CODED (4096) times PARAMETERS (81). EncodeError for values beyond :data:`MAX_VALUE`.
    """
    value = events.value
    if not len(value):
        return []
    largest = MAX_VALUE[mode]
    if not -largest <= value.min() <= value.max() <= largest:
        raise EncodeError("coefficients", f"{value.min()} to {value.max()}, at most {largest} possible")
    index = events.zeros * STATES
    index += scan(following_kp(mode), index, events.lengths, START)
    if mode is Mode.RLGR1:
        symbols = _symbols_of_events(events, packed_runs(mode).take(index))
    else:
        symbols = _pairs(events, index, packed_runs(mode).take(index))
    index = (symbols.run >> SINGLES_SHIFT) & SINGLES_MASK
    index *= MAX_CODED
    index += symbols.coded
    index *= PARAMETERS
    krp = scan(value_table(), index, symbols.lengths, START)
    return _coded_in_chunks(symbols, krp)


# -- symbols -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Symbols:
    """What is coded with kr, ``lengths[s]`` of each stream, in order.

    ``lengths`` (streams,) int64; ``silent`` (at most streams,) int64, ascending indices of symbols; all
    others (symbols,) int32.
    """

    lengths: Numbers
    #: what precedes the code: a word of ``packed_runs``, or zeros coded singly alone
    run: Words
    value: Words
    coded: Words
    #: which have no value behind their zeros
    silent: Numbers
    #: RLGR3: the first value of a pair, and its width
    first: Words | None = None
    first_width: Words | None = None


def _symbols_of_events(events: Events, run: Words) -> _Symbols:
    """RLGR1: each event is a symbol. ``run`` (events,) int32, a word of ``packed_runs`` each."""
    tails = np.cumsum(events.lengths) - 1
    return _Symbols(events.lengths, run, events.value, _coded(events.value, run), tails)


def _coded(value: Words, run: Words) -> Words:
    """|value| - 1 behind a run, 2 |value| - sign elsewhere; 0 where there is no value.

    All (k,) int32; at most twice MAX_VALUE.
    """
    coded = np.abs(value)
    coded <<= 1
    coded += value >> 31
    # behind a run: half of it is |value| - 1 or, for positive ones, |value|
    halved: Words = np.abs(value)
    halved -= value != 0
    is_run = run >> KIND_SHIFT == RUN
    np.copyto(coded, halved, where=is_run)
    return coded


def _pairs(events: Events, index: Words, run: Words) -> _Symbols:
    """RLGR3: an event ends with its own symbol unless it leaves half a pair, to be completed by the next.

    So an event has up to two symbols: the rest of the last event's pair with a zero, and its own.
    ``index`` (events,) int32 is zeros * STATES + state, ``run`` (events,) int32 a word of
    ``packed_runs``. A pair's ``coded`` is the sum of both, at most 4 * 1023.
    """
    kind = run >> KIND_SHIFT
    is_tail = np.zeros(len(index), np.bool_)
    is_tail[np.cumsum(events.lengths) - 1] = True
    alone = (index % STATES >= PENDING) & ((events.zeros > 0) | is_tail)
    own = np.where(is_tail, kind != PAIR, kind != LEFT)
    counts = alone.astype(np.int64) + own
    behind = np.cumsum(counts)
    double = _coded(events.value, np.full_like(run, SINGLE << KIND_SHIFT))
    previous = np.concatenate([double[:1] * 0, double[:-1]])
    # Zeros in front of half a pair are in front of the whole of it.
    singles = run & (SINGLES_MASK << SINGLES_SHIFT)
    carried = np.concatenate([singles[:1] * 0, np.where(kind == LEFT, singles, 0)[:-1]])

    source = np.repeat(np.arange(len(index)), counts)
    extra = np.zeros(len(source), np.bool_)
    extra[(behind - counts)[alone]] = True
    whole = extra | (kind == PAIR)[source]
    pair_run = carried | (SINGLE << KIND_SHIFT)
    runs = np.where(whole, pair_run[source], run[source])
    coded = np.where(extra, 0, _coded(events.value[source], runs))
    first = np.where(whole, previous[source], 0)
    coded += first
    first_width = np.where(runs >> KIND_SHIFT == RUN, 0, np.frexp(coded.astype(np.float64))[1])
    # A tail's lone zero is coded as a pair of them, the second beyond the end.
    silent = np.flatnonzero(is_tail[source] & ~extra & (kind != SINGLE)[source])
    lengths = np.diff(behind[is_tail], prepend=0)
    return _Symbols(lengths, runs, events.value[source], coded, silent, first, first_width.astype(np.int32))


# -- codes ---------------------------------------------------------------------------------------------


def _coded_in_chunks(symbols: _Symbols, krp: NDArray[np.uint8]) -> list[bytes]:
    """The streams, some at a time: as many as have _CHUNK symbols together, or one.

    ``krp`` (symbols,) uint8 in front of each symbol.
    """
    ends = np.cumsum(symbols.lengths)
    result: list[bytes] = []
    stream = 0
    while stream < len(ends):
        start = int(ends[stream - 1]) if stream else 0
        last = max(stream + 1, int(np.searchsorted(ends, start + _CHUNK, side="right")))
        part = slice(start, int(ends[last - 1]))
        silent = symbols.silent[slice(*np.searchsorted(symbols.silent, [part.start, part.stop]))]
        result += _emit(
            _Symbols(
                symbols.lengths[stream:last],
                symbols.run[part],
                symbols.value[part],
                symbols.coded[part],
                silent - start,
                symbols.first[part] if symbols.first is not None else None,
                symbols.first_width[part] if symbols.first_width is not None else None,
            ),
            krp[part],
        )
        stream = last
    return result


def _emit(symbols: _Symbols, krp: NDArray[np.uint8]) -> list[bytes]:
    """The streams of one chunk; positions and widths are in bits, arrays (symbols,).

    A symbol is ``gap`` zero bits and one code of ``width`` bits: the prefix of a run, ones, a zero, the
    remainder, and the first of a pair. The latter four are looked up together, as *tail*, for small values;
    the few others are *special*.
    """
    run = symbols.run
    index = (run >> SINGLES_SHIFT) & SINGLES_MASK
    index *= PARAMETERS
    index += krp
    index = zero_codes().take(index)
    gap = index & GAP_MASK
    gap += (run >> WHOLE_SHIFT) & WHOLE_MASK
    index >>= CODES_SHIFT
    tail = value_codes().take(index + np.minimum(symbols.coded, TABLED - 1))
    tail_width = tail >> CODE_WIDTH_SHIFT
    tail &= (1 << CODE_WIDTH_SHIFT) - 1
    special = np.flatnonzero((symbols.coded >= TABLED) | (tail_width > MAX_TABLED_WIDTH))
    kr, coded = index[special] // TABLED, symbols.coded[special].astype(np.int64)
    ones = coded >> kr
    tail[special], tail_width[special] = coded - (ones << kr), ones + kr + 1
    if symbols.first is not None and symbols.first_width is not None:
        tail <<= symbols.first_width
        tail |= symbols.first
        tail_width += symbols.first_width
    prefix_width = (run >> WIDTH_SHIFT) & WIDTH_MASK
    # The sign is the prefix's last bit, set already.
    prefix = symbols.value >> 31
    prefix |= ~1
    prefix &= run
    prefix &= PREFIX_MASK
    _silence(symbols.silent, run, prefix, prefix_width)
    tail[symbols.silent] = tail_width[symbols.silent] = 0
    width = tail_width + prefix_width
    ends = np.cumsum(gap + width)
    ends, sizes = _aligned(ends, symbols.lengths)
    start = ends - width
    code = prefix.astype(np.int64)
    code <<= tail_width
    code |= tail
    size = int(sizes.sum()) * 8
    pieces = _with_ones(special, ones, prefix, tail, tail_width, (code, width, start))
    words = msb_words(code.view(np.uint64), width, start, size)
    if len(pieces[0]):
        words |= msb_words(*pieces, size)
    data = msb_bytes(words, size)
    offsets = [0, *np.cumsum(sizes).tolist()]
    return [data[a:b] for a, b in pairwise(offsets)]


def _with_ones(
    special: Numbers,
    ones: Numbers,
    prefix: Words,
    tail: Numbers,
    tail_width: Numbers,
    codes: tuple[Numbers, Numbers, Numbers],
) -> tuple[Codes, Numbers, Numbers]:
    """Completes the codes of ``special`` symbols, whose tails have no ``ones`` yet; (k,) both.

    The others (symbols,); ``codes`` are codes, widths and starts, changed in place. Of codes wider than
    MAX_WIDTH (33), prefix and ones are returned, as pieces of the same three; the rest stays.
    """
    code, width, start = codes
    # silent ones have none
    ones = np.where(tail_width[special] > 0, ones, 0)
    rest_width = tail_width[special] - ones
    is_long = width[special] > MAX_WIDTH
    at, number, rest = special[~is_long], ones[~is_long], rest_width[~is_long]
    code[at] = (((prefix[at].astype(np.int64) << number) | (1 << number) - 1) << rest) | tail[at]
    at, number, rest = special[is_long], ones[is_long], rest_width[is_long]
    prefix_width = width[at] - tail_width[at]
    pieces = _pieces(start[at], prefix[at], prefix_width, number)
    start[at] += prefix_width + number
    code[at], width[at] = tail[at], rest
    return pieces


def _silence(silent: Numbers, run: Words, prefix: Words, prefix_width: Words) -> None:
    """The last run is written in full, but the value that would follow lies behind the end.

    Where zeros coded singly were all, there is no run to be written. ``silent`` (k,) indices of symbols,
    ``run`` (symbols,) words; ``prefix`` and ``prefix_width`` (symbols,), changed in place.
    """
    word = run[silent]
    width = np.maximum(((word >> WIDTH_SHIFT) & WIDTH_MASK) - 1, 0)
    whole = (word >> WHOLE_SHIFT) & WHOLE_MASK
    without_sign = (word & PREFIX_MASK) >> 1
    rest = without_sign != 1 << np.maximum(width - 1, 0)
    exists = (width > 0) & (rest | (whole > 0))
    prefix[silent] = without_sign * exists
    prefix_width[silent] = width * exists


def _aligned(ends: Numbers, lengths: Numbers) -> tuple[Numbers, Numbers]:
    """Bit positions with each stream moved to a whole byte, and the bytes of each stream.

    ``ends`` (symbols,) int64 bits from the first stream's begin, ``lengths`` (streams,) symbols of each.
    """
    stream_ends = ends[np.cumsum(lengths) - 1]
    begins = np.concatenate([[0], stream_ends[:-1]])
    sizes = (stream_ends - begins + 7) >> 3
    moved = (np.cumsum(sizes) - sizes) * 8 - begins
    return ends + np.repeat(moved, lengths), sizes


def _pieces(
    start: Numbers, prefix: Words, prefix_width: Numbers, ones: Numbers
) -> tuple[Codes, Numbers, Numbers]:
    """The prefix and the ones of long codes in pieces, ascending: codes, widths, starts.

    All (k,). A loop, as pictures have few.
    """
    pieces: list[tuple[int, int, int]] = []
    rows = zip(start.tolist(), prefix.tolist(), prefix_width.tolist(), ones.tolist(), strict=True)
    for at, bits, size, left in rows:
        if size:
            pieces.append((bits, size, at))
            at += size
        while left:
            size = min(32, left)
            pieces.append(((1 << size) - 1, size, at))
            at += size
            left -= size
    table = np.array(pieces, np.int64).reshape(-1, 3)
    return table[:, 0].astype(np.uint64), table[:, 1].copy(), table[:, 2].copy()
