"""Aligned PER: each type both ways, the two length forms, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import Reader, Writer, per


def reader(text: str) -> Reader:
    return Reader(bytes.fromhex(text), "X")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("00", 0),
        ("7f", 127),
        ("8080", 128),
        ("8158", 344),
        ("bfff", 0x3FFF),
        ("c000", 0x4000),
        ("ffff", 0x7FFF),
    ],
)
def test_lengths_both_ways(text: str, length: int) -> None:
    assert per.read_length(reader(text), "a") == length
    w = Writer("X")
    per.write_length(w, "a", length)
    assert w.getvalue().hex() == text


def test_a_short_length_can_take_two_bytes() -> None:
    assert per.read_length(reader("8005"), "a") == 5
    w = Writer("X")
    per.write_length(w, "a", 5, two_bytes=True)
    assert w.getvalue().hex() == "8005"


def test_a_length_has_15_bits() -> None:
    with pytest.raises(EncodeError, match="length 32768, at most 32767 allowed"):
        per.write_length(Writer("X"), "a", 0x8000)


@pytest.mark.parametrize(("size", "expected"), [(0, "00"), (127, "7f"), (128, "8080"), (0x7FFF, "ffff")])
def test_a_length_goes_in_front(size: int, expected: str) -> None:
    w = Writer("X")
    with per.length_prefix(w, "a"):
        w.raw("b", bytes(size))
    assert w.getvalue() == bytes.fromhex(expected) + bytes(size)


def test_a_prefixed_part_has_a_limit() -> None:
    w = Writer("X")
    with pytest.raises(EncodeError, match=r"X\.a: length 32768"), per.length_prefix(w, "a"):
        w.raw("b", bytes(0x8000))


def test_octet_strings_count_from_their_lower_bound() -> None:
    w = Writer("X")
    per.write_octet_string(w, "key", b"Duca", 4)
    assert w.getvalue() == b"\0Duca"
    assert per.read_octet_string(Reader(b"\1Ducat", "X"), "key", 4, 5) == b"Ducat"
    with pytest.raises(DecodeError, match="5 bytes, at most 4 allowed"):
        per.read_octet_string(Reader(b"\1Ducat", "X"), "key", 4, 4)
    with pytest.raises(EncodeError, match="3 bytes, at least 4 expected"):
        per.write_octet_string(Writer("X"), "key", b"Duc", 4)


@pytest.mark.parametrize(
    ("text", "value"), [("0100", 0), ("01ff", 255), ("020100", 256), ("04ffffffff", 0xFFFFFFFF)]
)
def test_integers_both_ways(text: str, value: int) -> None:
    assert per.read_integer(reader(text), "a") == value
    w = Writer("X")
    per.write_integer(w, "a", value)
    assert w.getvalue().hex() == text


@pytest.mark.parametrize("text", ["00", "050000000001"])
def test_integers_of_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(DecodeError, match="expected 1 to 4"):
        per.read_integer(reader(text), "a")


@pytest.mark.parametrize("value", [-1, 0x1_0000_0000])
def test_integers_out_of_range_are_refused(value: int) -> None:
    with pytest.raises(EncodeError, match=r"X\.a"):
        per.write_integer(Writer("X"), "a", value)


def test_constrained_integers() -> None:
    assert per.read_integer_u16(reader("0008"), "a", 1001) == 1009
    assert per.read_integer_u16(reader("fc16"), "a", 1001) == 65535
    w = Writer("X")
    per.write_integer_u16(w, "a", 1009, 1001)
    assert w.getvalue().hex() == "0008"
    with pytest.raises(DecodeError, match="65536, at most 65535 allowed"):
        per.read_integer_u16(reader("fc17"), "a", 1001)
    with pytest.raises(EncodeError, match=r"X\.a: 1000, expected 1001 to 65535"):
        per.write_integer_u16(Writer("X"), "a", 1000, 1001)
    with pytest.raises(EncodeError, match=r"X\.a: 65536, expected 1001 to 65535"):
        per.write_integer_u16(Writer("X"), "a", 65536, 1001)


@given(st.integers(0, per.MAX_LENGTH), st.booleans())
@settings(max_examples=50)
def test_written_lengths_come_back(length: int, two_bytes: bool) -> None:
    w = Writer("X")
    per.write_length(w, "a", length, two_bytes=two_bytes)
    assert per.read_length(Reader(w.getvalue(), "X"), "a") == length
    assert len(w.getvalue()) == (2 if two_bytes or length > 127 else 1)
