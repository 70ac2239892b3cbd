import numpy as np
import pytest

from pyrdpmux.mux.picture.font import CELL_WIDTH
from pyrdpmux.mux.picture.status_card import BACKGROUND, BORDER, MAX_DIMMED, TEXT, status_picture


def test_the_picture_is_dimmed_around_the_card() -> None:
    picture = np.full((480, 640, 4), (200, 100, 40, 0), np.uint8)
    card = status_picture(picture, "build7", "the VM has stopped")
    assert (picture == (200, 100, 40, 0)).all()
    assert card[0, 0].tolist() == [50, 25, 10, 0]
    colors = {tuple(color) for color in card.reshape(-1, 4)[:, :3].tolist()}
    assert colors == {(50, 25, 10), BACKGROUND, BORDER, TEXT}
    ys, xs = np.nonzero((card[..., :3] == BORDER).all(axis=2))
    assert (xs.min() + xs.max() + 1) // 2 == 320
    assert (ys.min() + ys.max() + 1) // 2 == 240


@pytest.mark.parametrize(("width", "scale"), [(399, 1), (400, 2), (1920, 2)])
def test_as_much_text_is_shown_as_there_is_room_for(width: int, scale: int) -> None:
    """Two cells of room on either side; the last character that fits is there, the next one is not."""
    room = width // (CELL_WIDTH * scale) - 4
    picture = np.zeros((480, width, 4), np.uint8)

    def lit(text: str) -> int:
        return int((status_picture(picture, text)[..., :3] == TEXT).all(axis=2).sum())

    one = lit("W")
    assert one > 0
    assert lit("W" * room) == room * one
    assert lit("W" * (room + 5)) == room * one


@pytest.mark.parametrize("size", [(1, 1), (8, 600), (600, 5), (100, 40)])
def test_any_screen_is_large_enough(size: tuple[int, int]) -> None:
    picture = np.zeros((size[1], size[0], 4), np.uint8)
    assert (
        status_picture(picture, "a title that does not fit on it by far", "x" * 1000).shape == picture.shape
    )


def test_a_huge_picture_is_not_dimmed_but_black() -> None:
    """Its VM may have a bad moment often."""
    picture = np.full((MAX_DIMMED // 4096 + 1, 4096, 4), 200, np.uint8)
    card = status_picture(picture, "build7", "lost")
    assert card.shape == picture.shape
    assert card[0, 0].tolist() == [0, 0, 0, 0]
    assert (card == (*TEXT, 0)).all(axis=2).any()
