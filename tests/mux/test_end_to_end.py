"""A guest at one end, RDP clients at the other, everything of ours between them, and real sockets."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.guest import Guest, PixelCode, pixel_format
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags, wheel_flags
from tests.mux.rdp_client import connected, eventually
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import noise, run

VM_ID = 4711


@asynccontextmanager
async def world(
    factory: ConnectionFactory, tmp_path: Path
) -> AsyncIterator[tuple[Registry, LibrdpmuxServer]]:
    registry = Registry(Config(port=25901), factory)
    server = LibrdpmuxServer(shared_memory=tmp_path)
    await server.start(registry)
    try:
        yield registry, server
    finally:
        await registry.close("the test is over")
        await server.stop()


@asynccontextmanager
async def guest_of(server: LibrdpmuxServer, tmp_path: Path, sink: RecordingSink) -> AsyncIterator[Guest]:
    endpoint = await server.register(Registration(vm_id=VM_ID, uid=os.geteuid(), name="vm"))
    async with Guest(sink, vm_id=VM_ID, shared_memory=tmp_path) as guest:
        guest.connect(endpoint)
        yield guest


def paint(guest: Guest, picture: NDArray[np.uint8], rect: Rect | None = None) -> None:
    height, width = guest.pixels.shape[:2]
    rect = rect or Rect(0, 0, width, height)
    guest.pixels[rect.y : rect.bottom, rect.x : rect.right] = picture
    guest.update(rect)


def test_two_clients_see_a_guest_and_drive_it(factory: ConnectionFactory, tmp_path: Path) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        async with (
            world(factory, tmp_path) as (registry, server),
            guest_of(server, tmp_path, sink) as guest,
        ):
            guest.switch(pixel_format(PixelCode.X8R8G8B8), 320, 200)
            paint(guest, noise(320, 200))
            [console] = registry.consoles
            async with connected(console.port) as one, connected(console.port, bits_per_pixel=24) as two:
                await one.until_shows(guest.pixels)
                await two.until_shows(guest.pixels)
                paint(guest, noise(20, 10, seed=1), Rect(150, 90, 20, 10))
                await one.until_shows(guest.pixels)
                await two.until_shows(guest.pixels)
                guest.switch(pixel_format(PixelCode.X8R8G8B8), 203, 101)
                paint(guest, noise(203, 101, seed=2))
                await one.until_shows(guest.pixels)
                await two.until_shows(guest.pixels)

                one.connection.send_input(
                    [MouseEvent(PointerFlags.MOVE, 7, 9), MouseEvent(wheel_flags(120), 0, 0)]
                )
                one.flush()
                told = ["to 7,9", "wheel 120 7,9"]
                await eventually(lambda: sink.told == told)
                two.connection.send_input([KeyboardEvent(KeyboardFlags.EXTENDED, 0x1D)])
                two.flush()
                await eventually(lambda: sink.told == [*told, "e0 1d down"])
                two.drop()
                await eventually(lambda: sink.told == [*told, "e0 1d down", "e0 1d up"])

    run(scenario)


def test_a_client_stays_while_the_guest_restarts(factory: ConnectionFactory, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            registry, server = await stack.enter_async_context(world(factory, tmp_path))
            async with guest_of(server, tmp_path, RecordingSink()) as guest:
                guest.switch(pixel_format(PixelCode.X8R8G8B8), 320, 200)
                paint(guest, noise(320, 200))
                [console] = registry.consoles
                client = await stack.enter_async_context(connected(console.port))
                await client.until_shows(guest.pixels)
                await guest.close(vanish=True)
            await eventually(lambda: not console.is_running)
            await client.until_shows(console.screen.pixels)
            async with guest_of(server, tmp_path, RecordingSink()) as guest:
                guest.switch(pixel_format(PixelCode.X8R8G8B8), 320, 200)
                paint(guest, noise(320, 200, seed=1))
                await client.until_shows(guest.pixels)
                assert registry.consoles == [console]

    run(scenario)
