"""RLGR1 and RLGR3 encoding of many components at once (MS-RDPRFX 3.1.8.1.7).

Input is sparse, events of :mod:`pyrdpmux.codec.rfx.rlgr_symbols`, a *stream* for each component of each tile.
Cost follows the number of events.

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

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.bits import MAX_WIDTH, Codes, msb_bytes, msb_words
from pyrdpmux.codec.rfx.rlgr_scan import scan
from pyrdpmux.codec.rfx.rlgr_symbols import Events, Numbers, Symbols, Words, symbols
from pyrdpmux.codec.rfx.rlgr_tables import (
    CODE_WIDTH_SHIFT,
    CODES_SHIFT,
    GAP_MASK,
    MAX_CODED,
    MAX_TABLED_WIDTH,
    PARAMETERS,
    PREFIX_MASK,
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
    value_codes,
    value_table,
    zero_codes,
)
from pyrdpmux.errors import EncodeError

MAX_VALUE: Final = {Mode.RLGR1: 2047, Mode.RLGR3: 1023}
"""RLGR3 codes sums of two."""


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
    states = scan(following_kp(mode), index, events.lengths, START)
    index += states
    parts = symbols(events, states, index, mode)
    krp = scan(
        value_table(),
        np.concatenate([_value_index(part) for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        START,
    )
    result: list[bytes] = []
    at = 0
    for part in parts:
        result += _emit(part, krp[at : at + len(part.run)])
        at += len(part.run)
    return result


def _value_index(part: Symbols) -> Words:
    """(symbols,) int32: where each is in :func:`value_table`, without a state."""
    index = (part.run >> SINGLES_SHIFT) & SINGLES_MASK
    index *= MAX_CODED
    index += part.coded
    index *= PARAMETERS
    return index


# -- codes ---------------------------------------------------------------------------------------------


def _emit(part: Symbols, krp: NDArray[np.uint8]) -> list[bytes]:
    """The streams of one chunk; positions and widths are in bits, arrays (symbols,).

    A symbol is ``gap`` zero bits and one code of ``width`` bits: the prefix of a run, ones, a zero, the
    remainder, and the first of a pair. The latter four are looked up together, as *tail*, for small values;
    the few others are *special*.
    """
    run = part.run
    index = (run >> SINGLES_SHIFT) & SINGLES_MASK
    index *= PARAMETERS
    index += krp
    index = zero_codes().take(index)
    gap = index & GAP_MASK
    gap += (run >> WHOLE_SHIFT) & WHOLE_MASK
    index >>= CODES_SHIFT
    tail = value_codes().take(index + np.minimum(part.coded, TABLED - 1))
    tail_width = tail >> CODE_WIDTH_SHIFT
    tail &= (1 << CODE_WIDTH_SHIFT) - 1
    special = np.flatnonzero((part.coded >= TABLED) | (tail_width > MAX_TABLED_WIDTH))
    kr, coded = index[special] // TABLED, part.coded[special].astype(np.int64)
    ones = coded >> kr
    tail[special], tail_width[special] = coded - (ones << kr), ones + kr + 1
    if part.first is not None and part.first_width is not None:
        tail <<= part.first_width
        tail |= part.first
        tail_width += part.first_width
    prefix_width = (run >> WIDTH_SHIFT) & WIDTH_MASK
    # The sign is the prefix's last bit, set already.
    prefix = part.value >> 31
    prefix |= ~1
    prefix &= run
    prefix &= PREFIX_MASK
    _silence(part.silent, run, prefix, prefix_width)
    tail[part.silent] = tail_width[part.silent] = 0
    width = tail_width + prefix_width
    ends = np.cumsum(gap + width)
    ends, sizes = _aligned(ends, part.lengths)
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
