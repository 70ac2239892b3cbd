"""Order, color cache, brush and glyph cache sets."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import EncodeError
from pyrdpmux.rdp.pdu.capabilities.order import (
    BrushCapability,
    BrushSupportLevel,
    CacheDefinition,
    ColorCacheCapability,
    GlyphCacheCapability,
    GlyphSupportLevel,
    OrderCapability,
    OrderFlags,
    OrderSupport,
    OrderSupportExFlags,
    order_support,
)
from tests.rdp.pdu.capabilities.sets import decode_capability, encode_capability
from tests.rdp.pdu.properties import property_tests, structure, u16, u32
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "color cache (Windows Server 2016, shared/vectors Example_1)",
        ColorCacheCapability(),
        """0a00  # capabilitySetType
           0800  # lengthCapability
           0600  # colorTableCacheSize
           0000  # pad2octets""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "order (Windows Server 2016, shared/vectors Example_1)",
        OrderCapability(
            order_flags=OrderFlags.NEGOTIATE_ORDER_SUPPORT
            | OrderFlags.ZERO_BOUNDS_DELTAS_SUPPORT
            | OrderFlags.COLOR_INDEX_SUPPORT
            | OrderFlags.EXTRA_FLAGS,
            order_support=bytes.fromhex("0101010101000000010000010000000101010101010101000101010100000000"),
            order_support_ex_flags=OrderSupportExFlags.CACHE_BITMAP_REV3_SUPPORT
            | OrderSupportExFlags.ALTSEC_FRAME_MARKER_SUPPORT,
            text_flags=1697,
            desktop_save_size=1000000,
        ),
        """0300  # capabilitySetType
           5800  # lengthCapability
           00000000000000000000000000000000  # terminalDescriptor
           40420f00  # pad4octetsA
           0100  # desktopSaveXGranularity
           1400  # desktopSaveYGranularity
           0000  # pad2octetsA
           0100  # maximumOrderLevel
           0000  # numberFonts
           aa00  # orderFlags
           0101010101000000010000010000000101010101010101000101010100000000  # orderSupport
           a106  # textFlags
           0600  # orderSupportExFlags
           40420f00  # pad4octetsB
           40420f00  # desktopSaveSize
           0100  # pad2octetsC
           0000  # pad2octetsD
           0000  # textANSICodePage
           0000  # pad2octetsE""",
        decode=decode_capability,
        encode=encode_capability,
        lossless=False,  # padding is filled
    ),
    Row(
        "order (mstsc, shared/vectors Example_1)",
        OrderCapability(
            order_flags=OrderFlags.NEGOTIATE_ORDER_SUPPORT
            | OrderFlags.ZERO_BOUNDS_DELTAS_SUPPORT
            | OrderFlags.COLOR_INDEX_SUPPORT
            | OrderFlags.EXTRA_FLAGS,
            order_support=bytes.fromhex("0101010101000001010100010000000101010101010101000101010000000000"),
            order_support_ex_flags=OrderSupportExFlags.CACHE_BITMAP_REV3_SUPPORT
            | OrderSupportExFlags.ALTSEC_FRAME_MARKER_SUPPORT,
            text_flags=1697,
            text_ansi_code_page=1252,
        ),
        """0300  # capabilitySetType
           5800  # lengthCapability
           00000000000000000000000000000000  # terminalDescriptor
           00000000  # pad4octetsA
           0100  # desktopSaveXGranularity
           1400  # desktopSaveYGranularity
           0000  # pad2octetsA
           0100  # maximumOrderLevel
           0000  # numberFonts
           aa00  # orderFlags
           0101010101000001010100010000000101010101010101000101010000000000  # orderSupport
           a106  # textFlags
           0600  # orderSupportExFlags
           00000000  # pad4octetsB
           00840300  # desktopSaveSize
           0000  # pad2octetsC
           0000  # pad2octetsD
           e404  # textANSICodePage
           0000  # pad2octetsE""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "color cache (mstsc, shared/vectors Example_1)",
        ColorCacheCapability(),
        """0a00  # capabilitySetType
           0800  # lengthCapability
           0600  # colorTableCacheSize
           0000  # pad2octets""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "glyph cache (mstsc, shared/vectors Example_1)",
        GlyphCacheCapability(
            glyph_cache=(
                CacheDefinition(entries=254, maximum_cell_size=4),
                CacheDefinition(entries=254, maximum_cell_size=4),
                CacheDefinition(entries=254, maximum_cell_size=8),
                CacheDefinition(entries=254, maximum_cell_size=8),
                CacheDefinition(entries=254, maximum_cell_size=16),
                CacheDefinition(entries=254, maximum_cell_size=32),
                CacheDefinition(entries=254, maximum_cell_size=64),
                CacheDefinition(entries=254, maximum_cell_size=128),
                CacheDefinition(entries=254, maximum_cell_size=256),
                CacheDefinition(entries=64, maximum_cell_size=2048),
            ),
            frag_cache=CacheDefinition(entries=256, maximum_cell_size=256),
            glyph_support_level=GlyphSupportLevel.ENCODE,
        ),
        """1000  # capabilitySetType
           3400  # lengthCapability
           fe00  # CacheEntries
           0400  # CacheMaximumCellSize
           fe00  # CacheEntries
           0400  # CacheMaximumCellSize
           fe00  # CacheEntries
           0800  # CacheMaximumCellSize
           fe00  # CacheEntries
           0800  # CacheMaximumCellSize
           fe00  # CacheEntries
           1000  # CacheMaximumCellSize
           fe00  # CacheEntries
           2000  # CacheMaximumCellSize
           fe00  # CacheEntries
           4000  # CacheMaximumCellSize
           fe00  # CacheEntries
           8000  # CacheMaximumCellSize
           fe00  # CacheEntries
           0001  # CacheMaximumCellSize
           4000  # CacheEntries
           0008  # CacheMaximumCellSize
           0001  # CacheEntries
           0001  # CacheMaximumCellSize
           0300  # GlyphSupportLevel
           0000  # pad2octets""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "brush (mstsc, shared/vectors Example_1)",
        BrushCapability(brush_support_level=BrushSupportLevel.COLOR_8X8),
        """0f00  # capabilitySetType
           0800  # lengthCapability
           01000000  # brushSupportLevel""",
        decode=decode_capability,
        encode=encode_capability,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "order": structure(
        OrderCapability,
        u16.map(OrderFlags),
        st.binary(min_size=32, max_size=32),
        u16.map(OrderSupportExFlags),
        st.binary(min_size=16, max_size=16),
        u16,
        u16,
        u16,
        u16,
        u16,
        u32,
        u16,
    ),
    "colors": structure(ColorCacheCapability, u16),
    "brush": structure(BrushCapability, u32.map(BrushSupportLevel)),
    "glyphs": structure(
        GlyphCacheCapability,
        st.tuples(*[st.builds(CacheDefinition, u16, u16)] * 10),
        st.builds(CacheDefinition, u16, u16),
        u16.map(GlyphSupportLevel),
    ),
}

TestProperties = property_tests(CASES)


def test_a_wrong_number_of_caches_or_orders_is_refused() -> None:
    with pytest.raises(EncodeError, match="9 caches, expected 10"):
        encode_capability(GlyphCacheCapability((CacheDefinition(0, 0),) * 9, CacheDefinition(0, 0)))
    with pytest.raises(EncodeError, match="expected 32"):
        encode_capability(OrderCapability(order_support=b"1"))


def test_which_orders_are_supported() -> None:
    capability = OrderCapability(order_support=order_support(OrderSupport.SCRBLT, OrderSupport.MEMBLT))
    assert capability.order_support.hex().startswith("0000010100")
    assert [order for order in OrderSupport if capability.supports(order)] == [
        OrderSupport.SCRBLT,
        OrderSupport.MEMBLT,
    ]
