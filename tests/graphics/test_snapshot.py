"""Band by band, the same as for each pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.codec.color import COLOR_MASK, Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics import snapshot as snapshots
from pyrdpmux.graphics.proofs import Move
from pyrdpmux.graphics.snapshot import Snapshot


@pytest.fixture(autouse=True)
def short_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "BAND_BYTES", 300)


def pictures(width: int, height: int) -> tuple[Words, Words]:
    """What a surface has, with fourth bytes, and what clients show."""
    rng = np.random.default_rng(5)
    source, main = rng.integers(0, 2, (2, height, width), dtype=np.uint32)
    source |= rng.integers(0, 256, source.shape, dtype=np.uint32) << np.uint32(24)
    return source, main


RECTS = [Rect(0, 0, 40, 16), Rect(5, 20, 7, 9), Rect(30, 29, 10, 1)]


def test_what_differs_is_found_in_one_go_as_in_two() -> None:
    source, main = pictures(40, 30)
    main[20:29, 5:12] = source[20:29, 5:12] & COLOR_MASK
    wanted = source & COLOR_MASK
    for is_one in (True, False):
        snapshot = Snapshot(40, 30)
        snapshot.changed[:] = True
        if is_one:
            found = snapshot.take_and_compare(source, main, RECTS)
        else:
            snapshot.take(source, main, RECTS)
            found = snapshot.compare(main, RECTS)
        assert all(any(rect.contains(part) for rect in RECTS) for part in found)
        inside = np.zeros(main.shape, np.bool_)
        for rect in RECTS:
            inside[rect.slices] = True
        assert (snapshot.words == np.where(inside, wanted, 0)).all()
        assert (snapshot.changed == (inside & (wanted != main))).all()
        assert not any(part.overlaps(RECTS[1]) for part in found), "nothing differs there"


@given(
    st.sampled_from([(1, 0), (0, 1), (1, 1), (1, -1)]),
    st.integers(-12, 12),
    st.booleans(),
    st.booleans(),
    st.data(),
)
def test_after_a_move_it_differs_where_a_copy_would(
    way: tuple[int, int], by: int, is_beside: bool, is_far: bool, data: st.DataObject
) -> None:
    """Wherever it leads to, whatever is beside it, and as far as it is worth to compare in place."""
    width, height = 40, 30
    source, main = pictures(width, height)
    dx, dy = way[0] * by, way[1] * by
    limits = Rect(0, 0, width, height).intersection(Rect(dx, dy, width, height))
    left = data.draw(st.integers(limits.x, limits.right - 1))
    top = data.draw(st.integers(limits.y, limits.bottom - 1))
    right = data.draw(st.integers(left + 1, limits.right))
    bottom = data.draw(st.integers(top + 1, limits.bottom))
    target = Rect.from_corners(left, top, right, bottom)
    region = target.union(Rect(data.draw(st.integers(0, left)), data.draw(st.integers(0, top)), 1, 1))
    if not is_beside:
        still = main.copy()
        still[target.slices] = source[target.slices] & COLOR_MASK
        source = still
    move = Move(target.moved(-dx, -dy), target.x, target.y)
    wanted, copied = main.copy(), main.copy()
    copied[target.slices] = main[move.source.slices]
    wanted[region.slices] = source[region.slices] & COLOR_MASK
    snapshot = Snapshot(width, height)
    snapshot.take_and_compare(main, main, [Rect(0, 0, width, height)])
    snapshot.changed[:] = True
    with pytest.MonkeyPatch.context() as patched:
        if is_far:
            patched.setattr(snapshots, "MIN_BAND", 1)
            patched.setattr(snapshots, "NARROW", 2)
        lines = snapshot.take_moved(source, main, region, move)
    changed = (copied != wanted)[region.slices]
    assert (snapshot.changed[region.slices] == changed).all()
    assert (lines == changed.any(axis=1)).all()
    assert (main == wanted).all()
    assert (snapshot.words == wanted).all()


@pytest.mark.parametrize("least", [0, snapshots.MIN_EXCHANGED])
def test_main_becomes_what_was_taken_and_its_pixels_are_our_own_when_they_have_to_be(
    least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MIN_EXCHANGED", least)
    source, main = pictures(40, 30)
    main[:] = source & COLOR_MASK
    snapshot = Snapshot(40, 30)
    snapshot.take_and_compare(source, main, [Rect(0, 0, 40, 30)])
    source[2:10, 5:20] ^= 1
    snapshot.take_and_compare(source, main, [Rect(5, 2, 15, 4), Rect(5, 6, 15, 4)])
    main[20:25, 30:] = 9
    shown = snapshot.become_main(main, [Rect(30, 20, 10, 5)])
    wanted = source & COLOR_MASK
    assert (shown is snapshot.words) == (not least)
    assert (shown == wanted).all()
    assert snapshot.become_main(shown) is shown
    source[4:8] ^= 3
    assert snapshot.take_and_compare(source, shown, [Rect(0, 4, 40, 4)]) == [Rect(0, 4, 40, 4)]
    assert (shown == wanted).all(), "until it is told to become that"
    shown[:] = 7
    assert (snapshot.words == source & COLOR_MASK).all()


@pytest.mark.parametrize("most", [0, snapshots.MAX_PAIRS])
def test_what_is_missing_is_copied_however_many_rectangles_it_is(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MAX_PAIRS", most)
    monkeypatch.setattr(snapshots, "MIN_EXCHANGED", 0)
    source, main = pictures(40, 30)
    snapshot = Snapshot(40, 30)
    snapshot.take_and_compare(source, main, [Rect(0, 0, 40, 15), Rect(0, 15, 40, 15)])
    shown = snapshot.become_main(main)
    source[3:20, 3:20] ^= 1
    snapshot.take_and_compare(source, shown, [Rect(3, 3, 17, 10), Rect(3, 13, 17, 7)])
    shown[:] = 7
    assert (snapshot.words == source & COLOR_MASK).all()


def test_after_a_move_it_is_independent_of_main_again_when_it_has_to_be() -> None:
    source, main = pictures(40, 30)
    main[:] = source & COLOR_MASK
    region = Rect(0, 2, 40, 20)
    snapshot = Snapshot(40, 30)
    snapshot.take_and_compare(source, main, [Rect(0, 0, 40, 30)])
    source[2:10] ^= 1
    wanted = source & COLOR_MASK
    snapshot.take_moved(source, main, region, Move(Rect(0, 6, 40, 16), 0, 2))
    copy = snapshot.clone(main)
    snapshot.take_moved(source, main, Rect(0, 10, 40, 20), Move(Rect(0, 14, 40, 16), 0, 10))
    source[4:8] ^= 3
    assert snapshot.take_and_compare(source, main, [Rect(0, 4, 40, 4)]) == [Rect(0, 4, 40, 4)]
    main[:] = 7
    assert (copy.words == wanted).all()
    assert (snapshot.words == source & COLOR_MASK).all()


@given(st.integers(-6, 6), st.integers(-6, 6), st.booleans())
def test_after_the_move_of_a_window_what_lies_apart_from_it_is_taken_too(
    dx: int, dy: int, is_changed: bool
) -> None:
    """It is told where that is; in between, the mask has nothing of what was compared before."""
    width, height = 60, 40
    source, main = pictures(width, height)
    window, clock = Rect(30, 16, 16, 14), Rect(2, 1, 8, 4)
    move = Move(window, window.x + dx, window.y + dy)
    rects = [Rect(0, 0, 12, 6), Rect(20, 8, 40, 30)]
    still = main.copy()
    for rect in (move.room, *([clock] if is_changed else [])):
        still[rect.slices] = source[rect.slices] & COLOR_MASK
    copied, wanted = main.copy(), still
    copied[move.destination.slices] = main[window.slices]
    snapshot = Snapshot(width, height)
    snapshot.take_and_compare(main, main, [Rect(0, 0, width, height)])
    snapshot.changed[:] = True
    taken = still | np.uint32(0x55000000)
    found = snapshot.take_predicted(taken, main, rects, move, True).places
    assert found[0] == move.room
    assert all(clock.contains(rect) for rect in found[1:])
    assert len(found) == 1 + is_changed
    box = Rect.from_corners(
        min(rect.x for rect in found),
        min(rect.y for rect in found),
        max(rect.right for rect in found),
        max(rect.bottom for rect in found),
    )
    assert (snapshot.changed[box.slices] == (copied != wanted)[box.slices]).all()
    assert (main == wanted).all()
    assert snapshot.words is main
    snapshot.part_from(main)
    assert (snapshot.words == wanted).all()
