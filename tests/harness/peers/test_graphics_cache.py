"""The cache of the graphics pipeline: slots, and bytes."""

import numpy as np
import pytest

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.peers import graphics_cache
from pyrdpmux.harness.peers.graphics_cache import GraphicsCache, PersistentCache
from pyrdpmux.rdp.channels.graphics.cache import CacheEntry

TILE = np.arange(4 * 4 * 4, dtype=np.uint8).reshape(4, 4, 4)


def test_what_is_stored_is_a_copy() -> None:
    cache = GraphicsCache(2, 128)
    pixels = TILE.copy()
    cache.store(1, pixels)
    pixels[...] = 0
    assert np.array_equal(cache.find(1), TILE)
    assert (len(cache), cache.used) == (1, 64)


def test_overwriting_makes_room_and_so_does_evicting() -> None:
    cache = GraphicsCache(3, 128)
    cache.store(1, TILE)
    cache.store(1, np.concatenate([TILE, TILE]))
    assert cache.used == 128
    with pytest.raises(DecodeError, match="rectSrc"):
        cache.store(2, TILE[:1, :1])
    cache.store(1, TILE)
    cache.store(3, TILE)
    cache.evict(1)
    assert (len(cache), cache.used) == (1, 64)


@pytest.mark.parametrize("slot", [0, 3, 65535])
def test_slots_begin_at_1(slot: int) -> None:
    with pytest.raises(DecodeError) as caught:
        GraphicsCache(2, 128).store(slot, TILE)
    assert caught.value.path == "SurfaceToCache.cacheSlot"


def test_an_empty_slot() -> None:
    cache = GraphicsCache(2, 128)
    with pytest.raises(DecodeError, match="CacheToSurface"):
        cache.find(1)
    with pytest.raises(DecodeError, match="EvictCacheEntry"):
        cache.evict(1)


def test_what_outlives_a_session_is_what_was_stored_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphics_cache, "MAX_IMPORTED_ENTRIES", 2)
    cache = PersistentCache()
    pixels = TILE.copy()
    cache.keep(7, pixels)
    pixels[...] = 0
    assert np.array_equal(cache.bitmaps[0], TILE)
    for key in (8, 7, 9):
        cache.keep(key, TILE)
    assert cache.entries == (CacheEntry(7, 64), CacheEntry(9, 64))
    assert len(cache) == len(cache.bitmaps) == 2
