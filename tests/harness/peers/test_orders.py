"""Drawing orders, drawn; and what a hostile server may not draw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.codec.bitmap import encode_rectangles
from pyrdpmux.codec.color import PALETTE, Pixels
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.peers.orders import BitmapCaches, OrderRenderer, combined
from pyrdpmux.harness.peers.renderer import Renderer
from pyrdpmux.rdp.pdu.orders.primary import (
    PATCOPY,
    SRCCOPY,
    Bounds,
    DstBlt,
    MemBlt,
    OpaqueRect,
    PatBlt,
    PrimaryOrder,
    ScrBlt,
)
from pyrdpmux.rdp.pdu.orders.secondary import (
    WAITING_LIST_INDEX,
    CacheBitmapRev2,
    SecondaryOrderType,
    UnknownSecondaryOrder,
)
from pyrdpmux.rdp.pdu.orders.stream import Order, encode_orders

CACHES = (2, 2, 3)
WIDTH, HEIGHT = 40, 30


def picture(width: int = WIDTH, height: int = HEIGHT, seed: int = 1) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4)).astype(np.uint8)
    pixels[..., 3] = 255
    return pixels


def drawn(*orders: Order, before: Pixels | None = None, palette: Pixels | None = None) -> Pixels:
    canvas = picture() if before is None else before.copy()
    [update] = encode_orders(orders, 1 << 20)
    renderer = OrderRenderer(CACHES)
    changed = renderer.draw(update, canvas, palette)
    assert changed == (canvas != (picture() if before is None else before)).any()
    return canvas


def cached(pixels: Pixels, cache_id: int = 2, index: int = 1, *, compress: bool = True) -> CacheBitmapRev2:
    height, width = pixels.shape[:2]
    [encoded] = encode_rectangles(pixels, [Rect(0, 0, width, height)], 32, compress=compress)
    return CacheBitmapRev2(
        cache_id, index, 32, encoded.width, encoded.height, encoded.is_compressed, encoded.data
    )


@pytest.mark.parametrize("step", [(1, 0), (-1, 0), (0, 1), (0, -1), (3, 2), (-3, -2), (20, 15)])
def test_copies_overlap(step: tuple[int, int]) -> None:
    source = Rect(5, 6, 20, 12).clip(WIDTH, HEIGHT)
    target = Rect(5 + step[0], 6 + step[1], 20, 12).clip(WIDTH, HEIGHT)
    expected = picture()
    expected[target.y : target.bottom, target.x : target.right] = picture()[
        source.y : source.y + target.height, source.x : source.x + target.width
    ]
    assert np.array_equal(drawn(ScrBlt.of(source, target.x, target.y)), expected)


@pytest.mark.parametrize("compress", [True, False])
def test_bitmaps_from_the_cache(compress: bool) -> None:
    tile = picture(8, 12, seed=2)
    expected = picture()
    expected[3:15, 7:15] = tile
    expected[18:30, 36:] = tile[:, :4]
    expected[:2, :4] = tile[10:, 4:]
    orders = (
        cached(tile, compress=compress),
        MemBlt.of(2, 1, Rect(7, 3, 8, 12)),
        MemBlt.of(2, 1, Rect(36, 18, 8, 12)),
        MemBlt.of(2, 1, Rect(-4, -10, 8, 12)),
    )
    assert np.array_equal(drawn(*orders), expected)


def test_a_part_of_a_bitmap() -> None:
    """QUIRK(FreeRDP 2.11, rdesktop 1.9): it counts from the top."""
    tile = picture(8, 12, seed=2)
    expected = picture()
    expected[3:8, 7:10] = tile[2:7, 4:7]
    assert np.array_equal(drawn(cached(tile), MemBlt(2, 7, 3, 3, 5, SRCCOPY, 4, 2, 1)), expected)


def test_fills_within_bounds() -> None:
    expected = picture()
    expected[10:20, 5:15, :3] = 3, 2, 1
    expected[2:6, 2:7, :3] = 0x30, 0x20, 0x10
    assert np.array_equal(
        drawn(
            OpaqueRect(5, 10, 10, 10, 1, 2, 3),
            PatBlt(0, 0, 30, 30, PATCOPY, fore_color=0x302010, bounds=Bounds(2, 2, 6, 5)),
        ),
        expected,
    )


def test_operations_on_what_is_there() -> None:
    shown = drawn(DstBlt(0, 0, 10, 10, 0x55), DstBlt(10, 0, 10, 10, 0x00), DstBlt(20, 0, 10, 10, 0xFF))
    assert np.array_equal(shown[:10, :10, :3], 255 - picture()[:10, :10, :3])
    assert not shown[:10, 10:20, :3].any()
    assert (shown[:10, 20:30, :3] == 255).all()
    assert (shown[..., 3] == 255).all()


@given(st.integers(0, 255), *[st.integers(0, 0xFFFFFFFF)] * 3)
def test_all_operations_bit_by_bit(rop: int, pattern: int, source: int, target: int) -> None:
    expected = 0
    for bit in range(32):
        p, s, d = (word >> bit & 1 for word in (pattern, source, target))
        expected |= (rop >> (p << 2 | s << 1 | d) & 1) << bit
    words = np.full((2, 3), target, np.uint32)
    assert combined(rop, pattern, np.full((2, 3), source, np.uint32), words).tolist() == [[expected] * 3] * 2


def test_eight_bits_are_the_palettes() -> None:
    shown = drawn(OpaqueRect(0, 0, 40, 30, 7, 0, 0), palette=PALETTE)
    assert (shown[..., :3] == PALETTE[7, :3]).all()


@pytest.mark.parametrize(
    "order",
    [
        ScrBlt.of(Rect(0, 0, 10, 10), 50, 50),
        ScrBlt.of(Rect(50, 50, 10, 10), 0, 0),
        ScrBlt(0, 0, -5, 10, SRCCOPY, 3, 3),
        OpaqueRect(-100, -100, 50, 50, 1, 2, 3),
        OpaqueRect(0, 0, 40, 30, 1, 2, 3, Bounds(5, 5, 4, 4)),
    ],
)
def test_what_is_not_on_the_desktop_is_cut_off(order: PrimaryOrder) -> None:
    assert np.array_equal(drawn(order), picture())


TILE = cached(picture(8, 8))


@pytest.mark.parametrize(
    ("orders", "field"),
    [
        ([MemBlt.of(2, 1, Rect(0, 0, 8, 8))], "MemBlt.cacheIndex"),
        ([MemBlt.of(3, 0, Rect(0, 0, 8, 8))], "MemBlt.cacheId"),
        ([MemBlt.of(0xFF, 0, Rect(0, 0, 8, 8))], "MemBlt.cacheId"),
        ([cached(picture(8, 8), 0, 2)], "CacheBitmapRev2.cacheIndex"),
        ([cached(picture(8, 8), 3)], "CacheBitmapRev2.cacheId"),
        ([cached(picture(20, 16), 0)], "CacheBitmapRev2.bitmapWidth"),
        ([PatBlt(0, 0, 1, 1, PATCOPY, brush_style=3)], "PatBlt.BrushStyle"),
        ([UnknownSecondaryOrder(SecondaryOrderType.CACHE_BRUSH, 0, bytes(8))], "OrdersUpdate.orderType"),
    ],
)
def test_a_servers_mistakes(orders: list[Order], field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        drawn(*orders)
    assert caught.value.path == field


def test_what_waits_is_kept_once() -> None:
    caches = BitmapCaches([2])
    caches.store(cached(picture(8, 8), 0, WAITING_LIST_INDEX), None)
    assert caches.find(MemBlt.of(0, WAITING_LIST_INDEX, Rect(0, 0, 8, 8))).shape == (8, 8, 4)


def test_the_renderer_draws_them_if_they_were_announced() -> None:
    [update] = encode_orders([TILE, MemBlt.of(2, 1, Rect(4, 4, 8, 8))], 1 << 20)
    announced, silent = Renderer(25, (), CACHES), Renderer(25)
    for renderer in (announced, silent):
        renderer.resize(WIDTH, HEIGHT)
        renderer.apply(update)
    assert np.array_equal(announced.framebuffer[4:12, 4:12], picture(8, 8))
    assert (announced.painted, announced.changes, announced.undrawn) == (1, 2, 0)
    assert silent.undrawn == 1
    announced.resize(WIDTH, HEIGHT)
    [update] = encode_orders([MemBlt.of(2, 1, Rect(4, 4, 8, 8))], 1 << 20)
    with pytest.raises(DecodeError):  # nothing of before is known
        announced.apply(update)
