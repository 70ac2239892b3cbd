"""The header messages of a RemoteFX stream (MS-RDPRFX 2.2.2.2): what the stream is."""

from dataclasses import dataclass, field
from enum import IntFlag
from typing import Final, Self

from pyrdpmux.codec.rfx.block import (
    CODEC_ID,
    CONTEXT_CHANNEL,
    DATA_CHANNEL,
    TILE_SIZE,
    BlockType,
    block,
    read_channel,
    region,
    write_channel,
)
from pyrdpmux.wire import OpenIntEnum, Reader, Writer

MAGIC: Final = 0xCACCACCA
VERSION: Final = 0x0100


class Entropy(OpenIntEnum):
    """et of MS-RDPRFX 2.2.2.2.4."""

    RLGR1 = 1
    RLGR3 = 4


class ContextFlags(IntFlag):
    """flags of MS-RDPRFX 2.2.2.2.4: without CODEC_MODE, the stream is video."""

    CODEC_MODE = 0x02


@dataclass(frozen=True, slots=True)
class Sync:
    """MS-RDPRFX 2.2.2.2.1 TS_RFX_SYNC."""

    version: int = VERSION

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.SYNC):
            magic = r.u32_le("magic")
            if magic != MAGIC:
                raise r.error("magic", f"{magic:#010x}, expected {MAGIC:#010x}")
            return cls(r.u16_le("version"))

    def write(self, w: Writer) -> None:
        with block(w, BlockType.SYNC):
            w.u32_le("magic", MAGIC)
            w.u16_le("version", self.version)


@dataclass(frozen=True, slots=True)
class CodecVersion:
    """MS-RDPRFX 2.2.2.1.4 TS_RFX_CODEC_VERSIONT."""

    codec_id: int = CODEC_ID
    version: int = VERSION

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u8("codecId"), r.u16_le("version"))

    def write(self, w: Writer) -> None:
        w.u8("codecId", self.codec_id)
        w.u16_le("version", self.version)


@dataclass(frozen=True, slots=True)
class CodecVersions:
    """MS-RDPRFX 2.2.2.2.2 TS_RFX_CODEC_VERSIONS."""

    codecs: tuple[CodecVersion, ...] = (CodecVersion(),)

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.CODEC_VERSIONS):
            return cls(r.items(CodecVersion, "codecs", r.u8("numCodecs")))

    def write(self, w: Writer) -> None:
        with block(w, BlockType.CODEC_VERSIONS):
            w.u8("numCodecs", len(self.codecs))
            w.items(self.codecs, "codecs")


@dataclass(frozen=True, slots=True)
class Channel:
    """MS-RDPRFX 2.2.2.1.3 TS_RFX_CHANNELT: the size of the frame."""

    width: int
    height: int
    channel_id: int = DATA_CHANNEL

    @classmethod
    def read(cls, r: Reader) -> Self:
        channel_id = r.u8("channelId")
        return cls(r.u16_le("width"), r.u16_le("height"), channel_id)

    def write(self, w: Writer) -> None:
        w.u8("channelId", self.channel_id)
        w.u16_le("width", self.width)
        w.u16_le("height", self.height)


@dataclass(frozen=True, slots=True)
class Channels:
    """MS-RDPRFX 2.2.2.2.3 TS_RFX_CHANNELS."""

    channels: tuple[Channel, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.CHANNELS):
            return cls(r.items(Channel, "channels", r.u8("numChannels")))

    def write(self, w: Writer) -> None:
        with block(w, BlockType.CHANNELS):
            w.u8("numChannels", len(self.channels))
            w.items(self.channels, "channels")


@dataclass(frozen=True, slots=True)
class Properties:
    """MS-RDPRFX 2.2.2.2.4 properties; those of 2.2.2.3.4 are the same, one bit higher."""

    entropy: Entropy = Entropy.RLGR1
    flags: ContextFlags = ContextFlags(0)
    color_conversion: int = 1
    transform: int = 1
    quantization_type: int = 1

    @classmethod
    def of(cls, bits: int) -> Self:
        flags = ContextFlags(bits & 7)
        return cls(Entropy(bits >> 9 & 15), flags, bits >> 3 & 3, bits >> 5 & 15, bits >> 13 & 3)

    def bits(self) -> int:
        return (
            self.flags
            | self.color_conversion << 3
            | self.transform << 5
            | self.entropy << 9
            | self.quantization_type << 13
        )


@dataclass(frozen=True, slots=True)
class Context:
    """MS-RDPRFX 2.2.2.2.4 TS_RFX_CONTEXT."""

    properties: Properties = field(default_factory=Properties)
    context_id: int = 0
    tile_size: int = TILE_SIZE

    @classmethod
    def read(cls, r: Reader) -> Self:
        with region(r, BlockType.CONTEXT):
            read_channel(r)
            context_id = r.u8("ctxId")
            tile_size = r.u16_le("tileSize")
            return cls(Properties.of(r.u16_le("properties")), context_id, tile_size)

    def write(self, w: Writer) -> None:
        with block(w, BlockType.CONTEXT):
            write_channel(w, CONTEXT_CHANNEL)
            w.u8("ctxId", self.context_id)
            w.u16_le("tileSize", self.tile_size)
            w.u16_le("properties", self.properties.bits())
