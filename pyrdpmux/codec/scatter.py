"""Scattering many short byte strings at once, and working on the bits of a mask: idioms of all encoders.

A *window* is 16 bytes at any byte offset: a stride-1 view of a buffer with the 16-byte dtype V16 lets one
item of a fancy index move 16 bytes, several times quicker than an index per byte.

INVARIANT: buffers that are seen through windows have :data:`SPARE` bytes more than their contents.
INVARIANT: fancy assignment runs in index order. So partial windows go first, in ascending order: the garbage
behind each is overwritten by what is written later; full windows, which leave none, go second.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Bits = NDArray[np.uint64]
"""A mask, 64 elements a word, the first in the lowest bit; one row per tile."""
Positions = NDArray[np.int64]
"""Indices are int64 throughout: ``take`` converts anything else, which costs more than it saves."""

WINDOW: Final = 16
SPARE: Final = 64
_ONE: Final = np.uint64(1)
_TOP: Final = np.uint64(63)


def windows(buffer: Bytes, size: int = WINDOW) -> NDArray[Any]:
    """(len - SPARE + 1,) overlapping items of ``size`` bytes, one at every offset of ``buffer``."""
    first = np.ndarray((1,), f"V{size}", buffer)
    return as_strided(first, shape=(len(buffer) - SPARE + 1,), strides=(1,))


def spread(
    target: Positions, source: Positions, counts: Positions, target_step: int, source_step: int
) -> tuple[Positions, Positions]:
    """``counts[i]`` index pairs from ``target[i]`` and ``source[i]`` on, in steps, all in one row.

    All (k,) int64; the two results (sum of counts,) int64.
    """
    number = np.arange(int(counts.sum()))
    before = np.cumsum(counts) - counts
    targets = np.repeat(target - before * target_step, counts)
    targets += number * target_step
    sources = np.repeat(source - before * source_step, counts)
    sources += number * source_step
    return targets, sources


def pack(mask: NDArray[np.bool_], tiles: int) -> Bits:
    """A flat mask of ``tiles`` equal parts, each a multiple of 64 long, as (tiles, words) bits."""
    return np.packbits(mask.view(np.uint8), bitorder="little").view("<u8").reshape(tiles, -1)


def unpack(bits: Bits) -> NDArray[np.bool_]:
    """(64 * words,) bool: the flat mask again."""
    return np.unpackbits(bits.reshape(-1).view(np.uint8), bitorder="little").view(np.bool_)


def positions(bits: Bits) -> Positions:
    """(set elements,) int64: their indices in the flat mask, ascending."""
    octets = bits.reshape(-1).view(np.uint8)
    used = np.flatnonzero(octets != 0)
    if len(used) * 2 > len(octets):
        return np.flatnonzero(unpack(bits))
    # Where most are empty, only the others are looked into: half the time on screens of text.
    found = np.flatnonzero(np.unpackbits(octets[used], bitorder="little").view(np.bool_))
    result: Positions = used.take(found >> 3)
    result <<= 3
    found &= 7
    result |= found
    return result


def following(bits: Bits) -> Bits:
    """(tiles, words) bits: each element's right neighbor; tiles must end in an empty element."""
    flat = bits.reshape(-1)
    result = flat >> _ONE
    result[:-1] |= flat[1:] << _TOP
    return result.reshape(bits.shape)


def preceding(bits: Bits) -> Bits:
    """(tiles, words) bits: each element's left neighbor; tiles must end in an empty element."""
    flat = bits.reshape(-1)
    result = flat << _ONE
    result[1:] |= flat[:-1] >> _TOP
    return result.reshape(bits.shape)


_POPULATION: Final = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8)).reshape(-1, 16).sum(1)


def _count_by_table(bits: Bits) -> NDArray[Any]:
    table: NDArray[Any] = _POPULATION.astype(np.int32)
    return table[bits.view(np.uint16)]


_count: Callable[[Bits], NDArray[Any]] = getattr(np, "bitwise_count", _count_by_table)
"""numpy 2 counts bits itself; the project also runs on 1.26."""


def population(bits: Bits) -> Positions:
    """(tiles,) set elements of each tile."""
    result: Positions = _count(bits).sum(axis=1, dtype=np.int64)
    return result


def read_only(*arrays: NDArray[Any]) -> None:
    """What is kept for all callers, in whatever thread, is written by none of them."""
    for array in arrays:
        array.flags.writeable = False


def rounded_up(value: int, multiple: int) -> int:
    """The next multiple."""
    return -(-value // multiple) * multiple


class Scratch:
    """Byte buffers that are kept between calls: fresh ones cost page faults, not arithmetic.

    A caller takes one, uses it alone, and gives it back; so two threads never meet in one.
    """

    _free: Final[list["Scratch"]] = []
    MAX_KEPT: Final = 4

    def __init__(self) -> None:
        self._buffers: dict[str, Bytes] = {}

    @classmethod
    def take(cls) -> "Scratch":
        """A free one, or a new one."""
        try:
            return cls._free.pop()
        except IndexError:
            return cls()

    def give_back(self) -> None:
        if len(self._free) < self.MAX_KEPT:
            self._free.append(self)

    def get(self, name: str, size: int) -> Bytes:
        """(size,) uint8 with anything in them; the same memory for the same name until given back."""
        buffer = self._buffers.get(name)
        if buffer is None or len(buffer) < size:
            buffer = self._buffers[name] = np.empty(size, np.uint8)
        return buffer[:size]
