"""Bitmap cache and offscreen cache sets."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import (
    BitmapCacheCapability,
    BitmapCacheHostSupportCapability,
    BitmapCacheRev2Capability,
    CacheFlags,
    CellCacheInfo,
    OffscreenCacheCapability,
)
from pyrdpmux.rdp.pdu.capabilities.order import CacheDefinition
from tests.rdp.pdu.capabilities.sets import decode_capability, encode_capability
from tests.rdp.pdu.properties import property_tests, structure, u8, u16, u32
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "bitmap cache host support (Windows Server 2016, shared/vectors Example_1)",
        BitmapCacheHostSupportCapability(),
        """1200  # capabilitySetType
           0800  # lengthCapability
           01  # cacheVersion
           00  # pad1
           0000  # pad2""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "bitmap cache rev2 (mstsc, shared/vectors Example_1)",
        BitmapCacheRev2Capability(
            cache_flags=CacheFlags.PERSISTENT_KEYS_EXPECTED | CacheFlags.ALLOW_CACHE_WAITING_LIST,
            cell_cache_count=3,
            cell_caches=(
                CellCacheInfo(entries=120),
                CellCacheInfo(entries=120),
                CellCacheInfo(entries=2556, is_persistent=True),
                CellCacheInfo(),
                CellCacheInfo(),
            ),
        ),
        """1300  # capabilitySetType
           2800  # lengthCapability
           0300  # CacheFlags
           00  # Pad2
           03  # NumCellCaches
           78000000  # CellInfo
           78000000  # CellInfo
           fc090080  # CellInfo
           00000000  # CellInfo
           00000000  # CellInfo
           000000000000000000000000  # Pad3""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "offscreen cache (mstsc, shared/vectors Example_1)",
        OffscreenCacheCapability(support_level=1, cache_size=10240, cache_entries=100),
        """1100  # capabilitySetType
           0c00  # lengthCapability
           01000000  # offscreenSupportLevel
           0028  # offscreenCacheSize
           6400  # offscreenCacheEntries""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "bitmap cache, revision 1 (2.2.7.1.4.1, constructed)",
        BitmapCacheCapability(
            (CacheDefinition(200, 0x100), CacheDefinition(600, 0x400), CacheDefinition(1000, 0x1000))
        ),
        """0400 2800 000000000000000000000000000000000000000000000000  # pad1 to pad6
           c800 0001 5802 0004 e803 0010""",
        decode=decode_capability,
        encode=encode_capability,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "revision 1": structure(BitmapCacheCapability, st.tuples(*[st.builds(CacheDefinition, u16, u16)] * 3)),
    "revision 2": structure(
        BitmapCacheRev2Capability,
        u16.map(CacheFlags),
        st.integers(0, 5),
        st.tuples(*[st.builds(CellCacheInfo, st.integers(0, 0x7FFFFFFF), st.booleans())] * 5),
    ),
    "host support": structure(BitmapCacheHostSupportCapability, u8),
    "offscreen": structure(OffscreenCacheCapability, u32, u16, u16),
}

TestProperties = property_tests(CASES)


def test_more_than_five_cell_caches_are_refused() -> None:
    data = bytearray(encode_capability(BitmapCacheRev2Capability(CacheFlags(0), 0, (CellCacheInfo(),) * 5)))
    data[7] = 6
    with pytest.raises(DecodeError, match="at most 5 allowed") as caught:
        decode_capability(bytes(data))
    assert caught.value.path.endswith("NumCellCaches")


def test_wrong_counts_are_not_written() -> None:
    with pytest.raises(EncodeError, match="2 caches, expected 3"):
        encode_capability(BitmapCacheCapability((CacheDefinition(1, 1),) * 2))
    with pytest.raises(EncodeError, match="4 caches, expected 5"):
        encode_capability(BitmapCacheRev2Capability(CacheFlags(0), 4, (CellCacheInfo(),) * 4))
    with pytest.raises(EncodeError, match="31 bits"):
        encode_capability(BitmapCacheRev2Capability(CacheFlags(0), 1, (CellCacheInfo(0x80000000),) * 5))
