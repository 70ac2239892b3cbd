"""Region against a bitmap: the same operations on a set of pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from numpy.typing import NDArray

from pyrdpmux.codec.avc.stream import Rectangle16
from pyrdpmux.codec.rfx.message import Rectangle
from pyrdpmux.geometry import MAX_RECTANGLES, Rect, Region, bounding_box
from pyrdpmux.rdp.pdu.display import InclusiveRectangle
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags

SIDE = 48

rects = st.builds(
    Rect, st.integers(0, SIDE), st.integers(0, SIDE), st.integers(-3, SIDE), st.integers(-3, SIDE)
).map(lambda rect: rect.clip(SIDE, SIDE))


def bitmap(region: Region | list[Rect]) -> NDArray[np.int_]:
    """How often each pixel is covered: 0 or 1, if the rectangles are disjoint."""
    picture = np.zeros((SIDE, SIDE), int)
    for rect in region:
        assert not rect.is_empty
        picture[rect.y : rect.bottom, rect.x : rect.right] += 1
    assert picture.max() <= 1, "rectangles overlap"
    return picture


def union(parts: list[Rect]) -> NDArray[np.int_]:
    picture = np.zeros((SIDE, SIDE), int)
    for rect in parts:
        if not rect.is_empty:
            picture[rect.y : rect.bottom, rect.x : rect.right] = 1
    return picture


@given(st.lists(rects, max_size=12))
def test_union_is_exact(parts: list[Rect]) -> None:
    region = Region(parts)
    expected = union(parts)
    assert (bitmap(region) == expected).all()
    assert region.pixels == expected.sum()
    assert region.is_empty == (not expected.any())
    if expected.any():
        ys, xs = np.nonzero(expected)
        assert region.bounding_box == Rect.from_corners(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


@given(st.lists(st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1)), max_size=600))
@settings(max_examples=30)
def test_many_specks_stay_bounded_and_nothing_is_lost(points: list[tuple[int, int]]) -> None:
    region = Region()
    for x, y in points:
        region.add(Rect(x, y, 1, 1))
        assert len(region) <= MAX_RECTANGLES
    covered = bitmap(region)
    assert all(covered[y, x] for x, y in points)


def test_specks_that_join_exactly_are_not_widened() -> None:
    region = Region(Rect(x, y, 1, 1) for y in range(0, SIDE, 2) for x in range(SIDE))
    assert region.pixels == SIDE * SIDE // 2


@given(st.lists(rects, max_size=10), st.integers(1, 900))
def test_take_hands_out_everything_once_within_the_budget(parts: list[Rect], budget: int) -> None:
    region = Region(parts)
    expected = bitmap(region)
    taken: list[Rect] = []
    while not region.is_empty:
        some = region.take(budget)
        assert 0 < sum(rect.pixels for rect in some) <= budget
        taken += some
    assert (bitmap(taken) == expected).all()
    assert region.take(budget) == []


def test_take_prefers_whole_rows_and_the_oldest() -> None:
    region = Region([Rect(0, 0, 10, 10), Rect(20, 0, 4, 4)])
    assert region.take(35) == [Rect(0, 0, 10, 3)]
    assert region.take(75) == [Rect(0, 3, 10, 7), Rect(20, 0, 4, 1)]
    assert list(region) == [Rect(20, 1, 4, 3)]


@given(st.lists(rects, max_size=8), st.integers(0, SIDE), st.integers(0, SIDE))
def test_clip_keeps_what_is_inside(parts: list[Rect], width: int, height: int) -> None:
    region = Region(parts)
    expected = bitmap(region)
    expected[height:, :] = 0
    expected[:, width:] = 0
    region.clip(width, height)
    assert (bitmap(region) == expected).all()
    region.clear()
    assert region.is_empty


@given(rects, rects)
def test_without_leaves_the_rest(rect: Rect, hole: Rect) -> None:
    expected = union([rect])
    if not hole.is_empty:
        expected[hole.y : hole.bottom, hole.x : hole.right] = 0
    if not rect.is_empty:
        assert (bitmap(rect.without(hole)) == expected).all()


@given(rects, rects)
def test_pairs_of_rectangles(one: Rect, other: Rect) -> None:
    """Of rectangles with pixels, each relation is what sets of pixels say."""
    if one.is_empty or other.is_empty:
        return
    here, there = union([one]), union([other])
    assert one.pixels == here.sum()
    assert one.contains(other) == (there <= here).all()
    both = one.intersection(other)
    assert both.pixels == (here & there).sum()
    assert both.is_empty or (union([both]) == (here & there)).all()
    around = one.union(other)
    ys, xs = np.nonzero(here | there)
    assert around == Rect.from_corners(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    assert bounding_box([one, other]) == around


class RegionMachine(RuleBasedStateMachine):
    """Any sequence of operations, next to the same on a bitmap."""

    def __init__(self) -> None:
        super().__init__()
        self.region = Region()
        self.expected = np.zeros((SIDE, SIDE), int)

    @rule(rect=rects)
    def add(self, rect: Rect) -> None:
        self.region.add(rect)
        self.expected |= union([rect])

    @rule(parts=st.lists(rects, max_size=5))
    def add_all(self, parts: list[Rect]) -> None:
        self.region.add_all(parts)
        self.expected |= union(parts)

    @rule(width=st.integers(0, SIDE), height=st.integers(0, SIDE))
    def clip(self, width: int, height: int) -> None:
        self.region.clip(width, height)
        self.expected[height:] = 0
        self.expected[:, width:] = 0

    @rule(budget=st.integers(1, SIDE * SIDE))
    def take(self, budget: int) -> None:
        taken = bitmap(self.region.take(budget))
        assert (taken <= self.expected).all()
        assert taken.sum() > 0 or not self.expected.any()
        self.expected -= taken

    @rule()
    def clear(self) -> None:
        self.region.clear()
        self.expected[:] = 0

    @invariant()
    def the_same(self) -> None:
        assert (bitmap(self.region) == self.expected).all()
        assert self.region.pixels == self.expected.sum()
        assert self.region.is_empty == (not self.expected.any())
        assert len(self.region) == len(list(self.region)) <= MAX_RECTANGLES


TestRegion = RegionMachine.TestCase
TestRegion.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)


@given(rects, rects)
def test_rectangles_overlap_where_their_intersection_is_not_empty(one: Rect, other: Rect) -> None:
    if not (one.is_empty or other.is_empty):
        assert one.overlaps(other) == other.overlaps(one) == (not one.intersection(other).is_empty)


def test_to_fall_back_to_the_grid_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest announces specks as fast as it likes; each of those that overflow visits one cell, not all."""
    specks = [Rect(61 * number % 8000, 37 * number % 4000, 1, 1) for number in range(5000)]
    count = 0
    intersection = Rect.intersection

    def counting(self: Rect, other: Rect) -> Rect:
        nonlocal count
        count += 1
        return intersection(self, other)

    monkeypatch.setattr(Rect, "intersection", counting)
    worst = 0
    region = Region()
    for speck in specks:
        count = 0
        region.add(speck)
        worst = max(worst, count)
    assert 0 < worst <= 4 * MAX_RECTANGLES


@pytest.mark.parametrize("kind", [InclusiveRectangle, Rectangle, Rectangle16])
@given(rect=rects)
def test_rectangles_of_the_wire(
    kind: type[InclusiveRectangle] | type[Rectangle] | type[Rectangle16], rect: Rect
) -> None:
    """Inclusive and exclusive edges and sizes, there and back."""
    if not rect.is_empty:
        assert kind.of(rect).rect == rect


def test_inclusive_edges() -> None:
    assert InclusiveRectangle.of(Rect(10, 20, 30, 40)) == InclusiveRectangle(10, 20, 39, 59)
    assert Rectangle16.of(Rect(10, 20, 30, 40)) == Rectangle16(10, 20, 40, 60)
    assert InclusiveRectangle(5, 5, 4, 9).rect.is_empty
    bitmap = BitmapData.of(Rect(4, 8, 3, 2), 4, 2, 32, BitmapFlags(0), b"")
    assert (bitmap.left, bitmap.top, bitmap.right, bitmap.bottom) == (4, 8, 6, 9)
    assert bitmap.rect == Rect(4, 8, 3, 2)


def test_slices_are_rows_and_columns() -> None:
    assert Rect(3, 5, 10, 20).slices == (slice(5, 25), slice(3, 13))
