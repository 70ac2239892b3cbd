"""RDP's scancodes as QEMU's key numbers ("qnum"): set 1, with bit 7 for the E0 prefix."""

from typing import Final

EXTENDED: Final = 0x80
PAUSE: Final = 0xC6
CTRL: Final = 0x1D
NUM_LOCK: Final = 0x45
CAPS_LOCK: Final = 0x3A
SCROLL_LOCK: Final = 0x46

#: Hanja and Hangul of Korean keyboards have no prefix and bit 7 of their own.
_KOREAN: Final = {0xF1: 0x71, 0xF2: 0x72}

#: flag of MS-RDPBCGR 2.2.8.1.1.3.1.1.5, which is QEMU's Modifiers bit too, and the key that turns it over
LOCKS: Final = ((1, SCROLL_LOCK), (2, NUM_LOCK), (4, CAPS_LOCK))


def qnum(scancode: int, *, extended: bool) -> int | None:
    """None for what no keyboard sends."""
    if scancode in _KOREAN and not extended:
        return _KOREAN[scancode]
    if not 0 < scancode < EXTENDED:
        return None
    return scancode | EXTENDED if extended else scancode


class PauseKey:
    """RDP sends Pause as the keyboard does: E1 1D and then 45, each down and each up. QEMU has one number."""

    def __init__(self) -> None:
        self._swallowed: set[bool] = set()

    def translate(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> int | None:
        """The number to press or release, or None for nothing."""
        if extended1:
            if scancode != CTRL:
                return None
            self._swallowed.add(down)
            return PAUSE
        if scancode == NUM_LOCK and not extended and down in self._swallowed:
            self._swallowed.discard(down)
            return None
        return qnum(scancode, extended=extended)
