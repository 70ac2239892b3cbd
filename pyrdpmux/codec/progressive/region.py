"""The regions of a progressive stream and their tiles (MS-RDPEGFX 2.2.4.2.1.5)."""

from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from pyrdpmux.codec.progressive.block import (
    FULL_INDEX,
    BlockType,
    ComponentQuantization,
    Context,
    FrameBegin,
    FrameEnd,
    ProgressiveQuantization,
    Sync,
    UnknownBlock,
    check_quantization,
)
from pyrdpmux.codec.rfx.block import TILE_SIZE, block, region
from pyrdpmux.codec.rfx.message import RECTANGLE_SIZE, Rectangle
from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import Block, Reader, Writer

MAX_QUANTIZATIONS: Final = 7
MIN_TILE_SIZE: Final = 22
MAX_BLOCKS: Final = 4096
"""In one buffer, tiles not counted: a frame has four or five."""


class RegionFlags(IntFlag):
    """flags of MS-RDPEGFX 2.2.4.2.1.5."""

    DWT_REDUCE_EXTRAPOLATE = 0x01


class TileFlags(IntFlag):
    """flags of MS-RDPEGFX 2.2.4.2.1.5.3 and 2.2.4.2.1.5.4."""

    DIFFERENCE = 0x01


Indices = tuple[int, int, int]
"""Of the quantization tables of Y, Cb and Cr."""

_SIMPLE: Final = Block(
    quantIdxY="u8", quantIdxCb="u8", quantIdxCr="u8", xIdx="u16", yIdx="u16", flags="u8",
    yLen="u16", cbLen="u16", crLen="u16", tailLen="u16",
)  # fmt: skip
_FIRST: Final = Block(
    quantIdxY="u8", quantIdxCb="u8", quantIdxCr="u8", xIdx="u16", yIdx="u16", flags="u8",
    progressiveQuality="u8", yLen="u16", cbLen="u16", crLen="u16", tailLen="u16",
)  # fmt: skip
_UPGRADE: Final = Block(
    quantIdxY="u8", quantIdxCb="u8", quantIdxCr="u8", xIdx="u16", yIdx="u16", progressiveQuality="u8",
    ySrlLen="u16", yRawLen="u16", cbSrlLen="u16", cbRawLen="u16", crSrlLen="u16", crRawLen="u16",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TileSimple:
    """MS-RDPEGFX 2.2.4.2.1.5.3 RFX_PROGRESSIVE_TILE_SIMPLE: all of a tile at once."""

    x: int
    y: int
    y_data: bytes
    cb_data: bytes
    cr_data: bytes
    quantizations: Indices = (0, 0, 0)
    flags: TileFlags = TileFlags(0)
    tail_data: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.TILE_SIMPLE):
            *indices, x, y, flags, y_size, cb_size, cr_size, tail_size = r.block(_SIMPLE)
            luma, cb, cr = r.raw("yData", y_size), r.raw("cbData", cb_size), r.raw("crData", cr_size)
            tail = r.raw("tailData", tail_size)
            return cls(x, y, luma, cb, cr, (indices[0], indices[1], indices[2]), TileFlags(flags), tail)

    def write(self, w: Writer) -> None:
        sizes = map(len, (self.y_data, self.cb_data, self.cr_data, self.tail_data))
        with block(w, BlockType.TILE_SIMPLE):
            w.block(_SIMPLE, *self.quantizations, self.x, self.y, self.flags, *sizes)
            w.raw("yData", self.y_data)
            w.raw("cbData", self.cb_data)
            w.raw("crData", self.cr_data)
            w.raw("tailData", self.tail_data)


@dataclass(frozen=True, slots=True)
class TileFirst:
    """MS-RDPEGFX 2.2.4.2.1.5.4 RFX_PROGRESSIVE_TILE_FIRST: a tile in low quality."""

    x: int
    y: int
    quality: int
    y_data: bytes
    cb_data: bytes
    cr_data: bytes
    quantizations: Indices = (0, 0, 0)
    flags: TileFlags = TileFlags(0)
    tail_data: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.TILE_FIRST):
            *indices, x, y, flags, quality, y_size, cb_size, cr_size, tail_size = r.block(_FIRST)
            luma, cb, cr = r.raw("yData", y_size), r.raw("cbData", cb_size), r.raw("crData", cr_size)
            tail = r.raw("tailData", tail_size)
            kinds = (indices[0], indices[1], indices[2])
            return cls(x, y, quality, luma, cb, cr, kinds, TileFlags(flags), tail)

    def write(self, w: Writer) -> None:
        sizes = map(len, (self.y_data, self.cb_data, self.cr_data, self.tail_data))
        with block(w, BlockType.TILE_FIRST):
            w.block(_FIRST, *self.quantizations, self.x, self.y, self.flags, self.quality, *sizes)
            w.raw("yData", self.y_data)
            w.raw("cbData", self.cb_data)
            w.raw("crData", self.cr_data)
            w.raw("tailData", self.tail_data)


@dataclass(frozen=True, slots=True)
class TileUpgrade:
    """MS-RDPEGFX 2.2.4.2.1.5.5 RFX_PROGRESSIVE_TILE_UPGRADE: what a tile in low quality lacks.

    ``data`` is SRL and raw data of Y, of Cb, of Cr.
    """

    x: int
    y: int
    quality: int
    data: tuple[bytes, bytes, bytes, bytes, bytes, bytes]
    quantizations: Indices = (0, 0, 0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.TILE_UPGRADE):
            *indices, x, y, quality, y1, y2, cb1, cb2, cr1, cr2 = r.block(_UPGRADE)
            data = (
                r.raw("ySrlData", y1), r.raw("yRawData", y2), r.raw("cbSrlData", cb1),
                r.raw("cbRawData", cb2), r.raw("crSrlData", cr1), r.raw("crRawData", cr2),
            )  # fmt: skip
            return cls(x, y, quality, data, (indices[0], indices[1], indices[2]))

    def write(self, w: Writer) -> None:
        with block(w, BlockType.TILE_UPGRADE):
            w.block(_UPGRADE, *self.quantizations, self.x, self.y, self.quality, *map(len, self.data))
            for part in self.data:
                w.raw("data", part)


Tile = TileSimple | TileFirst | TileUpgrade

_TILES: Final[dict[int, type[Tile]]] = {
    BlockType.TILE_SIMPLE: TileSimple,
    BlockType.TILE_FIRST: TileFirst,
    BlockType.TILE_UPGRADE: TileUpgrade,
}


@dataclass(frozen=True, slots=True)
class Region:
    """MS-RDPEGFX 2.2.4.2.1.5 RFX_PROGRESSIVE_REGION: rectangles to be shown, and tiles of which some are."""

    rectangles: tuple[Rectangle, ...]
    quantizations: tuple[ComponentQuantization, ...]
    progressive: tuple[ProgressiveQuantization, ...]
    tiles: tuple[Tile, ...]
    flags: RegionFlags = RegionFlags.DWT_REDUCE_EXTRAPOLATE

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.REGION):
            tile_size = r.u8("tileSize")
            if tile_size != TILE_SIZE:
                raise r.error("tileSize", f"{tile_size}, expected {TILE_SIZE}")
            rectangle_count = r.u16_le("numRects")
            if rectangle_count * RECTANGLE_SIZE > r.remaining:
                raise r.error("numRects", f"{rectangle_count}, {r.remaining} bytes left")
            quantization_count = r.u8("numQuant")
            if quantization_count > MAX_QUANTIZATIONS:
                raise r.error("numQuant", f"{quantization_count}, at most {MAX_QUANTIZATIONS} allowed")
            progressive_count = r.u8("numProgQuant")
            flags = RegionFlags(r.u8("flags"))
            tile_count = r.u16_le("numTiles")
            size = r.u32_le("tileDataSize")
            if tile_count * MIN_TILE_SIZE > size:
                raise r.error("numTiles", f"{tile_count}, at most {size // MIN_TILE_SIZE} fit {size} bytes")
            rectangles = r.items(Rectangle, "rects", rectangle_count)
            quantizations = r.items(ComponentQuantization, "quantVals", quantization_count)
            for quantization in quantizations:
                check_quantization(r, quantization)
            progressive = r.items(ProgressiveQuantization, "quantProgVals", progressive_count)
            with r.region("tiles", size):
                tiles = tuple([_read_tile(r, index) for index in range(tile_count)])
            value = cls(rectangles, quantizations, progressive, tiles, flags)
            value._check_indices(r)
            return value

    def _check_indices(self, r: Reader) -> None:
        for tile in self.tiles:
            if max(tile.quantizations) >= len(self.quantizations):
                raise r.error("quantIdx", f"{tile.quantizations}, {len(self.quantizations)} are there")
            if isinstance(tile, TileSimple) or tile.quality == FULL_INDEX:
                continue
            if tile.quality >= len(self.progressive):
                raise r.error("progressiveQuality", f"{tile.quality}, {len(self.progressive)} are there")

    def write(self, w: Writer) -> None:
        with block(w, BlockType.REGION):
            w.u8("tileSize", TILE_SIZE)
            w.u16_le("numRects", len(self.rectangles))
            w.u8("numQuant", len(self.quantizations))
            w.u8("numProgQuant", len(self.progressive))
            w.u8("flags", self.flags)
            w.u16_le("numTiles", len(self.tiles))
            tiles = Writer("tiles")
            tiles.items(self.tiles, "tiles")
            data = tiles.getvalue()
            w.u32_le("tileDataSize", len(data))
            w.items(self.rectangles, "rects")
            w.items(self.quantizations, "quantVals")
            w.items(self.progressive, "quantProgVals")
            w.raw("tiles", data)


def _read_tile(r: Reader, index: int) -> Tile:
    kind = r.peek_u16_le("blockType")
    cls = _TILES.get(kind)
    if cls is None:
        raise r.error("blockType", f"{kind:#06x}, expected a tile")
    return r.structure(cls, f"tiles[{index}]")


DataBlock = Sync | FrameBegin | FrameEnd | Context | Region | UnknownBlock

_TYPES: Final[dict[int, type[DataBlock]]] = {
    BlockType.SYNC: Sync,
    BlockType.FRAME_BEGIN: FrameBegin,
    BlockType.FRAME_END: FrameEnd,
    BlockType.CONTEXT: Context,
    BlockType.REGION: Region,
}


def decode_blocks(data: bytes) -> list[DataBlock]:
    """MS-RDPEGFX 2.2.4.2 RFX_PROGRESSIVE_BITMAP_STREAM. Raises DecodeError, nothing else."""
    r = Reader(data, "Progressive")
    blocks: list[DataBlock] = []
    while r.remaining:
        if len(blocks) >= MAX_BLOCKS:
            raise DecodeError("Progressive", f"more than {MAX_BLOCKS} blocks", r.offset)
        cls = _TYPES.get(r.peek_u16_le("blockType"), UnknownBlock)
        blocks.append(r.structure(cls, cls.__name__))
    return blocks


def encode_blocks(blocks: list[DataBlock]) -> bytes:
    """The blocks one after the other."""
    w = Writer("Progressive")
    for item in blocks:
        item.write(w)
    return w.getvalue()
