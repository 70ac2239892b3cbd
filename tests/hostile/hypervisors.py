"""Attacks of guests: pictures too large and too often, sizes that change, registrations, bad files."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from dbus_fast.aio import MessageBus

from pyrdpmux.errors import BackendError
from pyrdpmux.files.sam_file import set_password
from pyrdpmux.mux.guest import PixelCode, Rect
from pyrdpmux.mux.librdpmux.bus import connect_bus
from tests.hostile.attack import AttackFunction, Load
from tests.hostile.raw_guest import PAIR_VERSION, RawGuest, register_raw
from tests.hostile.target import uuid_of
from tests.hostile.visitor import welcome

FULL_VERSION: Final = 5
"""The protocol that can name a SAM file."""

RETRY_SECONDS: Final = 0.02


async def pictures(
    load: Load,
    *,
    bus: str,
    first: int,
    count: int,
    width: int,
    height: int,
    hertz: float,
    format: str = "B8G8R8",
) -> None:
    """Guests that show another picture every time, whether the last one was taken or not.

    ``format``: the default is the one that takes us longest.
    """
    async with AsyncExitStack() as stack:
        guests = []
        for vm_id in range(first, first + count):
            guest = await RawGuest.register(bus, vm_id=vm_id, uuid=uuid_of(vm_id))
            stack.push_async_callback(guest.close)
            guest.share(width, height, PixelCode[format])
            await guest.until_connected()
            guests.append(guest)
        await load.go()
        for guest in guests:
            guest.switch(width, height)
        load.under_way()
        await _show(load, guests, Rect(0, 0, width, height), hertz)


async def _show(load: Load, guests: list[RawGuest], everything: Rect, hertz: float) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        for guest in guests:
            guest.change_everything()
            guest.update(everything)
            load.count("updates")
        load.report["answers"] = sum([guest.answers for guest in guests])
        due = max(due + 1 / hertz, loop.time())
        await asyncio.sleep(due - loop.time())


async def resizes(load: Load, *, bus: str, first: int, hertz: float) -> None:
    """A guest that changes its mind about its size all the time."""
    guest = await RawGuest.register(bus, vm_id=first, uuid=uuid_of(first))
    try:
        guest.share(3840, 2160)
        await guest.until_connected()
        await load.go()
        load.under_way()
        while True:
            for size in ((3840, 2160), (64, 64), (1920, 1080), (2, 2160)):
                guest.switch(*size)
                guest.update(Rect(0, 0, *size))
                load.count("switches")
                await asyncio.sleep(1 / hertz)
    finally:
        await guest.close()


async def registrations(load: Load, *, bus: str, first: int, count: int, goes_on: bool = False) -> None:
    """So many VMs of one user; ``goes_on``: those that were refused ask again, and again."""
    async with AsyncExitStack() as stack:
        connection = await connect_bus(bus)
        stack.callback(connection.disconnect)
        await load.go()
        refused = [vm_id for vm_id in range(first, first + count) if not await _try(load, connection, vm_id)]
        load.under_way()
        while True:
            for vm_id in refused if goes_on else ():
                await _try(load, connection, vm_id)
            await asyncio.sleep(RETRY_SECONDS)


async def _try(load: Load, connection: MessageBus, vm_id: int) -> bool:
    try:
        async with asyncio.timeout(30):
            await register_raw(connection, vm_id=vm_id, uuid=uuid_of(vm_id), version=PAIR_VERSION)
    except (BackendError, TimeoutError):
        load.count("refused")
        return False
    load.count("registered")
    return True


def make_sparse(path: Path, size: int) -> None:
    """A file of nothing, which takes no room."""
    path.touch(mode=0o644)
    os.truncate(path, size)


async def sam_file(load: Load, *, bus: str, first: int, path: str, size: int) -> None:
    """A VM whose accounts are a file of nothing, as large as one likes."""
    make_sparse(Path(path), size)
    connection = await connect_bus(bus)
    await load.go()
    load.under_way()
    try:
        await register_raw(connection, vm_id=first, uuid=uuid_of(first), version=FULL_VERSION, auth_file=path)
        load.count("registered")
    except BackendError:
        load.count("refused")
    await asyncio.Event().wait()


def make_pipe(path: Path) -> None:
    """In place of the file that is there."""
    path.unlink()
    os.mkfifo(path, 0o644)


async def pipe(load: Load, *, bus: str, first: int, path: str, gateway: int) -> None:
    """A VM whose accounts were a file when it registered, and are a pipe now; somebody logs on there."""
    account = {"user": "owner", "password": "of the pipe"}
    set_password(Path(path), account["user"], "", account["password"])
    connection = await connect_bus(bus)
    await register_raw(connection, vm_id=first, uuid=uuid_of(first), version=FULL_VERSION, auth_file=path)
    await load.go()
    make_pipe(Path(path))
    load.under_way()
    while True:
        await welcome(
            gateway, source="127.0.1.1", seconds=2, user="owner", password="x", domain=uuid_of(first)
        )
        load.count("logons")
        await asyncio.sleep(RETRY_SECONDS)


ATTACKS: Final[dict[str, AttackFunction]] = {
    attack.__name__: attack for attack in (pictures, resizes, registrations, sam_file, pipe)
}
