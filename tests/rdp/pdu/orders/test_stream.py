"""Orders packed into updates, and read out of whatever comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.pdu.orders.primary import MemBlt, OpaqueRect, OrderHistory, ScrBlt
from pyrdpmux.rdp.pdu.orders.secondary import CacheBitmapRev2
from pyrdpmux.rdp.pdu.orders.stream import MAX_ORDERS, Order, decode_orders, encode_orders
from pyrdpmux.rdp.pdu.update import OrdersUpdate

BITMAP = CacheBitmapRev2(0, 3, 32, 8, 8, False, bytes(256))
ORDERS: list[Order] = [
    ScrBlt.of(Rect(0, 16, 640, 464), 0, 0),
    BITMAP,
    MemBlt.of(0, 3, Rect(8, 8, 8, 8)),
    MemBlt.of(0, 3, Rect(16, 8, 8, 8)),
    OpaqueRect(0, 464, 640, 16, 1, 2, 3),
]


def test_all_kinds_together() -> None:
    [update] = encode_orders(ORDERS, 16384)
    assert update.number_orders == len(ORDERS)
    assert list(decode_orders(update, OrderHistory())) == ORDERS


def test_updates_are_cut_to_size_and_each_stands_by_itself() -> None:
    orders = [MemBlt.of(0, 3, Rect(8 * number, 8, 8, 8)) for number in range(100)]
    updates = list(encode_orders(orders, 60))
    assert max(len(update.order_data) for update in updates) <= 60
    assert sum(update.number_orders for update in updates) == 100
    found: list[Order] = []
    for update in updates:
        # a client that has had nothing before, or something else
        history = OrderHistory(order_type=0x0D, values={0x0D: [9] * 9})
        found += decode_orders(update, history)
    assert found == orders


def test_an_order_that_is_too_large() -> None:
    with pytest.raises(EncodeError, match="CacheBitmapRev2"):
        list(encode_orders([BITMAP], 100))


def test_nothing() -> None:
    assert list(encode_orders([], 100)) == []


def test_no_more_orders_than_are_read() -> None:
    updates = list(encode_orders([ScrBlt.of(Rect(0, 0, 1, 1), 1, 1)] * (MAX_ORDERS + 1), 1 << 20))
    assert [update.number_orders for update in updates] == [MAX_ORDERS, 1]
    with pytest.raises(DecodeError, match="numberOrders"):
        decode_orders(OrdersUpdate(MAX_ORDERS + 1, updates[0].order_data + b"\x41"), OrderHistory())


@pytest.mark.parametrize("control", ["00", "02", "36"])
def test_classes_that_are_not_announced(control: str) -> None:
    with pytest.raises(DecodeError, match="controlFlags"):
        decode_orders(OrdersUpdate(1, bytes.fromhex(control) + bytes(20)), OrderHistory())


def test_every_truncation_and_what_is_left_over() -> None:
    [update] = encode_orders(ORDERS, 16384)
    for size in range(len(update.order_data)):
        with pytest.raises(DecodeError):
            decode_orders(OrdersUpdate(len(ORDERS), update.order_data[:size]), OrderHistory())
    with pytest.raises(DecodeError):
        decode_orders(OrdersUpdate(len(ORDERS) - 1, update.order_data), OrderHistory())


@given(st.integers(0, 5), st.binary(max_size=80))
def test_any_bytes(count: int, data: bytes) -> None:
    try:
        orders = decode_orders(OrdersUpdate(count, data), OrderHistory())
    except DecodeError:
        return
    assert len(orders) == count
