"""The client on the graphics pipeline of a server of ours: it shows, acknowledges, and begins anew."""

from typing import Any

import numpy as np
import pytest

from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.harness import Client, SessionEnded, connect
from pyrdpmux.harness.peers.client import same_colors
from pyrdpmux.harness.peers.codecs import GRAPHICS_WITH_AVC
from pyrdpmux.rdp.channels.graphics.cache import SurfaceToCache
from pyrdpmux.rdp.channels.graphics.drawing import SolidFill
from pyrdpmux.rdp.channels.graphics.frames import EndFrame, StartFrame
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.channels.graphics.pdu import GraphicsPdu, encode_graphics
from pyrdpmux.rdp.channels.graphics.surfaces import CreateSurface, MapSurfaceToOutput, ResetGraphics
from pyrdpmux.rdp.connection.events import GraphicsConfirmed, GraphicsFrameAcknowledged, GraphicsOpened
from tests.harness.peers.picture_server import PictureServer, picture_server
from tests.harness.peers.test_client import run
from tests.harness.peers.test_graphics_renderer import picture, raw
from tests.pair.linked import server_config, tls_policy

WIDTH, HEIGHT = 160, 96
BEGIN: tuple[GraphicsPdu, ...] = (
    ResetGraphics(WIDTH, HEIGHT),
    CreateSurface(1, WIDTH, HEIGHT),
    MapSurfaceToOutput(1),
)


class Drawn:
    """A server that has the pipeline open, and its client."""

    def __init__(self, server: PictureServer, client: Client) -> None:
        self.server = server
        self.client = client
        self.compressor = ZgfxCompressor()

    def draw(self, *pdus: GraphicsPdu) -> None:
        self.server.connection.send_graphics(self.compressor.compress(encode_graphics(pdus)))
        self.server.flush()

    @property
    def acknowledged(self) -> list[GraphicsFrameAcknowledged]:
        return self.server.events_of(GraphicsFrameAcknowledged)

    async def shows(self, expected: Any) -> None:
        await self.client.until_shows(expected, within=10)


def play(scenario: Any, **config: Any) -> None:
    async def session() -> None:
        settings = server_config(tls_policy(), width=WIDTH, height=HEIGHT, channels=(CHANNEL_NAME,))
        async with (
            picture_server(settings) as server,
            connect(
                "127.0.0.1", port=server.port, user="alice", password="x", dynamic_channels=(CHANNEL_NAME,),
                **config,
            ) as client,
        ):  # fmt: skip
            await client.until(lambda: bool(client.seen(GraphicsConfirmed)), what="the pipeline")
            await scenario(Drawn(server, client))

    run(session)


def test_frames_are_shown_and_acknowledged() -> None:
    async def scenario(drawn: Drawn) -> None:
        drawn.draw(*BEGIN, StartFrame(1), raw(1, 0, 0, picture()), EndFrame(1))
        await drawn.shows(picture())
        drawn.draw(StartFrame(2), EndFrame(2), StartFrame(3), EndFrame(3))
        await drawn.server.until(lambda: len(drawn.acknowledged) == 3)
        assert drawn.acknowledged == [GraphicsFrameAcknowledged(n, 0, n) for n in (1, 2, 3)]
        assert drawn.client.renderer.painted == 1

    play(scenario)


def test_what_is_not_acknowledged_now_is_later() -> None:
    async def scenario(drawn: Drawn) -> None:
        drawn.client.acknowledges = False
        drawn.draw(*BEGIN, StartFrame(1), raw(1, 0, 0, picture()), EndFrame(1))
        await drawn.shows(picture())
        assert drawn.acknowledged == []
        drawn.client.acknowledges = True
        drawn.draw(StartFrame(2), EndFrame(2))
        await drawn.server.until(lambda: len(drawn.acknowledged) == 2)

    play(scenario)


def test_another_size() -> None:
    async def scenario(drawn: Drawn) -> None:
        drawn.draw(ResetGraphics(100, 50), CreateSurface(1, 100, 50), MapSurfaceToOutput(1))
        drawn.draw(raw(1, 0, 0, picture(100, 50)))
        await drawn.shows(picture(100, 50))
        assert drawn.client.size == (100, 50)

    play(scenario)


def test_beginning_anew() -> None:
    async def scenario(drawn: Drawn) -> None:
        drawn.draw(*BEGIN, raw(1, 0, 0, picture()))
        await drawn.shows(picture())
        drawn.client.connection.advertise_graphics(GRAPHICS_WITH_AVC)
        drawn.client.flush()
        await drawn.client.until(
            lambda: len(drawn.client.seen(GraphicsConfirmed)) == 2, what="a confirmation"
        )
        assert [event.is_repeated for event in drawn.server.events_of(GraphicsOpened)] == [False, True]
        graphics = drawn.client.renderer.graphics
        assert graphics is not None
        assert graphics.surfaces == {}
        assert same_colors(drawn.client.picture, picture()), "it stays until something else is drawn"

    play(scenario)


def test_a_servers_mistake_ends_the_session() -> None:
    async def scenario(drawn: Drawn) -> None:
        drawn.draw(*BEGIN, SolidFill(1, 0, (Rect(0, 0, WIDTH + 1, 1),)))
        with pytest.raises(SessionEnded, match=r"SolidFill\.fillRects") as caught:
            await drawn.client.until(lambda: False, within=10)
        assert isinstance(caught.value.error, DecodeError)

    play(scenario)


def test_a_desktop_that_is_activated_again_keeps_its_surfaces() -> None:
    async def scenario(drawn: Drawn) -> None:
        drawn.draw(*BEGIN, raw(1, 0, 0, picture()), SurfaceToCache(1, 1, 1, Rect(0, 0, 8, 8)))
        await drawn.shows(picture())
        drawn.server.connection.set_desktop_size(200, 100, drawn.server.now)
        drawn.server.flush()
        await drawn.client.until(lambda: drawn.client.size == (200, 100), what="the size")
        drawn.draw(raw(1, 0, 0, picture(seed=4)))
        expected = np.zeros((100, 200, 4), np.uint8)
        expected[:HEIGHT, :WIDTH] = picture(seed=4)
        await drawn.shows(expected)

    play(scenario)
