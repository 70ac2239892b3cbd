"""Masks for the tests of the kernels: any size, from empty to full, in blobs and in specks."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.residual import Mask


@st.composite
def masks(draw: st.DrawFn, largest: int = 150) -> Mask:
    """Blobs and specks, some of them erased again; also as a view with strides."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    mask = (
        np.zeros((height, width * 2), np.bool_)[:, ::2]
        if draw(st.booleans())
        else np.zeros((height, width), bool)
    )
    for _ in range(draw(st.integers(0, 6))):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        w, h = draw(st.integers(1, width)), draw(st.integers(1, height))
        mask[y : y + h, x : x + w] = draw(st.booleans())
    if draw(st.booleans()):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        mask ^= rng.random(mask.shape) < draw(st.sampled_from([0.0005, 0.01, 0.3]))
    return mask


def counted(rects: list[Rect], shape: tuple[int, ...], x: int = 0, y: int = 0) -> NDArray[np.int_]:
    """How many rectangles cover each pixel of an area at (x, y); none may leave it."""
    count = np.zeros(shape, int)
    for rect in rects:
        assert Rect(x, y, shape[1], shape[0]).contains(rect)
        assert not rect.is_empty
        count[rect.y - y : rect.bottom - y, rect.x - x : rect.right - x] += 1
    return count
