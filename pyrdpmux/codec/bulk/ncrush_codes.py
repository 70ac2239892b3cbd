"""The two Huffman codes of RDP 6.0 bulk compression (MS-RDPEGDI 3.1.8.1.4), as tables for both directions.

The specification lists lengths and codes; the codes follow from the lengths (canonical Huffman), their bits
reversed, as the stream begins at the lowest bit of each byte.
"""

from typing import Final, NamedTuple

import numpy as np

from pyrdpmux.codec.bulk.alphabet import PEEK, CodeTable, LiteralPeeks

END_OF_STREAM: Final = 256
FIRST_OFFSET: Final = 257
FIRST_CACHED: Final = 289
CACHE_SIZE: Final = 4
MAX_DISTANCE: Final = 65535

#: Table 1, one hexadecimal digit per code: literals, the end of the stream, copy-offsets, cached offsets.
_LEC_WIDTHS: Final = (
    "66677777777888888898999988999999899a9999999a9aaa99a9a9a999aa9a99"
    "89999aaa99aaaaaa99aaaaaaa9aaaaaa8aaaaaaaaaaaaaaa9aaaaaaa9aaaaaa9"
    "799a9aaa9aaaaaaa9aaaaaaaaaaaaaaaaaaaaaaaaaadaaaaaabaaaaaaaaaaaaa"
    "9aaaaa9aaaaa9aaa9aaaaaaaaaaaaaaa9aaaaaaaaaaaaa9a899a9aaa9aaa9987"
    "dd77a77666656665656666666666666685677"
)
#: Table 4
_LENGTH_WIDTHS: Final = "42343445455667787889989999999999"

#: Table 3: bits behind the code of a copy-offset; the bases of copy-offset + 1 follow from them.
_OFFSET_BITS: Final = [0, 0, 0, *[n // 2 for n in range(1, 30)]]
_OFFSET_BASES: Final = [1 + sum([1 << bits for bits in _OFFSET_BITS[:n]]) for n in range(32)]
#: Table 6: the same for the length of match, up to code 28, which has all lengths.
_LENGTH_BITS: Final = [*[0] * 8, *[1] * 4, *[2] * 4, *[3] * 4, *[4] * 4, 6, 6, 8, 8]
_LENGTH_BASES: Final = [2 + sum([1 << bits for bits in _LENGTH_BITS[:n]]) for n in range(28)]
_ANY_LENGTH_BITS: Final = 14
_MIN_LENGTH: Final = 2
MAX_LENGTH: Final = _MIN_LENGTH + (1 << _ANY_LENGTH_BITS) - 1


class Symbol(NamedTuple):
    """``code`` in ``width`` bits, the lowest first."""

    code: int
    width: int


def canonical(widths: str) -> list[Symbol]:
    """Shorter codes first, equal ones in the order of the symbols, each the number after the one before."""
    sizes = [int(digit, 16) for digit in widths]
    symbols = [Symbol(0, 0)] * len(sizes)
    code, width = 0, 0
    for index in sorted(range(len(sizes)), key=lambda i: sizes[i]):
        code <<= sizes[index] - width
        width = sizes[index]
        symbols[index] = Symbol(int(f"{code:0{width}b}"[::-1], 2), width)
        code += 1
    return symbols


LEC: Final = canonical(_LEC_WIDTHS)
LENGTH: Final = canonical(_LENGTH_WIDTHS)


class Entry(NamedTuple):
    """What a prefix says: its bits, the symbol, and the number it begins with ``more`` bits of."""

    width: int
    symbol: int
    more: int
    base: int


def _peeks(symbols: list[Symbol], entries: list[Entry]) -> list[Entry | None]:
    """By the next :data:`PEEK` bits."""
    table: list[Entry | None] = [None] * (1 << PEEK)
    for entry in entries:
        symbol = symbols[entry.symbol]
        table[symbol.code :: 1 << symbol.width] = [entry] * (1 << (PEEK - symbol.width))
    return table


def lec_peeks() -> list[Entry | None]:
    """Literals, the end, copy-offsets, places in the cache."""
    entries = [Entry(symbol.width, index, 0, index) for index, symbol in enumerate(LEC)]
    for row, (bits, base) in enumerate(zip(_OFFSET_BITS, _OFFSET_BASES, strict=True)):
        index = FIRST_OFFSET + row
        entries[index] = Entry(LEC[index].width, index, bits, base - 1)
    return _peeks(LEC, entries)


def literal_peeks(codes: list[Entry | None]) -> LiteralPeeks:
    """As many literals as the next bits hold completely: at most two, as the shortest have six bits."""
    values, widths = [b""] * (1 << PEEK), [0] * (1 << PEEK)
    for bits, entry in enumerate(codes):
        if entry is None or entry.symbol >= END_OF_STREAM:
            continue
        second = codes[bits >> entry.width]
        value, width = bytes([entry.symbol]), entry.width
        if second is not None and second.symbol < END_OF_STREAM and width + second.width <= PEEK:
            value, width = bytes([entry.symbol, second.symbol]), width + second.width
        values[bits], widths[bits] = value, width
    return LiteralPeeks(values, widths)


def length_peeks() -> list[Entry | None]:
    """Codes 28 and 29 mean the same; 30 and 31 nothing."""
    bits = [*_LENGTH_BITS, _ANY_LENGTH_BITS, _ANY_LENGTH_BITS]
    bases = [*_LENGTH_BASES, _MIN_LENGTH, _MIN_LENGTH]
    entries = [
        Entry(LENGTH[row].width, row, more, base)
        for row, (more, base) in enumerate(zip(bits, bases, strict=True))
    ]
    return _peeks(LENGTH, entries)


def pair_codes() -> CodeTable:
    """As :func:`pyrdpmux.codec.bulk.alphabet.pair_table`, the first byte's code in the lower bits."""
    code = np.array([symbol.code for symbol in LEC[:256]], np.uint64)
    width = np.array([symbol.width for symbol in LEC[:256]], np.int64)
    first, second = np.divmod(np.arange(1 << 16), 256)
    pairs = code[first] | (code[second] << width[first].astype(np.uint64))
    return CodeTable(np.concatenate([pairs, code]), np.concatenate([width[first] + width[second], width]))


def offset_codes() -> CodeTable:
    """Codes of the copy-offsets up to :data:`MAX_DISTANCE`; 3.1.8.1.4.3.1 Encoding the Copy-Offset."""
    rows = list(zip(LEC[FIRST_OFFSET:FIRST_CACHED], _OFFSET_BITS, _OFFSET_BASES, strict=True))
    return _number_codes([(symbol, bits, base - 1) for symbol, bits, base in rows], MAX_DISTANCE + 1)


def length_codes() -> CodeTable:
    """Codes of the lengths up to :data:`MAX_LENGTH`; 3.1.8.1.4.3.2 Encoding the Length-of-Match."""
    rows = [(LENGTH[28], _ANY_LENGTH_BITS, _MIN_LENGTH)]
    rows += list(zip(LENGTH[:28], _LENGTH_BITS, _LENGTH_BASES, strict=True))
    return _number_codes(rows, MAX_LENGTH + 1)


def _number_codes(rows: list[tuple[Symbol, int, int]], size: int) -> CodeTable:
    codes, widths = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for symbol, bits, base in rows:
        count = min(1 << bits, size - base)
        codes[base : base + count] = symbol.code + (np.arange(count) << symbol.width)
        widths[base : base + count] = symbol.width + bits
    return CodeTable(codes, widths)
