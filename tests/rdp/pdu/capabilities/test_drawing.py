"""NineGrid, GDI+, remote programs and window list sets."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import EncodeError
from pyrdpmux.rdp.pdu.capabilities.drawing import (
    DrawGdiPlusCapability,
    DrawNineGridCapability,
    NineGridSupportLevel,
    RailSupportLevel,
    RemoteProgramsCapability,
    WindowListCapability,
    WindowSupportLevel,
)
from tests.rdp.pdu.capabilities.sets import decode_capability, encode_capability
from tests.rdp.pdu.properties import property_tests, structure, u8, u16, u32
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "remote programs (Windows Server 2016, shared/vectors Example_1)",
        RemoteProgramsCapability(
            support_level=RailSupportLevel.SUPPORTED
            | RailSupportLevel.DOCKED_LANGBAR_SUPPORTED
            | RailSupportLevel.SHELL_INTEGRATION_SUPPORTED
            | RailSupportLevel.LANGUAGE_IME_SYNC_SUPPORTED
            | RailSupportLevel.SERVER_TO_CLIENT_IME_SYNC_SUPPORTED
            | RailSupportLevel.HIDE_MINIMIZED_APPS_SUPPORTED
            | RailSupportLevel.WINDOW_CLOAKING_SUPPORTED
        ),
        """1700  # capabilitySetType
           0800  # lengthCapability
           7f000000  # RailSupportLevel""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "window list (Windows Server 2016, shared/vectors Example_1)",
        WindowListCapability(
            support_level=WindowSupportLevel.SUPPORTED_EX, icon_cache_count=3, icon_cache_entries=12
        ),
        """1800  # capabilitySetType
           0b00  # lengthCapability
           02000000  # WndSupportLevel
           03  # NumIconCaches
           0c00  # NumIconCacheEntries""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "draw nine grid (mstsc, shared/vectors Example_1)",
        DrawNineGridCapability(
            support_level=NineGridSupportLevel.SUPPORTED_REV2, cache_size=2560, cache_entries=256
        ),
        """1500  # capabilitySetType
           0c00  # lengthCapability
           02000000  # drawNineGridSupportLevel
           000a  # drawNineGridCacheSize
           0001  # drawNineGridCacheEntries""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "window list (mstsc, shared/vectors Example_1)",
        WindowListCapability(
            support_level=WindowSupportLevel.SUPPORTED_EX, icon_cache_count=3, icon_cache_entries=12
        ),
        """1800  # capabilitySetType
           0b00  # lengthCapability
           02000000  # WndSupportLevel
           03  # NumIconCaches
           0c00  # NumIconCacheEntries""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "draw GDI+ (MS-RDPEGDI 2.2.1.3, constructed)",
        DrawGdiPlusCapability(1, 0x10, 1, (10, 5, 5, 10, 2), (512, 2048, 1024, 64), (4096, 256, 128)),
        """1600 2800 01000000 10000000 01000000
           0a00 0500 0500 0a00 0200  # GdipCacheEntries
           0002 0008 0004 4000  # GdipCacheChunkSize
           0010 0001 8000  # GdipImageCacheProperties""",
        decode=decode_capability,
        encode=encode_capability,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "nine grid": structure(DrawNineGridCapability, u32.map(NineGridSupportLevel), u16, u16),
    "gdi+": structure(
        DrawGdiPlusCapability,
        u32,
        u32,
        u32,
        st.tuples(*[u16] * 5),
        st.tuples(*[u16] * 4),
        st.tuples(*[u16] * 3),
    ),
    "rail": structure(RemoteProgramsCapability, u32.map(RailSupportLevel)),
    "windows": structure(WindowListCapability, u32.map(WindowSupportLevel), u8, u16),
}

TestProperties = property_tests(CASES)


def test_a_wrong_number_of_cache_entries_is_not_written() -> None:
    with pytest.raises(EncodeError, match="1 numbers, expected 5"):
        encode_capability(DrawGdiPlusCapability(cache_entries=(1,)))
