"""Key numbers: the table of qemu-display-facts.md 2.3, from RDP's scancodes."""

import pytest

from pyrdpmux.mux.qemu.keys import PAUSE, PauseKey, qnum

#: (RDP scancode, extended, QEMU's number)
ROWS = [
    (0x01, False, 0x01),  # Escape
    (0x1C, False, 0x1C),  # Return
    (0x1C, True, 0x9C),  # Enter of the keypad
    (0x1D, True, 0x9D),  # right Ctrl
    (0x37, False, 0x37),  # * of the keypad
    (0x37, True, 0xB7),  # Print
    (0x35, True, 0xB5),  # / of the keypad
    (0x38, True, 0xB8),  # right Alt
    (0x45, False, 0x45),  # Num Lock
    (0x46, True, 0xC6),  # Ctrl+Break
    (0x48, True, 0xC8),  # up
    (0x53, True, 0xD3),  # Delete
    (0x56, False, 0x56),  # the 102nd key
    (0x5B, True, 0xDB),  # Windows
    (0x5D, True, 0xDD),  # menu
    (0x70, False, 0x70),  # katakana/hiragana
    (0x73, False, 0x73),  # ro
    (0x79, False, 0x79),  # henkan
    (0x7B, False, 0x7B),  # muhenkan
    (0x7D, False, 0x7D),  # yen
    (0xF1, False, 0x71),  # Hanja
    (0xF2, False, 0x72),  # Hangul
    (0x00, False, None),
    (0x80, False, None),
    (0xF1, True, None),
    (0x1FF, False, None),
    (-1, False, None),
]


@pytest.mark.parametrize(("scancode", "extended", "expected"), ROWS)
def test_numbers(scancode: int, extended: bool, expected: int | None) -> None:
    assert qnum(scancode, extended=extended) == expected


def test_pause_is_one_key() -> None:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1.1: E1 1D, 45, E1 1D up, 45 up."""
    pause = PauseKey()
    told = [
        pause.translate(code, extended=False, extended1=extended1, down=down)
        for code, extended1, down in (
            (0x1D, True, True),
            (0x45, False, True),
            (0x1D, True, False),
            (0x45, False, False),
        )
    ]
    assert told == [PAUSE, None, PAUSE, None]
    assert pause.translate(0x45, extended=False, extended1=False, down=True) == 0x45
    assert pause.translate(0x45, extended=False, extended1=True, down=True) is None
