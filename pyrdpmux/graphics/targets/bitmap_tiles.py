"""Damage to tiles, and tiles to bitmaps (MS-RDPBCGR 2.2.9.1.1.3.1.2.2), which every client understands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pyrdpmux.codec.bitmap import EncodedBitmap, encode_rectangles
from pyrdpmux.codec.color import PALETTE, Pixels
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.pdu.update import (
    BitmapData,
    BitmapFlags,
    CompressedDataHeader,
    PaletteEntry,
    PaletteUpdate,
)

TILE: Final = 64
"""Side of the grid, anchored at the top left of the screen, at which damage is cut. One tile is one bitmap:
16 KiB at 32 bits; clients that take only smaller updates get it in parts."""

PLANAR_OVERHEAD: Final = 2
"""Format header and padding of planar data that nothing could be saved on."""

MAX_TILE_BYTES: Final = TILE * TILE * 4 + PLANAR_OVERHEAD
"""Of a tile's data, whatever its depth."""

COLUMN_ALIGNMENT: Final = 4
"""Bitmaps are this many pixels wide, or a multiple: mstsc and the scan lines of MS-RDPBCGR 2.2.9.1.1.3.1.2.2
want it. Only at the right edge of an odd screen the codec has to pad."""


@dataclass(frozen=True, slots=True)
class BitmapFormat:
    """What bitmaps look like to a client: those with equal ones can be sent the same."""

    width: int
    height: int
    bits_per_pixel: int
    max_bitmap_size: int
    omits_compression_header: bool
    may_skip_alpha: bool

    @classmethod
    def of(cls, output: OutputFormat) -> "BitmapFormat":
        return cls(
            output.width,
            output.height,
            output.bits_per_pixel,
            min(output.max_bitmap_size, MAX_TILE_BYTES),
            output.omits_compression_header,
            output.may_skip_alpha,
        )


def palette_update() -> PaletteUpdate:
    """The colors that bitmaps of 8 bits refer to; a client needs them before the first."""
    return PaletteUpdate(tuple([PaletteEntry(red, green, blue) for blue, green, red, _ in PALETTE.tolist()]))


class Damage:
    """What is to be painted, by tiles of the grid: of each, a rectangle around it, and how much it is."""

    def __init__(self, rects: Iterable[Rect], width: int, height: int) -> None:
        """``rects`` may reach beyond the picture of ``width`` x ``height``."""
        self._width = width
        self._boxes: dict[tuple[int, int], Rect] = {}
        self._pixels: dict[tuple[int, int], int] = {}
        for rect in rects:
            visible = rect.clip(width, height)
            if not visible.is_empty:
                self._add(visible)

    def _add(self, rect: Rect) -> None:
        for top in range(rect.y // TILE * TILE, rect.bottom, TILE):
            for left in range(rect.x // TILE * TILE, rect.right, TILE):
                piece = rect.intersection(Rect(left, top, TILE, TILE))
                known = self._boxes.get((top, left))
                self._boxes[top, left] = piece if known is None else known.union(piece)
                self._pixels[top, left] = self._pixels.get((top, left), 0) + piece.pixels

    def pixels(self, tile: Rect) -> int:
        """To be painted of a whole tile; what was named twice counts twice."""
        return self._pixels.get((tile.y, tile.x), 0)

    def drop(self, tile: Rect) -> None:
        """All of this tile is painted otherwise."""
        self._boxes.pop((tile.y, tile.x), None)
        self._pixels.pop((tile.y, tile.x), None)

    def rects(self) -> list[Rect]:
        """What to send for it: at most one rectangle per tile, top down."""
        return [_aligned(self._boxes[place], self._width) for place in sorted(self._boxes)]


def _aligned(rect: Rect, width: int) -> Rect:
    left = rect.x - rect.x % COLUMN_ALIGNMENT
    right = rect.right + -rect.right % COLUMN_ALIGNMENT
    return Rect.from_corners(left, rect.y, min(right, width), rect.bottom)


def encoded(picture: Pixels, tiles: Sequence[Rect], format: BitmapFormat) -> list[EncodedBitmap]:
    """One bitmap for each tile, however large it becomes."""
    return encode_rectangles(picture, tiles, format.bits_per_pixel, skip_alpha=format.may_skip_alpha)


def bitmaps_of(picture: Pixels, tiles: Sequence[Rect], format: BitmapFormat) -> list[BitmapData]:
    """The tiles, as the picture shows them now, in the client's format."""
    tiles = [part for tile in tiles for part in _parts(tile, format)]
    return [
        bitmap_data(tile, bitmap, format)
        for tile, bitmap in zip(tiles, encoded(picture, tiles, format), strict=True)
    ]


def _parts(tile: Rect, format: BitmapFormat) -> Iterator[Rect]:
    """The tile in as few parts as needed for each to fit one update even where it does not compress.

    QUIRK(rdesktop): reassembles no fast-path updates, and a tile of noise at 32 bits is just too big for one.
    """
    row_size = (tile.width + -tile.width % COLUMN_ALIGNMENT) * ((format.bits_per_pixel + 7) // 8)
    fitting_rows = max((format.max_bitmap_size - PLANAR_OVERHEAD) // row_size, 1)
    count = -(-tile.height // fitting_rows)
    rows = -(-tile.height // count)
    for top in range(tile.y, tile.bottom, rows):
        yield Rect(tile.x, top, tile.width, min(rows, tile.bottom - top))


def compression_header(bitmap: EncodedBitmap, format: BitmapFormat) -> CompressedDataHeader | None:
    """What stands in front of the data of a bitmap, for clients that want it there."""
    if not bitmap.is_compressed or format.omits_compression_header:
        return None
    size = bitmap.width * bitmap.height * ((bitmap.bits_per_pixel + 7) // 8)
    return CompressedDataHeader(bitmap.width, size)


def bitmap_data(tile: Rect, bitmap: EncodedBitmap, format: BitmapFormat) -> BitmapData:
    """``bitmap`` is shown in ``tile``."""
    header = compression_header(bitmap, format)
    flags = BitmapFlags(0)
    if bitmap.is_compressed:
        flags = BitmapFlags.COMPRESSION
        if header is None:
            flags |= BitmapFlags.NO_BITMAP_COMPRESSION_HDR
    return BitmapData.of(
        tile,
        width=bitmap.width,
        height=bitmap.height,
        bits_per_pixel=bitmap.bits_per_pixel,
        flags=flags,
        data=bitmap.data,
        compressed_header=header,
    )
