"""Comparison in long rows: the same as pixel by pixel."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.rows import differences


@given(st.integers(1, 40), st.integers(1, 40), st.integers(-40, 40), st.integers(-40, 40), st.data())
def test_differences_are_those_of_each_pixel(
    width: int, height: int, dx: int, dy: int, data: st.DataObject
) -> None:
    """Wide and narrow parts, also at the very ends of the pictures."""
    rng = np.random.default_rng(3)
    now, before = rng.integers(0, 3, (2, height, width), dtype=np.uint32)
    limits = Rect(0, 0, width, height).intersection(Rect(dx, dy, width, height))
    if limits.is_empty:
        return
    x, y = (
        data.draw(st.integers(limits.x, limits.right - 1)),
        data.draw(st.integers(limits.y, limits.bottom - 1)),
    )
    area = Rect.from_corners(
        x, y, data.draw(st.integers(x + 1, limits.right)), data.draw(st.integers(y + 1, limits.bottom))
    )
    wanted = now[area.slices] != before[area.moved(-dx, -dy).slices]
    assert (differences(now, before, area, dx, dy) == wanted).all()
    out = np.zeros(now.shape, np.bool_)
    assert (differences(now, before, area, dx, dy, out) == wanted).all()
    assert (out[area.slices] == wanted).all()
    assert not out[: area.y].any()
    assert not out[area.bottom :].any()
