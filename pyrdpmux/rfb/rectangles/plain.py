"""The simple encodings: raw pixels (as such or through zlib), copies, and colored boxes."""

from collections.abc import Callable
from typing import Final

import numpy as np

from pyrdpmux.errors import LimitExceeded
from pyrdpmux.geometry import Rect
from pyrdpmux.rfb.events import Copied
from pyrdpmux.rfb.limits import OVERDRAW, STEP_PIXELS
from pyrdpmux.rfb.rectangles.compressed import CompressedStream
from pyrdpmux.rfb.rectangles.painting import BYTES_PER_PIXEL, Words, bands, paint, words_of
from pyrdpmux.rfb.server_messages import CopySource, RectangleHeader
from pyrdpmux.rfb.steps import PAUSE, Lent, Step, take, take_u32, wrong

BOX: Final = np.dtype([("color", "<u4"), ("x", ">u2"), ("y", ">u2"), ("width", ">u2"), ("height", ">u2")])
BOXES_AT_ONCE: Final = 1024


def read_raw(rect: RectangleHeader) -> Step[None]:
    """RFC 6143 7.7.1."""
    for top, rows in bands(rect):
        data = yield Lent(rows * rect.width * BYTES_PER_PIXEL)
        yield paint(rect.x, rect.y + top, words_of(data, rect.width))


def read_zlib(rect: RectangleHeader, stream: CompressedStream) -> Step[None]:
    """rfbproto Zlib Encoding: raw pixels, compressed."""
    yield from stream.begin(rect.width * rect.height * BYTES_PER_PIXEL)
    for top, rows in bands(rect):
        data = yield from stream.take(rows * rect.width * BYTES_PER_PIXEL)
        yield paint(rect.x, rect.y + top, words_of(data, rect.width))
    yield from stream.finish()


def read_copy(rect: RectangleHeader) -> Step[None]:
    """RFC 6143 7.7.2."""
    source = yield from take(CopySource)
    yield Copied(Rect(source.x, source.y, rect.width, rect.height), rect.rect)


def read_rre(rect: RectangleHeader, spend: Callable[[int], None]) -> Step[None]:
    """RFC 6143 7.7.3: a background, and boxes on it. ``spend`` counts what the boxes paint."""
    count = yield from take_u32()
    pixels = rect.width * rect.height
    if count > pixels:
        raise LimitExceeded("RRE.number-of-subrectangles", count, pixels)
    background = words_of((yield BYTES_PER_PIXEL), 1)[0, 0]
    words = np.empty((rect.height, rect.width), np.uint32)
    for top, rows in bands(rect):
        words[top : top + rows] = background
        yield PAUSE
    area = 0
    while count:
        data = yield BOX.itemsize * min(count, BOXES_AT_ONCE)
        boxes = np.frombuffer(data, BOX)
        count -= len(boxes)
        painted = int(np.sum(boxes["width"].astype(np.int64) * boxes["height"]))
        area += painted
        if area > OVERDRAW * pixels:
            raise LimitExceeded("RRE.subrectangles", area, OVERDRAW * pixels)
        spend(painted)
        yield from _fill_boxes(words, boxes)
    for top, rows in bands(rect):
        yield paint(rect.x, rect.y + top, words[top : top + rows])


def _fill_boxes(words: Words, boxes: "np.ndarray[tuple[int], np.dtype[np.void]]") -> Step[None]:
    height, width = words.shape
    if (boxes["x"].astype(int) + boxes["width"] > width).any():
        raise wrong("RRE.x-position", f"a box reaches beyond {width} columns")
    if (boxes["y"].astype(int) + boxes["height"] > height).any():
        raise wrong("RRE.y-position", f"a box reaches beyond {height} rows")
    left = STEP_PIXELS
    for color, x, y, box_width, box_height in boxes.tolist():
        rows = max(1, STEP_PIXELS // max(box_width, 1))
        for top in range(y, y + box_height, rows):
            bottom = min(top + rows, y + box_height)
            words[top:bottom, x : x + box_width] = color
            left -= (bottom - top) * box_width + 1
            if left <= 0:
                left = STEP_PIXELS
                yield PAUSE
