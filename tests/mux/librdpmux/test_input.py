"""Section 7.3: what a guest gets to see, whatever viewers do; and that our guests understand section 7.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.librdpmux.input import InputSender, dispatch_keyboard, dispatch_mouse
from pyrdpmux.mux.librdpmux.messages import Keyboard, Mouse, SizeRequest
from tests.mux.support.fake_host import InputNotes

MOVE = 0x0800


class Wire:
    def __init__(self) -> None:
        self.messages: list[Mouse | Keyboard | SizeRequest] = []
        self.input = InputSender(self.messages.append, lambda: (800, 600))


@pytest.mark.parametrize(
    ("scancode", "extended", "extended1", "down", "expected"),
    [
        (0x1E, False, False, True, Keyboard(0x1E, 0x4000)),
        (0x1E, False, False, False, Keyboard(0x1E, 0x8000)),
        (0x48, True, False, True, Keyboard(0x48, 0x4100)),
        (0x48, True, False, False, Keyboard(0x48, 0x8100)),
        (0x1D, False, True, True, Keyboard(0x1D, 0x4000)),
        (0x1D, False, True, False, Keyboard(0x1D, 0x8000)),
    ],
)
def test_keys(scancode: int, extended: bool, extended1: bool, down: bool, expected: Keyboard) -> None:
    wire = Wire()
    wire.input.key(scancode, extended=extended, extended1=extended1, down=down)
    assert wire.messages == [expected]


@pytest.mark.parametrize(
    ("button", "down", "flags"),
    [
        (Button.LEFT, True, 0x9000),
        (Button.LEFT, False, 0x1000),
        (Button.RIGHT, True, 0xA000),
        (Button.RIGHT, False, 0x2000),
        (Button.MIDDLE, True, 0xC000),
        (Button.MIDDLE, False, 0x4000),
    ],
)
def test_a_move_comes_before_a_button(button: Button, down: bool, flags: int) -> None:
    wire = Wire()
    wire.input.button(button, down=down, x=30, y=40)
    wire.input.button(button, down=not down, x=30, y=40)
    assert wire.messages == [Mouse(30, 40, MOVE), Mouse(30, 40, flags), Mouse(30, 40, flags ^ 0x8000)]


def test_a_new_screen_forgets_where_the_pointer_was() -> None:
    wire = Wire()
    wire.input.pointer(1, 2)
    wire.input.pointer(1, 2)
    wire.input.forget_position()
    wire.input.pointer(1, 2)
    assert wire.messages == [Mouse(1, 2, MOVE)] * 2


@pytest.mark.parametrize(
    ("rotation", "horizontal", "flags"),
    [
        (120, False, 0x0278),
        (-120, False, 0x0388),
        (120, True, 0x0478),
        (-1, True, 0x05FF),
        (100000, False, 0x02FF),
        (-100000, False, 0x0300),
    ],
)
def test_wheel(rotation: int, horizontal: bool, flags: int) -> None:
    wire = Wire()
    wire.input.wheel(rotation, horizontal=horizontal, x=5, y=6)
    assert wire.messages == [Mouse(5, 6, MOVE), Mouse(5, 6, flags)]


def test_relative_motion_becomes_absolute() -> None:
    wire = Wire()
    wire.input.relative(10, -5)
    wire.input.relative(-1000, 1)
    assert wire.messages == [Mouse(410, 295, MOVE), Mouse(0, 296, MOVE)]


def test_what_the_protocol_does_not_know() -> None:
    wire = Wire()
    wire.input.synchronize(7)
    wire.input.button(Button.X1, down=True, x=3, y=3)
    assert wire.messages == [Mouse(3, 3, MOVE)]


positions = st.integers(-(2**17), 2**17)
actions = st.one_of(
    st.tuples(st.just("key"), st.integers(0, 300), st.booleans(), st.booleans(), st.booleans()),
    st.tuples(st.just("pointer"), positions, positions),
    st.tuples(st.just("relative"), positions, positions),
    st.tuples(st.just("button"), st.sampled_from(Button), st.booleans(), positions, positions),
    st.tuples(st.just("wheel"), st.integers(-999, 999), st.booleans(), positions, positions),
)


@given(st.lists(actions, max_size=30))
def test_only_the_normal_forms_leave_and_are_understood(steps: list[tuple[str, int, int, int, int]]) -> None:
    wire, notes = Wire(), InputNotes()
    for step in steps:
        match step:
            case ("key", code, extended, extended1, down):
                wire.input.key(code, extended=bool(extended), extended1=bool(extended1), down=bool(down))
            case ("button", button, down, x, y):
                assert isinstance(button, Button)
                wire.input.button(button, down=bool(down), x=x, y=y)
            case ("wheel", rotation, horizontal, x, y):
                wire.input.wheel(rotation, horizontal=bool(horizontal), x=x, y=y)
            case (name, *arguments):
                getattr(wire.input, name)(*arguments)
    for message in wire.messages:
        before = len(notes.events)
        if isinstance(message, Keyboard):
            assert message.flags in (0x4000, 0x4100, 0x8000, 0x8100)
            assert 0 <= message.code <= 0xFF
            dispatch_keyboard(message, notes)
        else:
            assert isinstance(message, Mouse)
            assert 0 <= message.x < 800
            assert 0 <= message.y < 600
            single = (MOVE, 0x1000, 0x2000, 0x4000, 0x9000, 0xA000, 0xC000)
            assert message.flags in single or message.flags & ~0x01FF in (0x0200, 0x0400)
            dispatch_mouse(message, notes)
        assert len(notes.events) == before + 1


def test_a_guest_takes_combined_events() -> None:
    notes = InputNotes()
    dispatch_mouse(Mouse(3, 4, 0x8000 | 0x0800 | 0x1000 | 0x4000), notes)
    dispatch_keyboard(Keyboard(0x1D, 0x0200 | 0xC000), notes)  # raw slow path: down before, released now
    assert notes.events == [
        ("pointer", 3, 4),
        ("button", Button.LEFT, True, 3, 4),
        ("button", Button.MIDDLE, True, 3, 4),
        ("key", 0x1D, False, True, False),
    ]
