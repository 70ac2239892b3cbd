"""The messages of a RemoteFX stream (MS-RDPRFX 2.2.2): blocks with a type and a length, in a row.

The headers, Sync, CodecVersions, Channels, and Context, are in `headers`. A frame is FrameBegin, Region,
TileSet, FrameEnd. A block may be longer than what we know of it; the rest is skipped (3.1.8.3.1).
"""

from dataclasses import dataclass, field
from typing import Final, Self

from pyrdpmux.codec.rfx.block import (
    BLOCK_SIZE,
    TILE_SIZE,
    BlockType,
    block,
    read_channel,
    region,
    write_channel,
)
from pyrdpmux.codec.rfx.headers import Channels, CodecVersions, Context, Properties, Sync
from pyrdpmux.codec.rfx.quant import Quantization
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.wire import Block, Reader, Writer

TILE_HEADER_SIZE: Final = 19
RECTANGLE_SIZE: Final = 8
MAX_BLOCKS: Final = 4096
"""In one buffer: a frame has four, and a surface command carries a few frames at most."""


@dataclass(frozen=True, slots=True)
class FrameBegin:
    """MS-RDPRFX 2.2.2.3.1 TS_RFX_FRAME_BEGIN."""

    frame_index: int
    region_count: int = 1

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.FRAME_BEGIN):
            read_channel(r)
            return cls(r.u32_le("frameIdx"), r.u16_le("numRegions"))

    def write(self, w: Writer) -> None:
        with block(w, BlockType.FRAME_BEGIN):
            write_channel(w)
            w.u32_le("frameIdx", self.frame_index)
            w.u16_le("numRegions", self.region_count)


@dataclass(frozen=True, slots=True)
class FrameEnd:
    """MS-RDPRFX 2.2.2.3.2 TS_RFX_FRAME_END."""

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.FRAME_END):
            read_channel(r)
            return cls()

    def write(self, w: Writer) -> None:
        with block(w, BlockType.FRAME_END):
            write_channel(w)


_RECTANGLE: Final = Block(x="u16", y="u16", width="u16", height="u16")


@dataclass(frozen=True, slots=True)
class Rectangle:
    """MS-RDPRFX 2.2.2.1.6 TS_RFX_RECT."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def of(cls, rect: Rect) -> Self:
        return cls(*rect)

    @property
    def rect(self) -> Rect:
        return Rect(self.x, self.y, self.width, self.height)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(*r.block(_RECTANGLE))

    def write(self, w: Writer) -> None:
        w.block(_RECTANGLE, self.x, self.y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Region:
    """MS-RDPRFX 2.2.2.3.3 TS_RFX_REGION: what of the tiles is shown; without rectangles, all."""

    rectangles: tuple[Rectangle, ...]
    flags: int = 1
    tileset_count: int = 1

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.REGION):
            read_channel(r)
            flags = r.u8("regionFlags")
            count = r.u16_le("numRects")
            if count * RECTANGLE_SIZE > r.remaining:
                raise r.error("numRects", f"{count}, at most {r.remaining // RECTANGLE_SIZE} fit the block")
            rectangles = r.items(Rectangle, "rects", count)
            subtype = r.u16_le("regionType")
            if subtype != BlockType.REGION_SUBTYPE:
                raise r.error("regionType", f"{subtype:#06x}, expected {BlockType.REGION_SUBTYPE:#06x}")
            return cls(rectangles, flags, r.u16_le("numTilesets"))

    def write(self, w: Writer) -> None:
        with block(w, BlockType.REGION):
            write_channel(w)
            w.u8("regionFlags", self.flags)
            w.u16_le("numRects", len(self.rectangles))
            w.items(self.rectangles, "rects")
            w.u16_le("regionType", BlockType.REGION_SUBTYPE)
            w.u16_le("numTilesets", self.tileset_count)


_TILE: Final = Block(
    blockType="u16", blockLen="u32", quantIdxY="u8", quantIdxCb="u8", quantIdxCr="u8", xIdx="u16", yIdx="u16",
    YLen="u16", CbLen="u16", CrLen="u16",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tile:
    """MS-RDPRFX 2.2.2.3.4.1 TS_RFX_TILE: its place in the grid, and three streams of RLGR."""

    x: int
    y: int
    y_data: bytes
    cb_data: bytes
    cr_data: bytes
    quantizations: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        kind, length, *quantizations, x, y, y_size, cb_size, cr_size = r.block(_TILE)
        if kind != BlockType.TILE:
            raise r.error("blockType", f"{kind:#06x}, expected {BlockType.TILE:#06x}")
        extra = length - TILE_HEADER_SIZE - y_size - cb_size - cr_size
        if extra < 0:
            raise r.error("blockLen", f"{length}, {-extra} less than the fields need")
        luma, cb, cr = (r.raw(f, n) for f, n in (("YData", y_size), ("CbData", cb_size), ("CrData", cr_size)))
        r.pad("blockLen", extra)
        return cls(x, y, luma, cb, cr, (quantizations[0], quantizations[1], quantizations[2]))

    def write(self, w: Writer) -> None:
        streams = (self.y_data, self.cb_data, self.cr_data)
        sizes = [len(stream) for stream in streams]
        length = TILE_HEADER_SIZE + sum(sizes)
        w.block(_TILE, BlockType.TILE, length, *self.quantizations, self.x, self.y, *sizes)
        for name, stream in zip(("YData", "CbData", "CrData"), streams, strict=True):
            w.raw(name, stream)


@dataclass(frozen=True, slots=True)
class TileSet:
    """MS-RDPRFX 2.2.2.3.4 TS_RFX_TILESET."""

    quantizations: tuple[Quantization, ...]
    tiles: tuple[Tile, ...]
    properties: Properties = field(default_factory=Properties)
    is_last: bool = True
    index: int = 0
    tile_size: int = TILE_SIZE

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.EXTENSION):
            read_channel(r)
            subtype = r.u16_le("subtype")
            if subtype != BlockType.TILESET_SUBTYPE:
                raise r.error("subtype", f"{subtype:#06x}, expected {BlockType.TILESET_SUBTYPE:#06x}")
            index = r.u16_le("idx")
            bits = r.u16_le("properties")
            quantization_count = r.u8("numQuant")
            tile_size = r.u8("tileSize")
            count = r.u16_le("numTiles")
            size = r.u32_le("tilesDataSize")
            quantizations = r.items(Quantization, "quantVals", quantization_count)
            if count * TILE_HEADER_SIZE > size:
                raise r.error("numTiles", f"{count}, at most {size // TILE_HEADER_SIZE} fit {size} bytes")
            with r.region("tiles", size):
                tiles = r.items(Tile, "", count)
            for tile in tiles:
                if max(tile.quantizations) >= quantization_count:
                    raise r.error("quantIdx", f"{tile.quantizations}, {quantization_count} are there")
            return cls(quantizations, tiles, Properties.of(bits >> 1), bool(bits & 1), index, tile_size)

    def write(self, w: Writer) -> None:
        with block(w, BlockType.EXTENSION):
            write_channel(w)
            w.u16_le("subtype", BlockType.TILESET_SUBTYPE)
            w.u16_le("idx", self.index)
            w.u16_le("properties", self.properties.bits() << 1 | self.is_last)
            w.u8("numQuant", len(self.quantizations))
            w.u8("tileSize", self.tile_size)
            w.u16_le("numTiles", len(self.tiles))
            streams = sum([len(t.y_data) + len(t.cb_data) + len(t.cr_data) for t in self.tiles])
            w.u32_le("tilesDataSize", streams + TILE_HEADER_SIZE * len(self.tiles))
            w.items(self.quantizations, "quantVals")
            w.items(self.tiles, "tiles")


@dataclass(frozen=True, slots=True)
class UnknownBlock:
    """MS-RDPRFX 2.2.2.1.1 TS_RFX_BLOCKT of a type that we do not know, kept as it is."""

    block_type: BlockType
    data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        block_type = BlockType(r.u16_le("blockType"))
        length = r.u32_le("blockLen")
        if length < BLOCK_SIZE:
            raise r.error("blockLen", f"{length}, at least {BLOCK_SIZE} expected")
        return cls(block_type, r.raw("data", length - BLOCK_SIZE))

    def write(self, w: Writer) -> None:
        with block(w, self.block_type):
            w.raw("data", self.data)


Message = Sync | CodecVersions | Channels | Context | FrameBegin | FrameEnd | Region | TileSet | UnknownBlock

_TYPES: Final[dict[int, type[Message]]] = {
    BlockType.SYNC: Sync,
    BlockType.CODEC_VERSIONS: CodecVersions,
    BlockType.CHANNELS: Channels,
    BlockType.CONTEXT: Context,
    BlockType.FRAME_BEGIN: FrameBegin,
    BlockType.FRAME_END: FrameEnd,
    BlockType.REGION: Region,
    BlockType.EXTENSION: TileSet,
}


def decode_messages(data: bytes) -> list[Message]:
    """All blocks of a buffer. Raises DecodeError, nothing else."""
    r = Reader(data, "RemoteFX")
    messages: list[Message] = []
    while r.remaining:
        if len(messages) >= MAX_BLOCKS:
            raise DecodeError("RemoteFX", f"more than {MAX_BLOCKS} blocks", r.offset)
        cls = _TYPES.get(r.peek_u16_le("blockType"), UnknownBlock)
        messages.append(r.structure(cls, cls.__name__))
    return messages


def encode_messages(messages: list[Message]) -> bytes:
    """The blocks one after the other."""
    w = Writer("RemoteFX")
    for message in messages:
        message.write(w)
    return w.getvalue()
