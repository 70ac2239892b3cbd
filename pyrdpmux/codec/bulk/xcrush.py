"""RDP 6.1 bulk compression (MS-RDPEGDI 3.1.8.2): long matches from 2 MB of history, the rest through MPPC.

Level 1 takes stretches that the history has out of the data and lists them; level 2, RDP 5.0's MPPC with its
own history, compresses the list and the literals that are left.
"""

from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from pyrdpmux.codec.bulk.far_matches import FarMatcher
from pyrdpmux.codec.bulk.matches import Matches
from pyrdpmux.codec.bulk.mppc import RDP5, MppcCompressor, MppcDecompressor
from pyrdpmux.codec.bulk.packet import TYPE_MASK, Compressed, CompressionType, PacketFlags
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import Reader, Writer, decode, encode

HISTORY_SIZE: Final = 2_000_000
_USED: Final = HISTORY_SIZE - 8
"""libfreerdp refuses copies that touch the buffer's last byte."""
MAX_PACKET: Final = 16382
"""3.1.8.2.1: "smaller in size than 16,383 bytes"."""
_MIN_TRIED: Final = 50
"""Figure 10: smaller data skip level 1."""
_MAX_OUTPUT: Final = 65535
"""What a decompressor gives for one packet: level 2's history bounds the literals, this the matches."""
_MATCH_SIZE: Final = 8
_TYPE: Final = CompressionType.RDP61


class Level1Flags(IntFlag):
    """MS-RDPEGDI 2.2.2.4.1 Level1ComprFlags."""

    COMPRESSED = 0x01
    NO_COMPRESSION = 0x02
    PACKET_AT_FRONT = 0x04
    INNER_COMPRESSION = 0x10


@dataclass(frozen=True, slots=True)
class MatchDetails:
    """MS-RDPEGDI 2.2.2.4.1.1 RDP 6.1 Match Details (RDP61_MATCH_DETAILS)."""

    length: int
    output_offset: int
    history_offset: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_le("MatchLength"), r.u16_le("MatchOutputOffset"), r.u32_le("MatchHistoryOffset"))

    def write(self, w: Writer) -> None:
        w.u16_le("MatchLength", self.length)
        w.u16_le("MatchOutputOffset", self.output_offset)
        w.u32_le("MatchHistoryOffset", self.history_offset)


@dataclass(frozen=True, slots=True)
class Level1Data:
    """MS-RDPEGDI 2.2.2.4.1 RDP61_COMPRESSED_DATA behind its flags, where level 1 found matches."""

    matches: tuple[MatchDetails, ...]
    literals: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        count = r.u16_le("MatchCount")
        if count * _MATCH_SIZE > r.remaining:
            raise r.error("MatchCount", f"{count} matches, {r.remaining} bytes left")
        return cls(r.items(MatchDetails, "MatchDetails", count), r.rest("Literals"))

    def write(self, w: Writer) -> None:
        w.u16_le("MatchCount", len(self.matches))
        w.items(self.matches, "MatchDetails")
        w.raw("Literals", self.literals)


class XcrushCompressor:
    """The sending end of one history."""

    max_size: Final = MAX_PACKET

    def __init__(self) -> None:
        self._history = FarMatcher(HISTORY_SIZE)
        self._offset = 0
        self._at_front = False
        self._level2 = MppcCompressor(RDP5)

    def flush(self) -> None:
        """Forget both histories; the next packet tells the other end to do the same."""
        self._restart()
        self._level2.flush()

    def _restart(self) -> None:
        self._history.clear()
        self._offset = 0
        self._at_front = True

    def compress(self, data: bytes) -> Compressed:
        """3.1.8.2.2 Compressing Data; the flowchart of chained compression."""
        if len(data) > self.max_size:
            raise EncodeError("XcrushCompressor.data", f"{len(data)} bytes, at most {self.max_size} allowed")
        if self._offset + len(data) > _USED:
            self._restart()
        level1 = self._level1(data)
        flags = Level1Flags.INNER_COMPRESSION
        flags |= Level1Flags.NO_COMPRESSION if level1 is None else Level1Flags.COMPRESSED
        if self._at_front:
            flags |= Level1Flags.PACKET_AT_FRONT
        level2 = self._level2.compress(data if level1 is None else level1)
        packed = bytes([flags, level2.flags]) + level2.data
        if len(packed) > len(data):
            if level2.flags & (PacketFlags.COMPRESSED | PacketFlags.FLUSHED):
                self._level2.flush()  # the other end will not see what this history has by now
            return Compressed(_TYPE, data)
        self._history.append()
        self._offset += len(data)
        self._at_front = False
        return Compressed(_TYPE | PacketFlags.COMPRESSED, packed)

    def _level1(self, data: bytes) -> bytes | None:
        """The matches and the literals between them, if that is smaller than ``data``."""
        matches = self._history.find(data)
        if len(data) < _MIN_TRIED or not len(matches.at):
            return None
        result = encode(Level1Data(self._details(matches), _between(data, matches)))
        return result if len(result) < len(data) else None

    def _details(self, matches: Matches) -> tuple[MatchDetails, ...]:
        rows = zip(*[column.tolist() for column in matches], strict=True)
        return tuple(
            [MatchDetails(length, at, self._offset + at - distance) for at, length, distance in rows]
        )


def _between(data: bytes, matches: Matches) -> bytes:
    """What no match covers."""
    parts, done = [], 0
    for at, length in zip(matches.at.tolist(), matches.length.tolist(), strict=True):
        parts.append(data[done:at])
        done = at + length
    return b"".join([*parts, data[done:]])


class XcrushDecompressor:
    """The receiving end of one history."""

    def __init__(self) -> None:
        self._history = bytearray(HISTORY_SIZE)
        self._offset = 0
        self._level2 = MppcDecompressor(RDP5)

    def decompress(self, flags: int, data: bytes) -> bytes:
        """3.1.8.2.3 Decompressing Data. At most 64 KB come out."""
        if flags & TYPE_MASK != _TYPE:
            raise DecodeError("Xcrush.flags", f"type {flags & TYPE_MASK}, expected {int(_TYPE)}", 0)
        if flags & PacketFlags.FLUSHED:
            self._history = bytearray(HISTORY_SIZE)
            self._offset = 0
        if not flags & PacketFlags.COMPRESSED:
            return data
        r = Reader(data, "Xcrush")
        level1 = Level1Flags(r.u8("Level1ComprFlags"))
        level2 = r.u8("Level2ComprFlags")
        payload = r.rest("data")
        if level1 & Level1Flags.INNER_COMPRESSION:
            # Flags without PACKET_COMPRESSED need not name the type.
            payload = self._level2.decompress(level2 & ~TYPE_MASK | CompressionType.K64, payload)
        return self._level1(level1, payload)

    def _level1(self, flags: Level1Flags, payload: bytes) -> bytes:
        if flags & Level1Flags.PACKET_AT_FRONT:
            # 2.2.2.4.1 asks to fill the history with zeros, 3.1.8.2.2.2 only to reset the offset; libfreerdp,
            # which refers to what was there before, does the latter.
            self._offset = 0
        match flags & (Level1Flags.COMPRESSED | Level1Flags.NO_COMPRESSION):
            case Level1Flags.NO_COMPRESSION:
                details = Level1Data((), payload)
            case Level1Flags.COMPRESSED:
                details = decode(Level1Data, payload)
            case _:  # 3.1.8.2.2.2: "either one of these flags MUST be set"
                reason = f"{int(flags):#04x}, expected either compressed or not"
                raise DecodeError("Xcrush.Level1ComprFlags", reason, 0)
        start = self._offset
        literals_used = 0
        for index, match in enumerate(details.matches):
            literal_count = match.output_offset - (self._offset - start)
            path = f"Xcrush.MatchDetails[{index}]"
            if literal_count < 0 or literals_used + literal_count > len(details.literals):
                raise DecodeError(
                    f"{path}.MatchOutputOffset", f"{match.output_offset}", 2 + _MATCH_SIZE * index
                )
            self._put(details.literals[literals_used : literals_used + literal_count], start)
            literals_used += literal_count
            self._copy(match, start, path)
        self._put(details.literals[literals_used:], start)
        return bytes(self._history[start : self._offset])

    def _put(self, data: bytes | bytearray, start: int) -> None:
        end = self._offset + len(data)
        if end > HISTORY_SIZE or end - start > _MAX_OUTPUT:
            raise DecodeError("Xcrush.Literals", f"{end - start} bytes of output at {start}, too many", 0)
        self._history[self._offset : end] = data
        self._offset = end

    def _copy(self, match: MatchDetails, start: int, path: str) -> None:
        source, length = match.history_offset, match.length
        if source + length > HISTORY_SIZE:
            raise DecodeError(f"{path}.MatchHistoryOffset", f"{source} + {length}, beyond the history", 0)
        distance = self._offset - source
        if not 0 < distance < length:
            self._put(self._history[source : source + length], start)
            return
        repeated = self._history[source : self._offset] * (length // distance + 1)
        self._put(repeated[:length], start)
