"""The number of a frame as black and white blocks of 8x8 pixels, which survive lossy codecs.

24 blocks in a row: 14 bits of the number and 10 that check it, the most significant first. Neither a black
screen nor a white one is a marker, and one that is half painted is taken for another in one of a thousand
cases.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect

BLOCK: Final = 8
NUMBER_BITS: Final = 14
CHECK_BITS: Final = 10
BLOCKS: Final = NUMBER_BITS + CHECK_BITS
WIDTH: Final = BLOCKS * BLOCK
HEIGHT: Final = BLOCK
MAX_NUMBER: Final = (1 << NUMBER_BITS) - 1

RECT: Final = Rect(0, 0, WIDTH, HEIGHT)
"""Where it is on every screen: in the corner, on the grid of all codecs' tiles."""

THRESHOLD: Final = 128
_FACTOR: Final = 0x2E5
_OFFSET: Final = 0x155


def _check(number: int) -> int:
    return (number * _FACTOR + _OFFSET + (number >> 5)) & ((1 << CHECK_BITS) - 1)


def draw(number: int) -> NDArray[np.uint8]:
    """(8, 192, 4) BGRX. ValueError for a number that has no marker."""
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"{number}, at most {MAX_NUMBER} frames can be told apart")
    word = number << CHECK_BITS | _check(number)
    bits = [(word >> (BLOCKS - 1 - at)) & 1 for at in range(BLOCKS)]
    row = np.repeat(np.array(bits, np.uint8) * 255, BLOCK)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (HEIGHT, WIDTH, 4)))


def read(samples: bytes) -> int | None:
    """The number of 24 samples, one of the middle of each block; None if they are no marker."""
    word = 0
    for sample in samples:
        word = word << 1 | (sample >= THRESHOLD)
    number, check = word >> CHECK_BITS, word & ((1 << CHECK_BITS) - 1)
    return number if len(samples) == BLOCKS and check == _check(number) else None
