"""The demo VM as a backend: a guest and the server's end of its wire, in one process."""

import asyncio
import os
import secrets
from collections.abc import Callable
from typing import Final

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.backend import Button, VmHost
from pyrdpmux.mux.demo.machine import FRAME_SECONDS, Machine, Mode
from pyrdpmux.mux.guest import Guest, GuestInput
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.mux.picture.pixel_format import pixel_format
from pyrdpmux.net.tasks import TaskSet

RESTART_SECONDS: Final = 2.0

UNWATCHED_SECONDS: Final = 0.1
"""Between two looks at whether anybody looks."""


class DemoVm(GuestInput):
    """Runs a :class:`Machine` behind a :class:`Guest`: paints at once after input, and frame by frame."""

    def __init__(
        self, vm_id: int, is_watched: Callable[[], bool] = lambda: True, *, is_busy: bool = True
    ) -> None:
        """``is_watched``: whether anybody looks; its time stands still while nobody does."""
        self._is_watched = is_watched
        self.machine = Machine(is_busy=is_busy)
        self.guest = Guest(self, vm_id=vm_id)
        self._shown: Mode | None = None
        self._loop = asyncio.get_running_loop()
        self._refreshing: asyncio.Handle | None = None

    async def run(self) -> None:
        """Until a restart is asked for."""
        while not self.machine.restart_wanted:
            if self._is_watched() or self._shown is None:
                self.machine.tick()
                self.refresh()
                await asyncio.sleep(FRAME_SECONDS)
            else:
                await asyncio.sleep(UNWATCHED_SECONDS)

    async def close(self, *, vanish: bool = False) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
        await self.guest.close(vanish=vanish)

    def refresh(self) -> None:
        """Show what the machine looks like now."""
        self._refreshing = None
        mode = self.machine.mode
        if mode != self._shown:
            self._shown = mode
            self.guest.switch(pixel_format(mode.code), mode.width, mode.height)
            self.machine.attach(self.guest.pixels)
        for rect in self.machine.paint():
            self.guest.update(rect)

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        self.machine.key(scancode, extended=extended, extended1=extended1, down=down)
        self._refresh_soon()

    def pointer(self, x: int, y: int) -> None:
        self.machine.pointer(x, y)
        self._refresh_soon()

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        self.machine.button(button, down=down, x=x, y=y)
        self._refresh_soon()

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        self.machine.wheel(rotation, horizontal=horizontal, x=x, y=y)
        self._refresh_soon()

    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        self.machine.request_size(width, height, scale)
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        """Once for all the input that comes together."""
        if self._refreshing is None:
            self._refreshing = self._loop.call_soon(self.refresh)


class DemoBackend:
    """Implements :class:`~pyrdpmux.mux.backend.Backend`. :attr:`vm` is there while it runs."""

    def __init__(self, name: str = "demo", *, restart_seconds: float = RESTART_SECONDS) -> None:
        self.vm: DemoVm | None = None
        self._name = name
        self._restart_seconds = restart_seconds
        self._server = LibrdpmuxServer()
        self._tasks = TaskSet()

    async def start(self, host: VmHost) -> None:
        await self._server.start(host)
        vm_id = secrets.randbelow(2**31 - 1)
        try:
            vm = await self._power_on(vm_id)
        except BaseException:
            await self._server.stop()
            raise
        self._tasks.create(self._keep_running(vm, vm_id), "demo VM")

    async def stop(self) -> None:
        await self._tasks.cancel_all()
        await self._power_off(vanish=False)
        await self._server.stop()

    async def _power_on(self, vm_id: int) -> DemoVm:
        registration = Registration(vm_id=vm_id, uid=os.geteuid(), name=self._name)
        endpoint = await self._server.register(registration)
        self.vm = DemoVm(vm_id, self._is_watched)
        self.vm.guest.connect(endpoint)
        return self.vm

    def _is_watched(self) -> bool:
        return any(guest.session.is_watched for guest in self._server.guests)

    async def _power_off(self, *, vanish: bool) -> None:
        vm, self.vm = self.vm, None
        if vm is not None:
            await vm.close(vanish=vanish)

    async def _keep_running(self, vm: DemoVm, vm_id: int) -> None:
        while True:
            await vm.run()
            await self._power_off(vanish=True)
            await asyncio.sleep(self._restart_seconds)
            vm = await self._power_on(vm_id)


def open_backend(name: str, address: str) -> DemoBackend:
    """The VM of a configuration's ``source = "demo:"``. ConfigError for an address: it has none."""
    if address:
        raise ConfigError(f"{address!r}, the demo VM has no address: demo:")
    return DemoBackend(name)
