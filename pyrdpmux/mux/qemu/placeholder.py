"""What QEMU shows of a display that no guest draws on: a line of its own in the middle of a black picture.

Nothing on D-Bus says so (7.2): neither is the listener told Disable, nor has the console another size.
"""

from typing import Final

import numpy as np

from pyrdpmux.codec.color import Words

MESSAGES: Final = (
    "Guest has not initialized the display (yet).",
    "Display output is not active.",
    "Guest display has been unplugged",
    "This VM has no graphic display device.",
)
"""Only their lengths count."""

CELL: Final = (8, 16)
"""Width and height of a character."""

INK: Final = 0xAAAAAA
COLORS: Final = 0xFFFFFF


def is_placeholder(picture: Words) -> bool:
    """Whether (height, width) uint32 is such a picture: one gray line, as long as one of them, in its middle.

    Looks at the line first: other pictures are told apart by it.
    """
    height, width = picture.shape
    columns, rows = width // CELL[0], height // CELL[1]
    top = (rows - 1) // 2 * CELL[1]
    if top < 0:
        return False
    line = picture[top : top + CELL[1]] & COLORS
    inked = np.flatnonzero(line.any(axis=0))
    if not inked.size or ((line != 0) & (line != INK)).any():
        return False
    first, last = int(inked[0]) // CELL[0], int(inked[-1]) // CELL[0]
    if (first, last) not in [_place(len(text), columns) for text in MESSAGES]:
        return False
    return not (picture[:top] & COLORS).any() and not (picture[top + CELL[1] :] & COLORS).any()


def _place(length: int, columns: int) -> tuple[int, int]:
    """Of a line of so many characters: the columns of its first and its last one."""
    first = (columns - length) // 2
    return first, first + length - 1
