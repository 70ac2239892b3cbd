"""A small bitmap font, drawn for this project, for status cards and for the demo VM's console.

Each glyph is five pixels wide and eight high, the last row for descenders, in a cell of six by ten: two
hexadecimal digits per row, the leftmost pixel in bit 4.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

CELL_WIDTH: Final = 6
CELL_HEIGHT: Final = 10

_GLYPH_ROWS: Final = 8
_TOP_MARGIN: Final = 1

_GLYPHS: Final = {
    " ": "0000000000000000", "!": "0404040404000400", '"': "0a0a0a0000000000", "#": "0a0a1f0a1f0a0a00",
    "$": "040f140e051e0400", "%": "1819020408131300", "&": "0c12140815120d00", "'": "0404080000000000",
    "(": "0204080808040200", ")": "0804020202040800", "*": "0004150e15040000", "+": "0004041f04040000",
    ",": "0000000000060408", "-": "0000001f00000000", ".": "0000000000060600", "/": "0001020408100000",
    "0": "0e11131519110e00", "1": "040c040404040e00", "2": "0e11010204081f00", "3": "1f02040201110e00",
    "4": "02060a121f020200", "5": "1f101e0101110e00", "6": "0608101e11110e00", "7": "1f01020408080800",
    "8": "0e11110e11110e00", "9": "0e11110f01020c00", ":": "0006060006060000", ";": "0006060006060408",
    "<": "0204081008040200", "=": "00001f001f000000", ">": "0804020102040800", "?": "0e11010204000400",
    "@": "0e11010d15150e00", "A": "0e1111111f111100", "B": "1e11111e11111e00", "C": "0e11101010110e00",
    "D": "1c12111111121c00", "E": "1f10101e10101f00", "F": "1f10101e10101000", "G": "0e11101711110f00",
    "H": "1111111f11111100", "I": "0e04040404040e00", "J": "0702020202120c00", "K": "1112141814121100",
    "L": "1010101010101f00", "M": "111b151511111100", "N": "1111191513111100", "O": "0e11111111110e00",
    "P": "1e11111e10101000", "Q": "0e11111115120d00", "R": "1e11111e14121100", "S": "0f10100e01011e00",
    "T": "1f04040404040400", "U": "1111111111110e00", "V": "11111111110a0400", "W": "11111115151b1100",
    "X": "11110a040a111100", "Y": "1111110a04040400", "Z": "1f01020408101f00", "[": "0e08080808080e00",
    "\\": "0010080402010000", "]": "0e02020202020e00", "^": "040a110000000000", "_": "000000000000001f",
    "`": "0804020000000000", "a": "00000e010f110f00", "b": "1010161911111e00", "c": "00000e1010110e00",
    "d": "01010d1311110f00", "e": "00000e111f100e00", "f": "0609081c08080800", "g": "00000f11110f010e",
    "h": "1010161911111100", "i": "04000c0404040e00", "j": "020006020202120c", "k": "1010121418141200",
    "l": "0c04040404040e00", "m": "00001a1515111100", "n": "0000161911111100", "o": "00000e1111110e00",
    "p": "00001e11111e1010", "q": "00000d13110f0101", "r": "0000161910101000", "s": "00000e100e011e00",
    "t": "08081c0808090600", "u": "0000111111130d00", "v": "00001111110a0400", "w": "0000111115150a00",
    "x": "0000110a040a1100", "y": "00001111110f010e", "z": "00001f0204081f00", "{": "0204040804040200",
    "|": "0404040404040404", "}": "0804040204040800", "~": "0000081502000000",
}  # fmt: skip
_UNKNOWN: Final = "1f15151515151f00"


@cache
def glyph(char: str) -> NDArray[np.bool_]:
    """The cell of one character, (CELL_HEIGHT, CELL_WIDTH), True where ink is; a box if it is not ASCII."""
    rows = np.frombuffer(bytes.fromhex(_GLYPHS.get(char, _UNKNOWN)), np.uint8)
    cell = np.zeros((CELL_HEIGHT, CELL_WIDTH), np.bool_)
    ink = np.unpackbits(rows[:, np.newaxis], axis=1)[:, 3:]
    cell[_TOP_MARGIN : _TOP_MARGIN + _GLYPH_ROWS, : ink.shape[1]] = ink
    cell.setflags(write=False)
    return cell


def text_mask(text: str, scale: int = 1) -> NDArray[np.bool_]:
    """One line of text, (CELL_HEIGHT * scale, len(text) * CELL_WIDTH * scale), True where ink is."""
    if not text:
        return np.zeros((CELL_HEIGHT * scale, 0), np.bool_)
    line = np.concatenate([glyph(char) for char in text], axis=1)
    return line.repeat(scale, axis=0).repeat(scale, axis=1)


def draw_text(
    pixels: NDArray[np.uint8], x: int, y: int, text: str, color: tuple[int, int, int], scale: int = 1
) -> None:
    """Put a line of text on a BGRX picture, in (blue, green, red); what does not fit is cut off."""
    mask = text_mask(text, scale)[max(-y, 0) :, max(-x, 0) :]
    top, left = max(y, 0), max(x, 0)
    area = pixels[top : top + mask.shape[0], left : left + mask.shape[1]]
    area[mask[: area.shape[0], : area.shape[1]], :3] = color
