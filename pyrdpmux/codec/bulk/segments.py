"""The envelope of RDP 8.0 bulk compression (MS-RDPEGFX 2.2.5)."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import Reader, Writer

SINGLE: Final = 0xE0
MULTIPART: Final = 0xE1
COMPRESSED: Final = 0x20
TYPE_MASK: Final = 0x0F

_DATA_SEGMENT_MIN: Final = 5
"""size and header: what one more segment costs at least, so a count cannot exceed the bytes there are."""


@dataclass(frozen=True, slots=True)
class Segment:
    """MS-RDPEGFX 2.2.5.3 RDP8_BULK_ENCODED_DATA."""

    header: int
    data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u8("header"), r.rest("data"))

    def write(self, w: Writer) -> None:
        w.u8("header", self.header)
        w.raw("data", self.data)


@dataclass(frozen=True, slots=True)
class SegmentedData:
    """MS-RDPEGFX 2.2.5.1 RDP_SEGMENTED_DATA; a SINGLE one does not say its ``uncompressed_size``."""

    segments: tuple[Segment, ...]
    uncompressed_size: int | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        descriptor = r.u8("descriptor")
        if descriptor == SINGLE:
            return cls((r.structure(Segment, "bulkData"),))
        if descriptor != MULTIPART:
            raise r.error("descriptor", f"{descriptor:#04x}, expected {SINGLE:#04x} or {MULTIPART:#04x}")
        count = r.u16_le("segmentCount")
        if count * _DATA_SEGMENT_MIN > r.remaining:
            raise r.error("segmentCount", f"{count} segments, {r.remaining} bytes left")
        uncompressed_size = r.u32_le("uncompressedSize")
        segments = []
        for index in range(count):
            size = r.u32_le(f"segmentArray[{index}].size")
            with r.region(f"segmentArray[{index}].bulkData", size):
                segments.append(Segment.read(r))
        return cls(tuple(segments), uncompressed_size)

    def write(self, w: Writer) -> None:
        if self.uncompressed_size is None:
            w.u8("descriptor", SINGLE)
            w.structure(self.segments[0], "bulkData")
            return
        w.u8("descriptor", MULTIPART)
        w.u16_le("segmentCount", len(self.segments))
        w.u32_le("uncompressedSize", self.uncompressed_size)
        for segment in self.segments:
            with w.length_u32_le("size"):
                segment.write(w)
