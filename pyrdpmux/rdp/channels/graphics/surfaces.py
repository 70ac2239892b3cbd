"""Surfaces: made, shown on the output or in windows, and the output itself."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.channels.graphics.header import (
    HEADER_SIZE,
    GraphicsCommand,
    PixelFormat,
    layout,
    reading,
)
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition
from pyrdpmux.wire import Reader, Writer

#: MS-RDPEGFX 2.2.2.14: "this message MUST be 340 bytes in size"
RESET_GRAPHICS_SIZE: Final = 340
#: of an output, in pixels
MAX_OUTPUT_SIDE: Final = 32766
MAX_MONITORS: Final = 16
_MONITOR_SIZE: Final = 20
_RESET_FIXED_SIZE: Final = HEADER_SIZE + 12

_CREATE: Final = layout(surfaceId="u16", width="u16", height="u16", pixelFormat="u8")
_SURFACE: Final = layout(surfaceId="u16")
_TO_OUTPUT: Final = layout(surfaceId="u16", reserved="u16", outputOriginX="u32", outputOriginY="u32")
_TO_SCALED_OUTPUT: Final = layout(
    surfaceId="u16",
    reserved="u16",
    outputOriginX="u32",
    outputOriginY="u32",
    targetWidth="u32",
    targetHeight="u32",
)
_TO_WINDOW: Final = layout(surfaceId="u16", windowId="u64", mappedWidth="u32", mappedHeight="u32")
_TO_SCALED_WINDOW: Final = layout(
    surfaceId="u16",
    windowId="u64",
    mappedWidth="u32",
    mappedHeight="u32",
    targetWidth="u32",
    targetHeight="u32",
)


@dataclass(frozen=True, slots=True)
class CreateSurface:
    """MS-RDPEGFX 2.2.2.9 RDPGFX_CREATE_SURFACE_PDU: sizes in pixels; its contents are undefined."""

    surface_id: int
    width: int
    height: int
    pixel_format: PixelFormat = PixelFormat.XRGB_8888

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.CREATE_SURFACE):
            surface_id = r.u16_le("surfaceId")
            width = r.u16_le("width")
            height = r.u16_le("height")
            return cls(surface_id, width, height, PixelFormat(r.u8("pixelFormat")))

    def write(self, w: Writer) -> None:
        command, size = GraphicsCommand.CREATE_SURFACE, _CREATE.size
        w.block(_CREATE, command, 0, size, self.surface_id, self.width, self.height, self.pixel_format)


@dataclass(frozen=True, slots=True)
class DeleteSurface:
    """MS-RDPEGFX 2.2.2.10 RDPGFX_DELETE_SURFACE_PDU."""

    surface_id: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.DELETE_SURFACE):
            return cls(r.u16_le("surfaceId"))

    def write(self, w: Writer) -> None:
        w.block(_SURFACE, GraphicsCommand.DELETE_SURFACE, 0, _SURFACE.size, self.surface_id)


@dataclass(frozen=True, slots=True)
class MapSurfaceToOutput:
    """MS-RDPEGFX 2.2.2.15 RDPGFX_MAP_SURFACE_TO_OUTPUT_PDU: where on the output its origin is, in pixels.

    QUIRK(FreeRDP 3): mapped surfaces have no order in depth, the one that is painted last shows; and what was
    painted before it was mapped does not show until it is painted again.
    """

    surface_id: int
    x: int = 0
    y: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.MAP_SURFACE_TO_OUTPUT):
            surface_id = r.u16_le("surfaceId")
            r.pad("reserved", 2)
            return cls(surface_id, r.u32_le("outputOriginX"), r.u32_le("outputOriginY"))

    def write(self, w: Writer) -> None:
        command = GraphicsCommand.MAP_SURFACE_TO_OUTPUT
        w.block(_TO_OUTPUT, command, 0, _TO_OUTPUT.size, self.surface_id, 0, self.x, self.y)


@dataclass(frozen=True, slots=True)
class MapSurfaceToScaledOutput:
    """MS-RDPEGFX 2.2.2.22 RDPGFX_MAP_SURFACE_TO_SCALED_OUTPUT_PDU: also how large it is shown, in pixels."""

    surface_id: int
    x: int
    y: int
    target_width: int
    target_height: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.MAP_SURFACE_TO_SCALED_OUTPUT):
            surface_id = r.u16_le("surfaceId")
            r.pad("reserved", 2)
            x, y = r.u32_le("outputOriginX"), r.u32_le("outputOriginY")
            return cls(surface_id, x, y, r.u32_le("targetWidth"), r.u32_le("targetHeight"))

    def write(self, w: Writer) -> None:
        w.block(
            _TO_SCALED_OUTPUT,
            GraphicsCommand.MAP_SURFACE_TO_SCALED_OUTPUT,
            0,
            _TO_SCALED_OUTPUT.size,
            self.surface_id,
            0,
            self.x,
            self.y,
            self.target_width,
            self.target_height,
        )


@dataclass(frozen=True, slots=True)
class MapSurfaceToWindow:
    """MS-RDPEGFX 2.2.2.20 RDPGFX_MAP_SURFACE_TO_WINDOW_PDU: of a RemoteApp window (MS-RDPERP)."""

    surface_id: int
    window_id: int
    mapped_width: int
    mapped_height: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.MAP_SURFACE_TO_WINDOW):
            surface_id, window_id = r.u16_le("surfaceId"), r.u64_le("windowId")
            return cls(surface_id, window_id, r.u32_le("mappedWidth"), r.u32_le("mappedHeight"))

    def write(self, w: Writer) -> None:
        w.block(
            _TO_WINDOW,
            GraphicsCommand.MAP_SURFACE_TO_WINDOW,
            0,
            _TO_WINDOW.size,
            self.surface_id,
            self.window_id,
            self.mapped_width,
            self.mapped_height,
        )


@dataclass(frozen=True, slots=True)
class MapSurfaceToScaledWindow:
    """MS-RDPEGFX 2.2.2.23 RDPGFX_MAP_SURFACE_TO_SCALED_WINDOW_PDU."""

    surface_id: int
    window_id: int
    mapped_width: int
    mapped_height: int
    target_width: int
    target_height: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.MAP_SURFACE_TO_SCALED_WINDOW):
            surface_id, window_id = r.u16_le("surfaceId"), r.u64_le("windowId")
            width, height = r.u32_le("mappedWidth"), r.u32_le("mappedHeight")
            return cls(
                surface_id, window_id, width, height, r.u32_le("targetWidth"), r.u32_le("targetHeight")
            )

    def write(self, w: Writer) -> None:
        w.block(
            _TO_SCALED_WINDOW,
            GraphicsCommand.MAP_SURFACE_TO_SCALED_WINDOW,
            0,
            _TO_SCALED_WINDOW.size,
            self.surface_id,
            self.window_id,
            self.mapped_width,
            self.mapped_height,
            self.target_width,
            self.target_height,
        )


@dataclass(frozen=True, slots=True)
class ResetGraphics:
    """MS-RDPEGFX 2.2.2.14 RDPGFX_RESET_GRAPHICS_PDU: the output's size in pixels, and its monitors.

    QUIRK(FreeRDP 3): all surfaces turn white; FreeRDP 2 keeps their contents. Take them for lost.
    """

    width: int
    height: int
    monitors: tuple[MonitorDefinition, ...] = ()

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.RESET_GRAPHICS) as size:
            if size + HEADER_SIZE != RESET_GRAPHICS_SIZE:
                raise r.error("pduLength", f"{size + HEADER_SIZE}, expected {RESET_GRAPHICS_SIZE}")
            width, height = r.u32_le("width"), r.u32_le("height")
            count = r.u32_le("monitorCount")
            if count > MAX_MONITORS:
                raise r.error("monitorCount", f"{count}, at most {MAX_MONITORS} allowed")
            monitors = r.items(MonitorDefinition, "monitorDefArray", count)
            r.pad("pad", r.remaining)
            return cls(width, height, monitors)

    def write(self, w: Writer) -> None:
        count = len(self.monitors)
        if count > MAX_MONITORS:
            raise w.error("monitorCount", f"{count}, at most {MAX_MONITORS} allowed")
        w.u16_le("cmdId", GraphicsCommand.RESET_GRAPHICS)
        w.u16_le("flags", 0)
        w.u32_le("pduLength", RESET_GRAPHICS_SIZE)
        w.u32_le("width", self.width)
        w.u32_le("height", self.height)
        w.u32_le("monitorCount", count)
        w.items(self.monitors, "monitorDefArray")
        w.pad("pad", RESET_GRAPHICS_SIZE - _RESET_FIXED_SIZE - count * _MONITOR_SIZE)
