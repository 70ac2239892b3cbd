"""The layout read in one direction agrees with the other."""

from pyrdpmux.mux.us_layout import PLAIN, SHIFTED, TYPED


def test_every_printable_character_has_a_key() -> None:
    for code in range(0x20, 0x7F):
        scancode, shifted = TYPED[chr(code)]
        assert (SHIFTED if shifted else PLAIN)[scancode] == chr(code)


def test_the_main_keys_win() -> None:
    assert TYPED["1"] == (0x02, False)
    assert TYPED["-"] == (0x0C, False)
    assert TYPED["*"] == (0x09, True)
    assert TYPED["|"] == (0x2B, True)
