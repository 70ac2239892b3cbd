"""Bitmap codecs: which of them the peer understands, and with what properties."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self
from uuid import UUID

from pyrdpmux.rdp.pdu.capabilities.types import CapabilitySetType
from pyrdpmux.wire import Reader, Writer

GUID_SIZE: Final = 16
CODEC_NSCODEC: Final = UUID("ca8d1bb9-000f-154f-589f-ae2d1a87e2d6")
CODEC_REMOTEFX: Final = UUID("76772f12-bd72-4463-afb3-b73c9c6f7886")
CODEC_IMAGE_REMOTEFX: Final = UUID("2744ccd4-9d8a-4e74-803c-0ecbeea19c54")
CODEC_IGNORE: Final = UUID("9c4351a6-3535-42ae-910c-cdfce5760b58")


@dataclass(frozen=True, slots=True)
class NsCodecProperties:
    """MS-RDPNSC 2.2.1 NSCodec Capability Set (TS_NSCODEC_CAPABILITYSET)."""

    allow_dynamic_fidelity: int
    allow_subsampling: int
    color_loss_level: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u8("fAllowDynamicFidelity"), r.u8("fAllowSubsampling"), r.u8("colorLossLevel"))

    def write(self, w: Writer) -> None:
        w.u8("fAllowDynamicFidelity", self.allow_dynamic_fidelity)
        w.u8("fAllowSubsampling", self.allow_subsampling)
        w.u8("colorLossLevel", self.color_loss_level)


NSCODEC_PROPERTIES_SIZE: Final = 3


@dataclass(frozen=True, slots=True)
class BitmapCodec:
    """MS-RDPBCGR 2.2.7.2.10.1.1 Bitmap Codec (TS_BITMAPCODEC).

    ``properties`` stays bytes for every codec but NSCodec; RemoteFX containers are MS-RDPRFX's matter.
    """

    guid: UUID
    codec_id: int
    properties: NsCodecProperties | bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        guid = UUID(bytes_le=r.raw("codecGUID", GUID_SIZE))
        codec_id = r.u8("codecID")
        size = r.u16_le("codecPropertiesLength")
        if guid == CODEC_NSCODEC and size == NSCODEC_PROPERTIES_SIZE:
            return cls(guid, codec_id, r.structure(NsCodecProperties, "codecProperties"))
        return cls(guid, codec_id, r.raw("codecProperties", size))

    def write(self, w: Writer) -> None:
        w.fixed("codecGUID", self.guid.bytes_le, GUID_SIZE)
        w.u8("codecID", self.codec_id)
        with w.length_u16_le("codecPropertiesLength"):
            if isinstance(self.properties, bytes):
                w.raw("codecProperties", self.properties)
            else:
                w.structure(self.properties, "codecProperties")


@dataclass(frozen=True, slots=True)
class BitmapCodecsCapability:
    """MS-RDPBCGR 2.2.7.2.10 Bitmap Codecs Capability Set (TS_BITMAPCODECS_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.BITMAP_CODECS

    codecs: tuple[BitmapCodec, ...] = ()

    @classmethod
    def read(cls, r: Reader) -> Self:
        # One byte, so 255 at most; each entry takes at least 19 bytes of the frame.
        return cls(r.items(BitmapCodec, "bitmapCodecArray", r.u8("bitmapCodecCount")))

    def write(self, w: Writer) -> None:
        w.u8("bitmapCodecCount", len(self.codecs))
        w.items(self.codecs, "bitmapCodecArray")
