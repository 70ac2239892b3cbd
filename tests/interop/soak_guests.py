"""Some demo VMs in a process of their own, as a hypervisor would have them: it may be killed at any time.

    python -m tests.interop.soak_guests BUS FOLDER FIRST COUNT SECONDS_PER_FRAME

A line of JSON on standard input is a command, ``["leave", 3]``; its answer is a line of JSON. Protocol
versions take turns, so that all are there.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from pyrdpmux.mux.demo.backend import DemoVm
from pyrdpmux.mux.demo.machine import FIRST_MODE
from pyrdpmux.mux.guest.registration import Identity, Registration
from tests.mux.rdp_client import eventually

FRAME_SECONDS: Final = 0.4
MAX_VMS: Final = 1000
VERSIONS: Final = 5


def first_vm_id() -> int:
    """For the VMs of this process's children: their shared memory has one name on the whole machine."""
    return os.getpid() % 1_000_000 * MAX_VMS


def uuid_of(vm_id: int) -> str:
    return f"{vm_id:08x}-50a6-4000-8000-000000000000"


def names_of(vm_id: int) -> set[str]:
    """What the daemon may call it: by its UUID, where its protocol has that."""
    return {uuid_of(vm_id), f"vm-{vm_id}"}


class SoakVm(DemoVm):
    """A demo VM that registers on a bus, and remembers what is pressed."""

    def __init__(self, vm_id: int, frame_seconds: float) -> None:
        super().__init__(vm_id, is_busy=False)  # hundreds of them are painted in one process
        self.guest.uuid = uuid_of(vm_id)
        self.down: set[tuple[int, bool, bool]] = set()
        self.keys_heard = 0
        self._vm_id = vm_id
        self._frame_seconds = frame_seconds
        self._registration: Registration | None = None
        self._running: asyncio.Task[None] | None = None

    async def power_on(self, bus: str) -> None:
        identity = Identity(vm_id=self.guest.vm_id, uuid=self.guest.uuid)
        versions = [self._vm_id % VERSIONS + 1]
        self._registration = Registration(bus, identity, self.guest.connect, versions=versions)
        try:
            await self._registration.open()
        except BaseException:
            await self.close(vanish=True)
            raise
        self._running = asyncio.get_running_loop().create_task(self.run())

    async def run(self) -> None:
        while True:
            self.machine.tick()
            self.refresh()
            await asyncio.sleep(self._frame_seconds)

    async def close(self, *, vanish: bool = False) -> None:
        """``vanish``: without a goodbye, but its name leaves the bus."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await super().close(vanish=vanish)
        if self._registration is not None:
            await self._registration.close()

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        self.keys_heard += 1
        position = (scancode, extended, extended1)
        (self.down.add if down else self.down.discard)(position)
        super().key(scancode, extended=extended, extended1=extended1, down=down)

    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        """At rest it stands still, also for the viewer that looks whether it does."""
        if not self.machine.paused:
            super().request_size(width, height, scale)

    def report(self, folder: Path) -> dict[str, Any]:
        """What is pressed, what was heard, and where its picture as a server sees it has been written."""
        surface = self.guest.surface
        path = folder / f"{self._vm_id}.npy"
        if surface is not None:
            np.save(path, surface.format.to_bgrx(surface.format.from_bgrx(self.guest.pixels)))
        return {
            "down": sorted(self.down),
            "buttons": sorted(button.name for button in self.machine.pressed),
            "keys_heard": self.keys_heard,
            "picture": str(path),
        }


class House:
    """The VMs of this process."""

    def __init__(self, bus: str, folder: Path, frame_seconds: float) -> None:
        self._bus = bus
        self._folder = folder
        self._frame_seconds = frame_seconds
        self._vms: dict[int, SoakVm] = {}

    @property
    def vm_ids(self) -> list[int]:
        return list(self._vms)

    async def start(self, vm_id: int) -> None:
        vm = self._vms[vm_id] = SoakVm(vm_id, self._frame_seconds)
        await vm.power_on(self._bus)

    async def vanish(self, vm_id: int) -> None:
        await self._vms.pop(vm_id).close(vanish=True)

    async def leave(self, vm_id: int) -> None:
        await self._vms.pop(vm_id).close()

    async def rest(self, is_small: int) -> dict[int, Any]:
        """Stand still; ``is_small``: all in the same mode."""
        for vm in self._vms.values():
            vm.machine.paused = True
            if is_small:
                vm.machine.mode = FIRST_MODE
            vm.refresh()
        await eventually(lambda: all(vm.guest.is_settled for vm in self._vms.values()))
        return {vm_id: vm.report(self._folder) for vm_id, vm in self._vms.items()}

    async def go(self, _: int) -> None:
        for vm in self._vms.values():
            vm.machine.paused = False

    async def answer(self, line: bytes) -> str:
        command, argument = json.loads(line)
        commands = (self.start, self.vanish, self.leave, self.rest, self.go)
        [action] = [action for action in commands if action.__name__ == command]
        return json.dumps(await action(argument))


async def main(bus: str, folder: str, first: str, count: str, frame_seconds: str) -> None:
    house = House(bus, Path(folder), float(frame_seconds))
    for vm_id in range(int(first), int(first) + int(count)):
        await house.start(vm_id)
    print(json.dumps("ready"), flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        print(await house.answer(line), flush=True)
    for vm_id in house.vm_ids:
        await house.leave(vm_id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
