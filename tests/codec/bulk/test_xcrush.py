"""XCRUSH's structures and its two levels; see test_packets.py for what all formats share."""

import random

import pytest

from pyrdpmux.codec.bulk.packet import PacketFlags
from pyrdpmux.codec.bulk.xcrush import (
    HISTORY_SIZE,
    Level1Data,
    Level1Flags,
    MatchDetails,
    XcrushCompressor,
    XcrushDecompressor,
)
from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import encode
from tests.codec.bulk import samples
from tests.codec.bulk.samples import needs_vectors
from tests.rows import Row, row_tests

L1 = Level1Flags
FLAGS = 3 | PacketFlags.COMPRESSED
FIRST_OUTPUT_OFFSET, SECOND_OUTPUT_OFFSET = [f"Xcrush.MatchDetails[{n}].MatchOutputOffset" for n in range(2)]

#: MS-RDPEGDI 3.1.8.2.2.1 and 3.1.8.2.3.1: the matches of input data B
EXAMPLE = Level1Data((MatchDetails(9, 5, 3), MatchDetails(4, 14, 0)), b"klmnou")

TestRows = row_tests(
    [
        Row(
            "RDP61_COMPRESSED_DATA, MS-RDPEGDI 3.1.8.2.3.1 (level 1)",
            EXAMPLE,
            """
            02 00                   # MatchCount
            09 00 05 00 03 00 00 00 # MatchLength, MatchOutputOffset, MatchHistoryOffset
            04 00 0e 00 00 00 00 00
            6b 6c 6d 6e 6f 75       # Literals
            """,
            valid_prefixes=tuple(range(18, 24)),
            refuses_trailing=False,
        )
    ]
)


def read(*parts: tuple[int, bytes]) -> bytes:
    theirs = XcrushDecompressor()
    for level1, data in parts:
        result = theirs.decompress(FLAGS, bytes([level1, 0]) + data)
    return result


class TestSpecification:
    def test_example(self) -> None:
        """3.1.8.2.3.1 Data Decompression Example."""
        result = read((L1.NO_COMPRESSION, b"abcdefghij"), (L1.COMPRESSED, encode(EXAMPLE)))
        assert result == b"klmnodefghijklabcdu"

    @needs_vectors
    def test_vector(self) -> None:
        """The shorter one, of 49 bytes, is not compressed at all."""
        data, expected = (
            samples.vector("XCrush.TEST_ISLAND_DATA_XCRUSH"),
            samples.vector("XCrush.TEST_ISLAND_DATA"),
        )
        assert XcrushDecompressor().decompress(0x23, data) == expected


class TestCompressor:
    def test_far_repetition_is_a_match(self) -> None:
        ours, theirs = XcrushCompressor(), XcrushDecompressor()
        noise = [random.Random(n).randbytes(8000) + bytes(600) for n in range(40)]
        for packet in noise:
            sent = ours.compress(packet)
            assert theirs.decompress(sent.flags, sent.data) == packet
        packet = b"new" + noise[1][100:7000] + b"new"
        sent = ours.compress(packet)
        assert sent.data[0] == L1.COMPRESSED | L1.INNER_COMPRESSION
        assert len(sent.data) < 200
        assert theirs.decompress(sent.flags, sent.data) == packet

    def test_history_starts_again_at_front(self) -> None:
        ours, theirs = XcrushCompressor(), XcrushDecompressor()
        packets = [random.Random(n).randbytes(14000) + bytes(2000) for n in range(5)]
        fronts = 0
        for number in range(2 * HISTORY_SIZE // 16000 + 2):
            packet = packets[number % 5] + bytes([number])
            sent = ours.compress(packet)
            assert theirs.decompress(sent.flags, sent.data) == packet
            fronts += bool(sent.data[0] & L1.PACKET_AT_FRONT)
        assert fronts == 2

    def test_flush(self) -> None:
        ours, theirs = XcrushCompressor(), XcrushDecompressor()
        packet = samples.words(2000, 1)
        for _ in range(2):
            sent = ours.compress(packet)
            assert theirs.decompress(sent.flags, sent.data) == packet
        ours.flush()
        sent = ours.compress(packet)
        assert sent.data[0] & L1.PACKET_AT_FRONT
        assert sent.data[1] & PacketFlags.FLUSHED
        assert len(sent.data) > 500
        assert theirs.decompress(sent.flags, sent.data) == packet


class TestErrors:
    @pytest.mark.parametrize(
        ("level1", "data", "path"),
        [
            (0, b"abc", "Xcrush.Level1ComprFlags"),
            (L1.COMPRESSED | L1.NO_COMPRESSION, b"abc", "Xcrush.Level1ComprFlags"),
            (L1.COMPRESSED, b"\x01", "Level1Data.MatchCount"),
            (L1.COMPRESSED, b"\x02\x00" + bytes(8), "Level1Data.MatchCount"),
            (L1.COMPRESSED, encode(Level1Data((MatchDetails(3, 4, 0),), b"abc")), FIRST_OUTPUT_OFFSET),
            (
                L1.COMPRESSED,
                encode(Level1Data((MatchDetails(3, 4, 0), MatchDetails(3, 6, 0)), b"abcd")),
                SECOND_OUTPUT_OFFSET,
            ),
            (
                L1.COMPRESSED,
                encode(Level1Data((MatchDetails(3, 0, HISTORY_SIZE - 2),), b"")),
                "Xcrush.MatchDetails[0].MatchHistoryOffset",
            ),
            (L1.COMPRESSED, encode(Level1Data((MatchDetails(65535, 0, 9),) * 2, b"")), SECOND_OUTPUT_OFFSET),
            (L1.INNER_COMPRESSION | L1.COMPRESSED, b"", "Level1Data.MatchCount"),
        ],
    )  # fmt: skip
    def test_bad_packets(self, level1: int, data: bytes, path: str) -> None:
        with pytest.raises(DecodeError) as caught:
            read((level1, data))
        assert caught.value.path == path

    def test_output_is_bounded(self) -> None:
        matches = (MatchDetails(65535, 0, 9), MatchDetails(1, 65535, 0))
        with pytest.raises(DecodeError, match="too many"):
            read((L1.COMPRESSED, encode(Level1Data(matches, b""))))

    def test_history_full(self) -> None:
        theirs = XcrushDecompressor()
        matches = encode(Level1Data((MatchDetails(65535, 0, 0),), b""))
        packet = bytes([L1.COMPRESSED, 0]) + matches
        for _ in range(HISTORY_SIZE // 65535):
            theirs.decompress(FLAGS, packet)
        with pytest.raises(DecodeError, match="at 1966050, too many"):
            theirs.decompress(FLAGS, packet)

    def test_other_type(self) -> None:
        with pytest.raises(DecodeError) as caught:
            XcrushDecompressor().decompress(0x61, b"")
        assert caught.value.path == "Xcrush.flags"
