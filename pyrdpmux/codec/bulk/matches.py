"""Finding repetitions with lz4, and reading its block format with tables instead of a loop.

An lz4 block is a row of *sequences*: a token (literal count in its upper, match length - 4 in its lower four
bits; 15 in either goes on in further bytes until one is not 255), the literals, and a two-byte offset; the
last one ends behind its literals. Where a sequence begins depends on the one before. So for every byte of the
block, at once, one computes where the next sequence would begin if one began here; squaring that table four
times gives jumps over 16 sequences, a short walk finds every 16th, and halving jumps find those between.
"""

from typing import Final, NamedTuple

import lz4.block
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]

LZ4_WINDOW: Final = 65535
"""How far lz4 looks back."""

#: lz4 leaves the last twelve bytes alone; these make sure that they are not ours.
TAIL: Final = bytes(12)
#: Of lz4's thorough search: each further level costs more time than its bytes are worth.
_LEVEL: Final = 2
HARD: Final = 0.6
"""What the quick search leaves, from which on matches count as hard to find: an exact photograph, say, where
they are short, many, and nearby."""
_HARD_SIZE: Final = 1 << 12
"""Bytes from which on that counts, ..."""
_HARD_WINDOW: Final = 1 << 14
"""... and how far back hard ones are looked for: to take up all of the history would double the time of a
short message, for a hundredth of its bytes."""
_DOUBLINGS: Final = 4
_MIN_OFFSET_SIZE: Final = 2


class Matches(NamedTuple):
    """``length[i]`` bytes at ``at[i]`` equal those ``distance[i]`` before; ascending, not overlapping."""

    at: Numbers
    length: Numbers
    distance: Numbers

    def kept(self, which: NDArray[np.bool_]) -> "Matches":
        """Some of them, by ``which`` (matches,) bool; what the others covered becomes literals."""
        return Matches(self.at[which], self.length[which], self.distance[which])

    def within(self, begin: int, end: int, min_length: int) -> "Matches":
        """What of them lies from ``begin`` to ``end``, counted from there; too short parts are dropped."""
        ends = self.at + self.length
        first, last = np.searchsorted(ends, begin, side="right"), np.searchsorted(self.at, end, side="left")
        at = np.maximum(self.at[first:last], begin)
        length = np.minimum(ends[first:last], end) - at
        part = Matches(at - begin, length, self.distance[first:last])
        return part.kept(length >= min_length)

    def split(self, max_length: int) -> "Matches":
        """None longer than ``max_length``: several at the same distance say the same."""
        parts = -(-self.length // max_length)
        if not len(parts) or parts.max() == 1:
            return self
        index = np.repeat(np.arange(len(parts)), parts)
        number = np.arange(len(index)) - np.repeat(np.cumsum(parts) - parts, parts)
        # Equal parts, so that none falls below the shortest length there is.
        first, last = (self.length[index] * n // parts[index] for n in (number, number + 1))
        return Matches(self.at[index] + first, last - first, self.distance[index])


NONE: Final = Matches(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))


def find_matches(data: bytes, history: bytes, min_length: int, dense_ratio: float) -> Matches | None:
    """Matches of ``data`` within itself and up to 64 KB ``history`` before it; None if it is dense.

    lz4's quick search, which takes 2 ns a byte, decides that: dense is what it cannot bring below
    ``dense_ratio``. Its thorough search takes 5 to 15 ns and saves a sixth of the bytes, on text; the fewer
    and longer matches give back half of that time to what comes behind.
    """
    block = find_block(data, history, dense_ratio)
    return None if block is None else matches_of(block, len(data), min_length)


def find_block(data: bytes, history: bytes, dense_ratio: float, *, thorough: bool = True) -> bytes | None:
    """The same as an lz4 block of ``data`` and :data:`TAIL`; the quick search alone may be enough."""
    padded = data + TAIL
    block: bytes = lz4.block.compress(padded, store_size=False, dict=history)
    if len(block) - len(TAIL) > dense_ratio * len(data):
        return None
    if thorough:
        if len(data) > _HARD_SIZE and len(block) > HARD * len(data):
            history = history[-_HARD_WINDOW:]
        mode = {"mode": "high_compression", "compression": _LEVEL}
        block = lz4.block.compress(padded, store_size=False, dict=history, **mode)
    return block


def matches_of(block: bytes, size: int, min_length: int) -> Matches:
    """Those of a block of ``size`` bytes and :data:`TAIL`."""
    at, length, distance = read_block(block)
    length = np.minimum(length, size - at)
    matches = Matches(at, length, distance)
    if len(length) and int(length[-1]) < min_length:
        matches = matches.kept(length >= min_length)
    return matches


def read_block(block: bytes) -> Matches:
    """The matches of an lz4 block that lz4 itself has just made: well-formed, that is."""
    size = len(block)
    stream = np.zeros(size + 1, np.uint8)  # the byte behind the end is not 255: extensions end there
    stream[:size] = np.frombuffer(block, np.uint8)
    offset_at, following = _sequence_ends(stream, size)
    starts = _walk(following, size)
    tokens = stream[starts]
    literals = (tokens >> 4).astype(np.int64)
    extended = np.flatnonzero(literals == 15)
    if len(extended):
        literals[extended] += _extension(stream, starts[extended] + 1)[0]
    places = offset_at[starts[:-1]]  # the last sequence has none
    distance = stream[places].astype(np.int64) | (stream[places + 1].astype(np.int64) << 8)
    length = (tokens[:-1] & 15).astype(np.int64) + 4
    extended = np.flatnonzero(length == 19)
    if len(extended):
        length[extended] += _extension(stream, places[extended] + _MIN_OFFSET_SIZE)[0]
    at = np.cumsum(literals[:-1])
    at[1:] += np.cumsum(length[:-1])
    return Matches(at, length, distance)


def _sequence_ends(stream: Bytes, size: int) -> tuple[Numbers, Numbers]:
    """If a sequence began at each byte: where its offset would be, where the next sequence would begin.

    ``stream`` (more than ``size``,) uint8, an LZ4 block and a few bytes; (size,) and (size + 1,) int64, the
    latter at most ``size``, which stands for the end.
    """
    token = stream[:size]
    offset_at = np.arange(1, size + 1)
    offset_at += token >> 4
    extended = np.flatnonzero(token >= 0xF0)
    if len(extended):
        value, after = _extension(stream, extended + 1)
        offset_at[extended] = after + value + 15
    following = np.empty(size + 1, np.int64)
    following[:size] = offset_at
    following += _MIN_OFFSET_SIZE
    extended = np.flatnonzero((token & 15) == 15)
    if len(extended):
        following[extended] = _extension(stream, np.minimum(following[extended], size))[1]
    following[size] = size
    np.minimum(following, size, out=following)
    return offset_at, following


def _extension(stream: Bytes, places: Numbers) -> tuple[Numbers, Numbers]:
    """(k,) int64 sums of the bytes from ``places`` (k,) on up to the first that is not 255, and what is
    behind it.
    """
    last = places.copy()
    full = np.flatnonzero(stream[places] == 255)
    if len(full):
        ends = np.flatnonzero(stream != 255)
        last[full] = ends[np.searchsorted(ends, places[full])]
    value = (last - places) * 255
    value += stream[last]
    last += 1
    return value, last


def _walk(following: Numbers, size: int) -> Numbers:
    """Where sequences begin: the places reached from 0 in ``following``, without ``size`` itself."""
    jumps = [following]
    for _ in range(_DOUBLINGS):
        # All are within; clipping is quicker than to raise.
        jumps.append(jumps[-1].take(jumps[-1], mode="clip"))
    far = jumps.pop().data
    place, reached = 0, []
    while place < size:
        reached.append(place)
        place = far[place]
    step = 1 << _DOUBLINGS
    starts = np.empty((len(reached), step), np.int64)
    starts[:, 0] = reached
    while jumps:
        starts[:, step >> 1 :: step] = jumps.pop().take(starts[:, ::step], mode="clip")
        step >>= 1
    flat = starts.reshape(-1)
    return flat[: int(np.searchsorted(flat, size))]
