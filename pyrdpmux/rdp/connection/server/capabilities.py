"""The capabilities a server offers, and what it makes of the client's (MS-RDPBCGR 2.2.7, 3.3.5.3.13)."""

from __future__ import annotations

from typing import Final

from pyrdpmux.rdp.connection.output_format import DEFAULT_MAX_REQUEST_SIZE, OutputFormat
from pyrdpmux.rdp.connection.server import drawing
from pyrdpmux.rdp.connection.server.link import SERVER_CHANNEL_ID, ServerLink
from pyrdpmux.rdp.mcs.client_core import (
    ClientCoreData,
    ClientEarlyCapabilityFlags,
    ColorDepth,
    SupportedColorDepths,
)
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet
from pyrdpmux.rdp.pdu.capabilities.general import (
    BitmapCapability,
    DrawingFlags,
    ExtraFlags,
    GeneralCapability,
    MultifragmentUpdateCapability,
)
from pyrdpmux.rdp.pdu.capabilities.input import (
    InputCapability,
    InputFlags,
    LargePointerCapability,
    LargePointerFlags,
    PointerCapability,
)
from pyrdpmux.rdp.pdu.capabilities.order import OrderCapability, OrderSupport
from pyrdpmux.rdp.pdu.capabilities.session import (
    FontCapability,
    ShareCapability,
    VirtualChannelCapability,
    VirtualChannelFlags,
)

#: MS-RDPBCGR 2.2.7.2.7: the reassembly buffer that a pointer of this side needs, on either side
LARGE_POINTER_REQUEST_SIZES: Final = {96: 38_055, 384: 608_299}
#: what we announce for what clients send; nothing comes near it, but large pointers make it obligatory
MAX_REQUEST_SIZE: Final = LARGE_POINTER_REQUEST_SIZES[384]
POINTER_CACHE_SIZE: Final = 25

SUPPORTED_DEPTHS: Final = (32, 24, 16, 15, 8)

_COLOR_DEPTH_BITS: Final = {
    ColorDepth.BPP_8: 8,
    ColorDepth.BPP_16_555: 15,
    ColorDepth.BPP_16_565: 16,
    ColorDepth.BPP_24: 24,
}


def wanted_bits_per_pixel(core: ClientCoreData, maximum: int) -> int:
    """The colour depth a client asks for in its Client Core Data (2.2.1.3.2), at most ``maximum``."""
    early = core.early_capability_flags or ClientEarlyCapabilityFlags(0)
    supported = core.supported_color_depths or SupportedColorDepths(0)
    if early & ClientEarlyCapabilityFlags.WANT_32BPP_SESSION and supported & SupportedColorDepths.BPP_32:
        wanted = 32
    elif core.high_color_depth is not None and core.high_color_depth in SUPPORTED_DEPTHS:
        wanted = int(core.high_color_depth)
    else:
        wanted = _COLOR_DEPTH_BITS.get(core.post_beta2_color_depth or core.color_depth, 8)
    return next(depth for depth in SUPPORTED_DEPTHS if depth <= min(wanted, max(maximum, 8)))


def demanded_capabilities(link: ServerLink, width: int, height: int) -> tuple[CapabilitySet, ...]:
    """The capability sets of our Demand Active PDU for a desktop of this size."""
    core = link.facts.client_core
    assert core is not None
    input_flags = (
        InputFlags.SCANCODES
        | InputFlags.MOUSEX
        | InputFlags.UNICODE
        | InputFlags.FASTPATH_INPUT
        | InputFlags.FASTPATH_INPUT2
        | InputFlags.MOUSE_RELATIVE
        | InputFlags.MOUSE_HWHEEL
    )
    extra_flags = (
        ExtraFlags.FASTPATH_OUTPUT_SUPPORTED
        | ExtraFlags.LONG_CREDENTIALS_SUPPORTED
        | ExtraFlags.NO_BITMAP_COMPRESSION_HDR
        | ExtraFlags.ENC_SALTED_CHECKSUM
    )
    if link.config.auto_reconnect is not None:
        extra_flags |= ExtraFlags.AUTORECONNECT_SUPPORTED
    return (
        ShareCapability(SERVER_CHANNEL_ID),
        GeneralCapability(
            extra_flags=extra_flags,
            refresh_rect_support=1,
            suppress_output_support=1,
        ),
        virtual_channel_capability(link),
        BitmapCapability(
            wanted_bits_per_pixel(core, link.config.max_bits_per_pixel),
            width,
            height,
            desktop_resize_flag=1,
            drawing_flags=DrawingFlags.ALLOW_SKIP_ALPHA,
        ),
        *drawing.ORDER_CAPABILITIES,
        FontCapability(),
        InputCapability(input_flags),
        PointerCapability(1, POINTER_CACHE_SIZE, POINTER_CACHE_SIZE),
        MultifragmentUpdateCapability(MAX_REQUEST_SIZE),
        LargePointerCapability(LargePointerFlags.UP_TO_96X96 | LargePointerFlags.UP_TO_384X384),
        *drawing.SURFACE_CAPABILITIES,
    )


def virtual_channel_capability(link: ServerLink) -> VirtualChannelCapability:
    """What clients may send on static channels."""
    return VirtualChannelCapability(VirtualChannelFlags.COMPR_CS_8K, link.config.channel_chunk_size)


def output_format(link: ServerLink) -> OutputFormat:
    """What the client's Confirm Active PDU allows us to send."""
    facts = link.facts
    core = facts.client_core
    assert core is not None
    general = facts.capability(GeneralCapability) or GeneralCapability()
    multifragment = facts.capability(MultifragmentUpdateCapability)
    pointer = facts.capability(PointerCapability)
    bitmap = facts.capability(BitmapCapability)
    orders = facts.capability(OrderCapability) or OrderCapability()
    bits_per_pixel = _agreed_bits_per_pixel(link, core)
    is_fast_path = bool(general.extra_flags & ExtraFlags.FASTPATH_OUTPUT_SUPPORTED)
    return OutputFormat(
        width=facts.width,
        height=facts.height,
        bits_per_pixel=bits_per_pixel,
        is_fast_path=is_fast_path,
        max_request_size=max(
            multifragment.max_request_size if multifragment else 0, DEFAULT_MAX_REQUEST_SIZE
        ),
        omits_compression_header=bool(general.extra_flags & ExtraFlags.NO_BITMAP_COMPRESSION_HDR),
        may_skip_alpha=bool(bitmap and bitmap.drawing_flags & DrawingFlags.ALLOW_SKIP_ALPHA),
        pointer_cache_size=(pointer.pointer_cache_size or 0) if pointer else 0,
        color_pointer_cache_size=pointer.color_pointer_cache_size if pointer else 0,
        max_pointer_side=_max_pointer_side(link),
        can_copy=orders.supports(OrderSupport.SCRBLT),
        can_fill=orders.supports(OrderSupport.PATBLT),
        bitmap_caches=drawing.bitmap_caches(facts, bits_per_pixel),
        surface=drawing.surface_format(facts) if is_fast_path else None,
    )


def _agreed_bits_per_pixel(link: ServerLink, core: ClientCoreData) -> int:
    """What we demanded, unless the client insists on less (rdesktop does in its Bitmap Capability Set)."""
    demanded = wanted_bits_per_pixel(core, link.config.max_bits_per_pixel)
    bitmap = link.facts.capability(BitmapCapability)
    if bitmap is not None and bitmap.preferred_bits_per_pixel in SUPPORTED_DEPTHS:
        return min(demanded, bitmap.preferred_bits_per_pixel)
    return demanded


def _max_pointer_side(link: ServerLink) -> int:
    large = link.facts.capability(LargePointerCapability)
    multifragment = link.facts.capability(MultifragmentUpdateCapability)
    if large is None or multifragment is None:
        return 32
    size = multifragment.max_request_size
    if large.flags & LargePointerFlags.UP_TO_384X384 and size >= LARGE_POINTER_REQUEST_SIZES[384]:
        return 384
    return 96 if large.flags and size >= LARGE_POINTER_REQUEST_SIZES[96] else 32
