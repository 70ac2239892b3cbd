"""Tiles that clients keep in their cache: what comes again costs a few bytes.

What is shown exactly and rests is kept, too, however it came: some clients have their cache still when they
connect again (MS-RDPEGFX 2.2.2.16), and an unchanged picture is then all there. So a tile's key is made of
its contents alone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import flat_color
from pyrdpmux.graphics.client_picture import Layer
from pyrdpmux.graphics.commands import Restore, Store
from pyrdpmux.graphics.surface import TILE
from pyrdpmux.graphics.tile_hashes import glance, glances, name

TILE_BYTES: Final = TILE * TILE * 4
"""Of a tile in the clients' cache."""

STORE_REST: Final = 0.25
"""Seconds without a change, after which a tile is kept; what changes sooner is not worth it."""

STORE_DELAY: Final = 0.1
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
        #: (rows, columns): it has changed before it had rested
        self._is_moving = np.zeros((rows, columns), np.bool_)

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
        for row, column in self._known_at_a_glance(box, current) if len(self._cache) else ():
            tile = self._tile(row, column)
            part = tile.slices
            if not changed[part].any():
                continue
            slot = self._cache.find(name(current[part]))
            if slot is not None:
                points.setdefault(slot, []).append((tile.x, tile.y))
                main.paint(tile, current)
                changed[part] = False
                self._rests_since[row, column] = _NEVER
        return [Restore(slot, tuple(places)) for slot, places in points.items()]

    def store(self, box: Rect, main: Layer, current: Words) -> list[Store]:
        """Tiles in the box that are shown exactly and are more than a color, but for what moves."""
        commands: list[Store] = []
        for row, column in self._places(box):
            tile = self._tile(row, column)
            if not self._is_moving[row, column] and main.is_exact(tile):
                commands += self._store(tile, current)
                self._rests_since[row, column] = _NEVER
        return commands

    # -- what rests ------------------------------------------------------------------------------

    def changed(self, rects: Sequence[Rect], now: float) -> None:
        """Something else is shown there from now on."""
        if self._has_tiles:
            for rect in rects:
                part = slice(rect.y // TILE, -(-rect.bottom // TILE)), _columns(rect)
                since = self._rests_since[part]
                self._is_moving[part] = (since != _NEVER) & (since > now - STORE_REST)
                since[:] = now

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

    def _places(self, box: Rect) -> list[tuple[int, int]]:
        """Row and column of those that the box touches."""
        columns = _columns(box)
        return [
            (row, column)
            for row in range(box.y // TILE, -(-box.bottom // TILE) if self._has_tiles else 0)
            for column in range(columns.start, columns.stop)
        ]

    def _known_at_a_glance(self, box: Rect, current: Words) -> list[tuple[int, int]]:
        """Of these, what the cache may have."""
        first = box.y // TILE
        seen = glances(current, slice(first, -(-box.bottom // TILE)))
        rows, columns = seen.shape
        known: list[tuple[int, int]] = []
        for row, column in self._places(box):
            if row - first < rows and column < columns:
                what = int(seen[row - first, column])
            else:
                what = glance(current[self._tile(row, column).slices])
            if self._cache.may_have(what):
                known.append((row, column))
        return known

    def _store(self, tile: Rect, current: Words) -> list[Store]:
        contents = current[tile.slices]
        if flat_color(contents) is not None:
            return []
        key = name(contents)
        if self._cache.find(key) is not None:
            return []
        slot = self._cache.add(key, glance(contents))
        return [Store(slot, key, tile)] if slot is not None else []


def _columns(rect: Rect) -> slice:
    return slice(rect.x // TILE, -(-rect.right // TILE))


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
        #: slot -> what its tile looks like at a glance, and how many slots there are for each look
        self._glances: dict[int, int] = {}
        self._looks: Counter[int] = Counter()

    @property
    def slots(self) -> int:
        """How many there are."""
        return self._slots

    def __len__(self) -> int:
        return len(self._known)

    def may_have(self, glance: int) -> bool:
        """Whether a tile that looks so may be known; of what clients had before, nobody knows its looks."""
        return glance in self._looks or len(self._glances) < len(self._known)

    def find(self, key: int) -> int | None:
        """The slot that holds it."""
        slot = self._known.pop(key, None)
        if slot is not None:
            self._known[key] = slot
        return slot

    def add(self, key: int, glance: int | None = None) -> int | None:
        """A slot for it, to be stored to; None if there is no cache."""
        if len(self._known) < self._slots:
            slot = len(self._known) + 1
        elif self._known:
            slot = self._known.pop(next(iter(self._known)))
        else:
            return None
        self._known[key] = slot
        self._looks_like(slot, glance)
        return slot

    def _looks_like(self, slot: int, glance: int | None) -> None:
        before = self._glances.pop(slot, None)
        if before is not None:
            self._looks[before] -= 1
            if not self._looks[before]:
                del self._looks[before]
        if glance is not None:
            self._glances[slot] = glance
            self._looks[glance] += 1

    def take_over(self, key: int) -> int | None:
        """A slot for what clients have already; None if it is known, or all slots are taken."""
        if key in self._known or len(self._known) >= self._slots:
            return None
        return self.add(key)

    def forget(self) -> None:
        """Nothing of it may be used any more."""
        self._known.clear()
        self._glances.clear()
        self._looks.clear()
