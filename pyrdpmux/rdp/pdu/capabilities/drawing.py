"""NineGrid, GDI+, and the window sets of remote programs."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from pyrdpmux.rdp.pdu.capabilities.types import CapabilitySetType
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

CACHE_ENTRIES_COUNT: Final = 5
CHUNK_SIZE_COUNT: Final = 4
IMAGE_CACHE_PROPERTY_COUNT: Final = 3


class NineGridSupportLevel(OpenIntEnum):
    """drawNineGridSupportLevel of MS-RDPEGDI 2.2.1.2."""

    NO_SUPPORT = 0
    SUPPORTED = 1
    SUPPORTED_REV2 = 2


class RailSupportLevel(OpenIntFlag):
    """RailSupportLevel of MS-RDPERP 2.2.1.1.1."""

    SUPPORTED = 0x01
    DOCKED_LANGBAR_SUPPORTED = 0x02
    SHELL_INTEGRATION_SUPPORTED = 0x04
    LANGUAGE_IME_SYNC_SUPPORTED = 0x08
    SERVER_TO_CLIENT_IME_SYNC_SUPPORTED = 0x10
    HIDE_MINIMIZED_APPS_SUPPORTED = 0x20
    WINDOW_CLOAKING_SUPPORTED = 0x40
    HANDSHAKE_EX_SUPPORTED = 0x80


class WindowSupportLevel(OpenIntEnum):
    """WndSupportLevel of MS-RDPERP 2.2.1.1.2."""

    NOT_SUPPORTED = 0
    SUPPORTED = 1
    SUPPORTED_EX = 2


@dataclass(frozen=True, slots=True)
class DrawNineGridCapability:
    """MS-RDPEGDI 2.2.1.2 DrawNineGrid Cache Capability Set (TS_DRAW_NINEGRID_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.DRAW_NINE_GRID_CACHE

    support_level: NineGridSupportLevel = NineGridSupportLevel.NO_SUPPORT
    cache_size: int = 0
    cache_entries: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            NineGridSupportLevel(r.u32_le("drawNineGridSupportLevel")),
            r.u16_le("drawNineGridCacheSize"),
            r.u16_le("drawNineGridCacheEntries"),
        )

    def write(self, w: Writer) -> None:
        w.u32_le("drawNineGridSupportLevel", self.support_level)
        w.u16_le("drawNineGridCacheSize", self.cache_size)
        w.u16_le("drawNineGridCacheEntries", self.cache_entries)


def _read_u16s(r: Reader, field: str, count: int) -> tuple[int, ...]:
    return tuple([r.u16_le(f"{field}[{i}]") for i in range(count)])


def _write_u16s(w: Writer, field: str, values: tuple[int, ...], count: int) -> None:
    if len(values) != count:
        raise w.error(field, f"{len(values)} numbers, expected {count}")
    for i, value in enumerate(values):
        w.u16_le(f"{field}[{i}]", value)


@dataclass(frozen=True, slots=True)
class DrawGdiPlusCapability:
    """MS-RDPEGDI 2.2.1.3 Draw GDI+ Capability Set (TS_DRAW_GDIPLUS_CAPABILITYSET).

    ``cache_entries``: graphics, brush, pen, image, image attributes; ``cache_chunk_size``: graphics, brush,
    pen, image attributes; ``image_cache_properties``: chunk size, total size, maximum size.
    """

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.DRAW_GDI_PLUS

    support_level: int = 0
    version: int = 0
    cache_level: int = 0
    cache_entries: tuple[int, ...] = (0,) * CACHE_ENTRIES_COUNT
    cache_chunk_size: tuple[int, ...] = (0,) * CHUNK_SIZE_COUNT
    image_cache_properties: tuple[int, ...] = (0,) * IMAGE_CACHE_PROPERTY_COUNT

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            r.u32_le("drawGDIPlusSupportLevel"),
            r.u32_le("GdipVersion"),
            r.u32_le("drawGdiplusCacheLevel"),
            _read_u16s(r, "GdipCacheEntries", CACHE_ENTRIES_COUNT),
            _read_u16s(r, "GdipCacheChunkSize", CHUNK_SIZE_COUNT),
            _read_u16s(r, "GdipImageCacheProperties", IMAGE_CACHE_PROPERTY_COUNT),
        )

    def write(self, w: Writer) -> None:
        w.u32_le("drawGDIPlusSupportLevel", self.support_level)
        w.u32_le("GdipVersion", self.version)
        w.u32_le("drawGdiplusCacheLevel", self.cache_level)
        _write_u16s(w, "GdipCacheEntries", self.cache_entries, CACHE_ENTRIES_COUNT)
        _write_u16s(w, "GdipCacheChunkSize", self.cache_chunk_size, CHUNK_SIZE_COUNT)
        _write_u16s(w, "GdipImageCacheProperties", self.image_cache_properties, IMAGE_CACHE_PROPERTY_COUNT)


@dataclass(frozen=True, slots=True)
class RemoteProgramsCapability:
    """MS-RDPERP 2.2.1.1.1 Remote Programs Capability Set."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.RAIL

    support_level: RailSupportLevel = RailSupportLevel(0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(RailSupportLevel(r.u32_le("RailSupportLevel")))

    def write(self, w: Writer) -> None:
        w.u32_le("RailSupportLevel", self.support_level)


@dataclass(frozen=True, slots=True)
class WindowListCapability:
    """MS-RDPERP 2.2.1.1.2 Window List Capability Set."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.WINDOW

    support_level: WindowSupportLevel = WindowSupportLevel.NOT_SUPPORTED
    icon_cache_count: int = 0
    icon_cache_entries: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            WindowSupportLevel(r.u32_le("WndSupportLevel")),
            r.u8("NumIconCaches"),
            r.u16_le("NumIconCacheEntries"),
        )

    def write(self, w: Writer) -> None:
        w.u32_le("WndSupportLevel", self.support_level)
        w.u8("NumIconCaches", self.icon_cache_count)
        w.u16_le("NumIconCacheEntries", self.icon_cache_entries)
