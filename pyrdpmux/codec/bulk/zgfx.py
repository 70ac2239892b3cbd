"""RDP 8.0 bulk compression (MS-RDPEGFX 3.1.9.1), also called ZGFX, and its RDP8-lite variant (MS-RDPEDYC).

A message is one RDP_SEGMENTED_DATA; its segments share a history with all messages before. A segment's stream
of prefix codes runs from the highest bit of its first byte on; its last byte says how many bits of the last
but one are unused.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pyrdpmux.codec.bits import pack_msb
from pyrdpmux.codec.bulk.alphabet import MIN_LENGTH, Alphabet, LiteralCode, ranges
from pyrdpmux.codec.bulk.far_matches import FarMatcher, merged
from pyrdpmux.codec.bulk.matches import HARD, LZ4_WINDOW, NONE, Matches, find_block, find_matches, matches_of
from pyrdpmux.codec.bulk.prefix_decoder import TokenStream
from pyrdpmux.codec.bulk.prefix_encoder import encode_tokens
from pyrdpmux.codec.bulk.segments import COMPRESSED, MULTIPART, SINGLE, TYPE_MASK, Segment, SegmentedData
from pyrdpmux.codec.bulk.short import MAX_BLOCK, ShortCoder
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import decode, encode

MAX_MESSAGE: Final = 64 << 20
"""Uncompressed; a 7680x4320 surface of raw pixels is 133 MB, but no server sends one as a single message."""


@dataclass(frozen=True, slots=True)
class Variant:
    """MS-RDPEGFX 3.1.9.1.2 limits; MS-RDPEDYC 2.2.3.3 lists the modifications of RDP8-lite."""

    compression_type: int
    segment_size: int
    history_size: int
    single: bool


RDP8: Final = Variant(0x04, 65535, 2_500_000, single=False)
RDP8_LITE: Final = Variant(0x06, 8192, 8192, single=True)

#: MS-RDPEGFX 3.1.9.1.2.4: literals with codes shorter than nine bits, in the order of their codes.
_SHORT_LITERALS: Final = {
    **{"11000": 0x00, "11001": 0x01, "110100": 0x02, "110101": 0x03, "110110": 0xFF},
    **{"1101110": 0x04, "1101111": 0x05, "1110000": 0x06, "1110001": 0x07, "1110010": 0x08},
    **{"1110011": 0x09, "1110100": 0x0A, "1110101": 0x0B, "1110110": 0x3A, "1110111": 0x3B},
    **{"1111000": 0x3C, "1111001": 0x3D, "1111010": 0x3E, "1111011": 0x3F, "1111100": 0x40},
    **{"1111101": 0x80, "11111100": 0x0C, "11111101": 0x38, "11111110": 0x39, "11111111": 0x66},
}
_LITERALS: Final = [LiteralCode(byte, 9) for byte in range(256)]
for _code, _byte in _SHORT_LITERALS.items():
    _LITERALS[_byte] = LiteralCode(int(_code, 2), len(_code))

#: The same section: distances. The first range's zero announces unencoded bytes.
_DISTANCES: Final = ranges(
    ("10001", 5, 0),
    ("10010", 7, 32),
    ("10011", 9, 160),
    ("10100", 10, 672),
    ("10101", 12, 1696),
    ("101100", 14, 5792),
    ("101101", 15, 22176),
    ("1011100", 18, 54944),
    ("1011101", 20, 317088),
    ("10111100", 20, 1365664),
    ("10111101", 21, 2414240),
)
ALPHABET: Final = Alphabet(_LITERALS, _DISTANCES, 65535)
_UNENCODED_COUNT_WIDTH: Final = 15
_MAX_EXPANSION: Final = 1000
"""3.1.9.1.2 "Maximum expansion of a segment"."""

_LITERAL_WIDTHS: Final = np.array([literal.width for literal in _LITERALS])
_SHORT: Final = ShortCoder(ALPHABET)
_WORTH_IT: Final = 32
"""Bytes below which a message goes as it is: the packet around it is several times as long."""
_QUICK: Final = 512
"""Bytes up to which lz4's quick search will do: its thorough one takes 80 us to read its window, and saves a
seventh of what is little already."""
_SHORT_SIZE: Final = 4096
"""Bytes up to which there is no search beyond lz4's window."""
_THOROUGH: Final = 8
"""Segments of a message behind which matches that are hard to find are not looked for: so much at once, half
a megabyte, is for receivers that get it quickly, and photos would take a quarter of a second a megabyte."""


class ZgfxCompressor:
    """The sending end of one history.

    ``dense_ratio``: a segment that neither lz4 nor the codes of its literals bring below this part of its
    size goes uncompressed.
    """

    def __init__(self, variant: Variant = RDP8, *, dense_ratio: float = 0.95) -> None:
        self._variant = variant
        self._dense_ratio = dense_ratio
        self._history = b""
        #: short messages that the far matcher has not seen yet: 30 us each would be half of their time
        self._unseen = b""
        self._far = FarMatcher(variant.history_size) if variant.history_size > LZ4_WINDOW else None

    def begin_epoch(self) -> None:
        """Refer to nothing that went before: from here on, whatever a receiver has had is good enough."""
        self._history = self._unseen = b""
        if self._far is not None:
            self._far.clear()

    def compress(self, data: bytes, *, is_dense: bool = False, is_hasty: bool = False) -> bytes:
        """An RDP_SEGMENTED_DATA. RDP8-lite knows one segment per message.

        ``is_dense``: it cannot be made shorter, which is not tried; later messages may still refer to it.
        ``is_hasty``: nothing is searched, and only the short codes of its literals make it shorter: by a
        quarter for an exact photograph instead of two fifths, in a third of the time.
        """
        size = self._variant.segment_size
        if self._variant.single and len(data) > size:
            raise EncodeError("ZgfxCompressor.data", f"{len(data)} bytes, at most {size} allowed")
        parts = [data[at : at + size] for at in range(0, max(1, len(data)), size)]
        segments = [
            self._segment(part, is_dense, is_hasty, in_haste=number >= _THOROUGH)
            for number, part in enumerate(parts)
        ]
        return encode(SegmentedData(tuple(segments), len(data) if len(segments) > 1 else None))

    def _segment(self, data: bytes, is_dense: bool, is_hasty: bool, *, in_haste: bool) -> Segment:
        if is_dense or is_hasty:
            packed = None if is_dense or not self._literals_pay(data) else self._coded(data, NONE)
            self._keep_unseen(data)
        else:
            packed = self._packed(data, in_haste)
        self._history = (self._history + data)[-min(LZ4_WINDOW, self._variant.history_size) :]
        if packed is None:
            return Segment(self._variant.compression_type, data)
        return Segment(self._variant.compression_type | COMPRESSED, packed)

    def _packed(self, data: bytes, in_haste: bool) -> bytes | None:
        """The stream and its last byte, or None if that does not pay."""
        if len(data) <= _SHORT_SIZE:
            return self._packed_short(data)
        matches = self._matches(data, min(self._dense_ratio, HARD) if in_haste else self._dense_ratio)
        if matches is None and self._literals_pay(data):
            matches = NONE
        return None if matches is None else self._coded(data, matches)

    def _literals_pay(self, data: bytes) -> bool:
        """Whether bytes with short codes are so many that it is worth it without any match: planar's
        differences of a photograph are mostly 0, 1, 2 and 3, and a quarter shorter then."""
        counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
        return bool(counts @ _LITERAL_WIDTHS < self._dense_ratio * 8 * len(data))

    def _packed_short(self, data: bytes) -> bytes | None:
        self._keep_unseen(data)
        if len(data) < _WORTH_IT:
            return None
        block = find_block(data, self._history, self._dense_ratio, thorough=len(data) > _QUICK)
        if block is None:
            return None
        if len(block) > MAX_BLOCK:
            return self._coded(data, matches_of(block, len(data), MIN_LENGTH))
        stream, unused = _SHORT.encode(data, block, self._variant.history_size)
        return stream + bytes([unused]) if len(stream) + 1 < len(data) else None

    def _keep_unseen(self, data: bytes) -> None:
        self._unseen += data
        if len(self._unseen) > LZ4_WINDOW // 2:
            self._look_at_unseen()

    def _look_at_unseen(self) -> None:
        """Let the far matcher know them."""
        if self._far is not None and self._unseen:
            self._far.find(self._unseen, LZ4_WINDOW + 1)
            self._far.append()
        self._unseen = b""

    def _coded(self, data: bytes, matches: Matches) -> bytes | None:
        if len(self._history) + len(data) > self._variant.history_size:
            matches = matches.kept(matches.distance <= self._variant.history_size)
        codes, widths = encode_tokens(data, matches, ALPHABET)
        stream = pack_msb(codes, widths)
        if len(stream) + 1 >= len(data):
            return None
        unused = -int(widths.sum()) & 7
        return stream + bytes([unused])

    def _matches(self, data: bytes, dense_ratio: float) -> Matches | None:
        near = find_matches(data, self._history, MIN_LENGTH, dense_ratio)
        if self._far is None:
            return near
        self._look_at_unseen()
        far = self._far.find(data, LZ4_WINDOW + 1)
        self._far.append()
        if near is not None:
            return merged(near, far, MIN_LENGTH)
        return far if far.length.sum() > (1 - self._dense_ratio) * len(data) else None


class ZgfxDecompressor:
    """The receiving end of one history."""

    def __init__(self, variant: Variant = RDP8, *, max_message: int = MAX_MESSAGE) -> None:
        self._variant = variant
        self._max_message = max_message
        self._history = bytearray()

    def decompress(self, data: bytes) -> bytes:
        """The message of an RDP_SEGMENTED_DATA. Raises DecodeError, nothing else.

        RDP8-lite has a single segment in each (MS-RDPEDYC 2.2.3.3): 65,535 of them, all empty, would take
        a second to read.
        """
        if self._variant.single and data[:1] == bytes([MULTIPART]):
            raise DecodeError("SegmentedData.descriptor", f"{MULTIPART:#04x}, expected {SINGLE:#04x}", 0)
        message = decode(SegmentedData, data)
        if message.uncompressed_size is None:
            return self._segment(message.segments[0], 2, self._variant.segment_size)
        if message.uncompressed_size > self._max_message:
            reason = f"{message.uncompressed_size}, at most {self._max_message} allowed"
            raise DecodeError("SegmentedData.uncompressedSize", reason, 3)
        parts, left, offset = [], message.uncompressed_size, 7
        for segment in message.segments:
            part = self._segment(segment, offset + 5, min(left, self._variant.segment_size))
            parts.append(part)
            left -= len(part)
            offset += 5 + len(segment.data)
        if left:
            reason = f"{message.uncompressed_size}, the segments have {message.uncompressed_size - left}"
            raise DecodeError("SegmentedData.uncompressedSize", reason, 3)
        return b"".join(parts)

    def _segment(self, segment: Segment, offset: int, limit: int) -> bytes:
        """MS-RDPEGFX 3.1.9.1.2.2 Compressed Segment Header; at most ``limit`` bytes come out."""
        if segment.header & TYPE_MASK != self._variant.compression_type:
            reason = (
                f"compression type {segment.header & TYPE_MASK}, expected {self._variant.compression_type}"
            )
            raise DecodeError("BulkEncodedData.header", reason, offset - 1)
        # Twice the history: so its oldest part goes away seldom.
        if len(self._history) > 2 * self._variant.history_size:
            del self._history[: -self._variant.history_size]
        start = len(self._history)
        if segment.header & COMPRESSED:
            self._tokens(segment.data, offset, start + limit)
        elif len(segment.data) > limit:
            reason = f"{len(segment.data)} bytes, at most {limit} allowed"
            raise DecodeError("BulkEncodedData.data", reason, offset)
        else:
            self._history += segment.data
        return bytes(self._history[start:])

    def _tokens(self, data: bytes, offset: int, limit: int) -> None:
        """MS-RDPEGFX 3.1.9.1.2.3 Compressed Segment Bit Stream, 3.1.9.1.2.4 Compressed Segment Trailer."""
        if not data:
            raise DecodeError("BulkEncodedData.data", "need 1 bytes, 0 left", offset)
        if len(data) > self._variant.segment_size + _MAX_EXPANSION:
            raise DecodeError("BulkEncodedData.data", f"{len(data)} bytes for one segment", offset)
        size = (len(data) - 1) * 8 - (data[-1] & 7)
        if size < 0:
            raise DecodeError("BulkEncodedData.data", f"{data[-1] & 7} unused bits of none", offset)
        stream = TokenStream(data[:-1], size, self._variant.history_size, "BulkEncodedData.data", offset)
        while stream.decode(ALPHABET.decoder, self._history, limit):
            count = stream.bits(_UNENCODED_COUNT_WIDTH)
            stream.position = -(-stream.position // 8) * 8
            start = stream.position >> 3
            if stream.position + 8 * count > size or len(self._history) + count > limit:
                raise stream.error(f"{count} unencoded bytes, more than there are or may be")
            self._history += data[start : start + count]
            stream.position += 8 * count
