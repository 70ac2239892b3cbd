"""Proposals: from which samples, and by which votes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics import votes
from pyrdpmux.graphics.residual import Mask
from pyrdpmux.graphics.votes import MAX_HITS, PATTERN, agreement, around, take_samples, vertical, vote
from tests.graphics.masks import masks
from tests.graphics.scenes import damage, picture, scroll


@given(masks(), st.integers(0, 9), st.integers(0, 9), st.integers(2, 5), st.integers(1, 30))
@settings(max_examples=200)
def test_samples_are_changed_pixels_with_edges(mask: Mask, x: int, y: int, colors: int, rows: int) -> None:
    height, width = mask.shape
    now = np.random.default_rng(height).integers(0, colors, (height + 9, width + 9), dtype=np.uint32)
    region = Rect(x, y, width, height)
    samples = take_samples(now, mask, region, rows)
    assert len(samples) <= rows * votes.PER_ROW
    for left, line, pixels in zip(samples.x.tolist(), samples.y.tolist(), samples.pixels, strict=True):
        assert region.contains(Rect(left, line, PATTERN, 1))
        assert (now[line, left : left + PATTERN] == pixels).all()
        assert mask[line - y, left + 1 - x]
        assert pixels[0] != pixels[1] != pixels[2]
    assert len(set(samples.y.tolist())) * votes.PER_ROW == len(samples)


def test_samples_are_spread_over_the_width_of_each_line() -> None:
    """A tenth of the line is full of edges, as exposed background is; the rest has few, as text has."""
    now = np.random.default_rng(3).integers(0, 2**24, (100, 1000), dtype=np.uint32)
    mask = np.zeros(now.shape, np.bool_)
    mask[:, :100] = mask[:, 100::25] = True
    samples = take_samples(now, mask, Rect(0, 0, 1000, 100))
    assert np.histogram(samples.x[: votes.ROWS], 3, (0, 1000))[0].min() >= votes.ROWS // 4


@given(st.integers(-40, 40), st.integers(-40, 40))
@settings(max_examples=40, deadline=None)
def test_agreement_counts_the_samples_that_a_vector_brings(dx: int, dy: int) -> None:
    before = picture("photo", 200, 300)
    now = np.roll(before, (dy, dx), (0, 1))
    samples = take_samples(now, np.ones(now.shape, np.bool_), Rect(0, 0, 300, 200))
    shares = agreement(before, samples, [(dx, dy), (dx + 1, dy), (400, 0), (0, -400)])
    x, y = samples.x - dx, samples.y - dy
    inside = (x >= 0) & (x <= 300 - PATTERN) & (y >= 0) & (y < 200)
    assert shares[0] == pytest.approx(inside.mean())
    assert shares[1] < 0.05
    assert shares[2:].tolist() == [0, 0]


@given(st.integers(-30, 30), st.integers(-30, 30))
@settings(max_examples=40, deadline=None)
def test_the_vote_finds_what_is_in_reach(dx: int, dy: int) -> None:
    before = picture("text", 240, 320)
    now = np.roll(before, (dy, dx), (0, 1))
    samples = take_samples(now, before != now, Rect(0, 0, 320, 240))
    if (dx, dy) != (0, 0):
        assert vote(before, samples, 30, 24)[:1] == [(dx, dy)]
        reach = max(abs(dx), abs(dy)) - 1
        assert (dx, dy) not in vote(before, samples, max(reach, 1), 24) or reach < 1


def test_lines_from_top_to_bottom_have_a_vote() -> None:
    """Whoever votes first, there are some of them from the lower half: only that has moved."""
    before = np.random.default_rng(4).integers(0, 2**24, (400, 300), dtype=np.uint32)
    now = before ^ np.uint32(1)
    now[200:] = np.roll(before, (6, -8), (0, 1))[200:]
    samples = take_samples(now, now != before, Rect(0, 0, 300, 400))
    assert vote(before, samples, 30, 8) == [(-8, 6)]


def test_a_pixel_that_is_everywhere_tells_nothing() -> None:
    before = np.zeros((300, 300), np.uint32)
    before[:, ::2] = 0xFFFFFF
    samples = take_samples(np.roll(before, 1, axis=1), np.ones(before.shape, np.bool_), Rect(0, 0, 300, 300))
    assert len(samples)
    assert MAX_HITS < 64 * 64 * 2
    assert vote(before, samples, 64, 16) == []


def test_of_equal_vectors_the_shortest_comes_first() -> None:
    """A pattern that repeats itself could have moved by any of its periods."""
    line = np.random.default_rng(1).integers(0, 2**24, 20, dtype=np.uint32)
    before = np.tile(np.tile(line, 30), (400, 1))
    before[:] += (np.arange(400, dtype=np.uint32) * 7)[:, None]
    now = np.roll(before, 4, axis=1)
    samples = take_samples(now, now != before, Rect(0, 0, 600, 400))
    assert vote(before, samples, 64, 16)[0] == (4, 0)


@pytest.mark.parametrize("step", [5, 300, -432, 700])
def test_vertical_moves_of_any_length_are_found(step: int) -> None:
    before, now = scroll(step)
    mask, region = damage(before, now)
    assert vertical(before, now, region, take_samples(now, mask, region)) == [(0, -step)]


def test_no_vertical_move_is_found_where_there_is_none() -> None:
    for one, other in (("text", "photo"), ("photo", "gray text"), ("noise", "console")):
        before, now = picture(one, 400, 600), picture(other, 400, 600)
        mask, region = damage(before, now)
        assert vertical(before, now, region, take_samples(now, mask, region)) == []
    narrow = picture("text", 200, 20)
    samples = take_samples(narrow, np.ones(narrow.shape, np.bool_), Rect(0, 0, 20, 200))
    assert vertical(narrow, narrow[::-1], Rect(0, 0, 20, 200), samples) == []


def test_around_a_vector_are_its_neighbors_and_never_rest() -> None:
    assert sorted(around((5, 5), 1)) == [(x, y) for x in (4, 5, 6) for y in (4, 5, 6)]
    assert len(around((1, 0), 3)) == 48
