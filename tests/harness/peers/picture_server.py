"""A server of ours in one coroutine: shows a picture, draws on demand, and keeps the input."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from pyrdpmux.codec.bitmap import encode_rectangles
from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect
from pyrdpmux.net.listener import listen
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.events import Activated, Event, InputReceived
from pyrdpmux.rdp.connection.server.config import ServerConfig
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.input import InputEvent
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags

TILE = 64

E = TypeVar("E", bound=Event)


def bitmaps_of(picture: Pixels, bits_per_pixel: int, compress: bool = True) -> list[BitmapData]:
    """The whole picture in tiles."""
    height, width = picture.shape[:2]
    tiles = [
        Rect(x, y, min(TILE, width - x), min(TILE, height - y))
        for y in range(0, height, TILE)
        for x in range(0, width, TILE)
    ]
    flags = BitmapFlags.COMPRESSION | BitmapFlags.NO_BITMAP_COMPRESSION_HDR
    return [
        BitmapData.of(
            tile,
            encoded.width,
            encoded.height,
            encoded.bits_per_pixel,
            flags if encoded.is_compressed else BitmapFlags(0),
            encoded.data,
        )
        for tile, encoded in zip(
            tiles, encode_rectangles(picture, tiles, bits_per_pixel, compress=compress), strict=True
        )
    ]


class PictureServer:
    """One session at a time; ``port`` is where."""

    def __init__(self, config: ServerConfig, picture: Pixels | None) -> None:
        self.port = 0
        self.input: list[InputEvent] = []
        self.events: list[Event] = []
        self.picture = picture
        self._happened = asyncio.Event()
        self._config = config
        self._peer: Peer | None = None
        self._connection: ServerConnection | None = None

    @property
    def has_client(self) -> bool:
        return self._connection is not None

    @property
    def connection(self) -> ServerConnection:
        assert self._connection is not None
        return self._connection

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def flush(self) -> None:
        assert self._peer is not None
        self._peer.flush()

    def paint(self, picture: Pixels) -> None:
        self.picture = picture
        self.connection.send_bitmaps(bitmaps_of(picture, self.connection.output.bits_per_pixel))
        self.flush()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connection = ServerConnection(self._config, self.now)
        self._peer = Peer(reader, writer, self._connection)
        await self._peer.run(self._on_event)

    def events_of(self, kind: type[E]) -> list[E]:
        """What the clients of so far have done."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until ``condition`` holds, which is asked after every event; the test is what bounds it."""
        while not condition():
            self._happened.clear()
            await self._happened.wait()

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        self._happened.set()
        match event:
            case Activated() if self.picture is not None:
                self.paint(self.picture)
            case InputReceived(events):
                self.input += events


@asynccontextmanager
async def picture_server(config: ServerConfig, picture: Pixels | None = None) -> AsyncIterator[PictureServer]:
    server = PictureServer(config, picture)
    listener = await listen("127.0.0.1", 0, server.serve)
    server.port = listener.port
    try:
        yield server
    finally:
        await listener.close()
        await listener.cancel_connections()
