"""What a server sends once the connection is initialized: the parts of it that have a fixed size."""

from dataclasses import dataclass
from typing import ClassVar, Self

from pyrdpmux.geometry import Rect
from pyrdpmux.rfb.pixel_format import PixelFormat
from pyrdpmux.wire import OpenIntEnum, Reader, Writer


class MessageType(OpenIntEnum):
    """RFC 6143 7.6."""

    FRAMEBUFFER_UPDATE = 0
    SET_COLOR_MAP_ENTRIES = 1
    BELL = 2
    SERVER_CUT_TEXT = 3
    #: rfbproto
    END_OF_CONTINUOUS_UPDATES = 150
    SERVER_FENCE = 248


@dataclass(frozen=True, slots=True)
class Number:
    """RFC 6143 7.1 to 7.7: a count, a length, a security type or a result, as a U32 of its own."""

    SIZE: ClassVar[int] = 4

    value: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_be("value"))

    def write(self, w: Writer) -> None:
        w.u32_be("value", self.value)


@dataclass(frozen=True, slots=True)
class ServerInit:
    """RFC 6143 7.3.2 ServerInit, as far as the length of the name."""

    SIZE: ClassVar[int] = 24

    width: int
    height: int
    pixel_format: PixelFormat
    name_length: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            width=r.u16_be("framebuffer-width"),
            height=r.u16_be("framebuffer-height"),
            pixel_format=r.structure(PixelFormat, "server-pixel-format"),
            name_length=r.u32_be("name-length"),
        )

    def write(self, w: Writer) -> None:
        w.u16_be("framebuffer-width", self.width)
        w.u16_be("framebuffer-height", self.height)
        w.structure(self.pixel_format, "server-pixel-format")
        w.u32_be("name-length", self.name_length)


@dataclass(frozen=True, slots=True)
class UpdateHeader:
    """RFC 6143 7.6.1 FramebufferUpdate, what follows the message type."""

    SIZE: ClassVar[int] = 3

    rectangle_count: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("padding", 1)
        return cls(r.u16_be("number-of-rectangles"))

    def write(self, w: Writer) -> None:
        w.pad("padding", 1)
        w.u16_be("number-of-rectangles", self.rectangle_count)


@dataclass(frozen=True, slots=True)
class RectangleHeader:
    """RFC 6143 7.6.1 FramebufferUpdate, in front of each rectangle."""

    SIZE: ClassVar[int] = 12

    x: int
    y: int
    width: int
    height: int
    encoding: int

    @property
    def rect(self) -> Rect:
        return Rect(self.x, self.y, self.width, self.height)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            x=r.u16_be("x-position"),
            y=r.u16_be("y-position"),
            width=r.u16_be("width"),
            height=r.u16_be("height"),
            encoding=r.i32_be("encoding-type"),
        )

    def write(self, w: Writer) -> None:
        w.u16_be("x-position", self.x)
        w.u16_be("y-position", self.y)
        w.u16_be("width", self.width)
        w.u16_be("height", self.height)
        w.i32_be("encoding-type", self.encoding)


@dataclass(frozen=True, slots=True)
class ColorMapHeader:
    """RFC 6143 7.6.2 SetColorMapEntries, what follows the message type, without the colors."""

    SIZE: ClassVar[int] = 5

    first_color: int
    color_count: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("padding", 1)
        return cls(r.u16_be("first-color"), r.u16_be("number-of-colors"))

    def write(self, w: Writer) -> None:
        w.pad("padding", 1)
        w.u16_be("first-color", self.first_color)
        w.u16_be("number-of-colors", self.color_count)


@dataclass(frozen=True, slots=True)
class CutTextHeader:
    """RFC 6143 7.6.4 ServerCutText, what follows the message type, without the text."""

    SIZE: ClassVar[int] = 7

    length: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("padding", 3)
        return cls(r.u32_be("length"))

    def write(self, w: Writer) -> None:
        w.pad("padding", 3)
        w.u32_be("length", self.length)


@dataclass(frozen=True, slots=True)
class FenceHeader:
    """rfbproto ServerFence, what follows the message type, without the payload."""

    SIZE: ClassVar[int] = 8

    flags: int
    length: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("padding", 3)
        return cls(r.u32_be("flags"), r.u8("length"))

    def write(self, w: Writer) -> None:
        w.pad("padding", 3)
        w.u32_be("flags", self.flags)
        w.u8("length", self.length)


@dataclass(frozen=True, slots=True)
class CopySource:
    """RFC 6143 7.7.2 CopyRect Encoding."""

    SIZE: ClassVar[int] = 4

    x: int
    y: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_be("src-x-position"), r.u16_be("src-y-position"))

    def write(self, w: Writer) -> None:
        w.u16_be("src-x-position", self.x)
        w.u16_be("src-y-position", self.y)
