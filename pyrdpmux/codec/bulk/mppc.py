"""RDP 4.0 and 5.0 bulk compression (MS-RDPBCGR 3.1.8): MPPC with an 8 KB or 64 KB history.

The specification's history is a buffer with a write offset; at the end of the buffer, writing goes on at the
front, and copy-offsets wrap. Here it is a *window*: the buffer's bytes in the order of their age, the newest
last. A copy-offset then simply counts from the window's end, and output is appended.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pyrdpmux.codec.bits import pack_msb
from pyrdpmux.codec.bulk.alphabet import MIN_LENGTH, Alphabet, LiteralCode, ranges
from pyrdpmux.codec.bulk.matches import LZ4_WINDOW, NONE, Matches, find_matches
from pyrdpmux.codec.bulk.packet import TYPE_MASK, Compressed, CompressionType, PacketFlags
from pyrdpmux.codec.bulk.prefix_decoder import TokenStream
from pyrdpmux.codec.bulk.prefix_encoder import encode_tokens
from pyrdpmux.errors import DecodeError, EncodeError

#: 3.1.8.4.1.1 Literal Encoding, the same in 3.1.8.4.2.1.
_LITERALS: Final = [LiteralCode(byte, 8) for byte in range(128)] + [
    LiteralCode(0x100 | (byte & 0x7F), 9) for byte in range(128, 256)
]
_SHORTEST_TOKEN: Final = 8
"""Fewer bits at the end are padding."""
_DENSE_RATIO: Final = 1.0
"""A packet in which lz4 finds nothing does not get smaller: literals above 127 cost nine bits."""
_BATCH: Final = 1 << 15
"""Bytes of packets in which repetitions are looked for at once: what is found further away is little, and the
time for each packet would mostly go into looking through the history again."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the compression types of 3.1.8.4."""

    compression_type: CompressionType
    history_size: int
    alphabet: Alphabet


#: 3.1.8.4.1.2 Copy-Tuple Encoding
RDP4: Final = Variant(
    CompressionType.K8,
    8192,
    Alphabet(_LITERALS, ranges(("1111", 6, 0), ("1110", 8, 64), ("110", 13, 320)), 8191),
)
#: 3.1.8.4.2.2 Copy-Tuple Encoding
RDP5: Final = Variant(
    CompressionType.K64,
    65536,
    Alphabet(
        _LITERALS, ranges(("11111", 6, 0), ("11110", 8, 64), ("1110", 11, 320), ("110", 16, 2368)), 65535
    ),
)


class _Window:
    """The history as both ends keep it.

    INVARIANT: ``data`` has ``variant.history_size`` bytes; the last ``offset`` of them were written since
    writing began at the front.
    """

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.data = bytes(variant.history_size)
        self.offset = 0

    def flush(self) -> None:
        self.data = bytes(self.variant.history_size)
        self.offset = 0

    def to_front(self) -> None:
        """Bytes of the buffer's front, written last round, are now the oldest: next to be overwritten."""
        behind = self.variant.history_size - self.offset
        self.data = self.data[behind:] + self.data[:behind]
        self.offset = 0

    def room(self) -> int:
        return self.variant.history_size - self.offset

    def append(self, data: bytes) -> None:
        self.data = self.data[len(data) :] + data
        self.offset += len(data)


class MppcCompressor:
    """The sending end of one history."""

    def __init__(self, variant: Variant = RDP5) -> None:
        self._variant = variant
        self._window = _Window(variant)
        self._known = 0  # bytes at the window's end that were ever written
        self._flags = PacketFlags.AT_FRONT

    @property
    def max_size(self) -> int:
        """3.1.8.1: "any data that is being compressed MUST be smaller in size than the history buffer"."""
        return self._variant.history_size - 1

    @property
    def _room(self) -> int:
        """Of the buffer, but for its last byte: QUIRK(rdesktop 1.9): it takes no match that ends there."""
        return self._window.room() - 1

    def flush(self) -> None:
        """Forget the history; the next compressed packet tells the other end to do the same."""
        self._window.flush()
        self._known = 0
        self._flags = PacketFlags.FLUSHED | PacketFlags.AT_FRONT

    def compress(self, data: bytes) -> Compressed:
        """3.1.8.2.2 Operation of the Bulk Compressor."""
        if len(data) > self.max_size:
            raise EncodeError("MppcCompressor.data", f"{len(data)} bytes, at most {self.max_size} allowed")
        if len(data) > self._room:
            self._window.to_front()
            self._known = self._variant.history_size
            self._flags |= PacketFlags.AT_FRONT  # and stays until a compressed packet has told it
        packed = self._packed(data)
        if packed is None:
            # Not even tried: like any packet sent without compression, it leaves both histories alone.
            return Compressed(self._variant.compression_type, data)
        if len(packed) > len(data):
            self.flush()
            return Compressed(self._variant.compression_type | PacketFlags.FLUSHED, data)
        return self._added(data, packed)

    def _added(self, data: bytes, packed: bytes) -> Compressed:
        """``packed``, which the other end adds to its history as ``data``."""
        self._window.append(data)
        self._known = min(self._known + len(data), self._variant.history_size)
        flags = self._variant.compression_type | PacketFlags.COMPRESSED | self._flags
        self._flags = PacketFlags(0)
        return Compressed(flags, packed)

    def compress_all(self, packets: Sequence[bytes]) -> list[Compressed]:
        """Each of ``packets`` by itself, in this order; much faster than :meth:`compress` for each."""
        done: list[Compressed] = []
        while len(done) < len(packets):
            batch = self._batch(packets[len(done) :])
            done += self._compressed_together(batch) or [self.compress(batch[0])]
        return done

    def _batch(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        """As many from the beginning as may be looked at together: at least one."""
        room = min(self._room, _BATCH)
        sizes = itertools.accumulate(len(packet) for packet in packets)
        return packets[: max(sum(size <= room for size in sizes), 1)]

    def _compressed_together(self, batch: Sequence[bytes]) -> list[Compressed]:
        """As many from the beginning as do get smaller; what is found in one that does not, nobody has."""
        matches = self._matches(b"".join(batch)) if len(batch) > 1 else None
        if matches is None:
            return []
        done: list[Compressed] = []
        begin = 0
        for packet in batch:
            part = matches.within(begin, begin + len(packet), MIN_LENGTH)
            packed = pack_msb(*encode_tokens(packet, part, self._variant.alphabet))
            if len(packed) > len(packet):
                break
            done.append(self._added(packet, packed))
            begin += len(packet)
        return done

    def _packed(self, data: bytes) -> bytes | None:
        matches = self._matches(data)
        if matches is None and data.isascii():
            matches = NONE  # costs as much as it saves, and later packets will find it in the history
        if matches is None:
            return None
        return pack_msb(*encode_tokens(data, matches, self._variant.alphabet))

    def _matches(self, data: bytes) -> Matches | None:
        """Those that a client finds, too; None if it is dense."""
        size = self._variant.history_size
        # lz4 knows no limit below 64 KB: what it finds too far away is lost, so RDP 4.0 shows it less.
        known = min(self._known, size - len(data) // 2) if size < LZ4_WINDOW else self._known
        matches = find_matches(data, self._window.data[size - known :], MIN_LENGTH, _DENSE_RATIO)
        if matches is not None and len(data) + known > size:
            matches = matches.kept(matches.distance < size)
        return matches if matches is None else self._not_across_the_end(matches)

    def _not_across_the_end(self, matches: Matches) -> Matches:
        """Split matches whose source goes over the end of the specification's buffer to its front.

        It would be allowed, all of the buffer being valid; but libfreerdp refuses such a copy, and one that
        takes the last byte too. So one byte between the parts becomes a literal.
        """
        last = -self._window.offset - 1  # the buffer's last byte, relative to this packet's first
        source = matches.at - matches.distance
        before = last - source
        across = np.flatnonzero((before >= 0) & (before < matches.length))
        if not len(across):
            return matches
        length = matches.length.copy()
        length[across] = before[across]
        at = np.concatenate([matches.at, (matches.at + before + 1)[across]])
        length = np.concatenate([length, (matches.length - before - 1)[across]])
        distance = np.concatenate([matches.distance, matches.distance[across]])
        order = np.argsort(at, kind="stable")
        split = Matches(at[order], length[order], distance[order])
        return split.kept(split.length >= MIN_LENGTH)


class MppcDecompressor:
    """The receiving end of one history."""

    def __init__(self, variant: Variant = RDP5) -> None:
        self._variant = variant
        self._window = _Window(variant)

    def decompress(self, flags: int, data: bytes) -> bytes:
        """3.1.8.3 Decompressing Data. At most the history's size comes out."""
        if flags & TYPE_MASK != self._variant.compression_type:
            reason = f"type {flags & TYPE_MASK}, expected {self._variant.compression_type}"
            raise DecodeError("Mppc.flags", reason, 0)
        if flags & PacketFlags.FLUSHED:
            self._window.flush()
        if flags & PacketFlags.AT_FRONT:
            self._window.to_front()
        if not flags & PacketFlags.COMPRESSED:
            return data
        if len(data) > self._variant.history_size:
            raise DecodeError("Mppc.data", f"{len(data)} bytes, more than it can have been before", 0)
        window = self._window
        history = bytearray(window.data)
        stream = TokenStream(data, len(data) * 8, len(history), "Mppc.data", 0)
        limit = len(history) + window.room()
        if stream.decode(self._variant.alphabet.decoder, history, limit, _SHORTEST_TOKEN - 1):
            raise stream.error("copy-offset 0")
        result = bytes(history[self._variant.history_size :])
        window.append(result)
        return result
