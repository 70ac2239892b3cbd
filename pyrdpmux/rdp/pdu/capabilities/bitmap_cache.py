"""Bitmap caches: revision 1, revision 2, host support, offscreen."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from pyrdpmux.rdp.pdu.capabilities.order import CacheDefinition
from pyrdpmux.rdp.pdu.capabilities.types import CapabilitySetType
from pyrdpmux.wire import OpenIntFlag, Reader, Writer

CACHE_COUNT_REV1: Final = 3
CACHE_COUNT_REV2: Final = 5
PERSISTENT_CELL_CACHE: Final = 0x80000000


class CacheFlags(OpenIntFlag):
    """CacheFlags of MS-RDPBCGR 2.2.7.1.4.2."""

    PERSISTENT_KEYS_EXPECTED = 0x0001
    ALLOW_CACHE_WAITING_LIST = 0x0002


@dataclass(frozen=True, slots=True)
class BitmapCacheCapability:
    """MS-RDPBCGR 2.2.7.1.4.1 Bitmap Cache Capability Set, Revision 1 (TS_BITMAPCACHE_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.BITMAP_CACHE

    caches: tuple[CacheDefinition, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("pad1", 24)
        return cls(r.items(CacheDefinition, "Cache", CACHE_COUNT_REV1))

    def write(self, w: Writer) -> None:
        if len(self.caches) != CACHE_COUNT_REV1:
            raise w.error("Cache", f"{len(self.caches)} caches, expected {CACHE_COUNT_REV1}")
        w.pad("pad1", 24)
        w.items(self.caches, "Cache")


@dataclass(frozen=True, slots=True)
class CellCacheInfo:
    """MS-RDPBCGR 2.2.7.1.4.2.1 Bitmap Cache Cell Info (TS_BITMAPCACHE_CELL_CACHE_INFO)."""

    entries: int = 0
    is_persistent: bool = False

    @classmethod
    def read(cls, r: Reader) -> Self:
        info = r.u32_le("CellInfo")
        return cls(info & ~PERSISTENT_CELL_CACHE, bool(info & PERSISTENT_CELL_CACHE))

    def write(self, w: Writer) -> None:
        if self.entries & PERSISTENT_CELL_CACHE:
            raise w.error("CellInfo", f"{self.entries} entries do not fit 31 bits")
        w.u32_le("CellInfo", self.entries | (PERSISTENT_CELL_CACHE if self.is_persistent else 0))


@dataclass(frozen=True, slots=True)
class BitmapCacheRev2Capability:
    """MS-RDPBCGR 2.2.7.1.4.2 Bitmap Cache Capability Set, Revision 2 (TS_BITMAPCACHE_CAPABILITYSET_REV2).

    ``cell_caches`` holds all five of the wire; only the first ``cell_cache_count`` are valid.
    """

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.BITMAP_CACHE_REV2

    cache_flags: CacheFlags
    cell_cache_count: int
    cell_caches: tuple[CellCacheInfo, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        cache_flags = CacheFlags(r.u16_le("CacheFlags"))
        r.pad("Pad2", 1)
        cell_cache_count = r.u8("NumCellCaches")
        if cell_cache_count > CACHE_COUNT_REV2:
            raise r.error("NumCellCaches", f"{cell_cache_count}, at most {CACHE_COUNT_REV2} allowed")
        cell_caches = r.items(CellCacheInfo, "BitmapCacheCellInfo", CACHE_COUNT_REV2)
        r.pad("Pad3", 12)
        return cls(cache_flags, cell_cache_count, cell_caches)

    def write(self, w: Writer) -> None:
        w.u16_le("CacheFlags", self.cache_flags)
        w.pad("Pad2", 1)
        w.u8("NumCellCaches", self.cell_cache_count)
        if len(self.cell_caches) != CACHE_COUNT_REV2:
            raise w.error(
                "BitmapCacheCellInfo", f"{len(self.cell_caches)} caches, expected {CACHE_COUNT_REV2}"
            )
        w.items(self.cell_caches, "BitmapCacheCellInfo")
        w.pad("Pad3", 12)


@dataclass(frozen=True, slots=True)
class BitmapCacheHostSupportCapability:
    """MS-RDPBCGR 2.2.7.2.1 Bitmap Cache Host Support Capability Set."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.BITMAP_CACHE_HOST_SUPPORT

    cache_version: int = 1

    @classmethod
    def read(cls, r: Reader) -> Self:
        cache_version = r.u8("cacheVersion")
        r.pad("pad1", 1)
        r.pad("pad2", 2)
        return cls(cache_version)

    def write(self, w: Writer) -> None:
        w.u8("cacheVersion", self.cache_version)
        w.pad("pad1", 1)
        w.pad("pad2", 2)


@dataclass(frozen=True, slots=True)
class OffscreenCacheCapability:
    """MS-RDPBCGR 2.2.7.1.9 Offscreen Bitmap Cache Capability Set (TS_OFFSCREEN_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.OFFSCREEN_CACHE

    support_level: int = 0
    cache_size: int = 0
    cache_entries: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            r.u32_le("offscreenSupportLevel"),
            r.u16_le("offscreenCacheSize"),
            r.u16_le("offscreenCacheEntries"),
        )

    def write(self, w: Writer) -> None:
        w.u32_le("offscreenSupportLevel", self.support_level)
        w.u16_le("offscreenCacheSize", self.cache_size)
        w.u16_le("offscreenCacheEntries", self.cache_entries)
