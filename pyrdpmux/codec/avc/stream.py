"""The messages around H.264 (MS-RDPEGFX 2.2.4.4 to 2.2.4.6). AVC444 and AVC444v2 look alike."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.wire import OpenIntEnum, Reader, Writer

MAX_REGIONS: Final = 1 << 14
"""Of one picture: 64x64 tiles of two screens of 7680x4320."""
_REGION_SIZE: Final = 10
_QP: Final = 0x3F
_PROGRESSIVE: Final = 0x80
_SIZE_BITS: Final = 30
_SIZE: Final = (1 << _SIZE_BITS) - 1


@dataclass(frozen=True, slots=True)
class Rectangle16:
    """MS-RDPEGFX 2.2.1.2 RDPGFX_RECT16: right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, rect: Rect) -> Self:
        return cls(rect.x, rect.y, rect.right, rect.bottom)

    @property
    def rect(self) -> Rect:
        return Rect.from_corners(self.left, self.top, self.right, self.bottom)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_le("left"), r.u16_le("top"), r.u16_le("right"), r.u16_le("bottom"))

    def write(self, w: Writer) -> None:
        w.u16_le("left", self.left)
        w.u16_le("top", self.top)
        w.u16_le("right", self.right)
        w.u16_le("bottom", self.bottom)


@dataclass(frozen=True, slots=True)
class QuantQuality:
    """MS-RDPEGFX 2.2.4.4.2 RDPGFX_AVC420_QUANT_QUALITY; for information only."""

    quantization_parameter: int
    quality: int = 100
    is_progressive: bool = False

    @classmethod
    def read(cls, r: Reader) -> Self:
        value = r.u8("qpVal")
        return cls(value & _QP, r.u8("qualityVal"), bool(value & _PROGRESSIVE))

    def write(self, w: Writer) -> None:
        if not 0 <= self.quantization_parameter <= _QP:
            raise EncodeError("QuantQuality.qpVal", f"{self.quantization_parameter}, expected 0 to {_QP}")
        w.u8("qpVal", self.quantization_parameter | (_PROGRESSIVE if self.is_progressive else 0))
        w.u8("qualityVal", self.quality)


@dataclass(frozen=True, slots=True)
class MetaBlock:
    """MS-RDPEGFX 2.2.4.4.1 RFX_AVC420_METABLOCK: which parts of the picture to show, one quality for each."""

    regions: tuple[Rectangle16, ...]
    qualities: tuple[QuantQuality, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        count = r.u32_le("numRegionRects")
        most = min(MAX_REGIONS, r.remaining // _REGION_SIZE)
        if count > most:
            raise r.error("numRegionRects", f"{count}, at most {most} expected")
        return cls(
            r.items(Rectangle16, "regionRects", count), r.items(QuantQuality, "quantQualityVals", count)
        )

    def write(self, w: Writer) -> None:
        if len(self.regions) != len(self.qualities):
            counts = f"{len(self.qualities)}, expected one for each of {len(self.regions)} regions"
            raise EncodeError("MetaBlock.quantQualityVals", counts)
        w.u32_le("numRegionRects", len(self.regions))
        w.items(self.regions, "regionRects")
        w.items(self.qualities, "quantQualityVals")


@dataclass(frozen=True, slots=True)
class Avc420Stream:
    """MS-RDPEGFX 2.2.4.4 RFX_AVC420_BITMAP_STREAM: one picture, H.264 in the byte stream format."""

    meta: MetaBlock
    bitstream: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.structure(MetaBlock, "avc420MetaData"), r.rest("avc420EncodedBitstream"))

    def write(self, w: Writer) -> None:
        w.structure(self.meta, "avc420MetaData")
        w.raw("avc420EncodedBitstream", self.bitstream)


class Subframes(OpenIntEnum):
    """LC: which views are there."""

    LUMA_AND_CHROMA = 0
    LUMA = 1
    CHROMA = 2


@dataclass(frozen=True, slots=True)
class Avc444Stream:
    """MS-RDPEGFX 2.2.4.5 RFX_AVC444_BITMAP_STREAM, and 2.2.4.6 RFX_AVC444V2_BITMAP_STREAM.

    ``luma`` is the main view, ``chroma`` the auxiliary one; one of them may be absent.
    """

    luma: Avc420Stream | None
    chroma: Avc420Stream | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        info = r.u32_le("avc420EncodedBitstreamInfo")
        subframes, size = Subframes(info >> _SIZE_BITS), info & _SIZE
        if subframes is Subframes.LUMA_AND_CHROMA:
            with r.region("avc420EncodedBitstream1", size):
                luma = Avc420Stream.read(r)
            return cls(luma, r.structure(Avc420Stream, "avc420EncodedBitstream2"))
        # Where there is one view, it is all the rest: clients do not look at the size.
        if subframes is Subframes.LUMA:
            return cls(r.structure(Avc420Stream, "avc420EncodedBitstream1"), None)
        if subframes is Subframes.CHROMA:
            return cls(None, r.structure(Avc420Stream, "avc420EncodedBitstream1"))
        raise r.error("avc420EncodedBitstreamInfo", "LC of 3, expected 0 to 2")

    def write(self, w: Writer) -> None:
        first = Writer("Avc444Stream")
        if self.luma is not None:
            first.structure(self.luma, "avc420EncodedBitstream1")
        data = first.getvalue()
        subframes = Subframes.LUMA_AND_CHROMA
        if self.chroma is None:
            subframes = Subframes.LUMA
        elif self.luma is None:
            subframes = Subframes.CHROMA
        if len(data) > _SIZE or (self.luma is None and self.chroma is None):
            raise EncodeError("Avc444Stream.avc420EncodedBitstreamInfo", f"{len(data)} bytes of luma")
        w.u32_le("avc420EncodedBitstreamInfo", subframes << _SIZE_BITS | len(data))
        w.raw("avc420EncodedBitstream1", data)
        if self.chroma is not None:
            w.structure(self.chroma, "avc420EncodedBitstream2")
