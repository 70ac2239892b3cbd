"""Pictures like those that QEMU shows of a display without a guest's picture."""

import numpy as np

from pyrdpmux.codec.color import Words


def placeholder(text: str, width: int, height: int, row: int | None = None) -> Words:
    """(height, width) uint32: ``text`` in the middle, or in a row of characters; each one is a bar."""
    picture = np.zeros((height, width), np.uint32)
    left = (width // 8 - len(text)) // 2 * 8
    top = ((height // 16 - 1) // 2 if row is None else row) * 16
    for at, char in enumerate(text):
        if char != " ":
            picture[top + 2 : top + 13, left + 8 * at + 1 : left + 8 * at + 6] = 0xAAAAAA
    return picture
