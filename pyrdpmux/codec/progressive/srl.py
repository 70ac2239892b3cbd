"""The bits of upgrade passes: Simplified Run-Length and raw ones (MS-RDPEGFX 3.1.8.1.5, 3.2.8.1.5.2.1).

A coefficient of which nothing has been sent yet goes through SRL, as a signed value of known width; any other
one has a sign already, and its further bits go out raw. Runs of zeros are those of RLGR, with k = 0 allowed;
a value is a sign, |value| - 1 zeros, and a one unless the largest magnitude needs none.

Decoding is sequential, hence a loop over values; raw bits are picked by position, all at once.

Hostile input: each step consumes a bit or more, positions end with the elements; behind the end are zeros.
"""

from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from pyrdpmux.codec.bits import place_msb
from pyrdpmux.codec.rfx.rlgr_scan import StateTable, scan
from pyrdpmux.codec.rfx.rlgr_tables import (
    COEFFICIENTS,
    DOWN_RUN,
    MAX_PARAMETER,
    PARAMETERS,
    SHIFT,
    START,
    UP_RUN,
    Table,
)

Numbers = NDArray[np.int64]

_EXTRA: Final = 8
"""3.1.8.1.5: a zero byte behind the last one."""


@cache
def _tables() -> tuple[StateTable, Table, Table, Table]:
    """(zeros, kp) to next kp, the zero bits of whole runs, k, the rest; filled from the highest kp down."""
    shape = (COEFFICIENTS + 1, PARAMETERS)
    following, whole, k, rest = (np.zeros(shape, dtype) for dtype in (np.uint8, np.int64, np.int64, np.int64))
    zeros = np.arange(COEFFICIENTS + 1)
    for kp in range(MAX_PARAMETER, -1, -1):
        following[:, kp], k[:, kp], rest[:, kp] = max(0, kp - DOWN_RUN), kp >> SHIFT, zeros
        size = 1 << (kp >> SHIFT)
        if kp == MAX_PARAMETER:
            whole[:, kp], rest[:, kp] = zeros // size, zeros % size
            continue
        for table in (following, whole, k, rest):
            table[size:, kp] = table[:-size, min(MAX_PARAMETER, kp + UP_RUN)]
        whole[size:, kp] += 1
    return StateTable(following), whole.reshape(-1), k.reshape(-1), rest.reshape(-1)


def encode(values: Numbers, widths: Numbers, lengths: Numbers) -> list[bytes]:
    """SRL of ``lengths[s]`` values of each stream, which have at most ``widths`` bits of magnitude."""
    # Behind each stream's values stands an end, so that its last zeros are a run, too.
    total = len(values) + len(lengths)
    ends = np.cumsum(lengths + 1) - 1
    is_end = np.zeros(total, np.bool_)
    is_end[ends] = True
    padded, limits = np.zeros(total, np.int64), np.ones(total, np.int64)
    padded[~is_end], limits[~is_end] = values, widths
    found = np.flatnonzero((padded != 0) | is_end)
    zeros = np.diff(found, prepend=-1) - 1
    return encode_events(zeros, padded[found], limits[found], is_end[found], lengths)


def encode_events(
    zeros: Numbers, value: Numbers, limits: Numbers, is_end: NDArray[np.bool_], lengths: Numbers
) -> list[bytes]:
    """The same from runs of zeros and the values behind them; a stream's last run is before its end.

    ``zeros``, ``value``, ``limits`` (events,) int64 and ``is_end`` (events,) bool, an event for each
    value and one for each stream's end; ``lengths`` (streams,) int64 counts values, zeros included,
    without the ends.
    """
    counts = np.diff(np.flatnonzero(is_end), prepend=-1)
    following, whole, k, rest = _tables()
    index = zeros * PARAMETERS
    index += scan(following, index, counts, START)
    # QUIRK(FreeRDP 2.11): a stream must end with the last bit that its decoder reads. So of the last zeros,
    # what is left behind whole runs is written only if there is anything left.
    exists = ~is_end | (rest.take(index) > 0)
    prefix = (np.int64(1) << k.take(index)) | rest.take(index)
    prefix = np.where(is_end, prefix, prefix << 1 | (value < 0)) * exists
    prefix_width = (k.take(index) + 1 + ~is_end) * exists
    gap = whole.take(index)
    magnitude = np.abs(value)
    inner = np.maximum(magnitude - 1, 0)
    one = (~is_end & (magnitude < (np.int64(1) << limits) - 1)).astype(np.int64)
    behind = np.cumsum(gap + prefix_width + inner + one)
    extra = np.where(lengths > 0, _EXTRA, 0)
    behind, sizes = aligned(behind, counts, extra)
    codes = np.stack([prefix, one], axis=1).reshape(-1)
    code_widths = np.stack([prefix_width, one], axis=1).reshape(-1)
    starts = np.stack([behind - one - inner - prefix_width, behind - one], axis=1).reshape(-1)
    return _streams(codes, code_widths, starts, sizes)


def encode_raw(values: Numbers, widths: Numbers, lengths: Numbers) -> list[bytes]:
    """``lengths[s]`` values of each stream in ``widths`` bits each."""
    behind, sizes = aligned(np.cumsum(widths), lengths, np.zeros_like(lengths))
    return _streams(values, widths, behind - widths, sizes)


def aligned(ends: Numbers, lengths: Numbers, extra: Numbers) -> tuple[Numbers, Numbers]:
    """Bit positions with each stream moved to a whole byte, and the bytes of each, with ``extra`` bits."""
    totals = np.concatenate([[0], ends])[np.concatenate([[0], np.cumsum(lengths)])]
    bits = np.diff(totals)
    sizes = ((bits + 7) >> 3) + (np.where(bits > 0, extra, 0) >> 3)
    moved = (np.cumsum(sizes) - sizes) * 8 - totals[:-1]
    return ends + np.repeat(moved, lengths), sizes


def _streams(codes: Numbers, widths: Numbers, starts: Numbers, sizes: Numbers) -> list[bytes]:
    data = place_msb(codes.view(np.uint64), widths, starts, int(sizes.sum()) * 8)
    return [data[a:b] for a, b in pairwise([0, *np.cumsum(sizes).tolist()])]


# -- decoder -------------------------------------------------------------------------------------------


def decode(data: bytes, widths: Numbers) -> Numbers:
    """As many values as ``widths``."""
    count = len(widths)
    values = np.zeros(count, np.int64)
    bits = "".join([f"{byte:08b}" for byte in data])
    end = len(bits)
    limit = widths.tolist()
    at, kp, element = 0, START, 0
    while element < count:
        one = bits.find("1", at)
        if one < 0:  # nothing but runs
            break
        for _ in range(one - at):
            element += 1 << (kp >> SHIFT)
            kp = min(MAX_PARAMETER, kp + UP_RUN)
            if element >= count:
                return values
        k = kp >> SHIFT
        at = one + 1
        element += int(bits[at : at + k].ljust(k, "0") or "0", 2)
        at += k
        if element >= count:
            break
        negative = bits[at : at + 1] == "1"
        at += 1
        kp = max(0, kp - DOWN_RUN)
        largest = (1 << limit[element]) - 1
        one = bits.find("1", at, at + largest - 1)
        # Behind the end are zeros, as many as needed.
        magnitude = largest if one < 0 else one - at + 1
        at = min(end, at + largest - 1 if one < 0 else one + 1)
        values[element] = -magnitude if negative else magnitude
        element += 1
    return values


def decode_raw(data: bytes, widths: Numbers) -> Numbers:
    """A value of each of ``widths`` (at most 15) bits; what lies behind the end is zero."""
    padded = np.zeros(len(data) + 16, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    first = np.ndarray((1,), ">u4", padded)
    windows = as_strided(first, (len(data) + 8,), (1,))
    starts = np.minimum(np.cumsum(widths) - widths, (len(data) + 1) * 8)
    window = windows[starts >> 3].astype(np.int64)
    result: Numbers = (window >> (32 - (starts & 7) - widths)) & ((np.int64(1) << widths) - 1)
    return result
