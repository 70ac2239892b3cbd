"""Drawing orders and surface commands: what a server offers, and what it makes of the client's answer."""

from __future__ import annotations

from typing import Final

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.connection.facts import ServerFacts
from pyrdpmux.rdp.connection.output_format import (
    BitmapCacheCells,
    NsCodecFormat,
    RemoteFxFormat,
    SurfaceFormat,
)
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet
from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import (
    BitmapCacheHostSupportCapability,
    BitmapCacheRev2Capability,
)
from pyrdpmux.rdp.pdu.capabilities.codecs import (
    CODEC_IMAGE_REMOTEFX,
    CODEC_NSCODEC,
    CODEC_REMOTEFX,
    BitmapCodec,
    BitmapCodecsCapability,
    NsCodecProperties,
)
from pyrdpmux.rdp.pdu.capabilities.general import (
    FrameAcknowledgeCapability,
    SurfaceCommandFlags,
    SurfaceCommandsCapability,
)
from pyrdpmux.rdp.pdu.capabilities.order import OrderCapability, OrderFlags, OrderSupport, order_support
from pyrdpmux.rdp.pdu.capabilities.remotefx import (
    SERVER_PROPERTIES,
    EntropyBits,
    IcapFlags,
    RemoteFxClientCapabilities,
)
from pyrdpmux.wire import decode

SMALLEST_CELL: Final = 16
"""Side in pixels of the bitmaps of the first cache (MS-RDPEGDI 3.1.1.1.1); it doubles from cache to cache."""

BITMAP_CACHE_DEPTHS: Final = (8, 16, 24, 32)
"""Cache Bitmap orders have no number for 15 bits per pixel."""

ORDER_CAPABILITIES: Final[tuple[CapabilitySet, ...]] = (
    # FreeRDP takes no order that the server has not announced itself.
    OrderCapability(
        OrderFlags.NEGOTIATE_ORDER_SUPPORT | OrderFlags.ZERO_BOUNDS_DELTAS_SUPPORT,
        order_support(OrderSupport.PATBLT, OrderSupport.SCRBLT, OrderSupport.MEMBLT),
    ),
    BitmapCacheHostSupportCapability(),
)

SURFACE_CAPABILITIES: Final[tuple[CapabilitySet, ...]] = (
    SurfaceCommandsCapability(
        SurfaceCommandFlags.SET_SURFACE_BITS
        | SurfaceCommandFlags.FRAME_MARKER
        | SurfaceCommandFlags.STREAM_SURFACE_BITS
    ),
    BitmapCodecsCapability(
        (
            BitmapCodec(CODEC_NSCODEC, 0, NsCodecProperties(1, 1, 3)),
            BitmapCodec(CODEC_REMOTEFX, 0, SERVER_PROPERTIES),
            BitmapCodec(CODEC_IMAGE_REMOTEFX, 0, SERVER_PROPERTIES),
        )
    ),
    # MS-RDPRFX 2.2.1.3: acknowledgements are understood
    FrameAcknowledgeCapability(0),
)


def bitmap_caches(facts: ServerFacts, bits_per_pixel: int) -> tuple[BitmapCacheCells, ...]:
    """The client's caches of revision 2, which it has if it also draws out of them (2.2.7.1.4.2)."""
    orders = facts.capability(OrderCapability)
    caches = facts.capability(BitmapCacheRev2Capability)
    if orders is None or not orders.supports(OrderSupport.MEMBLT) or caches is None:
        return ()
    if bits_per_pixel not in BITMAP_CACHE_DEPTHS:
        return ()
    return tuple(
        [
            BitmapCacheCells(cell.entries, (SMALLEST_CELL << number) ** 2, cell.is_persistent)
            for number, cell in enumerate(caches.cell_caches[: caches.cell_cache_count])
        ]
    )


def surface_format(facts: ServerFacts) -> SurfaceFormat | None:
    """What the client's capability sets say of surface commands; None if it takes none."""
    capability = facts.capability(SurfaceCommandsCapability)
    flags = capability.command_flags if capability is not None else SurfaceCommandFlags(0)
    may_set = bool(flags & SurfaceCommandFlags.SET_SURFACE_BITS)
    may_stream = bool(flags & SurfaceCommandFlags.STREAM_SURFACE_BITS)
    if not (may_set or may_stream):
        return None
    has_markers = bool(flags & SurfaceCommandFlags.FRAME_MARKER)
    acknowledge = facts.capability(FrameAcknowledgeCapability)
    counts = has_markers and acknowledge is not None
    codecs = facts.capability(BitmapCodecsCapability)
    confirmed = codecs.codecs if codecs is not None else ()
    return SurfaceFormat(
        may_set,
        may_stream,
        has_markers,
        _nscodec(confirmed),
        _remotefx(confirmed),
        acknowledge.max_unacknowledged_frame_count if counts and acknowledge is not None else None,
    )


def _nscodec(codecs: tuple[BitmapCodec, ...]) -> NsCodecFormat | None:
    for codec in codecs:
        if codec.guid == CODEC_NSCODEC and isinstance(codec.properties, NsCodecProperties):
            return NsCodecFormat(codec.codec_id, codec.properties)
    return None


def _remotefx(codecs: tuple[BitmapCodec, ...]) -> RemoteFxFormat | None:
    """The codec of both modes if the client has it, else that of image mode."""
    formats = {codec.guid: _remotefx_format(codec) for codec in reversed(codecs)}
    return formats.get(CODEC_REMOTEFX) or formats.get(CODEC_IMAGE_REMOTEFX)


def _remotefx_format(codec: BitmapCodec) -> RemoteFxFormat | None:
    """None as well for properties that cannot be read: there are other codecs."""
    if codec.guid not in (CODEC_REMOTEFX, CODEC_IMAGE_REMOTEFX) or not isinstance(codec.properties, bytes):
        return None
    try:
        capabilities = decode(RemoteFxClientCapabilities, codec.properties)
    except DecodeError:
        return None
    usual = [icap for icap in capabilities.icaps if icap.is_usual]
    coders = {icap.entropy_bits for icap in usual} & {EntropyBits.RLGR1, EntropyBits.RLGR3}
    if not coders:
        return None
    is_image_mode = codec.guid == CODEC_IMAGE_REMOTEFX or any(
        [icap.flags & IcapFlags.CODEC_MODE for icap in usual]
    )
    return RemoteFxFormat(
        codec.codec_id, is_image_mode, EntropyBits.RLGR1 in coders, EntropyBits.RLGR3 in coders
    )
