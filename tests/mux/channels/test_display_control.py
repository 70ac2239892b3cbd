"""Many quick changes of a window's size settle into one wish."""

import asyncio
from collections.abc import Callable
from typing import cast

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.channels.display_control import MAX_WAIT_SECONDS, SETTLE_SECONDS, DisplayControl
from pyrdpmux.mux.picture.heads import Monitor
from pyrdpmux.rdp.channels.display_control.layout import DesktopMonitor
from pyrdpmux.rdp.connection.events import DesktopLayoutRequested


class Clock:
    """As much of an event loop as has the time, and timers that fire when it is moved."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> "Timer":
        timer = Timer(self, when, callback)
        self.timers.append(timer)
        return timer

    def pass_by(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer.when <= end]:
            timer = min(due, key=lambda timer: timer.when)
            self.now = timer.when
            timer.cancel()
            timer.callback()
        self.now = end


class Timer:
    def __init__(self, clock: Clock, when: float, callback: Callable[[], None]) -> None:
        self.clock, self.when, self.callback = clock, when, callback

    def cancel(self) -> None:
        self.clock.timers.remove(self)


class Bench:
    def __init__(self) -> None:
        self.clock = Clock()
        self.wishes: list[tuple[float, tuple[int, int, int]]] = []
        #: of all monitors
        self.layouts: list[tuple[Monitor, ...]] = []
        loop = cast(asyncio.AbstractEventLoop, self.clock)
        self.control = DisplayControl(self._wish, loop)

    def _wish(self, monitors: tuple[Monitor, ...]) -> None:
        (_, _, width, height), scale = monitors[0].area, monitors[0].scale
        self.wishes.append((self.clock.now - 100.0, (width, height, scale)))
        self.layouts.append(monitors)

    def ask(self, width: int, height: int, scale: int = 100) -> None:
        monitor = DesktopMonitor(0, 0, width, height, True, desktop_scale=scale)
        self.control.requested(DesktopLayoutRequested((monitor,)))


def test_one_change_is_one_wish() -> None:
    bench = Bench()
    bench.ask(800, 600, 125)
    bench.clock.pass_by(SETTLE_SECONDS / 2)
    assert bench.wishes == []
    bench.clock.pass_by(10)
    assert bench.wishes == [(SETTLE_SECONDS, (800, 600, 125))]


def test_many_quick_changes_are_one_wish() -> None:
    bench = Bench()
    for step in range(5):
        bench.ask(800 + step, 600)
        bench.clock.pass_by(SETTLE_SECONDS / 2)
    bench.clock.pass_by(10)
    assert [wish for _, wish in bench.wishes] == [(804, 600, 100)]


def test_changes_without_end_are_a_wish_a_second() -> None:
    bench = Bench()
    for step in range(100):
        bench.ask(800 + step, 600)
        bench.clock.pass_by(0.1)
    bench.clock.pass_by(10)
    times = [round(at, 6) for at, _ in bench.wishes]
    assert times[0] == MAX_WAIT_SECONDS
    assert len(times) in (9, 10)
    assert bench.wishes[-1][1] == (899, 600, 100)


def test_of_several_monitors_the_primary_one_comes_first() -> None:
    bench = Bench()
    left = DesktopMonitor(-640, 0, 640, 480, False)
    bench.control.requested(DesktopLayoutRequested((left, DesktopMonitor(0, 0, 1000, 700, True))))
    bench.clock.pass_by(1)
    assert bench.layouts == [(Monitor(Rect(0, 0, 1000, 700)), Monitor(Rect(-640, 0, 640, 480)))]


def test_who_is_gone_wishes_nothing() -> None:
    bench = Bench()
    bench.ask(800, 600)
    bench.control.close()
    bench.control.close()
    bench.clock.pass_by(10)
    assert bench.wishes == []
    assert bench.clock.timers == []
