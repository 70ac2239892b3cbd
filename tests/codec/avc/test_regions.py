"""Regions in whole macroblocks, and what AVC444 refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.codec.avc.regions import ChromaRules, aligned_regions
from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect

coordinates = st.integers(-20, 120)
lengths = st.integers(0, 70)
rectangles = st.lists(st.builds(Rect, coordinates, coordinates, lengths, lengths), max_size=6)


def count(rects: list[Rect], width: int, height: int) -> NDArray[np.int64]:
    """How often each pixel of a surface is covered."""
    result = np.zeros((height, width), np.int64)
    for rect in rects:
        inside = rect.clip(width, height)
        if not inside.is_empty:
            result[inside.y : inside.bottom, inside.x : inside.right] += 1
    return result


@given(rectangles, st.integers(1, 100), st.integers(1, 100))
def test_whole_macroblocks_that_are_touched(rects: list[Rect], width: int, height: int) -> None:
    found = aligned_regions(rects, width, height)
    covered = count(found, width, height)
    assert covered.max(initial=0) <= 1
    touched = count(rects, width, height) > 0
    lines, columns = np.ogrid[:height, :width]
    blocks = np.zeros((7, 7), np.bool_)
    np.logical_or.at(blocks, (lines // 16, columns // 16), touched)
    assert (covered == blocks[lines // 16, columns // 16]).all()
    surface = Rect(0, 0, width, height)
    for rect in found:
        assert not rect.is_empty
        assert surface.contains(rect)
        assert rect.x % 16 == rect.y % 16 == 0
        assert rect.right % 16 == 0 or rect.right == width
        assert rect.bottom % 16 == 0 or rect.bottom == height
    if width % 2 == 0:
        ChromaRules(width, height).check(found)


def test_rectangles_are_few() -> None:
    assert aligned_regions([Rect(3, 5, 100, 50), Rect(20, 20, 10, 60)], 1920, 1080) == [
        Rect(0, 0, 112, 64),
        Rect(16, 64, 16, 16),
    ]
    assert aligned_regions([Rect(8, 8, 2, 2), Rect(40, 8, 2, 2)], 50, 20) == [
        Rect(0, 0, 16, 16),
        Rect(32, 0, 16, 16),
    ]
    assert aligned_regions([Rect(0, 1070, 1920, 10)], 1920, 1080) == [Rect(0, 1056, 1920, 24)]


@pytest.mark.parametrize(
    "rect", [Rect(1, 0, 15, 16), Rect(0, 8, 16, 8), Rect(0, 0, 24, 16), Rect(0, 0, 16, 9)]
)
def test_parts_of_macroblocks_are_refused(rect: Rect) -> None:
    with pytest.raises(EncodeError, match="aligned_regions"):
        ChromaRules(64, 48).check([rect])


def test_a_macroblock_is_shown_once() -> None:
    with pytest.raises(EncodeError, match="overlap"):
        ChromaRules(64, 48).check([Rect(0, 0, 32, 32), Rect(16, 16, 32, 32)])


def test_odd_widths_are_refused() -> None:
    with pytest.raises(EncodeError, match="width: 33"):
        ChromaRules(33, 48)
    ChromaRules(34, 47)


def test_color_comes_once_after_luma() -> None:
    rules = ChromaRules(64, 48)
    left, right, both = [Rect(0, 0, 32, 48)], [Rect(32, 0, 32, 48)], [Rect(0, 0, 64, 48)]
    assert rules.needs_luma(both)
    rules.sent(both, luma=True, chroma=False)
    assert not rules.needs_luma(both)
    rules.sent(left, luma=False, chroma=True)
    assert rules.needs_luma(both)
    assert not rules.needs_luma(right)
    rules.sent(right, luma=True, chroma=True)
    assert rules.needs_luma(right)
    rules.sent(left, luma=True, chroma=False)
    assert not rules.needs_luma(left)
    rules.forget()
    assert rules.needs_luma(left)
