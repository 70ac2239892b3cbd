from dataclasses import replace

import numpy as np
import pytest

from pyrdpmux.codec.pointer import decode_pointer
from pyrdpmux.mux.console.pointer_cache import DEFAULT, HIDDEN, PointerCache
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.rdp.connection.output_format import DEFAULT_MAX_REQUEST_SIZE, OutputFormat
from pyrdpmux.rdp.pdu.pointer import CachedPointer, ColorPointer, LargePointer, NewPointer

OUTPUT = OutputFormat(
    width=640,
    height=480,
    bits_per_pixel=32,
    is_fast_path=True,
    max_request_size=DEFAULT_MAX_REQUEST_SIZE,
    omits_compression_header=True,
    may_skip_alpha=True,
    pointer_cache_size=20,
    color_pointer_cache_size=10,
    max_pointer_side=96,
)


def cursor(number: int = 0, side: int = 8) -> Cursor:
    pixels = np.random.default_rng(number).integers(0, 256, (side, side, 4), np.uint8)
    pixels[..., 3] = 255
    return Cursor(pixels, 2, 3)


def test_no_shape_needs_no_place() -> None:
    cache = PointerCache(OUTPUT)
    assert cache.update_for(CursorState.DEFAULT) == DEFAULT
    assert cache.update_for(CursorState.HIDDEN) == HIDDEN
    assert cache.update_for(Cursor(np.zeros((4, 4, 4), np.uint8), 0, 0)) == HIDDEN


def test_a_shape_is_sent_once() -> None:
    cache = PointerCache(OUTPUT)
    update = cache.update_for(cursor())
    assert isinstance(update, NewPointer)
    shape = update.shape
    assert (shape.cache_index, shape.hot_x, shape.hot_y, shape.width, shape.height) == (0, 2, 3, 8, 8)
    decoded = decode_pointer(8, 8, update.xor_bpp, shape.xor_mask, shape.and_mask)
    assert (decoded == cursor().image).all()
    assert cache.update_for(cursor()) == CachedPointer(0)


def test_the_shape_that_was_not_used_for_longest_makes_room() -> None:
    cache = PointerCache(replace(OUTPUT, pointer_cache_size=2))
    cache.update_for(cursor(1))
    cache.update_for(cursor(2))
    assert cache.update_for(cursor(1)) == CachedPointer(0)
    third = cache.update_for(cursor(3))
    assert isinstance(third, NewPointer)
    assert third.shape.cache_index == 1
    assert cache.update_for(cursor(1)) == CachedPointer(0)
    assert cache.update_for(cursor(3)) == CachedPointer(1)
    assert isinstance(cache.update_for(cursor(2)), NewPointer)


def test_a_client_with_a_huge_cache_costs_us_no_more() -> None:
    cache = PointerCache(replace(OUTPUT, pointer_cache_size=0xFFFF))
    for number in range(40):
        update = cache.update_for(cursor(number))
        assert isinstance(update, NewPointer)
        assert update.shape.cache_index < 25


def test_old_clients_get_24_bits() -> None:
    update = PointerCache(replace(OUTPUT, pointer_cache_size=0)).update_for(cursor())
    assert isinstance(update, ColorPointer)
    decoded = decode_pointer(8, 8, 24, update.xor_mask, update.and_mask)
    assert (decoded == cursor().image).all()


def test_a_client_without_any_cache_keeps_its_arrow() -> None:
    cache = PointerCache(replace(OUTPUT, pointer_cache_size=0, color_pointer_cache_size=0))
    assert cache.update_for(cursor()) == DEFAULT


@pytest.mark.parametrize(
    ("side", "is_fast_path", "longest", "kind", "sent"),
    [
        (384, True, 200, LargePointer, 200),
        (384, True, 96, NewPointer, 96),
        (384, False, 200, NewPointer, 67),
        (96, True, 200, NewPointer, 67),
        (32, True, 200, NewPointer, 29),
    ],
)
def test_as_large_as_the_client_can(
    side: int, is_fast_path: bool, longest: int, kind: type, sent: int
) -> None:
    output = replace(OUTPUT, max_pointer_side=side, is_fast_path=is_fast_path)
    update = PointerCache(output).update_for(cursor(side=longest))
    assert type(update) is kind
    shape = update.shape if isinstance(update, NewPointer) else update
    assert isinstance(shape, LargePointer | ColorPointer)
    assert (shape.width, shape.height) == (sent, sent)
