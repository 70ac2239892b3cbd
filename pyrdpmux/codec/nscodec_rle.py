"""NSCodec run-length encoding of many planes at once (MS-RDPNSC 2.2.2.1 and 3.1.8.1).

A plane of N bytes becomes segments for its first N - 4 and a copy of the last four::

    literal            v                     the next byte differs, or there is none
    run of 2 to 255    v v count-2
    run of 256 or more v v FF count(32 bits)

Planes come as the rows of one matrix (planes, N). Masks of "equal to the next byte" are packed to bits, from
which the sizes follow without looking at a position; only planes that shrink get that far. Then the output is
*chunks* of the input, each reaching from behind a run to the second byte of the next one, with a count behind
each; they are moved in windows of 16 bytes.

The decoder concatenates all coded planes and finds the first run at or after each position; runs are then
walked through in one list for all planes.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec import scatter
from pyrdpmux.codec.scatter import SPARE, WINDOW, Bits, Bytes, Positions, Scratch
from pyrdpmux.errors import DecodeError

END_SIZE: Final = 4
"""EndData: what is never encoded."""

_LONG: Final = 256
_LONG_MARK: Final = 0xFF
_SHORT_SIZE: Final = 3
_LONG_SIZE: Final = 7


# -- encoder -------------------------------------------------------------------------------------------


def encode(planes: Bytes, scratch: Scratch) -> list[bytes]:
    """Each row of C-contiguous ``planes`` (n, N): coded where that is shorter, otherwise as it is."""
    count, size = planes.shape
    result = [b""] * count
    chosen = np.empty(0, np.int64)
    if size > END_SIZE + _SHORT_SIZE:
        same = _equal_to_next(planes, scratch)
        before = scatter.preceding(same)
        starts, ends = same & ~before, before & ~same
        gain = scatter.population(same | before) - _SHORT_SIZE * scatter.population(starts)
        chosen = np.flatnonzero(gain > 0)
        if len(chosen):
            edges = (starts | ends)[chosen]
            coded = _encode_chosen(planes, chosen, edges, scratch)
            for row, stream in zip(chosen.tolist(), coded, strict=True):
                result[row] = stream
    for row in range(count):
        if not 0 < len(result[row]) < size:
            result[row] = planes[row].tobytes()
    return result


def _padded(size: int) -> int:
    return scatter.rounded_up(size - END_SIZE + 1, 64)


def _equal_to_next(planes: Bytes, scratch: Scratch) -> Bits:
    """(n, padded / 64) bits: which bytes of ``planes`` (n, N) equal the next one, EndData apart."""
    count, size = planes.shape
    mask = scratch.get("rle mask", count * _padded(size)).view(np.bool_).reshape(count, -1)
    last = size - END_SIZE - 1
    np.equal(planes[:, :last], planes[:, 1 : last + 1], out=mask[:, :last])
    mask[:, last:] = False
    return scatter.pack(mask.reshape(-1), count)


def _encode_chosen(planes: Bytes, chosen: Positions, edges: Bits, scratch: Scratch) -> list[bytes]:
    """The coded bytes of the rows ``chosen`` (m,) int64 of ``planes`` (n, N) uint8.

    ``edges`` (m, padded / 64) bits, first and last byte of each run. All other arrays are (runs,) or
    (chunks,) int64, a row's chunks being its runs and one more.

    INVARIANT: a run has two bytes or more, and lies within a row: so first and last bytes alternate.
    """
    size, padded = planes.shape[1], _padded(planes.shape[1])
    runs = scatter.population(edges) >> 1
    places = scatter.positions(edges)
    first, last = places[0::2], places[1::2]
    length = last - first
    length += 1
    # Which of the chosen rows a run is in, and from there, its place in ``planes``.
    row = np.repeat(np.arange(len(chosen)), runs)
    shift = np.repeat(chosen * size - np.arange(len(chosen)) * padded, runs)
    first = first + shift
    # A row's chunks are its runs and one more; ``cut`` is the chunk that ends with each run.
    cut = np.arange(len(first)) + row
    row_end = np.cumsum(runs) + np.arange(len(chosen))
    begin, end = np.empty(len(first) + len(chosen), np.int64), np.empty(len(first) + len(chosen), np.int64)
    extra = np.zeros(len(begin), np.int64)
    begin[row_end - runs] = chosen * size
    begin[cut + 1] = first + length
    end[cut] = first + 2
    end[row_end] = (chosen + 1) * size
    long = length >= _LONG
    extra[cut] = np.where(long, _LONG_SIZE - 2, 1)
    room = end - begin + extra
    behind = np.cumsum(room)
    out = _copied(planes, begin, end - begin, behind - room, int(behind[-1]), scratch)
    at = (behind - extra)[cut]
    _write_counts(out, at, length, long)
    bounds = [0, *behind[row_end].tolist()]
    data = out.tobytes()
    return [data[a:b] for a, b in pairwise(bounds)]


def _copied(
    planes: Bytes, begin: Positions, length: Positions, target: Positions, total: int, scratch: Scratch
) -> Bytes:
    """(total,) uint8: ``length`` bytes from each ``begin`` of ``planes`` to each ``target``, (chunks,) int64
    each.

    Partial windows first, ascending, then full ones: see `codec.scatter`.
    """
    source = scratch.get("rle source", planes.size + SPARE)
    source[: planes.size] = planes.reshape(-1)
    out = scratch.get("rle target", total + SPARE)
    source_windows, target_windows = scatter.windows(source), scatter.windows(out)
    full = length >> 4
    partial = np.flatnonzero(length & (WINDOW - 1))
    done = full[partial] * WINDOW
    target_windows[target[partial] + done] = source_windows[begin[partial] + done]
    some = np.flatnonzero(full)
    targets, sources = scatter.spread(target[some], begin[some], full[some], WINDOW, WINDOW)
    target_windows[targets] = source_windows[sources]
    return out[:total]


def _write_counts(out: Bytes, at: Positions, length: Positions, long: NDArray[np.bool_]) -> None:
    """The count behind each run: ``at`` and ``length`` (runs,) int64, ``long`` (runs,) bool for five."""
    out[at] = np.where(long, _LONG_MARK, length - 2)
    some = np.flatnonzero(long)
    if len(some):
        places = at[some][:, None] + np.arange(1, 5)
        out[places] = length[some].astype("<u4").view(np.uint8).reshape(-1, 4)


# -- decoder -------------------------------------------------------------------------------------------


def decode(streams: Sequence[bytes], sizes: Sequence[int], path: str = "NSCodec") -> list[Bytes]:
    """The plane of ``sizes[i]`` bytes of each coded stream; DecodeError if any is not exactly one.

    INVARIANT: 0 < len(stream) < size for each; what has all of its size is raw and not for here.
    Output is made only after every plane's counts have been found to add up to its size.
    """
    if not streams:
        return []
    for stream in streams:
        if len(stream) < END_SIZE:
            raise DecodeError(f"{path}.EndData", f"need {END_SIZE} bytes, {len(stream)} left", len(stream))
    parts = [np.frombuffer(stream, np.uint8)[:-END_SIZE] for stream in streams]
    data = np.concatenate(parts)
    bounds = np.cumsum([0, *map(len, parts)])
    at = _locate_runs(data, bounds, path)
    counts = np.ones(len(data), np.int64)
    if len(at):
        counts[at] = _run_lengths(data, at)
        counts[at + 1] = counts[at + 2] = 0
        long = at[data[at + 2] == _LONG_MARK]
        for extra in range(3, _LONG_SIZE):
            counts[long + extra] = 0
    totals = np.concatenate([[0], np.cumsum(counts)])[bounds]
    produced = np.diff(totals).tolist()
    for part, size, made in zip(parts, sizes, produced, strict=True):
        if made != size - END_SIZE:
            raise DecodeError(f"{path}.Segments", f"{made} values, expected {size - END_SIZE}", len(part))
    values = np.repeat(data, counts)
    planes, start = [], 0
    for stream, size in zip(streams, sizes, strict=True):
        plane = np.empty(size, np.uint8)
        plane[:-END_SIZE] = values[start : start + size - END_SIZE]
        plane[-END_SIZE:] = np.frombuffer(stream, np.uint8)[-END_SIZE:]
        planes.append(plane)
        start += size - END_SIZE
    return planes


_MAX_RUN: Final = 1 << 32
"""Counts of 32 bits: with at most a seventh of the input of them, sums stay far below 64 bits."""


def _run_lengths(data: Bytes, at: Positions) -> Positions:
    """(runs,) int64: what the counts at ``at`` (runs,) in ``data`` (k,) uint8 say, at most _MAX_RUN."""
    short = data[at + 2].astype(np.int64)
    result = short + 2
    long = np.flatnonzero(short == _LONG_MARK)
    if len(long):
        place = at[long] + 3
        octets = [data[place + i].astype(np.int64) << (8 * i) for i in range(4)]
        result[long] = np.minimum(octets[0] | octets[1] | octets[2] | octets[3], _MAX_RUN)
    return result


def _locate_runs(data: Bytes, bounds: Positions, path: str) -> Positions:
    """Where runs begin. A pair of equal bytes is a run unless it stands in the count of another one.

    INVARIANT: a step moves forward by at least a run's size; steps are bounded by the input.
    """
    pair = np.zeros(len(data) + 1, np.bool_)
    np.equal(data[:-1], data[1:], out=pair[: max(0, len(data) - 1)])
    pair[bounds[1:-1] - 1] = False  # not across two planes
    candidates = np.flatnonzero(pair)
    if not len(candidates):
        return candidates
    third = data.take(candidates + 2, mode="clip")
    behind = candidates + np.where(third == _LONG_MARK, _LONG_SIZE, _SHORT_SIZE)
    # The candidate that follows each one, as a run: a table to walk through.
    following = np.searchsorted(candidates, behind).tolist()
    index, count = 0, len(following)
    taken: list[int] = []
    append = taken.append
    while index < count:
        append(index)
        index = following[index]
    runs = np.array(taken)
    at: Positions = candidates[runs]
    last = behind[runs]
    limit = bounds[np.searchsorted(bounds, at, side="right")]
    cut = np.flatnonzero(last > limit)
    if len(cut):
        stream = int(np.searchsorted(bounds, at[cut[0]], side="right")) - 1
        offset = int(limit[cut[0]] - bounds[stream])
        raise DecodeError(f"{path}.RunLengthFactor", "ends within a run segment", offset)
    return at
