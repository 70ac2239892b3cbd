"""Drawing orders, and the caches that only drawing orders use."""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final, Self

from pyrdpmux.rdp.pdu.capabilities.types import CapabilitySetType
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

ORDER_SUPPORT_SIZE: Final = 32


class OrderFlags(OpenIntFlag):
    """orderFlags of MS-RDPBCGR 2.2.7.1.3."""

    NEGOTIATE_ORDER_SUPPORT = 0x0002
    ZERO_BOUNDS_DELTAS_SUPPORT = 0x0008
    COLOR_INDEX_SUPPORT = 0x0020
    SOLID_PATTERN_BRUSH_ONLY = 0x0040
    EXTRA_FLAGS = 0x0080


class OrderSupportExFlags(OpenIntFlag):
    """orderSupportExFlags of MS-RDPBCGR 2.2.7.1.3."""

    CACHE_BITMAP_REV3_SUPPORT = 0x0002
    ALTSEC_FRAME_MARKER_SUPPORT = 0x0004


class OrderSupport(IntEnum):
    """TS_NEG_*_INDEX of MS-RDPBCGR 2.2.7.1.3: which byte of orderSupport stands for which orders."""

    DSTBLT = 0x00
    PATBLT = 0x01
    """And OpaqueRect."""
    SCRBLT = 0x02
    MEMBLT = 0x03


def order_support(*orders: OrderSupport) -> bytes:
    """The orderSupport of 2.2.7.1.3 with these."""
    return bytes([index in orders for index in range(ORDER_SUPPORT_SIZE)])


class BrushSupportLevel(OpenIntEnum):
    """brushSupportLevel of MS-RDPBCGR 2.2.7.1.7."""

    DEFAULT = 0
    COLOR_8X8 = 1
    COLOR_FULL = 2


class GlyphSupportLevel(OpenIntEnum):
    """GlyphSupportLevel of MS-RDPBCGR 2.2.7.1.8."""

    NONE = 0
    PARTIAL = 1
    FULL = 2
    ENCODE = 3


@dataclass(frozen=True, slots=True)
class OrderCapability:
    """MS-RDPBCGR 2.2.7.1.3 Order Capability Set (TS_ORDER_CAPABILITYSET).

    ``order_support`` has one byte per negotiation index (TS_NEG_*_INDEX); all zeros asks for bitmaps only.
    """

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.ORDER

    order_flags: OrderFlags = OrderFlags.NEGOTIATE_ORDER_SUPPORT | OrderFlags.ZERO_BOUNDS_DELTAS_SUPPORT
    order_support: bytes = bytes(ORDER_SUPPORT_SIZE)
    order_support_ex_flags: OrderSupportExFlags = OrderSupportExFlags(0)
    terminal_descriptor: bytes = bytes(16)
    desktop_save_x_granularity: int = 1
    desktop_save_y_granularity: int = 20
    maximum_order_level: int = 1
    number_fonts: int = 0
    text_flags: int = 0
    desktop_save_size: int = 480 * 480
    text_ansi_code_page: int = 0

    def supports(self, order: OrderSupport) -> bool:
        """Whether these orders may be sent to whom this is of."""
        return self.order_support[order] != 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        terminal_descriptor = r.raw("terminalDescriptor", 16)
        r.pad("pad4octetsA", 4)
        desktop_save_x_granularity = r.u16_le("desktopSaveXGranularity")
        desktop_save_y_granularity = r.u16_le("desktopSaveYGranularity")
        r.pad("pad2octetsA", 2)
        maximum_order_level = r.u16_le("maximumOrderLevel")
        number_fonts = r.u16_le("numberFonts")
        order_flags = OrderFlags(r.u16_le("orderFlags"))
        order_support = r.raw("orderSupport", ORDER_SUPPORT_SIZE)
        text_flags = r.u16_le("textFlags")
        order_support_ex_flags = OrderSupportExFlags(r.u16_le("orderSupportExFlags"))
        r.pad("pad4octetsB", 4)
        desktop_save_size = r.u32_le("desktopSaveSize")
        r.pad("pad2octetsC", 2)
        r.pad("pad2octetsD", 2)
        text_ansi_code_page = r.u16_le("textANSICodePage")
        r.pad("pad2octetsE", 2)
        return cls(
            order_flags,
            order_support,
            order_support_ex_flags,
            terminal_descriptor,
            desktop_save_x_granularity,
            desktop_save_y_granularity,
            maximum_order_level,
            number_fonts,
            text_flags,
            desktop_save_size,
            text_ansi_code_page,
        )

    def write(self, w: Writer) -> None:
        w.fixed("terminalDescriptor", self.terminal_descriptor, 16)
        w.pad("pad4octetsA", 4)
        w.u16_le("desktopSaveXGranularity", self.desktop_save_x_granularity)
        w.u16_le("desktopSaveYGranularity", self.desktop_save_y_granularity)
        w.pad("pad2octetsA", 2)
        w.u16_le("maximumOrderLevel", self.maximum_order_level)
        w.u16_le("numberFonts", self.number_fonts)
        w.u16_le("orderFlags", self.order_flags)
        w.fixed("orderSupport", self.order_support, ORDER_SUPPORT_SIZE)
        w.u16_le("textFlags", self.text_flags)
        w.u16_le("orderSupportExFlags", self.order_support_ex_flags)
        w.pad("pad4octetsB", 4)
        w.u32_le("desktopSaveSize", self.desktop_save_size)
        w.pad("pad2octetsC", 2)
        w.pad("pad2octetsD", 2)
        w.u16_le("textANSICodePage", self.text_ansi_code_page)
        w.pad("pad2octetsE", 2)


@dataclass(frozen=True, slots=True)
class ColorCacheCapability:
    """MS-RDPEGDI 2.2.1.1 Color Table Cache Capability Set (TS_COLORTABLE_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.COLOR_CACHE

    color_table_cache_size: int = 6

    @classmethod
    def read(cls, r: Reader) -> Self:
        color_table_cache_size = r.u16_le("colorTableCacheSize")
        r.pad("pad2octets", 2)
        return cls(color_table_cache_size)

    def write(self, w: Writer) -> None:
        w.u16_le("colorTableCacheSize", self.color_table_cache_size)
        w.pad("pad2octets", 2)


@dataclass(frozen=True, slots=True)
class BrushCapability:
    """MS-RDPBCGR 2.2.7.1.7 Brush Capability Set (TS_BRUSH_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.BRUSH

    brush_support_level: BrushSupportLevel = BrushSupportLevel.DEFAULT

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(BrushSupportLevel(r.u32_le("brushSupportLevel")))

    def write(self, w: Writer) -> None:
        w.u32_le("brushSupportLevel", self.brush_support_level)


@dataclass(frozen=True, slots=True)
class CacheDefinition:
    """MS-RDPBCGR 2.2.7.1.8.1 Cache Definition (TS_CACHE_DEFINITION)."""

    entries: int
    maximum_cell_size: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_le("CacheEntries"), r.u16_le("CacheMaximumCellSize"))

    def write(self, w: Writer) -> None:
        w.u16_le("CacheEntries", self.entries)
        w.u16_le("CacheMaximumCellSize", self.maximum_cell_size)


GLYPH_CACHE_COUNT: Final = 10


@dataclass(frozen=True, slots=True)
class GlyphCacheCapability:
    """MS-RDPBCGR 2.2.7.1.8 Glyph Cache Capability Set (TS_GLYPHCACHE_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.GLYPH_CACHE

    glyph_cache: tuple[CacheDefinition, ...]
    frag_cache: CacheDefinition
    glyph_support_level: GlyphSupportLevel = GlyphSupportLevel.NONE

    @classmethod
    def read(cls, r: Reader) -> Self:
        glyph_cache = r.items(CacheDefinition, "GlyphCache", GLYPH_CACHE_COUNT)
        frag_cache = r.structure(CacheDefinition, "FragCache")
        glyph_support_level = GlyphSupportLevel(r.u16_le("GlyphSupportLevel"))
        r.pad("pad2octets", 2)
        return cls(glyph_cache, frag_cache, glyph_support_level)

    def write(self, w: Writer) -> None:
        if len(self.glyph_cache) != GLYPH_CACHE_COUNT:
            raise w.error("GlyphCache", f"{len(self.glyph_cache)} caches, expected {GLYPH_CACHE_COUNT}")
        w.items(self.glyph_cache, "GlyphCache")
        w.structure(self.frag_cache, "FragCache")
        w.u16_le("GlyphSupportLevel", self.glyph_support_level)
        w.pad("pad2octets", 2)
