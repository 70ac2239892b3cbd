"""Consoles on real ports, pictures to show, and a bound on how long a scenario may take."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.settings.config import Config, LimitSettings, VmSettings
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

LIMITS: Final = LimitSettings(frames_per_second=100)
SETTINGS: Final = VmSettings()
SECONDS: Final = 180.0


def noise(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """A picture that no codec makes small."""
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[..., :3] = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return pixels


def show(console: Console, picture: NDArray[np.uint8]) -> None:
    height, width = picture.shape[:2]
    console.screen.resize(width, height)
    console.screen.write(Rect(0, 0, width, height), picture)


@asynccontextmanager
async def served(
    factory: ConnectionFactory, limits: LimitSettings = LIMITS, settings: VmSettings = SETTINGS, **config: Any
) -> AsyncIterator[Console]:
    """A console without registry, on a port of its own."""
    console = Console("vm", factory, Config(limits=limits, vms={"vm": settings}, **config))
    await console.acceptor.listen("127.0.0.1", 0)
    try:
        yield console
    finally:
        await console.close(ErrorInfo.RPC_INITIATED_DISCONNECT, "the test is over")


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS):
            await scenario()

    asyncio.run(bounded())
