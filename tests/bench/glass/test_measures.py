"""Delays and differences."""

import numpy as np
import pytest

from bench.glass.measures import IDENTICAL, delays, lags, percentile, psnr


def test_delays_are_of_what_was_seen() -> None:
    late = delays([10.0, 10.1, 10.2], {0: 1.0, 1: 10.01, 3: 10.25, 4: 99.0})
    assert late.tolist() == pytest.approx([10.0, 50.0])
    assert percentile(late, 50) == pytest.approx(30.0)


def test_nothing_seen_is_no_delay() -> None:
    assert percentile(delays([1.0, 2.0], {0: 0.5}), 95) is None


def test_identical_pictures() -> None:
    picture = np.full((4, 6, 4), 7, np.uint8)
    other = picture.copy()
    other[..., 3] = 200  # nobody sees it
    assert psnr(picture, other) == IDENTICAL


def test_a_difference_of_one_everywhere() -> None:
    picture = np.full((4, 6, 4), 7, np.uint8)
    assert psnr(picture, picture + 1) == pytest.approx(48.13, abs=0.01)


def test_opposites_and_other_sizes() -> None:
    black = np.zeros((4, 6, 4), np.uint8)
    assert psnr(black, ~black) == 0.0
    assert psnr(black, black[:3]) == 0.0


def test_who_is_left_out_is_behind_until_a_later_one_is_seen() -> None:
    found = lags([10.0, 10.1, 10.2, 10.3], {0: 1.0, 1: 10.01, 3: 10.25}, end=12.3)
    assert found.tolist() == pytest.approx([10.0, 150.0, 50.0, 2000.0])
    assert lags([], {}, 1.0).size == 0
