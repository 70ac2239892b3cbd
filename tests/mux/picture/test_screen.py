"""Screen: what is written is there, and exactly the change is reported."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import MAX_SIDE, Rect
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.mux.picture.screen import BAND, BAND_PIXELS, MAX_REPORTED, Screen


class Notes:
    def __init__(self) -> None:
        self.damage: list[Rect] = []
        self.sizes: list[tuple[int, int]] = []
        self.cursor_changes = 0
        self.positions: list[tuple[int, int]] = []

    def screen_damaged(self, rects: Sequence[Rect]) -> None:
        self.damage += rects

    def screen_resized(self, width: int, height: int) -> None:
        self.sizes.append((width, height))

    def cursor_changed(self) -> None:
        self.cursor_changes += 1

    def cursor_moved(self, x: int, y: int) -> None:
        self.positions.append((x, y))


def block(width: int, height: int, value: int = 9) -> Pixels:
    return np.full((height, width, 4), value, np.uint8)


def test_a_new_screen_is_black() -> None:
    screen = Screen()
    assert (screen.width, screen.height) == (640, 480)
    assert not screen.pixels.any()


def test_only_the_change_is_reported() -> None:
    screen, notes = Screen(300, 200), Notes()
    screen.subscribe(notes)
    frame = screen.pixels.copy()
    frame[70:75, 10:20, 0] = 1
    frame[70:71, 250:251, 2] = 1
    screen.write(Rect(0, 0, 300, 200), frame)
    assert notes.damage == [Rect(10, 70, 10, 5), Rect(250, 70, 1, 1)]
    assert (screen.pixels == frame).all()
    notes.damage.clear()
    screen.write(Rect(0, 0, 300, 200), frame)
    assert notes.damage == []


def test_full_change_is_one_rectangle() -> None:
    screen, notes = Screen(300, 200), Notes()
    screen.subscribe(notes)
    screen.write(Rect(0, 0, 300, 200), block(300, 200))
    assert notes.damage == [Rect(0, 0, 300, 200)]


def test_two_distant_changes_do_not_hide_a_third() -> None:
    screen, notes = Screen(64, 400), Notes()
    screen.subscribe(notes)
    frame = screen.pixels.copy()
    for row in (3, 150, 390):
        frame[row, 5] = 7
    screen.write(Rect(0, 0, 64, 400), frame)
    assert notes.damage == [Rect(5, 3, 1, 1), Rect(5, 150, 1, 1), Rect(5, 390, 1, 1)]


@pytest.mark.parametrize("rect", [Rect(-3, -2, 8, 8), Rect(95, 45, 9, 9), Rect(-5, 10, 200, 4)])
def test_what_lies_outside_is_cut_off(rect: Rect) -> None:
    screen, notes = Screen(100, 50), Notes()
    screen.subscribe(notes)
    screen.write(rect, block(rect.width, rect.height))
    inside = rect.clip(100, 50)
    assert notes.damage == [inside]
    assert (screen.pixels != 0).sum() == inside.pixels * 4


def test_wholly_outside_is_nothing() -> None:
    screen, notes = Screen(100, 50), Notes()
    screen.subscribe(notes)
    screen.write(Rect(200, 0, 4, 4), block(4, 4))
    assert notes.damage == []


def test_the_wrong_shape_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="shape"):
        Screen(100, 50).write(Rect(0, 0, 3, 3), block(4, 4))


def test_resize_starts_over_and_tells() -> None:
    screen, notes = Screen(100, 50), Notes()
    unsubscribe = screen.subscribe(notes)
    screen.write(Rect(0, 0, 100, 50), block(100, 50))
    screen.resize(100, 50)
    assert notes.sizes == []
    screen.resize(50, 100)
    assert notes.sizes == [(50, 100)]
    assert not screen.pixels.any()
    unsubscribe()
    unsubscribe()
    screen.resize(10, 10)
    assert notes.sizes == [(50, 100)]
    with pytest.raises(ValueError, match="screen"):
        screen.resize(MAX_SIDE + 1, 1)


def test_what_was_fetched_before_a_failure_is_reported() -> None:
    screen, notes = Screen(10, 200), Notes()
    screen.subscribe(notes)
    bands: list[Rect] = []

    def fetch(band: Rect) -> Pixels:
        bands.append(band)
        if band.y > 100:
            raise OSError("gone")
        return block(band.width, band.height)

    with pytest.raises(OSError, match="gone"):
        screen.update(Rect(-5, 0, 12, 500), fetch)
    assert bands == [Rect(0, 0, 7, 64), Rect(0, 64, 7, 64), Rect(0, 128, 7, 64)]
    assert notes.damage == [Rect(0, 0, 7, 128)]


def test_every_painting_is_told_also_one_that_changes_nothing() -> None:
    paintings: list[int] = []
    screen = Screen(10, 10, on_painted=lambda: paintings.append(1))
    screen.write(Rect(0, 0, 1, 1), block(1, 1, 0))
    assert len(paintings) == 1
    screen.resize(20, 10)
    assert len(paintings) == 2


def test_the_pointer_has_a_shape_and_may_be_moved() -> None:
    screen, notes = Screen(100, 50), Notes()
    screen.subscribe(notes)
    assert screen.cursor is CursorState.DEFAULT
    for image in (block(3, 3), block(3, 3), block(3, 3, 8)):
        screen.set_cursor(Cursor(image, 1, 1))
    screen.set_cursor(CursorState.HIDDEN)
    assert notes.cursor_changes == 3
    screen.move_cursor(7, 8)
    screen.move_cursor(-1, 99)
    assert notes.positions == [(7, 8), (0, 49)]


def test_non_contiguous_sources() -> None:
    screen = Screen(20, 10)
    wide = np.arange(10 * 40 * 4, dtype=np.uint8).reshape(10, 40, 4)
    screen.write(Rect(0, 0, 20, 10), wide[:, ::2])
    assert (screen.pixels == wide[:, ::2]).all()
    swapped = wide[:, :20, ::-1]
    screen.write(Rect(0, 0, 20, 10), swapped)
    assert (screen.pixels == swapped).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 199), st.integers(0, 149), st.integers(1, 90), st.integers(1, 90)),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=60)
def test_damage_covers_all_change_tightly(changes: list[tuple[int, int, int, int]]) -> None:
    screen, notes = Screen(200, 150), Notes()
    screen.subscribe(notes)
    frame = screen.pixels.copy()
    for x, y, width, height in changes:
        frame[y : y + height, x : x + width] = 50
    screen.write(Rect(0, 0, 200, 150), frame)
    assert (screen.pixels == frame).all()
    covered = np.zeros((150, 200), int)
    for rect in notes.damage:
        covered[rect.y : rect.bottom, rect.x : rect.right] += 1
        edges = frame[rect.y : rect.bottom, rect.x : rect.right, 0] != 0
        assert edges[0].any()
        assert edges[-1].any()
        assert edges[:, 0].any()
        assert edges[:, -1].any()
    assert covered.max() == 1
    assert (covered[frame[:, :, 0] != 0] == 1).all()


def test_listeners_hear_of_few_rectangles_whatever_has_changed() -> None:
    """Stripes that fit no pattern: thousands of changes, told as the boxes around them."""
    width, height = 1024, 4096
    screen = Screen(width, height)
    notes = Notes()
    screen.subscribe(notes)
    picture = np.zeros((height, width, 4), np.uint8)
    for band in range(height // BAND):
        picture[band * BAND : (band + 1) * BAND, band % 40 :: 66 + band % 3, 0] = 9
    screen.write(screen.rect, picture)
    assert len(notes.damage) <= MAX_REPORTED
    covered = np.zeros((height, width), bool)
    for rect in notes.damage:
        covered[rect.y : rect.bottom, rect.x : rect.right] = True
    assert covered[picture[..., 0] != 0].all()


@pytest.mark.parametrize(("width", "height"), [(1, 8192), (640, 480), (1920, 1080), (8192, 4000)])
def test_a_step_is_not_more_than_a_band(width: int, height: int) -> None:
    sizes: list[int] = []
    rows = np.zeros((BAND, width, 4), np.uint8)

    def fetch(band: Rect) -> Pixels:
        sizes.append(band.pixels)
        return rows[: band.height]

    screen = Screen(width, height)
    steps = sum(1 for _ in screen.update_in_steps(screen.rect, fetch))
    assert steps == len(sizes)
    assert sum(sizes) == width * height
    assert max(sizes) <= BAND_PIXELS


def test_a_listener_that_fails_keeps_nobody_else_from_the_news(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Notes):
        def screen_damaged(self, rects: Sequence[Rect]) -> None:
            raise RuntimeError("a bug")

    screen, failing, other = Screen(64, 64), Failing(), Notes()
    screen.subscribe(failing)
    screen.subscribe(other)
    for value in (1, 2):
        screen.write(Rect(0, 0, 2, 2), np.full((2, 2, 4), value, np.uint8))
    assert len(other.damage) == 2
    assert caplog.text.count("could not be told") == 1
