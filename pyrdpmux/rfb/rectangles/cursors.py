"""Pointer shapes: three pseudo-encodings whose rectangle is the shape, its position the hot spot."""

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.errors import LimitExceeded
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.events import CursorChanged, Pixels
from pyrdpmux.rfb.limits import MAX_CURSOR_SIDE
from pyrdpmux.rfb.rectangles.painting import BYTES_PER_PIXEL
from pyrdpmux.rfb.server_messages import RectangleHeader
from pyrdpmux.rfb.steps import Step, take_u32, wrong

_COLORS_SIZE = 6


def read_cursor(rect: RectangleHeader) -> Step[None]:
    """RFC 6143 7.8.1: pixels, and one bit each of what can be seen."""
    size = _pixels_in(rect)
    pixels = np.frombuffer((yield size * BYTES_PER_PIXEL), np.uint8)
    mask = yield from _read_bits(rect)
    image = pixels.reshape(rect.height, rect.width, BYTES_PER_PIXEL).copy()
    image[:, :, 3] = mask * 255
    yield _changed(rect, image)


def read_x_cursor(rect: RectangleHeader) -> Step[None]:
    """rfbproto X Cursor Pseudo-encoding: two colors; bits that say which, and what can be seen."""
    image = np.zeros((rect.height, rect.width, BYTES_PER_PIXEL), np.uint8)
    if _pixels_in(rect):
        colors = np.frombuffer((yield _COLORS_SIZE), np.uint8).reshape(2, 3)
        is_primary = yield from _read_bits(rect)
        mask = yield from _read_bits(rect)
        image[:, :, :3] = np.where(is_primary[:, :, None], colors[0, ::-1], colors[1, ::-1])
        image[:, :, 3] = mask * 255
    yield _changed(rect, image)


def read_cursor_with_alpha(rect: RectangleHeader, *, is_qemu: bool) -> Step[None]:
    """rfbproto Cursor With Alpha Pseudo-encoding: red, green, blue, alpha, in an encoding of its own."""
    encoding = yield from take_u32()
    if encoding != Encoding.RAW:
        raise wrong("CursorWithAlpha.encoding", f"{encoding}, only raw is expected")
    data = np.frombuffer((yield _pixels_in(rect) * BYTES_PER_PIXEL), np.uint8)
    image = data.reshape(rect.height, rect.width, BYTES_PER_PIXEL)
    # QUIRK(QEMU): sends blue first, and colors that are not multiplied by alpha until version 10.
    if not is_qemu:
        image = image[:, :, [2, 1, 0, 3]]
    if not is_qemu or (image[:, :, :3] <= image[:, :, 3:]).all():
        image = _straightened(image)
    yield _changed(rect, image.copy())


def _straightened(image: Pixels) -> Pixels:
    """Colors divided by alpha."""
    alpha = image[:, :, 3:].astype(np.uint32)
    straight = image.astype(np.uint32)
    straight[:, :, :3] = np.minimum(straight[:, :, :3] * 255 // np.maximum(alpha, 1), 255)
    return straight.astype(np.uint8)


def _pixels_in(rect: RectangleHeader) -> int:
    side = max(rect.width, rect.height)
    if side > MAX_CURSOR_SIDE:
        raise LimitExceeded("Cursor.width or height", side, MAX_CURSOR_SIDE)
    return rect.width * rect.height


def _read_bits(rect: RectangleHeader) -> Step[NDArray[np.uint8]]:
    """One bit per pixel, each row in bytes of its own."""
    row_size = -(-rect.width // 8)
    data = np.frombuffer((yield row_size * rect.height), np.uint8).reshape(rect.height, row_size)
    return np.unpackbits(data, axis=1)[:, : rect.width]


def _changed(rect: RectangleHeader, image: Pixels) -> CursorChanged:
    if not image.size:
        image = np.zeros((1, 1, BYTES_PER_PIXEL), np.uint8)
    return CursorChanged(image, rect.x, rect.y)
