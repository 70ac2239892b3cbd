"""Secondary drawing orders: what goes into a cache."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.pdu.update import CompressedDataHeader
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

HEADER_SIZE: Final = 6
LENGTH_BIAS: Final = 13
"""orderLength is as much less than the bytes of the order (2.2.2.2.1.2.1.1)."""

WAITING_LIST_INDEX: Final = 32767
"""BITMAPCACHE_WAITING_LIST_INDEX: the last entry of a cache, of which nothing is kept (2.2.2.2.1.2.3)."""

MAX_ORDER_SIZE: Final = 0x7FFF + LENGTH_BIAS
"""orderLength is signed."""

MAX_CACHE_BITMAP_SIZE: Final = MAX_ORDER_SIZE - HEADER_SIZE - 8 - 2 - 2 - 4 - 2 - 8
"""Bytes of data that a Cache Bitmap order surely takes, whatever its other fields."""


class SecondaryOrderType(OpenIntEnum):
    """orderType of MS-RDPEGDI 2.2.2.2.1.2.1.1."""

    CACHE_BITMAP_UNCOMPRESSED = 0x00
    CACHE_COLOR_TABLE = 0x01
    CACHE_BITMAP_COMPRESSED = 0x02
    CACHE_GLYPH = 0x03
    CACHE_BITMAP_UNCOMPRESSED_REV2 = 0x04
    CACHE_BITMAP_COMPRESSED_REV2 = 0x05
    CACHE_BRUSH = 0x07
    CACHE_BITMAP_COMPRESSED_REV3 = 0x08


class CacheBitmapFlags(OpenIntFlag):
    """flags of MS-RDPEGDI 2.2.2.2.1.2.3."""

    HEIGHT_SAME_AS_WIDTH = 0x01
    PERSISTENT_KEY_PRESENT = 0x02
    NO_BITMAP_COMPRESSION_HDR = 0x08
    DO_NOT_CACHE = 0x10


_DEPTHS: Final = {3: 8, 4: 16, 5: 24, 6: 32}
"""bitsPerPixelId of 2.2.2.2.1.2.3."""
_DEPTH_IDS: Final = {depth: number for number, depth in _DEPTHS.items()}


def read_two_byte(r: Reader, name: str) -> int:
    """2.2.2.2.1.2.1.2 Two-Byte Unsigned Encoding."""
    first = r.u8(name)
    return (first & 0x7F) << 8 | r.u8(name) if first & 0x80 else first


def write_two_byte(w: Writer, name: str, value: int) -> None:
    """2.2.2.2.1.2.1.2 Two-Byte Unsigned Encoding, up to 0x7FFF."""
    if not 0 <= value <= 0x7FFF:
        raise w.error(name, f"{value} does not fit 15 bits")
    if value > 0x7F:
        w.u16_be(name, 0x8000 | value)
    else:
        w.u8(name, value)


def read_four_byte(r: Reader, name: str) -> int:
    """2.2.2.2.1.2.1.4 Four-Byte Unsigned Encoding."""
    value = r.u8(name)
    count, value = value >> 6, value & 0x3F
    for _ in range(count):
        value = value << 8 | r.u8(name)
    return value


def write_four_byte(w: Writer, name: str, value: int) -> None:
    """2.2.2.2.1.2.1.4 Four-Byte Unsigned Encoding, up to 0x3FFFFFFF.

    QUIRK(rdesktop 1.9): it takes two bytes, always; so what would fit one goes into two.
    """
    count = next((count for count in range(1, 4) if 0 <= value < 1 << 6 + 8 * count), None)
    if count is None:
        raise w.error(name, f"{value} does not fit 30 bits")
    w.uint_be(name, value | count << 6 + 8 * count, count + 1)


@dataclass(frozen=True, slots=True)
class CacheBitmapRev2:
    """MS-RDPEGDI 2.2.2.2.1.2.3 Cache Bitmap - Revision 2 (CACHE_BITMAP_REV2_ORDER).

    ``data`` is that of a bitmap update (MS-RDPBCGR 2.2.9.1.1.3.1.2.2): rows bottom-up; what is compressed has
    a header in front only where ``compressed_header`` is there. ``key`` is what the bitmap is called in a
    persistent cache. With DO_NOT_CACHE, which is kept by ``cache_index`` WAITING_LIST_INDEX, it may be drawn
    once.
    """

    cache_id: int
    cache_index: int
    bits_per_pixel: int
    width: int
    height: int
    is_compressed: bool
    data: bytes
    key: int | None = None
    compressed_header: CompressedDataHeader | None = None

    @classmethod
    def read(cls, r: Reader, extra_flags: int, *, is_compressed: bool) -> Self:
        """Behind the header."""
        flags = extra_flags >> 7
        depth = _DEPTHS.get(extra_flags >> 3 & 0x0F)
        if depth is None:
            raise r.error("bitsPerPixelId", f"{extra_flags >> 3 & 0x0F}, expected 3 to 6")
        key = r.u64_le("key1") if flags & CacheBitmapFlags.PERSISTENT_KEY_PRESENT else None
        width = read_two_byte(r, "bitmapWidth")
        is_square = flags & CacheBitmapFlags.HEIGHT_SAME_AS_WIDTH
        height = width if is_square else read_two_byte(r, "bitmapHeight")
        length = read_four_byte(r, "bitmapLength")
        index = read_two_byte(r, "cacheIndex")
        if flags & CacheBitmapFlags.DO_NOT_CACHE:
            index = WAITING_LIST_INDEX
        header = None
        if is_compressed and not flags & CacheBitmapFlags.NO_BITMAP_COMPRESSION_HDR:
            first = r.u16_le("cbCompFirstRowSize")
            r.pad("cbCompMainBodySize", 2)
            header = CompressedDataHeader(r.u16_le("cbScanWidth"), r.u16_le("cbUncompressedSize"), first)
            length -= 8
        data = r.raw("bitmapDataStream", length)
        return cls(extra_flags & 7, index, depth, width, height, is_compressed, data, key, header)

    @property
    def order_type(self) -> SecondaryOrderType:
        if self.is_compressed:
            return SecondaryOrderType.CACHE_BITMAP_COMPRESSED_REV2
        return SecondaryOrderType.CACHE_BITMAP_UNCOMPRESSED_REV2

    def extra_flags(self, w: Writer) -> int:
        """extraFlags of the header."""
        if not 0 <= self.cache_id <= 7:
            raise w.error("cacheId", f"{self.cache_id} does not fit 3 bits")
        number = _DEPTH_IDS.get(self.bits_per_pixel)
        if number is None:
            raise w.error("bitsPerPixelId", f"no number for {self.bits_per_pixel} bits per pixel")
        flags = CacheBitmapFlags.HEIGHT_SAME_AS_WIDTH if self.height == self.width else CacheBitmapFlags(0)
        if self.key is not None:
            flags |= CacheBitmapFlags.PERSISTENT_KEY_PRESENT
        if self.is_compressed and self.compressed_header is None:
            flags |= CacheBitmapFlags.NO_BITMAP_COMPRESSION_HDR
        if self.cache_index == WAITING_LIST_INDEX:
            flags |= CacheBitmapFlags.DO_NOT_CACHE
        return int(flags) << 7 | number << 3 | self.cache_id

    def write(self, w: Writer) -> None:
        """Behind the header."""
        if self.key is not None:
            w.u64_le("key1", self.key)
        write_two_byte(w, "bitmapWidth", self.width)
        if self.height != self.width:
            write_two_byte(w, "bitmapHeight", self.height)
        header = self.compressed_header if self.is_compressed else None
        write_four_byte(w, "bitmapLength", len(self.data) + (8 if header is not None else 0))
        write_two_byte(w, "cacheIndex", self.cache_index)
        if header is not None:
            w.u16_le("cbCompFirstRowSize", header.first_row_size)
            w.u16_le("cbCompMainBodySize", len(self.data))
            w.u16_le("cbScanWidth", header.scan_width)
            w.u16_le("cbUncompressedSize", header.uncompressed_size)
        w.raw("bitmapDataStream", self.data)


@dataclass(frozen=True, slots=True)
class UnknownSecondaryOrder:
    """MS-RDPEGDI 2.2.2.2.1.2.1.1 a secondary order of another type; its header says how long it is."""

    order_type: SecondaryOrderType
    flags: int
    data: bytes

    def extra_flags(self, _w: Writer) -> int:
        """extraFlags of the header."""
        return self.flags

    def write(self, w: Writer) -> None:
        w.raw("data", self.data)


SecondaryOrder = CacheBitmapRev2 | UnknownSecondaryOrder


def read_secondary(r: Reader) -> SecondaryOrder:
    """2.2.2.2.1.2.1.1 Secondary Drawing Order Header behind its controlFlags, and what follows it."""
    size = r.i16_le("orderLength") + LENGTH_BIAS - HEADER_SIZE
    extra_flags = r.u16_le("extraFlags")
    order_type = SecondaryOrderType(r.u8("orderType"))
    with r.region("secondaryOrderData", size):
        if order_type == SecondaryOrderType.CACHE_BITMAP_COMPRESSED_REV2:
            return CacheBitmapRev2.read(r, extra_flags, is_compressed=True)
        if order_type == SecondaryOrderType.CACHE_BITMAP_UNCOMPRESSED_REV2:
            return CacheBitmapRev2.read(r, extra_flags, is_compressed=False)
        return UnknownSecondaryOrder(order_type, extra_flags, r.rest("data"))


def write_secondary(w: Writer, order: SecondaryOrder, control_flags: int) -> None:
    """The whole order. EncodeError for one of more than MAX_ORDER_SIZE bytes."""
    body = Writer(type(order).__name__)
    order.write(body)
    data = body.getvalue()
    w.u8("controlFlags", control_flags)
    w.i16_le("orderLength", HEADER_SIZE + len(data) - LENGTH_BIAS)
    w.u16_le("extraFlags", order.extra_flags(w))
    w.u8("orderType", order.order_type)
    w.raw("secondaryOrderData", data)
