"""What a client's cache holds, as its server knows it: keys in slots, filled at a cursor that goes round.

Finding is two looks into tables by the key's upper bits; the slot found there is compared with the key, so
entries that have been overwritten need no removal. Of a hundred keys or so, eleven share a place in the first
table and go to the second; the few that share one there as well count as unknown.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Slots = NDArray[np.int64]

_SPARE_BITS: Final = 2


class Mirror:
    """A cache of ``1 << bits`` slots."""

    def __init__(self, bits: int) -> None:
        self.size: Final = 1 << bits
        self.cursor = 0
        # INVARIANT: no key is 0 (see columns.keys), so an empty slot is never found.
        self._keys: Keys = np.zeros(self.size, np.uint64)
        self._tables = np.zeros((2, 1 << (bits + _SPARE_BITS)), np.int32)
        self._shifts = (np.uint64(64 - bits - _SPARE_BITS), np.uint64(64 - 2 * (bits + _SPARE_BITS)))
        self._mask = np.uint64((1 << (bits + _SPARE_BITS)) - 1)

    def _places(self, keys: Keys, table: int) -> Slots:
        places: Slots = ((keys >> self._shifts[table]) & self._mask).astype(np.int64)
        return places

    def find(self, keys: Keys) -> Slots:
        """Slot of each key, or -1."""
        slots = self._tables[0].take(self._places(keys, 0)).astype(np.int64)
        other = np.flatnonzero(self._keys.take(slots) != keys)
        if len(other):
            rest = keys[other]
            found = self._tables[1].take(self._places(rest, 1)).astype(np.int64)
            found[self._keys.take(found) != rest] = -1
            slots[other] = found
        result: Slots = slots
        return result

    def insert(self, keys: Keys) -> Slots:
        """Slots of new, different keys, fewer than :attr:`size`."""
        slots = (self.cursor + np.arange(len(keys))) % self.size
        self.cursor = (self.cursor + len(keys)) % self.size
        self._keys[slots] = keys
        places = self._places(keys, 0)
        there = self._keys[self._tables[0].take(places)]
        # A place is taken while the key in its slot belongs there.
        free = (self._places(there, 0) != places) | (there == keys) | (there == 0)
        self._tables[0][places[free]] = slots[free]
        missing = np.flatnonzero(self._keys[self._tables[0].take(places)] != keys)
        self._tables[1][self._places(keys[missing], 1)] = slots[missing]
        return slots
