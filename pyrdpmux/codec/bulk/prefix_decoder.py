"""A stream of prefix codes to literals and matches: the receiving half of MPPC and ZGFX.

Inherently sequential, hence a loop over tokens; tables of the next 16 bits keep it short: a step is a few
literals or one match. What the next 16 bits are at each bit of the stream is computed in advance.

Hostile input: callers limit the stream, as these peeks take 16 times its size. Each step consumes at least a
bit; the output is checked against its limit at every match, before it grows by it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.bulk.alphabet import PEEK, DecoderTables, LiteralPeeks
from pyrdpmux.errors import DecodeError

_BYTE, _TWO_BYTES = np.uint32(8), np.uint32(16)
_SPARE: Final = 8
"""Bytes of zeros behind the data: a token that begins in the last bit still finds all of its peeks."""


def peeks_msb(data: bytes) -> memoryview:
    """The :data:`PEEK` bits that begin at each bit, the highest bit of a byte first."""
    first, second, third = _triples(data)
    return _at_each_bit((first << _TWO_BYTES) | (second << _BYTE) | third, range(8, 0, -1))


def peeks_lsb(data: bytes) -> memoryview:
    """The same, the lowest bit of a byte first."""
    first, second, third = _triples(data)
    return _at_each_bit(first | (second << _BYTE) | (third << _TWO_BYTES), range(8))


def _triples(data: bytes) -> list[NDArray[np.uint32]]:
    padded = np.zeros(len(data) + _SPARE, np.uint32)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    return [padded[at : len(padded) - 2 + at] for at in range(3)]


def _at_each_bit(windows: NDArray[np.uint32], shifts: range) -> memoryview:
    peeks = np.empty((len(windows), 8), np.uint16)
    for column, shift in enumerate(shifts):
        peeks[:, column] = windows >> np.uint32(shift)  # the upper bits fall off
    return peeks.reshape(-1).data


class TokenStream:
    """A position in the bits of ``data``, up to ``end``; matches go back at most ``reach`` bytes.

    Errors name ``path``, and count from ``offset``, where ``data`` lies in what was received.
    """

    def __init__(self, data: bytes, end: int, reach: int, path: str, offset: int) -> None:
        self._peeks = peeks_msb(data)
        self._path = path
        self._offset = offset
        self._reach = reach
        self.data = data
        self.position = 0
        self.end = end

    def error(self, reason: str) -> DecodeError:
        return DecodeError(self._path, reason, self._offset + (min(self.position, self.end) >> 3))

    def bits(self, count: int) -> int:
        """The next ``count`` bits, at most 16."""
        at = self.position
        self.position = at + count
        if self.position > self.end:
            raise self.error("ends within a token")
        value: int = self._peeks[at] >> (PEEK - count)
        return value

    def decode(self, tables: DecoderTables, out: bytearray, limit: int, spare: int = 0) -> bool:
        """Append to ``out``, the history, at most up to ``limit`` bytes in all.

        Returns False when fewer than ``spare`` + 1 bits are left, True behind a distance of zero.
        """
        # Where 16 bits are left, all literals in them count; at the end, one must look at each.
        return self._run(tables, tables.literals, self.end - PEEK, out, limit) or self._run(
            tables, tables.single_literals, self.end - spare - 1, out, limit
        )

    def _run(
        self, tables: DecoderTables, literals: LiteralPeeks, last: int, out: bytearray, limit: int
    ) -> bool:
        """Tokens that begin at ``last`` or before it."""
        peeks, values, widths = self._peeks, literals.values, literals.widths
        distances, lengths = tables.distances, tables.lengths
        at = self.position
        while at <= last:
            peek = peeks[at]
            value = values[peek]
            if value:
                out += value
                at += widths[peek]
                continue
            self.position = at
            entry = distances[peek]
            if entry is None:
                raise self.error(f"{peek:#018b} begins with no code")
            width, more, distance = entry
            at += width
            if more:
                distance += (peeks[at] << PEEK | peeks[at + PEEK]) >> (2 * PEEK - more)
                at += more
            if at > self.end:
                raise self.error("ends within a token")
            if not distance:
                self.position = at
                return True
            entry = lengths[peeks[at]]
            if entry is None:
                raise self.error("length of match without a prefix")
            width, more, length = entry
            at += width
            if more:
                length += peeks[at] >> (PEEK - more)
                at += more
            self._check_match(at, distance, length, out, limit)
            start = len(out) - distance
            if length <= distance:
                out += out[start : start + length]
            else:
                out += (out[start:] * (length // distance + 1))[:length]
        self.position = at
        self._check_end(out, limit)
        return False

    def _check_end(self, out: bytearray, limit: int) -> None:
        if self.position > self.end:
            raise self.error("ends within a token")
        if len(out) > limit:
            raise self.error(f"{len(out) - limit} bytes of output too many")

    def _check_match(self, at: int, distance: int, length: int, out: bytearray, limit: int) -> None:
        if at > self.end:
            raise self.error("ends within a token")
        if distance > min(len(out), self._reach):
            raise self.error(f"match {distance} bytes back, {min(len(out), self._reach)} there")
        if len(out) + length > limit:
            raise self.error(f"{len(out) + length - limit} bytes of output too many")
