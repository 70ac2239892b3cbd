"""Tiles that clients keep in their cache: what comes again costs a few bytes.

What is shown exactly and rests is kept, too, however it came: some clients have their cache still when they
connect again (MS-RDPEGFX 2.2.2.16), and an unchanged picture is then all there. So a tile's key is made of
its contents alone.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import flat_color
from pyrdpmux.graphics.client_picture import Layer
from pyrdpmux.graphics.commands import Restore, Store
from pyrdpmux.graphics.surface import TILE

TILE_BYTES: Final = TILE * TILE * 4
"""Of a tile in the clients' cache."""

STORE_REST: Final = 1.0
"""Seconds without a change, after which a tile is kept."""

STORE_DELAY: Final = 0.4
"""More seconds that it may take: most often there is a frame anyway meanwhile, with which it goes along."""

MAX_STORED: Final = 64
"""Tiles that are kept with one frame because they rest: some 3 ms."""

_NEVER: Final = np.inf

Mask = NDArray[np.bool_]


class CachedTiles:
    """Those of a MAIN of ``width`` x ``height``, in a grid whose last row and column end at the edges."""

    def __init__(self, width: int, height: int, slots: int, max_bytes: int) -> None:
        self._cache = TileCache(slots, max_bytes)
        rows, columns = -(-height // TILE), -(-width // TILE)
        self._size = (width, height)
        self._has_tiles = bool(self._cache.slots) and min(width, height) >= TILE
        #: (rows, columns): since when a tile rests that is not kept
        self._rests_since = np.full((rows, columns), _NEVER)

    def forget(self, now: float) -> None:
        """Nothing in the cache may be used any more."""
        self._cache.forget()
        self._rests_since[:] = now

    def take_over(self, entries: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Clients have bitmaps of these keys and bytes; a slot for each, contiguous, or 0 for none."""
        return tuple(
            [
                (self._cache.take_over(key) or 0) if size == TILE_BYTES and self._has_tiles else 0
                for key, size in entries
            ]
        )

    def restore(self, box: Rect, main: Layer, current: Words, changed: Mask) -> list[Restore]:
        """What of ``changed`` (height, width) in the box clients have; it is changed no more."""
        points: dict[int, list[tuple[int, int]]] = {}
        for tile in self._tiles(box) if len(self._cache) else ():
            part = tile.slices
            if not changed[part].any():
                continue
            slot = self._cache.find(_key(current[part]))
            if slot is not None:
                points.setdefault(slot, []).append((tile.x, tile.y))
                main.paint(tile, current)
                changed[part] = False
        return [Restore(slot, tuple(places)) for slot, places in points.items()]

    def store(self, box: Rect, main: Layer, current: Words) -> list[Store]:
        """Tiles in the box that are shown exactly, and are more than a color, for when they come again."""
        commands: list[Store] = []
        for tile in self._tiles(box):
            if main.is_exact(tile):
                commands += self._store(tile, current)
        return commands

    # -- what rests ------------------------------------------------------------------------------

    def changed(self, rects: Sequence[Rect], now: float) -> None:
        """Something else is shown there from now on."""
        if self._has_tiles:
            for rect in rects:
                rows = slice(rect.y // TILE, -(-rect.bottom // TILE))
                self._rests_since[rows, rect.x // TILE : -(-rect.right // TILE)] = now

    def next_rest(self) -> float | None:
        """When something is to be kept, if there is no other frame before."""
        first = float(self._rests_since.min())
        return None if first == _NEVER or not self._has_tiles else first + STORE_REST + STORE_DELAY

    def store_rested(self, main: Layer, current: Words, now: float) -> list[Store]:
        """Tiles that rest and are exact by now; others are looked at again later."""
        commands: list[Store] = []
        rested = np.argwhere(self._rests_since + STORE_REST <= now) if self._has_tiles else ()
        for row, column in rested[:MAX_STORED]:
            tile = self._tile(int(row), int(column))
            if main.is_exact(tile):
                self._rests_since[row, column] = _NEVER
                commands += self._store(tile, current)
            else:
                self._rests_since[row, column] = now
        return commands

    # -- inside ----------------------------------------------------------------------------------

    def _tile(self, row: int, column: int) -> Rect:
        width, height = self._size
        return Rect(min(column * TILE, width - TILE), min(row * TILE, height - TILE), TILE, TILE)

    def _tiles(self, box: Rect) -> list[Rect]:
        """Those that the box touches."""
        if not self._has_tiles:
            return []
        return [
            self._tile(row, column)
            for row in range(box.y // TILE, -(-box.bottom // TILE))
            for column in range(box.x // TILE, -(-box.right // TILE))
        ]

    def _store(self, tile: Rect, current: Words) -> list[Store]:
        contents = current[tile.slices]
        if flat_color(contents) is not None:
            return []
        key = _key(contents)
        if self._cache.find(key) is not None:
            return []
        slot = self._cache.add(key)
        return [Store(slot, key, tile)] if slot is not None else []


def _key(contents: Words) -> int:
    """Of a tile's pixels, masked."""
    data = np.ascontiguousarray(contents).data
    return int(np.frombuffer(blake2b(data, digest_size=8).digest(), np.uint64)[0])


class TileCache:
    """Which tiles lie in which slots of the clients' cache; the one that was used longest ago goes first.

    Slots begin at 1 and are overwritten, never evicted: who joins a stream later has nothing in them, and a
    client that evicts an empty slot may close the channel.
    """

    def __init__(self, slots: int, max_bytes: int) -> None:
        """``max_bytes`` bounds what all slots hold, each counted as a whole tile (MS-RDPEGFX 3.3.1.4)."""
        self._slots = min(slots, max_bytes // TILE_BYTES)
        #: key -> slot, in the order of their use
        self._known: dict[int, int] = {}

    @property
    def slots(self) -> int:
        """How many there are."""
        return self._slots

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: int) -> int | None:
        """The slot that holds it."""
        slot = self._known.pop(key, None)
        if slot is not None:
            self._known[key] = slot
        return slot

    def add(self, key: int) -> int | None:
        """A slot for it, to be stored to; None if there is no cache."""
        if len(self._known) < self._slots:
            slot = len(self._known) + 1
        elif self._known:
            slot = self._known.pop(next(iter(self._known)))
        else:
            return None
        self._known[key] = slot
        return slot

    def take_over(self, key: int) -> int | None:
        """A slot for what clients have already; None if it is known, or all slots are taken."""
        if key in self._known or len(self._known) >= self._slots:
            return None
        return self.add(key)

    def forget(self) -> None:
        """Nothing of it may be used any more."""
        self._known.clear()
