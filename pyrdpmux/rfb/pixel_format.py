"""How a pixel is laid out, and the one layout that we ask every server for."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from pyrdpmux.wire import Reader, Writer


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """RFC 6143 7.4 Pixel Format Data Structure (PIXEL_FORMAT)."""

    SIZE: ClassVar[int] = 16

    bits_per_pixel: int
    depth: int
    is_big_endian: bool
    is_true_color: bool
    red_max: int
    green_max: int
    blue_max: int
    red_shift: int
    green_shift: int
    blue_shift: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        value = cls(
            bits_per_pixel=r.u8("bits-per-pixel"),
            depth=r.u8("depth"),
            is_big_endian=bool(r.u8("big-endian-flag")),
            is_true_color=bool(r.u8("true-color-flag")),
            red_max=r.u16_be("red-max"),
            green_max=r.u16_be("green-max"),
            blue_max=r.u16_be("blue-max"),
            red_shift=r.u8("red-shift"),
            green_shift=r.u8("green-shift"),
            blue_shift=r.u8("blue-shift"),
        )
        r.pad("padding", 3)
        return value

    def write(self, w: Writer) -> None:
        w.u8("bits-per-pixel", self.bits_per_pixel)
        w.u8("depth", self.depth)
        w.u8("big-endian-flag", self.is_big_endian)
        w.u8("true-color-flag", self.is_true_color)
        w.u16_be("red-max", self.red_max)
        w.u16_be("green-max", self.green_max)
        w.u16_be("blue-max", self.blue_max)
        w.u8("red-shift", self.red_shift)
        w.u8("green-shift", self.green_shift)
        w.u8("blue-shift", self.blue_shift)
        w.pad("padding", 3)


BGRX: Final = PixelFormat(
    bits_per_pixel=32,
    depth=24,
    is_big_endian=False,
    is_true_color=True,
    red_max=255,
    green_max=255,
    blue_max=255,
    red_shift=16,
    green_shift=8,
    blue_shift=0,
)
"""Blue, green, red and a byte without meaning: what the mux keeps, and what QEMU has anyway."""
