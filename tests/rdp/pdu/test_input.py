"""Slow-path input: a row for each event type, wheel arithmetic, and the limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.pdu.input import (
    MAX_SLOW_PATH_EVENTS,
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
    wheel_rotation,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests


def row(name: str, event: InputEvent, hex_text: str) -> Row:
    """One event in its PDU: count, padding, time, then ``hex_text``."""
    return Row(
        f"{name} (2.2.8.1.1.3.1.1, constructed)", InputEvents((event,)), f"0100 0000 00000000 {hex_text}"
    )


ROWS = [
    row("key press", KeyboardEvent(KeyboardFlags(0), 0x1E), "0400 0000 1e00 0000"),
    row(
        "release of the right Control key",
        KeyboardEvent(KeyboardFlags.RELEASE | KeyboardFlags.EXTENDED, 0x1D),
        "0400 0081 1d00 0000",
    ),
    row("Pause, first half", KeyboardEvent(KeyboardFlags.EXTENDED1, 0x1D), "0400 0002 1d00 0000"),
    row("unicode release", UnicodeEvent(KeyboardFlags.RELEASE, 0x20AC), "0500 0080 ac20 0000"),
    row("movement", MouseEvent(PointerFlags.MOVE, 683, 367), "0180 0008 ab02 6f01"),
    row("left button", MouseEvent(PointerFlags.DOWN | PointerFlags.BUTTON1, 700, 5), "0180 0090 bc02 0500"),
    row("wheel towards the user", MouseEvent(wheel_flags(-120), 0, 0), "0180 8803 0000 0000"),
    row(
        "button 5",
        ExtendedMouseEvent(ExtendedPointerFlags.DOWN | ExtendedPointerFlags.BUTTON2, 1, 2),
        "0280 0280 0100 0200",
    ),
    row(
        "relative movement",
        RelativeMouseEvent(RelativePointerFlags.MOVE, -1, 300),
        "0480 0008 ffff 2c01",
    ),
    row(
        "locks",
        SynchronizeEvent(ToggleFlags.NUM_LOCK | ToggleFlags.KANA_LOCK),
        "0000 0000 0a000000",
    ),
    row("unused", UnusedEvent(), "0200 00000000 0000"),
    row("of an unknown type", UnknownInputEvent(MessageType(3), b"\1\2\3\4\5\6"), "0300 010203040506"),
    Row("no events (constructed)", InputEvents(()), "0000 0000"),
    Row(
        "two events with time stamps (constructed)",
        InputEvents(
            (KeyboardEvent(KeyboardFlags(0), 0x1E), KeyboardEvent(KeyboardFlags.RELEASE, 0x1E)), (1000, 1080)
        ),
        """0200 0000
           e8030000 0400 0000 1e00 0000   # A pressed at 1000
           38040000 0400 0080 1e00 0000   # and released at 1080""",
    ),
]

TestRows = row_tests(ROWS)


@pytest.mark.parametrize(
    ("flags", "rotation"),
    [(0x0278, 120), (0x0388, -120), (0x0300, -256), (0x02FF, 255), (0x03FF, -1), (0x0200, 0)],
)
def test_rotation_is_nine_bits_signed(flags: int, rotation: int) -> None:
    assert wheel_rotation(PointerFlags(flags)) == rotation
    assert wheel_flags(rotation) == flags


def test_a_wheel_event_says_which_wheel() -> None:
    vertical = MouseEvent(wheel_flags(120), 0, 0)
    horizontal = MouseEvent(wheel_flags(-120, PointerFlags.HWHEEL), 0, 0)
    both = MouseEvent(wheel_flags(120) | PointerFlags.HWHEEL, 0, 0)
    neither = MouseEvent(PointerFlags.MOVE, 5, 5)
    assert [e.is_wheel for e in (vertical, horizontal, both, neither)] == [True, False, True, False]
    assert [e.is_horizontal_wheel for e in (vertical, horizontal, both, neither)] == [
        False,
        True,
        False,
        False,
    ]
    assert [e.wheel_rotation for e in (vertical, horizontal, both, neither)] == [120, -120, 120, 0]


def test_keyboard_flags_have_names() -> None:
    # QUIRK(FreeRDP 2.11): DOWN on a plain press; it is kept, and a press it stays
    press = KeyboardEvent(KeyboardFlags.DOWN | KeyboardFlags.EXTENDED, 0x48)
    assert (press.is_release, press.is_extended, press.is_extended1) == (False, True, False)
    pause = KeyboardEvent(KeyboardFlags.RELEASE | KeyboardFlags.EXTENDED1, 0x1D)
    assert (pause.is_release, pause.is_extended, pause.is_extended1) == (True, False, True)
    assert UnicodeEvent(KeyboardFlags.RELEASE, 65).is_release
    assert not UnicodeEvent(KeyboardFlags(0), 65).is_release


def test_an_absurd_count_is_refused_before_it_is_believed() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(InputEvents, bytes.fromhex("ffff 0000"))
    assert (
        str(caught.value)
        == f"InputEvents.numEvents: 65535, at most {MAX_SLOW_PATH_EVENTS} allowed (offset 0)"
    )


def test_what_only_the_fast_path_has_is_not_encoded() -> None:
    with pytest.raises(EncodeError, match="fast path only"):
        encode(InputEvents((QoeTimestampEvent(1),)))


def test_times_must_match_the_events() -> None:
    with pytest.raises(EncodeError, match="2 times for 1 events"):
        encode(InputEvents((UnusedEvent(),), (1, 2)))


u16 = st.integers(0, 0xFFFF)
i16 = st.integers(-0x8000, 0x7FFF)
EVENTS = st.one_of(
    st.builds(KeyboardEvent, u16.map(KeyboardFlags), u16),
    st.builds(UnicodeEvent, u16.map(KeyboardFlags), u16),
    st.builds(MouseEvent, u16.map(PointerFlags), u16, u16),
    st.builds(ExtendedMouseEvent, u16.map(ExtendedPointerFlags), u16, u16),
    st.builds(RelativeMouseEvent, u16.map(RelativePointerFlags), i16, i16),
    st.builds(SynchronizeEvent, st.integers(0, 0xFFFFFFFF).map(ToggleFlags)),
    st.just(UnusedEvent()),
)


@given(st.lists(EVENTS, max_size=20))
@settings(max_examples=100)
def test_round_trip(events: list[InputEvent]) -> None:
    pdu = InputEvents(tuple(events))
    assert decode(InputEvents, encode(pdu)) == pdu


@given(st.binary(max_size=80), st.integers(0, 4))
@settings(max_examples=100)
def test_garbage_raises_only_peer_errors(data: bytes, count: int) -> None:
    try:
        pdu = decode(InputEvents, bytes([count, 0]) + data)
    except PeerError:
        return
    assert decode(InputEvents, encode(pdu)) == pdu
