"""A client's ClearCodec (MS-RDPEGFX 3.3.8.1.2 Decompressing a Bitmap)."""

from typing import Final

import numpy as np

from pyrdpmux.codec import nscodec
from pyrdpmux.codec.clear import residual, rlex
from pyrdpmux.codec.clear.band_decoder import MAX_OVERDRAW, BandDecoder
from pyrdpmux.codec.clear.stream import (
    GLYPHS,
    MAX_GLYPH_PIXELS,
    BitmapStream,
    CompositePayload,
    Flags,
    Subcodec,
    SubcodecId,
)
from pyrdpmux.codec.color import MAX_PIXELS, Pixels, Words, words
from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import Reader

MAX_SIDE: Final = 0xFFFF


class Decoder:
    """The state of one connection's ClearCodec: caches, glyphs, and the number of the next message."""

    def __init__(self, sequence_number: int = 0) -> None:
        self._bands = BandDecoder()
        self._glyphs: list[Words | None] = [None] * GLYPHS
        self._expected = sequence_number

    def decode(self, data: bytes, width: int, height: int, *, out: Pixels | None = None) -> Pixels:
        """The (height, width, 4) uint8 BGRX pixels of one message; DecodeError for what is not one.

        ``out`` holds what was there before, which shows through where no layer paints (black without it),
        and is written only where everything is right. After an error the caches are those of no client.
        """
        if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE or width * height > MAX_PIXELS:
            raise DecodeError("ClearCodec", f"{width} x {height} pixels, expected 1 to {MAX_PIXELS}", 0)
        r = Reader(data, "ClearCodec")
        stream = BitmapStream.read(r)
        r.finish("")
        if stream.sequence_number != self._expected:
            raise DecodeError(
                "ClearCodec.seqNumber", f"{stream.sequence_number}, expected {self._expected}", 1
            )
        self._expected = (self._expected + 1) % 256
        if stream.flags & Flags.CACHE_RESET:
            self._bands.reset()
        if stream.glyph_index is not None and width * height > MAX_GLYPH_PIXELS:
            raise DecodeError("ClearCodec.glyphIndex", f"for {width} x {height} pixels", 2)
        canvas = self._painted(stream, width, height, out)
        if out is None:
            return canvas.view(np.uint8).reshape(height, width, 4)
        out[...] = canvas.view(np.uint8).reshape(height, width, 4)
        return out

    def _painted(self, stream: BitmapStream, width: int, height: int, before: Pixels | None) -> Words:
        if stream.payload is None:
            return self._glyph(stream.glyph_index or 0, width * height).reshape(height, width)
        if before is None:
            canvas: Words = np.full((height, width), residual.OPAQUE, "<u4")
        else:
            canvas = np.array(words(before), "<u4", order="C")
        self._paint(stream.payload, canvas)
        if stream.glyph_index is not None:
            self._glyphs[stream.glyph_index] = canvas.reshape(-1).copy()
        return canvas

    def _glyph(self, index: int, pixels: int) -> Words:
        """A glyph is a row of pixels that fits any rectangle of as many (MS-RDPEGFX 4.1.1.5)."""
        glyph = self._glyphs[index]
        if glyph is None or len(glyph) != pixels:
            known = "nothing" if glyph is None else len(glyph)
            raise DecodeError("ClearCodec.glyphIndex", f"{index} holds {known}, expected {pixels} pixels", 2)
        return glyph.copy()

    def _paint(self, payload: CompositePayload, canvas: Words) -> None:
        """INVARIANT: offsets in errors count from the layer's start."""
        if payload.residual:
            residual.decode(payload.residual, canvas)
        if payload.bands:
            self._bands.decode(payload.bands, canvas)
        if payload.subcodecs:
            _paint_subcodecs(payload.subcodecs, canvas)


def _paint_subcodecs(data: bytes, canvas: Words) -> None:
    """MS-RDPEGFX 2.2.4.1.1.3 CLEARCODEC_SUBCODECS_DATA."""
    height, width = canvas.shape
    room = MAX_OVERDRAW * canvas.size
    r = Reader(data, "ClearCodec.subcodecData")
    while r.remaining:
        start = r.offset
        area = Subcodec.read(r)
        right, bottom = area.x_start + area.width, area.y_start + area.height
        if not (area.width and area.height) or right > width or bottom > height:
            size = f"{area.width} x {area.height} at {area.x_start}, {area.y_start}"
            raise DecodeError("ClearCodec.subcodecData", f"{size}, the bitmap has {width} x {height}", start)
        room -= area.width * area.height
        if room < 0:
            raise DecodeError("ClearCodec.subcodecData", f"covers the bitmap {MAX_OVERDRAW} times", start)
        canvas[area.y_start : bottom, area.x_start : right] = _pixels(area, start)


def _pixels(area: Subcodec, start: int) -> Words:
    shape = (area.height, area.width)
    match area.subcodec_id:
        case SubcodecId.RAW:
            octets = np.frombuffer(area.bitmap_data, np.uint8).reshape(-1, 3)
            return residual.colors_of(octets).reshape(shape)
        case SubcodecId.NSCODEC:
            return words(nscodec.decode(area.bitmap_data, area.width, area.height, bottom_up=False))
        case SubcodecId.RLEX:
            return rlex.decode(area.bitmap_data, area.width * area.height, start).reshape(shape)
        case _:
            raise DecodeError("ClearCodec.subCodecId", f"{int(area.subcodec_id)}, expected 0 to 2", start)
