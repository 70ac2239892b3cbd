"""What the keys of a US keyboard say: scancodes of set 1, without prefix, to characters."""

from typing import Final

#: (first scancode, characters plain, characters with Shift)
_MAIN: Final = (
    (0x02, "1234567890-=", "!@#$%^&*()_+"),
    (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
    (0x1E, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (0x39, " ", " "),
    (0x0F, "\t", "\t"),
)
#: The key beside the left Shift of 102-key boards, and the keypad as if Num Lock was always on.
_OTHERS: Final = ((0x56, "\\", "|"), (0x37, "*", "*"), (0x47, "789-456+1230.", "789-456+1230."))


def _table(rows: tuple[tuple[int, str, str], ...], column: int) -> dict[int, str]:
    return {int(row[0]) + i: char for row in rows for i, char in enumerate(str(row[column]))}


PLAIN: Final = _table((*_MAIN, *_OTHERS), 1)
SHIFTED: Final = _table((*_MAIN, *_OTHERS), 2)
