"""What the decoders have in common: words of pixels, and bands of a rectangle."""

from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.rfb.events import Painted
from pyrdpmux.rfb.limits import CHUNK, STEP_PIXELS
from pyrdpmux.rfb.server_messages import RectangleHeader
from pyrdpmux.rfb.steps import Step

Words: TypeAlias = NDArray[np.uint32]
"""(height, width): 0xXXRRGGBB."""

BYTES_PER_PIXEL: Final = 4
COLOR_MASK: Final = 0x00FFFFFF


def words_of(data: bytes, width: int) -> Words:
    """Rows of pixels as they come over the wire."""
    return np.frombuffer(data, "<u4").reshape(-1, width)


def paint(x: int, y: int, words: Words) -> Painted:
    """The event for these words; the byte without meaning becomes 0."""
    colors = np.ascontiguousarray(words & np.uint32(COLOR_MASK))
    return Painted(x, y, colors.view(np.uint8).reshape(*words.shape, BYTES_PER_PIXEL))


def paint_in_steps(x: int, y: int, words: Words) -> Step[None]:
    """The same as several events, each of which is painted in no time."""
    height, width = words.shape
    if width:
        rows = max(1, STEP_PIXELS // width)
        for top in range(0, height, rows):
            yield paint(x, y + top, words[top : top + rows])


def bands(rect: RectangleHeader) -> Iterator[tuple[int, int]]:
    """(first row, number of rows) of parts that are not too much to wait for at a time."""
    if not rect.width:
        return
    rows = max(1, CHUNK // (rect.width * BYTES_PER_PIXEL))
    for top in range(0, rect.height, rows):
        yield top, min(rows, rect.height - top)


def tiles(length: int, side: int) -> Iterator[tuple[int, int]]:
    """(start, size) of the tiles along one direction."""
    for start in range(0, length, side):
        yield start, min(side, length - start)
