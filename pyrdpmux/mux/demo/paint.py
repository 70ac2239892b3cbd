"""Text and boxes on a picture of 32-bit BGRX words."""

from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.picture.font import CELL_HEIGHT, CELL_WIDTH, glyph

Words: TypeAlias = NDArray[np.uint32]

BLACK: Final = 0x000000
WHITE: Final = 0xFFFFFF
GRAY: Final = 0x9AA0A6
NIGHT: Final = 0x101820
SLATE: Final = 0x2B3A4A
AMBER: Final = 0xFFB000
GREEN: Final = 0x7CD992
RED: Final = 0xE0483E


@cache
def _atlas(scale: int) -> NDArray[np.uint8]:
    """All of ASCII, (128, cell height, cell width): 1 where ink is."""
    cells = np.stack([glyph(chr(code)) for code in range(128)]).astype(np.uint8)
    return cells.repeat(scale, axis=1).repeat(scale, axis=2)


def cell_size(scale: int) -> tuple[int, int]:
    return CELL_WIDTH * scale, CELL_HEIGHT * scale


def draw_line(target: Words, x: int, y: int, text: str, ink: int, paper: int, scale: int) -> Rect:
    """A line of text with its background; what does not fit is cut off. Returns where it is."""
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8) & 0x7F
    width, height = cell_size(scale)
    mask = _atlas(scale)[codes].transpose(1, 0, 2).reshape(height, len(codes) * width)
    area = target[max(y, 0) : y + height, max(x, 0) : x + mask.shape[1]]
    area[:] = np.array([paper, ink], np.uint32)[mask[: area.shape[0], : area.shape[1]]]
    return Rect(x, y, area.shape[1], area.shape[0])


def fill(target: Words, rect: Rect, color: int) -> Rect:
    """A box of one color; returns it as far as it is on the picture."""
    visible = rect.clip(target.shape[1], target.shape[0])
    if not visible.is_empty:
        target[visible.y : visible.bottom, visible.x : visible.right] = color
    return visible
