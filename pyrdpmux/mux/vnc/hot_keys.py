"""Ctrl+Alt+1 to 9 never reach QEMU, which would show all its viewers another of its consoles."""

from typing import Final

from pyrdpmux.mux.keyboard.qnum import CONTROL, LEFT_ALT, RIGHT_CONTROL

DIGITS: Final = frozenset(range(0x02, 0x0B))


class HotKeyFilter:
    """AltGr is not Alt: with it, digits type characters."""

    def __init__(self) -> None:
        self._down: set[int] = set()
        self._swallowed: set[int] = set()

    def passes(self, number: int, *, down: bool) -> bool:
        """Whether the server may see this key event."""
        if number not in DIGITS:
            self._note(number, down)
            return True
        if not down:
            is_swallowed = number in self._swallowed
            self._swallowed.discard(number)
            return not is_swallowed
        if LEFT_ALT in self._down and self._down & {CONTROL, RIGHT_CONTROL}:
            self._swallowed.add(number)
        return number not in self._swallowed

    def _note(self, number: int, down: bool) -> None:
        if number in (CONTROL, RIGHT_CONTROL, LEFT_ALT):
            (self._down.add if down else self._down.discard)(number)
