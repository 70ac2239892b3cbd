"""Cache Bitmap (Revision 2), and secondary orders that are not known."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.pdu.orders.secondary import (
    MAX_CACHE_BITMAP_SIZE,
    WAITING_LIST_INDEX,
    CacheBitmapRev2,
    SecondaryOrder,
    SecondaryOrderType,
    UnknownSecondaryOrder,
    read_four_byte,
    read_secondary,
    read_two_byte,
    write_four_byte,
    write_secondary,
    write_two_byte,
)
from pyrdpmux.rdp.pdu.update import CompressedDataHeader
from pyrdpmux.wire import Reader, Writer
from tests.rows import Row, row_tests


def read(data: bytes) -> SecondaryOrder:
    r = Reader(data, "test")
    r.u8("controlFlags")
    order = read_secondary(r)
    r.finish("")
    return order


def write(order: SecondaryOrder) -> bytes:
    w = Writer("test")
    write_secondary(w, order, 3)
    return w.getvalue()


def row(name: str, value: SecondaryOrder, text: str, **facts: Any) -> Row:
    return Row(name, value, text, read, write, **facts)


ROWS = [
    row(
        "the header of MS-RDPEGDI 4.2.2: compressed, not to be cached",
        CacheBitmapRev2(1, WAITING_LIST_INDEX, 16, 32, 32, True, bytes(0xDC)),
        f"03 da00 a10c 05 20 40dc ffff {'00' * 0xDC}",
    ),
    row(
        "plain, 2 by 1 pixels (constructed)",
        CacheBitmapRev2(0, 300, 32, 2, 1, False, bytes(range(8))),
        "03 0700 3000 04 02 01 4008 812c 0001020304050607",
    ),
    row(
        "with a key and a compression header (constructed)",
        CacheBitmapRev2(
            4, 5, 24, 64, 200, True, b"\xaa\xbb", 0x0807060504030201, CompressedDataHeader(64, 38400)
        ),
        """03 1100 2c01 05         # orderLength 30 - 13: bits 010, 0101, 100
           0102030405060708        # key1, key2
           40 80c8 400a 05         # width, height, length with the header, index
           0000 0200 4000 0096     # TS_CD_HEADER
           aabb""",
    ),
    row(
        "another type (constructed)",
        UnknownSecondaryOrder(SecondaryOrderType.CACHE_BRUSH, 0x1234, b"abcdefg"),
        "03 0000 3412 07 61626364656667",
    ),
]

TestRows = row_tests(ROWS)


@pytest.mark.parametrize("size", [-13, -8])
def test_a_length_below_the_headers(size: int) -> None:
    with pytest.raises(DecodeError):
        read(b"\3" + size.to_bytes(2, "little", signed=True) + bytes(20))


def test_a_depth_that_is_none() -> None:
    with pytest.raises(DecodeError, match="bitsPerPixelId"):
        read(bytes.fromhex("03 0600 1000 04 02 01 08 812c 0001020304050607"))


def test_a_compressed_bitmap_shorter_than_its_header() -> None:
    with pytest.raises(DecodeError):
        read(bytes.fromhex("03 0600 3000 05 02 01 07 05 0000 0000 0000 0000 00"))


def test_the_largest_surely_fits() -> None:
    header = CompressedDataHeader(300, 0xFFFF)
    large = CacheBitmapRev2(4, 300, 32, 300, 301, True, bytes(MAX_CACHE_BITMAP_SIZE), 1 << 63, header)
    assert read(write(large)) == large
    too_large = CacheBitmapRev2(4, 300, 32, 300, 301, False, bytes(MAX_CACHE_BITMAP_SIZE + 40))
    with pytest.raises(EncodeError, match="orderLength"):
        write(too_large)


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (CacheBitmapRev2(8, 0, 32, 1, 1, False, b""), "cacheId"),
        (CacheBitmapRev2(0, 0, 15, 1, 1, False, b""), "bitsPerPixelId"),
        (CacheBitmapRev2(0, 0x8000, 32, 1, 1, False, b""), "cacheIndex"),
        (CacheBitmapRev2(0, 0, 32, -1, 1, False, b""), "bitmapWidth"),
    ],
)
def test_what_does_not_fit_is_the_callers_mistake(order: CacheBitmapRev2, field: str) -> None:
    with pytest.raises(EncodeError, match=field):
        write(order)


@pytest.mark.parametrize(("value", "data"), [(0, "00"), (0x7F, "7f"), (0x80, "8080"), (0x1A1B, "9a1b")])
def test_two_byte_unsigned_encoding(value: int, data: str) -> None:
    w = Writer("test")
    write_two_byte(w, "value", value)
    assert w.getvalue().hex() == data
    assert read_two_byte(Reader(bytes.fromhex(data), "test"), "value") == value


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, "4000"),
        (0x3F, "403f"),
        (0x40, "4040"),
        (0x1A1B1C, "9a1b1c"),
        (0x3FFFFF, "bfffff"),
        (1 << 22, "c0400000"),
    ],
)
def test_four_byte_unsigned_encoding(value: int, data: str) -> None:
    w = Writer("test")
    write_four_byte(w, "value", value)
    assert w.getvalue().hex() == data
    assert read_four_byte(Reader(bytes.fromhex(data), "test"), "value") == value
    with pytest.raises(EncodeError):
        write_four_byte(w, "value", 1 << 30)


def test_a_length_in_a_single_byte() -> None:
    """As the specification has it, and we do not write it: QUIRK(rdesktop 1.9)."""
    order = read(bytes.fromhex("03 0600 3000 04 02 01 08 812c 0001020304050607"))
    assert order == CacheBitmapRev2(0, 300, 32, 2, 1, False, bytes(range(8)))


@given(
    st.builds(
        CacheBitmapRev2,
        st.integers(0, 7),
        st.integers(0, 32767),
        st.sampled_from([8, 16, 24, 32]),
        st.integers(0, 0x7FFF),
        st.integers(0, 0x7FFF),
        st.booleans(),
        st.binary(max_size=200),
        st.none() | st.integers(0, (1 << 64) - 1),
    )
)
def test_any_bitmap_comes_back(order: CacheBitmapRev2) -> None:
    assert read(write(order)) == order


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    try:
        order = read(b"\3" + data)
    except DecodeError:
        return
    assert read(write(order)) == order
