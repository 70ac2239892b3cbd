"""Messages around H.264."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.avc.stream import (
    Avc420Stream,
    Avc444Stream,
    MetaBlock,
    QuantQuality,
    Rectangle16,
)
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import decode, encode
from tests.codec import pictures
from tests.rows import Row, row_tests, unhex

META = MetaBlock((Rectangle16(1, 2, 65, 66),), (QuantQuality(22, 90),))
META_HEX = """
    01 00 00 00                 # numRegionRects
    01 00 02 00 41 00 42 00     # regionRects
    16 5a                       # quantQualityVals: qpVal, qualityVal
"""
LUMA = Avc420Stream(META, b"\0\0\1")
CHROMA = Avc420Stream(MetaBlock((), ()), b"\0\0\2")

TestRows = row_tests(
    [
        Row("2.2.1.2, constructed", Rectangle16(1, 2, 3, 65535), "01 00 02 00 03 00 ff ff"),
        Row("2.2.4.4.2, progressive, constructed", QuantQuality(51, 100, True), "b3 64"),
        Row("2.2.4.4.2, with the reserved bit", QuantQuality(51, 100), "73 64", lossless=False),
        Row("2.2.4.4.1, constructed", META, META_HEX),
        Row(
            "2.2.4.4, constructed",
            LUMA,
            META_HEX + "00 00 01",
            valid_prefixes=(14, 15, 16),
            refuses_trailing=False,
        ),
        Row(
            "2.2.4.5, both views, constructed",
            Avc444Stream(LUMA, CHROMA),
            "11 00 00 00     # cbAvc420EncodedBitstream1, LC 0\n"
            + META_HEX
            + "00 00 01  00 00 00 00  00 00 02",
            valid_prefixes=(25, 26, 27),
            refuses_trailing=False,
        ),
        Row(
            "2.2.4.6, luma, constructed",
            Avc444Stream(LUMA),
            "11 00 00 40     # LC 1\n" + META_HEX + "00 00 01",
            valid_prefixes=(18, 19, 20),
            refuses_trailing=False,
        ),
        Row(
            "2.2.4.6, chroma, constructed",
            Avc444Stream(None, CHROMA),
            "00 00 00 80  00 00 00 00  00 00 02",
            valid_prefixes=(8, 9, 10),
            refuses_trailing=False,
        ),
    ]
)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ("02 00 00 00" + "00" * 19, "Avc420Stream.avc420MetaData.numRegionRects"),
        ("ff ff ff ff", "Avc420Stream.avc420MetaData.numRegionRects"),
    ],
)
def test_refuses_counts_beyond_the_input(data: str, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(Avc420Stream, unhex(data))
    assert caught.value.path == path


def test_there_is_no_third_kind() -> None:
    with pytest.raises(DecodeError, match="LC of 3"):
        decode(Avc444Stream, unhex("00 00 00 c0 00 00 00 00"))


@pytest.mark.parametrize(
    "value",
    [
        QuantQuality(64),
        QuantQuality(-1),
        MetaBlock((), (QuantQuality(1),)),
        Avc444Stream(None),
        Rectangle16(0, 0, 65536, 1),
    ],
    ids=str,
)
def test_refuses_to_write(value: QuantQuality | MetaBlock | Avc444Stream | Rectangle16) -> None:
    with pytest.raises(EncodeError):
        encode(value)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_garbage_is_refused_or_written_again(data: bytes) -> None:
    try:
        stream = decode(Avc444Stream, data)
    except DecodeError:
        return
    assert decode(Avc444Stream, encode(stream)) == stream


def test_mutations() -> None:
    data = encode(Avc444Stream(LUMA, CHROMA))
    for changed in pictures.mutations(data, 1000):
        found = pictures.attempt(partial(decode, Avc444Stream), changed)  # type: ignore[arg-type]
        assert found is None or isinstance(found, Avc444Stream)
