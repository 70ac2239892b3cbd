"""Payloads: bytes that know their place in the frame, through any number of envelopes."""

import copy
import pickle

import pytest

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import Payload, Reader, frame_offset


def test_a_payload_is_bytes_with_a_place() -> None:
    r = Reader(b"\x01\x02\x03\x04", "Outer")
    r.u8("first")
    payload = r.payload("payload")
    assert payload == b"\x02\x03\x04"
    assert hash(payload) == hash(b"\x02\x03\x04")
    assert repr(payload) == repr(b"\x02\x03\x04")
    assert payload.offset == 1
    assert r.remaining == 0


def test_a_reader_over_a_payload_counts_on() -> None:
    outer = Reader(bytes(10), "Outer")
    outer.pad("header", 3)
    middle = Reader(outer.payload("payload"), "Middle")
    middle.pad("header", 2)
    assert (middle.offset, middle.position) == (5, 2)
    inner = Reader(middle.payload("payload", 4), "Inner")
    inner.u16_le("number")
    assert inner.offset == 7
    assert inner.error("number", "wrong").offset == 5
    with pytest.raises(DecodeError, match=r"Inner\.more: need 3 bytes, 2 left \(offset 7\)"):
        inner.raw("more", 3)
    with pytest.raises(DecodeError, match=r"Inner: 2 bytes too many \(offset 7\)"):
        inner.finish("")
    with (
        pytest.raises(DecodeError, match=r"Inner\.part: 1 bytes too many \(offset 8\)"),
        inner.region("part", 2),
    ):
        inner.u8("one")


def test_a_payload_cannot_be_longer_than_what_is_there() -> None:
    with pytest.raises(DecodeError, match=r"Outer\.payload: need 3 bytes, 2 left \(offset 0\)"):
        Reader(b"ab", "Outer").payload("payload", 3)
    with pytest.raises(DecodeError, match="negative size"):
        Reader(b"ab", "Outer").payload("payload", -1)


def test_where_bytes_are() -> None:
    assert frame_offset(Payload.at(7, b"ab")) == 7
    assert frame_offset(Payload.at(0, b"ab"), 9) == 0
    assert frame_offset(b"ab") == 0
    assert frame_offset(b"ab", 9) == 9
    assert frame_offset(Payload.at(7, b"ab")[1:]) == 0


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_copies_keep_their_place(duplicate: object) -> None:
    assert callable(duplicate)
    payload = duplicate(Payload.at(7, b"ab"))
    assert payload == b"ab"
    assert frame_offset(payload) == 7
