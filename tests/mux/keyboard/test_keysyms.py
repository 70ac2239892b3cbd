"""Keysyms of a US keyboard, its modifiers and locks."""

import pytest

from pyrdpmux.mux.keyboard.keysyms import NAMED, KeysymKeyboard, keysym_of_character
from pyrdpmux.mux.keyboard.locks import LockLights


@pytest.mark.parametrize(
    ("char", "keysym"),
    [
        ("a", 0x61),
        ("~", 0x7E),
        ("ä", 0xE4),
        ("€", 0x10020AC),
        ("\n", 0xFF0D),
        ("\x1b", 0xFF1B),
        ("\x80", 0x1000080),
    ],
)
def test_characters(char: str, keysym: int) -> None:
    assert keysym_of_character(char) == keysym


def tapped(keyboard: KeysymKeyboard, number: int) -> int | None:
    keysym = keyboard.keysym_of(number, down=True)
    assert keyboard.keysym_of(number, down=False) == keysym
    return keysym


def test_letters_and_shift() -> None:
    keyboard = KeysymKeyboard()
    assert tapped(keyboard, 0x1E) == ord("a")
    assert tapped(keyboard, 0x02) == ord("1")
    keyboard.keysym_of(0x36, down=True)
    assert tapped(keyboard, 0x1E) == ord("A")
    assert tapped(keyboard, 0x02) == ord("!")
    keyboard.keysym_of(0x36, down=False)
    assert tapped(keyboard, 0x02) == ord("1")


def test_caps_lock_is_for_letters() -> None:
    keyboard = KeysymKeyboard()
    assert tapped(keyboard, 0x3A) == 0xFFE5
    assert tapped(keyboard, 0x1E) == ord("A")
    assert tapped(keyboard, 0x02) == ord("1")
    keyboard.keysym_of(0x2A, down=True)
    assert tapped(keyboard, 0x1E) == ord("a")
    keyboard.set_locks(0)
    assert tapped(keyboard, 0x1E) == ord("A")


def test_a_key_that_repeats_itself_turns_no_lock_over_twice() -> None:
    keyboard = KeysymKeyboard()
    for _ in range(2):
        keyboard.keysym_of(0x3A, down=True)
    assert keyboard.has_caps_lock


def test_the_keypad() -> None:
    """Rows of an IBM keypad from the top; keysyms of X11's keysymdef.h."""
    keyboard = KeysymKeyboard()
    numbers = [0x47, 0x48, 0x49, 0x4B, 0x4C, 0x4D, 0x4F, 0x50, 0x51, 0x52, 0x53]
    digits = [tapped(keyboard, number) for number in numbers]
    assert digits == [*(0xFFB0 + int(digit) for digit in "7894561230"), 0xFFAE]
    tapped(keyboard, 0x45)
    home, left, up, right, down, page_up, page_down, end, begin, insert, delete = range(0xFF95, 0xFFA0)
    arrows = [tapped(keyboard, number) for number in numbers]
    assert arrows == [home, up, page_up, left, begin, right, end, down, page_down, insert, delete]
    keyboard.set_locks(2)
    assert tapped(keyboard, 0x53) == 0xFFAE


def test_keys_without_a_meaning() -> None:
    keyboard = KeysymKeyboard()
    assert tapped(keyboard, 0x5A) is None
    assert keyboard.keysym_of(0x1E, down=False) is None


def test_no_two_keys_have_the_same_name() -> None:
    assert len(set(NAMED.values())) == len(NAMED)


def test_lights() -> None:
    lights = LockLights()
    assert lights.keys_for(7) == []
    lights.tell(0)
    assert lights.keys_for(7) == [0x46, 0x45, 0x3A]
    assert lights.keys_for(7) == []
    lights.tell(2)
    assert lights.keys_for(2) == []
    lights.tell(None)
    assert lights.keys_for(5) == []
