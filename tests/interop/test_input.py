"""Every key, button and motion of a person at xfreerdp arrives at the VM as the right librdpmux message."""

import time
from collections.abc import Sequence
from typing import Final

import pytest

from pyrdpmux.mux.librdpmux.messages import Keyboard, Message, Mouse
from tests.interop.client import Client, colorful, rdesktop, shown, xfreerdp
from tests.interop.conftest import Start
from tests.interop.console import Console

# librdpmux-protocol.md, section 7.1
DOWN, RELEASE, EXTENDED = 0x4000, 0x8000, 0x0100
LEFT, RIGHT, MIDDLE = 0x1000, 0x2000, 0x4000
PRESSED, MOVE, WHEEL, HWHEEL = 0x8000, 0x0800, 0x0200, 0x0400

#: X keysyms of a US keyboard in the order of its set-1 scancodes, from Escape (1) on.
MAIN_KEYS: Final = [
    "Escape",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "0",
    "minus",
    "equal",
    "BackSpace",
    "Tab",
    "q",
    "w",
    "e",
    "r",
    "t",
    "y",
    "u",
    "i",
    "o",
    "p",
    "bracketleft",
    "bracketright",
    "Return",
    "Control_L",
    "a",
    "s",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "semicolon",
    "apostrophe",
    "grave",
    "Shift_L",
    "backslash",
    "z",
    "x",
    "c",
    "v",
    "b",
    "n",
    "m",
    "comma",
    "period",
    "slash",
    "Shift_R",
    "KP_Multiply",
    "Alt_L",
    "space",
    "Caps_Lock",
    "F1",
    "F2",
    "F3",
    "F4",
    "F5",
    "F6",
    "F7",
    "F8",
    "F9",
    "F10",
    "Num_Lock",
    "Scroll_Lock",
    "KP_Home",
    "KP_Up",
    "KP_Prior",
    "KP_Subtract",
    "KP_Left",
    "KP_Begin",
    "KP_Right",
    "KP_Add",
    "KP_End",
    "KP_Down",
    "KP_Next",
    "KP_Insert",
    "KP_Delete",
]
EXTENDED_KEYS: Final = {
    "KP_Enter": 0x1C,
    "Control_R": 0x1D,
    "KP_Divide": 0x35,
    "Print": 0x37,
    "Alt_R": 0x38,
    "Home": 0x47,
    "Up": 0x48,
    "Prior": 0x49,
    "Left": 0x4B,
    "Right": 0x4D,
    "End": 0x4F,
    "Down": 0x50,
    "Next": 0x51,
    "Insert": 0x52,
    "Delete": 0x53,
    "Super_L": 0x5B,
    "Super_R": 0x5C,
    "Menu": 0x5D,
}
KEYS: Final = {
    **{name: (code, 0) for code, name in enumerate(MAIN_KEYS, 1)},
    "less": (0x56, 0),  # the 102nd key
    "F11": (0x57, 0),
    "F12": (0x58, 0),
    **{name: (code, EXTENDED) for name, code in EXTENDED_KEYS.items()},
}
#: Where xdotool, told the keysym, would press another key as well.
X_KEYCODES: Final = {"Shift_R": "62", "less": "94", "Control_R": "105", "Alt_R": "108", "Super_R": "134"}
#: Pressed twice, so that the next test finds them as this one did.
LOCKS: Final = ["Caps_Lock", "Num_Lock", "Scroll_Lock"]


def strokes(names: Sequence[str]) -> list[Message]:
    """Each key down and up again."""
    messages: list[Message] = []
    for name in names:
        code, extended = KEYS[name]
        messages += [Keyboard(code, DOWN | extended), Keyboard(code, RELEASE | extended)]
    return messages


@pytest.fixture(params=["tls", "rdp"])
def client(request: pytest.FixtureRequest, console: Console, start: Start) -> Client:
    """xfreerdp with the keyboard and the pointer at 100,100."""
    return ready(console, start(xfreerdp(console.port, request.param)))


def ready(console: Console, client: Client, kind: str = "xfreerdp") -> Client:
    console.paint(colorful(800, 600))
    client.wait_for_picture(shown(console.picture, 16 if kind == "rdesktop" else 32, client=kind))
    client.focus()
    client.display.move(client.window, 90, 90)
    client.display.move(client.window, 100, 100)
    seen: list[Message] = []
    while Mouse(100, 100, MOVE) not in seen:
        seen += console.take_messages()
        assert client.program.is_running
    time.sleep(0.3)  # what the client says about its focus and its locks
    console.take_messages()
    return client


def test_the_table_is_a_whole_keyboard() -> None:
    assert KEYS["KP_Delete"] == (0x53, 0)
    assert KEYS["Scroll_Lock"] == (0x46, 0)
    assert len(KEYS) == 104  # 105 with Pause, which has a test of its own


def test_every_key(console: Console, client: Client) -> None:
    names = [*KEYS, *LOCKS]
    keys = [X_KEYCODES.get(name, name) for name in names]
    client.display.xdotool("key", "--delay", "8", *keys)
    console.expect_messages(strokes(names))


def test_pause_is_control_and_num_lock(console: Console, client: Client) -> None:
    """What Pause was on the keyboard that these codes come from; the protocol has no E1 prefix."""
    client.display.key("Pause")
    messages = [Keyboard(code, flags) for flags in (DOWN, RELEASE) for code in (0x1D, 0x45)]
    console.expect_messages(list[Message](messages))


def test_a_chord_and_capitals(console: Console, client: Client) -> None:
    client.display.key("ctrl+alt+Delete")
    control, alt, delete = 0x1D, 0x38, 0x53
    console.expect_messages(
        [
            Keyboard(control, DOWN),
            Keyboard(alt, DOWN),
            Keyboard(delete, DOWN | EXTENDED),
            Keyboard(control, RELEASE),  # xdotool lets go in the order in which it pressed
            Keyboard(alt, RELEASE),
            Keyboard(delete, RELEASE | EXTENDED),
        ]
    )
    client.display.key("A")
    shift, a = KEYS["Shift_L"][0], KEYS["a"][0]
    console.expect_messages(
        [Keyboard(shift, DOWN), Keyboard(a, DOWN), Keyboard(shift, RELEASE), Keyboard(a, RELEASE)]
    )


def test_three_buttons(console: Console, client: Client) -> None:
    for number, button in ((1, LEFT), (2, MIDDLE), (3, RIGHT)):
        client.display.button(number, "mousedown")
        client.display.button(number, "mouseup")
        console.expect_messages([Mouse(100, 100, button | PRESSED), Mouse(100, 100, button)])


def test_the_wheel_both_ways(console: Console, client: Client) -> None:
    for number in (4, 5):
        client.display.button(number)
    away = WHEEL | 120
    toward = WHEEL | (0x200 - 120)
    console.expect_messages([Mouse(100, 100, away), Mouse(100, 100, toward)])


def test_the_horizontal_wheel(console: Console, client: Client) -> None:
    client.display.button(7)
    client.display.button(6)
    right, left = HWHEEL | 120, HWHEEL | (0x200 - 120)
    console.expect_messages([Mouse(100, 100, right), Mouse(100, 100, left)])


def test_motion_and_a_drag(console: Console, client: Client) -> None:
    path = [(0, 0), (799, 599), (13, 577), (400, 300)]
    for x, y in path:
        client.display.move(client.window, x, y)
        console.expect_messages([Mouse(x, y, MOVE)])
    client.display.button(1, "mousedown")
    client.display.move(client.window, 410, 290)
    client.display.button(1, "mouseup")
    console.expect_messages([Mouse(400, 300, LEFT | PRESSED), Mouse(410, 290, MOVE), Mouse(410, 290, LEFT)])


def test_keys_held_by_a_killed_client_are_let_go(console: Console, client: Client) -> None:
    client.display.key("Shift_L", action="keydown")
    client.display.button(1, "mousedown")
    try:
        console.expect_messages([Keyboard(0x2A, DOWN), Mouse(100, 100, LEFT | PRESSED)])
        client.program.kill()
        console.expect_messages([Keyboard(0x2A, RELEASE), Mouse(100, 100, LEFT)])
    finally:
        client.display.key("Shift_L", action="keyup")
        client.display.button(1, "mouseup")


def test_rdesktop_types_and_points_too(console: Console, start: Start) -> None:
    """Slow-path input, without a down flag."""
    client = ready(console, start(rdesktop(console.port, 16, "-g", "800x600")), "rdesktop")
    names = ["a", "Left", "KP_Enter", "F12", "Control_L"]
    client.display.xdotool("key", "--delay", "20", *names)
    console.expect_messages(strokes(names))
    client.display.button(3)
    console.expect_messages([Mouse(100, 100, RIGHT | PRESSED), Mouse(100, 100, RIGHT)])
