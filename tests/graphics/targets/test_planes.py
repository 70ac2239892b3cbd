"""Which exact parts are planes: photos, also low strips of them that count as text."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.glass import pictures
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import Kind
from pyrdpmux.graphics.commands import Exact
from pyrdpmux.graphics.targets.planes import LOW_PIXELS, has_colors_of_a_photo, is_for_planes

Words = NDArray[np.uint32]


def words_of(frame: NDArray[np.uint8]) -> Words:
    return np.ascontiguousarray(frame).view(np.uint32)[..., 0]


PHOTO = words_of(pictures.photo(6, 600, 1000))
PAGE = words_of(pictures.paper().page(5, 600, 1000))
TERMINAL = words_of(pictures.terminal().page(4, 600, 1000))


@pytest.mark.parametrize("rect", [Rect(0, 300, 900, 3), Rect(40, 20, 4, 500), Rect(7, 9, 1, 400)])
def test_a_strip_of_a_photo(rect: Rect) -> None:
    assert has_colors_of_a_photo(PHOTO[rect.slices])
    assert is_for_planes(Exact(rect, Kind.TEXT), PHOTO)


@pytest.mark.parametrize("page", [PAGE, TERMINAL])
def test_lines_of_text_are_not(page: Words) -> None:
    for y in range(0, 590, 11):
        rect = Rect(0, y, 1000, 11)
        assert not is_for_planes(Exact(rect, Kind.TEXT), page)


def test_large_areas_are_of_their_kind() -> None:
    rect = Rect(0, 0, 1000, 600)
    assert rect.pixels > LOW_PIXELS
    assert not is_for_planes(Exact(rect, Kind.TEXT), PHOTO)
    assert is_for_planes(Exact(rect, Kind.PICTURE), PHOTO)


def test_small_ones_are_not_worth_it() -> None:
    assert not is_for_planes(Exact(Rect(0, 0, 12, 16), Kind.PICTURE), PHOTO)


def test_flat_ones_are_not() -> None:
    assert not is_for_planes(Exact(Rect(0, 0, 100, 100), Kind.FLAT), np.zeros((600, 1000), np.uint32))


def test_few_colors_are_no_photo_however_busy() -> None:
    busy = np.random.default_rng(1).integers(0, 100, (20, 200)).astype(np.uint32)
    assert not has_colors_of_a_photo(busy)
