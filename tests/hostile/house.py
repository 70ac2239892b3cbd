"""Guests in a process of their own, perhaps of another user: a key that they hear is a pixel that changes.

    python -m tests.hostile.house BUS UID

A line of JSON on standard input is a command, ``["add", {"vm_id": 7, ...}]``; its answer is a line of JSON.
What its VMs hear is numbered through, so that it can be told whose input came first.
"""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.guest import Guest, GuestInput, PixelCode, Rect, pixel_format
from tests.hostile.raw_guest import RawGuest

importlib.import_module("pyrdpmux.mux.librdpmux.dealer")  # once another user, we may not read it any more

SIZE: Final = (640, 480)
SIGN: Final = Rect(0, 0, 64, 64)
"""Where a key shows: its color tells how many have been heard."""

COLOR_STEPS: Final = 251
MODE: Final = 0o644
"""Of the framebuffers: the daemon may be another user's."""


def color_of(keys: int) -> tuple[int, int, int]:
    """Blue, green, red after so many keys; never black."""
    return (255, keys % COLOR_STEPS, keys // COLOR_STEPS % COLOR_STEPS)


class EchoVm(GuestInput):
    """Counts what it hears, and shows the number of keys pressed."""

    def __init__(self, numbers: "count[int]") -> None:
        self.guest: Guest | None = None
        self._numbers = numbers
        self.forget()

    def forget(self) -> None:
        self.keys: list[tuple[int, int, bool]] = []
        self.pressed = 0
        self.down: set[int] = set()
        self.moves = 0
        self.position: tuple[int, int] | None = None
        self.synchronized = 0

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        self.keys.append((next(self._numbers), scancode, down))
        (self.down.add if down else self.down.discard)(scancode)
        if down:
            self.pressed += 1
            self.show()

    def pointer(self, x: int, y: int) -> None:
        next(self._numbers)
        self.moves += 1
        self.position = (x, y)

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        next(self._numbers)

    def show(self) -> None:
        if self.guest is not None:
            self.guest.pixels[: SIGN.bottom, : SIGN.right, :3] = color_of(self.pressed)
            self.guest.update(SIGN)

    def heard(self) -> dict[str, Any]:
        return {
            "keys": self.keys,
            "pressed": self.pressed,
            "down": sorted(self.down),
            "moves": self.moves,
            "position": self.position,
        }


class House:
    """All that runs in this process."""

    def __init__(self, bus: str) -> None:
        self._bus = bus
        self._numbers = count(1)
        self._vms: dict[int, EchoVm] = {}
        self._raw: dict[int, RawGuest] = {}

    async def add(self, identity: dict[str, Any]) -> dict[str, Any]:
        """``vm_id``, ``uuid``, and perhaps ``auth_file``, ``versions``, ``port``."""
        vm = EchoVm(self._numbers)
        try:
            vm.guest = await Guest.register(self._bus, vm, mode=MODE, **identity)
        except BackendError as error:
            return {"refused": str(error)}
        vm.guest.switch(pixel_format(PixelCode.X8R8G8B8), *SIZE)
        vm.guest.pixels[..., :3] = np.array(color_of(0), np.uint8)
        vm.guest.update(Rect(0, 0, *SIZE))
        self._vms[identity["vm_id"]] = vm
        return {}

    async def leave(self, vm_id: int) -> dict[str, Any]:
        return await self._close(vm_id, vanish=False)

    async def vanish(self, vm_id: int) -> dict[str, Any]:
        """As if it had died."""
        return await self._close(vm_id, vanish=True)

    async def _close(self, vm_id: int, *, vanish: bool) -> dict[str, Any]:
        guest = self._vms.pop(vm_id).guest
        assert guest is not None
        await guest.close(vanish=vanish)
        return {}

    async def leave_if_there(self, vm_id: int) -> dict[str, Any]:
        return await self.leave(vm_id) if vm_id in self._vms else {}

    async def heard(self, vm_id: int) -> dict[str, Any]:
        """Nothing, of a VM that is not in this process."""
        return self._vms[vm_id].heard() if vm_id in self._vms else EchoVm(self._numbers).heard()

    async def forget(self, vm_id: int) -> dict[str, Any]:
        """Count from nothing again."""
        self._vms[vm_id].forget()
        self._vms[vm_id].show()
        return {}

    async def add_raw(self, identity: dict[str, Any]) -> dict[str, Any]:
        """A guest of which only the messages are there, see :mod:`.raw_guest`; ``size`` is announced."""
        size = identity.pop("size")
        try:
            guest = await RawGuest.register(self._bus, **identity)
        except BackendError as error:
            return {"refused": str(error)}
        self._raw[identity["vm_id"]] = guest
        await guest.until_connected()
        guest.switch(*size)
        guest.update(Rect(0, 0, *size))
        return {}

    async def raw_update(self, vm_id: int) -> dict[str, Any]:
        self._raw[vm_id].update(Rect(0, 0, *SIZE))
        return {}

    async def answer(self, line: bytes) -> str:
        name, argument = json.loads(line)
        commands: tuple[Callable[[Any], Coroutine[Any, Any, dict[str, Any]]], ...] = (
            self.add,
            self.leave,
            self.vanish,
            self.leave_if_there,
            self.heard,
            self.forget,
            self.add_raw,
            self.raw_update,
        )
        [command] = [command for command in commands if command.__name__ == name]
        return json.dumps(await command(argument))

    async def close(self) -> None:
        for vm_id in list(self._vms):
            await self.leave(vm_id)
        for guest in self._raw.values():
            await guest.close()


async def main(bus: str, uid: int) -> None:
    if uid != os.geteuid():
        os.chdir(Path("/"))
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    house = House(bus)
    print(json.dumps("ready"), flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        print(await house.answer(line), flush=True)
    await house.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
