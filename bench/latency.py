"""From a key to its picture: ``python -m bench.latency [keys]``.

A viewer types into a demo VM through a real ``pyrdpmux serve``: the time from handing the key to its client
until a pixel of the console's text has changed in the client's picture. On the way: RDP over TLS, the daemon,
librdpmux, the VM in a process of its own, shared memory, the daemon again, the codec, RDP over TLS, decoding.
Once alone, and once with a second viewer that asks for the whole picture and reads nothing.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import numpy as np

from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from tests.interop.soak_host import DaemonProgram, House, serving
from tests.interop.soak_viewers import PASSWORD, USER
from tests.mux.qemu.bus_daemon import bus_daemon
from tests.mux.rdp_client import RdpClient, connected

KEYS: Final = 150
PAUSE: Final = 0.06
"""Between two keys: a quick typist, and at most every second frame."""

LETTERS: Final = tuple(range(0x10, 0x1A))
BACKSPACE: Final = 0x0E
BAR: Final = 40
"""Rows at the top and the bottom where the demo VM's state lines are."""


async def typed(client: RdpClient, code: int) -> float:
    """Seconds until the text has changed."""
    text = client.picture[BAR:-BAR, : client.picture.shape[1] // 2]
    before = text.copy()
    loop = asyncio.get_running_loop()
    start = loop.time()
    client.connection.send_input([KeyboardEvent(KeyboardFlags(0), code)])
    client.flush()
    await client.until(lambda: not np.array_equal(text, before))
    took = loop.time() - start
    client.connection.send_input([KeyboardEvent(KeyboardFlags.RELEASE, code)])
    client.flush()
    client.bitmaps.clear()
    client.events.clear()
    return took


def figures_of(times: list[float]) -> dict[str, float]:
    return {"p50": statistics.median(times), "p95": np.percentile(times, 95).item(), "most": max(times)}


async def measure(title: str, client: RdpClient, keys: int) -> None:
    times = []
    for number in range(keys):
        await asyncio.sleep(PAUSE)
        times.append(await typed(client, BACKSPACE if number % 2 else LETTERS[number % len(LETTERS)]))
    figures = [f"{name} {1000 * value:6.1f} ms" for name, value in figures_of(times).items()]
    print(f"{title:36}", *figures, sep="   ", flush=True)


@contextlib.asynccontextmanager
async def stalled(port: int) -> AsyncIterator[None]:
    """A second viewer that wants everything and reads nothing."""
    async with connected(port, user=USER, password=PASSWORD) as client, asyncio.TaskGroup() as group:
        await client.until(lambda: client.connection.is_active)
        client.stop_reading()

        async def ask() -> None:
            while True:
                client.connection.request_refresh(Rect(0, 0, 4001, 4001))
                client.flush()
                await asyncio.sleep(0.05)

        asking = group.create_task(ask())
        try:
            yield
        finally:
            asking.cancel()


async def main(folder: Path, bus: str, keys: int) -> None:
    async with serving(folder, bus) as daemon:
        # The paused machine neither blinks nor moves: what changes is what was typed.
        house = House(bus, folder, 0, 1, frame_seconds=1 / 12)
        try:
            await house.start()
            await run(daemon, house, keys)
        finally:
            await house.stop()


async def run(daemon: DaemonProgram, house: House, keys: int) -> None:
    [port] = (await daemon.ports()).values()
    await house.tell("rest", 1)
    async with connected(port, user=USER, password=PASSWORD) as client:
        await client.until(lambda: client.connection.is_active and bool(client.picture[..., :3].any()))
        await asyncio.sleep(1)
        await measure("alone", client, keys)
        async with stalled(port):
            await asyncio.sleep(1)
            await measure("beside a viewer that stands still", client, keys)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else KEYS
    with (
        tempfile.TemporaryDirectory(prefix="pyrdpmux-latency-") as directory,
        bus_daemon(Path(directory)) as address,
    ):
        asyncio.run(main(Path(directory), address, count))
