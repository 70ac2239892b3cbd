"""The client's cache of bitmaps, by slots; and what it has kept from earlier sessions."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.graphics.header import (
    POINT_SIZE,
    GraphicsCommand,
    Point,
    layout,
    read_count,
    read_points,
    read_rect,
    reading,
    write_points,
)
from pyrdpmux.wire import Block, Reader, Writer

#: MS-RDPEGFX 2.2.2.16: "MUST be less than 5462"
MAX_IMPORTED_ENTRIES: Final = 5461
ENTRY_SIZE: Final = 12
_SLOT_SIZE: Final = 2

_TO_CACHE: Final = layout(
    surfaceId="u16", cacheKey="u64", cacheSlot="u16", left="u16", top="u16", right="u16", bottom="u16"
)
_TO_SURFACE: Final = layout(cacheSlot="u16", surfaceId="u16", destPtsCount="u16")
_EVICT: Final = layout(cacheSlot="u16")
_COUNT: Final = layout(count="u16")
_ENTRY: Final = Block(cacheKey="u64", bitmapLength="u32")


@dataclass(frozen=True, slots=True)
class SurfaceToCache:
    """MS-RDPEGFX 2.2.2.6 RDPGFX_SURFACE_TO_CACHE_PDU; ``key`` names the contents in a persistent cache."""

    surface_id: int
    key: int
    slot: int
    rect: Rect

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.SURFACE_TO_CACHE):
            surface_id, key = r.u16_le("surfaceId"), r.u64_le("cacheKey")
            slot = r.u16_le("cacheSlot")
            return cls(surface_id, key, slot, read_rect(r))

    def write(self, w: Writer) -> None:
        rect = self.rect
        w.block(
            _TO_CACHE,
            GraphicsCommand.SURFACE_TO_CACHE,
            0,
            _TO_CACHE.size,
            self.surface_id,
            self.key,
            self.slot,
            rect.x,
            rect.y,
            rect.right,
            rect.bottom,
        )


@dataclass(frozen=True, slots=True)
class CacheToSurface:
    """MS-RDPEGFX 2.2.2.7 RDPGFX_CACHE_TO_SURFACE_PDU."""

    slot: int
    surface_id: int
    points: tuple[Point, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.CACHE_TO_SURFACE):
            slot, surface_id = r.u16_le("cacheSlot"), r.u16_le("surfaceId")
            return cls(slot, surface_id, read_points(r, "destPts"))

    def write(self, w: Writer) -> None:
        count = len(self.points)
        size = _TO_SURFACE.size + count * POINT_SIZE
        w.block(_TO_SURFACE, GraphicsCommand.CACHE_TO_SURFACE, 0, size, self.slot, self.surface_id, count)
        write_points(w, self.points)


@dataclass(frozen=True, slots=True)
class EvictCacheEntry:
    """MS-RDPEGFX 2.2.2.8 RDPGFX_EVICT_CACHE_ENTRY_PDU.

    QUIRK(FreeRDP 2.11): an empty slot loses the channel. Overwriting needs no eviction.
    """

    slot: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.EVICT_CACHE_ENTRY):
            return cls(r.u16_le("cacheSlot"))

    def write(self, w: Writer) -> None:
        w.block(_EVICT, GraphicsCommand.EVICT_CACHE_ENTRY, 0, _EVICT.size, self.slot)


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """MS-RDPEGFX 2.2.2.16.1 RDPGFX_CACHE_ENTRY_METADATA; ``length`` in bytes, four a pixel."""

    key: int
    length: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(*r.block(_ENTRY))

    def write(self, w: Writer) -> None:
        w.block(_ENTRY, self.key, self.length)


@dataclass(frozen=True, slots=True)
class CacheImportOffer:
    """MS-RDPEGFX 2.2.2.16 RDPGFX_CACHE_IMPORT_OFFER_PDU, from the client."""

    entries: tuple[CacheEntry, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.CACHE_IMPORT_OFFER):
            count = read_count(r, "cacheEntriesCount", ENTRY_SIZE, MAX_IMPORTED_ENTRIES)
            return cls(r.items(CacheEntry, "cacheEntries", count))

    def write(self, w: Writer) -> None:
        count = len(self.entries)
        _check_imported(w, "cacheEntriesCount", count)
        size = _COUNT.size + count * ENTRY_SIZE
        w.block(_COUNT, GraphicsCommand.CACHE_IMPORT_OFFER, 0, size, count)
        w.items(self.entries, "cacheEntries")


@dataclass(frozen=True, slots=True)
class CacheImportReply:
    """MS-RDPEGFX 2.2.2.17 RDPGFX_CACHE_IMPORT_REPLY_PDU: the slots of the first so many entries of the offer.

    QUIRK(FreeRDP 3.30): an entry whose slot is 0 is not imported, and the others are.
    """

    slots: tuple[int, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        with reading(r, GraphicsCommand.CACHE_IMPORT_REPLY):
            count = read_count(r, "importedEntriesCount", _SLOT_SIZE, MAX_IMPORTED_ENTRIES)
            return cls(tuple([r.u16_le(f"cacheSlots[{index}]") for index in range(count)]))

    def write(self, w: Writer) -> None:
        count = len(self.slots)
        _check_imported(w, "importedEntriesCount", count)
        w.block(_COUNT, GraphicsCommand.CACHE_IMPORT_REPLY, 0, _COUNT.size + count * _SLOT_SIZE, count)
        for index, slot in enumerate(self.slots):
            w.u16_le(f"cacheSlots[{index}]", slot)


def _check_imported(w: Writer, field: str, count: int) -> None:
    if count > MAX_IMPORTED_ENTRIES:
        raise w.error(field, f"{count}, at most {MAX_IMPORTED_ENTRIES} allowed")
