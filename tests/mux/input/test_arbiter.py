from pyrdpmux.mux.input.arbiter import InputArbiter
from pyrdpmux.mux.input.input_state import MAX_HELD
from pyrdpmux.rdp.pdu.input import (
    ExtendedMouseEvent,
    ExtendedPointerFlags,
    InputEvent,
    KeyboardEvent,
    KeyboardFlags,
    MouseEvent,
    PointerFlags,
    QoeTimestampEvent,
    RelativeMouseEvent,
    RelativePointerFlags,
    SynchronizeEvent,
    ToggleFlags,
    UnicodeEvent,
    UnusedEvent,
    wheel_flags,
)
from tests.mux.recording_sink import CharacterSink

CTRL, KEY_A, NUM_LOCK = 0x1D, 0x1E, 0x45
UP = KeyboardFlags.RELEASE
NONE = KeyboardFlags(0)


def key(code: int, flags: KeyboardFlags = NONE) -> KeyboardEvent:
    return KeyboardEvent(flags, code)


def told(*events: InputEvent) -> list[str]:
    """What the VM hears when one viewer sends these events."""
    sink = CharacterSink()
    InputArbiter(sink).apply("viewer", events)
    return sink.told


def test_keys() -> None:
    assert told(key(KEY_A), key(KEY_A, UP)) == ["1e down", "1e up"]
    assert told(key(0x48, KeyboardFlags.EXTENDED)) == ["e0 48 down"]


def test_a_press_may_say_that_the_key_was_down_before() -> None:
    """QUIRK(FreeRDP 2.11) sets that flag on every press."""
    assert told(key(KEY_A, KeyboardFlags.DOWN)) == ["1e down"]
    assert told(key(KEY_A, KeyboardFlags.DOWN | UP)) == ["1e up"]


def test_a_held_key_repeats() -> None:
    assert told(key(KEY_A), key(KEY_A), key(KEY_A, UP)) == ["1e down", "1e down", "1e up"]


def test_pause_arrives_as_the_sequence_of_the_keyboard() -> None:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1.1: E1 1D 45, then both up."""
    e1 = KeyboardFlags.EXTENDED1
    assert told(key(CTRL, e1), key(NUM_LOCK), key(CTRL, e1 | UP), key(NUM_LOCK, UP)) == [
        "e1 1d down",
        "45 down",
        "e1 1d up",
        "45 up",
    ]


def test_unicode() -> None:
    assert told(UnicodeEvent(NONE, 0x20AC), UnicodeEvent(UP, 0x20AC)) == ["u20ac down", "u20ac up"]


def test_the_pointer_and_its_buttons() -> None:
    move = MouseEvent(PointerFlags.MOVE, 7, 8)
    left = MouseEvent(PointerFlags.BUTTON1 | PointerFlags.DOWN, 9, 8)
    both = MouseEvent(
        PointerFlags.BUTTON2 | PointerFlags.BUTTON3 | PointerFlags.DOWN | PointerFlags.MOVE, 1, 2
    )
    assert told(move, left, MouseEvent(PointerFlags.BUTTON1, 9, 9), both) == [
        "to 7,8",
        "LEFT down 9,8",
        "LEFT up 9,9",
        "to 1,2",
        "RIGHT down 1,2",
        "MIDDLE down 1,2",
    ]


def test_the_fourth_and_fifth_button() -> None:
    fourth = ExtendedPointerFlags.BUTTON1
    assert told(
        ExtendedMouseEvent(fourth | ExtendedPointerFlags.DOWN, 5, 6),
        ExtendedMouseEvent(fourth, 5, 7),
        ExtendedMouseEvent(ExtendedPointerFlags.BUTTON2 | ExtendedPointerFlags.DOWN, 5, 7),
    ) == ["X1 down 5,6", "X1 up 5,7", "X2 down 5,7"]


def test_wheels_turn_where_the_pointer_is() -> None:
    """QUIRK(FreeRDP 2.11): a wheel event's own position is (0, 0)."""
    assert told(
        MouseEvent(PointerFlags.MOVE, 100, 50),
        MouseEvent(wheel_flags(120), 0, 0),
        MouseEvent(wheel_flags(-120), 0, 0),
        MouseEvent(wheel_flags(-30, PointerFlags.HWHEEL), 0, 0),
    ) == ["to 100,50", "wheel 120 100,50", "wheel -120 100,50", "hwheel -30 100,50"]


def test_relative_motion_and_its_buttons() -> None:
    moved = RelativeMouseEvent(RelativePointerFlags.MOVE, -3, 4)
    pressed = RelativeMouseEvent(RelativePointerFlags.BUTTON5 | RelativePointerFlags.DOWN, 0, 0)
    assert told(moved, pressed) == ["by -3,4", "X2 down 0,0"]


def test_synchronize_lets_the_keys_go_but_not_the_buttons() -> None:
    assert told(
        key(CTRL),
        MouseEvent(PointerFlags.BUTTON1 | PointerFlags.DOWN, 1, 1),
        SynchronizeEvent(ToggleFlags.CAPS_LOCK | ToggleFlags.NUM_LOCK),
    ) == ["1d down", "LEFT down 1,1", "1d up", "locks 6"]


def test_what_means_nothing_is_skipped() -> None:
    assert told(UnusedEvent(), QoeTimestampEvent(1)) == []


# -- several viewers ---------------------------------------------------------------------------------


def test_what_a_viewer_holds_is_let_go_when_it_leaves() -> None:
    sink = CharacterSink()
    arbiter = InputArbiter(sink)
    arbiter.apply(
        "alice",
        [key(CTRL), key(0x53, KeyboardFlags.EXTENDED), UnicodeEvent(NONE, 0x41), key(KEY_A), key(KEY_A, UP)],
    )
    arbiter.apply("alice", [MouseEvent(PointerFlags.BUTTON1 | PointerFlags.DOWN, 30, 40)])
    sink.take()
    arbiter.leave("alice")
    assert sink.take() == ["1d up", "e0 53 up", "u0041 up", "LEFT up 30,40"]
    arbiter.leave("alice")
    assert sink.take() == []


def test_a_key_that_two_hold_is_up_when_the_last_lets_go() -> None:
    sink = CharacterSink()
    arbiter = InputArbiter(sink)
    arbiter.apply("alice", [key(CTRL)])
    arbiter.apply("bob", [key(CTRL)])
    sink.take()
    arbiter.apply("bob", [key(CTRL, UP)])
    assert sink.take() == []
    arbiter.apply("bob", [key(CTRL)])
    sink.take()
    arbiter.leave("alice")
    assert sink.take() == []
    arbiter.leave("bob")
    assert sink.take() == ["1d up"]


def test_a_release_without_a_press_passes() -> None:
    assert told(key(KEY_A, UP)) == ["1e up"]


def test_a_viewer_has_a_bounded_number_of_fingers() -> None:
    presses = [key(code) for code in range(MAX_HELD + 10)]
    assert len(told(*presses)) == MAX_HELD
    assert told(*presses, key(0))[-1] == "00 down"  # one that is held already may repeat


# -- a VM that goes and comes ------------------------------------------------------------------------


def test_input_goes_nowhere_while_the_vm_is_away() -> None:
    sink = CharacterSink()
    arbiter = InputArbiter(sink)
    arbiter.apply("alice", [key(CTRL)])
    arbiter.connect(None)
    arbiter.apply("alice", [key(KEY_A)])
    arbiter.leave("alice")
    assert sink.take() == ["1d down"]


def test_a_new_vm_knows_nothing_of_keys_held_before() -> None:
    arbiter = InputArbiter(CharacterSink())
    arbiter.apply("alice", [key(CTRL)])
    sink = CharacterSink()
    arbiter.connect(sink)
    arbiter.leave("alice")
    assert sink.take() == []


# -- guests without a tablet, and guests that are in no state to listen --------------------------------


def move(x: int, y: int, flags: PointerFlags = PointerFlags.MOVE) -> MouseEvent:
    return MouseEvent(flags, x, y)


def test_without_a_tablet_motion_is_a_difference() -> None:
    sink = CharacterSink()
    arbiter = InputArbiter(sink)
    arbiter.is_absolute = False
    arbiter.apply("viewer", [move(100, 50), move(103, 48), move(103, 48)])
    arbiter.apply("viewer", [move(110, 48, PointerFlags.BUTTON1 | PointerFlags.DOWN)])
    assert sink.take() == ["by 3,-2", "by 7,0", "LEFT down 110,48"]
    assert arbiter.position_of("viewer") == (110, 48)
    assert arbiter.position_of("another") is None


def test_a_pointer_that_was_put_somewhere_has_not_moved() -> None:
    sink = CharacterSink()
    arbiter = InputArbiter(sink)
    arbiter.is_absolute = False
    arbiter.place("viewer", 10, 10)
    arbiter.apply("viewer", [move(10, 10), move(11, 12)])
    assert sink.told == ["by 1,2"]


def test_another_vm_has_its_own_mouse() -> None:
    arbiter = InputArbiter(CharacterSink())
    arbiter.is_absolute = False
    arbiter.connect(CharacterSink())
    assert arbiter.is_absolute


def test_a_paused_vm_is_told_nothing_but_what_is_let_go() -> None:
    sink = CharacterSink()
    arbiter = InputArbiter(sink)
    arbiter.apply("viewer", [key(CTRL)])
    sink.take()
    arbiter.pause(True)
    arbiter.pause(True)
    assert sink.take() == ["1d up"]
    arbiter.apply("viewer", [key(KEY_A), key(CTRL, UP), move(1, 2)])
    assert sink.take() == []
    arbiter.pause(False)
    arbiter.apply("viewer", [key(KEY_A)])
    assert sink.take() == ["1e down"]
