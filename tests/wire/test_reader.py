"""Reader: every read, its errors with path and offset, regions and nesting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import pytest

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import Reader, Writer, decode

DATA = bytes.fromhex("fe dc ba 98 76 54 32 10")


@pytest.mark.parametrize(
    ("read", "size", "value"),
    [
        (Reader.u8, 1, 0xFE),
        (Reader.u16_le, 2, 0xDCFE),
        (Reader.u16_be, 2, 0xFEDC),
        (Reader.i16_le, 2, 0xDCFE - 0x10000),
        (Reader.u24_be, 3, 0xFEDCBA),
        (Reader.u32_le, 4, 0x98BADCFE),
        (Reader.u32_be, 4, 0xFEDCBA98),
        (Reader.i32_le, 4, 0x98BADCFE - 0x1_0000_0000),
        (Reader.i32_be, 4, 0xFEDCBA98 - 0x1_0000_0000),
        (Reader.u64_le, 8, 0x1032547698BADCFE),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_integers(read: Callable[[Reader, str], int], size: int, value: int) -> None:
    r = Reader(DATA, "X")
    assert read(r, "a") == value
    assert r.offset == size
    short = Reader(DATA[: size - 1], "X")
    with pytest.raises(DecodeError) as caught:
        read(short, "a")
    assert str(caught.value) == f"X.a: need {size} bytes, {size - 1} left (offset 0)"
    assert short.offset == 0


def test_positive_signed_integers() -> None:
    assert Reader(b"\xff\x7f", "X").i16_le("a") == 0x7FFF
    assert Reader(b"\xff\xff\xff\x7f", "X").i32_le("a") == 0x7FFFFFFF


def test_integers_of_any_size() -> None:
    assert Reader(DATA, "X").uint_be("a", 5) == 0xFEDCBA9876
    assert Reader(DATA, "X").uint_le("a", 5) == 0x7698BADCFE
    assert Reader(b"", "X").uint_be("a", 0) == 0


def test_peeks_do_not_move() -> None:
    r = Reader(DATA, "X")
    assert (r.peek_u8("a"), r.peek_u16_le("a"), r.offset) == (0xFE, 0xDCFE, 0)
    with pytest.raises(DecodeError, match=r"X\.a: need 1 bytes, 0 left"):
        Reader(b"", "X").peek_u8("a")


def test_a_constant() -> None:
    r = Reader(b"\3\4", "X")
    r.constant_u8("a", 3)
    with pytest.raises(DecodeError) as caught:
        r.constant_u8("b", 5)
    assert str(caught.value) == "X.b: 0x04, expected 0x05 (offset 1)"


def test_bytes() -> None:
    r = Reader(DATA, "X")
    assert r.raw("a", 2) == b"\xfe\xdc"
    r.pad("b", 1)
    assert r.remaining == 5
    assert r.rest("c") == DATA[3:]
    assert r.rest("d") == b""


@pytest.mark.parametrize("read", [Reader.raw, Reader.pad, Reader.uint_be, Reader.utf16, Reader.ansi_padded])
def test_a_negative_size_never_moves_back(read: Callable[[Reader, str, int], object]) -> None:
    r = Reader(DATA, "X")
    r.pad("a", 4)
    with pytest.raises(DecodeError, match=r"X\.b: negative size -2 \(offset 4\)"):
        read(r, "b", -2)
    assert r.offset == 4


def test_text() -> None:
    r = Reader("añ\U0001f600".encode("utf-16-le") + "ab\0zz".encode("utf-16-le") + b"rdpdr\0xx", "X")
    assert r.utf16("a", 8) == "añ\U0001f600"
    assert r.utf16_padded("b", 10) == "ab"
    assert r.ansi_padded("c", 8) == b"rdpdr"


def test_a_full_text_field_needs_no_null() -> None:
    assert Reader(b"a\0b\0", "X").utf16_padded("a", 4) == "ab"
    assert Reader(b"ab", "X").ansi_padded("a", 2) == b"ab"


def test_a_lone_surrogate_survives() -> None:
    text = Reader(b"\0\xd8", "X").utf16("a", 2)
    assert text == "\ud800"
    w = Writer("X")
    w.utf16("a", text)
    assert w.getvalue() == b"\0\xd8"


def test_utf16_has_even_size() -> None:
    with pytest.raises(DecodeError, match=r"X\.a: 3 bytes of UTF-16, expected an even number"):
        Reader(DATA, "X").utf16("a", 3)


def test_an_error_points_to_the_start_of_the_field_read_last() -> None:
    r = Reader(DATA, "X")
    r.pad("a", 2)
    r.u32_le("b")
    assert r.error("b", "bad").offset == 2
    assert r.error("other", "bad").offset == 6
    assert str(r.error("", "bad")) == "X: bad (offset 6)"


@dataclass(frozen=True)
class Point:
    x: int
    y: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u8("x"), r.u8("y"))

    def write(self, w: Writer) -> None:
        w.u8("x", self.x)
        w.u8("y", self.y)


def test_structures_put_their_name_into_the_path() -> None:
    r = Reader(b"\1\2\3", "X")
    assert r.structure(Point, "p") == Point(1, 2)
    with pytest.raises(DecodeError) as caught:
        r.structure(Point, "q")
    assert str(caught.value) == "X.q.y: need 1 bytes, 0 left (offset 3)"


def test_the_path_returns_after_a_structure() -> None:
    r = Reader(b"\1\2", "X")
    r.structure(Point, "p")
    assert r.error("z", "bad").path == "X.z"


def test_items_are_numbered() -> None:
    assert Reader(b"\1\2\3\4", "X").items(Point, "ps", 2) == (Point(1, 2), Point(3, 4))
    assert Reader(b"", "X").items(Point, "ps", 0) == ()
    with pytest.raises(DecodeError, match=r"X\.ps\[1\]\.y: need 1 bytes, 0 left \(offset 3\)"):
        Reader(b"\1\2\3", "X").items(Point, "ps", 2)


def test_a_region_has_an_end_of_its_own() -> None:
    r = Reader(DATA, "X")
    r.pad("a", 1)
    with r.region("body", 3) as inner:
        assert (inner.remaining, inner.offset) == (3, 1)
        assert inner.rest("b") == DATA[1:4]
    assert (r.remaining, r.offset) == (4, 4)


def test_a_region_cannot_be_left_early() -> None:
    r = Reader(DATA, "X")
    with pytest.raises(DecodeError) as caught, r.region("body", 3):
        r.u8("a")
    assert str(caught.value) == "X.body: 2 bytes too many (offset 1)"


def test_a_region_cannot_be_read_past_its_end() -> None:
    r = Reader(DATA, "X")
    with (
        pytest.raises(DecodeError, match=r"X\.body\.a: need 4 bytes, 3 left \(offset 0\)"),
        r.region("body", 3),
    ):
        r.u32_le("a")


@pytest.mark.parametrize("size", [9, -1])
def test_a_region_lies_inside_the_frame(size: int) -> None:
    with pytest.raises(DecodeError, match=r"X\.body"), Reader(DATA, "X").region("body", size):
        pytest.fail("entered")


def test_regions_nest() -> None:
    r = Reader(DATA, "X")
    with pytest.raises(DecodeError, match=r"X\.outer\.inner: need 5 bytes, 4 left"):  # noqa: SIM117
        with r.region("outer", 4), r.region("inner", 5):
            pytest.fail("entered")


def test_decode_consumes_all() -> None:
    assert decode(Point, b"\1\2") == Point(1, 2)
    with pytest.raises(DecodeError) as caught:
        decode(Point, b"\1\2\3")
    assert str(caught.value) == "Point: 1 bytes too many (offset 2)"
