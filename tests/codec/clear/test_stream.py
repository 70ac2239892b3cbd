"""Structures of ClearCodec; the specification's examples."""

import pytest

from pyrdpmux.codec.clear.stream import BitmapStream, CompositePayload, Flags, Subcodec, SubcodecId
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

TestRows = row_tests(
    [
        Row(
            "4.1.1.1, a glyph hit",
            BitmapStream(Flags.GLYPH_INDEX | Flags.GLYPH_HIT, 195, 17),
            """
            03      # flags
            c3      # seqNumber
            11 00   # glyphIndex
            """,
        ),
        Row(
            "2.2.4.1, all layers, constructed",
            BitmapStream(Flags.CACHE_RESET, 1, None, CompositePayload(b"abcd", b"efg", b"hi")),
            """
            04 01           # flags, seqNumber
            04 00 00 00     # residualByteCount
            03 00 00 00     # bandsByteCount
            02 00 00 00     # subcodecByteCount
            61 62 63 64     # residualData
            65 66 67        # bandsData
            68 69           # subcodecData
            """,
        ),
        Row(
            "2.2.4.1, a new glyph, unknown flags, constructed",
            BitmapStream(Flags(0xF9), 255, 3999, CompositePayload()),
            "f9 ff 9f 0f" + "00" * 12,
        ),
        Row(
            "2.2.4.1.1.3.1, raw, constructed",
            Subcodec(1, 2, 2, 1, SubcodecId.RAW, bytes(6)),
            """
            01 00 02 00     # xStart, yStart
            02 00 01 00     # width, height
            06 00 00 00     # bitmapDataByteCount
            00              # subCodecId
            00 00 00 00 00 00
            """,
        ),
        Row(
            "2.2.4.1.1.3.1, an unknown codec, constructed",
            Subcodec(0, 0, 1, 1, SubcodecId(9), b"x"),
            "00 00 00 00 01 00 01 00 01 00 00 00 09 78",
        ),
    ]
)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ("02 00" + "00" * 12, "BitmapStream.flags"),
        ("01 00 a0 0f" + "00" * 12, "BitmapStream.glyphIndex"),
        ("00 00 ff ff ff ff 00 00 00 00 00 00 00 00", "BitmapStream.compositePayload.residualData"),
    ],
)
def test_refuses(data: str, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(BitmapStream, bytes.fromhex(data))
    assert caught.value.path == path


def test_raw_pixels_have_their_size() -> None:
    with pytest.raises(DecodeError):
        decode(Subcodec, bytes.fromhex("00 00 00 00 01 00 01 00 02 00 00 00 00 78 78"))


def test_a_hit_has_no_payload() -> None:
    with pytest.raises(EncodeError):
        encode(BitmapStream(Flags(3), 0, 1, CompositePayload()))
    with pytest.raises(EncodeError):
        encode(BitmapStream(Flags(0), 0))
