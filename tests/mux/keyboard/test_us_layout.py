"""The US layout read from keys to characters agrees with the one that is typed on."""

from pyrdpmux.mux.keyboard.layout import Stroke
from pyrdpmux.mux.keyboard.layouts import LAYOUTS
from pyrdpmux.mux.keyboard.us_layout import PLAIN, SHIFTED


def test_every_printable_character_has_a_key() -> None:
    for code in range(0x20, 0x7F):
        [stroke] = LAYOUTS["us"].strokes_for(chr(code))
        assert not stroke.alt_gr
        assert (SHIFTED if stroke.shift else PLAIN)[stroke.number] == chr(code)


def test_the_main_keys_win() -> None:
    strokes = {char: LAYOUTS["us"].strokes_for(char) for char in "1-*|"}
    assert strokes == {
        "1": (Stroke(0x02),),
        "-": (Stroke(0x0C),),
        "*": (Stroke(0x09, True),),
        "|": (Stroke(0x2B, True),),
    }
