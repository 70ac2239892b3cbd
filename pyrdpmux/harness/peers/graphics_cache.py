"""The bitmap cache of the graphics pipeline (MS-RDPEGFX 3.3.1.4): slots, and bytes of all together.

And what outlives a session of it, for the next one to the same server.
"""

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.channels.graphics.cache import MAX_IMPORTED_ENTRIES, CacheEntry


class PersistentCache:
    """Bitmaps by the server's keys, as many as can be offered: those that were stored last."""

    def __init__(self) -> None:
        self._bitmaps: dict[int, Pixels] = {}

    def __len__(self) -> int:
        return len(self._bitmaps)

    @property
    def entries(self) -> tuple[CacheEntry, ...]:
        """All of it, the oldest first."""
        return tuple([CacheEntry(key, pixels.nbytes) for key, pixels in self._bitmaps.items()])

    @property
    def bitmaps(self) -> tuple[Pixels, ...]:
        """Those of ``entries``."""
        return tuple(self._bitmaps.values())

    def keep(self, key: int, pixels: Pixels) -> None:
        """Copies ``pixels``."""
        self._bitmaps.pop(key, None)
        self._bitmaps[key] = pixels.copy()
        if len(self._bitmaps) > MAX_IMPORTED_ENTRIES:
            del self._bitmaps[next(iter(self._bitmaps))]


class GraphicsCache:
    """Slots 1 to ``slots``, of ``size`` bytes at most, at four a pixel."""

    def __init__(self, slots: int, size: int) -> None:
        self._slots = slots
        self._size = size
        self._bitmaps: dict[int, Pixels] = {}
        #: bytes in use
        self.used = 0

    def __len__(self) -> int:
        return len(self._bitmaps)

    def has(self, slot: int) -> bool:
        """Whether something is stored there."""
        return slot in self._bitmaps

    def store(self, slot: int, pixels: Pixels) -> None:
        """Copies ``pixels``; what was there before goes. DecodeError for what does not fit."""
        if not 1 <= slot <= self._slots:
            raise DecodeError("SurfaceToCache.cacheSlot", f"{slot}, expected 1 to {self._slots}", 0)
        before = self._bitmaps.get(slot)
        used = self.used + pixels.nbytes - (before.nbytes if before is not None else 0)
        if used > self._size:
            raise DecodeError("SurfaceToCache.rectSrc", f"{used} bytes, at most {self._size} fit", 0)
        self._bitmaps[slot] = pixels.copy()
        self.used = used

    def find(self, slot: int) -> Pixels:
        """DecodeError for an empty slot."""
        return self._at(slot, "CacheToSurface.cacheSlot")

    def evict(self, slot: int) -> None:
        """DecodeError for an empty slot, which loses FreeRDP 2 the channel, too."""
        self.used -= self._at(slot, "EvictCacheEntry.cacheSlot").nbytes
        del self._bitmaps[slot]

    def _at(self, slot: int, field: str) -> Pixels:
        pixels = self._bitmaps.get(slot)
        if pixels is None:
            raise DecodeError(field, f"nothing is stored at {slot}", 0)
        return pixels
