"""The prefix codes of MPPC and ZGFX, described once; tables for both directions follow from the description.

Both formats are rows of literals and of matches, a match being a distance followed by a length:

* a literal has a code of its own;
* a distance, or a length, belongs to a :class:`Range`: a prefix, then its difference to the range's base.

Encoders look up: two literals at once, or a distance, or a length. Decoders look up the next 16 bits: either
as many literals as they hold, or the range of a distance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.bits import Codes, Counts

PEEK: Final = 16
"""Bits that a decoder looks at; no prefix and no literal is longer."""

TABLE_SIZE: Final = 1 << PEEK


@dataclass(frozen=True, slots=True)
class Range:
    """``prefix`` in ``prefix_width`` bits, then ``value_width`` bits: the number minus ``base``."""

    prefix: int
    prefix_width: int
    value_width: int
    base: int


def ranges(*rows: tuple[str, int, int]) -> tuple[Range, ...]:
    """From (prefix as written in the specification, bits of the value, base)."""
    return tuple([Range(int(prefix, 2), len(prefix), width, base) for prefix, width, base in rows])


#: MS-RDPBCGR 3.1.8.4.1.2.2 and 3.1.8.4.2.2.2 Length-of-Match Encoding, MS-RDPEGFX 3.1.9.1.2.4: all the same.
LENGTHS: Final = (*ranges(("0", 0, 3)), *ranges(*[("1" * n + "0", n + 1, 2 << n) for n in range(1, 15)]))
MIN_LENGTH: Final = 3


class CodeTable(NamedTuple):
    """The code and width of each number."""

    codes: Codes
    widths: Counts

    def at(self, index: NDArray[np.int64] | NDArray[np.uint16]) -> tuple[Codes, Counts]:
        return self.codes.take(index), self.widths.take(index)


def code_table(number_ranges: Sequence[Range], size: int) -> CodeTable:
    """Codes of the numbers below ``size``; what no range has gets no bits."""
    codes, widths = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for row in sorted(number_ranges, key=lambda row: row.base):
        count = max(0, min(size - row.base, 1 << row.value_width))
        part = slice(row.base, row.base + count)
        codes[part] = (row.prefix << row.value_width) + np.arange(count)
        widths[part] = row.prefix_width + row.value_width
    return CodeTable(codes, widths)


class LiteralCode(NamedTuple):
    """The code of one byte."""

    code: int
    width: int


def pair_table(literals: Sequence[LiteralCode]) -> CodeTable:
    """Codes of byte pairs, first byte times 256 plus second; then, from 65536 on, of single bytes."""
    code = np.array([row.code for row in literals], np.uint64)
    width = np.array([row.width for row in literals], np.int64)
    first, second = np.divmod(np.arange(TABLE_SIZE), 256)
    pairs = (code[first] << width[second].astype(np.uint64)) | code[second]
    return CodeTable(np.concatenate([pairs, code]), np.concatenate([width[first] + width[second], width]))


class LiteralPeeks(NamedTuple):
    """For each value of the next 16 bits: the literals they begin with, and those literals' bits."""

    values: list[bytes]
    widths: list[int]


def single_peeks(literals: Sequence[LiteralCode]) -> LiteralPeeks:
    """At most one literal."""
    values, widths = [b""] * TABLE_SIZE, [0] * TABLE_SIZE
    for byte, row in enumerate(literals):
        start, count = row.code << (PEEK - row.width), 1 << (PEEK - row.width)
        values[start : start + count] = [bytes([byte])] * count
        widths[start : start + count] = [row.width] * count
    return LiteralPeeks(values, widths)


def multiple_peeks(single: LiteralPeeks) -> LiteralPeeks:
    """As many literals as are complete within the 16 bits."""
    values, widths = single.values.copy(), single.widths.copy()
    for bits in range(TABLE_SIZE):
        used = widths[bits]
        while 0 < used < PEEK:
            rest = (bits << used) & (TABLE_SIZE - 1)
            width = single.widths[rest]
            if not width or used + width > PEEK:
                break
            values[bits] += single.values[rest]
            used += width
        widths[bits] = used
    return LiteralPeeks(values, widths)


def range_peeks(number_ranges: Sequence[Range]) -> list[tuple[int, int, int] | None]:
    """(width, bits of value to read behind it, number without these), or None where no code begins.

    A number whose code fits the 16 bits is there completely.
    """
    table: list[tuple[int, int, int] | None] = [None] * TABLE_SIZE
    for row in number_ranges:
        # Of the value, as many bits as fit.
        known = row.value_width if row.prefix_width + row.value_width <= PEEK else 0
        width = row.prefix_width + known
        count = 1 << (PEEK - width)
        for value in range(1 << known):
            start = ((row.prefix << known) | value) << (PEEK - width)
            entry = (width, row.value_width - known, row.base + value)
            table[start : start + count] = [entry] * count
    return table


class Alphabet:
    """One format's codes; tables are made when first needed."""

    def __init__(self, literals: Sequence[LiteralCode], distances: Sequence[Range], max_length: int) -> None:
        self.literals = literals
        self.distances = distances
        self.lengths = [row for row in LENGTHS if row.base <= max_length]
        self.max_length = max_length
        self._encoder: EncoderTables | None = None
        self._decoder: DecoderTables | None = None

    @property
    def encoder(self) -> "EncoderTables":
        if self._encoder is None:
            far = np.array([row.base for row in self.distances])
            self._encoder = EncoderTables(
                pair_table(self.literals),
                code_table(self.distances, TABLE_SIZE),
                code_table(self.lengths, self.max_length + 1),
                np.sort(far),
            )
        return self._encoder

    @property
    def decoder(self) -> "DecoderTables":
        if self._decoder is None:
            single = single_peeks(self.literals)
            self._decoder = DecoderTables(
                multiple_peeks(single), single, range_peeks(self.distances), range_peeks(self.lengths)
            )
        return self._decoder


class EncoderTables(NamedTuple):
    pairs: CodeTable
    distances: CodeTable
    lengths: CodeTable
    bases: Counts


class DecoderTables(NamedTuple):
    literals: LiteralPeeks
    single_literals: LiteralPeeks
    distances: list[tuple[int, int, int] | None]
    lengths: list[tuple[int, int, int] | None]
