"""What blocks of RemoteFX streams begin with (MS-RDPRFX 2.2.2.1.1, 2.2.2.1.2; MS-RDPEGFX 2.2.4.2.1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pyrdpmux.wire import OpenIntEnum, Reader, Writer

CODEC_ID: Final = 1
CONTEXT_CHANNEL: Final = 0xFF
DATA_CHANNEL: Final = 0x00
TILE_SIZE: Final = 64

BLOCK_SIZE: Final = 6


class BlockType(OpenIntEnum):
    """blockType of MS-RDPRFX 2.2.2.1.1 and 2.2.2.1.2."""

    TILESET_SUBTYPE = 0xCAC2
    REGION_SUBTYPE = 0xCAC1
    TILE = 0xCAC3
    SYNC = 0xCCC0
    CODEC_VERSIONS = 0xCCC1
    CHANNELS = 0xCCC2
    CONTEXT = 0xCCC3
    FRAME_BEGIN = 0xCCC4
    FRAME_END = 0xCCC5
    REGION = 0xCCC6
    EXTENSION = 0xCCC7


@contextmanager
def region(r: Reader, block_type: int) -> Iterator[None]:
    """One block of a known type; what follows the fields that are read inside is skipped."""
    found = r.u16_le("blockType")
    if found != block_type:
        raise r.error("blockType", f"{found:#06x}, expected {block_type:#06x}")
    length = r.u32_le("blockLen")
    if length < BLOCK_SIZE:
        raise r.error("blockLen", f"{length}, at least {BLOCK_SIZE} expected")
    with r.region("", length - BLOCK_SIZE):
        yield
        r.pad("", r.remaining)


@contextmanager
def block(w: Writer, block_type: int) -> Iterator[None]:
    w.u16_le("blockType", block_type)
    with w.length_u32_le("blockLen", BLOCK_SIZE):
        yield


def read_channel(r: Reader) -> None:
    """codecId and channelId, the rest of 2.2.2.1.2; clients ignore them."""
    r.pad("codecId", 1)
    r.pad("channelId", 1)


def write_channel(w: Writer, channel: int = DATA_CHANNEL) -> None:
    w.u8("codecId", CODEC_ID)
    w.u8("channelId", channel)
