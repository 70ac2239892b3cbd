"""RDP's scancodes as key numbers without prefixes ("qnum" in QEMU): set 1, with bit 7 for E0."""

from typing import Final

E0: Final = 0x80
CONTROL: Final = 0x1D
LEFT_SHIFT: Final = 0x2A
RIGHT_SHIFT: Final = 0x36
LEFT_ALT: Final = 0x38
CAPS_LOCK: Final = 0x3A
NUM_LOCK: Final = 0x45
SCROLL_LOCK: Final = 0x46
RIGHT_CONTROL: Final = 0x9D
ALT_GR: Final = 0xB8
PAUSE: Final = 0xC6

#: Hanja and Hangul of Korean keyboards: no prefix, but bit 7, and no code when they are let go.
KOREAN: Final = {0xF1: 0x71, 0xF2: 0x72}

#: F13 to F24 of set 1; numbers that mean Open, Paste and others to QEMU.
_WITHOUT_NUMBER: Final = frozenset({*range(0x64, 0x6F), 0x76})


class KeyNumbers:
    """Makes one number of each key, also of those that a keyboard sends as several."""

    def __init__(self) -> None:
        self._swallowed: set[bool] = set()

    def number_of(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> int | None:
        """None for what stands for no key of its own."""
        if extended1:
            return self._begin_pause(scancode, down)
        if extended:
            return number_of_extended(scancode)
        if scancode == NUM_LOCK and down in self._swallowed:
            self._swallowed.discard(down)
            return None
        if scancode in KOREAN:
            return KOREAN[scancode]
        return scancode if 0 < scancode < E0 and scancode not in _WITHOUT_NUMBER else None

    def _begin_pause(self, scancode: int, down: bool) -> int | None:
        """Pause is E1 1D and then 45, for down as for up (MS-RDPBCGR 2.2.8.1.1.3.1.1.1)."""
        if scancode != CONTROL:
            return None
        self._swallowed.add(down)
        return PAUSE


def number_of_extended(scancode: int) -> int | None:
    """Of a key with the E0 prefix.

    E0 2A and E0 36 are no keys: keyboards put them around arrows and Print Screen to undo Shift and Num Lock.
    """
    if scancode in (LEFT_SHIFT, RIGHT_SHIFT) or not 0 < scancode < E0:
        return None
    return scancode | E0
