import numpy as np
import pytest

from pyrdpmux.mux.region import Rect
from pyrdpmux.mux.screen import Screen
from pyrdpmux.mux.status_card import BACKGROUND, BORDER, TEXT, show_status


def test_the_picture_is_dimmed_around_the_card() -> None:
    screen = Screen(640, 480)
    screen.write(Rect(0, 0, 640, 480), np.full((480, 640, 4), (200, 100, 40, 0), np.uint8))
    show_status(screen, "build7", "the VM has stopped")
    assert screen.pixels[0, 0].tolist() == [50, 25, 10, 0]
    colors = {tuple(color) for color in screen.pixels.reshape(-1, 4)[:, :3].tolist()}
    assert colors == {(50, 25, 10), BACKGROUND, BORDER, TEXT}
    ys, xs = np.nonzero((screen.pixels[..., :3] == BORDER).all(axis=2))
    assert (xs.min() + xs.max() + 1) // 2 == 320
    assert (ys.min() + ys.max() + 1) // 2 == 240


@pytest.mark.parametrize("size", [(1, 1), (8, 600), (600, 5), (100, 40)])
def test_any_screen_is_large_enough(size: tuple[int, int]) -> None:
    screen = Screen(*size)
    show_status(screen, "a title that does not fit on it by far", "x" * 1000)
    assert (screen.width, screen.height) == size
