"""Screen: what is written is there, its tiles are newer, and who looks is woken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import MAX_SIDE, Rect
from pyrdpmux.mux.control.diagnostics import PROCESS, memory
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.mux.picture.screen import BAND, BAND_PIXELS, Screen, new_surface


class Notes:
    def __init__(self) -> None:
        self.changes = 0
        self.sizes: list[tuple[int, int]] = []
        self.cursor_changes = 0
        self.positions: list[tuple[int, int]] = []

    def screen_changed(self) -> None:
        self.changes += 1

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


def test_who_looks_is_woken_once_and_finds_the_tiles() -> None:
    screen, notes = Screen(300, 200), Notes()
    screen.subscribe(notes)
    screen.write(Rect(10, 70, 10, 5), block(10, 5))
    screen.write(Rect(250, 70, 1, 1), block(1, 1))
    assert notes.changes == 2
    assert np.argwhere(screen.surface.newer(0)).tolist() == [[1, 0], [1, 3]]
    assert np.argwhere(screen.surface.newer(1)).tolist() == [[1, 3]]


@pytest.mark.parametrize("rect", [Rect(-3, -2, 8, 8), Rect(95, 45, 9, 9), Rect(-5, 10, 200, 4)])
def test_what_lies_outside_is_cut_off(rect: Rect) -> None:
    screen, notes = Screen(100, 50), Notes()
    screen.subscribe(notes)
    screen.write(rect, block(rect.width, rect.height))
    inside = rect.clip(100, 50)
    assert notes.changes == 1
    assert (screen.pixels != 0).sum() == inside.pixels * 4


def test_wholly_outside_is_nothing() -> None:
    screen, notes = Screen(100, 50), Notes()
    screen.subscribe(notes)
    screen.write(Rect(200, 0, 4, 4), block(4, 4))
    assert notes.changes == 0
    assert not screen.surface.newer(0).any()


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
    assert notes.changes == 1
    assert screen.surface.newer(0)[:, 0].tolist() == [True, True, False, False]


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
        st.tuples(st.integers(-20, 199), st.integers(-20, 149), st.integers(1, 90), st.integers(1, 90)),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_is_there_and_its_tiles_are_newer(changes: list[tuple[int, int, int, int]]) -> None:
    screen = Screen(200, 150)
    frame = screen.pixels.copy()
    for value, (x, y, width, height) in enumerate(changes, 1):
        seen, before = screen.surface.version, frame.copy()
        frame[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = value
        screen.write(Rect(x, y, width, height), block(width, height, value))
        differs = np.zeros((192, 256), bool)
        differs[:150, :200] = (frame != before).any(axis=2)
        tiles = differs.reshape(3, 64, 4, 64).any(axis=(1, 3))
        assert (screen.surface.newer(seen) == tiles).all()
    assert (screen.pixels == frame).all()


def test_who_writes_to_the_surface_says_so_afterwards() -> None:
    paintings: list[int] = []
    screen, notes = Screen(100, 50, on_painted=lambda: paintings.append(1)), Notes()
    screen.subscribe(notes)
    surface = screen.surface
    screen.written(surface, [Rect(0, 0, 3, 3), Rect(70, 0, 1, 1)])
    assert surface.newer(0).all()
    assert (notes.changes, len(paintings)) == (1, 1)
    screen.written(surface, [])
    assert (surface.version, notes.changes, len(paintings)) == (1, 1, 2), "a picture, but nothing new in it"
    screen.resize(50, 100)
    screen.written(surface, [Rect(0, 0, 3, 3)])
    assert (surface.version, screen.surface.version, notes.changes) == (1, 0, 1), "that is another one now"


def test_a_picture_that_nobody_looks_at_takes_no_memory() -> None:
    """Neither before it is painted nor after it is released."""

    def resident() -> int:
        return memory(PROCESS)["now"]

    screen, before = Screen(4000, 4000), resident()
    assert before + (32 << 20) > resident()
    screen.surface.words[:] = 1
    assert resident() > before + (48 << 20)
    screen.surface.touch([screen.rect])
    screen.released()
    assert resident() < before + (16 << 20)
    assert (screen.width, screen.height, screen.surface.version) == (4000, 4000, 0)
    assert not screen.pixels[::64, ::64].any()


def test_another_size_ends_a_write() -> None:
    screen, notes = Screen(10, 200), Notes()
    screen.subscribe(notes)
    steps = screen.update_in_steps(screen.rect, lambda band: block(band.width, band.height))
    next(steps)
    screen.resize(20, 200)
    assert list(steps) == []
    assert notes.changes == 0
    assert not screen.surface.newer(0).any()


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
        def screen_changed(self) -> None:
            raise RuntimeError("a bug")

    screen, failing, other = Screen(64, 64), Failing(), Notes()
    screen.subscribe(failing)
    screen.subscribe(other)
    for value in (1, 2):
        screen.write(Rect(0, 0, 2, 2), np.full((2, 2, 4), value, np.uint8))
    assert other.changes == 2
    assert caplog.text.count("could not be told") == 1


def test_another_surface_is_adopted_and_its_size_with_it() -> None:
    paintings: list[int] = []
    screen, notes = Screen(100, 50, on_painted=lambda: paintings.append(1)), Notes()
    screen.subscribe(notes)
    same, other = new_surface(100, 50), new_surface(64, 48)
    for surface in (same, same, other):
        screen.adopt(surface)
        assert screen.surface is surface
    assert (notes.changes, notes.sizes, len(paintings)) == (1, [(64, 48)], 2)


HEADS = (Rect(0, 0, 60, 50), Rect(60, 0, 40, 50))


def test_a_picture_is_one_head() -> None:
    screen = Screen(100, 50)
    assert screen.heads == (Rect(0, 0, 100, 50),)
    screen.adopt(new_surface(100, 50), HEADS[:1])
    assert screen.heads == (Rect(0, 0, 100, 50),), "as large as it is, whatever its head was"


def test_other_heads_are_told_as_another_size_is() -> None:
    screen, notes = Screen(100, 50), Notes()
    screen.subscribe(notes)
    screen.adopt(new_surface(100, 50), HEADS)
    assert (screen.heads, notes.sizes, notes.changes) == (HEADS, [(100, 50)], 0)
    screen.adopt(new_surface(100, 50), HEADS)
    assert (notes.sizes, notes.changes) == ([(100, 50)], 1)
    screen.adopt(screen.surface, HEADS[::-1])
    assert (screen.heads, len(notes.sizes)) == (HEADS[::-1], 2)
    screen.released()
    assert screen.heads == HEADS[::-1], "who comes next is told the same monitors"
    screen.resize(100, 50)
    assert len(screen.heads) == 1
    assert len(notes.sizes) == 3
