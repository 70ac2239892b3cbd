"""A stream of prefix codes to literals and matches: the receiving half of MPPC and ZGFX.

Inherently sequential, hence a loop over tokens; tables of the next 16 bits keep it short: a step is a few
literals or one match. Bits come from one 64-bit window per byte of the stream, made in advance.

Hostile input: each step consumes at least a bit, so steps are bounded by the input; the output is checked
against its limit at every match, before it grows by it.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pyrdpmux.codec.bulk.alphabet import PEEK, DecoderTables, LiteralPeeks
from pyrdpmux.errors import DecodeError

_PEEK_MASK: Final = (1 << PEEK) - 1
_WINDOW: Final = 64
_PEEK_SHIFT: Final = _WINDOW - PEEK


def windows(data: bytes) -> memoryview:
    """The 64 bits that begin at each byte, zeros behind the end; two more windows than bytes."""
    padded = np.zeros(len(data) + 10, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    first = np.ndarray((1,), ">u8", padded)
    return as_strided(first, (len(data) + 2,), (1,)).astype(np.uint64).data


class TokenStream:
    """A position in the bits of ``data``, up to ``end``."""

    def __init__(self, data: bytes, end: int, path: str, offset: int) -> None:
        self._windows = windows(data)
        self._path = path
        self._offset = offset
        self.data = data
        self.position = 0
        self.end = end

    def error(self, reason: str) -> DecodeError:
        return DecodeError(self._path, reason, self._offset + (min(self.position, self.end) >> 3))

    def bits(self, count: int) -> int:
        """The next ``count`` bits, at most 24; what lies behind the end of the data is zero."""
        at = self.position
        self.position = at + count
        if self.position > self.end:
            raise self.error("ends within a token")
        return self._windows[at >> 3] >> (_WINDOW - count - (at & 7)) & ((1 << count) - 1)

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
        view, values, widths = self._windows, literals.values, literals.widths
        distances, lengths = tables.distances, tables.lengths
        at = self.position
        while at <= last:
            peek = view[at >> 3] >> (_PEEK_SHIFT - (at & 7)) & _PEEK_MASK
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
                distance += view[at >> 3] >> (_WINDOW - more - (at & 7)) & ((1 << more) - 1)
                at += more
            if at > self.end:
                raise self.error("ends within a token")
            if not distance:
                self.position = at
                return True
            entry = lengths[view[at >> 3] >> (_PEEK_SHIFT - (at & 7)) & _PEEK_MASK]
            if entry is None:
                raise self.error("length of match without a prefix")
            width, more, length = entry
            at += width
            if more:
                length += view[at >> 3] >> (_WINDOW - more - (at & 7)) & ((1 << more) - 1)
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
        if distance > len(out):
            raise self.error(f"match {distance} bytes back, {len(out)} there")
        if len(out) + length > limit:
            raise self.error(f"{len(out) + length - limit} bytes of output too many")
