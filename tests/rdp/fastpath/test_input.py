"""Fast-path input: a row for each event, normalized flags, and every recorded mstsc unit."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.fastpath.header import FastPathFlags
from pyrdpmux.rdp.fastpath.input import FastPathInput, decode_input_events, encode_input_events
from pyrdpmux.rdp.pdu.input import (
    ExtendedMouseEvent,
    ExtendedPointerFlags,
    InputEvent,
    InputEvents,
    KeyboardEvent,
    KeyboardFlags,
    MessageType,
    MouseEvent,
    PointerFlags,
    QoeTimestampEvent,
    RelativeMouseEvent,
    RelativePointerFlags,
    SynchronizeEvent,
    ToggleFlags,
    UnicodeEvent,
    UnknownInputEvent,
    UnusedEvent,
    wheel_flags,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests, unhex

MSTSC = Path(__file__).parents[3] / "../shared/vectors/mstsc"

A = KeyboardEvent(KeyboardFlags(0), 0x1E)


def release(key_code: int, flags: KeyboardFlags = KeyboardFlags.RELEASE) -> KeyboardEvent:
    return KeyboardEvent(KeyboardFlags.RELEASE | flags, key_code)


def row(name: str, event: InputEvent, hex_text: str) -> Row:
    """One event in its PDU."""
    size = len(unhex(hex_text)) + 2
    return Row(f"{name} (2.2.8.1.2.2, constructed)", FastPathInput((event,)), f"04 {size:02x} {hex_text}")


ROWS = [
    row("key press", A, "00 1e"),
    row("key release", KeyboardEvent(KeyboardFlags.RELEASE, 0x1E), "01 1e"),
    row("extended press", KeyboardEvent(KeyboardFlags.EXTENDED, 0x48), "02 48"),
    row("Pause release", KeyboardEvent(KeyboardFlags.EXTENDED1 | KeyboardFlags.RELEASE, 0x1D), "05 1d"),
    row("key with undefined flags", KeyboardEvent(KeyboardFlags(0x18), 0x1E), "18 1e"),
    row("movement", MouseEvent(PointerFlags.MOVE, 683, 367), "20 0008 ab02 6f01"),
    row("wheel", MouseEvent(wheel_flags(-120), 0, 0), "20 8803 0000 0000"),
    row(
        "button 4",
        ExtendedMouseEvent(ExtendedPointerFlags.DOWN | ExtendedPointerFlags.BUTTON1, 1, 2),
        "40 0180 0100 0200",
    ),
    row("locks", SynchronizeEvent(ToggleFlags.CAPS_LOCK | ToggleFlags.NUM_LOCK), "66"),
    row("unicode release", UnicodeEvent(KeyboardFlags.RELEASE, 0x20AC), "81 ac20"),
    row("relative movement", RelativeMouseEvent(RelativePointerFlags.MOVE, -1, 300), "a0 0008 ffff 2c01"),
    row("QoE timestamp", QoeTimestampEvent(0x01020304), "c0 04030201"),
    Row(
        "QoE timestamp and movement (shared/vectors Example_1)",
        FastPathInput(
            (QoeTimestampEvent(0x001294E6), MouseEvent(PointerFlags.MOVE, 0x027D, 0x026D)),
            FastPathFlags.SECURE_CHECKSUM,  # QUIRK(mstsc): set although nothing is encrypted
        ),
        "48 0e c0 e6941200 20 0008 7d02 6d02",
    ),
    Row(
        "focus comes to mstsc: locks, and every modifier released (shared/vectors Example_1)",
        FastPathInput(
            (
                QoeTimestampEvent(0x00129706),
                release(0x0F),
                SynchronizeEvent(ToggleFlags(0)),
                release(0x2A),
                release(0x36),
                release(0x1D),
                release(0x1D, KeyboardFlags.EXTENDED),
                release(0x0F),
                release(0x38),
                release(0x0F),
                release(0x38, KeyboardFlags.EXTENDED),
                release(0x0F),
            ),
            FastPathFlags.SECURE_CHECKSUM,
        ),
        "70 1c c0 06971200 01 0f 60 01 2a 01 36 01 1d 03 1d 01 0f 01 38 01 0f 03 38 01 0f",
    ),
    Row("fifteen events (constructed)", FastPathInput((A,) * 15), "3c 20" + "001e" * 15),
    Row("sixteen events, counted apart (constructed)", FastPathInput((A,) * 16), "00 23 10" + "001e" * 16),
    Row(
        "a count apart without need (constructed)", FastPathInput((A,), has_count_byte=True), "00 05 01 001e"
    ),
    Row("no events (constructed)", FastPathInput(()), "00 03 00"),
    Row("long length without need (constructed)", FastPathInput((A,), has_long_length=True), "04 8005 001e"),
    Row(
        "most events (constructed)",
        FastPathInput((MouseEvent(PointerFlags.MOVE, 1, 2),) * 255),
        "00 86fd ff" + "20000801000200" * 255,
    ),
]

TestRows = row_tests(ROWS)


def test_a_body_decodes_after_decryption() -> None:
    # MS-RDPBCGR 4.7, the decrypted fpInputEvents
    events = decode_input_events(unhex("20 00 08 ab 02 6f 01"), 1)
    assert events == (MouseEvent(PointerFlags.MOVE, 683, 367),)
    assert encode_input_events(events) == (1, unhex("20 00 08 ab 02 6f 01"))
    assert encode_input_events((A,) * 16) == (0, unhex("10" + "001e" * 16))


def test_down_has_no_fast_path_form() -> None:
    assert encode_input_events([KeyboardEvent(KeyboardFlags.DOWN, 0x1E)]) == (1, unhex("00 1e"))


@pytest.mark.parametrize(
    ("body", "number", "message"),
    [
        ("e0", 1, "FastPathInput.eventHeader: unknown event code 7 (offset 0)"),
        ("00 1e 00", 1, "FastPathInput.fpInputEvents: 1 bytes too many (offset 2)"),
        ("00 1e", 2, "FastPathInput.eventHeader: need 1 bytes, 0 left (offset 2)"),
        ("", 0, "FastPathInput.numEvents: need 1 bytes, 0 left (offset 0)"),
    ],
)
def test_what_is_wrong_is_named(body: str, number: int, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_input_events(unhex(body), number)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "event",
    [
        UnusedEvent(),
        UnknownInputEvent(MessageType(3), bytes(6)),
        KeyboardEvent(KeyboardFlags(0), 0x100),
        SynchronizeEvent(ToggleFlags(0x20)),
    ],
)
def test_what_does_not_fit_the_fast_path_is_not_encoded(event: InputEvent) -> None:
    with pytest.raises(EncodeError):
        encode_input_events([event])


def test_more_than_255_events_are_not_encoded() -> None:
    with pytest.raises(EncodeError, match="numEvents"):
        encode_input_events((A,) * 256)


@pytest.mark.skipif(not MSTSC.exists(), reason=f"{MSTSC} is not there")
def test_every_recorded_unit_re_encodes_identically() -> None:
    count = 0
    for path in MSTSC.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            unit = json.loads(line)
            if (unit["kind"], unit["dir"]) == ("fp", "c2s"):
                pdu = decode(FastPathInput, bytes.fromhex(unit["hex"]))
                assert encode(pdu).hex() == unit["hex"]
                assert isinstance(pdu.events[0], QoeTimestampEvent)
                count += 1
    assert count == 42


u16 = st.integers(0, 0xFFFF)
i16 = st.integers(-0x8000, 0x7FFF)
KEY_FLAGS = st.sampled_from([0, 0x100, 0x200, 0x8000, 0x8100, 0x8200]).map(KeyboardFlags)
SHARED_EVENTS = st.one_of(
    st.builds(KeyboardEvent, KEY_FLAGS, st.integers(0, 0xFF)),
    st.builds(UnicodeEvent, KEY_FLAGS, u16),
    st.builds(MouseEvent, u16.map(PointerFlags), u16, u16),
    st.builds(ExtendedMouseEvent, u16.map(ExtendedPointerFlags), u16, u16),
    st.builds(RelativeMouseEvent, u16.map(RelativePointerFlags), i16, i16),
    st.builds(SynchronizeEvent, st.integers(0, 0x1F).map(ToggleFlags)),
)


@given(st.lists(SHARED_EVENTS, max_size=30))
@settings(max_examples=100)
def test_both_paths_give_the_same_events(events: list[InputEvent]) -> None:
    fast = decode(FastPathInput, encode(FastPathInput(tuple(events))))
    slow = decode(InputEvents, encode(InputEvents(tuple(events))))
    assert fast.events == slow.events == tuple(events)


@given(st.binary(max_size=60), st.integers(0, 15), st.integers(0, 3))
@settings(max_examples=100)
def test_garbage_raises_only_peer_errors(body: bytes, number: int, flags: int) -> None:
    try:
        pdu = decode(FastPathInput, bytes([flags << 6 | number << 2, len(body) + 2]) + body)
    except PeerError:
        return
    assert decode(FastPathInput, encode(pdu)) == pdu
