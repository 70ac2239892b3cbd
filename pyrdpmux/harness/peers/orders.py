"""What drawing orders make of a framebuffer: copies, fills, and bitmaps out of the client's cache."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec import bitmap
from pyrdpmux.codec.color import Pixels, Words
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.pdu.orders.primary import (
    PATCOPY,
    SRCCOPY,
    DstBlt,
    MemBlt,
    OpaqueRect,
    OrderHistory,
    PatBlt,
    PrimaryOrder,
    ScrBlt,
)
from pyrdpmux.rdp.pdu.orders.secondary import WAITING_LIST_INDEX, CacheBitmapRev2
from pyrdpmux.rdp.pdu.orders.stream import Order, decode_orders
from pyrdpmux.rdp.pdu.update import OrdersUpdate

SMALLEST_CELL: Final = 16
"""Side in pixels of what the first cache takes; of each further one it is twice as long."""

SOLID_BRUSH: Final = 0
"""BrushStyle of 2.2.2.2.1.1.2.3; others would need brushes of their own."""

_CACHE_MASK: Final = 0xFF


def combined(rop: int, pattern: int, source: Words | int, target: Words) -> Words:
    """``target`` after a ternary raster operation (MS-RDPEGDI 2.2.2.2.1.1.1.7), all as words 0x00RRGGBB.

    Bit 4p + 2s + d of the operation's number is what becomes of the bits p, s and d.
    """
    if rop == SRCCOPY:
        return np.broadcast_to(np.uint32(source), target.shape)
    if rop == PATCOPY:
        return np.broadcast_to(np.uint32(pattern), target.shape)
    result = np.zeros_like(target)
    for number in range(8):
        if rop >> number & 1:
            operands = ((pattern, 4), (source, 2), (target, 1))
            term = np.full_like(target, 0xFFFFFFFF)
            for operand, bit in operands:
                word = np.asarray(operand, np.uint32)
                term &= word if number & bit else ~word
            result |= term
    return result


class BitmapCaches:
    """The bitmap caches of a client, with as many entries as ``entries`` says of each."""

    def __init__(self, entries: Sequence[int]) -> None:
        self._entries = entries
        self._bitmaps: dict[tuple[int, int], Pixels] = {}

    def store(self, order: CacheBitmapRev2, palette: Pixels | None) -> None:
        """DecodeError for an entry that is not there, and for a bitmap that is too large for it."""
        self._check("CacheBitmapRev2", order.cache_id, order.cache_index)
        side = SMALLEST_CELL << order.cache_id
        if order.width * order.height > side * side:
            reason = f"{order.width}x{order.height} in a cache of {side}x{side}"
            raise DecodeError("CacheBitmapRev2.bitmapWidth", reason, 0)
        pixels = bitmap.decode(
            order.data, order.width, order.height, order.bits_per_pixel, order.is_compressed, palette
        )
        self._bitmaps[order.cache_id, order.cache_index] = pixels

    def find(self, order: MemBlt) -> Pixels:
        """DecodeError where nothing is stored."""
        cache_id = order.cache_id & _CACHE_MASK
        self._check("MemBlt", cache_id, order.cache_index)
        pixels = self._bitmaps.get((cache_id, order.cache_index))
        if pixels is None:
            reason = f"nothing is stored at {order.cache_index} of cache {cache_id}"
            raise DecodeError("MemBlt.cacheIndex", reason, 0)
        return pixels

    def _check(self, order: str, cache_id: int, index: int) -> None:
        if cache_id >= len(self._entries):
            raise DecodeError(f"{order}.cacheId", f"{cache_id}, of {len(self._entries)} caches", 0)
        if index >= self._entries[cache_id] and index != WAITING_LIST_INDEX:
            reason = f"{index}, but cache {cache_id} has {self._entries[cache_id]} entries"
            raise DecodeError(f"{order}.cacheIndex", reason, 0)


class OrderRenderer:
    """Draws the orders of one session, in their order; a server's mistakes are DecodeErrors."""

    def __init__(self, cache_entries: Sequence[int]) -> None:
        self._caches = BitmapCaches(cache_entries)
        self._history = OrderHistory()

    def draw(self, update: OrdersUpdate, framebuffer: Pixels, palette: Pixels | None = None) -> bool:
        """Whether anything has changed on ``framebuffer``. ``palette`` is that of a session of 8 bits."""
        changed = False
        for order in decode_orders(update, self._history):
            changed |= self._draw(order, framebuffer, palette)
        return changed

    def _draw(self, order: Order, framebuffer: Pixels, palette: Pixels | None) -> bool:
        match order:
            case CacheBitmapRev2():
                self._caches.store(order, palette)
            case ScrBlt():
                return _copy(order, framebuffer, framebuffer)
            case MemBlt():
                return _copy(order, framebuffer, self._caches.find(order))
            case OpaqueRect():
                color = order.red << 16 | order.green << 8 | order.blue
                if palette is not None:
                    color = int(palette[order.red].view(np.uint32)[0])
                return _put(framebuffer, _area(order, framebuffer), PATCOPY, color, 0)
            case PatBlt():
                return _put(framebuffer, _area(order, framebuffer), order.rop, _brush(order), 0)
            case DstBlt():
                return _put(framebuffer, _area(order, framebuffer), order.rop, 0, 0)
            case _:
                raise DecodeError("OrdersUpdate.orderType", f"{order.order_type.name} was not announced", 0)
        return False


def _brush(order: PatBlt) -> int:
    """Its color as a word: on the wire red comes first."""
    if order.brush_style != SOLID_BRUSH:
        raise DecodeError("PatBlt.BrushStyle", f"{order.brush_style}, but only solid brushes are drawn", 0)
    color = order.fore_color
    return (color & 0xFF) << 16 | color & 0xFF00 | color >> 16


def _area(order: PrimaryOrder, framebuffer: Pixels) -> Rect:
    """What an order may change: its rectangle, as far as its bounds and the desktop reach."""
    area = Rect(order.left, order.top, max(0, order.width), max(0, order.height))
    if order.bounds is not None:
        area = area.intersection(order.bounds.rect)
    height, width = framebuffer.shape[:2]
    return area.intersection(Rect(0, 0, width, height))


def _copy(order: ScrBlt | MemBlt, framebuffer: Pixels, source: Pixels) -> bool:
    """Out of ``source``, as far as that reaches. See MemBlt of how ``y_src`` counts."""
    dx, dy = order.x_src - order.left, order.y_src - order.top
    area = _area(order, framebuffer)
    height, width = source.shape[:2]
    area = area.intersection(Rect(-dx, -dy, width, height))
    if area.is_empty:
        return False
    part = source[area.y + dy : area.bottom + dy, area.x + dx : area.right + dx]
    return _put(framebuffer, area, order.rop, 0, part.view(np.uint32)[..., 0])


def _put(framebuffer: Pixels, area: Rect, rop: int, pattern: int, source: Words | int) -> bool:
    """``source`` may be a part of the framebuffer: all of it is read before anything is written."""
    if area.is_empty:
        return False
    target = framebuffer.view(np.uint32)[area.y : area.bottom, area.x : area.right, 0]
    result = combined(rop, pattern, source, target) | np.uint32(0xFF000000)
    is_changed = bool((target != result).any())
    target[...] = result
    return is_changed
