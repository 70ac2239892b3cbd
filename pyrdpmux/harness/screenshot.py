"""Pictures of an X display, as ``xwd`` writes them."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.wire import Reader, Writer

XWD_VERSION: Final = 7
Z_PIXMAP: Final = 2
FIXED_HEADER_SIZE: Final = 100
COLOR_SIZE: Final = 12

Picture = NDArray[np.uint8]
"""(height, width, 3), red green blue."""


@dataclass(frozen=True, slots=True)
class XwdImage:
    """X Window Dump, XWDFile.h version 7: header, window name, color map, pixels (true color, 32 bits)."""

    width: int
    height: int
    bytes_per_line: int
    pixels: bytes
    name: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        header_size = r.u32_be("header_size")
        version = r.u32_be("file_version")
        if version != XWD_VERSION:
            raise r.error("file_version", f"{version}, expected {XWD_VERSION}")
        pixmap_format = r.u32_be("pixmap_format")
        if pixmap_format != Z_PIXMAP:
            raise r.error("pixmap_format", f"{pixmap_format}, expected {Z_PIXMAP}")
        r.pad("pixmap_depth", 4)
        width = r.u32_be("pixmap_width")
        height = r.u32_be("pixmap_height")
        r.pad("xoffset", 4)
        r.pad("byte_order, bitmap_unit, bitmap_bit_order, bitmap_pad", 16)
        bits = r.u32_be("bits_per_pixel")
        if bits != 32:
            raise r.error("bits_per_pixel", f"{bits}, expected 32")
        bytes_per_line = r.u32_be("bytes_per_line")
        if bytes_per_line < 4 * width:
            raise r.error("bytes_per_line", f"{bytes_per_line}, at least {4 * width} needed")
        r.pad("visual_class, masks, bits_per_rgb, colormap_entries", 24)
        colors = r.u32_be("ncolors")
        r.pad("window_width, window_height, window_x, window_y, window_bdrwdth", 20)
        name = r.raw("window_name", header_size - FIXED_HEADER_SIZE).rstrip(b"\0")
        r.pad("colors", colors * COLOR_SIZE)
        return cls(width, height, bytes_per_line, r.raw("pixels", bytes_per_line * height), name)

    def write(self, w: Writer) -> None:
        w.u32_be("header_size", FIXED_HEADER_SIZE + len(self.name) + 1)
        w.u32_be("file_version", XWD_VERSION)
        w.u32_be("pixmap_format", Z_PIXMAP)
        w.u32_be("pixmap_depth", 24)
        w.u32_be("pixmap_width", self.width)
        w.u32_be("pixmap_height", self.height)
        for field, value in (("xoffset", 0), ("byte_order", 0), ("bitmap_unit", 32)):
            w.u32_be(field, value)
        for field, value in (("bitmap_bit_order", 0), ("bitmap_pad", 32), ("bits_per_pixel", 32)):
            w.u32_be(field, value)
        w.u32_be("bytes_per_line", self.bytes_per_line)
        w.u32_be("visual_class", 4)
        for field, value in (("red_mask", 0xFF0000), ("green_mask", 0xFF00), ("blue_mask", 0xFF)):
            w.u32_be(field, value)
        for field, value in (("bits_per_rgb", 8), ("colormap_entries", 256), ("ncolors", 0)):
            w.u32_be(field, value)
        for field, value in (("window_width", self.width), ("window_height", self.height)):
            w.u32_be(field, value)
        w.pad("window_x, window_y, window_bdrwdth", 12)
        w.raw("window_name", self.name + b"\0")
        w.raw("pixels", self.pixels)

    @property
    def picture(self) -> Picture:
        lines = np.frombuffer(self.pixels, np.uint8).reshape(self.height, self.bytes_per_line)
        bgrx = lines[:, : 4 * self.width].reshape(self.height, self.width, 4)
        return np.ascontiguousarray(bgrx[:, :, 2::-1])
