"""Frame comparison against plain numpy on small frames, and on a large one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.codec.compare import TILE, Changes, changed_tiles
from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect
from tests.codec.pictures import picture


def plainly(before: NDArray[np.uint8], now: NDArray[np.uint8], region: Rect | None) -> Changes:
    """The same by definition."""
    height, width = before.shape[:2]
    x, y, w, h = region or (0, 0, width, height)
    different = (before != now).any(axis=2)
    inside = np.zeros_like(different)
    inside[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = True
    different &= inside
    tiles = []
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            cut = slice(top, top + TILE), slice(left, left + TILE)
            if different[cut].any():
                lines, columns = (np.flatnonzero(inside[cut].any(axis=axis)) for axis in (1, 0))
                tiles.append(Rect(left + int(columns[0]), top + int(lines[0]), len(columns), len(lines)))
    if not tiles:
        return Changes([], None)
    lines, columns = (np.flatnonzero(different.any(axis=axis)) for axis in (1, 0))
    left, top = int(columns[0]), int(lines[0])
    return Changes(tiles, Rect(left, top, int(columns[-1]) - left + 1, int(lines[-1]) - top + 1))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 200),
    st.integers(1, 200),
    st.integers(0, 4),
    st.none() | st.builds(Rect, *[st.integers(-10, 210)] * 4),
    st.integers(0, 1 << 16),
)
def test_by_definition(height: int, width: int, count: int, region: Rect | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = picture(height, width, "blocks", seed)
    now = before.copy()
    for y, x, channel in zip(*(rng.integers(0, size, count) for size in (height, width, 4)), strict=True):
        now[y, x, channel] ^= 1 << int(rng.integers(0, 8))
    assert changed_tiles(before, now, region) == plainly(before, now, region)


def test_full_frame() -> None:
    before = picture(1080, 1920, "flat")
    assert changed_tiles(before, before.copy()) == Changes([], None)
    now = before.copy()
    now[[0, 1079], [0, 1919]] ^= 1
    tiles = [Rect(0, 0, 64, 64), Rect(1856, 1024, 64, 56)]
    assert changed_tiles(before, now) == Changes(tiles, Rect(0, 0, 1920, 1080))
    assert changed_tiles(before, ~before).bounds == Rect(0, 0, 1920, 1080)
    assert len(changed_tiles(before, ~before).tiles) == 510


@pytest.mark.parametrize(
    "region", [Rect(0, 0, 0, 5), Rect(70, 3, 5, 5), Rect(-5, -5, 5, 5), Rect(3, 3, -2, 9)]
)
def test_empty_regions(region: Rect) -> None:
    frame = picture(60, 70, "flat")
    assert changed_tiles(frame, ~frame, region) == Changes([], None)


def test_views_of_larger_frames() -> None:
    large = picture(100, 300, "random")
    before, now = large[3:90, 7:150], large[3:90, 7:150].copy()
    now[50, 100] ^= 255
    assert changed_tiles(before, now) == Changes([Rect(64, 0, 64, 64)], Rect(100, 50, 1, 1))
    every_other = large[:, ::2]
    assert changed_tiles(every_other, every_other.copy()).bounds is None
    assert changed_tiles(every_other, ~every_other).bounds == Rect(0, 0, 150, 100)


def test_frames_of_different_sizes() -> None:
    with pytest.raises(EncodeError):
        changed_tiles(picture(4, 4, "flat"), picture(4, 8, "flat"))
