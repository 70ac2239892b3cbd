"""The simple encodings: raw pixels (as such or through zlib), copies, and colored boxes."""

from typing import Final

import numpy as np

from pyrdpmux.errors import LimitExceeded
from pyrdpmux.rfb.events import Copied
from pyrdpmux.rfb.rectangles.compressed import CompressedStream
from pyrdpmux.rfb.rectangles.painting import BYTES_PER_PIXEL, Words, bands, paint, words_of
from pyrdpmux.rfb.server_messages import CopySource, RectangleHeader
from pyrdpmux.rfb.steps import Step, take, take_u32, wrong

BOX: Final = np.dtype([("color", "<u4"), ("x", ">u2"), ("y", ">u2"), ("width", ">u2"), ("height", ">u2")])
BOXES_AT_ONCE: Final = 1024

OVERDRAW: Final = 4
"""RRE's boxes may overlap; a server that paints each pixel more often than this wants our time."""


def read_raw(rect: RectangleHeader) -> Step[None]:
    """RFC 6143 7.7.1."""
    for top, rows in bands(rect):
        data = yield rows * rect.width * BYTES_PER_PIXEL
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
    yield Copied(source.x, source.y, rect.x, rect.y, rect.width, rect.height)


def read_rre(rect: RectangleHeader) -> Step[None]:
    """RFC 6143 7.7.3: a background, and boxes on it."""
    count = yield from take_u32()
    pixels = rect.width * rect.height
    if count > pixels:
        raise LimitExceeded("RRE.number-of-subrectangles", count, pixels)
    background = words_of((yield BYTES_PER_PIXEL), 1)[0, 0]
    words = np.full((rect.height, rect.width), background, np.uint32)
    area = 0
    while count:
        data = yield BOX.itemsize * min(count, BOXES_AT_ONCE)
        boxes = np.frombuffer(data, BOX)
        count -= len(boxes)
        area += int(np.sum(boxes["width"].astype(np.int64) * boxes["height"]))
        if area > OVERDRAW * pixels:
            raise LimitExceeded("RRE.subrectangles", area, OVERDRAW * pixels)
        _fill_boxes(words, boxes)
    if pixels:
        yield paint(rect.x, rect.y, words)


def _fill_boxes(words: Words, boxes: "np.ndarray[tuple[int], np.dtype[np.void]]") -> None:
    height, width = words.shape
    if (boxes["x"].astype(int) + boxes["width"] > width).any():
        raise wrong("RRE.x-position", f"a box reaches beyond {width} columns")
    if (boxes["y"].astype(int) + boxes["height"] > height).any():
        raise wrong("RRE.y-position", f"a box reaches beyond {height} rows")
    for color, x, y, box_width, box_height in boxes.tolist():
        words[y : y + box_height, x : x + box_width] = color
