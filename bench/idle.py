"""What the daemon costs while VMs do little: ``python -m bench.idle [--profile FILE]``.

Percent of one core of a real ``pyrdpmux serve``, and its memory, from /proc, with demo VMs of all protocol
versions in other processes. The goals: 20 animated VMs that nobody looks at cost less than 3 percent of a
core, 200 idle ones less than 600 MB. ``--profile`` writes where the time goes (cProfile, which itself makes
it about twice as much).
"""

import argparse
import asyncio
import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final

from tests.interop.soak_host import DaemonProgram, House, serving
from tests.interop.soak_viewers import PASSWORD, USER
from tests.mux.qemu.bus_daemon import bus_daemon
from tests.mux.rdp_client import RdpClient, connected

SECONDS: Final = 8.0
SETTLE_SECONDS: Final = 3.0
PATIENCE: Final = 60.0
"""Seconds for a client to become active: all of them decode in one process."""

DEMO_FRAME: Final = 1 / 12
"""Of the demo VM, without its video and its log: a second's clock and a moving card."""


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(title: str, daemon: DaemonProgram) -> None:
    await asyncio.sleep(SETTLE_SECONDS)
    before = cpu_seconds(daemon.program.pid)
    await asyncio.sleep(SECONDS)
    percent = 100 * (cpu_seconds(daemon.program.pid) - before) / SECONDS
    held = (await daemon.ask("diagnose"))["memory"]["now"]
    print(f"{title:45} {percent:6.1f} % of a core   {held / 2**20:6.1f} MiB", flush=True)


async def watch(client: RdpClient) -> None:
    """Keep nothing of what comes."""
    await client.until(lambda: client.connection.is_active, within=PATIENCE)
    while True:
        client.bitmaps.clear()
        client.events.clear()
        await asyncio.sleep(1)


async def watched(daemon: DaemonProgram) -> None:
    """One viewer for each VM."""
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        watching = []
        for port in (await daemon.ports()).values():
            client = await stack.enter_async_context(connected(port, user=USER, password=PASSWORD))
            watching.append(group.create_task(watch(client)))
        await measure(f"{len(watching)} animated VMs, one viewer each", daemon)
        for task in watching:
            task.cancel()


async def main(folder: Path, bus: str, profile: Path | None) -> None:
    async with serving(folder, bus, profile=profile) as daemon:
        await measure("no VMs", daemon)
        houses = [House(bus, folder, first, count, DEMO_FRAME) for first, count in ((0, 20), (20, 180))]
        try:
            await houses[0].start()
            await measure("20 animated VMs, no viewers", daemon)
            await watched(daemon)
            await houses[0].tell("rest")
            await measure("20 idle VMs", daemon)
            await houses[1].start()
            await houses[1].tell("rest")
            await measure("200 idle VMs", daemon)
        finally:
            await asyncio.gather(*[house.stop() for house in houses])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="CPU time of the daemon with idle and animated VMs.")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="write cProfile's data there")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="pyrdpmux-idle-") as directory,
        bus_daemon(Path(directory)) as address,
    ):
        asyncio.run(main(Path(directory), address, options.profile))
