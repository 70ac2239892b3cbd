"""BER: each type both ways, the length forms, and what is refused."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import Reader, Writer, ber


def reader(text: str) -> Reader:
    return Reader(bytes.fromhex(text), "X")


@pytest.mark.parametrize(
    ("form", "length"),
    [("7f", 127), ("81 80", 128), ("82 0100", 256), ("83 000003", 3), ("84 00000002", 2), ("81 00", 0)],
)
def test_every_definite_length_form_is_read(form: str, length: int) -> None:
    r = Reader(bytes.fromhex(form) + bytes(length), "X")
    assert ber.read_length(r, "a") == length
    assert r.remaining == length


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("80 00 00", "length of 0 bytes, expected 1 to 4"),  # indefinite
        ("85 0000000001 00", "length of 5 bytes, expected 1 to 4"),
        ("02 00", "length 2, but 1 bytes follow"),
        ("84 ffffffff", "length 4294967295, but 0 bytes follow"),
    ],
)
def test_other_lengths_are_refused(text: str, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        ber.read_length(reader(text), "a")
    assert caught.value.reason == reason
    assert caught.value.path == "X.a"


@pytest.mark.parametrize(
    ("size", "expected"), [(0, "00"), (127, "7f"), (128, "81 80"), (255, "81 ff"), (256, "82 01 00")]
)
def test_the_shortest_length_form_is_written(size: int, expected: str) -> None:
    w = Writer("X")
    ber.write_octet_string(w, "a", bytes(size))
    assert w.getvalue() == bytes.fromhex("04" + expected) + bytes(size)


def test_nested_headers() -> None:
    w = Writer("X")
    with ber.application_header(w, "outer", 101), ber.header(w, "inner", ber.TAG_SEQUENCE):
        w.raw("value", bytes(200))
    assert w.getvalue() == bytes.fromhex("7f65 81cb 30 81c8") + bytes(200)
    r = Reader(w.getvalue(), "X")
    ber.read_application_header(r, "outer", 101)
    assert ber.read_header(r, "inner", ber.TAG_SEQUENCE) == 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7e 65 00", "0x7e, expected 0x7f"), ("7f 66 00", "0x66, expected 0x65")],
)
def test_another_application_tag_is_refused(text: str, expected: str) -> None:
    with pytest.raises(DecodeError, match=expected):
        ber.read_application_header(reader(text), "outer", 101)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("02 01 00", 0),
        ("02 01 7f", 127),
        ("02 02 0080", 128),
        ("02 02 7fff", 32767),
        ("02 03 00ffff", 65535),
        ("02 05 00ffffffff", 0xFFFFFFFF),
    ],
)
def test_integers_both_ways(text: str, value: int) -> None:
    assert ber.read_integer(reader(text), "a") == value
    w = Writer("X")
    ber.write_integer(w, "a", value)
    assert w.getvalue() == bytes.fromhex(text)


@pytest.mark.parametrize(("text", "value", "size"), [("02 02 ffff", 65535, 2), ("02 02 0022", 34, 2)])
def test_integers_keep_their_size_on_demand(text: str, value: int, size: int) -> None:
    assert ber.read_sized_integer(reader(text), "a") == (value, size)
    w = Writer("X")
    ber.write_integer(w, "a", value, size)
    assert w.getvalue() == bytes.fromhex(text)


@pytest.mark.parametrize("text", ["02 00", "02 06 000000000001", "02 05 0100000000", "03 01 00", "02 01"])
def test_other_integers_are_refused(text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        ber.read_integer(reader(text), "a")
    assert caught.value.path == "X.a"


@pytest.mark.parametrize(("value", "size"), [(-1, 0), (0x1_0000_0000, 0), (256, 1)])
def test_integers_that_do_not_fit_are_refused(value: int, size: int) -> None:
    with pytest.raises(EncodeError, match=r"X\.a"):
        ber.write_integer(Writer("X"), "a", value, size)


def test_enumerated_and_boolean() -> None:
    w = Writer("X")
    ber.write_enumerated(w, "a", 14)
    ber.write_boolean(w, "b", True)
    ber.write_boolean(w, "c", False)
    assert w.getvalue() == bytes.fromhex("0a010e 0101ff 010100")
    r = Reader(w.getvalue(), "X")
    assert (ber.read_enumerated(r, "a"), ber.read_boolean(r, "b"), ber.read_boolean(r, "c")) == (
        14,
        True,
        False,
    )
    assert ber.read_boolean(reader("01 01 01"), "a") is True  # BER, unlike DER, takes any non-zero byte


@pytest.mark.parametrize(
    ("read", "text"), [(ber.read_enumerated, "0a 02 0001"), (ber.read_boolean, "01 02 ffff")]
)
def test_single_byte_types_have_one_byte(read: Callable[[Reader, str], int], text: str) -> None:
    with pytest.raises(DecodeError, match="of 2 bytes, expected 1"):
        read(reader(text), "a")


def test_an_octet_string_has_a_limit() -> None:
    assert ber.read_octet_string(reader("04 02 abcd"), "a", 2) == b"\xab\xcd"
    with pytest.raises(DecodeError, match="2 bytes, at most 1 allowed"):
        ber.read_octet_string(reader("04 02 abcd"), "a", 1)


@given(st.integers(0, ber.MAX_INTEGER))
@settings(max_examples=50)
def test_written_integers_are_shortest_and_come_back(value: int) -> None:
    w = Writer("X")
    ber.write_integer(w, "a", value)
    r = Reader(w.getvalue(), "X")
    assert ber.read_integer(r, "a") == value
    assert r.remaining == 0
    # X.690 8.3.2: the first nine bits are never all zero, so one byte less would read as negative or not fit.
    size = len(w.getvalue()) - 2
    assert size == 1 or value >> (8 * size - 9)
