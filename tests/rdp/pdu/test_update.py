"""Graphics updates: rows for slow path and shared bodies, and the limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.pdu.update import (
    BitmapData,
    BitmapFlags,
    BitmapUpdate,
    CompressedDataHeader,
    GraphicsUpdate,
    OrdersUpdate,
    PaletteEntry,
    PaletteUpdate,
    SynchronizeUpdate,
    UnknownUpdate,
    UpdateType,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

PLAIN = BitmapData(1, 2, 4, 3, 4, 2, 16, BitmapFlags(0), bytes(range(16)))
WITH_HEADER = BitmapData(
    64,
    0,
    127,
    63,
    64,
    64,
    16,
    BitmapFlags.COMPRESSION,
    b"\xf3\x00\x10\xff\xff",
    CompressedDataHeader(64, 8192),
)
WITHOUT_HEADER = BitmapData(
    0, 0, 63, 63, 64, 64, 32, BitmapFlags.COMPRESSION | BitmapFlags.NO_BITMAP_COMPRESSION_HDR, b"\x30\x01\x02"
)

ROWS = [
    Row(
        "uncompressed bitmap data (2.2.9.1.1.3.1.2.2, constructed)",
        PLAIN,
        """0100 0200 0400 0300 0400 0200   # left, top, right, bottom, width, height
           1000 0000 1000                  # 16 bpp, no flags, 16 bytes
           000102030405060708090a0b0c0d0e0f""",
    ),
    Row(
        "bitmap data with a compressed data header (2.2.9.1.1.3.1.2.3, constructed)",
        WITH_HEADER,
        """4000 0000 7f00 3f00 4000 4000 1000
           0100 0d00               # BITMAP_COMPRESSION, 8 + 5 bytes
           0000 0500 4000 0020     # cbCompFirstRowSize, cbCompMainBodySize, cbScanWidth, cbUncompressedSize
           f30010ffff""",
    ),
    Row(
        "bitmap update of two rectangles (2.2.9.1.1.3.1.2.1, constructed)",
        BitmapUpdate((WITHOUT_HEADER, PLAIN)),
        """0100 0200                                                         # UPDATETYPE_BITMAP, 2
           0000 0000 3f00 3f00 4000 4000 2000 0104 0300 300102               # 32 bpp, without header
           0100 0200 0400 0300 0400 0200 1000 0000 1000 000102030405060708090a0b0c0d0e0f""",
    ),
    Row(
        "palette update (2.2.9.1.1.3.1.1.1, constructed)",
        PaletteUpdate((PaletteEntry(0, 0, 0), PaletteEntry(255, 128, 1))),
        "0200 0000 02000000 000000 ff8001",
    ),
    Row(
        "synchronize update (2.2.9.1.1.3.1.3, constructed)",
        SynchronizeUpdate(),
        "0300 0000",
        valid_prefixes=(2,),
    ),
    Row(
        "orders update (MS-RDPEGDI 2.2.2.1, constructed)",
        OrdersUpdate(2, b"\x01\x02\x03"),
        "0000 0000 0200 0000 010203",
        valid_prefixes=(8, 9, 10),
        refuses_trailing=False,
    ),
    Row(
        "slow-path bitmap update (2.2.9.1.1.3.1, constructed)",
        GraphicsUpdate(BitmapUpdate((WITHOUT_HEADER,))),
        "0100 0100 0000 0000 3f00 3f00 4000 4000 2000 0104 0300 300102",
    ),
    Row(
        "slow-path synchronize of Windows Server 2008, without padding (constructed)",
        GraphicsUpdate(SynchronizeUpdate()),
        "0300",
        refuses_trailing=False,
        lossless=False,
    ),
    Row(
        "slow-path update of an unknown type (constructed)",
        GraphicsUpdate(UnknownUpdate(UpdateType(9), b"\1\2")),
        "0900 0102",
        valid_prefixes=(2, 3),
        refuses_trailing=False,
    ),
]

TestRows = row_tests(ROWS)


@pytest.mark.parametrize(
    ("hex_text", "message"),
    [
        ("0100 ffff", "BitmapUpdate.numberRectangles: 65535, at most 8192 allowed (offset 2)"),
        ("0200 0100", "BitmapUpdate.updateType: 2, expected 1 (offset 0)"),
        (
            "0100 0100" + "0000" * 7 + "0100 0d00" + "0000 0600 4000 0020",
            "BitmapUpdate.rectangles[0].cbCompMainBodySize: 6 with a bitmapLength of 13 (offset 30)",
        ),
    ],
)
def test_what_is_wrong_is_named(hex_text: str, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(BitmapUpdate, bytes.fromhex(hex_text))
    assert str(caught.value) == message


def test_a_palette_has_no_more_than_256_colors() -> None:
    with pytest.raises(DecodeError, match="257, at most 256"):
        decode(PaletteUpdate, bytes.fromhex("0200 0000 01010000") + bytes(3 * 257))


def test_flags_and_header_must_agree() -> None:
    with pytest.raises(EncodeError, match="bitmapComprHdr"):
        encode(BitmapData(0, 0, 1, 1, 2, 2, 32, BitmapFlags.COMPRESSION, b""))
    with pytest.raises(EncodeError, match="bitmapComprHdr"):
        encode(BitmapData(0, 0, 1, 1, 2, 2, 32, BitmapFlags(0), b"", CompressedDataHeader(2, 16)))


@pytest.mark.parametrize("field", ["left", "bottom", "bits_per_pixel"])
def test_a_value_that_does_not_fit_is_named(field: str) -> None:
    values = {"left": 0, "bottom": 0, "bits_per_pixel": 0, field: 0x10000}
    data = BitmapData(
        values["left"], 0, 0, values["bottom"], 1, 1, values["bits_per_pixel"], BitmapFlags(0), b""
    )
    names = {"left": "destLeft", "bottom": "destBottom", "bits_per_pixel": "bitsPerPixel"}
    with pytest.raises(EncodeError) as caught:
        encode(data)
    assert caught.value.path == f"BitmapData.{names[field]}"


u16 = st.integers(0, 0xFFFF)


@st.composite
def bitmap_data(draw: st.DrawFn) -> BitmapData:
    flags = BitmapFlags(draw(u16))
    has_header = flags & (BitmapFlags.COMPRESSION | BitmapFlags.NO_BITMAP_COMPRESSION_HDR) == 1
    header = CompressedDataHeader(draw(u16), draw(u16), draw(u16)) if has_header else None
    left, top, right, bottom, width, height, depth = [draw(u16) for _ in range(7)]
    data = draw(st.binary(max_size=40))
    return BitmapData(left, top, right, bottom, width, height, depth, flags, data, header)


@given(st.lists(bitmap_data(), max_size=5))
@settings(max_examples=50)
def test_round_trip(rectangles: list[BitmapData]) -> None:
    update = GraphicsUpdate(BitmapUpdate(tuple(rectangles)))
    assert decode(GraphicsUpdate, encode(update)) == update


@given(st.integers(0, 4), st.binary(max_size=80))
@settings(max_examples=100)
def test_garbage_raises_only_peer_errors(update_type: int, data: bytes) -> None:
    try:
        update = decode(GraphicsUpdate, bytes([update_type, 0]) + data)
    except PeerError:
        return
    assert decode(GraphicsUpdate, encode(update)) == update
