"""MPPC's codes and flags, from the specification; see test_packets.py for what all formats share."""

import random
from collections.abc import Sequence
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.mppc import RDP4, RDP5, MppcCompressor, MppcDecompressor, Variant
from pyrdpmux.codec.bulk.packet import Compressed, PacketFlags
from pyrdpmux.codec.bulk.packets import PacketDecompressor
from pyrdpmux.errors import DecodeError, EncodeError
from tests.codec.bulk import samples
from tests.codec.bulk.samples import BELLS, needs_libfreerdp, needs_vectors
from tests.codec.reference import libfreerdp_bulk
from tests.codec.reference.mppc import Mppc

COMPRESSED, AT_FRONT, FLUSHED = PacketFlags.COMPRESSED, PacketFlags.AT_FRONT, PacketFlags.FLUSHED


def bits(text: str) -> bytes:
    """Bytes of a stream written in bits, padded with zeros."""
    digits = text.replace(" ", "")
    digits += "0" * (-len(digits) % 8)
    return bytes([int(digits[at : at + 8], 2) for at in range(0, len(digits), 8)])


def read(variant: Variant, stream: str, history: bytes = b"") -> bytes:
    theirs = MppcDecompressor(variant)
    if history:
        as_literals = " ".join([f"{byte:08b}" for byte in history])
        assert theirs.decompress(variant.compression_type | COMPRESSED, bits(as_literals)) == history
    return theirs.decompress(variant.compression_type | COMPRESSED, bits(stream))


class TestSpecification:
    """MS-RDPBCGR 3.1.8.4: each example of an encoding."""

    @pytest.mark.parametrize("variant", [RDP4, RDP5])
    def test_literals(self, variant: Variant) -> None:
        assert read(variant, "01010110 101100111") == b"\x56\xe7"

    @pytest.mark.parametrize(
        ("variant", "code", "offset"),
        [
            (RDP4, "1111 000011", 3),
            (RDP4, "1110 01000000", 128),
            (RDP4, "110 0001011000000", 1024),
            (RDP5, "11111 000011", 3),
            (RDP5, "11110 01000000", 128),
            (RDP5, "1110 01011000000", 1024),
            (RDP5, "110 0000000000000101", 2373),
        ],
    )
    def test_copy_offsets(self, variant: Variant, code: str, offset: int) -> None:
        history = bytes([n * 7 % 128 ^ n // 128 for n in range(3000)])
        assert read(variant, code + "0", history) == (history[-offset:] * 3)[:3]

    @pytest.mark.parametrize(
        ("code", "length"),
        [("0", 3), ("110 111", 15), ("111110 111000", 120), ("111111111110 000000000001", 4097)],
    )
    def test_lengths(self, code: str, length: int) -> None:
        for variant, offset in ((RDP4, "1111 000001"), (RDP5, "11111 000001")):
            assert read(variant, "01000001" + offset + code) == b"A" * (1 + length)

    def test_replicating_copy(self) -> None:
        """3.1.8.2: Xcd<2,4>YZ is XcdcdcdYZ."""
        stream = "01011000 01100011 01100100 11111000010 1000 01011001 01011010"
        assert read(RDP5, stream) == b"XcdcdcdYZ"

    def test_the_bells(self) -> None:
        """3.1.8.2.3: the tuples <16,15>, <40,4>, <19,3>."""
        literals = [" ".join([f"{byte:08b}" for byte in part]) for part in (BELLS[:24], b".", b"e!")]
        stream = (
            f"{literals[0]} 11111010000 110111 {literals[1]} 11111101000 1000 11111010011 0 {literals[2]}"
        )
        assert read(RDP5, stream) == BELLS


@needs_vectors
class TestVectors:
    def test_rdp4(self) -> None:
        data = samples.vector("Mppc.TEST_MPPC_BELLS_RDP4")
        assert MppcDecompressor(RDP4).decompress(0x60, data) == samples.vector("Mppc.TEST_MPPC_BELLS")

    @pytest.mark.parametrize(
        ("compressed", "original"),
        [
            ("TEST_MPPC_BELLS_RDP5", "TEST_MPPC_BELLS"),
            ("TEST_ISLAND_DATA_RDP5", "TEST_ISLAND_DATA"),
            ("TEST_RDP5_COMPRESSED_DATA", "TEST_RDP5_UNCOMPRESSED_DATA"),
        ],
    )
    def test_rdp5(self, compressed: str, original: str) -> None:
        data, expected = samples.vector(f"Mppc.{compressed}"), samples.vector(f"Mppc.{original}")
        assert MppcDecompressor(RDP5).decompress(0x61, data) == expected
        assert len(MppcCompressor(RDP5).compress(expected).data) < 1.05 * len(data)


class TestFlags:
    """3.1.8.2.1 and 3.1.8.2.2."""

    def test_first_packet_is_at_front(self) -> None:
        ours = MppcCompressor(RDP5)
        assert ours.compress(BELLS).flags == 1 | COMPRESSED | AT_FRONT
        assert ours.compress(BELLS).flags == 1 | COMPRESSED

    def test_packet_that_does_not_fit_is_at_front_and_still_knows_the_old(self) -> None:
        ours, theirs = MppcCompressor(RDP4), MppcDecompressor(RDP4)
        sizes = []
        for size in (3000, 3000, 2193, 3000):
            packet = samples.words(3000, 1)[:size]
            sent = ours.compress(packet)
            sizes.append((bool(sent.flags & AT_FRONT), len(sent.data)))
            assert theirs.decompress(sent.flags, sent.data) == packet
        assert [front for front, _ in sizes] == [True, False, True, False]
        assert sizes[2][1] < 100

    @pytest.mark.parametrize(("size", "fronts"), [(4095, [True, False, True]), (4096, [True, True, True])])
    def test_the_last_byte_of_the_buffer_is_left(self, size: int, fronts: list[bool]) -> None:
        """QUIRK(rdesktop 1.9): next_offset + match_len >= RDP_MPPC_DICT_SIZE is an error to it."""
        for at_once in (False, True):
            ours, packets = MppcCompressor(RDP4), [samples.words(size, n) for n in range(3)]
            sent = ours.compress_all(packets) if at_once else [ours.compress(packet) for packet in packets]
            assert [bool(item.flags & AT_FRONT) for item in sent] == fronts

    def test_expansion_flushes(self) -> None:
        # One repetition, which lz4 counts as a gain, does not pay for forty bytes of nine bits.
        high = bytes([128 + n * 37 % 128 for n in range(40)])
        ours, theirs = MppcCompressor(RDP5), MppcDecompressor(RDP5)
        expected = [
            (BELLS, 1 | COMPRESSED | AT_FRONT),
            (high + high[:6], 1 | FLUSHED),
            (BELLS, 1 | COMPRESSED | AT_FRONT | FLUSHED),
        ]
        for data, flags in expected:
            sent = ours.compress(data)
            assert sent.flags == flags
            assert theirs.decompress(sent.flags, sent.data) == data

    def test_short_packets_are_learned(self) -> None:
        ours = MppcCompressor(RDP5)
        sizes = [len(ours.compress(b"a short packet of %d" % number).data) for number in range(3)]
        assert sizes == [19, 4, 4]

    def test_flush_is_told_with_the_next_compressed_packet(self) -> None:
        ours, theirs = MppcCompressor(RDP5), MppcDecompressor(RDP5)
        first = ours.compress(BELLS)
        theirs.decompress(first.flags, first.data)
        ours.flush()
        again = ours.compress(BELLS)
        assert again.flags == 1 | COMPRESSED | AT_FRONT | FLUSHED
        assert again.data == first.data
        assert theirs.decompress(again.flags, again.data) == BELLS

    def test_flushed_history_is_zeros(self) -> None:
        theirs = MppcDecompressor(RDP5)
        theirs.decompress(0x61, bits("01000001" * 9))
        assert theirs.decompress(0xA1, bits("11111000011 0")) == bytes(3)

    def test_flush_without_data_that_is_compressed(self) -> None:
        theirs = MppcDecompressor(RDP5)
        theirs.decompress(0x61, bits("01000001" * 9))
        assert theirs.decompress(0x81, b"raw") == b"raw"
        assert theirs.decompress(0x21, bits("11111000011 0")) == bytes(3)

    def test_at_front_keeps_the_old_bytes_behind(self) -> None:
        theirs = MppcDecompressor(RDP4)
        theirs.decompress(0x60, bits("01000001" * 9))
        # Offset 0 again: what lies 8191 bytes back is the buffer's second byte.
        assert theirs.decompress(0x60, bits("110 1111010111111 0")) == b"AAA"


class TestErrors:
    @pytest.mark.parametrize(
        ("stream", "reason"),
        [
            ("01000001 11111000000 0", "copy-offset 0"),
            ("01000001 11111000001 111111111111111", "length of match without a prefix"),
            ("01000001 11111000001 11111111", "ends within a token"),
            ("01000001 1111100", "ends within a token"),
            ("01000001 11111000001 1111111111110 1111", "ends within a token"),
        ],
    )
    def test_bad_streams(self, stream: str, reason: str) -> None:
        padding = "1" * (-len(stream.replace(" ", "")) % 8)
        with pytest.raises(DecodeError) as caught:
            read(RDP5, stream + padding)
        assert (caught.value.path, caught.value.reason) == ("Mppc.data", reason)
        assert caught.value.offset in (1, 2, 3, 4, 5)

    def test_more_than_the_history_holds(self) -> None:
        # two times the longest match
        stream = "01000001" + "11111000001 111111111111110 111111111111111" * 2
        with pytest.raises(DecodeError, match="bytes of output too many"):
            read(RDP5, stream)

    def test_other_type(self) -> None:
        with pytest.raises(DecodeError) as caught:
            MppcDecompressor(RDP5).decompress(0x60, b"")
        assert caught.value.path == "Mppc.flags"


def test_rdp4_is_not_shown_what_lies_too_far_back() -> None:
    """A match beyond the history's reach would hide one within it: a tenth of the bytes more."""
    rng = random.Random(1)
    words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(400)]
    phrases = [b" ".join(rng.choices(words, k=6)) for _ in range(150)]
    data = b". ".join(rng.choices(phrases, k=1500))
    compressor, decompressor = MppcCompressor(RDP4), MppcDecompressor(RDP4)
    size = 0
    for at in range(0, len(data), 6000):
        packed = compressor.compress(data[at : at + 6000])
        assert decompressor.decompress(packed.flags, packed.data) == data[at : at + 6000]
        size += len(packed.data)
    assert size < 0.31 * len(data)


each_variant = pytest.mark.parametrize("variant", [RDP4, RDP5], ids=["8K", "64K"])


class Reader(Protocol):
    def decompress(self, flags: int, data: bytes) -> bytes | None: ...


def check_all(ours: MppcCompressor, theirs: Sequence[Reader], packets: list[bytes]) -> list[Compressed]:
    sent = ours.compress_all(packets)
    assert len(sent) == len(packets)
    for packet, item in zip(packets, sent, strict=True):
        assert len(item.data) <= len(packet)
        for decompressor in theirs:
            assert decompressor.decompress(item.flags, item.data) == packet
    return sent


@each_variant
class TestBatches:
    """Many packets at once are what they are one by one."""

    @settings(max_examples=25, deadline=None)
    @given(data=st.data())
    def test_sequences(self, variant: Variant, data: st.DataObject) -> None:
        """Batches, single packets between them, and histories that are flushed."""
        ours = MppcCompressor(variant)
        theirs: list[Reader] = [PacketDecompressor(), Mppc(variant.history_size)]
        for _ in range(data.draw(st.integers(1, 4))):
            check_all(ours, theirs, list(data.draw(samples.packets(ours.max_size))))
            if data.draw(st.booleans()):
                ours.flush()
            for packet in data.draw(samples.packets(ours.max_size))[:2]:
                item = ours.compress(packet)
                assert [each.decompress(item.flags, item.data) for each in theirs] == [packet] * 2

    @needs_libfreerdp
    def test_libfreerdp_reads_a_long_session(self, variant: Variant) -> None:
        ours = MppcCompressor(variant)
        kind = "mppc8" if variant is RDP4 else "mppc64"
        theirs: list[Reader] = [PacketDecompressor(), libfreerdp_bulk.Decompressor(kind)]
        for seed in range(4):
            check_all(ours, theirs, samples.long_session(ours.max_size, seed, 60))

    def test_no_match_goes_over_the_end_of_a_packet(self, variant: Variant) -> None:
        """Nor do literals, which are coded in pairs: each packet ends with a byte of its own."""
        text = samples.words(2000, 3)
        packets = [text[:333], text[:777], text[333:500], text, b"", b"x", text[1:]]
        sent = check_all(MppcCompressor(variant), [MppcDecompressor(variant)], packets)
        assert sum(len(item.data) for item in sent[4:]) < 20 < len(sent[1].data)

    def test_noise_in_the_midst(self, variant: Variant) -> None:
        """It is sent as it is, and what comes behind it refers to nothing in it."""
        text, noise = samples.words(900, 3), random.Random(1).randbytes(900)
        packets = [text, noise, noise, text, noise[:300] + text, text]
        sent = check_all(MppcCompressor(variant), [MppcDecompressor(variant)], packets)
        assert sent[1].data == noise
        assert len(sent[3].data) < 30

    def test_what_is_too_large(self, variant: Variant) -> None:
        ours = MppcCompressor(variant)
        with pytest.raises(EncodeError):
            ours.compress_all([b"small", bytes(ours.max_size + 1)])

    def test_nothing(self, variant: Variant) -> None:
        assert MppcCompressor(variant).compress_all([]) == []
