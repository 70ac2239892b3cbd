"""Finding long repetitions in megabytes of history: further back than lz4 looks.

Content chooses *anchors*, about one position in 64: those where a hash of three bytes is small. So a repeated
stretch has its anchors at the same places as the original, wherever it lies. A table remembers where the 32
bytes behind each anchor were seen last; what the table offers is compared and extended in both directions.

INVARIANT: positions count from the first byte ever; the table's may be out of the history, its 32 bytes are
compared anyway.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from pyrdpmux.codec.bulk.matches import NONE, Bytes, Matches, Numbers

WINDOW: Final = 32
_TABLE_BITS: Final = 16
_ANCHOR_LIMIT: Final = np.uint8(256 // 64)
_ANCHOR_FACTORS: Final = np.array([0x9D, 0x3B, 0xE5], np.uint8)
_FACTORS: Final = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64
)
_FIRST_COMPARED: Final = 64
#: Bytes that a match takes, about.
_NEAR_COST: Final = 3
_FAR_COST: Final = 6


class FarMatcher:
    """The last ``size`` bytes, and where their anchors are."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.clear()

    def clear(self) -> None:
        self._bytes = bytearray()
        self._start = 0  # the position of the first of these bytes
        self._places = np.full(1 << _TABLE_BITS, -1, np.int64)
        self._hashes = np.zeros(1 << _TABLE_BITS, np.uint64)
        no_numbers = np.zeros(0, np.int64)
        self._found = b"", no_numbers, np.zeros(0, np.uint64), no_numbers

    def find(self, data: bytes, min_distance: int = 1) -> Matches:
        """Stretches of ``data`` that the history before it has, ``min_distance`` bytes back or further."""
        array = np.frombuffer(data, np.uint8)
        anchors, hashes = _anchors(array)
        slots = (hashes >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)
        self._found = data, anchors, hashes, slots
        places = self._places[slots]
        known = (places >= self._start) & (self._hashes[slots] == hashes)
        # Two anchors in a row at one distance: a lone one is seldom more than lz4 has nearby.
        distances = np.where(known, anchors - places, -1)
        paired = np.flatnonzero(known[:-1] & (distances[1:] == distances[:-1]))
        return self._extended(array, anchors[paired], places[paired] - self._start, min_distance)

    def append(self) -> None:
        """What was searched last becomes history."""
        data, anchors, hashes, slots = self._found
        self._places[slots] = anchors + (self._start + len(self._bytes))
        self._hashes[slots] = hashes
        self._bytes += data
        if len(self._bytes) > 2 * self._size:
            self._start += len(self._bytes) - self._size
            del self._bytes[: -self._size]

    def _extended(self, data: Bytes, anchors: Numbers, places: Numbers, min_distance: int) -> Matches:
        if not len(anchors):
            return NONE
        history = np.frombuffer(self._bytes, np.uint8)
        found: list[tuple[int, int, int]] = []
        done = 0
        for anchor, place in zip(anchors.tolist(), places.tolist(), strict=True):
            distance = len(history) + anchor - place
            if anchor < done or distance < min_distance or distance > self._size:
                continue
            # The source must not grow into the data itself: XCRUSH's peers need not replicate.
            ahead = common_size(data[anchor:], history[place:])
            if ahead < WINDOW:
                continue
            behind = common_size(data[done:anchor][::-1], history[:place][::-1])
            found.append((anchor - behind, behind + ahead, distance))
            done = anchor + ahead
        del history  # or the bytes could not grow
        if not found:
            return NONE
        at, length, far = np.array(found, np.int64).T
        return Matches(at, length, far)


def _anchors(data: Bytes) -> tuple[Numbers, NDArray[np.uint64]]:
    """(k,) int64 where anchors are, and (k,) uint64 hashes of the :data:`WINDOW` bytes from each on.

    ``data`` (n,) uint8. Products and sums wrap, as hashes do: uint8 to choose, uint64 to tell apart.
    """
    count = len(data) - WINDOW
    if count <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.uint64)
    # In bytes, as numpy does 32 of them at once.
    small = data[:count] * _ANCHOR_FACTORS[0]
    small ^= data[1 : count + 1] * _ANCHOR_FACTORS[1]
    small += data[2 : count + 2] * _ANCHOR_FACTORS[2]
    chosen = small < _ANCHOR_LIMIT
    chosen[1:] &= ~chosen[:-1]  # one in a run of equal bytes is enough
    anchors = np.flatnonzero(chosen)
    # One gather of 32-byte items; see pyrdpmux.codec.scatter.
    first = np.ndarray((1,), f"V{WINDOW}", data)
    stretches = as_strided(first, (count,), (1,))[anchors].view("<u8").reshape(-1, len(_FACTORS))
    hashes = np.zeros(len(anchors), np.uint64)
    for column, factor in zip(stretches.T, _FACTORS, strict=True):
        hashes ^= hashes >> np.uint64(29)
        hashes += column
        hashes *= factor
    return anchors, hashes


def merged(near: Matches, far: Matches, min_length: int) -> Matches:
    """``near`` matches, with ``far`` ones in their place where those save bytes."""
    if not len(far.at):
        return near
    near_end, far_end = near.at + near.length, far.at + far.length
    first = np.searchsorted(near_end, far.at, side="right")
    last = np.searchsorted(near.at, far_end)
    covered = np.concatenate([np.zeros(1, np.int64), np.cumsum(near.length)])
    # Literals within, rather fewer than there are: near matches may reach out of the stretch.
    literals = np.maximum(far.length - (covered[last] - covered[first]), 0)
    far = far.kept(literals + _NEAR_COST * (last - first) > _FAR_COST)
    if not len(far.at):
        return near
    begins = np.concatenate([far.at, [np.iinfo(np.int64).max]])
    ends = np.concatenate([[0], far.at + far.length])
    following = np.searchsorted(far.at, near.at, side="right")
    at = np.maximum(near.at, ends[following])
    length = np.minimum(near_end, begins[following]) - at
    cut = Matches(at, length, near.distance).kept(length >= min_length)
    columns = [np.concatenate(pair) for pair in zip(cut, far, strict=True)]
    order = np.argsort(columns[0])
    return Matches(columns[0][order], columns[1][order], columns[2][order])


def common_size(one: Bytes, other: Bytes) -> int:
    """How many bytes ``one`` (n,) and ``other`` (m,) uint8 both begin with."""
    limit = min(len(one), len(other))
    size = _FIRST_COMPARED
    at = 0
    while at < limit:
        different = one[at : min(at + size, limit)] != other[at : min(at + size, limit)]
        first = int(different.argmax())
        if different[first]:
            return at + first
        at += size
        size *= 4
    return limit
