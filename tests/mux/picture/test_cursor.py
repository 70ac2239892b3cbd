import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.color import Pixels
from pyrdpmux.mux.picture.cursor import DOT, MAX_SIDE, Cursor, fit_cursor


def image(width: int, height: int, alpha: int = 255) -> Pixels:
    return np.full((height, width, 4), (10, 20, 30, alpha), np.uint8)


def test_equal_shapes_are_equal() -> None:
    assert Cursor(image(4, 5), 1, 2) == Cursor(image(4, 5), 1, 2)
    others = [Cursor(image(5, 4), 1, 2), Cursor(image(4, 5), 2, 1), Cursor(image(4, 5, alpha=9), 1, 2)]
    assert Cursor(image(4, 5), 1, 2) not in others


def test_a_shape_is_a_copy() -> None:
    pixels = image(2, 2)
    cursor = Cursor(pixels, 0, 0)
    pixels[...] = 0
    assert (cursor.image == image(2, 2)).all()


def test_what_is_too_large_is_cut_off() -> None:
    cursor = Cursor(image(500, 400), 450, -3)
    assert (cursor.width, cursor.height) == (MAX_SIDE, MAX_SIDE)
    assert (cursor.hot_x, cursor.hot_y) == (MAX_SIDE - 1, 0)


@pytest.mark.parametrize("shape", [(0, 4, 4), (4, 0, 4), (4, 4, 3), (4, 4)])
def test_no_shape_at_all_is_the_callers_mistake(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="pointer of shape"):
        Cursor(np.zeros(shape, np.uint8), 0, 0)


def test_blank() -> None:
    assert Cursor(image(4, 4, alpha=0), 0, 0).is_blank
    assert not Cursor(image(4, 4, alpha=1), 0, 0).is_blank


def test_a_shape_that_fits_is_left_alone() -> None:
    fitted = fit_cursor(Cursor(image(32, 20), 3, 4), 32)
    assert (fitted.image == image(32, 20)).all()
    assert (fitted.hot_x, fitted.hot_y) == (3, 4)


def test_clear_margins_go_first() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[40:50, 30:55] = image(25, 10)
    fitted = fit_cursor(Cursor(pixels, 28, 45), 32)
    assert fitted.image.shape == (10, 27, 4)
    assert (fitted.hot_x, fitted.hot_y) == (0, 5)
    assert (fitted.image[:, 2:] == image(25, 10)).all()


def test_the_rest_is_scaled_down() -> None:
    fitted = fit_cursor(Cursor(image(64, 50), 63, 10), 32)
    assert (fitted.image == image(32, 25)).all()
    assert (fitted.hot_x, fitted.hot_y) == (31, 5)


@given(
    st.integers(1, 384),
    st.integers(1, 384),
    st.integers(0, 400),
    st.integers(0, 400),
    st.sampled_from([32, 96, 384]),
)
@settings(max_examples=40)
def test_every_shape_can_be_made_to_fit(width: int, height: int, hot_x: int, hot_y: int, side: int) -> None:
    fitted = fit_cursor(Cursor(image(width, height), hot_x, hot_y), side)
    rows, columns = fitted.image.shape[:2]
    assert 1 <= rows <= side
    assert 1 <= columns <= side
    assert 0 <= fitted.hot_x < columns
    assert 0 <= fitted.hot_y < rows


def test_a_dot_is_seen_on_black_and_on_white() -> None:
    assert (DOT.width, DOT.height, DOT.hot_x, DOT.hot_y) == (5, 5, 2, 2)
    assert DOT.image[2, 2].tolist() == [0, 0, 0, 255]
    assert DOT.image[0, 2].tolist() == DOT.image[2, 0].tolist() == [255, 255, 255, 255]
    assert not DOT.image[0, 0, 3]
