"""The orders of an Orders Update (MS-RDPEGDI 2.2.2.1, 2.2.2.2): read in a row, and packed.

What is packed here refers to nothing before it: the first order of a type in each update brings all of its
fields. So an update may be given to any client, whatever it has had before.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from pyrdpmux.errors import EncodeError
from pyrdpmux.rdp.pdu.orders.primary import (
    ControlFlags,
    OrderHistory,
    PrimaryOrder,
    read_primary,
    write_primary,
)
from pyrdpmux.rdp.pdu.orders.secondary import SecondaryOrder, read_secondary, write_secondary
from pyrdpmux.rdp.pdu.update import OrdersUpdate
from pyrdpmux.wire import Reader, Writer

Order = PrimaryOrder | SecondaryOrder

MAX_ORDERS: Final = 8192
"""In one update; servers send a few hundred at most. An order may be a single byte."""

_CLASSES: Final = ControlFlags.STANDARD | ControlFlags.SECONDARY


def decode_orders(update: OrdersUpdate, history: OrderHistory) -> tuple[Order, ...]:
    """The orders of an update, whose fields go on from ``history``. DecodeError, nothing else.

    Alternate secondary orders are errors: each has to be announced, and none is.
    """
    r = Reader(update.order_data, "OrdersUpdate")
    if update.number_orders > MAX_ORDERS:
        raise r.error("numberOrders", f"{update.number_orders}, at most {MAX_ORDERS} allowed")
    orders: list[Order] = []
    for _ in range(update.number_orders):
        control_flags = r.u8("controlFlags")
        order_class = control_flags & _CLASSES
        if order_class == _CLASSES:
            orders.append(read_secondary(r))
        elif order_class == ControlFlags.STANDARD:
            orders.append(read_primary(r, control_flags, history))
        else:
            raise r.error("controlFlags", f"{control_flags:#04x} of a class that was not announced")
    r.finish("orderData")
    return tuple(orders)


def encode_orders(orders: Iterable[Order], max_size: int) -> Iterator[OrdersUpdate]:
    """``orders`` in as few updates as hold them, with at most ``max_size`` bytes of orders in each.

    EncodeError for an order that is larger by itself.
    """
    packed, count, history = bytearray(), 0, OrderHistory()
    for order in orders:
        data = _encode(order, history)
        if count and (len(packed) + len(data) > max_size or count == MAX_ORDERS):
            yield OrdersUpdate(count, bytes(packed))
            packed, count, history = bytearray(), 0, OrderHistory()
            data = _encode(order, history)
        if len(data) > max_size:
            raise EncodeError(type(order).__name__, f"{len(data)} bytes, the client takes at most {max_size}")
        packed += data
        count += 1
    if count:
        yield OrdersUpdate(count, bytes(packed))


def _encode(order: Order, history: OrderHistory) -> bytes:
    w = Writer(type(order).__name__)
    if isinstance(order, PrimaryOrder):
        write_primary(w, order, history)
    else:
        write_secondary(w, order, _CLASSES)
    return w.getvalue()
