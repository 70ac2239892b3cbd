# ruff: noqa: RUF001 (characters that look alike are what this is about)
"""Every stroke of every layout against X11's own tables, as libxkbcommon compiles them."""

import ctypes
import ctypes.util
from pathlib import Path
from typing import Final

import pytest

from pyrdpmux.mux.keyboard.layout import COMMON, ROWS, Stroke
from pyrdpmux.mux.keyboard.layouts import LAYOUTS, RO, YEN

LIBRARY: Final = ctypes.util.find_library("xkbcommon")
SYMBOLS: Final = Path("/usr/share/X11/xkb/symbols")

pytestmark = [
    pytest.mark.skipif(LIBRARY is None, reason="not installed: libxkbcommon"),
    pytest.mark.skipif(not SYMBOLS.is_dir(), reason="not installed: xkb-data"),
]

#: ours: (layout, variant) of X11, where they differ
NAMES: Final = {"uk": ("gb", ""), "us-intl": ("us", "intl"), "kr": ("us", "")}

#: where Windows and X11 do not agree, and we follow Windows
DIFFERENT: Final = {
    "us-intl": {"´", "¨", "÷"},
    "uk": set("¦éúíóáÉÚÍÓÁ"),
    "de": {"ẞ"},
    "at": {"ẞ"},
    "ch": {"¦"},
    "fr": {"\u0303", "\u0300"},
    "es": {"\u0303"},
    "pl": {"\u0303", "€"},
    "jp": {"¥"},
}

#: evdev's key codes where they are not the scancodes
EVDEV: Final = {0x2B: 43, 0x56: 86, RO: 89, YEN: 124}
XKB_OFFSET: Final = 8

DEAD: Final = {
    0xFE50: "\u0300", 0xFE51: "\u0301", 0xFE52: "\u0302", 0xFE53: "\u0303", 0xFE57: "\u0308",
}  # fmt: skip


class Names(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("rules", "model", "layout", "variant", "options")]


def strokes_of(layout: str, variant: str) -> dict[Stroke, str]:
    """What X11 has on each key."""
    xkb = ctypes.CDLL(LIBRARY)
    xkb.xkb_context_new.restype = ctypes.c_void_p
    xkb.xkb_keymap_new_from_names.restype = ctypes.c_void_p
    xkb.xkb_keymap_new_from_names.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    xkb.xkb_keymap_key_get_syms_by_level.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p,
    ]  # fmt: skip
    xkb.xkb_keysym_to_utf32.restype = ctypes.c_uint32
    names = Names(b"evdev", b"pc105", layout.encode(), variant.encode(), b"")
    keymap = xkb.xkb_keymap_new_from_names(xkb.xkb_context_new(0), ctypes.byref(names), 0)
    assert keymap
    found = {}
    for number in (*(number for row in ROWS for number in row), RO, YEN):
        for level in range(4):
            symbols = ctypes.POINTER(ctypes.c_uint32)()
            code = EVDEV.get(number, number) + XKB_OFFSET
            if xkb.xkb_keymap_key_get_syms_by_level(keymap, code, 0, level, ctypes.byref(symbols)) == 1:
                symbol = symbols[0]
                char = DEAD.get(symbol) or chr(xkb.xkb_keysym_to_utf32(symbol))
                found[Stroke(number, bool(level & 1), bool(level & 2))] = char
    return found


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_stroke_is_that_of_x11(name: str) -> None:
    layout, variant = NAMES.get(name, (name, ""))
    expected = strokes_of(layout, variant)
    different = {
        char
        for char, stroke in LAYOUTS[name].strokes.items()
        if char not in COMMON and expected.get(stroke) != char
    }
    assert different == DIFFERENT.get(name, set())
