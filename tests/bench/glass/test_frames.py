"""Moves and patches, as an X server does them."""

import numpy as np

from bench.glass.frames import Frame, Move, Patch, apply
from pyrdpmux.geometry import Rect


def numbered(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.arange(height * width * 4, dtype=np.uint8).reshape(height, width, 4)


def test_a_move_may_overlap() -> None:
    screen = numbered(6, 5)
    before = screen.copy()
    apply(Frame((Move(Rect(0, 1, 5, 5), 0, 0),), ()), screen)
    assert (screen[:5] == before[1:]).all()
    assert (screen[5] == before[5]).all()


def test_patches_come_after_moves() -> None:
    screen = numbered(4, 4)
    corner = screen[0, 0].copy()
    white = np.full((1, 1, 4), 255, np.uint8)
    apply(Frame((Move(Rect(0, 0, 1, 1), 2, 2),), (Patch(0, 0, white),)), screen)
    assert (screen[0, 0] == 255).all()
    assert (screen[2, 2] == corner).all()


def test_rectangles() -> None:
    assert Move(Rect(1, 2, 3, 4), 5, 6).target == Rect(5, 6, 3, 4)
    assert Patch(7, 8, np.zeros((2, 3, 4), np.uint8)).rect == Rect(7, 8, 3, 2)
