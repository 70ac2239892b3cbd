"""What holds for all formats of RDP 4.0 to 6.1: MPPC 8K and 64K, NCRUSH, XCRUSH."""

import random
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.packet import TYPE_MASK, CompressionType, PacketFlags
from pyrdpmux.codec.bulk.packets import PacketDecompressor, compressor
from pyrdpmux.errors import DecodeError, EncodeError
from tests.codec import pictures
from tests.codec.bulk import samples
from tests.codec.bulk.samples import needs_libfreerdp
from tests.codec.reference import libfreerdp_bulk
from tests.codec.reference.mppc import Mppc
from tests.codec.reference.ncrush import Ncrush
from tests.codec.reference.xcrush import Xcrush


class Reference(Protocol):
    def decompress(self, flags: int, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Format:
    compression_type: CompressionType
    kind: str
    reference: Callable[[], Reference]
    #: what libfreerdp's compressor takes
    their_max_size: int
    their_min_size: int = 4


FORMATS = [
    Format(CompressionType.K8, "mppc8", lambda: Mppc(8192), 8000),
    Format(CompressionType.K64, "mppc64", lambda: Mppc(65536), 65000),
    Format(CompressionType.RDP6, "ncrush", Ncrush, 16000, 50),
    Format(CompressionType.RDP61, "xcrush", Xcrush, 16000, 50),
]
MAX_OUTPUT = 65536
REPETITIVE = samples.words(250, 1) * 3
each_format = pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.kind)


def session(form: Format, seed: int = 1, count: int = 120) -> list[bytes]:
    return samples.long_session(compressor(form.compression_type).max_size, seed, count)


@each_format
class TestRoundTrip:
    @settings(max_examples=25, deadline=None)
    @given(data=st.data())
    def test_sequences_of_packets(self, form: Format, data: st.DataObject) -> None:
        ours, theirs = compressor(form.compression_type), PacketDecompressor()
        for packet in data.draw(samples.packets(ours.max_size)):
            sent = ours.compress(packet)
            assert len(sent.data) <= len(packet)
            assert sent.flags & TYPE_MASK == form.compression_type
            assert theirs.decompress(sent.flags, sent.data) == packet

    def test_history_goes_round(self, form: Format) -> None:
        ours, theirs = compressor(form.compression_type), PacketDecompressor()
        for packet in session(form):
            sent = ours.compress(packet)
            assert theirs.decompress(sent.flags, sent.data) == packet

    def test_repetition_of_an_earlier_packet_costs_next_to_nothing(self, form: Format) -> None:
        ours = compressor(form.compression_type)
        packet = samples.words(3000, 1)
        first = ours.compress(packet)
        assert first.flags & PacketFlags.COMPRESSED
        assert len(ours.compress(packet).data) < 30 < len(first.data) / 10

    def test_size_limit(self, form: Format) -> None:
        ours = compressor(form.compression_type)
        assert ours.compress(bytes(ours.max_size)).flags & PacketFlags.COMPRESSED
        with pytest.raises(EncodeError):
            ours.compress(bytes(ours.max_size + 1))

    def test_dense_packets_go_as_they_are_and_do_not_disturb(self, form: Format) -> None:
        ours, theirs = compressor(form.compression_type), PacketDecompressor()
        text, noise = samples.words(3000, 1), random.Random(1).randbytes(3000)
        for packet in (text, noise, text, noise[:7], text):
            sent = ours.compress(packet)
            assert theirs.decompress(sent.flags, sent.data) == packet
            assert (sent.data == packet) == (packet != text)
        assert len(sent.data) < 50


@each_format
class TestReference:
    def test_scalar_decompressor_reads_ours(self, form: Format) -> None:
        ours, theirs = compressor(form.compression_type), form.reference()
        for packet in session(form, 2, 12):
            sent = ours.compress(packet)
            assert theirs.decompress(sent.flags, sent.data) == packet


@needs_libfreerdp
@each_format
class TestLibfreerdp:
    def test_their_decompressor_reads_ours(self, form: Format) -> None:
        for seed in range(3):
            ours = compressor(form.compression_type)
            theirs = libfreerdp_bulk.Decompressor(form.kind)
            for packet in session(form, seed):
                sent = ours.compress(packet)
                assert theirs.decompress(sent.flags, sent.data) == packet

    @pytest.mark.parametrize("name", ["text", "console", "desktop"])
    def test_their_decompressor_reads_our_screens(self, form: Format, name: str) -> None:
        data = samples.screen(name)
        ours = compressor(form.compression_type)
        theirs = libfreerdp_bulk.Decompressor(form.kind)
        step = min(ours.max_size, 16000)
        for at in range(0, len(data), step):
            sent = ours.compress(data[at : at + step])
            assert theirs.decompress(sent.flags, sent.data) == data[at : at + step]

    def test_our_decompressor_reads_theirs(self, form: Format) -> None:
        theirs, ours = libfreerdp_bulk.Compressor(form.kind), PacketDecompressor()
        for packet in session(form, 3):
            if not form.their_min_size <= len(packet) <= form.their_max_size:
                continue
            sent = theirs.compress(packet)
            assert ours.decompress(sent.flags, sent.data) == packet


def outcome(theirs: PacketDecompressor, flags: int, data: bytes) -> tuple[bytes, DecodeError | None]:
    """What comes out, or why nothing does; any other exception fails the test."""
    try:
        return theirs.decompress(flags, data), None
    except DecodeError as error:
        return b"", error


@each_format
class TestHostile:
    def streams(self, form: Format) -> list[tuple[int, bytes]]:
        ours = compressor(form.compression_type)
        result = []
        for packet in (REPETITIVE, samples.words(250, 2) * 3, bytes(800)):
            sent = ours.compress(packet)
            assert sent.flags & PacketFlags.COMPRESSED
            result.append((sent.flags, sent.data))
        return result

    def test_truncations(self, form: Format) -> None:
        flags, data = self.streams(form)[0]
        refused = 0
        for size in range(len(data)):
            result, error = outcome(PacketDecompressor(), flags, data[:size])
            assert REPETITIVE.startswith(result)
            if error is not None:
                assert 0 <= error.offset <= size
                refused += 1
        # A stream without an end marker may also stop between two literals.
        assert refused >= (size - 3 if form.compression_type == CompressionType.RDP6 else 2)

    def test_mutations(self, form: Format) -> None:
        rng = random.Random(5)
        outcomes = {"refused": 0, "read": 0}
        theirs = PacketDecompressor()
        for number, (flags, data) in enumerate(self.streams(form)):
            for changed in pictures.mutations(data, 400, number):
                if rng.random() < 0.1:
                    theirs = PacketDecompressor()
                changed_flags = flags ^ (rng.choice([0, 0, 0, 0x40, 0x80, 0xC0, 0x0F]))
                result, error = outcome(theirs, changed_flags, changed)
                assert len(result) <= MAX_OUTPUT
                outcomes["refused" if error else "read"] += 1
        assert min(outcomes.values()) > 20, outcomes

    def test_what_is_accepted_is_what_the_scalar_decompressor_reads(self, form: Format) -> None:
        accepted = 0
        flags, data = self.streams(form)[0]
        for changed in pictures.mutations(data, 150, 9):
            result, error = outcome(PacketDecompressor(), flags, changed)
            if error is None:
                accepted += 1
                assert form.reference().decompress(flags, changed) == result
        assert accepted > 5

    @settings(max_examples=60, deadline=None)
    @given(flags=st.integers(0, 255), data=st.binary(max_size=300))
    def test_anything(self, form: Format, flags: int, data: bytes) -> None:
        theirs = PacketDecompressor()
        for number in (flags, flags & 0xF0 | form.compression_type, form.compression_type | 0x20):
            result, error = outcome(theirs, number, data)
            assert len(result) <= MAX_OUTPUT
            assert error is None or error.path

    def test_little_input_makes_little_output(self, form: Format) -> None:
        theirs = PacketDecompressor()
        flags = form.compression_type | PacketFlags.COMPRESSED
        with pytest.raises(DecodeError):  # tables and histories are made
            theirs.decompress(flags, b"\xff" * 16)
        tracemalloc.start()
        for filler in (b"\x00", b"\xff", b"\x55", b"\x24\x92\x49", b"\xc0\x7f\xfe"):
            outcome(theirs, flags | PacketFlags.FLUSHED, (filler * 16)[:16])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4_500_000  # XCRUSH's history of 2 MB twice, as it is replaced


class TestPacketDecompressor:
    def test_type_beyond_what_was_agreed(self) -> None:
        theirs = PacketDecompressor(CompressionType.K64)
        with pytest.raises(DecodeError) as caught:
            theirs.decompress(0x62, bytes(8))
        assert caught.value.path == "BulkPacket.flags"

    def test_packet_without_flags_is_itself(self) -> None:
        assert PacketDecompressor(CompressionType.K8).decompress(0x03, b"as it is") == b"as it is"

    def test_types_have_histories_of_their_own(self) -> None:
        theirs = PacketDecompressor()
        for form in FORMATS + FORMATS[::-1]:
            sent = compressor(form.compression_type).compress(samples.BELLS)
            # As if the compressor had been at it before: XCRUSH's packets say it within.
            assert theirs.decompress(sent.flags | PacketFlags.FLUSHED, sent.data) == samples.BELLS
