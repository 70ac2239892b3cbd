"""A US keyboard: set-1 scancodes in, characters and named keys out."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from pyrdpmux.mux.keyboard.us_layout import PLAIN, SHIFTED


class Named(Enum):
    """Keys that do something instead of being something."""

    ENTER = auto()
    BACKSPACE = auto()
    CLEAR = auto()
    PAGE_UP = auto()
    PAGE_DOWN = auto()
    F1 = auto()
    F2 = auto()
    F3 = auto()
    F4 = auto()
    F5 = auto()
    F6 = auto()
    F7 = auto()
    F8 = auto()
    F9 = auto()
    F10 = auto()
    F11 = auto()
    F12 = auto()


_NAMED: Final = {
    0x1C: Named.ENTER,
    0x0E: Named.BACKSPACE,
    **{0x3B + i: Named[f"F{i + 1}"] for i in range(10)},
    0x57: Named.F11,
    0x58: Named.F12,
}
_EXTENDED_NAMED: Final = {0x1C: Named.ENTER, 0x49: Named.PAGE_UP, 0x51: Named.PAGE_DOWN}
_EXTENDED_SLASH: Final = 0x35

_SHIFTS: Final = {0x2A, 0x36}
_CONTROL: Final = 0x1D
_CAPS_LOCK: Final = 0x3A


@dataclass
class Keyboard:
    """Which modifiers are down, and the one lock that matters to letters."""

    caps_lock: bool = False

    def __post_init__(self) -> None:
        self._down: set[tuple[int, bool]] = set()

    @property
    def shift(self) -> bool:
        return any((code, False) in self._down for code in _SHIFTS)

    @property
    def control(self) -> bool:
        return bool({(_CONTROL, False), (_CONTROL, True)} & self._down)

    def key(self, scancode: int, extended: bool, down: bool) -> str | Named | None:
        """What a key event means: a character, a named key, or nothing."""
        position = (scancode, extended)
        repeated = position in self._down
        if not down:
            self._down.discard(position)
            return None
        self._down.add(position)
        if scancode == _CAPS_LOCK and not repeated:
            self.caps_lock = not self.caps_lock
        if extended:
            return "/" if scancode == _EXTENDED_SLASH else _EXTENDED_NAMED.get(scancode)
        return _NAMED.get(scancode) or self._character(scancode)

    def _character(self, scancode: int) -> str | Named | None:
        char = PLAIN.get(scancode)
        if char is None:
            return None
        if self.control:
            return Named.CLEAR if char == "l" else None
        upper = self.shift != (self.caps_lock and char.isalpha())
        return SHIFTED[scancode] if upper else char
