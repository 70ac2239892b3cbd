"""What of a frame goes now where a link does not take all of it, and what pixels are found to cost."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.allotment import LEAST_VIDEO, MIN_LEARNED, MOST_WRONG, Allotment, Way
from pyrdpmux.graphics.surface import TILE
from pyrdpmux.graphics.tally import Step, StepFigures
from tests.graphics.drawings import text

WIDTH, HEIGHT = 640, 400
PAGE = text(WIDTH, HEIGHT)
EVERYTHING = Rect(0, 0, WIDTH, HEIGHT)
ALL = np.ones((HEIGHT, WIDTH), np.bool_)
"""Has changed."""


def begun(room: int | None) -> Allotment:
    allotment = Allotment(WIDTH, HEIGHT, 1.0)
    allotment.begin(room)
    return allotment


def pixels(rects: list[Rect]) -> int:
    return sum(rect.pixels for rect in rects)


def figures(step: Step, size: int) -> dict[Step, StepFigures]:
    return {step: StepFigures(count=1, bytes=size)}


def test_everything_goes_where_there_is_room() -> None:
    for room in (None, 10 << 20):
        assert begun(room).take([EVERYTHING], Way.PICTURE, PAGE, ALL) == ([EVERYTHING], [])


def test_as_much_as_there_is_room_for_in_the_order_of_reading() -> None:
    allotment = begun(150_000)
    now, later = allotment.take([EVERYTHING], Way.PICTURE, PAGE, ALL)
    assert 150_000 - 2.5 * TILE * TILE < 2.5 * pixels(now) <= 150_000
    assert pixels(now) + pixels(later) == EVERYTHING.pixels
    assert now[0] == Rect(0, 0, WIDTH, TILE), "neighbors are one"
    assert [rect.y for rect in now + later] == sorted([rect.y for rect in now + later])


def test_what_is_shown_already_does_not_go_again() -> None:
    """A rectangle around what was left may hold what was brought."""
    changed = ALL.copy()
    changed[:, :320] = False
    now, later = begun(0).take([EVERYTHING], Way.PICTURE, PAGE, changed)
    assert now == [Rect(320, 0, TILE, TILE)]
    assert pixels(now + later) == EVERYTHING.pixels // 2


def test_what_is_left_is_looked_at_with_the_next_frame() -> None:
    allotment = begun(150_000)
    assert not allotment.is_behind
    _, later = allotment.take([EVERYTHING], Way.PICTURE, PAGE, ALL)
    assert allotment.is_behind
    assert allotment.clone().is_behind
    tiles = allotment.resume()
    for rect in later:
        assert tiles[rect.y // TILE, rect.x // TILE : -(-rect.right // TILE)].all()
    assert int(tiles.sum()) * TILE * TILE == pytest.approx(pixels(later), rel=0.2)
    assert not allotment.is_behind
    assert not allotment.resume().any()


def test_something_of_each_kind_goes_in_any_case() -> None:
    allotment = begun(0)
    for way in Way:
        now, later = allotment.take([EVERYTHING], way, PAGE, ALL)
        assert pixels(now) == TILE * TILE
        assert later


def test_it_is_every_parts_turn_however_often_the_first_change() -> None:
    allotment = begun(None)
    shown = np.zeros((HEIGHT, WIDTH), np.int64)
    for _ in range(30):
        allotment.begin(60_000)
        for rect in allotment.take([EVERYTHING], Way.PICTURE, PAGE, ALL)[0]:
            shown[rect.slices] += 1
    assert shown.max() - shown.min() <= 1
    assert shown.min() >= 2


def test_what_one_kind_takes_the_next_has_not() -> None:
    allotment = begun(60_000)
    assert allotment.fits([Rect(0, 0, 150, 150)], Way.PICTURE, PAGE)
    allotment.take([Rect(0, 0, 100, 150)], Way.PICTURE, PAGE, ALL)
    assert not allotment.fits([Rect(0, 0, 150, 150)], Way.PICTURE, PAGE)
    assert allotment.fits([Rect(0, 0, 150, 150)], Way.COARSE, PAGE)


def test_text_costs_what_there_is_of_it() -> None:
    allotment = begun(1000)
    white = np.full((HEIGHT, WIDTH), 0xFFFFFF, np.uint32)
    noise = np.random.default_rng(1).integers(0, 1 << 24, (HEIGHT, WIDTH), dtype=np.uint32)
    area = [Rect(0, 0, 100, 100)]
    assert allotment.fits(area, Way.TEXT, white)
    assert not allotment.fits(area, Way.TEXT, noise)


def test_a_video_has_half_of_it_at_least() -> None:
    assert begun(None).for_video is None
    allotment = begun(100_000)
    assert allotment.for_video == 100_000
    allotment.take([EVERYTHING], Way.PICTURE, PAGE, ALL)
    assert allotment.for_video == 100_000 * LEAST_VIDEO


@pytest.mark.parametrize(
    ("way", "step", "size"),
    [
        (Way.TEXT, Step.TEXT, 20_000),
        (Way.TEXT, Step.TEXT, 120_000),
        (Way.PICTURE, Step.PICTURE, 200_000),
        (Way.PICTURE, Step.PICTURE, 800_000),
        (Way.LOSSY, Step.LOSSY, 20_000),
        (Way.COARSE, Step.LOSSY, 10_000),
        (Way.PICTURE, Step.BITMAPS, 300_000),
        (Way.TEXT, Step.BITMAPS, 100_000),
    ],
)
def test_costs_are_learned(way: Way, step: Step, size: int) -> None:
    """After some frames of a page that costs so much, half of the page fits half of the room."""
    allotment, total = begun(None), 0
    for _ in range(12):
        allotment.begin(None)
        allotment.take([EVERYTHING], way, PAGE, ALL)
        total += size
        allotment.learn(figures(step, total))
    allotment.begin(size // 2)
    now, _ = allotment.take([EVERYTHING], way, PAGE, ALL)
    assert pixels(now) / EVERYTHING.pixels == pytest.approx(0.5, abs=0.1)


def test_nothing_is_learned_from_little_nor_beyond_belief() -> None:
    allotment = begun(None)
    allotment.take([EVERYTHING], Way.PICTURE, PAGE, ALL)
    allotment.learn(figures(Step.PICTURE, MIN_LEARNED - 1))
    allotment.begin(640_000)
    assert allotment.fits([EVERYTHING], Way.PICTURE, PAGE)
    for number in range(1, 20):
        allotment.begin(None)
        allotment.take([Rect(0, 0, 1, 1)], Way.PICTURE, PAGE, ALL)
        allotment.learn(figures(Step.PICTURE, number << 20))
    allotment.begin(round(MOST_WRONG * 2.5 * TILE * TILE) + 1)
    assert allotment.fits([Rect(0, 0, TILE, TILE)], Way.PICTURE, PAGE)


def test_a_copy_goes_on_by_itself() -> None:
    allotment = begun(None)
    allotment.take([EVERYTHING], Way.PICTURE, PAGE, ALL)
    allotment.learn(figures(Step.PICTURE, 100_000))
    copied = allotment.clone()
    for one in (allotment, copied):
        one.begin(400_000)
        assert one.fits([EVERYTHING], Way.PICTURE, PAGE)
    copied.learn(figures(Step.PICTURE, 50_000))
    assert allotment.fits([EVERYTHING], Way.PICTURE, PAGE)


RECTS = st.builds(
    Rect, st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(1, 300), st.integers(1, 300)
)


@given(
    st.lists(RECTS, min_size=1, max_size=1), st.sampled_from(Way), st.integers(0, 100_000), st.integers(1, 5)
)
def test_what_goes_now_and_what_goes_later_is_all_there_is(
    rects: list[Rect], way: Way, room: int, frames: int
) -> None:
    rects = [rect.clip(WIDTH, HEIGHT) for rect in rects]
    allotment = begun(None)
    for _ in range(frames):
        allotment.begin(room)
        now, later = allotment.take(rects, way, PAGE, ALL)
        counted = np.zeros((HEIGHT, WIDTH), np.int64)
        for rect in now + later:
            assert not rect.is_empty
            counted[rect.slices] += 1
        wanted = np.zeros_like(counted)
        for rect in rects:
            wanted[rect.slices] = 1
        assert (counted == wanted).all()
        assert now
        assert all(not one.overlaps(other) for one, other in pairwise(now))
