"""Runs with a length of one to seven bytes (MS-RDPEGFX 2.2.4.1.1.1.1, 2.2.4.1.1.3.1.1.2, 2.2.4.3.1).

::

    head         1 byte (alpha, RLEX) or 3 (residual)
    below 255    factor1
    below 65535  FF factor2 (16 bits)
    any          FF FF FF factor3 (32 bits)

Nearly all segments are short, and stand head + 1 bytes apart. So for each of the head + 1 possible phases,
the long ones are listed; the decoder walks from one long segment to the next.
"""

from bisect import bisect_left
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.scatter import Bytes, Positions
from pyrdpmux.errors import DecodeError

_SHORT_END: Final = 0xFF
_MIDDLE_END: Final = 0xFFFF
_FACTOR2: Final = 2
_FACTOR3: Final = 4


def pack(heads: Bytes, lengths: Positions) -> bytes:
    """Segments of the rows of ``heads`` (n, k) with ``lengths`` (n,) below 2**32."""
    count, head = heads.shape
    middle = lengths >= _SHORT_END
    if not middle.any():
        plain = np.empty((count, head + 1), np.uint8)
        plain[:, :head] = heads
        plain[:, head] = lengths
        return plain.tobytes()
    large = lengths >= _MIDDLE_END
    sizes = head + 1 + _FACTOR2 * middle + _FACTOR3 * large
    ends = np.cumsum(sizes)
    at = ends - sizes
    out = np.empty(int(ends[-1]), np.uint8)
    for index in range(head):
        out[at + index] = heads[:, index]
    at += head
    out[at] = np.minimum(lengths, _SHORT_END)
    for chosen, first, width, most in ((middle, 1, 2, _MIDDLE_END), (large, 3, 4, (1 << 32) - 1)):
        some = np.flatnonzero(chosen)
        values = np.minimum(lengths[some], most).astype("<u8").view(np.uint8).reshape(-1, 8)
        for index in range(width):
            out[at[some] + first + index] = values[:, index]
    return out.tobytes()


def unpack(data: Bytes, head: int, path: str, offset: int = 0) -> tuple[Bytes, Positions]:
    """Heads (n, head) and lengths (n,) of all segments of ``data``; DecodeError if the last is cut off."""
    starts, counts, long, lengths_of_long = _locate(data, head, path, offset)
    before = np.cumsum(counts) - counts
    at = np.repeat(starts - before * (head + 1), counts)
    at += np.arange(len(at)) * (head + 1)
    heads = data[at[:, None] + np.arange(head)]
    lengths = data[at + head].astype(np.int64)
    lengths[long] = lengths_of_long
    return heads, lengths


def _locate(
    data: Bytes, head: int, path: str, offset: int
) -> tuple[Positions, Positions, Positions, Positions]:
    """Stretches of segments a constant step apart (first position, count); number and length of long ones.

    INVARIANT: each turn moves forward by a long segment at least.
    """
    size, step = len(data), head + 1
    marks = np.flatnonzero(data[head:] == _SHORT_END)
    phases = [marks[marks % step == phase].tolist() for phase in range(step)]
    octets = data.tobytes()
    starts: list[int] = []
    counts: list[int] = []
    long: list[int] = []
    lengths: list[int] = []
    position = total = 0
    while position < size:
        candidates = phases[position % step]
        index = bisect_left(candidates, position)
        if index == len(candidates):
            count, rest = divmod(size - position, step)
            if rest:
                raise _cut(path, offset + size - rest)
            starts.append(position)
            counts.append(count)
            break
        mark = candidates[index]
        behind, length = _long(octets, mark + step)
        if behind > size:
            raise _cut(path, offset + mark)
        starts.append(position)
        counts.append((mark - position) // step + 1)
        total += counts[-1]
        long.append(total - 1)
        lengths.append(length)
        position = behind
    return np.array(starts, int), np.array(counts, int), np.array(long, int), np.array(lengths, int)


def _long(octets: bytes, at: int) -> tuple[int, int]:
    """End and length of the long segment whose factors begin at ``at``."""
    # Two to four bytes of a length, for each long segment: a Reader would cost more than the walk.
    middle = _little_endian(octets, at, _FACTOR2)
    at += _FACTOR2
    if middle < _MIDDLE_END:
        return at, middle
    return at + _FACTOR3, _little_endian(octets, at, _FACTOR3)


def _little_endian(octets: bytes, at: int, width: int) -> int:
    value = 0
    for index, octet in enumerate(octets[at : at + width]):
        value |= octet << (8 * index)
    return value


def _cut(path: str, offset: int) -> DecodeError:
    return DecodeError(path, "ends within a run segment", offset)


def runs_of(values: NDArray[Any]) -> tuple[Positions, Positions]:
    """Start and length of each run of equal ``values`` (n,), n > 0."""
    # In plain steps, for small pictures: numpy's diff and flatnonzero take three times as long.
    ends = (values[1:] != values[:-1]).nonzero()[0]
    bounds = np.empty(len(ends) + 2, np.int64)
    bounds[0], bounds[-1] = 0, len(values)
    np.add(ends, 1, out=bounds[1:-1])
    return bounds[:-1], bounds[1:] - bounds[:-1]
