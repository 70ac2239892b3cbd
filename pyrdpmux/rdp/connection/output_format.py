"""What a client can be sent, worked out once from its capabilities."""

from dataclasses import dataclass
from typing import Final

from pyrdpmux.rdp.fastpath.fragment import max_update_size

#: MS-RDPBCGR 2.2.7.2.6: without a Multifragment Update capability, fast-path updates are not reassembled
#: beyond this
DEFAULT_MAX_REQUEST_SIZE: Final = 16384 - 256

#: what stands in front of the data of a bitmap: update type, count, TS_BITMAP_DATA, TS_CD_HEADER
BITMAP_HEADERS_SIZE: Final = 2 + 2 + 18 + 8
#: X.691 would cut MCS user data into pieces beyond this, which nobody implements
MAX_USER_DATA_SIZE: Final = 0x3FFF
#: share control and share data header, and the longest security header with its padding
SLOW_PATH_HEADERS_SIZE: Final = 18 + 16 + 7


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """The negotiated output of an active connection."""

    width: int
    height: int
    #: 32 (planar), 24, 16, 15 (interleaved RLE) or 8 (palette, interleaved RLE)
    bits_per_pixel: int
    #: fast-path output; else slow-path share data PDUs
    is_fast_path: bool
    #: largest reassembled fast-path update in bytes
    max_request_size: int
    #: TS_CD_HEADER is left out in front of compressed bitmap data
    omits_compression_header: bool
    #: planar bitmaps may come without their alpha plane
    may_skip_alpha: bool
    #: slots of the client's cache for New Pointer updates; 0: only Color Pointer updates
    pointer_cache_size: int
    #: slots of its cache for Color Pointer updates
    color_pointer_cache_size: int
    #: longest side of a pointer: 32, 96 or 384 pixels
    max_pointer_side: int

    @property
    def max_bitmap_size(self) -> int:
        """The most data that one bitmap may have, compressed or not."""
        if self.is_fast_path:
            return max_update_size(self.max_request_size) - BITMAP_HEADERS_SIZE
        return MAX_USER_DATA_SIZE - SLOW_PATH_HEADERS_SIZE - BITMAP_HEADERS_SIZE
