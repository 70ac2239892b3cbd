"""One console of a QEMU: whether it shows anything."""

import asyncio
from typing import cast

import numpy as np

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.picture.pixel_format import PixelCode
from pyrdpmux.mux.qemu.bus import Connection
from pyrdpmux.mux.qemu.head import Head
from pyrdpmux.mux.qemu.picture import Snapshot
from pyrdpmux.mux.qemu.placeholder import MESSAGES
from tests.mux.qemu.placeholders import placeholder
from tests.mux.support.fake_host import FakeVm, InputNotes

BGRX = int(PixelCode.X8R8G8B8)
NOT_ACTIVE = placeholder(MESSAGES[1], 640, 480)


class Bench:
    """A head whose listener is the test."""

    def __init__(self) -> None:
        self.vm = FakeVm("web", InputNotes())
        self.head = Head(cast(Connection, None), "/c", None, lambda: None, lambda reason: None)

    def scanout(self, words: Words) -> None:
        height, width = words.shape
        self.head.picture.scanout(width, height, width * 4, BGRX, memoryview(words.tobytes()))

    def update(self, rect: Rect, value: int) -> None:
        data = np.full((rect.height, rect.width), value, np.uint32).tobytes()
        self.head.picture.update(rect, rect.width * 4, BGRX, memoryview(data))

    async def take(self, *, is_one_of_many: bool = True) -> Snapshot | None:
        return await self.head.take(self.vm, is_one_of_many=is_one_of_many)


def test_it_is_lit_while_a_guest_draws() -> None:
    async def scenario() -> None:
        bench = Bench()
        assert not bench.head.has_begun
        assert not bench.head.is_lit
        bench.scanout(NOT_ACTIVE)
        await bench.take()
        assert bench.head.has_begun
        assert not bench.head.is_lit
        bench.scanout(np.zeros((600, 800), np.uint32))
        await bench.take()
        assert bench.head.is_lit
        bench.head.picture.disable()
        await bench.take()
        assert (bench.head.is_lit, bench.head.is_off, bench.head.has_begun) == (False, True, True)
        bench.scanout(NOT_ACTIVE)
        await bench.take()
        assert (bench.head.is_lit, bench.head.is_off) == (False, False)
        await bench.head.close()

    asyncio.run(scenario())


def test_what_is_drawn_over_a_placeholder_makes_it_a_picture() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.scanout(NOT_ACTIVE)
        await bench.take()
        bench.update(Rect(3, 4, 5, 6), 0xFF0000)
        await bench.take()
        assert bench.head.is_lit

    asyncio.run(scenario())


def test_nobody_looks_for_placeholders_where_there_is_one_console() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.scanout(NOT_ACTIVE)
        await bench.take(is_one_of_many=False)
        assert bench.head.is_lit

    asyncio.run(scenario())
