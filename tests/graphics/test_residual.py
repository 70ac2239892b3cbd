"""Rectangles around changes, against the mask itself; best rectangles against all rectangles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics import residual
from pyrdpmux.graphics.residual import Mask, best_rectangle, changed_mask, changed_rects
from tests.graphics.masks import counted, masks


def assert_good(mask: Mask, rects: list[Rect], x: int, y: int) -> None:
    """Every set pixel is covered, once; every rectangle is the bounding box of what it covers."""
    count = counted(rects, mask.shape, x, y)
    assert count.max(initial=0) <= 1, "rectangles overlap"
    assert (count[mask] == 1).all(), "a pixel is lost"
    for rect in rects:
        inside = mask[rect.y - y : rect.bottom - y, rect.x - x : rect.right - x]
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()


@given(masks(), st.integers(0, 70), st.integers(0, 70), st.sampled_from([1, 2, 7, 128]))
@settings(max_examples=300)
def test_each_changed_pixel_is_in_exactly_one_rectangle(mask: Mask, x: int, y: int, most: int) -> None:
    rects = changed_rects(mask, x, y, max_rects=most)
    assert len(rects) <= most
    assert_good(mask, rects, x, y)


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 3), max_size=60), st.integers(0, 2**31))
def test_rectangles_of_uneven_runs_do_not_overlap(bars: list[tuple[int, int, int]], seed: int) -> None:
    """Runs whose ends creep from row to row, beside others that do."""
    mask = np.zeros((8 * 60, 8 * 48), np.bool_)
    for row, (start, width, second) in enumerate(bars):
        mask[row * 8 + 3, start * 8 : (start + width) * 8] = True
        mask[row * 8 + 5, second * 8 : second * 8 + 9] = True
    assert_good(mask, changed_rects(mask, 0, 0), 0, 0)


def test_two_letters_are_two_exact_rectangles() -> None:
    mask = np.zeros((1080, 1920), np.bool_)
    mask[101:117, 203:210] = True
    mask[501, 1919] = True
    assert changed_rects(mask, 5, 6) == [Rect(208, 107, 7, 16), Rect(1924, 507, 1, 1)]


def test_a_gap_of_three_cells_is_gone_over_and_one_of_four_is_not() -> None:
    mask = np.zeros((8, 80), np.bool_)
    mask[:, :8] = mask[:, 32:40] = True
    assert changed_rects(mask, 0, 0) == [Rect(0, 0, 40, 8)]
    mask[:, 32:40] = False
    mask[:, 40:48] = True
    assert changed_rects(mask, 0, 0) == [Rect(0, 0, 8, 8), Rect(40, 0, 8, 8)]


def test_runs_with_nearly_the_same_ends_are_one_rectangle() -> None:
    """Two such pairs side by side: with open rectangles kept by their ends, one of them was once lost."""
    mask = np.zeros((32, 400), np.bool_)
    mask[0:8, 0:80] = mask[8:16, 16:96] = mask[16:24, 0:80] = True
    mask[0:8, 200:280] = mask[8:16, 184:264] = True
    assert changed_rects(mask, 0, 0) == [Rect(0, 0, 96, 24), Rect(184, 0, 96, 16)]


def test_a_row_without_changes_ends_a_rectangle() -> None:
    mask = np.zeros((24, 16), np.bool_)
    mask[0, 0] = mask[23, 0] = True
    assert changed_rects(mask, 0, 0) == [Rect(0, 0, 1, 1), Rect(0, 23, 1, 1)]


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 9), (64, 65), (1080, 1923)])
def test_full_masks_are_one_rectangle_and_empty_ones_none(shape: tuple[int, int]) -> None:
    assert changed_rects(np.ones(shape, np.bool_), 3, 4) == [Rect(3, 4, shape[1], shape[0])]
    assert changed_rects(np.zeros(shape, np.bool_), 3, 4) == []
    assert changed_rects(np.zeros((0, shape[1]), np.bool_), 3, 4) == []


@pytest.mark.parametrize("share", [1e-6, 1e-4, 3e-3, 0.1])
def test_specks_all_over_a_large_screen_stay_bounded(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    joined = residual._joined

    def counting(runs: list[list[int]], slack: int) -> list[list[int]]:
        seen.append(len(runs))
        return joined(runs, slack)

    monkeypatch.setattr(residual, "_joined", counting)
    mask = np.random.default_rng(1).random((2160, 3840)) < share
    rects = changed_rects(mask, 0, 0, max_rects=50)
    assert len(rects) <= 50
    assert_good(mask, rects, 0, 0)
    assert sum(seen) <= 3 * residual._MAX_RUNS


def test_the_mask_of_changes_is_exact_also_for_views() -> None:
    rng = np.random.default_rng(2)
    before = rng.integers(0, 2**24, (50, 90), dtype=np.uint32)[3:, 5:77]
    now = before.copy()
    now[7, 9] ^= 1
    now[46, 71] ^= 0x800000
    assert np.argwhere(changed_mask(before, now)).tolist() == [[7, 9], [46, 71]]


def brute_force(score: NDArray[np.int8]) -> int:
    height, width = score.shape
    above = np.zeros((height + 1, width + 1), int)
    above[1:, 1:] = score.astype(int).cumsum(0).cumsum(1)
    return max(
        int(above[y2, x2] - above[y1, x2] - above[y2, x1] + above[y1, x1])
        for y1 in range(height)
        for y2 in range(y1 + 1, height + 1)
        for x1 in range(width)
        for x2 in range(x1 + 1, width + 1)
    )


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 999))
def test_the_sum_of_the_best_rectangle_is_its_own_and_never_above_the_true_best(
    height: int, width: int, seed: int
) -> None:
    score = np.random.default_rng(seed).integers(-1, 2, (height, width)).astype(np.int8)
    best = brute_force(score)
    found = best_rectangle(score)
    if found is None:
        assert best <= 0 or score.sum(axis=0).max() <= 0
    else:
        (x, y, w, h), total = found
        assert total == score[y : y + h, x : x + w].sum()
        assert 0 < total <= best


@given(
    st.integers(100, 400), st.integers(100, 400), st.integers(0, 99), st.integers(40, 90), st.integers(40, 90)
)
@settings(max_examples=60)
def test_a_window_in_a_sea_of_mismatches_is_found_to_the_pixel(
    height: int, width: int, seed: int, window_width: int, window_height: int
) -> None:
    """Few pixels of it changed, as of a page of text; in columns of the whole height it would drown."""
    rng = np.random.default_rng(seed)
    score = -(rng.random((height, width)) < 0.7).astype(np.int8)
    x = int(rng.integers(0, width - window_width + 1))
    y = int(rng.integers(0, height - window_height + 1))
    window = (rng.random((window_height, window_width)) < 0.3).astype(np.int8)
    window[[0, -1]], window[:, [0, -1]] = 1, 1
    score[y : y + window_height, x : x + window_width] = window
    found = best_rectangle(score)
    assert found == (Rect(x, y, window_width, window_height), int(window.sum()))


def test_the_better_of_two_windows_is_chosen() -> None:
    score = np.full((600, 900), -1, np.int8)
    score[30:130, 50:200] = 1
    score[300:550, 500:800] = 1
    assert best_rectangle(score) == (Rect(500, 300, 300, 250), 75000)


def test_nothing_to_win_is_no_rectangle_and_flat_margins_are_left_out() -> None:
    assert best_rectangle(np.zeros((0, 5), np.int8)) is None
    assert best_rectangle(np.zeros((5, 5), np.int8)) is None
    assert best_rectangle(np.full((300, 300), -1, np.int8)) is None
    score = np.zeros((300, 300), np.int8)
    score[100:150, 80:90] = 1
    assert best_rectangle(score) == (Rect(80, 100, 10, 50), 500)
