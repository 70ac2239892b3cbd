from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.mux.painter import COLUMN_ALIGNMENT, TILE, tiles_of
from pyrdpmux.mux.region import Rect

SIZES = st.tuples(st.integers(1, 300), st.integers(1, 300))
RECTS = st.lists(
    st.builds(Rect, st.integers(0, 310), st.integers(0, 310), st.integers(0, 320), st.integers(0, 320)),
    max_size=6,
)


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
