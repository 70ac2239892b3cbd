"""Primary orders: the specification's examples, deltas, bounds, and whatever a peer may send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.pdu.orders.primary import (
    PRIMARY_ORDERS,
    SRCCOPY,
    Bounds,
    DstBlt,
    Kind,
    MemBlt,
    OpaqueRect,
    OrderHistory,
    PatBlt,
    PrimaryOrder,
    PrimaryOrderType,
    ScrBlt,
    read_primary,
    write_primary,
)
from pyrdpmux.wire import Reader, Writer
from tests.rows import unhex

EXAMPLES: list[tuple[str, PrimaryOrder, list[int]]] = [
    # MS-RDPEGDI 4.1.1, 4.1.5, 4.1.7 and 4.1.9; what they leave out is from orders before
    ("09 00 0c 4800 3701", DstBlt(0, 0, 72, 311, 0x55), [0, 0, 0, 0, 0x55]),
    ("09 0a 3c 0004 0003 73 02", OpaqueRect(0, 0, 1024, 768, 0x73, 2, 6), [0, 0, 1, 1, 0, 0, 6]),
    (
        "09 02 7d 0700 a101 f100 cc 2f01 8e00",
        ScrBlt(7, 5, 417, 241, SRCCOPY, 303, 142),
        [0, 5, 0, 0, 0, 0, 0],
    ),
    (
        "49 0d 97 ff00 0200 0601 1500 1500",
        MemBlt(0xFF, 2, 262, 9, 21, SRCCOPY, 3, 21, 0),
        [0, 0, 0, 9, 0, SRCCOPY, 3, 0, 0],
    ),
]


def read(data: bytes, history: OrderHistory) -> PrimaryOrder:
    r = Reader(data, "test")
    order = read_primary(r, r.u8("controlFlags"), history)
    r.finish("")
    return order


def write(order: PrimaryOrder, history: OrderHistory) -> bytes:
    w = Writer("test")
    write_primary(w, order, history)
    return w.getvalue()


def history_with(order: PrimaryOrder, values: list[int]) -> OrderHistory:
    return OrderHistory(values={order.TYPE: list(values)})


@pytest.mark.parametrize(("text", "order", "before"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_the_specifications_examples(text: str, order: PrimaryOrder, before: list[int]) -> None:
    data = unhex(text)
    assert read(data, history_with(order, before)) == order
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            read(data[:size], history_with(order, before))


def test_the_same_fields_are_left_out_when_written() -> None:
    text, order, before = EXAMPLES[2]
    history = history_with(order, before)
    assert write(order, history) == unhex(text)
    assert write(order, history) == unhex("41"), "nothing has changed, and the only byte of flags is zero"


def test_the_first_of_a_type_brings_all_of_its_fields() -> None:
    assert write(PatBlt(0, 0, 0, 0, 0), OrderHistory()) == unhex(
        "09 01 ff0f 0000 0000 0000 0000 00 000000 000000 00 00 00 00 00000000000000"
    ), "and its type, which would be agreed"


def test_small_steps_are_a_byte() -> None:
    history = OrderHistory()
    write(ScrBlt.of(Rect(0, 16, 640, 464), 0, 0), history)
    assert write(ScrBlt.of(Rect(0, 17, 640, 463), 0, 0), history) == unhex("11 48 ff 01")
    assert write(ScrBlt.of(Rect(0, 200, 640, 463), 0, 0), history) == unhex("01 40 c800"), "183 is too far"


def test_bounds() -> None:
    history = OrderHistory()
    assert read(unhex("0d 0a 7f 0f 0100 0200 6400 c800 0000 0000 ffff ff7f 01 02 03"), history) == OpaqueRect(
        0, 0, -1, 0x7FFF, 1, 2, 3, Bounds(1, 2, 100, 200)
    )
    # left by a delta of -1, right anew
    assert read(unhex("05 40 14 ff 5a00 09"), history) == OpaqueRect(
        0, 0, -1, 0x7FFF, 1, 2, 9, Bounds(0, 2, 90, 200)
    )
    assert read(unhex("65"), history) == OpaqueRect(0, 0, -1, 0x7FFF, 1, 2, 9, Bounds(0, 2, 90, 200))
    assert read(unhex("41"), history).bounds is None
    assert Bounds(0, 2, 90, 200).rect == Rect(0, 2, 91, 199)


@pytest.mark.parametrize(
    "data",
    [
        "09 09 00",  # LineTo
        "09 02 01 ff7f 11",  # behind which a second order is none of ours
    ],
)
def test_what_is_not_announced_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        read(unhex(data), OrderHistory())


def test_a_sum_of_deltas_fits_sixteen_bits() -> None:
    history = history_with(ScrBlt.of(Rect(0, 0, 1, 1), 0, 0), [0x7FFF, 0, 0, 0, 0, 0, 0])
    with pytest.raises(DecodeError, match="nLeftRect"):
        read(unhex("19 02 01 01"), history)


def test_what_does_not_fit_is_the_callers_mistake() -> None:
    with pytest.raises(EncodeError, match="nLeftRect"):
        write(DstBlt(0x8000, 0, 0, 0, 0), OrderHistory())
    with pytest.raises(EncodeError, match="bRop"):
        write(DstBlt(0, 0, 0, 0, 256), OrderHistory())


RANGES: dict[Kind, st.SearchStrategy[int]] = {
    Kind.COORDINATE: st.one_of(st.integers(-140, 140), st.integers(-32768, 32767)),
    **{kind: st.integers(0, (1 << 8 * kind.value) - 1) for kind in Kind if kind is not Kind.COORDINATE},
}
BOUNDS = st.none() | st.builds(Bounds, *[st.integers(-32768, 32767)] * 4)
ORDERS = st.one_of(
    [
        st.builds(cls, *[RANGES[kind] for _, kind in cls.FIELDS], bounds=BOUNDS)
        for cls in PRIMARY_ORDERS.values()
    ]
)


@given(st.lists(ORDERS, max_size=12))
def test_any_orders_come_back(orders: list[PrimaryOrder]) -> None:
    writing, reading = OrderHistory(), OrderHistory()
    for order in orders:
        assert read(write(order, writing), reading) == order


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_any_bytes(messages: list[bytes]) -> None:
    history = OrderHistory()
    for data in messages:
        try:
            order = read(data, history)
        except DecodeError:
            continue
        assert write(order, OrderHistory())
    assert PrimaryOrderType(history.order_type) is not None
