"""What a viewer sends once the connection is initialized."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from pyrdpmux.rfb.limits import MAX_FENCE
from pyrdpmux.rfb.pixel_format import PixelFormat
from pyrdpmux.wire import OpenIntFlag, Reader, Writer

MAX_ENCODINGS: Final = 1024
RELATIVE_ORIGIN: Final = 0x7FFF
"""Of a position in a server that wants relative motion: rfbproto, QEMU Pointer Motion Change."""


@dataclass(frozen=True, slots=True)
class SetPixelFormat:
    """RFC 6143 7.5.1 SetPixelFormat."""

    TYPE: ClassVar[int] = 0

    pixel_format: PixelFormat

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("message-type", cls.TYPE)
        r.pad("padding", 3)
        return cls(r.structure(PixelFormat, "pixel-format"))

    def write(self, w: Writer) -> None:
        w.u8("message-type", self.TYPE)
        w.pad("padding", 3)
        w.structure(self.pixel_format, "pixel-format")


@dataclass(frozen=True, slots=True)
class SetEncodings:
    """RFC 6143 7.5.2 SetEncodings."""

    TYPE: ClassVar[int] = 2

    encodings: tuple[int, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("message-type", cls.TYPE)
        r.pad("padding", 1)
        count = r.u16_be("number-of-encodings")
        if count > MAX_ENCODINGS:
            raise r.error("number-of-encodings", f"{count}, at most {MAX_ENCODINGS} allowed")
        return cls(tuple([r.i32_be(f"encoding-type[{i}]") for i in range(count)]))

    def write(self, w: Writer) -> None:
        w.u8("message-type", self.TYPE)
        w.pad("padding", 1)
        w.u16_be("number-of-encodings", len(self.encodings))
        for i, encoding in enumerate(self.encodings):
            w.i32_be(f"encoding-type[{i}]", encoding)


@dataclass(frozen=True, slots=True)
class FramebufferUpdateRequest:
    """RFC 6143 7.5.3 FramebufferUpdateRequest."""

    TYPE: ClassVar[int] = 3

    incremental: bool
    x: int
    y: int
    width: int
    height: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("message-type", cls.TYPE)
        return cls(
            incremental=bool(r.u8("incremental")),
            x=r.u16_be("x-position"),
            y=r.u16_be("y-position"),
            width=r.u16_be("width"),
            height=r.u16_be("height"),
        )

    def write(self, w: Writer) -> None:
        w.u8("message-type", self.TYPE)
        w.u8("incremental", self.incremental)
        w.u16_be("x-position", self.x)
        w.u16_be("y-position", self.y)
        w.u16_be("width", self.width)
        w.u16_be("height", self.height)


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """RFC 6143 7.5.4 KeyEvent. ``key`` is an X11 keysym."""

    TYPE: ClassVar[int] = 4

    down: bool
    key: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("message-type", cls.TYPE)
        down = bool(r.u8("down-flag"))
        r.pad("padding", 2)
        return cls(down, r.u32_be("key"))

    def write(self, w: Writer) -> None:
        w.u8("message-type", self.TYPE)
        w.u8("down-flag", self.down)
        w.pad("padding", 2)
        w.u32_be("key", self.key)


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """RFC 6143 7.5.5 PointerEvent. ``button_mask``: left 1, middle 2, right 4, wheel up 8, down 16."""

    TYPE: ClassVar[int] = 5

    button_mask: int
    x: int
    y: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("message-type", cls.TYPE)
        return cls(r.u8("button-mask"), r.u16_be("x-position"), r.u16_be("y-position"))

    def write(self, w: Writer) -> None:
        w.u8("message-type", self.TYPE)
        w.u8("button-mask", self.button_mask)
        w.u16_be("x-position", self.x)
        w.u16_be("y-position", self.y)


class FenceFlags(OpenIntFlag):
    """rfbproto ClientFence and ServerFence: what the other side is to do, and in which order."""

    BLOCK_BEFORE = 1
    BLOCK_AFTER = 2
    SYNC_NEXT = 4
    #: to be answered, with the same payload
    REQUEST = 1 << 31


ANSWERED_FENCES: Final = FenceFlags.BLOCK_BEFORE | FenceFlags.BLOCK_AFTER | FenceFlags.SYNC_NEXT
"""Whoever does one thing after the other keeps all of them."""


@dataclass(frozen=True, slots=True)
class ClientFence:
    """rfbproto Client to Server Messages: ClientFence."""

    TYPE: ClassVar[int] = 248

    flags: FenceFlags
    payload: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("message-type", cls.TYPE)
        r.pad("padding", 3)
        flags = FenceFlags(r.u32_be("flags"))
        length = r.u8("length")
        if length > MAX_FENCE:
            raise r.error("length", f"{length}, at most {MAX_FENCE} allowed")
        return cls(flags, r.raw("payload", length))

    def write(self, w: Writer) -> None:
        w.u8("message-type", self.TYPE)
        w.pad("padding", 3)
        w.u32_be("flags", self.flags)
        w.u8("length", len(self.payload))
        w.raw("payload", self.payload)


@dataclass(frozen=True, slots=True)
class EnableContinuousUpdates:
    """rfbproto Client to Server Messages: EnableContinuousUpdates."""

    TYPE: ClassVar[int] = 150

    enable: bool
    x: int
    y: int
    width: int
    height: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("message-type", cls.TYPE)
        return cls(
            enable=bool(r.u8("enable-flag")),
            x=r.u16_be("x-position"),
            y=r.u16_be("y-position"),
            width=r.u16_be("width"),
            height=r.u16_be("height"),
        )

    def write(self, w: Writer) -> None:
        w.u8("message-type", self.TYPE)
        w.u8("enable-flag", self.enable)
        w.u16_be("x-position", self.x)
        w.u16_be("y-position", self.y)
        w.u16_be("width", self.width)
        w.u16_be("height", self.height)


@dataclass(frozen=True, slots=True)
class ExtendedKeyEvent:
    """rfbproto QEMU Client Message: QEMU Extended Key Event Message.

    ``keycode`` is the XT scancode with bit 7 for the E0 prefix, whatever the keyboard's layout.
    """

    TYPE: ClassVar[int] = 255
    SUBTYPE: ClassVar[int] = 0

    down: bool
    keysym: int
    keycode: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("message-type", cls.TYPE)
        r.constant_u8("submessage-type", cls.SUBTYPE)
        return cls(bool(r.u16_be("down-flag")), r.u32_be("keysym"), r.u32_be("keycode"))

    def write(self, w: Writer) -> None:
        w.u8("message-type", self.TYPE)
        w.u8("submessage-type", self.SUBTYPE)
        w.u16_be("down-flag", self.down)
        w.u32_be("keysym", self.keysym)
        w.u32_be("keycode", self.keycode)
