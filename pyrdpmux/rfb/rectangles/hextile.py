"""Hextile: tiles of 16x16 with a background and boxes. QEMU's oldest encoding, known to every server."""

from enum import IntFlag
from typing import Final

import numpy as np

from pyrdpmux.rfb.rectangles.painting import BYTES_PER_PIXEL, Words, paint, tiles, words_of
from pyrdpmux.rfb.server_messages import RectangleHeader
from pyrdpmux.rfb.steps import Step, take_u8, wrong

SIDE: Final = 16
BOX_SIZE: Final = 2


class TileFlags(IntFlag):
    """RFC 6143 7.7.4: the subencoding-mask of a tile."""

    RAW = 1
    BACKGROUND_SPECIFIED = 2
    FOREGROUND_SPECIFIED = 4
    ANY_SUBRECTS = 8
    SUBRECTS_COLORED = 16


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
        if rect.width:
            yield paint(rect.x, rect.y + top, band)


def _read_tile(tile: Words, colors: _Colors) -> Step[None]:
    """Mostly a byte or six: the colors and the number of boxes are fetched in one go."""
    mask = yield from take_u8()
    if mask & TileFlags.RAW:
        height, width = tile.shape
        tile[:] = words_of((yield height * width * BYTES_PER_PIXEL), width)
        return
    head = yield (
        BYTES_PER_PIXEL * bool(mask & TileFlags.BACKGROUND_SPECIFIED)
        + BYTES_PER_PIXEL * bool(mask & TileFlags.FOREGROUND_SPECIFIED)
        + bool(mask & TileFlags.ANY_SUBRECTS)
    )
    at = 0
    if mask & TileFlags.BACKGROUND_SPECIFIED:
        colors.background = words_of(head[:BYTES_PER_PIXEL], 1)[0, 0]
        at = BYTES_PER_PIXEL
    if mask & TileFlags.FOREGROUND_SPECIFIED:
        colors.foreground = words_of(head[at : at + BYTES_PER_PIXEL], 1)[0, 0]
    tile[:] = colors.background
    if mask & TileFlags.ANY_SUBRECTS:
        is_colored = bool(mask & TileFlags.SUBRECTS_COLORED)
        boxes = yield head[-1] * (BOX_SIZE + BYTES_PER_PIXEL * is_colored)
        _fill_boxes(tile, boxes, is_colored, colors.foreground)


def _fill_boxes(tile: Words, boxes: bytes, is_colored: bool, foreground: np.uint32) -> None:
    """At most 255 boxes in a tile: too few to gain anything from numpy but the fill."""
    height, width = tile.shape
    at = 0
    color = foreground
    while at < len(boxes):
        if is_colored:
            color = words_of(boxes[at : at + BYTES_PER_PIXEL], 1)[0, 0]
            at += BYTES_PER_PIXEL
        position, size = boxes[at], boxes[at + 1]
        at += BOX_SIZE
        x, y = position >> 4, position & 15
        right, bottom = x + (size >> 4) + 1, y + (size & 15) + 1
        if right > width or bottom > height:
            raise wrong("Hextile.subrect", f"{x},{y} to {right},{bottom} in a tile of {width}x{height}")
        tile[y:bottom, x:right] = color
