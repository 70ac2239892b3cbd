"""Pointer updates: a row for each attribute structure and its slow-path wrapper, and the limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, PeerError
from pyrdpmux.rdp.pdu.pointer import (
    CachedPointer,
    ColorPointer,
    LargePointer,
    NewPointer,
    PointerMessageType,
    PointerPosition,
    PointerUpdate,
    SystemPointer,
    SystemPointerType,
    UnknownPointer,
    scan_line_size,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

SHAPE = ColorPointer(1, 0, 1, 1, 2, b"\1\2\3\0\4\5\6\0", b"\x80\0\0\0")
SHAPE_HEX = """0100 0000 0100 0100 0200     # cacheIndex, hotSpot, width, height
               0400 0800                    # lengthAndMask, lengthXorMask: the other way round than the masks
               0102030004050600 80000000"""
SHAPE_SIZE = 26

ROWS = [
    Row("position (2.2.9.1.1.4.2, constructed)", PointerPosition(640, 0x1234), "8002 3412"),
    Row("hidden (2.2.9.1.1.4.3, constructed)", SystemPointer(SystemPointerType.NULL), "00000000"),
    Row("default (2.2.9.1.1.4.3, constructed)", SystemPointer(SystemPointerType.DEFAULT), "007f0000"),
    Row("color, 1x2 (2.2.9.1.1.4.4, constructed)", SHAPE, SHAPE_HEX, refuses_trailing=False),
    Row(
        "color with the optional padding (2.2.9.1.1.4.4, constructed)",
        SHAPE,
        SHAPE_HEX + "\n77",
        valid_prefixes=(SHAPE_SIZE,),
        lossless=False,
    ),
    Row(
        "new, 32 bpp (2.2.9.1.1.4.5, constructed)",
        NewPointer(32, ColorPointer(2, 3, 3, 1, 1, b"\xff\x80\x40\xff", b"\0\0")),
        "2000 0200 0300 0300 0100 0100 0200 0400 ff8040ff 0000",
        refuses_trailing=False,
    ),
    Row("cached (2.2.9.1.1.4.6, shared/vectors Example_1)", CachedPointer(2), "0200"),
    Row(
        "large, 24 bpp (2.2.9.1.2.1.11, constructed)",
        LargePointer(24, 5, 191, 0, 384, 1, bytes(1152), bytes(48)),
        f"1800 0500 bf00 0000 8001 0100 30000000 80040000 {'00' * 1200}",
        refuses_trailing=False,
    ),
    Row(
        "slow-path default (2.2.9.1.1.4, constructed)",
        PointerUpdate(SystemPointer(SystemPointerType.DEFAULT)),
        "0100 0000 007f0000",
    ),
    Row("slow-path position (constructed)", PointerUpdate(PointerPosition(1, 2)), "0300 0000 0100 0200"),
    Row(
        "slow-path color (constructed)",
        PointerUpdate(SHAPE),
        f"0600 0000 {SHAPE_HEX}",
        refuses_trailing=False,
    ),
    Row("slow-path cached (constructed)", PointerUpdate(CachedPointer(7)), "0700 0000 0700"),
    Row(
        "slow-path new (constructed)",
        PointerUpdate(NewPointer(24, SHAPE)),
        f"0800 0000 1800 {SHAPE_HEX}",
        refuses_trailing=False,
    ),
    Row(
        "slow-path monochrome of T.128, not in RDP (constructed)",
        PointerUpdate(UnknownPointer(PointerMessageType(2), b"\1\2\3")),
        "0200 0000 010203",
        valid_prefixes=(4, 5, 6),
        refuses_trailing=False,
    ),
]

TestRows = row_tests(ROWS)


def test_only_one_byte_of_padding_is_allowed() -> None:
    with pytest.raises(DecodeError, match="1 bytes too many"):
        decode(ColorPointer, encode(SHAPE) + b"\0\0")


@pytest.mark.parametrize(
    ("width", "depth", "size"),
    [(3, 24, 10), (7, 1, 2), (17, 1, 4), (32, 32, 128), (1, 8, 2), (5, 4, 4), (0, 24, 0)],
)
def test_scan_lines_have_an_even_number_of_bytes(width: int, depth: int, size: int) -> None:
    assert scan_line_size(width, depth) == size


def test_shapes_have_a_largest_size() -> None:
    with pytest.raises(DecodeError, match="97x1, at most 96x96"):
        decode(ColorPointer, encode(ColorPointer(0, 0, 0, 97, 1, b"", b"")))
    with pytest.raises(DecodeError, match="1x385, at most 384x384"):
        decode(LargePointer, encode(LargePointer(32, 0, 0, 0, 1, 385, b"", b"")))


def test_a_large_pointers_masks_cannot_be_larger_than_its_pixels() -> None:
    with pytest.raises(DecodeError, match="masks of 0 and 5 bytes for 1x1"):
        decode(LargePointer, encode(LargePointer(32, 0, 0, 0, 1, 1, bytes(5), b"")))


u16 = st.integers(0, 0xFFFF)
SHAPES = st.builds(
    ColorPointer, u16, u16, u16, st.integers(0, 96), st.integers(0, 96), st.binary(), st.binary()
)
POINTERS = st.one_of(
    st.builds(PointerPosition, u16, u16),
    st.builds(SystemPointer, st.integers(0, 0xFFFFFFFF).map(SystemPointerType)),
    SHAPES,
    st.builds(NewPointer, u16, SHAPES),
    st.builds(CachedPointer, u16),
)


@given(POINTERS)
@settings(max_examples=100)
def test_round_trip(
    pointer: PointerPosition | SystemPointer | ColorPointer | NewPointer | CachedPointer,
) -> None:
    update = PointerUpdate(pointer)
    assert decode(PointerUpdate, encode(update)) == update


@given(st.sampled_from([1, 2, 3, 6, 7, 8]), st.binary(max_size=60))
@settings(max_examples=100)
def test_garbage_raises_only_peer_errors(message_type: int, data: bytes) -> None:
    try:
        update = decode(PointerUpdate, bytes([message_type, 0, 0, 0]) + data)
    except PeerError:
        return
    assert decode(PointerUpdate, encode(update)) == update


@given(st.binary(max_size=60))
@settings(max_examples=100)
def test_garbage_for_a_large_pointer_raises_only_peer_errors(data: bytes) -> None:
    try:
        pointer = decode(LargePointer, data)
    except PeerError:
        return
    assert decode(LargePointer, encode(pointer)) == pointer
