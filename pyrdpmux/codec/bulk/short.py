"""Short messages, one code at a time: what numpy's forty calls would take 0.2 ms for, whatever the size."""

from bisect import bisect_right
from collections.abc import Sequence as Items
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from pyrdpmux.codec.bulk.alphabet import MIN_LENGTH, Alphabet, Range

MAX_BLOCK: Final = 450
"""Bytes of an lz4 block from which on numpy is quicker: a code takes up to a microsecond here."""
_MORE: Final = 15
_MIN_LZ4_LENGTH: Final = 4


class Sequence(NamedTuple):
    """Of an lz4 block: literals, then a match; the last one has none."""

    literals: int
    distance: int
    length: int


class ShortCoder:
    """The codes of an alphabet, as strings of bits."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._literals = [f"{row.code:0{row.width}b}" for row in alphabet.literals]
        # One for each number, in bits; distances are many, but few at a time.
        self._length = lru_cache(1024)(_Numbers(alphabet.lengths))
        self._distance = lru_cache(1024)(_Numbers(alphabet.distances))

    def encode(self, data: bytes, block: bytes, reach: int) -> tuple[bytes, int]:
        """The stream of ``data``, and the unused bits at its end.

        ``block`` is lz4's of ``data`` and some bytes; matches up to ``reach`` bytes back are used.
        """
        bits = self._bits(data, sequences(block), reach)
        # "0" and "1" differ in their last bit.
        octets = np.packbits(np.frombuffer(bits.encode(), np.uint8) & np.uint8(1))
        return octets.tobytes(), -len(bits) & 7

    def _bits(self, data: bytes, found: list[Sequence], reach: int) -> str:
        codes = self._literals
        parts: list[str] = []
        done = at = 0
        for literals, distance, length in found:
            at += literals
            length = min(length, len(data) - at)
            if length >= MIN_LENGTH and distance <= reach:
                parts += [codes[byte] for byte in data[done:at]]
                parts += (self._distance(distance), self._length(length))
                done = at + length
            at += length
        parts += [codes[byte] for byte in data[done:]]
        return "".join(parts)


class _Numbers:
    """The code of a number, in bits."""

    def __init__(self, ranges: Items[Range]) -> None:
        self._ranges = sorted(ranges, key=lambda row: row.base)
        self._bases = [row.base for row in self._ranges]

    def __call__(self, number: int) -> str:
        row = self._ranges[bisect_right(self._bases, number) - 1]
        code = (row.prefix << row.value_width) + number - row.base
        return f"{code:0{row.prefix_width + row.value_width}b}"


def sequences(block: bytes) -> list[Sequence]:
    """All of an lz4 block that lz4 itself has just made: well-formed, that is."""
    result: list[Sequence] = []
    at, end = 0, len(block)
    while True:
        token = block[at]
        literals = token >> 4
        at += 1
        if literals == _MORE:
            literals, at = _extended(block, at, literals)
        at += literals
        if at >= end:
            return [*result, Sequence(literals, 0, 0)]
        distance = block[at] | block[at + 1] << 8
        length = token & _MORE
        at += 2
        if length == _MORE:
            length, at = _extended(block, at, length)
        result.append(Sequence(literals, distance, length + _MIN_LZ4_LENGTH))


def _extended(block: bytes, at: int, number: int) -> tuple[int, int]:
    """A number that goes on in bytes until one is not 255, and what is behind them."""
    while True:
        byte = block[at]
        at += 1
        number += byte
        if byte != 255:
            return number, at
