from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bitmap import decode as decode_bitmap
from pyrdpmux.codec.color import reduce_and_expand
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.targets.bitmap_tiles import (
    COLUMN_ALIGNMENT,
    TILE,
    BitmapFormat,
    Damage,
    bitmaps_of,
    palette_update,
)
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, CompressedDataHeader, PaletteEntry
from pyrdpmux.wire import decode, encode

SIZES = st.tuples(st.integers(1, 300), st.integers(1, 300))
RECTS = st.lists(
    st.builds(Rect, st.integers(0, 310), st.integers(0, 310), st.integers(0, 320), st.integers(0, 320)),
    max_size=6,
)


def tiles_of(damage: list[Rect], width: int, height: int) -> list[Rect]:
    return Damage(damage, width, height).rects()


def test_a_full_picture_is_cut_at_the_grid_top_down() -> None:
    assert tiles_of([Rect(0, 0, 130, 70)], 130, 70) == [
        Rect(0, 0, 64, 64),
        Rect(64, 0, 64, 64),
        Rect(128, 0, 2, 64),
        Rect(0, 64, 64, 6),
        Rect(64, 64, 64, 6),
        Rect(128, 64, 2, 6),
    ]


def test_a_small_change_stays_small() -> None:
    assert tiles_of([Rect(70, 10, 3, 5)], 640, 480) == [Rect(68, 10, 8, 5)]


def test_changes_within_a_tile_share_a_rectangle() -> None:
    assert tiles_of([Rect(0, 0, 4, 4), Rect(8, 8, 4, 4), Rect(64, 0, 4, 4)], 640, 480) == [
        Rect(0, 0, 12, 12),
        Rect(64, 0, 4, 4),
    ]


def test_what_lies_outside_is_dropped() -> None:
    assert tiles_of([Rect(640, 0, 10, 10), Rect(-5, -5, 5, 500)], 640, 480) == []


@settings(max_examples=60)
@given(SIZES, RECTS)
def test_covers_the_damage_and_stays_within_tiles(size: tuple[int, int], damage: list[Rect]) -> None:
    width, height = size
    tiles = tiles_of(damage, width, height)
    for rect in damage:
        covered = sum(rect.clip(width, height).intersection(tile).pixels for tile in tiles)
        assert covered == rect.clip(width, height).pixels
    for tile in tiles:
        assert not tile.is_empty
        assert tile.clip(width, height) == tile
        assert tile.x // TILE == (tile.right - 1) // TILE
        assert tile.y // TILE == (tile.bottom - 1) // TILE
        assert tile.x % COLUMN_ALIGNMENT == 0
        assert tile.width % COLUMN_ALIGNMENT == 0 or tile.right == width
    assert len({(tile.x // TILE, tile.y // TILE) for tile in tiles}) == len(tiles)


def test_how_much_of_a_tile_is_damaged_and_that_it_may_be_painted_otherwise() -> None:
    damage = Damage([Rect(10, 10, 60, 4), Rect(0, 64, 64, 64)], 640, 480)
    assert damage.pixels(Rect(0, 0, 64, 64)) == 54 * 4
    assert damage.pixels(Rect(64, 0, 64, 64)) == 6 * 4
    assert damage.pixels(Rect(0, 64, 64, 64)) == 64 * 64
    assert damage.pixels(Rect(128, 64, 64, 64)) == 0
    damage.drop(Rect(0, 64, 64, 64))
    damage.drop(Rect(0, 128, 64, 64))
    assert damage.rects() == [Rect(8, 10, 56, 4), Rect(64, 10, 8, 4)]


def test_clients_that_differ_in_nothing_that_counts_have_one_format() -> None:
    one = output(32, omits_header=True)
    other = replace(one, max_request_size=1 << 20, max_pointer_side=96, pointer_cache_size=20)
    assert BitmapFormat.of(one) == BitmapFormat.of(other)
    assert BitmapFormat.of(one) != BitmapFormat.of(replace(one, max_request_size=0))
    assert BitmapFormat.of(one) != BitmapFormat.of(replace(one, may_skip_alpha=False))


# -- bitmaps -----------------------------------------------------------------------------------------


def output(bits_per_pixel: int, *, omits_header: bool) -> OutputFormat:
    return OutputFormat(
        width=200,
        height=100,
        bits_per_pixel=bits_per_pixel,
        is_fast_path=True,
        max_request_size=65535,
        omits_compression_header=omits_header,
        may_skip_alpha=True,
        pointer_cache_size=0,
        color_pointer_cache_size=0,
        max_pointer_side=32,
    )


@pytest.mark.parametrize("omits_header", [False, True])
@pytest.mark.parametrize("depth", [8, 15, 16, 24, 32])
def test_a_client_sees_the_picture(depth: int, omits_header: bool) -> None:
    """Odd width: the last tiles are padded, and clients crop them."""
    picture = np.zeros((100, 199, 4), np.uint8)
    picture[..., :3] = np.random.default_rng(7).integers(0, 256, (100, 199, 3))
    picture[:40, :150] = (10, 200, 30, 0)
    shown = np.zeros_like(picture)
    tiles = tiles_of([Rect(0, 0, 199, 100)], 199, 100)
    for bitmap in bitmaps_of(picture, tiles, BitmapFormat.of(output(depth, omits_header=omits_header))):
        bitmap = decode(BitmapData, encode(bitmap))
        compressed = bool(bitmap.flags & BitmapFlags.COMPRESSION)
        assert (bitmap.compressed_header is None) == (omits_header or not compressed)
        pixels = decode_bitmap(bitmap.data, bitmap.width, bitmap.height, bitmap.bits_per_pixel, compressed)
        rect = bitmap.rect
        shown[rect.y : rect.bottom, rect.x : rect.right] = pixels[: rect.height, : rect.width]
    assert (shown[..., :3] == reduce_and_expand(picture, depth)[..., :3]).all()


@pytest.mark.parametrize("is_fast_path", [False, True])
@pytest.mark.parametrize("depth", [8, 15, 16, 24, 32])
@pytest.mark.parametrize("request_size", [0, 16128, 16384, 65535])
def test_every_bitmap_fits_one_update_of_its_client(
    depth: int, is_fast_path: bool, request_size: int
) -> None:
    """Noise does not compress, and a client without reassembly takes what fits one PDU."""
    picture = np.random.default_rng(7).integers(0, 256, (130, 130, 4), np.uint8)
    client = replace(
        output(depth, omits_header=False),
        is_fast_path=is_fast_path,
        max_request_size=request_size,
        may_skip_alpha=False,
    )
    tiles = tiles_of([Rect(0, 0, 130, 130)], 130, 130)
    bitmaps = bitmaps_of(picture, tiles, BitmapFormat.of(client))
    covered = np.zeros((130, 130), int)
    for bitmap in bitmaps:
        assert len(bitmap.data) <= client.max_bitmap_size
        covered[bitmap.top : bitmap.bottom + 1, bitmap.left : bitmap.right + 1] += 1
    assert (covered == 1).all()
    whole = depth < 32 or (is_fast_path and request_size == 65535)
    assert (len(bitmaps) == len(tiles)) == whole


def test_the_compression_header_says_what_the_tile_unpacks_to() -> None:
    picture = np.zeros((64, 66, 4), np.uint8)
    [bitmap] = bitmaps_of(picture, [Rect(64, 0, 2, 64)], BitmapFormat.of(output(16, omits_header=False)))
    assert bitmap.compressed_header == CompressedDataHeader(4, 4 * 64 * 2)
    assert (bitmap.left, bitmap.right, bitmap.width) == (64, 65, 4)


def test_the_palette_is_that_of_the_codec() -> None:
    entries = palette_update().entries
    assert len(entries) == 256
    assert entries[216 // 6] == PaletteEntry(51, 0, 0)
    assert entries[5] == PaletteEntry(0, 0, 255)
