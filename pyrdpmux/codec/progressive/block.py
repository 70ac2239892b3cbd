"""The blocks of a progressive stream around its regions (MS-RDPEGFX 2.2.4.2.1), and quantization tables.

Types repeat those of RemoteFX with other numbers; the head of a block is the same.
"""

from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from pyrdpmux.codec.rfx.block import BLOCK_SIZE, TILE_SIZE, block, region
from pyrdpmux.codec.rfx.headers import MAGIC, VERSION
from pyrdpmux.wire import OpenIntEnum, Reader, Writer

MIN_FACTOR: Final = 6
"""A step of one; below, coefficients would have fraction bits that clients (FreeRDP) refuse."""
MAX_FACTOR: Final = 15
MAX_ADDED: Final = 8


class BlockType(OpenIntEnum):
    """blockType of MS-RDPEGFX 2.2.4.2.1."""

    SYNC = 0xCCC0
    FRAME_BEGIN = 0xCCC1
    FRAME_END = 0xCCC2
    CONTEXT = 0xCCC3
    REGION = 0xCCC4
    TILE_SIMPLE = 0xCCC5
    TILE_FIRST = 0xCCC6
    TILE_UPGRADE = 0xCCC7


class ContextFlags(IntFlag):
    """flags of MS-RDPEGFX 2.2.4.2.1.4."""

    SUBBAND_DIFFING = 0x01


@dataclass(frozen=True, slots=True)
class Sync:
    """MS-RDPEGFX 2.2.4.2.1.1 RFX_PROGRESSIVE_SYNC; clients ignore both fields."""

    magic: int = MAGIC
    version: int = VERSION

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.SYNC):
            return cls(r.u32_le("magic"), r.u16_le("version"))

    def write(self, w: Writer) -> None:
        with block(w, BlockType.SYNC):
            w.u32_le("magic", self.magic)
            w.u16_le("version", self.version)


@dataclass(frozen=True, slots=True)
class FrameBegin:
    """MS-RDPEGFX 2.2.4.2.1.2 RFX_PROGRESSIVE_FRAME_BEGIN; the regions follow as blocks of their own."""

    frame_index: int
    region_count: int = 1

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.FRAME_BEGIN):
            return cls(r.u32_le("frameIndex"), r.u16_le("regionCount"))

    def write(self, w: Writer) -> None:
        with block(w, BlockType.FRAME_BEGIN):
            w.u32_le("frameIndex", self.frame_index)
            w.u16_le("regionCount", self.region_count)


@dataclass(frozen=True, slots=True)
class FrameEnd:
    """MS-RDPEGFX 2.2.4.2.1.3 RFX_PROGRESSIVE_FRAME_END."""

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.FRAME_END):
            return cls()

    def write(self, w: Writer) -> None:
        with block(w, BlockType.FRAME_END):
            pass


@dataclass(frozen=True, slots=True)
class Context:
    """MS-RDPEGFX 2.2.4.2.1.4 RFX_PROGRESSIVE_CONTEXT."""

    flags: ContextFlags = ContextFlags(0)
    context_id: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.CONTEXT):
            context_id = r.u8("ctxId")
            tile_size = r.u16_le("tileSize")
            if tile_size != TILE_SIZE:
                raise r.error("tileSize", f"{tile_size}, expected {TILE_SIZE}")
            return cls(ContextFlags(r.u8("flags")), context_id)

    def write(self, w: Writer) -> None:
        with block(w, BlockType.CONTEXT):
            w.u8("ctxId", self.context_id)
            w.u16_le("tileSize", TILE_SIZE)
            w.u8("flags", self.flags)


@dataclass(frozen=True, slots=True)
class ComponentQuantization:
    """MS-RDPEGFX 2.2.4.2.1.5.2 RFX_COMPONENT_CODEC_QUANT: bands in another order than in RemoteFX."""

    ll3: int = 6
    hl3: int = 6
    lh3: int = 6
    hh3: int = 6
    hl2: int = 7
    lh2: int = 7
    hh2: int = 8
    hl1: int = 8
    lh1: int = 8
    hh1: int = 9

    @classmethod
    def read(cls, r: Reader) -> Self:
        values: list[int] = []
        for name in ("LL3", "LH3", "HL2", "HH2", "LH1"):  # the lower half of each byte
            pair = r.u8(name)
            values += (pair & 15, pair >> 4)
        return cls(*values)

    def write(self, w: Writer) -> None:
        for name, low, high in (
            ("LL3", self.ll3, self.hl3),
            ("LH3", self.lh3, self.hh3),
            ("HL2", self.hl2, self.lh2),
            ("HH2", self.hh2, self.hl1),
            ("LH1", self.lh1, self.hh1),
        ):
            if not (0 <= low <= 15 and 0 <= high <= 15):
                raise w.error(name, f"{low} and {high}, expected 0 to 15")
            w.u8(name, low | high << 4)

    def values(self) -> tuple[int, ...]:
        """In the order of the wire."""
        return (
            *(self.ll3, self.hl3, self.lh3, self.hh3),
            *(self.hl2, self.lh2, self.hh2),
            *(self.hl1, self.lh1, self.hh1),
        )


def check_quantization(r: Reader, quantization: ComponentQuantization) -> None:
    """As a table of a region."""
    if min(quantization.values()) < MIN_FACTOR:
        raise r.error(
            "quantVals", f"factor {min(quantization.values())}, expected {MIN_FACTOR} to {MAX_FACTOR}"
        )


@dataclass(frozen=True, slots=True)
class ProgressiveQuantization:
    """MS-RDPEGFX 2.2.4.2.1.5.1 RFX_PROGRESSIVE_CODEC_QUANT: what a pass adds to the factors."""

    quality: int
    y: ComponentQuantization
    cb: ComponentQuantization
    cr: ComponentQuantization

    @classmethod
    def read(cls, r: Reader) -> Self:
        quality = r.u8("quality")
        y, cb, cr = (
            r.structure(ComponentQuantization, name)
            for name in ("yQuantValues", "cbQuantValues", "crQuantValues")
        )
        for added in (y, cb, cr):
            if max(added.values()) > MAX_ADDED:
                raise r.error("quantProgVals", f"{max(added.values())}, expected 0 to {MAX_ADDED}")
        return cls(quality, y, cb, cr)

    def write(self, w: Writer) -> None:
        w.u8("quality", self.quality)
        w.structure(self.y, "yQuantValues")
        w.structure(self.cb, "cbQuantValues")
        w.structure(self.cr, "crQuantValues")


NOTHING_ADDED: Final = ComponentQuantization(*[0] * 10)
FULL: Final = ProgressiveQuantization(100, NOTHING_ADDED, NOTHING_ADDED, NOTHING_ADDED)
"""What progressiveQuality 0xFF stands for."""
FULL_INDEX: Final = 0xFF


@dataclass(frozen=True, slots=True)
class UnknownBlock:
    """MS-RDPEGFX 2.2.4.2.1 RFX_PROGRESSIVE_DATABLOCK of a type that we do not know, kept as it is."""

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
