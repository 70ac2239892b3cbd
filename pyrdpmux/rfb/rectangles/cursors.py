"""Pointer shapes: three pseudo-encodings whose rectangle is the shape, its position the hot spot.

What is beyond :data:`~pyrdpmux.rfb.limits.KEPT_CURSOR_SIDE` is read and forgotten.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import LimitExceeded
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.events import CursorChanged
from pyrdpmux.rfb.limits import KEPT_CURSOR_SIDE, MAX_CURSOR_SIDE
from pyrdpmux.rfb.rectangles.painting import BYTES_PER_PIXEL, tiles
from pyrdpmux.rfb.server_messages import RectangleHeader
from pyrdpmux.rfb.steps import PAUSE, Step, take_u32, wrong

_COLORS_SIZE: Final = 6

ROWS_AT_ONCE: Final = 16


def read_cursor(rect: RectangleHeader) -> Step[None]:
    """RFC 6143 7.8.1: pixels, and one bit each of what can be seen."""
    _check_size(rect)
    image = yield from _read_pixels(rect)
    mask = yield from _read_bits(rect)
    image[:, :, 3] = mask * 255
    yield _changed(rect, image)


def read_x_cursor(rect: RectangleHeader) -> Step[None]:
    """rfbproto X Cursor Pseudo-encoding: two colors; bits that say which, and what can be seen."""
    _check_size(rect)
    height, width = _kept(rect)
    image = np.zeros((height, width, BYTES_PER_PIXEL), np.uint8)
    if image.size:
        colors = np.frombuffer((yield _COLORS_SIZE), np.uint8).reshape(2, 3)
        is_primary = yield from _read_bits(rect)
        mask = yield from _read_bits(rect)
        yield PAUSE
        image[:, :, :3] = np.where(is_primary[:, :, None], colors[0, ::-1], colors[1, ::-1])
        image[:, :, 3] = mask * 255
    yield _changed(rect, image)


def read_cursor_with_alpha(rect: RectangleHeader, *, is_qemu: bool) -> Step[None]:
    """rfbproto Cursor With Alpha Pseudo-encoding: red, green, blue, alpha, in an encoding of its own."""
    encoding = yield from take_u32()
    if encoding != Encoding.RAW:
        raise wrong("CursorWithAlpha.encoding", f"{encoding}, only raw is expected")
    _check_size(rect)
    image = yield from _read_pixels(rect)
    yield PAUSE
    # QUIRK(QEMU): sends blue first, and colors that are not multiplied by alpha until version 10.
    if not is_qemu:
        image = np.ascontiguousarray(image[:, :, [2, 1, 0, 3]])
    if not is_qemu or (image[:, :, :3] <= image[:, :, 3:]).all():
        for top, rows in tiles(len(image), ROWS_AT_ONCE):
            yield PAUSE
            image[top : top + rows] = _straightened(image[top : top + rows])
    yield _changed(rect, image)


def _straightened(image: Pixels) -> Pixels:
    """Colors divided by alpha."""
    alpha = image[:, :, 3:].astype(np.uint32)
    straight = image.astype(np.uint32)
    straight[:, :, :3] = np.minimum(straight[:, :, :3] * 255 // np.maximum(alpha, 1), 255)
    return straight.astype(np.uint8)


def _check_size(rect: RectangleHeader) -> None:
    side = max(rect.width, rect.height)
    if side > MAX_CURSOR_SIDE:
        raise LimitExceeded("Cursor.width or height", side, MAX_CURSOR_SIDE)


def _kept(rect: RectangleHeader) -> tuple[int, int]:
    """Height and width of what is not forgotten."""
    return min(rect.height, KEPT_CURSOR_SIDE), min(rect.width, KEPT_CURSOR_SIDE)


def _read_rows(rect: RectangleHeader, row_size: int) -> Step[NDArray[np.uint8]]:
    """So many bytes for each row of the rectangle; the rows that are kept."""
    kept = np.empty((_kept(rect)[0], row_size), np.uint8)
    for top, count in tiles(rect.height, ROWS_AT_ONCE):
        rows = np.frombuffer((yield count * row_size), np.uint8).reshape(count, row_size)
        visible = max(0, min(len(kept) - top, count))
        kept[top : top + visible] = rows[:visible]
    return kept


def _read_pixels(rect: RectangleHeader) -> Step[Pixels]:
    height, width = _kept(rect)
    rows = yield from _read_rows(rect, rect.width * BYTES_PER_PIXEL)
    return rows.reshape(height, rect.width, BYTES_PER_PIXEL)[:, :width].copy()


def _read_bits(rect: RectangleHeader) -> Step[NDArray[np.uint8]]:
    """One bit per pixel, each row in bytes of its own."""
    rows = yield from _read_rows(rect, -(-rect.width // 8))
    return np.unpackbits(rows, axis=1)[:, : _kept(rect)[1]]


def _changed(rect: RectangleHeader, image: Pixels) -> CursorChanged:
    if not image.size:
        image = np.zeros((1, 1, BYTES_PER_PIXEL), np.uint8)
    return CursorChanged(image, rect.x, rect.y)
