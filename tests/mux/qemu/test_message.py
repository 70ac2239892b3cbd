"""D-Bus messages: the bytes of QEMU 7.2 as recorded, and what may not be believed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.mux.qemu.message import (
    FIXED_SIZE,
    MAX_FIELDS,
    Header,
    Message,
    MessageFlags,
    MessageKind,
    decode_message,
    encode_message,
    error_return,
    method_call,
    method_return,
    read_fields,
    read_fixed_part,
)
from pyrdpmux.mux.qemu.wire import MAX_MESSAGE


def test_method_call() -> None:
    message = method_call(3, "/a", "", "M", "s", "x")
    data = encode_message(message)
    assert data[:FIXED_SIZE] == bytes.fromhex("6c 01 00 01 06000000 03000000 27000000")
    fields = bytes.fromhex(
        "01 01 6f 00 02000000 2f61 00 0000000000"  # PATH, object path, "/a"
        "03 01 73 00 01000000 4d 00 000000000000"  # MEMBER, string, "M"
        "08 01 67 00 01 73 00"  # SIGNATURE, signature, "s"
    )
    assert data[FIXED_SIZE : FIXED_SIZE + len(fields)] == fields
    assert data[-6:] == bytes.fromhex("01000000 78 00")
    assert len(data) % 8 == 6
    assert decode_message(data) == message
    assert message.wants_reply


def test_answers() -> None:
    reply = method_return(1, 9, "u", 5, destination=":1.4")
    assert decode_message(encode_message(reply)) == reply
    assert reply.header == Header(reply_serial=9, signature="u", destination=":1.4")
    error = error_return(2, 9, "a.b", "no")
    assert decode_message(encode_message(error)) == error
    assert not error.wants_reply
    assert not method_call(1, "/", "a", "b", flags=MessageFlags.NO_REPLY_EXPECTED).wants_reply


@pytest.mark.parametrize(
    "data",
    [
        "42 01 00 01 00000000 01000000 00000000",  # big-endian
        "6c 01 00 02 00000000 01000000 00000000",  # version 2
        f"6c 01 00 01 {(MAX_MESSAGE + 1).to_bytes(4, 'little').hex()} 01000000 00000000",
        f"6c 01 00 01 00000000 01000000 {(MAX_FIELDS + 1).to_bytes(4, 'little').hex()}",
        "6c 01 00",
    ],
)
def test_bad_beginnings(data: str) -> None:
    with pytest.raises(DecodeError):
        read_fixed_part(bytes.fromhex(data))


def test_field_of_the_wrong_type() -> None:
    with pytest.raises(DecodeError):
        read_fields(bytes.fromhex("01 01 73 00 02000000 2f61 00"))


def test_unknown_fields_are_skipped() -> None:
    assert read_fields(bytes.fromhex("63 01 73 00 02000000 2f61 00")) == Header()


@given(st.binary(max_size=120))
@settings(max_examples=100, deadline=None)
def test_garbage(data: bytes) -> None:
    for candidate in (data, bytes.fromhex("6c010001 08000000 01000000 10000000") + data):
        try:
            message = decode_message(candidate)
        except DecodeError:
            continue
        assert decode_message(encode_message(message)).header == message.header


@given(
    st.sampled_from(list(MessageKind)),
    st.integers(1, 0xFFFFFFFF),
    st.text(max_size=20),
    st.integers(0, 0xFFFFFFFF),
    st.text(max_size=20),
)
@settings(max_examples=50, deadline=None)
def test_round_trip(kind: MessageKind, serial: int, member: str, reply_serial: int, value: str) -> None:
    header = Header(member=member, reply_serial=reply_serial, signature="s")
    message = Message(kind, serial, header, (value,))
    assert decode_message(encode_message(message)) == message
