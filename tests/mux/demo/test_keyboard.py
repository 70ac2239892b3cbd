"""The US layout, key by key."""

import pytest

from pyrdpmux.mux.demo.keyboard import Keyboard, Named

SHIFT, CONTROL, CAPS = 0x2A, 0x1D, 0x3A


def test_every_printable_character_can_be_typed() -> None:
    typed = set()
    for scancode in range(0x59):
        if scancode == CAPS:
            continue
        for shift in (False, True):
            keyboard = Keyboard()
            keyboard.key(SHIFT, False, shift)
            meaning = keyboard.key(scancode, False, True)
            if isinstance(meaning, str):
                typed.add(meaning)
    assert typed == {chr(code) for code in range(0x20, 0x7F)} | {"\t"}


@pytest.mark.parametrize(
    ("scancode", "plain", "shifted", "caps"),
    [
        (0x1E, "a", "A", "A"),
        (0x10, "q", "Q", "Q"),
        (0x32, "m", "M", "M"),
        (0x02, "1", "!", "1"),
        (0x0B, "0", ")", "0"),
        (0x28, "'", '"', "'"),
        (0x29, "`", "~", "`"),
        (0x2B, "\\", "|", "\\"),
        (0x35, "/", "?", "/"),
        (0x39, " ", " ", " "),
        (0x4D, "6", "6", "6"),
    ],
)
def test_shift_and_caps_lock(scancode: int, plain: str, shifted: str, caps: str) -> None:
    keyboard = Keyboard()
    assert keyboard.key(scancode, False, True) == plain
    keyboard.key(0x36, False, True)
    assert keyboard.key(scancode, False, True) == shifted
    keyboard.key(0x36, False, False)
    for _ in range(3):
        keyboard.key(CAPS, False, True)  # held, it repeats itself: that is one press
    assert keyboard.key(scancode, False, True) == caps
    keyboard.key(SHIFT, False, True)
    assert keyboard.key(scancode, False, True) == (plain if plain.isalpha() else shifted)
    keyboard.key(CAPS, False, False)
    keyboard.key(CAPS, False, True)
    assert keyboard.key(scancode, False, True) == shifted


def test_control_is_not_typing() -> None:
    keyboard = Keyboard()
    keyboard.key(CONTROL, True, True)
    assert keyboard.key(0x1E, False, True) is None
    assert keyboard.key(0x26, False, True) is Named.CLEAR
    keyboard.key(CONTROL, True, False)
    assert keyboard.key(0x26, False, True) == "l"


def test_named_and_extended_keys() -> None:
    keyboard = Keyboard()
    assert keyboard.key(0x1C, False, True) is keyboard.key(0x1C, True, True) is Named.ENTER
    assert keyboard.key(0x0E, False, True) is Named.BACKSPACE
    assert keyboard.key(0x3B, False, True) is Named.F1
    assert keyboard.key(0x44, False, True) is Named.F10
    assert keyboard.key(0x58, False, True) is Named.F12
    assert keyboard.key(0x35, True, True) == "/"
    assert keyboard.key(0x48, True, True) is None, "an arrow, not keypad 8"
    assert keyboard.key(0x48, False, True) == "8"
    assert keyboard.key(0x49, True, True) is Named.PAGE_UP
    assert keyboard.key(0x3B, False, False) is None
    assert keyboard.key(0x7F, False, True) is None
