"""RDP 6.0 bulk compression (MS-RDPEGDI 3.1.8.1): MPPC's ideas with Huffman codes and a cache of offsets.

The history of 64 KB is a buffer with a write offset. Where a packet does not fit behind it, the last 32 KB
slide to the buffer's front, which the AT_FRONT flag says here, and the offset goes to its middle.
"""

from functools import cache
from typing import Final, NamedTuple

import numpy as np

from pyrdpmux.codec.bits import Codes, Counts, pack_lsb
from pyrdpmux.codec.bulk import ncrush_codes
from pyrdpmux.codec.bulk.alphabet import CodeTable, LiteralPeeks
from pyrdpmux.codec.bulk.matches import Matches, Numbers, find_matches
from pyrdpmux.codec.bulk.ncrush_codes import CACHE_SIZE, END_OF_STREAM, FIRST_CACHED, LEC, MAX_LENGTH, Entry
from pyrdpmux.codec.bulk.packet import TYPE_MASK, Compressed, CompressionType, PacketFlags
from pyrdpmux.codec.bulk.prefix_decoder import peeks_lsb
from pyrdpmux.codec.bulk.prefix_encoder import assemble
from pyrdpmux.errors import DecodeError, EncodeError

HISTORY_SIZE: Final = 65536
MIDDLE: Final = HISTORY_SIZE // 2
_USED: Final = HISTORY_SIZE - 8
"""libfreerdp refuses matches that end in the buffer's last bytes."""
_MIN_STREAM: Final = 4
"""libfreerdp's decompressor begins with a 32-bit word and goes on with words of 16: sizes are even."""
_DENSE_RATIO: Final = 1.1
"""The Huffman code alone saves some, as its shortest codes are those of small numbers."""
_TYPE: Final = CompressionType.RDP6
_NOT_CACHED: Final = CACHE_SIZE


class OffsetCache:
    """3.1.8.1.1 OffsetCache: the last four copy-offsets; using one again exchanges it with the first."""

    def __init__(self) -> None:
        self._offsets = [0] * CACHE_SIZE

    def clear(self) -> None:
        self._offsets = [0] * CACHE_SIZE

    def add(self, offset: int) -> None:
        self._offsets = [offset, *self._offsets[:-1]]

    def use(self, index: int) -> int:
        offsets = self._offsets
        offsets[0], offsets[index] = offsets[index], offsets[0]
        return offsets[0]

    def place_all(self, offsets: list[int]) -> list[int]:
        """Where the cache has each when its turn comes, or _NOT_CACHED; the cache follows."""
        first, second, third, fourth = self._offsets
        places = []
        for offset in offsets:
            if offset == first:
                places.append(0)
            elif offset == second:
                first, second = second, first
                places.append(1)
            elif offset == third:
                first, third = third, first
                places.append(2)
            elif offset == fourth:
                first, fourth = fourth, first
                places.append(3)
            else:
                first, second, third, fourth = offset, first, second, third
                places.append(_NOT_CACHED)
        self._offsets = [first, second, third, fourth]
        return places


class _EncoderTables(NamedTuple):
    pairs: CodeTable
    offsets: CodeTable
    lengths: CodeTable
    cached: CodeTable


@cache
def _encoder() -> _EncoderTables:
    cached = LEC[FIRST_CACHED:]
    return _EncoderTables(
        ncrush_codes.pair_codes(),
        ncrush_codes.offset_codes(),
        ncrush_codes.length_codes(),
        CodeTable(np.array([row.code for row in cached], np.uint64), np.array([row.width for row in cached])),
    )


class NcrushCompressor:
    """The sending end of one history."""

    max_size: Final = _USED

    def __init__(self) -> None:
        self._history = b""
        self._cache = OffsetCache()
        self._flags = PacketFlags(0)

    def flush(self) -> None:
        """Forget the history; the next compressed packet tells the other end to do the same."""
        self._history = b""
        self._cache.clear()
        self._flags = PacketFlags.FLUSHED

    def compress(self, data: bytes) -> Compressed:
        """3.1.8.1.2 Compressing Data."""
        if len(data) > self.max_size:
            raise EncodeError("NcrushCompressor.data", f"{len(data)} bytes, at most {self.max_size} allowed")
        history, flags = self._history, self._flags
        if len(history) + len(data) > _USED:
            if len(history) > MIDDLE and MIDDLE + len(data) <= _USED:
                history = history[-MIDDLE:]
                flags |= PacketFlags.AT_FRONT
            else:  # sliding would not make room
                self.flush()
                history, flags = b"", self._flags
        matches = find_matches(data, history, _MIN_LZ4_MATCH, _DENSE_RATIO)
        if matches is None:
            # Not even tried: like any packet sent without compression, it leaves both histories alone.
            return Compressed(_TYPE, data)
        packed = self._packed(data, matches)
        if len(packed) > len(data):
            self.flush()
            return Compressed(_TYPE | PacketFlags.FLUSHED, data)
        self._history = history + data
        self._flags = PacketFlags(0)
        return Compressed(_TYPE | PacketFlags.COMPRESSED | flags, packed)

    def _packed(self, data: bytes, matches: Matches) -> bytes:
        """3.1.8.1.4.3 Encoding the Logically Compressed Stream."""
        matches = matches.split(MAX_LENGTH)
        tables = _encoder()
        offsets = self._offset_codes(matches.distance)
        codes, widths = assemble(data, matches, tables.pairs, offsets, tables.lengths.at(matches.length))
        end = LEC[END_OF_STREAM]
        packed = pack_lsb(np.append(codes, np.uint64(end.code)), np.append(widths, end.width))
        return packed + bytes(max(_MIN_STREAM - len(packed), len(packed) & 1))

    def _offset_codes(self, distance: Numbers) -> tuple[Codes, Counts]:
        tables = _encoder()
        places = np.array(self._cache.place_all(distance.tolist()), np.int64)
        codes, widths = tables.offsets.at(distance)
        cached = np.flatnonzero(places != _NOT_CACHED)
        codes[cached], widths[cached] = tables.cached.at(places[cached])
        return codes, widths


#: What lz4 finds; RDP 6.0 could code two bytes as well.
_MIN_LZ4_MATCH: Final = 3


class NcrushDecompressor:
    """The receiving end of one history."""

    def __init__(self) -> None:
        self._history = b""
        self._cache = OffsetCache()

    def decompress(self, flags: int, data: bytes) -> bytes:
        """3.1.8.1.3 Decompressing Data. At most the history's size comes out."""
        if flags & TYPE_MASK != _TYPE:
            raise DecodeError("Ncrush.flags", f"type {flags & TYPE_MASK}, expected {int(_TYPE)}", 0)
        if flags & PacketFlags.FLUSHED:
            self._history = b""
            self._cache.clear()
        elif flags & PacketFlags.AT_FRONT:
            if len(self._history) < MIDDLE:
                raise DecodeError(
                    "Ncrush.flags", f"to slide back {MIDDLE} bytes, {len(self._history)} there", 0
                )
            self._history = self._history[-MIDDLE:]
        if not flags & PacketFlags.COMPRESSED:
            return data
        if len(data) > HISTORY_SIZE:
            raise DecodeError("Ncrush.data", f"{len(data)} bytes, more than it can have been before", 0)
        # 3.1.8.1.1: "the entire history buffer is immediately regarded as valid": zeros, at first.
        window = bytearray(HISTORY_SIZE - len(self._history)) + self._history
        _Stream(data, self._cache).decode(window, 2 * HISTORY_SIZE - len(self._history))
        result = bytes(window[HISTORY_SIZE:])
        self._history += result
        return result


class _DecoderTables(NamedTuple):
    literals: LiteralPeeks
    codes: list[Entry | None]
    lengths: list[Entry | None]


@cache
def _decoder() -> _DecoderTables:
    codes = ncrush_codes.lec_peeks()
    return _DecoderTables(ncrush_codes.literal_peeks(codes), codes, ncrush_codes.length_peeks())


class _Stream:
    """3.1.8.1.4.4 Decoding a Compressed Stream: each step consumes bits and is bounded by them."""

    def __init__(self, data: bytes, cache: OffsetCache) -> None:
        self._peeks = peeks_lsb(data)
        self._size = 8 * len(data)
        self._cache = cache

    def _error(self, reason: str, at: int) -> DecodeError:
        return DecodeError("Ncrush.data", reason, min(at, self._size) >> 3)

    def decode(self, out: bytearray, limit: int) -> None:
        """Append to ``out``, the history, at most up to ``limit`` bytes in all."""
        (values, widths), codes, lengths = _decoder()
        peeks, size = self._peeks, self._size
        at = 0
        while at < size:
            value = values[peeks[at]]
            if value:
                out += value
                at += widths[peeks[at]]
                continue
            symbol, number, at = self._number(codes, at)
            if symbol == END_OF_STREAM:
                if len(out) > limit:
                    raise self._error("more output than the history holds", at)
                return
            if symbol < FIRST_CACHED:
                self._cache.add(number)
            else:
                number = self._cache.use(symbol - FIRST_CACHED)
            _, length, at = self._number(lengths, at)
            if not 0 < number <= len(out):
                raise self._error(f"copy-offset {number}", at)
            if len(out) + length > limit:
                raise self._error("more output than the history holds", at)
            start = len(out) - number
            if length <= number:
                out += out[start : start + length]
            else:
                out += (out[start:] * (length // number + 1))[:length]
        raise self._error("ends without a marker", at)

    def _number(self, table: list[Entry | None], at: int) -> tuple[int, int, int]:
        """A symbol, the number that it and the bits behind it stand for, and where these end."""
        peek = self._peeks[at]
        entry = table[peek]
        if entry is None:
            raise self._error("no code begins so", at)
        width, symbol, more, number = entry
        if more:
            number += self._peeks[at + width] & ((1 << more) - 1)
        if at + width + more > self._size:
            raise self._error("ends without a marker", at)
        return symbol, number, at + width + more
