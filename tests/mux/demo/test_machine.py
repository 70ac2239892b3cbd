"""The demo VM without wires: every key, every mode, and a picture that is what it says it changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.color import Pixels
from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.demo.machine import CODES, SIZES, TRAIL_FRAMES, Machine
from pyrdpmux.mux.picture.pixel_format import PixelCode

F1, F6, F10, F12, ENTER = 0x3B, 0x40, 0x44, 0x58, 0x1C


class Display:
    """A viewer's copy: only what the machine reports as changed is copied."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.pixels = self._attach()
        self.copy = self.pixels.copy()

    def _attach(self) -> Pixels:
        mode = self.machine.mode
        pixels = np.zeros((mode.height, mode.width, 4), np.uint8)
        self.machine.attach(pixels)
        return pixels

    def refresh(self) -> int:
        """Returns how many pixels were reported."""
        mode = self.machine.mode
        if self.pixels.shape[:2] != (mode.height, mode.width):
            self.pixels = self._attach()
            self.copy = self.pixels.copy()
        changed = self.machine.paint()
        for rect in changed:
            part = np.s_[rect.y : rect.bottom, rect.x : rect.right]
            self.copy[part] = self.pixels[part]
        assert (self.copy == self.pixels).all()
        return sum(rect.pixels for rect in changed)


def press(machine: Machine, *scancodes: int) -> None:
    for scancode in scancodes:
        for down in (True, False):
            machine.key(scancode, extended=False, extended1=False, down=down)


def test_typing_is_echoed() -> None:
    machine = Machine()
    display = Display(machine)
    display.refresh()
    press(machine, 0x23, 0x17)
    assert machine.terminal.line == "hi"
    assert machine.last_event == "key 17 up"
    before = display.copy.copy()
    assert 0 < display.refresh() < 60_000
    assert (display.copy != before).any()
    press(machine, ENTER)
    assert machine.terminal.line == ""
    machine.key(0x48, extended=True, extended1=False, down=True)
    assert machine.last_event == "key E0 48 down"


@pytest.mark.parametrize("number", range(5))
def test_sizes(number: int) -> None:
    machine = Machine()
    press(machine, F1 + number)
    assert (machine.mode.width, machine.mode.height) == list(SIZES.values())[number]
    display = Display(machine)
    assert display.refresh() == machine.mode.width * machine.mode.height
    assert display.pixels[..., :3].any(axis=2).mean() > 0.8, "most of the picture has some color"


@pytest.mark.parametrize("number", range(4))
def test_formats(number: int) -> None:
    machine = Machine()
    press(machine, F6 + number)
    assert machine.mode.code is list(CODES.values())[number]
    assert len(set(CODES.values())) == 4
    assert PixelCode.X8R8G8B8 in CODES.values()


def test_paused_it_stands_still_but_answers() -> None:
    machine = Machine()
    display = Display(machine)
    machine.pointer(300, 300)
    press(machine, F10)
    display.refresh()
    for _ in range(30):
        machine.tick()
        assert display.refresh() == 0
    press(machine, 0x1E)
    assert display.refresh() > 0
    press(machine, F10)
    machine.tick()
    assert 0 < display.refresh() < 200_000


def test_the_trail_follows_and_fades() -> None:
    machine = Machine()
    display = Display(machine)
    display.refresh()
    empty = display.copy[200:440, 50:350].copy()
    for step in range(10):
        machine.pointer(100 + 20 * step, 300)
    display.refresh()
    assert (display.copy[200:440, 50:350] != empty).any()
    for _ in range(TRAIL_FRAMES + 1):
        machine.tick()
    display.refresh()
    assert (display.copy[200:440, 50:350] == empty).all()


def test_buttons_and_wheel_show() -> None:
    machine = Machine()
    display = Display(machine)
    display.refresh()
    for button in (Button.LEFT, Button.RIGHT, Button.MIDDLE, Button.X1):
        machine.button(button, down=True, x=9, y=8)
        assert display.refresh() > 0
    assert machine.pressed == {Button.LEFT, Button.RIGHT, Button.MIDDLE, Button.X1}
    machine.button(Button.LEFT, down=False, x=9, y=8)
    assert Button.LEFT not in machine.pressed
    machine.wheel(-120, horizontal=False, x=9, y=8)
    assert machine.rolled == -120
    assert display.refresh() > 0


def test_the_wheel_looks_back() -> None:
    machine = Machine()
    press(machine, *[ENTER] * 60)
    assert machine.terminal.screen(60, 5)[1] is not None
    machine.wheel(60, horizontal=False, x=0, y=0)
    assert machine.terminal.screen(60, 5)[1] is not None, "half a notch"
    machine.wheel(60, horizontal=False, x=0, y=0)
    assert machine.terminal.screen(60, 5)[1] is None, "the cursor is below"
    press(machine, 0x1E)
    assert machine.terminal.screen(60, 5)[1] is not None


def test_a_restart_is_asked_for() -> None:
    machine = Machine()
    press(machine, F12)
    assert machine.restart_wanted


steps = st.one_of(
    st.tuples(st.just("key"), st.integers(0, 255), st.booleans(), st.booleans()),
    st.tuples(st.just("pointer"), st.integers(0, 65535), st.integers(0, 65535)),
    st.tuples(st.just("wheel"), st.integers(-256, 255), st.booleans()),
    st.tuples(st.just("tick")),
)


@given(st.lists(steps, max_size=25))
@settings(max_examples=15, deadline=None)
def test_what_it_reports_is_what_changes(actions: list[tuple[str, int, int, int]]) -> None:
    machine = Machine()
    press(machine, F1)
    display = Display(machine)
    for action in actions:
        match action:
            case ("key", scancode, extended, down):
                machine.key(scancode, extended=bool(extended), extended1=False, down=bool(down))
            case ("pointer", x, y):
                machine.pointer(x, y)
            case ("wheel", rotation, horizontal):
                machine.wheel(rotation, horizontal=bool(horizontal), x=0, y=0)
            case _:
                machine.tick()
        display.refresh()
