"""Which lossy places are made exact next, and how many."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.client_picture import CELL
from pyrdpmux.graphics.refinement import overdue_parts

PICTURE = Rect(0, 0, 330, 250)
ROWS, COLUMNS = 16, 21


def cells(*places: tuple[int, int]) -> NDArray[np.bool_]:
    """(row, column)"""
    found = np.zeros((ROWS, COLUMNS), np.bool_)
    for place in places:
        found[place] = True
    return found


def test_nothing_is_nothing() -> None:
    assert overdue_parts(cells(), PICTURE, 1 << 20) == []


def test_a_tile_counts_as_far_as_its_cells_reach() -> None:
    assert overdue_parts(cells((1, 1), (2, 2)), PICTURE, 1 << 20) == [Rect(16, 16, 32, 32)]
    assert overdue_parts(cells((15, 20)), PICTURE, 1 << 20) == [Rect(320, 240, 10, 10)]


def test_tiles_from_the_top_left_on() -> None:
    found = overdue_parts(cells((9, 2), (0, 5), (1, 0), (8, 17)), PICTURE, 1 << 20)
    assert found == [Rect(0, 16, 16, 16), Rect(80, 0, 16, 16), Rect(32, 144, 16, 16), Rect(272, 128, 16, 16)]


def test_at_least_one_tile_and_then_as_many_as_fit() -> None:
    everything = np.ones((ROWS, COLUMNS), np.bool_)
    assert overdue_parts(everything, PICTURE, 1) == [Rect(0, 0, 64, 64)]
    assert overdue_parts(everything, PICTURE, 64 * 64) == [Rect(0, 0, 64, 64)]
    assert len(overdue_parts(everything, PICTURE, 64 * 64 + 1)) == 2


@given(
    st.lists(st.tuples(st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1)), max_size=40),
    st.integers(1, 100_000),
)
def test_round_by_round_all_are_taken_and_none_twice(places: list[tuple[int, int]], pixels: int) -> None:
    overdue = cells(*places)
    rounds = 0
    while overdue.any():
        parts = overdue_parts(overdue, PICTURE, pixels)
        assert parts
        assert sum(part.pixels for part in parts[:-1]) < pixels
        for number, part in enumerate(parts):
            assert PICTURE.contains(part)
            assert not any(part.overlaps(other) for other in parts[:number])
            overdue[part.y // CELL : -(-part.bottom // CELL), part.x // CELL : -(-part.right // CELL)] = False
        rounds += 1
        assert rounds <= 40
