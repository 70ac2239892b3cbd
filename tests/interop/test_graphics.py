"""xfreerdp on the graphics pipeline: it shows what is drawn, and comes back after a refusal."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.screenshot import Picture
from pyrdpmux.net.listener import listen
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.channels.graphics.cache import CacheToSurface, SurfaceToCache
from pyrdpmux.rdp.channels.graphics.drawing import CodecId, SolidFill, SurfaceToSurface, WireToSurface1
from pyrdpmux.rdp.channels.graphics.frames import EndFrame, StartFrame
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME, Point
from pyrdpmux.rdp.channels.graphics.pdu import GraphicsPdu, encode_graphics
from pyrdpmux.rdp.channels.graphics.surfaces import CreateSurface, MapSurfaceToOutput, ResetGraphics
from pyrdpmux.rdp.connection.events import (
    ChannelClosed,
    Event,
    GraphicsFrameAcknowledged,
    GraphicsOpened,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition, MonitorFlags
from tests.interop.client import xfreerdp
from tests.interop.conftest import Start
from tests.pair.linked import server_config, tls_policy

WIDTH, HEIGHT = 640, 480
#: not one of a square is like its neighbor, and it compresses to nothing less
NOISE = np.random.default_rng(9).integers(0, 256, (200, WIDTH, 4), np.uint8)
SETUP: tuple[GraphicsPdu, ...] = (
    ResetGraphics(WIDTH, HEIGHT, (MonitorDefinition(0, 0, WIDTH - 1, HEIGHT - 1, MonitorFlags.PRIMARY),)),
    CreateSurface(1, WIDTH, HEIGHT),
    MapSurfaceToOutput(1),
)
FIRST: tuple[GraphicsPdu, ...] = (
    StartFrame(1),
    SolidFill(1, 0xFF336699, (Rect(0, 0, WIDTH, HEIGHT),)),
    SolidFill(1, 0xFFFF0000, (Rect(10, 10, 50, 40), Rect(100, 10, 1, 1))),
    SurfaceToCache(1, 0x1234, 1, Rect(10, 10, 50, 40)),
    CacheToSurface(1, 1, (Point(300, 20), Point(WIDTH - 50, 20))),
    SurfaceToSurface(1, 1, Rect(0, 0, 120, 60), (Point(20, 80), Point(30, 90))),
    EndFrame(1),
)
SECOND: tuple[GraphicsPdu, ...] = (
    StartFrame(2),
    WireToSurface1(1, CodecId.UNCOMPRESSED, Rect(0, HEIGHT - 200, WIDTH, 200), NOISE.tobytes()),
    EndFrame(2),
)
#: a slot that is not in use
REFUSED: tuple[GraphicsPdu, ...] = (StartFrame(3), CacheToSurface(77, 1, (Point(0, 0),)), EndFrame(3))


def expected() -> Picture:
    """What all of this comes to, in (y, x, RGB)."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:] = (0x33, 0x66, 0x99)
    picture[10:50, 10:60] = picture[10, 100] = (0xFF, 0, 0)
    picture[20:60, 300:350] = picture[20:60, WIDTH - 50 :] = (0xFF, 0, 0)
    copied = picture[:60, :120].copy()
    for x, y in ((20, 80), (30, 90)):
        picture[y : y + 60, x : x + 120] = copied
    picture[-200:] = NOISE[:, :, 2::-1]
    return picture


@dataclass
class Painter:
    """Draws on every channel that is opened, and once something that no client understands."""

    refuses: bool
    port: int = 0
    events: list[Event] = field(default_factory=list)

    def on_event(self, connection: ServerConnection, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, GraphicsOpened):
            self.compressor = ZgfxCompressor()
            self.draw(connection, SETUP + FIRST)
            self.draw(connection, SECOND)
        elif isinstance(event, GraphicsFrameAcknowledged) and event.frame_id == 2 and self.refuses:
            self.refuses = False
            self.draw(connection, REFUSED)
        elif isinstance(event, ChannelClosed):
            connection.open_channel(event.channel)

    def draw(self, connection: ServerConnection, pdus: tuple[GraphicsPdu, ...]) -> None:
        connection.send_graphics(self.compressor.compress(encode_graphics(pdus)))

    def seen(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def serving(painter: Painter) -> Iterator[None]:
    """A server of one picture on a thread of its own."""
    loop = asyncio.new_event_loop()
    config = server_config(tls_policy(), width=WIDTH, height=HEIGHT, channels=(CHANNEL_NAME,))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = ServerConnection(config, loop.time())
        await Peer(reader, writer, connection).run(lambda event: painter.on_event(connection, event))

    async def end() -> None:
        await server.close()
        await server.cancel_connections()

    server = loop.run_until_complete(listen("127.0.0.1", 0, serve))
    painter.port = server.port
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize("option", ["/gfx", "/gfx:AVC444"])
@pytest.mark.parametrize("refuses", [False, True], ids=["drawn", "refused and drawn again"])
def test_what_is_drawn_is_shown(start: Start, option: str, refuses: bool) -> None:
    painter = Painter(refuses)
    with serving(painter):
        client = start(xfreerdp(painter.port, "tls", 32, option, f"/size:{WIDTH}x{HEIGHT}"))
        if refuses:
            client.program.wait_until(
                lambda: len(painter.seen(GraphicsOpened)) == 2, 20, "opening the channel again"
            )
        client.wait_for_picture(expected())
        opened = painter.seen(GraphicsOpened)[0]
        assert isinstance(opened, GraphicsOpened)
        assert opened.abilities.has_avc444 == (option != "/gfx")
        acknowledged = [
            event.frame_id for event in painter.events if isinstance(event, GraphicsFrameAcknowledged)
        ]
        assert acknowledged[:2] == [1, 2]
        assert len(painter.seen(ChannelClosed)) == refuses
