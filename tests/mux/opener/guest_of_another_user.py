"""A VM of this user that shows noise until its input ends: UID BUS VM-ID VERSION WIDTH HEIGHT."""

import asyncio
import importlib
import os
import pkgutil
import sys

import pyrdpmux.mux.guest
import pyrdpmux.mux.librdpmux
from pyrdpmux.mux.guest import Guest, GuestInput, PixelCode, Rect, pixel_format
from tests.mux.serving import noise

for package in (pyrdpmux.mux.guest, pyrdpmux.mux.librdpmux):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


class Keys(GuestInput):
    """Prints what is typed."""

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        print("key", scancode, "down" if down else "up", flush=True)


async def show(bus: str, vm_id: int, version: int, width: int, height: int) -> None:
    loop = asyncio.get_running_loop()
    async with await Guest.register(bus, Keys(), vm_id=vm_id, versions=[version]) as guest:
        guest.switch(pixel_format(PixelCode.X8R8G8B8), width, height)
        guest.pixels[...] = noise(width, height)
        guest.update(Rect(0, 0, width, height))
        print("registered", flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uid, bus, *numbers = sys.argv[1:]
    os.setgroups([])
    os.setresgid(int(uid), int(uid), int(uid))
    os.setresuid(int(uid), int(uid), int(uid))
    asyncio.run(show(bus, *map(int, numbers)))
