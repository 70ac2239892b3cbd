"""What a client can be sent, worked out once from its capabilities."""

from dataclasses import dataclass
from typing import Final

from pyrdpmux.rdp.fastpath.fragment import max_update_size
from pyrdpmux.rdp.pdu.capabilities.codecs import NsCodecProperties

#: MS-RDPBCGR 2.2.7.2.6: without a Multifragment Update capability, fast-path updates are not reassembled
#: beyond this
DEFAULT_MAX_REQUEST_SIZE: Final = 16384 - 256

#: what stands in front of the data of a bitmap: update type, count, TS_BITMAP_DATA, TS_CD_HEADER
BITMAP_HEADERS_SIZE: Final = 2 + 2 + 18 + 8
#: X.691 would cut MCS user data into pieces beyond this, which nobody implements
MAX_USER_DATA_SIZE: Final = 0x3FFF
#: share control and share data header, and the longest security header with its padding
SLOW_PATH_HEADERS_SIZE: Final = 18 + 16 + 7
#: of an Orders Update: update type, count and padding; the fast path has only the count
ORDERS_HEADERS_SIZE: Final = 8
FAST_PATH_ORDERS_HEADER_SIZE: Final = 2


@dataclass(frozen=True, slots=True)
class BitmapCacheCells:
    """One of the client's bitmap caches (MS-RDPBCGR 2.2.7.1.4.2), its number being its place in a row."""

    entries: int
    #: pixels that a bitmap in it may have
    max_pixels: int
    #: it outlives the session: each bitmap must come with a key of 64 bits
    needs_keys: bool = False


@dataclass(frozen=True, slots=True)
class NsCodecFormat:
    """NSCodec, as the client confirmed it (MS-RDPNSC 2.2.1)."""

    codec_id: int
    properties: NsCodecProperties


@dataclass(frozen=True, slots=True)
class RemoteFxFormat:
    """RemoteFX, as the client confirmed it (MS-RDPRFX 2.2.1.1); at least one coder is True."""

    codec_id: int
    #: headers have to come with every frame; else they may, and must with the first
    is_image_mode: bool
    has_rlgr1: bool
    has_rlgr3: bool


@dataclass(frozen=True, slots=True)
class SurfaceFormat:
    """What surface commands may carry; plain pixels (codec 0) always may."""

    may_set: bool
    may_stream: bool
    #: FrameMarker commands are understood
    has_markers: bool
    nscodec: NsCodecFormat | None = None
    remotefx: RemoteFxFormat | None = None
    #: frames that may be under way; None: the client acknowledges none
    max_unacknowledged_frames: int | None = None


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
    #: ScrBlt orders
    can_copy: bool = False
    #: OpaqueRect and PatBlt orders
    can_fill: bool = False
    #: MemBlt and Cache Bitmap (Revision 2) orders, where there is any cache
    bitmap_caches: tuple[BitmapCacheCells, ...] = ()
    #: surface commands; None: none at all
    surface: SurfaceFormat | None = None

    @property
    def max_orders_size(self) -> int:
        """The most bytes of orders that one update may have."""
        if self.is_fast_path:
            return max_update_size(self.max_request_size) - FAST_PATH_ORDERS_HEADER_SIZE
        return MAX_USER_DATA_SIZE - SLOW_PATH_HEADERS_SIZE - ORDERS_HEADERS_SIZE

    @property
    def max_commands_size(self) -> int:
        """The most bytes of surface commands that one update may have."""
        return max_update_size(self.max_request_size)

    @property
    def max_bitmap_size(self) -> int:
        """The most data that one bitmap may have, compressed or not."""
        if self.is_fast_path:
            return max_update_size(self.max_request_size) - BITMAP_HEADERS_SIZE
        return MAX_USER_DATA_SIZE - SLOW_PATH_HEADERS_SIZE - BITMAP_HEADERS_SIZE
