"""Key numbers, key by key, against QEMU 7.2's own table."""

import pytest

from pyrdpmux.mux.keyboard.qnum import KeyNumbers, number_of_extended


def number(code: int, *, down: bool = True, extended: bool = False, extended1: bool = False) -> int | None:
    return KeyNumbers().number_of(code, extended=extended, extended1=extended1, down=down)


#: what QEMU 7.2 has plain keys for, as traced in it
PLAIN_KEYS = [
    *range(0x01, 0x55), 0x56, 0x57, 0x58, 0x59, 0x5B, 0x70, 0x71, 0x72, 0x73, 0x77, 0x79, 0x7B, 0x7D, 0x7E,
]  # fmt: skip

#: the same with E0: media and system keys, keypad, arrows
EXTENDED_KEYS = [
    0x10, 0x19, 0x1C, 0x1D, 0x1E, 0x20, 0x21, 0x22, 0x24, 0x2E, 0x30, 0x32, 0x35, 0x37, 0x38, 0x3C, 0x41,
    0x46, 0x47, 0x48, 0x49, 0x4B, 0x4D, 0x4F, 0x50, 0x51, 0x52, 0x53, 0x5B, 0x5C, 0x5D, 0x5E, 0x5F, 0x63,
    0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D,
]  # fmt: skip


@pytest.mark.parametrize("code", PLAIN_KEYS)
def test_plain_keys_are_their_scancodes(code: int) -> None:
    assert number(code) == code
    assert number(code, down=False) == code


@pytest.mark.parametrize("code", EXTENDED_KEYS)
def test_extended_keys_have_bit_7(code: int) -> None:
    assert number(code, extended=True) == code | 0x80


@pytest.mark.parametrize(
    ("name", "code", "extended", "expected"),
    [
        ("102nd, beside the left Shift", 0x56, False, 0x56),
        ("Print Screen", 0x37, True, 0xB7),
        ("SysRq, which is Alt+Print Screen", 0x54, False, 0x54),
        ("Ctrl+Break", 0x46, True, 0xC6),
        ("Num Lock", 0x45, False, 0x45),
        ("AltGr, and Hangul on boards of 101 keys", 0x38, True, 0xB8),
        ("right Ctrl, and Hanja there", 0x1D, True, 0x9D),
        ("Hangul", 0xF2, False, 0x72),
        ("Hanja", 0xF1, False, 0x71),
        ("Zenkaku/Hankaku", 0x29, False, 0x29),
        ("Katakana/Hiragana", 0x70, False, 0x70),
        ("ro, and ABNT C1", 0x73, False, 0x73),
        ("Henkan", 0x79, False, 0x79),
        ("Muhenkan", 0x7B, False, 0x7B),
        ("yen", 0x7D, False, 0x7D),
        ("ABNT C2, the keypad's full stop of Brazil", 0x7E, False, 0x7E),
        ("left Windows", 0x5B, True, 0xDB),
        ("menu", 0x5D, True, 0xDD),
    ],
)
def test_peculiar_keys(name: str, code: int, extended: bool, expected: int) -> None:
    assert number(code, extended=extended) == expected, name


@pytest.mark.parametrize("code", [0, 0x80, 0xFF, *range(0x64, 0x6F), 0x76])
def test_codes_without_a_key(code: int) -> None:
    """F13 and up have codes that are other keys' numbers."""
    assert number(code) is None


@pytest.mark.parametrize("code", [-1, 0x1FF])
@pytest.mark.parametrize("extended", [False, True])
def test_what_is_no_scancode_at_all(code: int, extended: bool) -> None:
    assert number(code, extended=extended) is None


@pytest.mark.parametrize("code", [0, 0x2A, 0x36, 0x80, 0xF1, 0xFF])
def test_extended_codes_without_a_key(code: int) -> None:
    """E0 2A and E0 36 are Shifts that nobody pressed."""
    assert number_of_extended(code) is None


CONTROL, NUM_LOCK = (0x1D, True), (0x45, False)


@pytest.mark.parametrize(
    "codes",
    [
        [(CONTROL, True), (NUM_LOCK, True), (CONTROL, False), (NUM_LOCK, False)],
        [(CONTROL, True), (CONTROL, False), (NUM_LOCK, True), (NUM_LOCK, False)],
    ],
)
def test_pause_is_one_key_however_its_codes_are_ordered(codes: list[tuple[tuple[int, bool], bool]]) -> None:
    numbers = KeyNumbers()
    said = [
        numbers.number_of(code, extended=False, extended1=extended1, down=down)
        for (code, extended1), down in codes
    ]
    assert [number for number in said if number is not None] == [0xC6, 0xC6]
    assert numbers.number_of(0x45, extended=False, extended1=False, down=True) == 0x45


def test_other_codes_with_e1() -> None:
    assert number(0x45, extended1=True) is None
