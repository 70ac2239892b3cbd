"""Graphics updates: the bodies that slow path and fast path share, and the slow path's wrapper.

Bitmap updates are the server's hot path (hundreds of rectangles a frame): their fixed fields go in one
:class:`~pyrdpmux.wire.Block`.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.geometry import Rect
from pyrdpmux.wire import Block, OpenIntEnum, OpenIntFlag, Reader, Writer

#: 64x64 tiles of an 8K screen; Windows sends at most a few dozen rectangles in one update.
MAX_RECTANGLES: Final = 8192
#: "MUST be set to 256": a palette has no more, older servers may send fewer.
MAX_PALETTE_COLORS: Final = 256
COMPRESSED_HEADER_SIZE: Final = 8


class UpdateType(OpenIntEnum):
    """updateType of MS-RDPBCGR 2.2.9.1.1.3.1."""

    ORDERS = 0x0000
    BITMAP = 0x0001
    PALETTE = 0x0002
    SYNCHRONIZE = 0x0003


class BitmapFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.9.1.1.3.1.2.2."""

    COMPRESSION = 0x0001
    NO_BITMAP_COMPRESSION_HDR = 0x0400


def _read_update_type(r: Reader, expected: UpdateType) -> None:
    update_type = r.u16_le("updateType")
    if update_type != expected:
        raise r.error("updateType", f"{update_type}, expected {expected.value}")


@dataclass(frozen=True, slots=True)
class CompressedDataHeader:
    """MS-RDPBCGR 2.2.9.1.1.3.1.2.3 Compressed Data Header (TS_CD_HEADER); its size field is derived."""

    scan_width: int
    uncompressed_size: int
    first_row_size: int = 0


_BITMAP_DATA = Block(
    destLeft="u16",
    destTop="u16",
    destRight="u16",
    destBottom="u16",
    width="u16",
    height="u16",
    bitsPerPixel="u16",
    flags="u16",
    bitmapLength="u16",
)
_COMPRESSED_HEADER = Block(
    cbCompFirstRowSize="u16", cbCompMainBodySize="u16", cbScanWidth="u16", cbUncompressedSize="u16"
)


#: Plain integers: an operation on IntFlag costs as much as packing the whole rectangle (1 µs).
_COMPRESSED: Final = int(BitmapFlags.COMPRESSION)
_HEADER_FLAGS: Final = int(BitmapFlags.COMPRESSION | BitmapFlags.NO_BITMAP_COMPRESSION_HDR)


def _has_compressed_header(flags: int) -> bool:
    return int(flags) & _HEADER_FLAGS == _COMPRESSED


@dataclass(frozen=True, slots=True)
class BitmapData:
    """MS-RDPBCGR 2.2.9.1.1.3.1.2.2 Bitmap Data (TS_BITMAP_DATA).

    ``right`` and ``bottom`` are inclusive and bound what is shown; ``width`` and ``height`` are the
    bitmap's own, which a codec may have padded. Uncompressed rows go bottom-up, padded to four bytes.
    """

    left: int
    top: int
    right: int
    bottom: int
    width: int
    height: int
    bits_per_pixel: int
    flags: BitmapFlags
    data: bytes
    compressed_header: CompressedDataHeader | None = None

    @classmethod
    def of(
        cls,
        rect: Rect,
        width: int,
        height: int,
        bits_per_pixel: int,
        flags: BitmapFlags,
        data: bytes,
        compressed_header: CompressedDataHeader | None = None,
    ) -> Self:
        """A bitmap of which ``rect`` is shown, which may not be empty."""
        right, bottom = rect.right - 1, rect.bottom - 1
        return cls(
            rect.x, rect.y, right, bottom, width, height, bits_per_pixel, flags, data, compressed_header
        )

    @property
    def rect(self) -> Rect:
        """What is shown; empty, or of a negative size, where a peer has right before left."""
        return Rect.from_corners(self.left, self.top, self.right + 1, self.bottom + 1)

    @classmethod
    def read(cls, r: Reader) -> Self:
        left, top, right, bottom, width, height, depth, flags, length = r.block(_BITMAP_DATA)
        header = None
        if _has_compressed_header(flags):
            first, length_inside, scan_width, size = r.block(_COMPRESSED_HEADER)
            if length_inside + COMPRESSED_HEADER_SIZE != length:
                raise r.error("cbCompMainBodySize", f"{length_inside} with a bitmapLength of {length}")
            header = CompressedDataHeader(scan_width, size, first)
            length = length_inside
        data = r.raw("bitmapDataStream", length)
        return cls(left, top, right, bottom, width, height, depth, BitmapFlags(flags), data, header)

    def write(self, w: Writer) -> None:
        header = self.compressed_header
        if _has_compressed_header(self.flags) != (header is not None):
            raise w.error("bitmapComprHdr", f"present: {header is not None}, with flags {self.flags!r}")
        size = len(self.data)
        w.block(
            _BITMAP_DATA,
            self.left,
            self.top,
            self.right,
            self.bottom,
            self.width,
            self.height,
            self.bits_per_pixel,
            self.flags,
            size if header is None else size + COMPRESSED_HEADER_SIZE,
        )
        if header is not None:
            w.block(
                _COMPRESSED_HEADER, header.first_row_size, size, header.scan_width, header.uncompressed_size
            )
        w.raw("bitmapDataStream", self.data)


@dataclass(frozen=True, slots=True)
class BitmapUpdate:
    """MS-RDPBCGR 2.2.9.1.1.3.1.2.1 Bitmap Update Data (TS_UPDATE_BITMAP_DATA).

    QUIRK(mstsc of Windows 11 24H2): breaks on several rectangles in one update (FreeRDP issues 10413 and
    11267); what is sent has one, and several updates share a fast-path PDU instead.
    """

    rectangles: tuple[BitmapData, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_update_type(r, UpdateType.BITMAP)
        count = r.u16_le("numberRectangles")
        if count > MAX_RECTANGLES:
            raise r.error("numberRectangles", f"{count}, at most {MAX_RECTANGLES} allowed")
        return cls(r.items(BitmapData, "rectangles", count))

    def write(self, w: Writer) -> None:
        w.u16_le("updateType", UpdateType.BITMAP)
        w.u16_le("numberRectangles", len(self.rectangles))
        for rectangle in self.rectangles:
            rectangle.write(w)


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """MS-RDPBCGR 2.2.9.1.1.3.1.1.2 RGB Palette Entry (TS_PALETTE_ENTRY)."""

    red: int
    green: int
    blue: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u8("red"), r.u8("green"), r.u8("blue"))

    def write(self, w: Writer) -> None:
        w.u8("red", self.red)
        w.u8("green", self.green)
        w.u8("blue", self.blue)


@dataclass(frozen=True, slots=True)
class PaletteUpdate:
    """MS-RDPBCGR 2.2.9.1.1.3.1.1.1 Palette Update Data (TS_UPDATE_PALETTE_DATA)."""

    entries: tuple[PaletteEntry, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_update_type(r, UpdateType.PALETTE)
        r.pad("pad2Octets", 2)
        count = r.u32_le("numberColors")
        if count > MAX_PALETTE_COLORS:
            raise r.error("numberColors", f"{count}, at most {MAX_PALETTE_COLORS} allowed")
        return cls(r.items(PaletteEntry, "paletteEntries", count))

    def write(self, w: Writer) -> None:
        w.u16_le("updateType", UpdateType.PALETTE)
        w.pad("pad2Octets", 2)
        w.u32_le("numberColors", len(self.entries))
        w.items(self.entries, "paletteEntries")


@dataclass(frozen=True, slots=True)
class SynchronizeUpdate:
    """MS-RDPBCGR 2.2.9.1.1.3.1.3 Synchronize Update (TS_UPDATE_SYNC): an artifact of T.128, to be ignored."""

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_update_type(r, UpdateType.SYNCHRONIZE)
        if r.remaining:  # QUIRK(Windows Server 2008): leaves the padding out
            r.pad("pad2Octets", 2)
        return cls()

    def write(self, w: Writer) -> None:
        w.u16_le("updateType", UpdateType.SYNCHRONIZE)
        w.pad("pad2Octets", 2)


@dataclass(frozen=True, slots=True)
class OrdersUpdate:
    """MS-RDPEGDI 2.2.2.1 Orders Update (TS_UPDATE_ORDERS_PDU_DATA); the orders stay as they are."""

    number_orders: int
    order_data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_update_type(r, UpdateType.ORDERS)
        r.pad("pad2OctetsA", 2)
        number_orders = r.u16_le("numberOrders")
        r.pad("pad2OctetsB", 2)
        return cls(number_orders, r.rest("orderData"))

    def write(self, w: Writer) -> None:
        w.u16_le("updateType", UpdateType.ORDERS)
        w.pad("pad2OctetsA", 2)
        w.u16_le("numberOrders", self.number_orders)
        w.pad("pad2OctetsB", 2)
        w.raw("orderData", self.order_data)


@dataclass(frozen=True, slots=True)
class UnknownUpdate:
    """MS-RDPBCGR 2.2.9.1.1.3.1 Slow-Path Graphics Update of an unknown type."""

    update_type: UpdateType
    data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(UpdateType(r.u16_le("updateType")), r.rest("updateData"))

    def write(self, w: Writer) -> None:
        w.u16_le("updateType", self.update_type)
        w.raw("updateData", self.data)


KnownUpdate = OrdersUpdate | BitmapUpdate | PaletteUpdate | SynchronizeUpdate

UPDATE_TYPES: Final[dict[int, type[KnownUpdate]]] = {
    UpdateType.ORDERS: OrdersUpdate,
    UpdateType.BITMAP: BitmapUpdate,
    UpdateType.PALETTE: PaletteUpdate,
    UpdateType.SYNCHRONIZE: SynchronizeUpdate,
}


@dataclass(frozen=True, slots=True)
class GraphicsUpdate:
    """MS-RDPBCGR 2.2.9.1.1.3.1 Slow-Path Graphics Update (TS_GRAPHICS_UPDATE), after the share headers."""

    update: KnownUpdate | UnknownUpdate

    @classmethod
    def read(cls, r: Reader) -> Self:
        update_type = r.peek_u16_le("updateType")
        return cls(UPDATE_TYPES.get(update_type, UnknownUpdate).read(r))

    def write(self, w: Writer) -> None:
        self.update.write(w)
