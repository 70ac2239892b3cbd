"""Commands to bitmap updates (MS-RDPBCGR 2.2.9.1.1.3.1.2), which every client understands."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pyrdpmux.codec.bitmap import EncodedBitmap, encode_rectangles
from pyrdpmux.codec.color import PALETTE, Pixels, Words, pixels_of
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.commands import Abilities, Command, Exact
from pyrdpmux.graphics.tally import Step, Tally
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

PLANAR_DEPTH: Final = 32
"""Bits per pixel of planar bitmaps; all others are interleaved."""

PLANAR_OVERHEAD: Final = 2
"""Format header and padding of planar data that nothing could be saved on."""

COLUMN_ALIGNMENT: Final = 4
"""Bitmaps are this many pixels wide, or a multiple: mstsc and the scan lines of MS-RDPBCGR 2.2.9.1.1.3.1.2.2
want it. Only at the right edge of an odd screen the codec has to pad."""


class BitmapUpdates:
    """The sending end, for clients that agree on ``format``: stateless, one update per tile."""

    way: Final = "bitmaps"

    def __init__(self, format: OutputFormat) -> None:
        self.format = format
        self.tally = Tally()
        self.abilities = Abilities()

    @property
    def sharing_key(self) -> OutputFormat:
        return self.format

    @property
    def codecs(self) -> tuple[str, ...]:
        return ("planar" if self.format.bits_per_pixel == PLANAR_DEPTH else "interleaved",)

    @property
    def state(self) -> None:
        """Clients remember nothing."""

    def begin_epoch(self) -> None:
        """Nothing refers to anything."""

    def clone(self) -> "BitmapUpdates":
        return BitmapUpdates(self.format)

    def adapt(self, frame_id: int, host: "BitmapUpdates", picture: Words) -> None:
        """There is nothing to adapt."""

    def opening(self) -> list[BitmapData]:
        """The desktop is there."""
        return []

    def frame(self, frame_id: int, commands: Sequence[Command], picture: Words) -> list[BitmapData]:
        """Bitmaps of all that the commands show; ``frame_id`` is not told."""
        damage = [command.rect for command in commands if isinstance(command, Exact)]
        tiles = tiles_of(damage, self.format.width, self.format.height)
        if not tiles:
            return []
        began = self.tally.clock()
        bitmaps = bitmaps_of(pixels_of(picture), tiles, self.format)
        pixels, size = sum(tile.pixels for tile in tiles), sum(len(bitmap.data) for bitmap in bitmaps)
        self.tally.add(Step.BITMAPS, began, count=len(bitmaps), pixels=pixels, size=size)
        self.tally.bytes += size
        return bitmaps


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
