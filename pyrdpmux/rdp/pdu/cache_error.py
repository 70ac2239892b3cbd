"""A client's word that one of its drawing caches failed (MS-RDPEGDI 2.2.2.3)."""

from dataclasses import dataclass
from typing import Self

from pyrdpmux.wire import Reader, Writer


@dataclass(frozen=True, slots=True)
class BitmapCacheErrorInfo:
    """MS-RDPEGDI 2.2.2.3.1.1.1 Bitmap Cache Error Info (TS_BITMAP_CACHE_ERROR_INFO)."""

    cache_id: int
    bit_field: int
    new_entry_count: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        cache_id = r.u8("CacheID")
        bit_field = r.u8("bBitField")
        r.pad("Pad", 2)
        return cls(cache_id, bit_field, r.u32_le("NewNumEntries"))

    def write(self, w: Writer) -> None:
        w.u8("CacheID", self.cache_id)
        w.u8("bBitField", self.bit_field)
        w.pad("Pad", 2)
        w.u32_le("NewNumEntries", self.new_entry_count)


@dataclass(frozen=True, slots=True)
class BitmapCacheError:
    """MS-RDPEGDI 2.2.2.3.1.1 Bitmap Cache Error PDU Data (TS_BITMAP_CACHE_ERROR_PDU)."""

    info: tuple[BitmapCacheErrorInfo, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        # One byte, so 255 blocks at most.
        count = r.u8("NumInfoBlocks")
        r.pad("Pad1", 1)
        r.pad("Pad2", 2)
        return cls(r.items(BitmapCacheErrorInfo, "Info", count))

    def write(self, w: Writer) -> None:
        w.u8("NumInfoBlocks", len(self.info))
        w.pad("Pad1", 1)
        w.pad("Pad2", 2)
        w.items(self.info, "Info")


@dataclass(frozen=True, slots=True)
class OffscreenCacheError:
    """MS-RDPEGDI 2.2.2.3.2.1 Offscreen Bitmap Cache Error PDU Data."""

    flags: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("Flags"))

    def write(self, w: Writer) -> None:
        w.u32_le("Flags", self.flags)


@dataclass(frozen=True, slots=True)
class DrawNineGridError:
    """MS-RDPEGDI 2.2.2.3.3.1 DrawNineGrid Cache Error PDU Data."""

    flags: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("Flags"))

    def write(self, w: Writer) -> None:
        w.u32_le("Flags", self.flags)


@dataclass(frozen=True, slots=True)
class DrawGdiPlusError:
    """MS-RDPEGDI 2.2.2.3.4.1 GDI+ Error PDU Data."""

    flags: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("Flags"))

    def write(self, w: Writer) -> None:
        w.u32_le("Flags", self.flags)
