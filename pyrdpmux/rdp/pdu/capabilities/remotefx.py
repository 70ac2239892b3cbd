"""What a client's decoder of RemoteFX can: the properties of its bitmap codec (MS-RDPRFX 2.2.1.1)."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

CAPS: Final = 0xCBC0
CAPSET: Final = 0xCBC1
CLY_CAPSET: Final = 0xCFC0
CAPS_SIZE: Final = 8
CAPSET_HEADER_SIZE: Final = 13
ICAP_SIZE: Final = 8
CODEC_ID: Final = 1
VERSION: Final = 0x0100
TILE_SIZE: Final = 64
COLOR_CONVERSION_ICT: Final = 1
TRANSFORM_DWT_5_3: Final = 1

MAX_ICAPS: Final = 16
"""Clients have two: an entropy coder each."""


class CaptureFlags(OpenIntFlag):
    """captureFlags of MS-RDPRFX 2.2.1.1."""

    CAPTURE_NON_CAC = 0x00000001


class IcapFlags(OpenIntFlag):
    """flags of MS-RDPRFX 2.2.1.1.1.1.1."""

    CODEC_MODE = 0x02
    """Image mode only: headers in front of every frame."""


class EntropyBits(OpenIntEnum):
    """entropyBits of MS-RDPRFX 2.2.1.1.1.1.1."""

    RLGR1 = 0x01
    RLGR3 = 0x04


@dataclass(frozen=True, slots=True)
class RemoteFxIcap:
    """MS-RDPRFX 2.2.1.1.1.1.1 TS_RFX_ICAP: one way in which frames may be encoded."""

    entropy_bits: EntropyBits
    flags: IcapFlags = IcapFlags(0)
    version: int = VERSION
    tile_size: int = TILE_SIZE
    color_conversion_bits: int = COLOR_CONVERSION_ICT
    transform_bits: int = TRANSFORM_DWT_5_3

    @property
    def is_usual(self) -> bool:
        """All of it has the only values that the specification knows."""
        constants = (self.version, self.tile_size, self.color_conversion_bits, self.transform_bits)
        return constants == (VERSION, TILE_SIZE, COLOR_CONVERSION_ICT, TRANSFORM_DWT_5_3)

    @classmethod
    def read(cls, r: Reader) -> Self:
        version, tile_size = r.u16_le("version"), r.u16_le("tileSize")
        flags = IcapFlags(r.u8("flags"))
        color_conversion_bits, transform_bits = r.u8("colConvBits"), r.u8("transformBits")
        entropy_bits = EntropyBits(r.u8("entropyBits"))
        return cls(entropy_bits, flags, version, tile_size, color_conversion_bits, transform_bits)

    def write(self, w: Writer) -> None:
        w.u16_le("version", self.version)
        w.u16_le("tileSize", self.tile_size)
        w.u8("flags", self.flags)
        w.u8("colConvBits", self.color_conversion_bits)
        w.u8("transformBits", self.transform_bits)
        w.u8("entropyBits", self.entropy_bits)


@dataclass(frozen=True, slots=True)
class RemoteFxClientCapabilities:
    """MS-RDPRFX 2.2.1.1 TS_RFX_CLNT_CAPS_CONTAINER, with the one TS_RFX_CAPSET that it has."""

    icaps: tuple[RemoteFxIcap, ...]
    capture_flags: CaptureFlags = CaptureFlags(0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("length", 4)
        capture_flags = CaptureFlags(r.u32_le("captureFlags"))
        r.pad("capsLength", 4)
        _read_constants(r, (("blockType", 2, CAPS), ("blockLen", 4, CAPS_SIZE), ("numCapsets", 2, 1)))
        _read_constants(r, (("blockType", 2, CAPSET),))
        r.pad("blockLen", 4)
        _read_constants(r, (("codecId", 1, CODEC_ID), ("capsetType", 2, CLY_CAPSET)))
        count = r.u16_le("numIcaps")
        if count > MAX_ICAPS:
            raise r.error("numIcaps", f"{count}, at most {MAX_ICAPS} allowed")
        _read_constants(r, (("icapLen", 2, ICAP_SIZE),))
        return cls(r.items(RemoteFxIcap, "icapsData", count), capture_flags)

    def write(self, w: Writer) -> None:
        with w.length_u32_le("length", extra=4):
            w.u32_le("captureFlags", self.capture_flags)
            with w.length_u32_le("capsLength"):
                w.u16_le("blockType", CAPS)
                w.u32_le("blockLen", CAPS_SIZE)
                w.u16_le("numCapsets", 1)
                w.u16_le("blockType", CAPSET)
                w.u32_le("blockLen", CAPSET_HEADER_SIZE + ICAP_SIZE * len(self.icaps))
                w.u8("codecId", CODEC_ID)
                w.u16_le("capsetType", CLY_CAPSET)
                w.u16_le("numIcaps", len(self.icaps))
                w.u16_le("icapLen", ICAP_SIZE)
                w.items(self.icaps, "icapsData")


def _read_constants(r: Reader, fields: tuple[tuple[str, int, int], ...]) -> None:
    for name, size, expected in fields:
        value = r.uint_le(name, size)
        if value != expected:
            raise r.error(name, f"{value:#x}, expected {expected:#x}")


SERVER_PROPERTIES: Final = bytes(4)
"""MS-RDPRFX 2.2.1.2 TS_RFX_SRVR_CAPS_CONTAINER, as Windows servers send it."""
