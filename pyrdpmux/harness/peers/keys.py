"""Keys by name, for tests that type: scancodes of set 1, and what a US keyboard makes of characters."""

from typing import Final, NamedTuple


class Key(NamedTuple):
    """A scancode; ``is_extended``: with the prefix E0."""

    code: int
    is_extended: bool = False


SHIFT: Final = Key(0x2A)

#: (first scancode, characters plain, characters with Shift)
_ROWS: Final = (
    (0x02, "1234567890-=", "!@#$%^&*()_+"),
    (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
    (0x1E, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (0x39, " ", " "),
    (0x0F, "\t", "\t"),
    (0x1C, "\n", "\n"),
)
CHARACTERS: Final[dict[str, tuple[Key, bool]]] = {
    char: (Key(first + i), column == 1)
    for first, *columns in _ROWS
    for column in (1, 0)  # what needs no Shift wins
    for i, char in enumerate(columns[column])
}
"""The key of a character and whether it needs Shift."""

KEYS: Final[dict[str, Key]] = {
    **{char: key for char, (key, is_shifted) in CHARACTERS.items() if not is_shifted and char > " "},
    "space": Key(0x39),
    "tab": Key(0x0F),
    "enter": Key(0x1C),
    "escape": Key(0x01),
    "backspace": Key(0x0E),
    "shift": SHIFT,
    "ctrl": Key(0x1D),
    "alt": Key(0x38),
    "capslock": Key(0x3A),
    "numlock": Key(0x45),
    "scrolllock": Key(0x46),
    "printscreen": Key(0x37, True),
    "rshift": Key(0x36),
    "rctrl": Key(0x1D, True),
    "altgr": Key(0x38, True),
    "win": Key(0x5B, True),
    "menu": Key(0x5D, True),
    "insert": Key(0x52, True),
    "delete": Key(0x53, True),
    "home": Key(0x47, True),
    "end": Key(0x4F, True),
    "pageup": Key(0x49, True),
    "pagedown": Key(0x51, True),
    "up": Key(0x48, True),
    "down": Key(0x50, True),
    "left": Key(0x4B, True),
    "right": Key(0x4D, True),
    **{f"f{number}": Key(0x3A + number) for number in range(1, 11)},
    "f11": Key(0x57),
    "f12": Key(0x58),
}
"""Keys by the names that ``Client.press`` takes."""


def keys_of(chord: str) -> list[Key]:
    """``ctrl+alt+delete`` as keys, in the order of pressing. Raises ValueError naming an unknown key."""
    names = chord.lower().split("+")
    unknown = [name for name in names if name not in KEYS]
    if unknown:
        raise ValueError(f"no key is called {unknown[0]!r}; there are {', '.join(sorted(KEYS))}")
    return [KEYS[name] for name in names]
