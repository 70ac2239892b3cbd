"""X11 keysyms for key numbers, on a US keyboard: for VNC servers that know no scancodes."""

from typing import Final

from pyrdpmux.mux.keyboard.qnum import ALT_GR, CAPS_LOCK, LEFT_SHIFT, NUM_LOCK, RIGHT_SHIFT
from pyrdpmux.mux.keyboard.us_layout import PLAIN, SHIFTED

UNICODE: Final = 0x01000000
"""Keysyms from here on are Unicode characters, except for Latin-1, which is from 0 on."""

_KEYPAD_DIGITS: Final = 0xFFB0

#: X11's keysymdef: keys that are no characters
NAMED: Final = {
    0x01: 0xFF1B,  # Escape
    0x0E: 0xFF08,  # BackSpace
    0x0F: 0xFF09,  # Tab
    0x1C: 0xFF0D,  # Return
    0x1D: 0xFFE3,  # Control_L
    0x2A: 0xFFE1,  # Shift_L
    0x36: 0xFFE2,  # Shift_R
    0x37: 0xFFAA,  # KP_Multiply
    0x38: 0xFFE9,  # Alt_L
    0x3A: 0xFFE5,  # Caps_Lock
    **{0x3B + i: 0xFFBE + i for i in range(10)},  # F1 to F10
    0x45: 0xFF7F,  # Num_Lock
    0x46: 0xFF14,  # Scroll_Lock
    0x4A: 0xFFAD,  # KP_Subtract
    0x4E: 0xFFAB,  # KP_Add
    0x54: 0xFF15,  # Sys_Req
    0x57: 0xFFC8,  # F11
    0x58: 0xFFC9,  # F12
    0x59: 0xFFBD,  # KP_Equal
    0x70: 0xFF27,  # Hiragana_Katakana
    0x71: 0xFF34,  # Hangul_Hanja
    0x72: 0xFF31,  # Hangul
    0x79: 0xFF23,  # Henkan
    0x7B: 0xFF22,  # Muhenkan
    0x7D: 0xA5,  # yen
    0x7E: 0xFFAC,  # KP_Separator
    0x9C: 0xFF8D,  # KP_Enter
    0x9D: 0xFFE4,  # Control_R
    0xB5: 0xFFAF,  # KP_Divide
    0xB7: 0xFF61,  # Print
    0xB8: 0xFFEA,  # Alt_R
    0xC6: 0xFF13,  # Pause
    0xC7: 0xFF50,  # Home
    0xC8: 0xFF52,  # Up
    0xC9: 0xFF55,  # Page_Up
    0xCB: 0xFF51,  # Left
    0xCD: 0xFF53,  # Right
    0xCF: 0xFF57,  # End
    0xD0: 0xFF54,  # Down
    0xD1: 0xFF56,  # Page_Down
    0xD2: 0xFF63,  # Insert
    0xD3: 0xFFFF,  # Delete
    0xDB: 0xFFEB,  # Super_L
    0xDC: 0xFFEC,  # Super_R
    0xDD: 0xFF67,  # Menu
}

#: key number: (with Num Lock, without)
KEYPAD: Final = {
    0x47: (_KEYPAD_DIGITS + 7, 0xFF95),  # Home
    0x48: (_KEYPAD_DIGITS + 8, 0xFF97),  # Up
    0x49: (_KEYPAD_DIGITS + 9, 0xFF9A),  # Page_Up
    0x4B: (_KEYPAD_DIGITS + 4, 0xFF96),  # Left
    0x4C: (_KEYPAD_DIGITS + 5, 0xFF9D),  # Begin
    0x4D: (_KEYPAD_DIGITS + 6, 0xFF98),  # Right
    0x4F: (_KEYPAD_DIGITS + 1, 0xFF9C),  # End
    0x50: (_KEYPAD_DIGITS + 2, 0xFF99),  # Down
    0x51: (_KEYPAD_DIGITS + 3, 0xFF9B),  # Page_Down
    0x52: (_KEYPAD_DIGITS + 0, 0xFF9E),  # Insert
    0x53: (0xFFAE, 0xFF9F),  # Decimal, Delete
}

SHIFTS: Final = frozenset({LEFT_SHIFT, RIGHT_SHIFT})


def keysym_of_character(char: str) -> int:
    """The keysym of a Unicode character."""
    code = ord(char)
    control = {"\b": 0xFF08, "\t": 0xFF09, "\n": 0xFF0D, "\r": 0xFF0D, "\x1b": 0xFF1B, "\x7f": 0xFFFF}
    if char in control:
        return control[char]
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else UNICODE | code


class KeysymKeyboard:
    """Key numbers in, keysyms out; knows which modifiers and locks are on."""

    def __init__(self) -> None:
        self.has_caps_lock = False
        self.has_num_lock = True
        self._pressed: dict[int, int] = {}

    def set_locks(self, flags: int) -> None:
        """Flags of MS-RDPBCGR 2.2.8.1.1.3.1.1.5."""
        self.has_num_lock = bool(flags & 2)
        self.has_caps_lock = bool(flags & 4)

    def keysym_of(self, number: int, *, down: bool) -> int | None:
        """A key is let go as what it was when it was pressed, whatever Shift is by then."""
        if not down:
            return self._pressed.pop(number, None)
        is_repeated = number in self._pressed
        if not is_repeated and number == CAPS_LOCK:
            self.has_caps_lock = not self.has_caps_lock
        if not is_repeated and number == NUM_LOCK:
            self.has_num_lock = not self.has_num_lock
        keysym = self._meaning_of(number)
        if keysym is not None:
            self._pressed[number] = keysym
        return keysym

    def _meaning_of(self, number: int) -> int | None:
        if number in KEYPAD:
            return KEYPAD[number][not self.has_num_lock]
        if number in NAMED:
            return NAMED[number]
        is_shifted = bool(SHIFTS & self._pressed.keys())
        char = PLAIN.get(number)
        if char is None:
            return None
        is_upper = is_shifted != (self.has_caps_lock and char.isalpha() and ALT_GR not in self._pressed)
        return keysym_of_character(SHIFTED[number] if is_upper else char)
