"""From damaged rectangles of a picture to bitmap updates in the format that one client wants."""

from collections.abc import Iterable, Iterator, Sequence
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

COLUMN_ALIGNMENT: Final = 4
"""Bitmaps are this many pixels wide, or a multiple: mstsc and the scan lines of MS-RDPBCGR 2.2.9.1.1.3.1.2.2
want it. Only at the right edge of an odd screen the codec has to pad."""


def palette_update() -> PaletteUpdate:
    """The colors that bitmaps of 8 bits refer to; a client needs them before the first."""
    return PaletteUpdate(tuple([PaletteEntry(red, green, blue) for blue, green, red, _ in PALETTE.tolist()]))


def tiles_of(damage: Iterable[Rect], width: int, height: int) -> list[Rect]:
    """What to send for this damage: at most one rectangle per tile of the grid, top down."""
    boxes: dict[tuple[int, int], Rect] = {}
    for rect in damage:
        visible = rect.clip(width, height)
        if visible.is_empty:
            continue
        for top in range(visible.y // TILE * TILE, visible.bottom, TILE):
            for left in range(visible.x // TILE * TILE, visible.right, TILE):
                piece = visible.intersection(Rect(left, top, TILE, TILE))
                known = boxes.get((top, left))
                boxes[top, left] = piece if known is None else known.union(piece)
    return [_aligned(boxes[cell], width) for cell in sorted(boxes)]


def batches_of(damage: Sequence[Rect], width: int, height: int, size: int) -> Iterator[list[Rect]]:
    """The same tiles in the same order, so many at a time: found row by row, as they are asked for."""
    waiting: list[Rect] = []
    for top in range(0, height, TILE):
        row = Rect(0, top, width, TILE)
        waiting += tiles_of([rect.intersection(row) for rect in damage if rect.overlaps(row)], width, height)
        while len(waiting) >= size:
            yield waiting[:size]
            del waiting[:size]
    if waiting:
        yield waiting


def _aligned(rect: Rect, width: int) -> Rect:
    left = rect.x - rect.x % COLUMN_ALIGNMENT
    right = rect.right + -rect.right % COLUMN_ALIGNMENT
    return Rect.from_corners(left, rect.y, min(right, width), rect.bottom)


def bitmaps_of(picture: Pixels, tiles: Sequence[Rect], output: OutputFormat) -> list[BitmapData]:
    """The tiles, as the picture shows them now, in the client's format."""
    tiles = [part for tile in tiles for part in _parts(tile, output)]
    encoded = encode_rectangles(picture, tiles, output.bits_per_pixel, skip_alpha=output.may_skip_alpha)
    return [
        _bitmap_data(tile, bitmap, output.omits_compression_header)
        for tile, bitmap in zip(tiles, encoded, strict=True)
    ]


def _parts(tile: Rect, output: OutputFormat) -> Iterator[Rect]:
    """The tile in as few parts as needed for each to fit one update even where it does not compress.

    QUIRK(rdesktop): reassembles no fast-path updates, and a tile of noise at 32 bits is just too big for one.
    """
    row_size = (tile.width + -tile.width % COLUMN_ALIGNMENT) * ((output.bits_per_pixel + 7) // 8)
    fitting_rows = max((output.max_bitmap_size - PLANAR_OVERHEAD) // row_size, 1)
    count = -(-tile.height // fitting_rows)
    rows = -(-tile.height // count)
    for top in range(tile.y, tile.bottom, rows):
        yield Rect(tile.x, top, tile.width, min(rows, tile.bottom - top))


def _bitmap_data(tile: Rect, bitmap: EncodedBitmap, omits_header: bool) -> BitmapData:
    flags, header = BitmapFlags(0), None
    if bitmap.is_compressed:
        flags = BitmapFlags.COMPRESSION
        if omits_header:
            flags |= BitmapFlags.NO_BITMAP_COMPRESSION_HDR
        else:
            size = bitmap.width * bitmap.height * ((bitmap.bits_per_pixel + 7) // 8)
            header = CompressedDataHeader(bitmap.width, size)
    return BitmapData.of(
        tile,
        width=bitmap.width,
        height=bitmap.height,
        bits_per_pixel=bitmap.bits_per_pixel,
        flags=flags,
        data=bitmap.data,
        compressed_header=header,
    )
