import pytest

from pyrdpmux.mux.input.arbiter import InputArbiter
from pyrdpmux.mux.input.turns import Turns, is_deliberate
from pyrdpmux.rdp.pdu.input import (
    ExtendedMouseEvent,
    ExtendedPointerFlags,
    InputEvent,
    KeyboardEvent,
    KeyboardFlags,
    MouseEvent,
    PointerFlags,
    RelativeMouseEvent,
    RelativePointerFlags,
    SynchronizeEvent,
    ToggleFlags,
    UnicodeEvent,
    wheel_flags,
)
from tests.mux.recording_sink import RecordingSink

PRESS = KeyboardEvent(KeyboardFlags(0), 0x1E)
RELEASE = KeyboardEvent(KeyboardFlags.RELEASE, 0x1E)
MOTION = MouseEvent(PointerFlags.MOVE, 1, 2)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (PRESS, True),
        (RELEASE, False),
        (UnicodeEvent(KeyboardFlags(0), 65), True),
        (UnicodeEvent(KeyboardFlags.RELEASE, 65), False),
        (MOTION, False),
        (MouseEvent(PointerFlags.BUTTON1 | PointerFlags.DOWN, 1, 2), True),
        (MouseEvent(PointerFlags.BUTTON1, 1, 2), False),
        (MouseEvent(PointerFlags.WHEEL | wheel_flags(120), 0, 0), True),
        (ExtendedMouseEvent(ExtendedPointerFlags.BUTTON1 | ExtendedPointerFlags.DOWN, 1, 2), True),
        (RelativeMouseEvent(RelativePointerFlags.MOVE, 1, 2), False),
        (RelativeMouseEvent(RelativePointerFlags.BUTTON4 | RelativePointerFlags.DOWN, 0, 0), True),
        (SynchronizeEvent(ToggleFlags(0)), False),
    ],
)
def test_what_takes_a_turn(event: InputEvent, expected: bool) -> None:
    assert is_deliberate(event) is expected


def test_another_may_begin_once_the_first_keeps_still() -> None:
    turns = Turns(5)
    assert not turns.allows("a", MOTION, 0)
    assert turns.allows("a", PRESS, 0)
    assert not turns.allows("b", PRESS, 4.9)
    assert turns.allows("a", MOTION, 4)  # moving keeps it
    assert not turns.allows("b", PRESS, 8.9)
    assert not turns.allows("b", MOTION, 9.1)
    assert turns.allows("b", PRESS, 9.1)
    assert not turns.allows("a", PRESS, 9.2)


def test_who_leaves_waits_for_nobody() -> None:
    turns = Turns(5)
    turns.allows("a", PRESS, 0)
    turns.leave("b")
    assert not turns.allows("b", PRESS, 1)
    turns.leave("a")
    assert turns.allows("b", PRESS, 1)


def test_what_the_last_typist_held_is_let_go() -> None:
    sink = RecordingSink()
    arbiter = InputArbiter(sink)
    arbiter.turns = Turns(5)
    arbiter.apply("a", [PRESS], 0)
    arbiter.apply("b", [KeyboardEvent(KeyboardFlags(0), 0x1F)], 1)
    assert sink.take() == ["1e down"]
    arbiter.apply("b", [KeyboardEvent(KeyboardFlags(0), 0x1F)], 6)
    assert sink.take() == ["1e up", "1f down"]
    arbiter.apply("a", [RELEASE, MOTION], 7)
    assert sink.take() == []
    arbiter.leave("b")
    assert sink.take() == ["1f up"]
