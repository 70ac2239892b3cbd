"""Capabilities Exchange, Connection Finalization and Active, from the client's side."""

from __future__ import annotations

from typing import Final

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.channels.static import DEFAULT_CHUNK_SIZE
from pyrdpmux.rdp.connection.client.session import ReceivedUpdates, SharePhase
from pyrdpmux.rdp.connection.events import Activated, Deactivated, GraphicsReceived, PointerReceived
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.fastpath.update import decode_update
from pyrdpmux.rdp.pdu.activation import ConfirmActive, DeactivateAll, DemandActive
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet, find_capability
from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import (
    CACHE_COUNT_REV2,
    BitmapCacheRev2Capability,
    CacheFlags,
    CellCacheInfo,
)
from pyrdpmux.rdp.pdu.capabilities.codecs import BitmapCodec, BitmapCodecsCapability
from pyrdpmux.rdp.pdu.capabilities.general import (
    BitmapCapability,
    DrawingFlags,
    ExtraFlags,
    FrameAcknowledgeCapability,
    GeneralCapability,
    MultifragmentUpdateCapability,
    SurfaceCommandFlags,
    SurfaceCommandsCapability,
)
from pyrdpmux.rdp.pdu.capabilities.input import (
    InputCapability,
    InputFlags,
    LargePointerCapability,
    LargePointerFlags,
    PointerCapability,
)
from pyrdpmux.rdp.pdu.capabilities.order import OrderCapability, OrderSupport, order_support
from pyrdpmux.rdp.pdu.capabilities.session import (
    FontCapability,
    ShareCapability,
    VirtualChannelCapability,
    VirtualChannelFlags,
)
from pyrdpmux.rdp.pdu.finalization import Control, ControlAction, FontList, FontMap, Synchronize
from pyrdpmux.rdp.pdu.pointer import PointerUpdate
from pyrdpmux.rdp.pdu.update import GraphicsUpdate, KnownUpdate, UnknownUpdate

POINTER_CACHE_SIZE: Final = 25
"""Entries of each of the two pointer caches."""

BITMAP_CACHES: Final = (600, 600, 2048)
"""Entries of the bitmap caches, of 16x16, 32x32 and 64x64 pixels: 37 MB at most, where orders are wanted."""

MAX_UNACKNOWLEDGED_FRAMES: Final = 2
"""Frames of surface commands that a server may send ahead (MS-RDPRFX 2.2.1.3); FreeRDP says 2, too."""


def confirm_active(phase: SharePhase, demand: DemandActive) -> Phase:
    """Answer the server's capabilities with ours and send the finalization PDUs in one batch (1.3.1.1)."""
    link = phase.link
    facts = link.facts
    facts.share_id = demand.share_id
    facts.capabilities = demand.capabilities
    bitmap = find_capability(demand.capabilities, BitmapCapability)
    if bitmap is None:
        raise SequenceError(phase.name, "DemandActive", ("BitmapCapability",))
    facts.width, facts.height = bitmap.desktop_width, bitmap.desktop_height
    facts.bits_per_pixel = bitmap.preferred_bits_per_pixel
    link.send_share(ConfirmActive(demand.share_id, _capabilities(phase)))
    link.agree_static_traffic(_virtual_channel_capability(phase))
    link.send_share_data(Synchronize(facts.io_channel_id - 1))
    link.send_share_data(Control(ControlAction.COOPERATE))
    link.send_share_data(Control(ControlAction.REQUEST_CONTROL))
    link.send_share_data(FontList())
    return ConnectionFinalization(link)


def _capabilities(phase: SharePhase) -> tuple[CapabilitySet, ...]:
    link = phase.link
    config, facts = link.config, link.facts
    flags = ExtraFlags.LONG_CREDENTIALS_SUPPORTED | ExtraFlags.NO_BITMAP_COMPRESSION_HDR
    flags |= ExtraFlags.AUTORECONNECT_SUPPORTED | ExtraFlags.ENC_SALTED_CHECKSUM
    if config.fast_path:
        flags |= ExtraFlags.FASTPATH_OUTPUT_SUPPORTED
    input_flags = InputFlags.SCANCODES | InputFlags.MOUSEX | InputFlags.UNICODE | InputFlags.FASTPATH_INPUT2
    common: tuple[CapabilitySet, ...] = (
        GeneralCapability(extra_flags=flags, refresh_rect_support=1, suppress_output_support=1),
        BitmapCapability(
            facts.bits_per_pixel, facts.width, facts.height, drawing_flags=DrawingFlags.ALLOW_SKIP_ALPHA
        ),
        OrderCapability(order_support=order_support(*config.orders)),
        PointerCapability(1, POINTER_CACHE_SIZE, POINTER_CACHE_SIZE),
        InputCapability(input_flags, keyboard_layout=0x0409, keyboard_type=4, keyboard_function_key=12),
        _virtual_channel_capability(phase),
        ShareCapability(),
        FontCapability(),
        MultifragmentUpdateCapability(config.max_request_size),
        LargePointerCapability(LargePointerFlags.UP_TO_96X96 | LargePointerFlags.UP_TO_384X384),
    )
    if OrderSupport.MEMBLT in config.orders or config.keeps_bitmaps:
        common += (_bitmap_cache_capability(config.keeps_bitmaps),)
    return common + _surface_capabilities(config.codecs) if config.codecs else common


def _bitmap_cache_capability(keeps_bitmaps: bool) -> BitmapCacheRev2Capability:
    """No cell outlives the session, so no keys are sent; what does is offered on the graphics channel."""
    flags = CacheFlags.PERSISTENT_KEYS_EXPECTED if keeps_bitmaps else CacheFlags(0)
    cells = [CellCacheInfo(entries) for entries in BITMAP_CACHES]
    cells += [CellCacheInfo()] * (CACHE_COUNT_REV2 - len(cells))
    return BitmapCacheRev2Capability(flags, len(BITMAP_CACHES), tuple(cells))


def _surface_capabilities(codecs: tuple[BitmapCodec, ...]) -> tuple[CapabilitySet, ...]:
    flags = SurfaceCommandFlags.SET_SURFACE_BITS | SurfaceCommandFlags.STREAM_SURFACE_BITS
    return (
        SurfaceCommandsCapability(flags | SurfaceCommandFlags.FRAME_MARKER),
        BitmapCodecsCapability(codecs),
        FrameAcknowledgeCapability(MAX_UNACKNOWLEDGED_FRAMES),
    )


def _virtual_channel_capability(phase: SharePhase) -> VirtualChannelCapability:
    """With a chunk size that the server ignores (2.2.7.1.10), but for its being there."""
    compresses = phase.link.config.compression is not None
    flags = VirtualChannelFlags.COMPR_SC if compresses else VirtualChannelFlags(0)
    return VirtualChannelCapability(flags, DEFAULT_CHUNK_SIZE)


class CapabilitiesExchange(SharePhase):
    """1.3.1.1 Capabilities Exchange: the server's Demand Active is awaited."""

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def on_demand_active(self, demand: DemandActive) -> Phase:
        return confirm_active(self, demand)

    HANDLERS = {
        **SharePhase.HANDLERS,
        DemandActive: on_demand_active,
        # QUIRK(Windows): what was drawn for the old desktop may come behind its Deactivate All
        ReceivedUpdates: SharePhase.on_ignored,
        GraphicsUpdate: SharePhase.on_ignored,
        PointerUpdate: SharePhase.on_ignored,
    }


class ConnectionFinalization(SharePhase):
    """1.3.1.1 Connection Finalization: everything is sent, the Font Map is awaited."""

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def on_font_map(self, _pdu: FontMap) -> Phase:
        link = self.link
        facts = link.facts
        reactivated, link.has_been_active = link.has_been_active, True
        link.emit(Activated(facts.width, facts.height, facts.bits_per_pixel, is_reactivation=reactivated))
        return Active(link)

    HANDLERS = {
        **SharePhase.HANDLERS,
        Synchronize: SharePhase.on_ignored,
        Control: SharePhase.on_ignored,
        FontMap: on_font_map,
        DeactivateAll: SharePhase.on_ignored,
        DemandActive: CapabilitiesExchange.on_demand_active,
    }


class Active(SharePhase):
    """After the Font Map PDU: pictures come in."""

    def on_updates(self, pdu: ReceivedUpdates) -> Phase:
        for fragment in pdu.updates:
            update = self.link.updates.feed(fragment)
            if update is None:
                continue
            body = decode_update(update)
            if isinstance(body, KnownUpdate | UnknownUpdate):
                self.link.emit(GraphicsReceived(body))
            else:
                self.link.emit(PointerReceived(body))
        return self

    def on_graphics(self, pdu: GraphicsUpdate) -> Phase:
        self.link.emit(GraphicsReceived(pdu.update))
        return self

    def on_pointer(self, pdu: PointerUpdate) -> Phase:
        self.link.emit(PointerReceived(pdu.pointer))
        return self

    def on_deactivate_all(self, _pdu: DeactivateAll) -> Phase:
        self.link.emit(Deactivated())
        return CapabilitiesExchange(self.link)

    HANDLERS = {
        **SharePhase.HANDLERS,
        ReceivedUpdates: on_updates,
        GraphicsUpdate: on_graphics,
        PointerUpdate: on_pointer,
        DeactivateAll: on_deactivate_all,
        Synchronize: SharePhase.on_ignored,
        Control: SharePhase.on_ignored,
    }
