# ruff: noqa: RUF001 (characters that look alike are what this is about)
"""Layouts, character by character where they differ, and what they have in common."""

import string
import unicodedata

import pytest

from pyrdpmux.mux.keyboard.layout import PLAINER, Layout, Stroke
from pyrdpmux.mux.keyboard.layouts import LAYOUTS

LATIN = sorted(set(LAYOUTS) - {"ru"})
KEYS = frozenset({*range(0x01, 0x36), 0x39, 0x56, 0x73, 0x7D})


def spelled(name: str, char: str) -> str:
    """Strokes as ``shift+1a altgr+0d``."""
    return " ".join(
        [
            "shift+" * stroke.shift + "altgr+" * stroke.alt_gr + f"{stroke.number:02x}"
            for stroke in LAYOUTS[name].strokes_for(char)
        ]
    )


@pytest.mark.parametrize("name", LATIN)
def test_all_of_ascii_can_be_typed(name: str) -> None:
    missing = [char for char in string.printable[:95] if not LAYOUTS[name].strokes_for(char)]
    assert not missing


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_character_has_keys_of_its_own(name: str) -> None:
    """No two characters are typed the same way, and only with keys that there are."""
    layout = LAYOUTS[name]
    seen: dict[tuple[Stroke, ...], str] = {}
    for code in (*range(0x20, 0x7F), *range(0xA1, 0x180), *range(0x400, 0x460), 0x20AC, 0x20BD):
        char = chr(code)
        strokes = layout.strokes_for(char)
        if not strokes or char in PLAINER:
            continue
        assert all(stroke.number in KEYS for stroke in strokes), char
        assert strokes not in seen, f"{char} as {seen[strokes]}"
        seen[strokes] = char


@pytest.mark.parametrize(
    ("name", "char", "strokes"),
    [
        ("us", "A", "shift+1e"),
        ("us", "\n", "1c"),
        ("us", "\t", "0f"),
        ("us", " ", "39"),
        ("us", "é", ""),
        ("us-intl", "'", "28 39"),
        ("us-intl", '"', "shift+28 39"),
        ("us-intl", "é", "altgr+12"),
        ("us-intl", "ñ", "altgr+31"),
        ("us-intl", "ê", "shift+07 12"),
        ("uk", '"', "shift+03"),
        ("uk", "@", "shift+28"),
        ("uk", "#", "2b"),
        ("uk", "\\", "56"),
        ("uk", "£", "shift+04"),
        ("uk", "€", "altgr+05"),
        ("de", "z", "15"),
        ("de", "y", "2c"),
        ("de", "Z", "shift+15"),
        ("de", "ä", "28"),
        ("de", "ß", "0c"),
        ("de", "@", "altgr+10"),
        ("de", "€", "altgr+12"),
        ("de", "\\", "altgr+0c"),
        ("de", "{", "altgr+08"),
        ("de", "|", "altgr+56"),
        ("de", "~", "altgr+1b"),
        ("de", "^", "29 39"),
        ("de", "`", "shift+0d 39"),
        ("de", "é", "0d 12"),
        ("de", "È", "shift+0d shift+12"),
        ("de", "ñ", ""),
        ("ch", "è", "shift+1a"),
        ("ch", "@", "altgr+03"),
        ("ch", "Ä", "1b shift+1e"),
        ("fr", "a", "10"),
        ("fr", "1", "shift+02"),
        ("fr", "m", "27"),
        ("fr", ".", "shift+33"),
        ("fr", "@", "altgr+0b"),
        ("fr", "ê", "1a 12"),
        ("fr", "Ï", "shift+1a shift+17"),
        ("fr", "^", "altgr+0a"),
        ("fr", "~", "altgr+03 39"),
        ("es", "ñ", "27"),
        ("es", "á", "28 1e"),
        ("es", "Ü", "shift+28 shift+16"),
        ("es", "@", "altgr+03"),
        ("es", "¿", "shift+0d"),
        ("it", "è", "1a"),
        ("it", "{", "shift+altgr+1a"),
        ("it", "@", "altgr+27"),
        ("se", "å", "1a"),
        ("fi", "ö", "27"),
        ("se", "~", "altgr+1b 39"),
        ("no", "ø", "27"),
        ("no", "æ", "28"),
        ("dk", "æ", "27"),
        ("dk", "ø", "28"),
        ("dk", "\\", "altgr+56"),
        ("pt", "ç", "27"),
        ("pt", "ã", "2b 1e"),
        ("br", "ç", "27"),
        ("br", "/", "73"),
        ("br", "ã", "28 1e"),
        ("br", "^", "shift+28 39"),
        ("pl", "ł", "altgr+26"),
        ("pl", "Ż", "shift+altgr+2c"),
        ("jp", "@", "1a"),
        ("jp", "_", "shift+73"),
        ("jp", "¥", "7d"),
        ("jp", "\\", "73"),
        ("jp", "=", "shift+0c"),
        ("ru", "й", "10"),
        ("ru", "Ё", "shift+29"),
        ("ru", ".", "35"),
        ("ru", "q", ""),
    ],
)
def test_characters(name: str, char: str, strokes: str) -> None:
    assert spelled(name, char) == strokes


def test_what_phones_make_of_plain_characters_is_made_plain() -> None:
    assert spelled("us", "’") == "28"
    assert spelled("us", "„") == "shift+28"
    assert spelled("us", "…") == "34 34 34"
    assert spelled("us", "\xa0") == "39"
    assert spelled("us-intl", "‘") == "altgr+0a"  # which has it
    assert spelled("ru", "’") == ""


def test_what_nobody_can_type() -> None:
    for char in ("\u0301", "漢", "\0", "\x07"):
        for layout in LAYOUTS.values():
            assert layout.strokes_for(char) == ()


def test_dead_keys() -> None:
    def dead_keys(name: str) -> set[str]:
        return {char for char in LAYOUTS[name].strokes if unicodedata.combining(char)}

    assert dead_keys("de") == set("\u0300\u0301\u0302")
    assert dead_keys("us") == set()


def test_a_row_of_the_wrong_length() -> None:
    with pytest.raises(ValueError, match="3 characters for 13 keys"):
        Layout(["abc"], [])
