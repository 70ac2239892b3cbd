"""Where heads lie in a picture, and how they get there."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.geometry import MAX_PIXELS, MAX_SIDE, Rect, bounding_box
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.picture.heads import (
    MAX_HEADS,
    Composite,
    Monitor,
    arranged,
    fit_a_desktop,
    head_under,
    normalized,
)


def test_side_by_side() -> None:
    assert arranged([(800, 600), (640, 480)]) == (Rect(0, 0, 800, 600), Rect(800, 0, 640, 480))


def test_as_they_were_wanted() -> None:
    wanted = [Rect(0, 0, 800, 600), Rect(-640, 120, 640, 480)]
    assert arranged([(800, 600), (640, 480)], wanted) == (Rect(640, 0, 800, 600), Rect(0, 120, 640, 480))


def test_a_driver_may_round() -> None:
    wanted = [Rect(0, 0, 1366, 768), Rect(0, 768, 1366, 768)]
    sizes = [(1360, 768), (1360, 768)]
    assert arranged(sizes, wanted) == (Rect(0, 0, 1360, 768), Rect(0, 768, 1360, 768))


@pytest.mark.parametrize(
    "wanted",
    [
        [Rect(0, 0, 800, 600)],
        [Rect(640, 0, 800, 600), Rect(0, 0, 632, 480)],  # larger than wanted: they would overlap
        [Rect(640, 0, 1024, 600), Rect(0, 0, 640, 480)],  # a hole between them
        [Rect(0, 0, 800, 600), Rect(8000, 8000, 640, 480)],  # too large for a desktop
    ],
)
def test_what_is_not_as_wanted_lies_in_a_row(wanted: list[Rect]) -> None:
    assert arranged([(800, 600), (640, 480)], wanted) == (Rect(0, 0, 800, 600), Rect(800, 0, 640, 480))


def test_sixteen_full_hd_heads_fit() -> None:
    areas = arranged([(1920, 1080)] * MAX_HEADS)
    assert len(areas) == MAX_HEADS
    assert bounding_box(areas) == Rect(0, 0, 7680, 4320)


SIZES = st.tuples(st.integers(1, MAX_SIDE), st.integers(1, MAX_SIDE)).filter(
    lambda size: size[0] * size[1] <= MAX_PIXELS
)
AREAS = st.builds(Rect, *[st.integers(-9000, 9000)] * 2, *[st.integers(1, MAX_SIDE)] * 2)


@given(st.lists(SIZES, min_size=1, max_size=20))
def test_whatever_heads_there_are(sizes: list[tuple[int, int]]) -> None:
    areas = arranged(sizes)
    assert 1 <= len(areas) <= min(len(sizes), MAX_HEADS)
    assert fit_a_desktop(areas)
    assert not any(one.overlaps(other) for one, other in combinations(areas, 2))
    assert [area[2:] for area in areas] == sizes[: len(areas)]
    assert bounding_box(areas)[:2] == (0, 0)


def test_monitors_may_lie_anywhere() -> None:
    assert normalized([Rect(-5, 7, 10, 20), Rect(5, -3, 1, 1)]) == (Rect(0, 10, 10, 20), Rect(10, 0, 1, 1))


def test_what_fits_no_desktop() -> None:
    assert fit_a_desktop([Rect(0, 0, 4096, 8192 - 92)])
    assert not fit_a_desktop([Rect(0, 0, 8000, 8000)])
    assert not fit_a_desktop([Rect(0, 0, 100, 100), Rect(8100, 0, 100, 100)])


def test_a_monitor_says_what_it_is() -> None:
    assert str(Monitor(Rect(-1920, 0, 1920, 1080), 150)) == "1920x1080-1920+0 at 150 %"


def surface(width: int, height: int, value: int) -> Surface:
    made = Surface(width, height)
    made.words[...] = value
    return made


def test_what_is_new_of_a_head_comes_to_its_place() -> None:
    composite = Composite((Rect(0, 0, 8, 6), Rect(8, 2, 4, 3)))
    assert (composite.surface.width, composite.surface.height) == (12, 6)
    assert composite.copy(1, surface(4, 3, 5), [Rect(1, 1, 2, 9), Rect(9, 9, 1, 1)]) == [Rect(9, 3, 2, 2)]
    expected = np.zeros((6, 12), np.uint32)
    expected[3:5, 9:11] = 5
    assert (composite.surface.words == expected).all()
    assert composite.copy(0, surface(8, 6, 7), [Rect(0, 0, 8, 6)]) == [Rect(0, 0, 8, 6)]
    expected[:, :8] = 7
    assert (composite.surface.words == expected).all()


def test_a_head_that_is_larger_meanwhile_paints_no_other() -> None:
    composite = Composite((Rect(0, 0, 4, 4), Rect(4, 0, 4, 4)))
    assert composite.copy(0, surface(6, 6, 9), [Rect(0, 0, 6, 6)]) == [Rect(0, 0, 4, 4)]
    assert not composite.surface.words[:, 4:].any()


def test_who_is_under_the_pointer() -> None:
    heads = [Rect(0, 0, 800, 600), Rect(800, 100, 640, 480)]
    assert head_under(heads, 799, 599) == 0
    assert head_under(heads, 800, 100) == 1
    assert head_under(heads, 1400, 10) == 1
    assert head_under(heads, 805, 0) == 0
    assert head_under(heads, -5000, 9) == 0
