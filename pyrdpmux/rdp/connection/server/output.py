"""The way of an update to the client: fast-path or slow-path, fragmented, encrypted where that is agreed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pyrdpmux.codec.bulk.packet import Compressor
from pyrdpmux.errors import StateError
from pyrdpmux.rdp.connection.output_format import BitmapCacheCells
from pyrdpmux.rdp.connection.secure import seal_fast_path
from pyrdpmux.rdp.connection.server.link import ServerLink
from pyrdpmux.rdp.connection.server.packing import PackedUpdates, with_packet
from pyrdpmux.rdp.fastpath.fragment import fragment, pack
from pyrdpmux.rdp.fastpath.surface import (
    FrameAction,
    FrameMarker,
    SetSurfaceBits,
    StreamSurfaceBits,
    SurfaceCommand,
    SurfaceCommands,
    command_size,
)
from pyrdpmux.rdp.fastpath.update import FastPathUpdate, UpdateBody, encode_update, encode_updates
from pyrdpmux.rdp.pdu.orders.primary import MemBlt, OpaqueRect, PatBlt, ScrBlt
from pyrdpmux.rdp.pdu.orders.secondary import CacheBitmapRev2
from pyrdpmux.rdp.pdu.orders.stream import Order, encode_orders
from pyrdpmux.rdp.pdu.pointer import LargePointer, PointerUpdate, SlowPathPointer
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapUpdate, GraphicsUpdate, KnownUpdate, OrdersUpdate


def send_bitmaps(link: ServerLink, rectangles: Sequence[BitmapData]) -> None:
    """One Bitmap Update per rectangle: QUIRK(mstsc, Windows 11 24H2): several in one broke it."""
    with link.output_of(sum(len(rectangle.data) for rectangle in rectangles)):
        if link.format.is_fast_path:
            _send_fast_path(
                link, [BitmapUpdate((rectangle,)) for rectangle in rectangles], link.output_compressor
            )
        else:
            for rectangle in rectangles:
                link.send_share_data(GraphicsUpdate(BitmapUpdate((rectangle,))))


def send_graphics(link: ServerLink, update: KnownUpdate) -> None:
    """A palette, synchronise or orders update."""
    if link.format.is_fast_path:
        _send_fast_path(link, [update], link.output_compressor)
    else:
        link.send_share_data(GraphicsUpdate(update))


def send_orders(link: ServerLink, orders: Iterable[Order]) -> None:
    """As few Orders Updates as hold them. StateError for orders that the client has not announced."""
    updates = order_updates(link, orders)
    with link.output_of(sum(len(update.order_data) for update in updates)):
        for update in updates:
            send_graphics(link, update)


def order_updates(link: ServerLink, orders: Iterable[Order]) -> list[OrdersUpdate]:
    """As few Orders Updates as hold them. StateError for orders that the client has not announced."""
    orders = tuple(orders)
    _check_orders(link, orders)
    return list(encode_orders(orders, link.format.max_orders_size))


def send_packed(link: ServerLink, packed: PackedUpdates) -> None:
    """What the client's packer has made. StateError if it has packed something else since."""
    if link.packer is None or not link.packer.sent(packed):
        raise StateError(link.phase_name, "sending what was packed before something else")
    with link.output_of(packed.size):
        _send_updates(link, packed.updates)


def _check_orders(link: ServerLink, orders: Iterable[Order]) -> None:
    allowed: list[type] = []
    allowed += [ScrBlt] if link.format.can_copy else []
    allowed += [OpaqueRect, PatBlt] if link.format.can_fill else []
    allowed += [MemBlt, CacheBitmapRev2] if link.format.bitmap_caches else []
    for order in orders:
        if not isinstance(order, tuple(allowed)):
            raise StateError(link.phase_name, f"sending {type(order).__name__}, which the client has not")
        if isinstance(order, CacheBitmapRev2):
            _check_bitmap(link, order)


def _check_bitmap(link: ServerLink, order: CacheBitmapRev2) -> None:
    """What does not fit ends the connection of some clients, so it is not sent at all."""
    caches = link.format.bitmap_caches
    cache = caches[order.cache_id] if 0 <= order.cache_id < len(caches) else BitmapCacheCells(0, 0)
    if not 0 <= order.cache_index < cache.entries or order.width * order.height > cache.max_pixels:
        place = (
            f"entry {order.cache_index} of cache {order.cache_id}, of {cache.entries} of {cache.max_pixels}"
        )
        raise StateError(link.phase_name, f"sending {order.width}x{order.height} pixels for {place}")
    if cache.needs_keys and order.key is None:
        raise StateError(link.phase_name, f"sending a bitmap without a key for cache {order.cache_id}")


def send_surface_commands(link: ServerLink, commands: Sequence[SurfaceCommand], frame_id: int | None) -> bool:
    """As few updates as hold them, between markers if there is a frame_id and the client knows them."""
    surface = link.format.surface
    if surface is None:
        raise StateError(link.phase_name, "sending surface commands, which the client has not")
    for command in commands:
        allowed = surface.may_stream if isinstance(command, StreamSurfaceBits) else surface.may_set
        if not (isinstance(command, SetSurfaceBits | StreamSurfaceBits) and allowed):
            raise StateError(link.phase_name, f"sending {type(command).__name__}, which the client has not")
    is_marked = frame_id is not None and surface.has_markers
    if frame_id is not None and is_marked:
        begin, end = (FrameMarker(action, frame_id) for action in (FrameAction.BEGIN, FrameAction.END))
        commands = [begin, *commands, end]
    # What a codec has made is no smaller for it.
    compressor = link.output_compressor if any(map(_is_plain, commands)) else None
    with link.output_of(sum(map(command_size, commands))):
        _send_fast_path(link, [SurfaceCommands(group) for group in _grouped(commands, link)], compressor)
    return is_marked and surface.max_unacknowledged_frames is not None


def _is_plain(command: SurfaceCommand) -> bool:
    return isinstance(command, SetSurfaceBits | StreamSurfaceBits) and command.bitmap.codec_id == 0


def _grouped(commands: Sequence[SurfaceCommand], link: ServerLink) -> Iterator[tuple[SurfaceCommand, ...]]:
    limit = link.format.max_commands_size
    group: list[SurfaceCommand] = []
    room = limit
    for command in commands:
        size = command_size(command)
        if group and size > room:
            yield tuple(group)
            group, room = [], limit
        group.append(command)
        room -= size
    if group:
        yield tuple(group)


def send_pointer(link: ServerLink, pointer: SlowPathPointer | LargePointer) -> None:
    """A pointer update. StateError for a large one where there is no fast path to carry it."""
    if link.format.is_fast_path:
        _send_fast_path(link, [pointer], link.output_compressor)
    elif isinstance(pointer, LargePointer):
        raise StateError(link.phase_name, "sending a large pointer without fast-path output")
    else:
        link.send_share_data(PointerUpdate(pointer))


def _send_fast_path(link: ServerLink, bodies: Iterable[UpdateBody], compressor: Compressor | None) -> None:
    limit = link.format.max_request_size
    fragments: list[FastPathUpdate] = []
    for body in bodies:
        fragments += fragment(encode_update(body), limit)
    if compressor is not None:
        fragments = [_compressed(update, compressor) for update in fragments]
    _send_updates(link, fragments)


def _send_updates(link: ServerLink, updates: Iterable[FastPathUpdate]) -> None:
    for group in pack(updates):
        link.send_frame(seal_fast_path(link.output_security, encode_updates(group)), group)


def _compressed(update: FastPathUpdate, compressor: Compressor) -> FastPathUpdate:
    """Every fragment by itself (2.2.9.1.2.1); what is too large for the history goes out as it is."""
    if not update.data or len(update.data) > compressor.max_size:
        return update
    return with_packet(update, compressor.compress(update.data))
