"""What a client is sent, how much at a time, and how often it may ask again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from pyrdpmux.mux.console.viewer_painter import (
    MAX_REFRESHED,
    REFRESHES_AT_ONCE,
    REFRESHES_PER_SECOND,
    TILES_PER_STEP,
    ViewerPainter,
)

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.console import viewer_painter
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.net.fair import SLICE_SECONDS, Turn

SIZE = (1024, 768)
EVERYTHING = Rect(0, 0, *SIZE)


class Connection:
    """Notes what it is given to send."""

    def __init__(self) -> None:
        self.is_active = True
        self.sent: list[int] = []
        self.output = None

    def send_bitmaps(self, rectangles: list[Rect]) -> None:
        self.sent.append(len(rectangles))


class Peer:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.turns = 0
        self._clock = clock

    def flush(self) -> None: ...

    async def drained(self) -> None: ...

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        self.turns += 1
        yield Turn(self._clock)


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds_per_step: float = 0.0) -> None:
        self.now = 5.0
        self.connection = Connection()
        self.peer = Peer(lambda: self.now)
        self.display = Display(Screen(*SIZE))
        self.painted: list[Rect] = []
        self.painter = ViewerPainter(cast(Any, self.connection), cast(Any, self.peer))

        def bitmaps_of(pixels: object, tiles: list[Rect], output: object) -> list[Rect]:
            self.now += seconds_per_step
            self.painted += tiles
            return tiles

        monkeypatch.setattr(viewer_painter, "bitmaps_of", bitmaps_of)

    def show(self) -> None:
        self.painter.show(self.display, SIZE, lambda: 0.0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.get_running_loop().create_task(self.painter.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.painter.close()

    @asynccontextmanager
    async def showing(self) -> AsyncIterator[None]:
        """After the first picture, which is not in ``painted``."""
        self.show()
        async with self.running():
            await self.until_done()
            self.painted.clear()
            yield

    async def until_done(self) -> None:
        for _ in range(200):
            await asyncio.sleep(0)

    @property
    def pixels(self) -> int:
        return sum(rect.pixels for rect in self.painted)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await scenario()

    asyncio.run(bounded())


def test_a_picture_is_encoded_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World(monkeypatch, SLICE_SECONDS)
        world.show()
        async with world.running():
            await world.until_done()
        assert world.pixels == EVERYTHING.pixels
        assert max(world.connection.sent) <= TILES_PER_STEP
        assert world.peer.turns == len(world.connection.sent) == 16 * 12 / TILES_PER_STEP

    run(scenario)


def test_nothing_is_painted_before_the_stage_lets_it_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World(monkeypatch)
        async with world.running():
            world.painter.add([EVERYTHING])
            world.painter.refresh([EVERYTHING])
            world.painter.suppress(True)
            world.painter.suppress(False)
            await world.until_done()
            assert world.painted == []
            world.show()
            await world.until_done()
            assert world.pixels == EVERYTHING.pixels
            world.painter.start_over()
            world.painter.add([EVERYTHING])
            await world.until_done()
            assert world.pixels == EVERYTHING.pixels

    run(scenario)


def test_a_flood_of_refreshes_costs_a_few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asks for everything, in many pieces; what is beyond the budget comes later, once."""

    async def scenario() -> None:
        world = World(monkeypatch)
        async with world.showing():
            pieces = [Rect(x, y, 64, 64) for y in range(0, 768, 64) for x in range(0, 1024, 64)]
            for _ in range(200):
                world.painter.refresh(pieces)
                await asyncio.sleep(0)
            await world.until_done()
            assert world.pixels <= REFRESHES_AT_ONCE * EVERYTHING.pixels
            before = world.pixels
            await asyncio.sleep(1.0 / REFRESHES_PER_SECOND)
            await world.until_done()
            assert world.pixels == before + EVERYTHING.pixels, "nothing that was asked for is lost"

    run(scenario)


def test_few_rectangles_are_sent_as_they_are_and_many_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World(monkeypatch)
        async with world.showing():
            world.painter.refresh([Rect(0, 0, 8, 8), Rect(900, 700, 8, 8), Rect(5000, 0, 9, 9)])
            await world.until_done()
            assert world.pixels == 128
            world.painted.clear()
            world.painter.refresh([Rect(64 * n, 0, 8, 8) for n in range(MAX_REFRESHED + 1)])
            await world.until_done()
            assert world.pixels == (64 * MAX_REFRESHED + 8) * 8

    run(scenario)


def test_a_window_that_flickers_costs_a_few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World(monkeypatch)
        async with world.showing():
            for _ in range(200):
                world.painter.suppress(True)
                world.painter.suppress(False)
                await world.until_done()
            assert 0 < world.pixels <= REFRESHES_AT_ONCE * EVERYTHING.pixels * 2

    run(scenario)
