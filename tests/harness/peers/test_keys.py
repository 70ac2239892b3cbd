"""Names of keys."""

import pytest

from pyrdpmux.harness.peers.keys import CHARACTERS, Key, keys_of


def test_a_chord_is_pressed_in_its_order() -> None:
    assert keys_of("ctrl+alt+Delete") == [Key(0x1D), Key(0x38), Key(0x53, True)]
    assert keys_of("f10") == [Key(0x44)]


@pytest.mark.parametrize(
    ("char", "code", "needs_shift"),
    [("a", 0x1E, False), ("Q", 0x10, True), ("?", 0x35, True), (" ", 0x39, False), ("\n", 0x1C, False)],
)
def test_characters_of_a_us_keyboard(char: str, code: int, needs_shift: bool) -> None:
    assert CHARACTERS[char] == (Key(code), needs_shift)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ValueError, match="no key is called 'hyper'"):
        keys_of("hyper+a")
