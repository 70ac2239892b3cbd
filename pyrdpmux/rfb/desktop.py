"""The server's desktop: how large it is, of which screens it consists, and how a viewer asks for another."""

from dataclasses import dataclass
from typing import ClassVar, Self

from pyrdpmux.rfb.limits import MAX_SCREENS
from pyrdpmux.wire import OpenIntEnum, Reader, Writer


class ResizeReason(OpenIntEnum):
    """Who made an ExtendedDesktopSize rectangle come: its x-position."""

    SERVER = 0
    THIS_CLIENT = 1
    OTHER_CLIENT = 2


class ResizeStatus(OpenIntEnum):
    """What came of the wish: its y-position."""

    DONE = 0
    PROHIBITED = 1
    OUT_OF_RESOURCES = 2
    INVALID_LAYOUT = 3
    #: QEMU and others that can only hand the wish on
    FORWARDED = 4


@dataclass(frozen=True, slots=True)
class Screen:
    """rfbproto ExtendedDesktopSize Pseudo-encoding: a SCREEN."""

    SIZE: ClassVar[int] = 16

    id: int
    x: int
    y: int
    width: int
    height: int
    flags: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            id=r.u32_be("id"),
            x=r.u16_be("x-position"),
            y=r.u16_be("y-position"),
            width=r.u16_be("width"),
            height=r.u16_be("height"),
            flags=r.u32_be("flags"),
        )

    def write(self, w: Writer) -> None:
        w.u32_be("id", self.id)
        w.u16_be("x-position", self.x)
        w.u16_be("y-position", self.y)
        w.u16_be("width", self.width)
        w.u16_be("height", self.height)
        w.u32_be("flags", self.flags)


@dataclass(frozen=True, slots=True)
class SetDesktopSize:
    """rfbproto Client to Server Messages: SetDesktopSize."""

    TYPE: ClassVar[int] = 251

    width: int
    height: int
    screens: tuple[Screen, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("message-type", cls.TYPE)
        r.pad("padding", 1)
        width, height = r.u16_be("width"), r.u16_be("height")
        count = r.u8("number-of-screens")
        if count > MAX_SCREENS:
            raise r.error("number-of-screens", f"{count}, at most {MAX_SCREENS} allowed")
        r.pad("padding", 1)
        return cls(width, height, r.items(Screen, "screens", count))

    def write(self, w: Writer) -> None:
        w.u8("message-type", self.TYPE)
        w.pad("padding", 1)
        w.u16_be("width", self.width)
        w.u16_be("height", self.height)
        w.u8("number-of-screens", len(self.screens))
        w.pad("padding", 1)
        w.items(self.screens, "screens")
