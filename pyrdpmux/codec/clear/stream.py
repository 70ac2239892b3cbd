"""ClearCodec's messages and their parts as they are on the wire (MS-RDPEGFX 2.2.4.1)."""

from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from pyrdpmux.errors import EncodeError
from pyrdpmux.wire import Block, OpenIntEnum, Reader, Writer

GLYPHS: Final = 4000
"""MS-RDPEGFX 3.3.1.9: slots of the Decompressor Glyph Storage."""
MAX_GLYPH_PIXELS: Final = 1024
MAX_BAND_HEIGHT: Final = 52


class Flags(IntFlag):
    """CLEARCODEC_FLAG_*."""

    GLYPH_INDEX = 0x01
    GLYPH_HIT = 0x02
    CACHE_RESET = 0x04


_KNOWN_GLYPH: Final = Flags.GLYPH_INDEX | Flags.GLYPH_HIT


@dataclass(frozen=True, slots=True)
class CompositePayload:
    """MS-RDPEGFX 2.2.4.1.1 CLEARCODEC_COMPOSITE_PAYLOAD: the three layers, each still coded."""

    residual: bytes = b""
    bands: bytes = b""
    subcodecs: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        residual = r.u32_le("residualByteCount")
        bands = r.u32_le("bandsByteCount")
        subcodecs = r.u32_le("subcodecByteCount")
        return cls(
            r.raw("residualData", residual), r.raw("bandsData", bands), r.raw("subcodecData", subcodecs)
        )

    def write(self, w: Writer) -> None:
        w.u32_le("residualByteCount", len(self.residual))
        w.u32_le("bandsByteCount", len(self.bands))
        w.u32_le("subcodecByteCount", len(self.subcodecs))
        w.raw("residualData", self.residual)
        w.raw("bandsData", self.bands)
        w.raw("subcodecData", self.subcodecs)


@dataclass(frozen=True, slots=True)
class BitmapStream:
    """MS-RDPEGFX 2.2.4.1 CLEARCODEC_BITMAP_STREAM; without a payload it shows a glyph the client has."""

    flags: Flags
    sequence_number: int
    glyph_index: int | None = None
    payload: CompositePayload | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        flags = Flags(r.u8("flags"))
        if flags & _KNOWN_GLYPH == Flags.GLYPH_HIT:
            raise r.error("flags", f"{int(flags):#04x}: a glyph hit without an index")
        sequence_number = r.u8("seqNumber")
        glyph_index = None
        if flags & Flags.GLYPH_INDEX:
            glyph_index = r.u16_le("glyphIndex")
            if glyph_index >= GLYPHS:
                raise r.error("glyphIndex", f"{glyph_index}, expected less than {GLYPHS}")
        payload = None
        if flags & _KNOWN_GLYPH != _KNOWN_GLYPH:
            payload = r.structure(CompositePayload, "compositePayload")
        return cls(flags, sequence_number, glyph_index, payload)

    def write(self, w: Writer) -> None:
        hit = self.flags & _KNOWN_GLYPH == _KNOWN_GLYPH
        if hit == (self.payload is not None):
            raise EncodeError("BitmapStream.compositePayload", "expected exactly where the glyph is no hit")
        w.u8("flags", self.flags)
        w.u8("seqNumber", self.sequence_number)
        if self.glyph_index is not None:
            w.u16_le("glyphIndex", self.glyph_index)
        if self.payload is not None:
            w.structure(self.payload, "compositePayload")


BAND_HEADER: Final = Block(
    xStart="u16", xEnd="u16", yStart="u16", yEnd="u16", blueBkg="u8", greenBkg="u8", redBkg="u8"
)
"""MS-RDPEGFX 2.2.4.1.1.2.1 CLEARCODEC_BAND, without its V-Bars."""


class SubcodecId(OpenIntEnum):
    """How the pixels of a rectangle are coded."""

    RAW = 0
    NSCODEC = 1
    RLEX = 2


@dataclass(frozen=True, slots=True)
class Subcodec:
    """MS-RDPEGFX 2.2.4.1.1.3.1 CLEARCODEC_SUBCODEC: a rectangle and its coded pixels."""

    x_start: int
    y_start: int
    width: int
    height: int
    subcodec_id: SubcodecId
    bitmap_data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        x_start = r.u16_le("xStart")
        y_start = r.u16_le("yStart")
        width = r.u16_le("width")
        height = r.u16_le("height")
        size = r.u32_le("bitmapDataByteCount")
        subcodec_id = SubcodecId(r.u8("subCodecId"))
        if subcodec_id is SubcodecId.RAW and size != 3 * width * height:
            raise r.error("bitmapDataByteCount", f"{size}, expected {3 * width * height}")
        return cls(x_start, y_start, width, height, subcodec_id, r.raw("bitmapData", size))

    def write(self, w: Writer) -> None:
        w.u16_le("xStart", self.x_start)
        w.u16_le("yStart", self.y_start)
        w.u16_le("width", self.width)
        w.u16_le("height", self.height)
        w.u32_le("bitmapDataByteCount", len(self.bitmap_data))
        w.u8("subCodecId", self.subcodec_id)
        w.raw("bitmapData", self.bitmap_data)
