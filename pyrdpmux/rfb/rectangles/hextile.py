"""Hextile: tiles of 16x16 with a background and boxes. QEMU's oldest encoding, known to every server."""

from collections.abc import Iterable
from itertools import repeat
from typing import Final

import numpy as np

from pyrdpmux.rfb.rectangles.painting import BYTES_PER_PIXEL, Words, paint_in_steps, tiles, words_of
from pyrdpmux.rfb.server_messages import RectangleHeader
from pyrdpmux.rfb.steps import Step, take_u8, wrong

SIDE: Final = 16
BOX_SIZE: Final = 2
COLORED_BOX: Final = np.dtype([("color", "<u4"), ("position", "u1"), ("size", "u1")])


#: RFC 6143 7.7.4, subencoding-mask; plain numbers, because an IntFlag takes longer than a tile
RAW: Final = 1
BACKGROUND_SPECIFIED: Final = 2
FOREGROUND_SPECIFIED: Final = 4
ANY_SUBRECTS: Final = 8
SUBRECTS_COLORED: Final = 16


class _Colors:
    """What one tile hands on to the next."""

    def __init__(self) -> None:
        self.background = np.uint32(0)
        self.foreground = np.uint32(0)


def read_hextile(rect: RectangleHeader) -> Step[None]:
    """RFC 6143 7.7.4, a row of tiles at a time."""
    colors = _Colors()
    for top, rows in tiles(rect.height, SIDE):
        band = np.empty((rows, rect.width), np.uint32)
        for left, columns in tiles(rect.width, SIDE):
            yield from _read_tile(band[:, left : left + columns], colors)
        yield from paint_in_steps(rect.x, rect.y + top, band)


def _read_tile(tile: Words, colors: _Colors) -> Step[None]:
    """Mostly a byte or six: the colors and the number of boxes are fetched in one go."""
    mask = yield from take_u8()
    if mask & RAW:
        height, width = tile.shape
        tile[:] = words_of((yield height * width * BYTES_PER_PIXEL), width)
        return
    head = yield (
        BYTES_PER_PIXEL * bool(mask & BACKGROUND_SPECIFIED)
        + BYTES_PER_PIXEL * bool(mask & FOREGROUND_SPECIFIED)
        + bool(mask & ANY_SUBRECTS)
    )
    at = 0
    if mask & BACKGROUND_SPECIFIED:
        colors.background = words_of(head[:BYTES_PER_PIXEL], 1)[0, 0]
        at = BYTES_PER_PIXEL
    if mask & FOREGROUND_SPECIFIED:
        colors.foreground = words_of(head[at : at + BYTES_PER_PIXEL], 1)[0, 0]
    tile[:] = colors.background
    if mask & ANY_SUBRECTS:
        is_colored = bool(mask & SUBRECTS_COLORED)
        boxes = yield head[-1] * (COLORED_BOX.itemsize if is_colored else BOX_SIZE)
        _fill_boxes(tile, boxes, is_colored, colors.foreground)


def _fill_boxes(tile: Words, data: bytes, is_colored: bool, foreground: np.uint32) -> None:
    """At most 255 boxes in a tile: too few to gain more from numpy than the parsing and the fill."""
    height, width = tile.shape
    for color, position, size in _colored(data) if is_colored else _plain(data, foreground):
        x, y = position >> 4, position & 15
        right, bottom = x + (size >> 4) + 1, y + (size & 15) + 1
        if right > width or bottom > height:
            raise wrong("Hextile.subrect", f"{x},{y} to {right},{bottom} in a tile of {width}x{height}")
        tile[y:bottom, x:right] = color


def _colored(data: bytes) -> Iterable[tuple[int, int, int]]:
    boxes: list[tuple[int, int, int]] = np.frombuffer(data, COLORED_BOX).tolist()
    return boxes


def _plain(data: bytes, color: np.uint32) -> Iterable[tuple[int, int, int]]:
    return zip(repeat(int(color)), data[::2], data[1::2], strict=False)
