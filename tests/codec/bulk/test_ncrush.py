"""NCRUSH's codes, cache and sliding history; see test_packets.py for what all formats share."""

import pytest

from pyrdpmux.codec.bulk import ncrush_codes
from pyrdpmux.codec.bulk.ncrush import MIDDLE, NcrushCompressor, NcrushDecompressor, OffsetCache
from pyrdpmux.codec.bulk.ncrush_codes import LEC, LENGTH
from pyrdpmux.codec.bulk.packet import PacketFlags
from pyrdpmux.errors import DecodeError
from tests.codec.bulk import samples
from tests.codec.bulk.samples import BELLS, needs_vectors

COMPRESSED, AT_FRONT, FLUSHED = PacketFlags.COMPRESSED, PacketFlags.AT_FRONT, PacketFlags.FLUSHED
END = 256


def stream(*symbols: tuple[int, int]) -> bytes:
    """(code, width) after one another, lowest bit first, and padding."""
    bits = "".join([f"{code:0{width}b}"[::-1] if width else "" for code, width in symbols])
    bits += "0" * (-len(bits) % 8)
    return bytes([int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8)])


def read(*symbols: tuple[int, int]) -> bytes:
    return NcrushDecompressor().decompress(2 | COMPRESSED, stream(*symbols, LEC[END]))


class TestCodes:
    """MS-RDPEGDI 3.1.8.1.4.1 and 3.1.8.1.4.2: entries of the code books, which are derived here."""

    @pytest.mark.parametrize(
        ("index", "code", "width"),
        [
            (0, 0x0004, 6), (1, 0x0024, 6), (8, 0x0049, 7), (65, 0x01E3, 9), (131, 0x02A7, 10),
            (171, 0x07FF, 13), (178, 0x03FF, 11), (255, 0x0059, 7), (256, 0x17FF, 13), (257, 0x0FFF, 13),
            (263, 0x0034, 6), (267, 0x0000, 5), (288, 0x00ED, 8), (289, 0x0018, 5), (292, 0x0065, 7),
        ],
    )  # fmt: skip
    def test_literals_ends_and_offsets(self, index: int, code: int, width: int) -> None:
        assert LEC[index] == (code, width)

    @pytest.mark.parametrize(
        ("index", "code", "width"),
        [(0, 0x0001, 4), (1, 0x0000, 2), (7, 0x000B, 5), (21, 0x009F, 8), (23, 0x01DF, 9), (31, 0x01FF, 9)],
    )
    def test_lengths(self, index: int, code: int, width: int) -> None:
        assert LENGTH[index] == (code, width)

    def test_offsets_encoded(self) -> None:
        """3.1.8.1.4.3.1.1: 8 and 11 have the code of index 6 and two bits, 0 and 3."""
        table = ncrush_codes.offset_codes()
        assert [(table.codes[n], table.widths[n]) for n in (8, 11)] == [(0b00_110100, 8), (0b11_110100, 8)]

    def test_lengths_encoded(self) -> None:
        """3.1.8.1.4.3.2.1: 2 has 0001, 117 has 111011111 and 0011."""
        table = ncrush_codes.length_codes()
        assert [(table.codes[n], table.widths[n]) for n in (2, 117)] == [(1, 4), (0b0011_111011111, 13)]

    def test_every_number_has_a_code_that_reads_back(self) -> None:
        lengths, peeks = ncrush_codes.length_codes(), ncrush_codes.length_peeks()
        for length in (*range(2, 800), 4000, ncrush_codes.MAX_LENGTH):
            code = int(lengths.codes[length])
            entry = peeks[code & 0xFFFF]
            assert entry is not None
            assert entry.base + (code >> entry.width) == length
            assert entry.width + entry.more == lengths.widths[length]


class TestStreams:
    def test_match(self) -> None:
        offset_1 = LEC[258]
        assert read(LEC[65], offset_1, LENGTH[3]) == b"A" + b"A" * 5

    def test_cached_offset_changes_places_with_the_first(self) -> None:
        abc = [LEC[byte] for byte in b"abc"]
        three = LENGTH[1]
        offsets = [LEC[260], LEC[259], LEC[258]]  # 3, 2, 1: cache 1, 2, 3
        symbols = [*abc, *[part for offset in offsets for part in (offset, three)]]
        expected = b"abc" + b"abc" + b"bcb" + b"bbb"
        third, second = LEC[291], LEC[290]
        assert read(*symbols, third, three) == expected + b"bbb"  # 3: cache now 3, 2, 1
        more = read(*symbols, LEC[97], LEC[98], LEC[99], third, three, second, three, third, three)
        assert more == expected + b"abc" + b"abc" + b"bcb" + b"bbb"

    def test_long_match_without_an_index_of_its_own(self) -> None:
        symbols = (LEC[65], LEC[258], LENGTH[28], (16000 - 2, 14))
        assert read(*symbols) == b"A" * 16001

    def test_length_28_and_29_mean_the_same(self) -> None:
        assert read(LEC[65], LEC[258], LENGTH[29], (7, 14)) == b"A" * 10

    def test_longest_match_is_split(self) -> None:
        ours, theirs = NcrushCompressor(), NcrushDecompressor()
        sent = ours.compress(bytes(ours.max_size))
        assert len(sent.data) < 40
        assert theirs.decompress(sent.flags, sent.data) == bytes(ours.max_size)

    @needs_vectors
    def test_vector(self) -> None:
        data = samples.vector("NCrush.TEST_BELLS_NCRUSH")
        assert NcrushDecompressor().decompress(0x22, data) == samples.vector("NCrush.TEST_BELLS_DATA")

    def test_cache_finds_what_it_has(self) -> None:
        cache = OffsetCache()
        assert cache.place_all([9, 8, 7, 6, 9, 9, 8, 7, 5, 6]) == [4, 4, 4, 4, 3, 0, 2, 1, 4, 4]


class TestFlags:
    def test_sliding(self) -> None:
        """3.1.8.1.1: what does not fit makes the last 32 KB slide to the front."""
        ours, theirs = NcrushCompressor(), NcrushDecompressor()
        flags = []
        for number in range(6):
            packet = samples.words(17000, number)
            sent = ours.compress(packet)
            flags.append(sent.flags)
            assert theirs.decompress(sent.flags, sent.data) == packet
        plain, slid = 2 | COMPRESSED, 2 | COMPRESSED | AT_FRONT
        assert flags == [plain, plain, plain, slid, slid, slid]
        # still known: the last 32 KB
        assert len(ours.compress(samples.words(17000, 5)).data) < 100

    def test_sliding_would_not_make_room(self) -> None:
        ours, theirs = NcrushCompressor(), NcrushDecompressor()
        for size, flags in ((30000, 2 | COMPRESSED), (40000, 2 | COMPRESSED | FLUSHED)):
            packet = samples.words(size, 1)
            sent = ours.compress(packet)
            assert sent.flags == flags
            assert theirs.decompress(sent.flags, sent.data) == packet

    def test_nothing_there_to_slide(self) -> None:
        theirs = NcrushDecompressor()
        with pytest.raises(DecodeError, match=f"to slide back {MIDDLE} bytes, 0 there"):
            theirs.decompress(2 | COMPRESSED | AT_FRONT, stream(LEC[END]))

    def test_flush_empties_history_and_cache(self) -> None:
        ours, theirs = NcrushCompressor(), NcrushDecompressor()
        first = ours.compress(BELLS)
        ours.flush()
        again = ours.compress(BELLS)
        assert (first.flags, again.flags) == (2 | COMPRESSED, 2 | COMPRESSED | FLUSHED)
        assert first.data == again.data
        for sent in (first, again):
            assert theirs.decompress(sent.flags, sent.data) == BELLS

    def test_expansion_flushes(self) -> None:
        packet = samples.words(300, 1)  # of letters, which have long codes
        sent = NcrushCompressor().compress(packet)
        assert (sent.flags, sent.data) == (2 | FLUSHED, packet)


class TestErrors:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "ends without a marker"),
            (stream(LEC[65]), "ends without a marker"),
            (stream(LEC[65], LEC[289], LENGTH[1], LEC[END]), "copy-offset 0"),
            (stream(LEC[65], LEC[258], LENGTH[31], LEC[END]), "no code begins so"),
            (stream(*[LEC[65], LEC[258], *[LENGTH[28], (16383, 14), LEC[289]] * 5]), "more output than"),
        ],
    )
    def test_bad_streams(self, data: bytes, reason: str) -> None:
        with pytest.raises(DecodeError, match=reason) as caught:
            NcrushDecompressor().decompress(2 | COMPRESSED, data)
        assert caught.value.path == "Ncrush.data"
        assert caught.value.offset <= len(data)

    def test_more_literals_than_the_history_holds(self) -> None:
        theirs = NcrushDecompressor()
        zeros = [LEC[0], LEC[258], LENGTH[28], (16381, 14), *[LEC[289], LENGTH[28], (16382, 14)] * 3]
        assert theirs.decompress(2 | COMPRESSED, stream(*zeros, LEC[END])) == bytes(65536)
        with pytest.raises(DecodeError, match="more output than"):
            theirs.decompress(2 | COMPRESSED, stream(LEC[0], LEC[END]))

    def test_other_type(self) -> None:
        with pytest.raises(DecodeError) as caught:
            NcrushDecompressor().decompress(0x61, b"")
        assert caught.value.path == "Ncrush.flags"
