"""What VMs cost that nobody looks at: CPU of twenty animated ones, memory of two hundred idle ones."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.glass.meter import cpu_of, memory_of
from bench.idle import DEMO_FRAME
from tests.interop.soak_host import DaemonProgram, House, serving

SECONDS: Final = 10.0
SETTLE_SECONDS: Final = 3.0
HOUSE: Final = 20
"""VMs in one process."""

IDLE: Final = 200


@dataclass(frozen=True, slots=True)
class IdleFigures:
    """Of a daemon's process."""

    what: str
    #: percent of one core
    cpu: float
    #: bytes resident
    memory: int

    def __str__(self) -> str:
        return f"{self.what}: {self.cpu:.1f} % of a core, {self.memory / 1e6:.0f} MB"


async def _measure(what: str, daemon: DaemonProgram) -> IdleFigures:
    await asyncio.sleep(SETTLE_SECONDS)
    before = cpu_of([daemon.program.pid])
    await asyncio.sleep(SECONDS)
    used = cpu_of([daemon.program.pid]) - before
    return IdleFigures(what, 100 * used / SECONDS, memory_of([daemon.program.pid]))


async def measure_idle(folder: Path, bus: str) -> list[IdleFigures]:
    """Without a viewer."""
    async with serving(folder, bus) as daemon:
        figures = [await _measure("no VM", daemon)]
        houses = [House(bus, folder, first, HOUSE, DEMO_FRAME) for first in range(0, IDLE, HOUSE)]
        try:
            await houses[0].start()
            figures.append(await _measure(f"{HOUSE} animated VMs", daemon))
            await houses[0].tell("rest")
            # One process after the other, each at rest before the next: animated ones keep a machine busy.
            for house in houses[1:]:
                await house.start()
                await house.tell("rest")
            figures.append(await _measure(f"{IDLE} idle VMs", daemon))
        finally:
            await asyncio.gather(*[house.stop() for house in houses])
        return figures
