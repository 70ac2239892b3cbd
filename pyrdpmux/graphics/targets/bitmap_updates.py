"""Commands to bitmap updates (MS-RDPBCGR 2.2.9.1.1.3.1.2), which every client understands, and to drawing
orders (MS-RDPEGDI 2.2.2.2) where a client announces them: copies, fills, and tiles out of its bitmap cache.

INVARIANT: in a frame, copies come before whatever paints, so what is painted may be more than was asked for:
bitmaps have whole multiples of four columns, and all pixels are those of the frame's end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyrdpmux.codec.bitmap import EncodedBitmap
from pyrdpmux.codec.color import Pixels, Words, pixels_of
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.cached_tiles import TILE_BYTES
from pyrdpmux.graphics.commands import MAIN, Abilities, Command, Copy, Exact, Fill, Restore, Store
from pyrdpmux.graphics.tally import Step, Tally, shown_pixels, step_of
from pyrdpmux.graphics.targets.bitmap_cache import BitmapCache, CacheFormat
from pyrdpmux.graphics.targets.bitmap_tiles import (
    TILE,
    BitmapFormat,
    Damage,
    bitmaps_of,
    encoded,
)
from pyrdpmux.graphics.targets.pieces import Piece, size_of
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.pdu.orders.primary import OpaqueRect, ScrBlt

FILLED_DEPTHS: Final = (24, 32)
"""Bits per pixel at which OpaqueRect names a color: clients take its bytes for a reduced pixel at others."""

PLANAR_DEPTH: Final = 32
"""Bits per pixel of planar bitmaps; all others are interleaved."""

WORTH_KEEPING: Final = TILE * TILE // 2
"""Pixels of a tile that are to be painted anyway, for the whole tile to go through the cache."""


@dataclass(frozen=True, slots=True)
class BitmapUpdatesFormat:
    """All that messages depend on; clients with equal ones can share a stream."""

    bitmaps: BitmapFormat
    cache: CacheFormat
    can_copy: bool
    can_fill: bool

    @classmethod
    def of(cls, output: OutputFormat) -> "BitmapUpdatesFormat":
        can_fill = output.can_fill and output.bits_per_pixel in FILLED_DEPTHS
        return cls(BitmapFormat.of(output), CacheFormat.of(output), output.can_copy, can_fill)


class BitmapUpdates:
    """The sending end, for clients that agree on ``format``."""

    way: Final = "bitmaps"

    def __init__(self, format: BitmapUpdatesFormat) -> None:
        self.format = format
        self.tally = Tally()
        slots = format.cache.slots
        self.abilities = Abilities(
            can_copy=format.can_copy,
            can_fill=format.can_fill,
            cache_slots=slots,
            cache_bytes=slots * TILE_BYTES,
        )
        self._cache = BitmapCache(format.cache, format.bitmaps)

    @property
    def sharing_key(self) -> BitmapUpdatesFormat:
        return self.format

    @property
    def codecs(self) -> tuple[str, ...]:
        return ("planar" if self.format.bitmaps.bits_per_pixel == PLANAR_DEPTH else "interleaved",)

    @property
    def state(self) -> None:
        """Clients remember nothing that a later target would have to know."""

    def begin_epoch(self, after: "BitmapUpdates") -> None:
        """Nothing refers to what was cached."""
        self._cache.begin_epoch()

    def clone(self) -> "BitmapUpdates":
        return BitmapUpdates(self.format)

    def adapt(self, frame_id: int, host: "BitmapUpdates", picture: Words) -> None:
        """There is nothing to adapt."""

    def opening(self) -> list[Piece]:
        """The desktop is there."""
        return []

    def prepare(self) -> None:
        """Nothing takes long."""

    def import_cache(self, slots: Sequence[int]) -> None:
        """The keys of this cache are not those of the graphics pipeline's."""

    def frame(self, frame_id: int, commands: Sequence[Command], picture: Words) -> list[Piece]:
        """All that the commands show, as a sequence; ``frame_id`` is not told."""
        return self.frame_with([], commands, picture)

    def frame_with(self, lossy: Sequence[Piece], commands: Sequence[Command], picture: Words) -> list[Piece]:
        """The same, and ``lossy`` in it, which shows what else the commands want.

        INVARIANT: exact pixels come behind lossy ones: where both are painted, the planner counts on them.
        """
        pixels, bitmaps = pixels_of(picture), self.format.bitmaps
        exact = [command.rect for command in commands if isinstance(command, Exact)]
        fills = [command for command in commands if isinstance(command, Fill)]
        exact += [rect for fill in fills for rect in fill.rects if _is_lost(rect)]
        damage = Damage(exact, bitmaps.width, bitmaps.height)
        began = self.tally.clock()
        pieces: list[Piece] = [_copy(command) for command in commands if isinstance(command, Copy)]
        pieces += lossy
        for fill in fills:
            pieces += _fill(fill)
        cached = [command for command in commands if isinstance(command, Restore | Store)]
        painted = self._cached(cached, damage, pixels)
        if rects := [_widened(rect).clip(bitmaps.width, bitmaps.height) for rect in damage.rects()]:
            painted += bitmaps_of(pixels, rects, bitmaps)
        self._count(commands, painted, began)
        return pieces + painted

    def _count(self, commands: Sequence[Command], painted: Sequence[Piece], began: float) -> None:
        """Copies, fills and restored tiles only; the time and the bytes are those of bitmaps."""
        for command in commands:
            if isinstance(command, Copy | Fill | Restore):
                self.tally.add(step_of(command), pixels=shown_pixels(command))
        size = size_of(painted)
        if size:
            exact = sum([command.rect.pixels for command in commands if isinstance(command, Exact)])
            self.tally.add(Step.BITMAPS, began, count=len(painted), pixels=exact, size=size)
            self.tally.bytes += size

    # -- inside ----------------------------------------------------------------------------------

    def _cached(self, commands: Sequence[Restore | Store], damage: Damage, picture: Pixels) -> list[Piece]:
        """Tiles out of the cache, and those that are painted by way of it, which are no damage any more."""
        tiles = [tile for command in commands if (tile := self._new_tile(command, damage)) is not None]
        bitmaps: dict[Rect, EncodedBitmap] = {}
        if tiles:  # together: encoders work in batches
            bitmaps = dict(zip(tiles, encoded(picture, tiles, self.format.bitmaps), strict=True))
        pieces: list[Piece] = []
        for command in commands:
            match command:
                case Restore(slot, points) if self._cache.has(slot):
                    pieces += [self._cache.show(slot, x, y) for x, y in points]
                case Restore(slot, points):
                    pieces += self._through_cache(slot, points, bitmaps, picture)
                case Store(slot, key, tile):
                    self._cache.assign(slot, key)
                    if tile in bitmaps:
                        pieces += self._through_cache(slot, [(tile.x, tile.y)], bitmaps, picture)
                        damage.drop(tile)
        return pieces

    def _new_tile(self, command: Restore | Store, damage: Damage) -> Rect | None:
        """What has to be sent for it, if anything."""
        match command:
            case Restore(slot, points):
                return None if self._cache.has(slot) else _tile(points)
            case Store(rect=tile):
                return tile if damage.pixels(tile) >= WORTH_KEEPING else None

    def _through_cache(
        self,
        slot: int,
        points: Sequence[tuple[int, int]],
        bitmaps: Mapping[Rect, EncodedBitmap],
        picture: Pixels,
    ) -> list[Piece]:
        """A tile at each of these points, and in the slot from now on, unless it is too large for it."""
        bitmap = bitmaps.get(_tile(points))
        if bitmap is None or not self._cache.fits(bitmap):
            return [*bitmaps_of(picture, [_tile([point]) for point in points], self.format.bitmaps)]
        return [self._cache.keep(slot, bitmap), *[self._cache.show(slot, x, y) for x, y in points]]


def _tile(points: Sequence[tuple[int, int]]) -> Rect:
    return Rect(*points[0], TILE, TILE)


def _copy(command: Copy) -> ScrBlt:
    assert command.source_surface == command.surface == MAIN, "there is no other surface"
    return ScrBlt.of(command.source, command.x, command.y)


def _fill(command: Fill) -> list[OpaqueRect]:
    color = command.color
    rects = [rect for rect in command.rects if not _is_lost(rect)]
    return [OpaqueRect(*rect, color >> 16 & 0xFF, color >> 8 & 0xFF, color & 0xFF) for rect in rects]


def _is_lost(rect: Rect) -> bool:
    """QUIRK(FreeRDP, 2.11 to 3.30): what ends in the first column or row is empty to it (gdi_CRgnToRect)."""
    return rect.right == 1 or rect.bottom == 1


def _widened(rect: Rect) -> Rect:
    """So that it is not lost."""
    return Rect.from_corners(rect.x, rect.y, max(rect.right, 2), max(rect.bottom, 2))
