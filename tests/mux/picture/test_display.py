import gc
import weakref

import numpy as np

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.picture.screen import Screen, new_surface
from pyrdpmux.mux.picture.status_card import status_picture


class Notes:
    def __init__(self) -> None:
        self.told: list[object] = []

    def take(self) -> list[object]:
        told, self.told = self.told, []
        return told

    def screen_changed(self) -> None:
        self.told.append("changed")

    def screen_resized(self, width: int, height: int) -> None:
        self.told.append((width, height))

    def cursor_changed(self) -> None:
        self.told.append("cursor")

    def cursor_moved(self, x: int, y: int) -> None:
        self.told.append(f"at {x},{y}")


def make() -> tuple[Screen, Display, Notes]:
    screen, notes = Screen(64, 48), Notes()
    display = Display(screen)
    display.subscribe(notes)
    return screen, display, notes


def paint(screen: Screen, value: int, rect: Rect) -> None:
    screen.write(rect, np.full((rect.height, rect.width, 4), value, np.uint8))


def test_uncovered_it_is_the_screen() -> None:
    screen, display, notes = make()
    paint(screen, 9, Rect(1, 2, 3, 4))
    screen.set_cursor(CursorState.HIDDEN)
    screen.move_cursor(5, 6)
    screen.resize(10, 20)
    assert notes.take() == ["changed", "cursor", "at 5,6", (10, 20)]
    assert display.surface is screen.surface
    assert display.pixels is screen.pixels
    assert (display.width, display.height, display.cursor) == (10, 20, CursorState.HIDDEN)


def test_a_card_hides_the_picture_and_gives_it_back_as_it_is_then() -> None:
    screen, display, notes = make()
    paint(screen, 200, screen.rect)
    notes.take()
    display.cover("vm", "paused")
    assert notes.take() == ["changed"]
    assert display.surface.newer(0).all()
    assert (display.pixels == status_picture(screen.pixels, "vm", "paused")).all()
    paint(screen, 100, Rect(0, 0, 8, 8))
    screen.move_cursor(1, 1)
    assert notes.take() == []
    display.uncover()
    assert notes.take() == ["changed"]
    assert display.surface is screen.surface
    assert display.pixels[0, 0, 0] == 100
    display.uncover()
    assert notes.take() == []


def test_the_same_card_is_told_once() -> None:
    _, display, notes = make()
    display.cover("vm", "paused")
    display.cover("vm", "paused")
    assert len(notes.take()) == 1
    display.cover("vm", "crashed")
    assert len(notes.take()) == 1


def test_the_card_follows_the_size() -> None:
    screen, display, notes = make()
    display.cover("vm")
    notes.take()
    screen.resize(320, 200)
    assert notes.take() == [(320, 200)]
    assert display.is_covered
    assert display.pixels.shape == (200, 320, 4)
    assert display.pixels.any()


def test_over_a_card_there_is_an_arrow() -> None:
    screen, display, notes = make()
    shape = Cursor(np.full((4, 4, 4), 255, np.uint8), 0, 0)
    screen.set_cursor(shape)
    notes.take()
    display.cover("vm")
    assert "cursor" in notes.take()
    assert display.cursor is CursorState.DEFAULT
    screen.set_cursor(CursorState.HIDDEN)
    assert notes.take() == []
    display.uncover()
    assert "cursor" in notes.take()
    assert display.cursor is screen.cursor


def test_nobody_hears_after_leaving() -> None:
    screen = Screen(8, 8)
    display, notes = Display(screen), Notes()
    leave = display.subscribe(notes)
    leave()
    leave()
    display.cover("vm")
    assert notes.told == []


def test_a_card_that_nobody_looks_at_is_not_drawn() -> None:
    """A thousand VMs that wait for their first picture would take two gigabytes for it."""
    screen = Screen()
    display = Display(screen)
    for detail in ("starting", "waiting for its picture"):
        display.cover("vm", detail)
    assert display._covered is None
    assert display.pixels is display.pixels
    assert display.pixels.any()
    display.uncover()
    assert display._covered is None


def test_who_has_closed_it_need_not_wait_for_the_collector() -> None:
    display = Display(Screen(8, 8))
    left = weakref.ref(display), weakref.ref(display.screen)
    display.close()
    display.close()
    gc.disable()
    try:
        del display
        assert [ref() for ref in left] == [None, None]
    finally:
        gc.enable()


def test_a_card_lies_over_all_heads() -> None:
    screen, display, notes = make()
    heads = (Rect(0, 0, 40, 48), Rect(40, 0, 24, 48))
    display.cover("vm", "paused")
    before = display.surface
    notes.take()
    screen.adopt(new_surface(64, 48), heads)
    assert notes.take() == [(64, 48)]
    assert display.heads == heads
    assert display.surface is not before
    assert (display.surface.width, display.surface.height) == (64, 48)
