"""Columns of many bands at once: hashes, and which are new to a client.

A column's key is a hash of its pixels and its height in 64 bits: two dot products with fixed odd numbers, in
floating point because BLAS is several times quicker than integers, and exact: 24 bits of pixel times 23 bits,
summed 52 times, fit the 53 bits of a double. Equal keys of different columns are an accident of 1 to 2**40 in
a full cache; what a crafted one shows wrongly is the crafter's own picture.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.clear.distinct import distinct
from pyrdpmux.codec.clear.mirror import Keys, Mirror, Slots
from pyrdpmux.codec.clear.stream import MAX_BAND_HEIGHT
from pyrdpmux.codec.color import Words

_FACTORS: Final = (
    np.random.default_rng(0x2241).integers(1 << 20, 1 << 23, (2, MAX_BAND_HEIGHT)).astype(np.float64)
)
_MIX: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xD6E8FEB86659FD93))
_ONE: Final = np.uint64(1)
_HALF: Final = np.uint64(32)


def keys(pixels: Words, height: NDArray[np.int64] | int) -> Keys:
    """(n,) keys of the columns of ``pixels`` (h, n), which count as ``height`` high; rows beyond are zero."""
    # One is added to each pixel, so that black counts.
    sums = (_FACTORS[:, : len(pixels)] @ (pixels + np.uint32(1)).astype(np.float64)).astype(np.uint64)
    result: Keys = sums[0] * _MIX[0]
    result ^= sums[1] * _MIX[1]
    result += np.asarray(height, np.uint64) * _MIX[2]
    result ^= result >> _HALF
    result *= _MIX[0]
    result |= _ONE
    return result


class Plan:
    """Slots of columns, and which of them the client does not have yet."""

    __slots__ = ("fresh", "inverse", "slots", "unique")

    def __init__(self, slots: Slots, fresh: Slots, unique: Keys, inverse: Slots) -> None:
        self.slots = slots
        """Of each column, -1 where it is new."""
        self.fresh = fresh
        """The first column of each new key, ascending."""
        self.unique = unique
        """Its key."""
        self.inverse = inverse
        """Of each column whose slot is -1, which of the new ones it is."""


def plan(mirror: Mirror, wanted: Keys) -> Plan | None:
    """Look up ``wanted`` without changing anything; None where more is new than the cache holds.

    Slots that the new ones will overwrite count as overwritten from the start; so no hit depends on when.
    """
    slots = mirror.find(wanted)
    while True:
        absent = np.flatnonzero(slots < 0)
        first, inverse = distinct(wanted[absent])
        if len(first) >= mirror.size:
            return None
        endangered = np.flatnonzero((slots - mirror.cursor) % mirror.size < len(first))
        endangered = endangered[slots[endangered] >= 0]
        if not len(endangered):
            break
        slots[endangered] = -1
    fresh = absent[first]
    return Plan(slots, fresh, wanted[fresh], inverse)


def commit(mirror: Mirror, planned: Plan) -> Slots:
    """Enter the new columns; the slot of every column."""
    slots = planned.slots
    slots[slots < 0] = mirror.insert(planned.unique)[planned.inverse]
    return slots
