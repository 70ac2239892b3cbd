"""The demo VM over its wires, as the daemon runs it."""

import asyncio

import pytest

from pyrdpmux.mux.backend import ResizeSink
from pyrdpmux.mux.demo import DemoBackend
from pyrdpmux.mux.demo.backend import DemoVm
from tests.mux.support.fake_host import FakeHost, FakeVm, until

F2, F8, F10, F12 = 0x3C, 0x42, 0x44, 0x58


class Demo:
    def __init__(self) -> None:
        self.host = FakeHost()
        self.backend = DemoBackend(restart_seconds=0.1)

    async def __aenter__(self) -> "Demo":
        await self.backend.start(self.host)
        await self.settled()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.backend.stop()

    @property
    def console(self) -> FakeVm:
        return self.host.vms["demo"]

    @property
    def vm(self) -> DemoVm:
        assert self.backend.vm is not None
        return self.backend.vm

    def press(self, *scancodes: int) -> None:
        for scancode in scancodes:
            for down in (True, False):
                self.console.input.key(scancode, extended=False, extended1=False, down=down)

    async def settled(self) -> None:
        """What the VM has painted so far has arrived; the next frame comes soon, unless it is paused."""
        await until(lambda: self.backend.vm is not None and self.vm.guest.is_settled)

    async def pause(self) -> None:
        self.press(F10)
        await until(lambda: self.vm.machine.paused)
        await self.settled()
        # The header says so as soon as the input's refresh has run.
        await until(lambda: self._same())

    def _same(self) -> bool:
        """But for the fourth byte, which means nothing."""
        pixels, shown = self.vm.guest.pixels, self.console.screen.pixels
        return pixels.shape == shown.shape and bool((pixels[..., :3] == shown[..., :3]).all())


def test_a_viewer_may_have_the_size_that_it_wants() -> None:
    async def scenario() -> None:
        async with Demo() as demo:
            for asked, given in (
                ((1281, 723), (1281, 723)),
                ((1, 1), (320, 200)),
                ((9999, 9999), (3840, 2160)),
            ):
                sink = demo.console.input
                assert isinstance(sink, ResizeSink)
                sink.request_size(*asked)
                await until(lambda: (demo.console.screen.width, demo.console.screen.height) == given)  # noqa: B023
                await demo.pause()
                await demo.pause()

    asyncio.run(scenario())


def test_the_console_shows_what_is_painted() -> None:
    async def scenario() -> None:
        async with Demo() as demo:
            assert (demo.console.screen.width, demo.console.screen.height) == (1024, 768)
            await demo.pause()
            assert demo.console.screen.pixels.any()
            before = demo.console.screen.pixels.copy()
            demo.press(0x23, 0x17)
            await until(lambda: demo.vm.machine.terminal.line == "hi")
            await until(demo._same)
            assert (demo.console.screen.pixels != before).any()
        assert demo.host.vms == {}

    asyncio.run(scenario())


def test_size_and_format_keys() -> None:
    async def scenario() -> None:
        async with Demo() as demo:
            demo.press(F2)
            await until(lambda: (demo.console.screen.width, demo.console.screen.height) == (800, 600))
            demo.press(F8)
            surface = demo.vm.guest.surface
            await until(lambda: demo.vm.guest.surface is not surface)
            assert demo.vm.guest.surface is not None
            assert demo.vm.guest.surface.format.name == "r5g6b5"
            await demo.settled()

    asyncio.run(scenario())


def test_a_restart_keeps_the_console() -> None:
    async def scenario() -> None:
        async with Demo() as demo:
            console, first = demo.console, demo.vm
            demo.press(0x1E, F12)
            await until(lambda: demo.host.lost == ["demo"])
            await until(lambda: demo.backend.vm not in (None, first))
            await demo.settled()
            assert demo.console is console
            assert demo.vm.machine.terminal.line == ""
            assert demo.host.added == ["demo"] * 2
            assert demo.host.removed == []
            demo.press(0x30)
            await until(lambda: demo.vm.machine.terminal.line == "b")

    asyncio.run(scenario())


def test_a_host_that_refuses_leaves_nothing_behind() -> None:
    class Refusing(FakeHost):
        async def add_vm(self, *_: object, **__: object) -> FakeVm:
            raise OSError("no port")

    async def scenario() -> None:
        with pytest.raises(OSError, match="no port"):
            await DemoBackend().start(Refusing())

    asyncio.run(scenario())


def test_while_nobody_looks_time_stands_still() -> None:
    async def scenario() -> None:
        async with Demo() as demo:
            demo.console.look(False)
            await asyncio.sleep(0)
            frame = demo.vm.machine.frame
            await until(lambda: not demo.vm._is_watched())
            looks = 0

            def counted() -> bool:
                nonlocal looks
                looks += 1
                return demo.backend._is_watched()

            demo.vm._is_watched = counted
            await until(lambda: looks >= 2)
            assert demo.vm.machine.frame <= frame + 1
            demo.console.look(True)
            await until(lambda: demo.vm.machine.frame > frame + 2)

    asyncio.run(scenario())
