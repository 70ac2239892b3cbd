"""ZGFX and RDP8-lite: the specification's examples, a scalar reference, libfreerdp, hostile messages."""

import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.segments import Segment, SegmentedData
from pyrdpmux.codec.bulk.zgfx import RDP8, RDP8_LITE, Variant, ZgfxCompressor, ZgfxDecompressor
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import decode
from tests.codec import pictures
from tests.codec.bulk import samples
from tests.codec.bulk.samples import needs_libfreerdp, needs_vectors
from tests.codec.reference.libfreerdp_bulk import Zgfx as Libfreerdp
from tests.codec.reference.zgfx import Zgfx as Reference
from tests.rows import Row, row_tests, unhex

FOX = b"The quick brown fox jumps over the lazy dog"

TestRows = row_tests(
    [
        Row(
            "RDP_SEGMENTED_DATA, SINGLE, MS-RDPEGFX 4.2.1.1.3",
            SegmentedData((Segment(0x24, unhex("20 90 88 71 1f b2 01")),)),
            "e0 24 20 90 88 71 1f b2 01",
            valid_prefixes=tuple(range(2, 9)),
            refuses_trailing=False,
        ),
        Row(
            "RDP_SEGMENTED_DATA, MULTIPART, MS-RDPEGFX 4.2.1.1.4",
            SegmentedData(
                (
                    Segment(0x04, b"The quick brown "),
                    Segment(0x04, b"fox jumps ove"),
                    Segment(0x24, unhex("39 08 0e 91 f8 d8 61 3d 1e 44 06 43 79 9c 02")),
                ),
                43,
            ),
            """
            e1 03 00 2b 00 00 00                                                    # 3 segments, 43 bytes
            11 00 00 00 04 54 68 65 20 71 75 69 63 6b 20 62 72 6f 77 6e 20          # unencoded
            0e 00 00 00 04 66 6f 78 20 6a 75 6d 70 73 20 6f 76 65
            10 00 00 00 24 39 08 0e 91 f8 d8 61 3d 1e 44 06 43 79 9c 02             # compressed
            """,
        ),
    ]
)


class TestSpecification:
    """MS-RDPEGFX 4.2.1.1, MS-RDPEDYC 4.3.3."""

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ("e0 24 ce 9b 19 62 18 00", unhex("01 02 ff 65 65 65 65 65")),
            ("e0 04" + FOX.hex(), FOX),
            ("e0 24 20 90 88 71 1f b2 01", b"ABC" * 20),
            (
                "e1 03 00 2b 00 00 00 11 00 00 00 04 54 68 65 20 71 75 69 63 6b 20 62 72 6f 77 6e 20"
                "0e 00 00 00 04 66 6f 78 20 6a 75 6d 70 73 20 6f 76 65"
                "10 00 00 00 24 39 08 0e 91 f8 d8 61 3d 1e 44 06 43 79 9c 02",
                FOX,
            ),
            # 3.1.9.1.2.5: one literal, a match of distance 1 and length 9
            ("e0 24 24 c4 38 80 07", b"\x49" * 10),
        ],
        ids=["example 1", "example 2", "example 3", "example 4", "3.1.9.1.2.5"],
    )
    def test_decompresses(self, data: str, message: bytes) -> None:
        assert ZgfxDecompressor().decompress(unhex(data)) == message

    def test_unencoded_bytes_in_a_stream(self) -> None:
        """4.2.1.1.5, whose omitted bytes are ours: 15 bits of count, then from the next whole byte on."""
        message = (FOX + unhex("ba ad c0 de f1") * 200)[:1000]
        assert ZgfxDecompressor().decompress(unhex("e0 24 88 01 f4 00") + message + b"\0") == message

    def test_lite(self) -> None:
        data = unhex("e0 26 38 c4 3f f4 74 01")
        assert ZgfxDecompressor(RDP8_LITE).decompress(data) == b"q" * 1595
        assert ZgfxCompressor(RDP8_LITE).compress(b"q" * 1595) == data

    @needs_vectors
    def test_vectors(self) -> None:
        for name in ("SINGLE", "MULTIPART"):
            data = samples.vector(f"ZGfx.TEST_FOX_DATA_{name}")
            assert ZgfxDecompressor().decompress(data) == samples.vector("ZGfx.TEST_FOX_DATA")


class TestRoundTrip:
    @pytest.mark.parametrize("variant", [RDP8, RDP8_LITE])
    @settings(max_examples=40, deadline=None)
    @given(data=st.data())
    def test_sequences_of_messages(self, variant: Variant, data: st.DataObject) -> None:
        ours, theirs = ZgfxCompressor(variant), ZgfxDecompressor(variant)
        reference = Reference(variant.history_size)
        limit = variant.segment_size if variant.single else 150_000
        for message in data.draw(samples.packets(limit)):
            sent = ours.compress(message)
            assert len(sent) <= len(message) + 2 + (len(message) > 65535) * 20
            assert theirs.decompress(sent) == message
            if len(sent) < 2000:
                assert reference.decompress(sent) == message
            else:
                reference = Reference(variant.history_size)  # too slow; and a new history to go with it
                ours, theirs = ZgfxCompressor(variant), ZgfxDecompressor(variant)

    def test_history_goes_round(self) -> None:
        ours, theirs = ZgfxCompressor(), ZgfxDecompressor()
        noise = random.Random(1).randbytes(700_000)
        sizes = []
        for number in range(12):
            message = noise[number * 1000 :] + samples.words(3000, number)
            sent = ours.compress(message)
            sizes.append(len(sent))
            assert theirs.decompress(sent) == message
        # Incompressible, but the history of 2.5 MB has it.
        assert sizes[0] > 700_000 > 10 * max(sizes[1:])

    def test_without_a_match_short_codes_pay(self) -> None:
        """Small differences in no order: as planar leaves a photograph."""
        rng = np.random.default_rng(3)
        data = np.abs(rng.normal(0, 3, 30_000)).astype(np.uint8).tobytes()
        sent = ZgfxCompressor().compress(data)
        assert len(sent) < 0.85 * len(data)
        assert ZgfxDecompressor().decompress(sent) == data

    def test_dense_segments_go_as_they_are(self) -> None:
        noise = random.Random(1).randbytes(5000)
        sent = ZgfxCompressor().compress(noise)
        assert sent == b"\xe0\x04" + noise
        text = samples.words(3000, 1)
        assert ZgfxCompressor(dense_ratio=0.01).compress(text) == b"\xe0\x04" + text

    def test_photos_are_searched_thoroughly_at_the_beginning_of_a_message_only(self) -> None:
        """So much at once goes to who gets it quickly: the codes of the bytes have to do for the rest."""
        values = np.random.default_rng(5).integers(0, 9, 10 * 65535).astype(np.uint8).tobytes()
        chunks = [values[at : at + 65535] for at in range(0, len(values), 65535)]
        compressor = ZgfxCompressor(dense_ratio=1.0)
        thorough = [len(compressor.compress(chunk)) - 2 for chunk in chunks]
        data = ZgfxCompressor(dense_ratio=1.0).compress(values)
        sizes = [len(segment.data) for segment in decode(SegmentedData, data).segments]
        assert sizes[:8] == thorough[:8]
        assert all(thorough[8] < size < 0.8 * 65535 for size in sizes[8:])
        assert ZgfxDecompressor().decompress(data) == values

    def test_text_is_searched_thoroughly_to_the_end(self) -> None:
        text = samples.packet("words", 10 * 65535, 1)
        compressor = ZgfxCompressor(dense_ratio=1.0)
        parts = [compressor.compress(text[at : at + 65535]) for at in range(0, len(text), 65535)]
        data = ZgfxCompressor(dense_ratio=1.0).compress(text)
        segments = decode(SegmentedData, data).segments
        assert [segment.data for segment in segments] == [part[2:] for part in parts]

    def test_lite_has_one_segment(self) -> None:
        assert ZgfxCompressor(RDP8_LITE).compress(bytes(8192))
        with pytest.raises(EncodeError):
            ZgfxCompressor(RDP8_LITE).compress(bytes(8193))

    def test_segments_of_65535(self) -> None:
        for size, descriptor in ((65535, 0xE0), (65536, 0xE1)):
            sent = ZgfxCompressor().compress(bytes(size))
            assert sent[0] == descriptor
            assert ZgfxDecompressor().decompress(sent) == bytes(size)


@needs_libfreerdp
class TestLibfreerdp:
    def test_their_decompressor_reads_ours(self) -> None:
        for variant in (RDP8, RDP8_LITE):  # it does not look at the type, and its history is longer
            ours, theirs = ZgfxCompressor(variant), Libfreerdp()
            for message in samples.long_session(variant.segment_size, 1, 120):
                assert theirs.decompress(ours.compress(message)) == message

    def test_their_decompressor_reads_far_matches(self) -> None:
        ours, theirs = ZgfxCompressor(), Libfreerdp()
        noise = random.Random(1).randbytes(1_300_000)
        for message in (noise, noise[::-1], noise[5000:], noise[::-1][:90000], noise[100_000:600_000]):
            assert theirs.decompress(ours.compress(message)) == message

    @pytest.mark.parametrize("name", ["text", "console", "desktop", "photo"])
    def test_their_decompressor_reads_our_screens(self, name: str) -> None:
        data = samples.screen(name, 32)
        sent = ZgfxCompressor(dense_ratio=1).compress(data)
        assert Libfreerdp().decompress(sent) == data
        assert ZgfxDecompressor().decompress(sent) == data

    def test_our_decompressor_reads_theirs(self) -> None:
        theirs, ours = Libfreerdp(compressor=True), ZgfxDecompressor()
        for size in (1, 1000, 65535, 200_000):
            message = samples.words(size, size)
            assert ours.decompress(theirs.compress(message)) == message


def in_bytes(bits: str) -> bytes:
    """A stream and its trailer."""
    unused = -len(bits) % 8
    bits += "0" * unused
    return bytes([int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)] + [unused])


def outcome(theirs: ZgfxDecompressor, data: bytes) -> tuple[bytes, DecodeError | None]:
    try:
        return theirs.decompress(data), None
    except DecodeError as error:
        return b"", error


class TestHostile:
    DATA = ZgfxCompressor().compress(samples.words(300, 1) * 3 + samples.words(300, 2))

    def test_truncations(self) -> None:
        for size in range(len(self.DATA)):
            result, error = outcome(ZgfxDecompressor(), self.DATA[:size])
            assert len(result) <= 1200
            assert error is None or 0 <= error.offset <= size

    def test_mutations(self) -> None:
        multipart = ZgfxCompressor().compress(samples.words(500, 1) * 200)
        assert multipart[0] == 0xE1
        counts = {"read": 0, "refused": 0}
        theirs = ZgfxDecompressor(max_message=200_000)
        for original, count in ((self.DATA, 1000), (multipart, 1000)):
            for changed in pictures.mutations(original, count, 3):
                result, error = outcome(theirs, changed)
                assert len(result) <= 200_000
                counts["refused" if error else "read"] += 1
        assert min(counts.values()) > 100, counts

    def test_what_is_accepted_is_what_the_scalar_decompressor_reads(self) -> None:
        accepted = 0
        for changed in pictures.mutations(self.DATA, 150, 9):
            result, error = outcome(ZgfxDecompressor(), changed)
            if error is None:
                accepted += 1
                assert Reference().decompress(changed) == result
        assert accepted > 5

    @settings(max_examples=100, deadline=None)
    @given(
        descriptor=st.sampled_from([b"\xe0\x24", b"\xe0\x26", b"\xe0", b"\xe1", b""]),
        data=st.binary(max_size=200),
    )
    def test_anything(self, descriptor: bytes, data: bytes) -> None:
        for variant in (RDP8, RDP8_LITE):
            result, error = outcome(ZgfxDecompressor(variant), descriptor + data)
            assert len(result) <= 65535
            assert error is None or error.path

    @pytest.mark.parametrize(
        ("data", "path", "offset"),
        [
            ("", "SegmentedData.descriptor", 0),
            ("e2 24", "SegmentedData.descriptor", 0),
            ("e0", "SegmentedData.bulkData.header", 1),
            ("e0 26 00", "BulkEncodedData.header", 1),
            ("e0 24", "BulkEncodedData.data", 2),
            ("e0 24 03", "BulkEncodedData.data", 2),
            ("e0 24 80 00", "BulkEncodedData.data", 2),  # 10000...: reserved
            ("e0 24 20 c4 60 00", "BulkEncodedData.data", 3),  # distance 3, one byte there
            ("e0 24 24 00", "BulkEncodedData.data", 3),  # 8 bits of a literal's 9
            ("e0 24 20 00 00", "BulkEncodedData.data", 2),  # the reserved 9 bits of 0x40
            ("e0 24 88 01 f4 00 41 00", "BulkEncodedData.data", 6),  # 1000 unencoded bytes, one there
            ("e1 01 00 05 00 00 00", "SegmentedData.segmentCount", 1),
            ("e1 01 00 ff ff ff ff 02 00 00 00 04 41", "SegmentedData.uncompressedSize", 3),
            ("e1 01 00 02 00 00 00 02 00 00 00 04 41", "SegmentedData.uncompressedSize", 3),
            ("e1 01 00 00 00 00 00 02 00 00 00 04 41", "BulkEncodedData.data", 12),
            ("e1 01 00 01 00 00 00 09 00 00 00 04 41", "SegmentedData.segmentArray[0].bulkData", 11),
        ],
    )
    def test_where_it_goes_wrong(self, data: str, path: str, offset: int) -> None:
        with pytest.raises(DecodeError) as caught:
            ZgfxDecompressor().decompress(unhex(data))
        assert (caught.value.path, caught.value.offset) == (path, offset)

    def test_rdp8_lite_has_one_segment(self) -> None:
        """MS-RDPEDYC 2.2.3.3. A viewer could otherwise have 65,535 of them read in one go, empty ones."""
        for data in ("e1 01 00 01 00 00 00 02 00 00 00 06 41", "e1 00 00 00 00 00 00", "e1"):
            with pytest.raises(DecodeError, match=r"SegmentedData\.descriptor: 0xe1, expected 0xe0"):
                ZgfxDecompressor(RDP8_LITE).decompress(unhex(data))
        assert ZgfxDecompressor(RDP8_LITE).decompress(unhex("e0 06 41")) == b"A"

    def test_reach_is_bounded(self) -> None:
        """RDP8-lite: 8192 bytes back and no further, though more were sent."""
        for distance in (8192, 8193):
            theirs = ZgfxDecompressor(RDP8_LITE)
            history = random.Random(1).randbytes(8192)
            theirs.decompress(b"\xe0\x06" + history)
            theirs.decompress(b"\xe0\x06A")
            data = b"\xe0\x26" + in_bytes("101100" + f"{distance - 5792:014b}" + "0")
            result, error = outcome(theirs, data)
            assert (result, error is None) == ((history[1:4], True) if distance == 8192 else (b"", False))

    def test_output_is_bounded(self) -> None:
        """A literal and matches of 65535 bytes each, eight bytes a match."""
        bits = "0" + f"{0x41:08b}" + ("1000100001" + "1" * 14 + "0" + "1" * 15) * 3
        theirs = ZgfxDecompressor()
        tracemalloc.start()
        with pytest.raises(DecodeError, match="bytes of output too many"):
            theirs.decompress(b"\xe0\x24" + in_bytes(bits))
        data = b"\xe1\x01\x00\x81\x84\x1e\x00" + unhex("02 00 00 00 04 41")
        with pytest.raises(DecodeError, match="2000001, at most 2000000 allowed"):
            ZgfxDecompressor(max_message=2_000_000).decompress(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 20_000_000


WAYS = st.sampled_from([{}, {"is_dense": True}, {"is_hasty": True}])


@given(st.lists(st.tuples(st.integers(0, 40_000), WAYS), min_size=1, max_size=8), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_what_is_dense_goes_as_it_is_and_is_history_all_the_same(
    packets: list[tuple[int, dict[str, bool]]], seed: int
) -> None:
    """Also to the matcher that looks far back, whichever lengths alternate."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, 200_000, np.uint8).tobytes()
    compressor, decompressor = ZgfxCompressor(), ZgfxDecompressor()
    for size, way in packets:
        at = int(rng.integers(0, 1000))
        data = noise[at : at + size]
        packed = compressor.compress(data, **way)
        assert decompressor.decompress(packed) == data
        if way:
            assert len(packed) >= size
    again = compressor.compress(noise[:2000])
    assert decompressor.decompress(again) == noise[:2000]


def test_a_dense_message_is_referred_to_later() -> None:
    data = np.random.default_rng(5).integers(0, 256, 30_000, np.uint8).tobytes()
    compressor = ZgfxCompressor()
    assert len(compressor.compress(data, is_dense=True)) > len(data)
    assert len(compressor.compress(data)) < 1000
    for _ in range(8):
        compressor.compress(data[::-1], is_dense=True)
    assert len(compressor.compress(data)) < 1000, "by way of the far matcher"


@given(st.integers(0, 70_000), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_in_haste_only_the_codes_of_literals_count(size: int, seed: int) -> None:
    """Of a photograph, most of which is small differences; no match is looked for, nor is there one later."""
    rng = np.random.default_rng(seed)
    data = np.abs(rng.normal(0, 3, size)).astype(np.uint8).tobytes()
    compressor, decompressor = ZgfxCompressor(dense_ratio=1.0), ZgfxDecompressor()
    first, second = (compressor.compress(data, is_hasty=True) for _ in range(2))
    assert decompressor.decompress(first) == decompressor.decompress(second) == data
    assert len(first) == len(second), "what was sent before is not referred to"
    if size >= 1000:
        assert len(first) < 0.85 * size
    last = compressor.compress(data)
    assert decompressor.decompress(last) == data
    if size >= 30_000:
        assert len(last) < 0.1 * size, "but by what is not in haste"
