"""A real client connection over a real socket, for tests of what stands behind a port."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.bitmap import decode
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.client.config import ClientConfig
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import Activated, Disconnected, ErrorInfoReceived, Event, GraphicsReceived
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, BitmapUpdate
from pyrdpmux.rdp.tls.context import client_context

PATIENCE = 10.0


class RdpClient:
    """Keeps the picture it was sent, and everything else that happened."""

    def __init__(self, peer: Peer, connection: ClientConnection, transport: asyncio.Transport) -> None:
        self.connection = connection
        self.picture: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)
        self.events: list[Event] = []
        self.bitmaps: list[BitmapData] = []
        self._peer = peer
        self._transport = transport
        self._happened = asyncio.Event()

    async def run(self) -> None:
        await self._peer.run(self._on_event)
        self._happened.set()

    def flush(self) -> None:
        """After anything done on the connection."""
        self._peer.flush()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for events until ``condition`` holds."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._happened.clear()
                await self._happened.wait()

    async def until_shows(self, picture: NDArray[np.uint8]) -> None:
        await self.until(lambda: same_colors(self.picture, picture))

    def seen(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def error_info(self) -> ErrorInfo | None:
        """Why the server said it disconnects."""
        found = self.seen(ErrorInfoReceived)
        return found[-1].error_info if found else None

    @property
    def is_closed(self) -> bool:
        return bool(self.seen(Disconnected))

    def stop_reading(self) -> None:
        self._transport.pause_reading()

    def read_again(self) -> None:
        self._transport.resume_reading()

    def drop(self) -> None:
        """As if the cable was cut."""
        self._peer.abort()

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        match event:
            case Activated():
                self.picture = np.zeros((event.height, event.width, 4), np.uint8)
            case GraphicsReceived(BitmapUpdate(rectangles)):
                for bitmap in rectangles:
                    self._paint(bitmap)
        self._happened.set()

    def _paint(self, bitmap: BitmapData) -> None:
        self.bitmaps.append(bitmap)
        compressed = bool(bitmap.flags & BitmapFlags.COMPRESSION)
        pixels = decode(bitmap.data, bitmap.width, bitmap.height, bitmap.bits_per_pixel, compressed)
        rect = bitmap.rect
        self.picture[rect.y : rect.bottom, rect.x : rect.right] = pixels[: rect.height, : rect.width]


def same_colors(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return one.shape == other.shape and bool((one[..., :3] == other[..., :3]).all())


@asynccontextmanager
async def connected(port: int, *, preamble: bytes = b"", **config: Any) -> AsyncIterator[RdpClient]:
    """A client that is connecting; gone at the end of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(preamble)
    settings: dict[str, Any] = {
        "tls_context": client_context(),
        "entropy": os.urandom,
        "wall_clock": wall_clock,
    } | config
    connection = ClientConnection(ClientConfig(**settings), asyncio.get_running_loop().time())
    transport = cast(asyncio.Transport, writer.transport)
    client = RdpClient(Peer(reader, writer, connection), connection, transport)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(client.run())
        try:
            yield client
        finally:
            running.cancel()


def wall_clock() -> float:
    return datetime.now(UTC).timestamp()


async def eventually(condition: Callable[[], bool]) -> None:
    """For what no event tells: look every few milliseconds."""
    for _ in range(int(PATIENCE / 0.005)):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError("it did not happen")
