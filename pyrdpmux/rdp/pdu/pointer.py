"""Pointer updates: position, hidden or default shape, and shapes with their place in the client's cache.

Both masks are bottom-up and each scan line is padded to two bytes; :mod:`pyrdpmux.codec.pointer` makes them
from pixels. The AND mask has one bit per pixel, the XOR mask 24 (color pointers) or ``xor_bpp``.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import Block, OpenIntEnum, Reader, Writer

#: With LARGE_POINTER_FLAG_96x96 (MS-RDPBCGR 2.2.7.2.7); 32 pixels without.
MAX_POINTER_SIZE: Final = 96
#: With LARGE_POINTER_FLAG_384x384.
MAX_LARGE_POINTER_SIZE: Final = 384
MAX_BITS_PER_PIXEL: Final = 32


class PointerMessageType(OpenIntEnum):
    """messageType of MS-RDPBCGR 2.2.9.1.1.4."""

    SYSTEM = 0x0001
    POSITION = 0x0003
    COLOR = 0x0006
    CACHED = 0x0007
    POINTER = 0x0008


class SystemPointerType(OpenIntEnum):
    """systemPointerType of MS-RDPBCGR 2.2.9.1.1.4.3."""

    NULL = 0x00000000
    DEFAULT = 0x00007F00


def scan_line_size(width: int, bits_per_pixel: int) -> int:
    """Bytes of one scan line of a mask: whole bytes, an even number of them."""
    return (width * bits_per_pixel + 15) // 16 * 2


@dataclass(frozen=True, slots=True)
class PointerPosition:
    """MS-RDPBCGR 2.2.9.1.1.4.2 Pointer Position Update (TS_POINTERPOSATTRIBUTE)."""

    x: int
    y: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_le("xPos"), r.u16_le("yPos"))

    def write(self, w: Writer) -> None:
        w.u16_le("xPos", self.x)
        w.u16_le("yPos", self.y)


@dataclass(frozen=True, slots=True)
class SystemPointer:
    """MS-RDPBCGR 2.2.9.1.1.4.3 System Pointer Update (TS_SYSTEMPOINTERATTRIBUTE)."""

    pointer_type: SystemPointerType

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(SystemPointerType(r.u32_le("systemPointerType")))

    def write(self, w: Writer) -> None:
        w.u32_le("systemPointerType", self.pointer_type)


_COLOR_POINTER = Block(
    cacheIndex="u16",
    xPos="u16",
    yPos="u16",
    width="u16",
    height="u16",
    lengthAndMask="u16",
    lengthXorMask="u16",
)
_LARGE_POINTER = Block(
    xorBpp="u16",
    cacheIndex="u16",
    xPos="u16",
    yPos="u16",
    width="u16",
    height="u16",
    lengthAndMask="u32",
    lengthXorMask="u32",
)


def _check_size(r: Reader, width: int, height: int, maximum: int) -> None:
    # A hostile shape may lie about its masks too, but not about how much memory its pixels would take.
    if max(width, height) > maximum:
        raise r.error("width", f"{width}x{height}, at most {maximum}x{maximum} allowed")


def _skip_pad(r: Reader) -> None:
    """The optional byte after the masks, which Windows Server 2016 leaves out."""
    if r.remaining:
        r.pad("pad", 1)


@dataclass(frozen=True, slots=True)
class ColorPointer:
    """MS-RDPBCGR 2.2.9.1.1.4.4 Color Pointer Update (TS_COLORPOINTERATTRIBUTE)."""

    cache_index: int
    hot_x: int
    hot_y: int
    width: int
    height: int
    xor_mask: bytes
    and_mask: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        cache_index, hot_x, hot_y, width, height, and_size, xor_size = r.block(_COLOR_POINTER)
        _check_size(r, width, height, MAX_POINTER_SIZE)
        xor_mask = r.raw("xorMaskData", xor_size)
        and_mask = r.raw("andMaskData", and_size)
        _skip_pad(r)
        return cls(cache_index, hot_x, hot_y, width, height, xor_mask, and_mask)

    def write(self, w: Writer) -> None:
        w.block(
            _COLOR_POINTER,
            self.cache_index,
            self.hot_x,
            self.hot_y,
            self.width,
            self.height,
            len(self.and_mask),
            len(self.xor_mask),
        )
        w.raw("xorMaskData", self.xor_mask)
        w.raw("andMaskData", self.and_mask)


@dataclass(frozen=True, slots=True)
class NewPointer:
    """MS-RDPBCGR 2.2.9.1.1.4.5 New Pointer Update (TS_POINTERATTRIBUTE): 1, 4, 8, 16, 24 or 32 bpp."""

    xor_bpp: int
    shape: ColorPointer

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_le("xorBpp"), r.structure(ColorPointer, "colorPtrAttr"))

    def write(self, w: Writer) -> None:
        w.u16_le("xorBpp", self.xor_bpp)
        w.structure(self.shape, "colorPtrAttr")


@dataclass(frozen=True, slots=True)
class CachedPointer:
    """MS-RDPBCGR 2.2.9.1.1.4.6 Cached Pointer Update (TS_CACHEDPOINTERATTRIBUTE)."""

    cache_index: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_le("cacheIndex"))

    def write(self, w: Writer) -> None:
        w.u16_le("cacheIndex", self.cache_index)


@dataclass(frozen=True, slots=True)
class LargePointer:
    """MS-RDPBCGR 2.2.9.1.2.1.11 Fast-Path Large Pointer Update (TS_FP_LARGEPOINTERATTRIBUTE): fast path only.

    The specification calls its XOR mask 24-bpp, but it has ``xor_bpp`` like a new pointer's.
    """

    xor_bpp: int
    cache_index: int
    hot_x: int
    hot_y: int
    width: int
    height: int
    xor_mask: bytes
    and_mask: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        xor_bpp, cache_index, hot_x, hot_y, width, height, and_size, xor_size = r.block(_LARGE_POINTER)
        _check_size(r, width, height, MAX_LARGE_POINTER_SIZE)
        largest = height * scan_line_size(width, MAX_BITS_PER_PIXEL)
        if max(and_size, xor_size) > largest:
            raise r.error("lengthXorMask", f"masks of {and_size} and {xor_size} bytes for {width}x{height}")
        xor_mask = r.raw("xorMaskData", xor_size)
        and_mask = r.raw("andMaskData", and_size)
        _skip_pad(r)
        return cls(xor_bpp, cache_index, hot_x, hot_y, width, height, xor_mask, and_mask)

    def write(self, w: Writer) -> None:
        w.block(
            _LARGE_POINTER,
            self.xor_bpp,
            self.cache_index,
            self.hot_x,
            self.hot_y,
            self.width,
            self.height,
            len(self.and_mask),
            len(self.xor_mask),
        )
        w.raw("xorMaskData", self.xor_mask)
        w.raw("andMaskData", self.and_mask)


@dataclass(frozen=True, slots=True)
class UnknownPointer:
    """MS-RDPBCGR 2.2.9.1.1.4 pointerAttributeData of an unknown type, such as T.128's monochrome pointer."""

    message_type: PointerMessageType
    data: bytes

    def write(self, w: Writer) -> None:
        w.raw("pointerAttributeData", self.data)


SlowPathPointer = SystemPointer | PointerPosition | ColorPointer | CachedPointer | NewPointer

POINTER_TYPES: Final[dict[PointerMessageType, type[SlowPathPointer]]] = {
    PointerMessageType.SYSTEM: SystemPointer,
    PointerMessageType.POSITION: PointerPosition,
    PointerMessageType.COLOR: ColorPointer,
    PointerMessageType.CACHED: CachedPointer,
    PointerMessageType.POINTER: NewPointer,
}
MESSAGE_TYPES: Final = {cls: message_type for message_type, cls in POINTER_TYPES.items()}


@dataclass(frozen=True, slots=True)
class PointerUpdate:
    """MS-RDPBCGR 2.2.9.1.1.4 Server Pointer Update PDU (TS_POINTER_PDU), after the share headers."""

    pointer: SlowPathPointer | UnknownPointer

    @classmethod
    def read(cls, r: Reader) -> Self:
        message_type = PointerMessageType(r.u16_le("messageType"))
        r.pad("pad2Octets", 2)
        pointer_cls = POINTER_TYPES.get(message_type)
        if pointer_cls is None:
            return cls(UnknownPointer(message_type, r.rest("pointerAttributeData")))
        return cls(pointer_cls.read(r))

    def write(self, w: Writer) -> None:
        pointer = self.pointer
        if isinstance(pointer, UnknownPointer):
            w.u16_le("messageType", pointer.message_type)
        else:
            w.u16_le("messageType", MESSAGE_TYPES[type(pointer)])
        w.pad("pad2Octets", 2)
        pointer.write(w)
