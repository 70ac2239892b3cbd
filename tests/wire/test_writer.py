"""Writer: every put, its errors with the field's path, and the back-patched lengths."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Self

import pytest

from pyrdpmux.errors import EncodeError
from pyrdpmux.wire import Reader, Writer, encode


@pytest.mark.parametrize(
    ("put", "low", "high", "low_bytes", "high_bytes"),
    [
        (Writer.u8, 0, 0xFF, "00", "ff"),
        (Writer.u16_le, 1, 0xFFFE, "0100", "feff"),
        (Writer.u16_be, 1, 0xFFFE, "0001", "fffe"),
        (Writer.i16_le, -0x8000, 0x7FFF, "0080", "ff7f"),
        (Writer.u24_be, 1, 0xFFFFFE, "000001", "fffffe"),
        (Writer.u32_le, 1, 0xFFFFFFFE, "01000000", "feffffff"),
        (Writer.u32_be, 1, 0xFFFFFFFE, "00000001", "fffffffe"),
        (Writer.i32_le, -0x80000000, 0x7FFFFFFF, "00000080", "ffffff7f"),
        (Writer.i32_be, -0x80000000, 0x7FFFFFFF, "80000000", "7fffffff"),
        (Writer.u64_le, 1, 0xFFFFFFFFFFFFFFFE, "0100000000000000", "feffffffffffffff"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_integers(
    put: Callable[[Writer, str, int], None], low: int, high: int, low_bytes: str, high_bytes: str
) -> None:
    w = Writer("X")
    put(w, "a", low)
    put(w, "a", high)
    assert w.getvalue().hex() == low_bytes + high_bytes
    assert w.offset == len(bytes.fromhex(low_bytes + high_bytes))


@pytest.mark.parametrize(
    ("put", "value", "size"),
    [
        (Writer.u8, 0x100, 1),
        (Writer.u8, -1, 1),
        (Writer.u16_le, 0x10000, 2),
        (Writer.u16_be, -1, 2),
        (Writer.i16_le, 0x8000, 2),
        (Writer.u24_be, 0x1000000, 3),
        (Writer.u32_le, -1, 4),
        (Writer.u32_be, 0x1_0000_0000, 4),
        (Writer.i32_le, 0x80000000, 4),
        (Writer.i32_be, 0x80000000, 4),
        (Writer.u64_le, 1 << 64, 8),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_integers_that_do_not_fit(put: Callable[[Writer, str, int], None], value: int, size: int) -> None:
    w = Writer("X")
    with pytest.raises(EncodeError) as caught:
        put(w, "a", value)
    assert str(caught.value) == f"X.a: {value} does not fit {size} bytes"
    assert w.offset == 0


def test_integers_of_any_size() -> None:
    w = Writer("X")
    w.uint_be("a", 0x0102, 3)
    w.uint_le("b", 0x0102, 3)
    assert w.getvalue().hex(" ") == "00 01 02 02 01 00"
    with pytest.raises(EncodeError, match=r"X\.a: 256 does not fit 1 bytes"):
        w.uint_be("a", 256, 1)
    with pytest.raises(EncodeError, match=r"X\.b: -1 does not fit 1 bytes"):
        w.uint_le("b", -1, 1)


def test_bytes() -> None:
    w = Writer("X")
    w.raw("a", b"ab")
    w.fixed("b", b"cd", 2)
    w.pad("c", 2)
    assert w.getvalue() == b"abcd\0\0"
    with pytest.raises(EncodeError, match=r"X\.b: 3 bytes, expected 2"):
        w.fixed("b", b"cde", 2)


def test_text() -> None:
    w = Writer("X")
    w.utf16("a", "ñ\U0001f600")
    w.utf16_padded("b", "a", 4)
    w.ansi_padded("c", b"rdp", 4)
    assert w.getvalue() == bytes.fromhex("f100 3dd8 00de 6100 0000") + b"rdp\0"


def test_text_that_does_not_fit() -> None:
    w = Writer("X")
    w.utf16_padded("a", "ab", 4)  # exactly full: no null, as the peer sent it
    with pytest.raises(EncodeError, match=r"X\.a: 6 bytes of UTF-16, at most 4 fit"):
        w.utf16_padded("a", "abc", 4)
    with pytest.raises(EncodeError, match=r"X\.c: 5 bytes, at most 4 fit"):
        w.ansi_padded("c", b"rdpdr", 4)


Length = Callable[[Writer, str, int], AbstractContextManager[None]]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (Writer.length_u8, "03"),
        (Writer.length_u16_le, "0300"),
        (Writer.length_u32_le, "03000000"),
    ],
)
def test_lengths_are_patched_in(length: Length, expected: str) -> None:
    w = Writer("X")
    w.u8("a", 0xEE)
    with length(w, "n", 1):
        w.raw("b", b"\1\2")
    w.u8("c", 0xFF)
    assert w.getvalue().hex() == "ee" + expected + "0102ff"


@pytest.mark.parametrize("extra", [0, -3])
def test_a_length_that_does_not_fit(extra: int) -> None:
    w = Writer("X")
    size = 256 if extra == 0 else 2
    with (
        pytest.raises(EncodeError, match=rf"X\.n: {size + extra} does not fit 1 bytes"),
        w.length_u8("n", extra),
    ):
        w.raw("b", bytes(size))


def test_a_length_of_any_form_goes_in_front() -> None:
    w = Writer("X")
    w.u8("a", 0xEE)
    with w.length_prefix(lambda length: bytes(length)):
        w.raw("b", b"\1\2\3")
    assert w.getvalue().hex() == "ee000000010203"


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
    w = Writer("X")
    w.structure(Point(1, 2), "p")
    w.items((Point(3, 4), Point(5, 6)), "ps")
    assert w.getvalue().hex() == "010203040506"
    assert w.error("z", "bad").path == "X.z"
    with pytest.raises(EncodeError) as caught:
        w.items((Point(3, 4), Point(5, 256)), "ps")
    assert str(caught.value) == "X.ps[1].y: 256 does not fit 1 bytes"


def test_encode_names_the_structure() -> None:
    assert encode(Point(1, 2)) == b"\1\2"
    with pytest.raises(EncodeError, match=r"^Point\.y: -1 does not fit 1 bytes$"):
        encode(Point(1, -1))
