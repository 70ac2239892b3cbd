import pytest

from pyrdpmux.mux.input.wheel import WheelClicks


@pytest.mark.parametrize(
    ("rotations", "clicks"),
    [
        ([120, -120, -240], [1, -1, -2]),
        ([50, 50, 50, 80], [0, 0, 1, 0]),
        ([50, 50, 50, 90], [0, 0, 1, 1]),
        ([80, -100, -30], [0, 0, -1]),
        ([-60, -60, 60, 60], [0, -1, 0, 1]),
        ([0], [0]),
        ([99999, -99999], [8, -8]),
    ],
)
def test_notches(rotations: list[int], clicks: list[int]) -> None:
    wheel = WheelClicks()
    assert [wheel.turn(rotation, horizontal=False) for rotation in rotations] == clicks


def test_the_wheels_do_not_mix() -> None:
    wheel = WheelClicks()
    assert wheel.turn(100, horizontal=False) == 0
    assert wheel.turn(100, horizontal=True) == 0
    assert wheel.turn(20, horizontal=False) == 1
