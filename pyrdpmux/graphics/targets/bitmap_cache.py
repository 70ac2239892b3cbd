"""Tiles in the client's bitmap caches (MS-RDPEGDI 2.2.2.2.1.2.3): which entry is which slot of a planner.

Unlike the graphics pipeline, a client cannot be told to keep what it shows: a tile that is to be kept comes
as a bitmap for the cache, and is painted out of it. So one is kept when it is painted anyway, or else when it
is wanted for the first time.
"""

from dataclasses import dataclass
from typing import Final

from pyrdpmux.codec.bitmap import EncodedBitmap
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.targets.bitmap_tiles import TILE, BitmapFormat, compression_header
from pyrdpmux.rdp.connection.output_format import BitmapCacheCells, OutputFormat
from pyrdpmux.rdp.pdu.orders.primary import MemBlt
from pyrdpmux.rdp.pdu.orders.secondary import WAITING_LIST_INDEX, CacheBitmapRev2
from pyrdpmux.rdp.pdu.update import COMPRESSED_HEADER_SIZE

MAX_SLOTS: Final = 4096
"""Tiles that are kept, at most: 64 MiB at the client."""

MAX_DATA: Final = 0x3FFF - COMPRESSED_HEADER_SIZE
"""Bytes of a bitmap.

QUIRK(rdesktop 1.9): bitmapLength has two bytes, so 14 bits, whatever its encoding says.
"""

ORDER_OVERHEAD: Final = 48
"""What stands around the data of a bitmap for the cache, at most."""


@dataclass(frozen=True, slots=True)
class CacheFormat:
    """What the bytes of orders for the cache depend on."""

    #: of each cache, from the first on: entries that take a tile
    entries: tuple[int, ...]
    #: for each cache
    needs_keys: tuple[bool, ...]
    #: bytes of data in one order
    max_size: int

    @classmethod
    def of(cls, output: OutputFormat) -> "CacheFormat":
        cells = output.bitmap_caches
        return cls(
            tuple([_entries(cell) for cell in cells]),
            tuple([cell.needs_keys for cell in cells]),
            min(MAX_DATA, output.max_orders_size - ORDER_OVERHEAD),
        )

    @property
    def slots(self) -> int:
        """Tiles that fit, in all caches together."""
        return min(sum(self.entries), MAX_SLOTS)

    def place(self, slot: int) -> tuple[int, int]:
        """cacheId and cacheIndex of a slot; they begin at 1."""
        index = slot - 1
        for cache_id, entries in enumerate(self.entries):
            if index < entries:
                return cache_id, index
            index -= entries
        raise AssertionError(slot)


def _entries(cell: BitmapCacheCells) -> int:
    return min(cell.entries, WAITING_LIST_INDEX) if cell.max_pixels >= TILE * TILE else 0


class BitmapCache:
    """What clients have kept since the last epoch."""

    def __init__(self, format: CacheFormat, bitmaps: BitmapFormat) -> None:
        self._format = format
        self._bitmaps = bitmaps
        #: slot -> what its contents are called
        self._keys: dict[int, int] = {}
        self._kept: set[int] = set()

    def begin_epoch(self) -> None:
        """Nothing is kept."""
        self._keys.clear()
        self._kept.clear()

    def assign(self, slot: int, key: int) -> None:
        """The slot is to hold something else, sooner or later."""
        self._keys[slot] = key
        self._kept.discard(slot)

    def has(self, slot: int) -> bool:
        """Whether clients have the contents of the slot already."""
        return slot in self._kept

    def fits(self, bitmap: EncodedBitmap) -> bool:
        """Whether it can be kept."""
        return len(bitmap.data) <= self._format.max_size

    def keep(self, slot: int, bitmap: EncodedBitmap) -> CacheBitmapRev2:
        """From here on, clients have it."""
        self._kept.add(slot)
        cache_id, index = self._format.place(slot)
        return CacheBitmapRev2(
            cache_id,
            index,
            bitmap.bits_per_pixel,
            bitmap.width,
            bitmap.height,
            bitmap.is_compressed,
            bitmap.data,
            self._keys[slot] if self._format.needs_keys[cache_id] else None,
            compression_header(bitmap, self._bitmaps),
        )

    def show(self, slot: int, x: int, y: int) -> MemBlt:
        """A tile that clients have, at a place."""
        return MemBlt.of(*self._format.place(slot), Rect(x, y, TILE, TILE))
