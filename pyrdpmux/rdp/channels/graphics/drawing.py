"""Drawing on surfaces: encoded bitmaps, colors, and copies from other places."""

from dataclasses import dataclass, field
from typing import Final, Self

from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.graphics.header import (
    POINT_SIZE,
    RECTANGLE_SIZE,
    GraphicsCommand,
    PixelFormat,
    Point,
    layout,
    read_points,
    read_rect,
    read_rects,
    reading,
    write_points,
    write_rects,
)
from pyrdpmux.wire import OpenIntEnum, Reader, Writer


class CodecId(OpenIntEnum):
    """codecId of MS-RDPEGFX 2.2.2.1 and 2.2.2.2."""

    UNCOMPRESSED = 0x0000
    CAVIDEO = 0x0003
    CLEARCODEC = 0x0008
    CAPROGRESSIVE = 0x0009
    PLANAR = 0x000A
    AVC420 = 0x000B
    ALPHA = 0x000C
    AVC444 = 0x000E
    AVC444V2 = 0x000F


_WIRE_1: Final = layout(
    surfaceId="u16",
    codecId="u16",
    pixelFormat="u8",
    left="u16",
    top="u16",
    right="u16",
    bottom="u16",
    bitmapDataLength="u32",
)
_WIRE_2: Final = layout(
    surfaceId="u16", codecId="u16", codecContextId="u32", pixelFormat="u8", bitmapDataLength="u32"
)
_DELETE_CONTEXT: Final = layout(surfaceId="u16", codecContextId="u32")
_FILL: Final = layout(surfaceId="u16", fillPixel="u32", fillRectCount="u16")
_COPY: Final = layout(
    surfaceIdSrc="u16",
    surfaceIdDest="u16",
    left="u16",
    top="u16",
    right="u16",
    bottom="u16",
    destPtsCount="u16",
)


@dataclass(frozen=True, slots=True)
class WireToSurface1:
    """MS-RDPEGFX 2.2.2.1 RDPGFX_WIRE_TO_SURFACE_PDU_1: a bitmap as its codec has encoded it.

    ``rect`` is the bitmap's place and size on the surface; for AVC the bounds of all that is painted.
    """

    surface_id: int
    codec_id: CodecId
    rect: Rect
    data: bytes = field(repr=False)
    pixel_format: PixelFormat = PixelFormat.XRGB_8888

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.WIRE_TO_SURFACE_1):
            surface_id = r.u16_le("surfaceId")
            codec_id = CodecId(r.u16_le("codecId"))
            pixel_format = PixelFormat(r.u8("pixelFormat"))
            rect = read_rect(r)
            return cls(surface_id, codec_id, rect, _read_bitmap(r), pixel_format)

    def write(self, w: Writer) -> None:
        rect, size = self.rect, len(self.data)
        w.block(
            _WIRE_1,
            GraphicsCommand.WIRE_TO_SURFACE_1,
            0,
            _WIRE_1.size + size,
            self.surface_id,
            self.codec_id,
            self.pixel_format,
            rect.x,
            rect.y,
            rect.right,
            rect.bottom,
            size,
        )
        w.raw("bitmapData", self.data)


@dataclass(frozen=True, slots=True)
class WireToSurface2:
    """MS-RDPEGFX 2.2.2.2 RDPGFX_WIRE_TO_SURFACE_PDU_2: a pass of progressive encoding over the surface.

    ``data`` itself says which parts of the surface it paints.
    """

    surface_id: int
    codec_id: CodecId
    codec_context_id: int
    data: bytes = field(repr=False)
    pixel_format: PixelFormat = PixelFormat.XRGB_8888

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.WIRE_TO_SURFACE_2):
            surface_id = r.u16_le("surfaceId")
            codec_id = CodecId(r.u16_le("codecId"))
            context_id = r.u32_le("codecContextId")
            pixel_format = PixelFormat(r.u8("pixelFormat"))
            return cls(surface_id, codec_id, context_id, _read_bitmap(r), pixel_format)

    def write(self, w: Writer) -> None:
        size = len(self.data)
        w.block(
            _WIRE_2,
            GraphicsCommand.WIRE_TO_SURFACE_2,
            0,
            _WIRE_2.size + size,
            self.surface_id,
            self.codec_id,
            self.codec_context_id,
            self.pixel_format,
            size,
        )
        w.raw("bitmapData", self.data)


def _read_bitmap(r: Reader) -> bytes:
    length = r.u32_le("bitmapDataLength")
    if length > r.remaining:
        raise r.error("bitmapDataLength", f"{length}, {r.remaining} bytes left")
    return r.payload("bitmapData", length)


@dataclass(frozen=True, slots=True)
class DeleteEncodingContext:
    """MS-RDPEGFX 2.2.2.3 RDPGFX_DELETE_ENCODING_CONTEXT_PDU: of progressive encoding."""

    surface_id: int
    codec_context_id: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.DELETE_ENCODING_CONTEXT):
            surface_id = r.u16_le("surfaceId")
            return cls(surface_id, r.u32_le("codecContextId"))

    def write(self, w: Writer) -> None:
        command, size = GraphicsCommand.DELETE_ENCODING_CONTEXT, _DELETE_CONTEXT.size
        w.block(_DELETE_CONTEXT, command, 0, size, self.surface_id, self.codec_context_id)


@dataclass(frozen=True, slots=True)
class SolidFill:
    """MS-RDPEGFX 2.2.2.4 RDPGFX_SOLIDFILL_PDU.

    ``pixel`` is 0xAARRGGBB, which is four bytes of BGRX or BGRA memory as one little-endian number.
    """

    surface_id: int
    pixel: int
    rects: tuple[Rect, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.SOLID_FILL):
            surface_id, pixel = r.u16_le("surfaceId"), r.u32_le("fillPixel")
            return cls(surface_id, pixel, read_rects(r, "fillRect"))

    def write(self, w: Writer) -> None:
        count = len(self.rects)
        size = _FILL.size + count * RECTANGLE_SIZE
        w.block(_FILL, GraphicsCommand.SOLID_FILL, 0, size, self.surface_id, self.pixel, count)
        write_rects(w, self.rects)


@dataclass(frozen=True, slots=True)
class SurfaceToSurface:
    """MS-RDPEGFX 2.2.2.5 RDPGFX_SURFACE_TO_SURFACE_PDU: one place copied to others, in the order given.

    Source and destination may overlap, and may be one surface.
    """

    source_id: int
    destination_id: int
    rect: Rect
    points: tuple[Point, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.SURFACE_TO_SURFACE):
            source_id, destination_id = r.u16_le("surfaceIdSrc"), r.u16_le("surfaceIdDest")
            rect = read_rect(r)
            return cls(source_id, destination_id, rect, read_points(r, "destPts"))

    def write(self, w: Writer) -> None:
        rect, count = self.rect, len(self.points)
        w.block(
            _COPY,
            GraphicsCommand.SURFACE_TO_SURFACE,
            0,
            _COPY.size + count * POINT_SIZE,
            self.source_id,
            self.destination_id,
            rect.x,
            rect.y,
            rect.right,
            rect.bottom,
            count,
        )
        write_points(w, self.points)
