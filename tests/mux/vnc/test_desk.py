"""News from a decoding thread to the loop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from pyrdpmux.mux.backend import VmStatus
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.mux.picture.screen import NO_SIGNAL_SIZE, Screen
from pyrdpmux.mux.vnc.desk import PAUSE_SECONDS, Desk, Gone
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.rfb.desktop import ResizeStatus
from pyrdpmux.rfb.events import Connected, LedsChanged, PointerModeChanged, ResizeAnswered
from tests.mux.serving import run
from tests.mux.support.fake_host import FakeVm, until


class WatchedVm(FakeVm):
    """Counts what it is told."""

    told = 0

    def set_leds(self, leds: int) -> None:
        self.told += 1
        super().set_leds(leds)


class Listener:
    """Counts what a screen tells."""

    def __init__(self, vm: FakeVm) -> None:
        self.changes = self.cursors = 0
        self.sizes: list[tuple[int, int]] = []
        vm.screen.subscribe(self)

    def screen_changed(self) -> None:
        self.changes += 1

    def screen_resized(self, width: int, height: int) -> None:
        self.sizes.append((width, height))

    def cursor_changed(self) -> None:
        self.cursors += 1

    def cursor_moved(self, x: int, y: int) -> None: ...


class Scene:
    def __init__(self) -> None:
        self.connections = 0
        self.vm = WatchedVm("vm", VncInput())
        self.listener = Listener(self.vm)
        self.desk = Desk(self.vm, VncInput(), asyncio.get_running_loop(), self._connected)

    def _connected(self) -> None:
        self.connections += 1


def scenario(body: Callable[[Scene], Awaitable[None]]) -> None:
    async def with_scene() -> None:
        await body(Scene())

    run(with_scene)


def news_of(*news: Any) -> dict[Any, Any]:
    return {type(one): one for one in news}


def test_connected() -> None:
    async def body(scene: Scene) -> None:
        scene.vm.screen.set_cursor(CursorState.DEFAULT)
        connected = Connected(80, 60, "a name")
        surface = await asyncio.to_thread(lambda: scene.desk.connect(connected, is_watched=True))
        assert surface is scene.vm.screen.surface
        assert scene.listener.sizes == [(80, 60)]
        assert scene.vm.statuses == [(VmStatus.WAITING, "")]
        assert scene.vm.screen.cursor is CursorState.UNDEFINED
        assert scene.connections == 1

    scenario(body)


def test_a_vm_that_nobody_looks_at_runs_at_once() -> None:
    """Its console calls that running which has a picture, of whatever size."""

    async def body(scene: Scene) -> None:
        painted: list[bool] = []
        scene.vm.screen = Screen(on_painted=lambda: painted.append(True))
        connected = Connected(*NO_SIGNAL_SIZE, "a name")
        await asyncio.to_thread(lambda: scene.desk.connect(connected, is_watched=False))
        assert painted
        assert scene.vm.statuses == [(VmStatus.RUNNING, "")]

    scenario(body)


def test_another_size_is_another_surface() -> None:
    async def body(scene: Scene) -> None:
        before = scene.vm.screen.surface
        surface = await asyncio.to_thread(scene.desk.resize, 80, 60)
        assert surface is scene.vm.screen.surface
        assert surface is not before
        assert await asyncio.to_thread(scene.desk.resize, 0, 60) is surface
        assert scene.desk.take_worked() > 0
        assert scene.desk.take_worked() == 0

    scenario(body)


def test_what_was_painted_shows_that_the_vm_runs() -> None:
    async def body(scene: Scene) -> None:
        for _ in range(2):
            changes = scene.listener.changes
            scene.desk.tell({}, has_painted=True)
            await until(lambda changes=changes: scene.listener.changes == changes + 1)  # type: ignore[misc]
        assert scene.vm.statuses == [(VmStatus.RUNNING, "")], "said once"

    scenario(body)


def test_news() -> None:
    async def body(scene: Scene) -> None:
        cursor = Cursor(np.zeros((2, 2, 4), np.uint8), 1, 1)
        news = news_of(
            cursor, LedsChanged(5), PointerModeChanged(False), ResizeAnswered(ResizeStatus.PROHIBITED)
        )
        scene.desk.tell(news, has_painted=False)
        await until(lambda: scene.vm.leds == 5)
        assert scene.vm.screen.cursor == cursor
        assert not scene.vm.is_absolute
        assert scene.listener.changes == 0
        assert scene.vm.statuses == []

    scenario(body)


def test_a_flood_of_news_is_one_delivery_now_and_one_later() -> None:
    """Whatever a thread tells while the loop is busy, and in the milliseconds after."""

    async def body(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        for leds in range(1000):
            scene.desk.tell(news_of(LedsChanged(leds & 7)), has_painted=True)
        await until(lambda: scene.vm.told > 0)
        assert (scene.vm.told, scene.vm.leds, scene.listener.changes) == (1, 999 & 7, 1)
        delivered = loop.time()
        scene.desk.tell(news_of(LedsChanged(1)), has_painted=True)
        scene.desk.tell(news_of(LedsChanged(2)), has_painted=True)
        await until(lambda: scene.vm.told == 2)
        assert (scene.vm.leds, scene.listener.changes) == (2, 2)
        assert loop.time() > delivered, "not in the same turn"
        assert scene.desk._next >= delivered + PAUSE_SECONDS

    scenario(body)


def test_nothing_to_tell_is_not_told() -> None:
    async def body(scene: Scene) -> None:
        scene.desk.tell({}, has_painted=False)
        assert not scene.desk._is_on_its_way

    scenario(body)


def test_nothing_is_delivered_after_the_end() -> None:
    async def body(scene: Scene) -> None:
        scene.desk.tell(news_of(LedsChanged(1)), has_painted=True)
        scene.desk.close()
        await until(lambda: not scene.desk._is_on_its_way)
        assert (scene.vm.leds, scene.listener.changes) == (None, 0)
        with pytest.raises(Gone):
            await asyncio.to_thread(scene.desk.resize, 80, 60)
        assert scene.listener.sizes == []

    scenario(body)


def test_a_thread_that_waits_for_the_loop_is_let_go() -> None:
    async def body(scene: Scene) -> None:
        waiting = asyncio.get_running_loop().run_in_executor(None, scene.desk.resize, 80, 60)
        while not scene.desk._loop._ready:  # type: ignore[attr-defined]
            pass
        scene.desk.close()
        with pytest.raises(Gone):
            await waiting
        assert scene.listener.sizes == []

    scenario(body)


def test_a_loop_that_is_no_more() -> None:
    desks: list[Desk] = []

    async def body(scene: Scene) -> None:
        desks.append(scene.desk)

    scenario(body)
    with pytest.raises(Gone, match="loop is closed"):
        desks[0].resize(80, 60)
