"""The harness's client as tests of a port use it: from the first byte on, and with all updates kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pyrdpmux.harness.peers.client import Client, same_colors
from pyrdpmux.harness.peers.dialing import dial
from pyrdpmux.rdp.connection.events import Event, GraphicsReceived, PointerReceived
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapUpdate

PATIENCE = 60.0
"""Seconds: a client that draws for itself computes for two or three, and others at the same time."""

__all__ = ["RdpClient", "connected", "eventually", "same_colors", "wall_clock"]


class RdpClient(Client):
    """Keeps bitmaps and pointers, too."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options, observer=self._keep)
        self.bitmaps: list[BitmapData] = []

    def _keep(self, event: Event) -> None:
        match event:
            case GraphicsReceived(BitmapUpdate(rectangles)):
                self.bitmaps += rectangles
            case PointerReceived():
                self.events.append(event)


@asynccontextmanager
async def connected(port: int, *, preamble: bytes = b"", **config: Any) -> AsyncIterator[RdpClient]:
    """A client that is connecting; gone at the end of the block."""
    async with dial(
        "127.0.0.1", port, preamble=preamble, patience=PATIENCE, client=RdpClient, **config
    ) as client:
        yield client


def wall_clock() -> float:
    return datetime.now(UTC).timestamp()


async def eventually(condition: Callable[[], bool]) -> None:
    """For what no event tells: look every few milliseconds."""
    for _ in range(int(PATIENCE / 0.005)):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError("it did not happen")
