"""Errors of a client's drawing caches."""

from hypothesis import strategies as st

from pyrdpmux.rdp.pdu.cache_error import (
    BitmapCacheError,
    BitmapCacheErrorInfo,
    DrawGdiPlusError,
    DrawNineGridError,
    OffscreenCacheError,
)
from tests.rdp.pdu.properties import property_tests, structure, u8, u32
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "bitmap cache error (MS-RDPEGDI 2.2.2.3.1.1, constructed)",
        BitmapCacheError((BitmapCacheErrorInfo(0, 1, 0), BitmapCacheErrorInfo(2, 2, 300))),
        "02 00 0000  00 01 0000 00000000  02 02 0000 2c010000",
    ),
    Row("offscreen cache error (MS-RDPEGDI 2.2.2.3.2.1, constructed)", OffscreenCacheError(1), "01000000"),
    Row("NineGrid cache error (MS-RDPEGDI 2.2.2.3.3.1, constructed)", DrawNineGridError(1), "01000000"),
    Row("GDI+ error (MS-RDPEGDI 2.2.2.3.4.1, constructed)", DrawGdiPlusError(1), "01000000"),
]

TestRows = row_tests(ROWS)

CASES = {
    "bitmap": structure(
        BitmapCacheError, st.lists(st.builds(BitmapCacheErrorInfo, u8, u8, u32), max_size=3).map(tuple)
    ),
    "offscreen": structure(OffscreenCacheError, u32),
    "nine grid": structure(DrawNineGridError, u32),
    "gdi+": structure(DrawGdiPlusError, u32),
}

TestProperties = property_tests(CASES)
