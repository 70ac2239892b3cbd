"""A window is found where it has gone to, by a few of its pixels and in bounded time."""

import numpy as np
import pytest

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics import tracking
from pyrdpmux.graphics.tracking import MAX_PLACES, REACH, SEARCHED, track
from pyrdpmux.graphics.votes import Vector
from tests.graphics import scenes
from tests.graphics.scenes import picture

SIZE = (700, 500)


def desk(x: int, y: int, content: str = "gray text") -> Words:
    """A window over a photo, perhaps in part beyond the edge."""
    frame = picture("photo").copy()
    place = Rect(x, y, *SIZE).clip(frame.shape[1], frame.shape[0])
    page = picture(content)
    frame[place.slices] = page[place.y - y : place.bottom - y, place.x - x : place.right - x]
    return frame


@pytest.mark.parametrize("content", ["gray text", "text", "console", "photo"])
@pytest.mark.parametrize("vector", [(9, -4), (11, -3), (-30, 20), (0, 40), (50, 0), (9 - REACH, REACH - 4)])
def test_a_window_is_found_at_another_speed_and_on_its_way_back(content: str, vector: Vector) -> None:
    before, now = desk(300, 200, content), desk(300 + vector[0], 200 + vector[1], content)
    now |= np.uint32(0xAB000000)
    assert track(before, now, Rect(300, 200, *SIZE), (9, -4)) == vector


def test_a_window_is_found_of_which_a_part_goes_beyond_the_edge() -> None:
    before, now = desk(1300, 690), desk(1340, 720)
    assert track(before, now, Rect(1300, 690, 620, 390), (35, 20)) == (40, 30)


def test_what_stands_still_or_is_out_of_reach_is_not_found() -> None:
    before = desk(300, 200)
    area = Rect(300, 200, *SIZE)
    assert track(before, before, area, (9, -4)) is None
    assert track(before, desk(300 + 9 + REACH + 1, 200), area, (9, -4)) is None
    assert track(before, picture("photo"), area, (9, -4)) is None


@pytest.mark.parametrize("one", list(scenes.STRANGE))
@pytest.mark.parametrize("other", list(scenes.STRANGE))
def test_strange_pictures_are_survived(one: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few anchors are looked for, and few places tried."""
    tried: list[int] = []
    true = tracking._vectors

    def counting(before: Words, now: Words, area: Rect, last: Vector, place: tuple[int, int]) -> list[Vector]:
        found = true(before, now, area, last, place)
        tried.append(len(found))
        return found

    monkeypatch.setattr(tracking, "_vectors", counting)
    for shape in ((1, 1), (1, 9000), (3000, 3), (301, 333)):
        before, now = scenes.STRANGE[one](*shape), np.roll(scenes.STRANGE[other](*shape), 3, axis=1)
        for last in ((3, 0), (-400, 500), (9000, -9000)):
            tried.clear()
            track(before, now, Rect(0, 0, shape[1], shape[0]), last)
            assert len(tried) <= SEARCHED
            assert max(tried, default=0) <= MAX_PLACES
