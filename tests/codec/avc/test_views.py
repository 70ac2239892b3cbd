"""The two views against areas B1 to B9 of the specification, and back."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pyrdpmux.codec.avc import views, yuv
from tests.codec import pictures
from tests.codec.reference import avc_views as reference

HEIGHT, WIDTH = 48, 64


def planes(kind: str = "random", seed: int = 0) -> list[NDArray[np.uint8]]:
    return list(yuv.to_yuv444(pictures.picture(HEIGHT, WIDTH, kind, seed)))


def as_dictionary(plane: NDArray[np.uint8]) -> reference.Plane:
    return {(x, y): value for y, line in enumerate(plane.tolist()) for x, value in enumerate(line)}


def test_main_view() -> None:
    y, u, v = planes()
    found = yuv.planes(views.main_view(y, u, v))
    expected = reference.main_view(as_dictionary(y), as_dictionary(u), as_dictionary(v), WIDTH, HEIGHT)
    assert tuple(as_dictionary(plane) for plane in found) == expected


@pytest.mark.parametrize(
    ("split", "slow"),
    [
        (views.auxiliary_view, reference.auxiliary_view),
        (views.auxiliary_view_v2, reference.auxiliary_view_v2),
    ],
)
def test_auxiliary_views(split: Callable[..., Any], slow: Callable[..., Any]) -> None:
    _, u, v = planes()
    found = yuv.planes(split(u, v))
    assert tuple(as_dictionary(plane) for plane in found) == slow(
        as_dictionary(u), as_dictionary(v), WIDTH, HEIGHT
    )


@pytest.mark.parametrize(
    ("split", "combine"),
    [(views.auxiliary_view, views.combined), (views.auxiliary_view_v2, views.combined_v2)],
)
class TestCombination:
    def test_three_of_four_values_are_exact(
        self, split: Callable[..., Any], combine: Callable[..., Any]
    ) -> None:
        y, u, v = planes()
        back = combine(views.main_view(y, u, v), split(u, v))
        assert (back[0] == y).all()
        for before, after in zip((u, v), back[1:], strict=True):
            same = before == after
            assert same[1::2].all()
            assert same[:, 1::2].all()

    def test_the_fourth_is_restored_where_it_differs(
        self, split: Callable[..., Any], combine: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        y, u, v = planes()
        monkeypatch.setattr(views, "THRESHOLD", -1)
        back = combine(views.main_view(y, u, v), split(u, v))
        for before, after in zip((u, v), back[1:], strict=True):
            # the mean is rounded to a quarter's step, four times which is two
            assert abs(before.astype(int) - after).max() <= 2

    def test_small_differences_are_the_mean(
        self, split: Callable[..., Any], combine: Callable[..., Any]
    ) -> None:
        y, u, v = planes("steps")
        main = views.main_view(y, u, v)
        back = combine(main, split(u, v))
        for before, after, mean in zip((u, v), back[1:], yuv.planes(main)[1:], strict=True):
            exact = before[0::2, 0::2].astype(int)
            found = after[0::2, 0::2].astype(int)
            far = abs(exact - mean) > views.THRESHOLD + 2
            near = abs(exact - mean) <= views.THRESHOLD - 2
            assert (found[near] == mean[near]).all()
            assert abs(found[far] - exact[far]).max(initial=0) <= 2

    def test_errors_do_not_wrap(self, split: Callable[..., Any], combine: Callable[..., Any]) -> None:
        extremes = np.random.default_rng(5).choice([0, 255], (2, HEIGHT * 3 // 2, WIDTH)).astype(np.uint8)
        y, u, v = combine(*extremes)
        main = yuv.planes(extremes[0])
        assert (y == main[0]).all()
        for plane, mean in ((u, main[1]), (v, main[2])):
            total = plane[0::2, 1::2].astype(int) + plane[1::2, 0::2] + plane[1::2, 1::2]
            expected = np.clip(4 * mean.astype(int) - total, 0, 255)
            near = abs(expected - mean) <= views.THRESHOLD
            assert (plane[0::2, 0::2] == np.where(near, mean, expected)).all()
