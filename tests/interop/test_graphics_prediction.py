"""xfreerdp shows, pixel for pixel, what our renderer makes of the same commands."""

import asyncio
from typing import Final

import numpy as np
import pytest

from pyrdpmux.codec import planar
from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor
from pyrdpmux.codec.clear.encoder import Encoder as ClearEncoder
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.peers.graphics_renderer import GraphicsRenderer
from pyrdpmux.rdp.channels.graphics.cache import CacheToSurface, EvictCacheEntry, SurfaceToCache
from pyrdpmux.rdp.channels.graphics.drawing import CodecId, SolidFill, SurfaceToSurface, WireToSurface1
from pyrdpmux.rdp.channels.graphics.frames import EndFrame, StartFrame
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME, Point
from pyrdpmux.rdp.channels.graphics.pdu import GraphicsPdu, encode_graphics
from pyrdpmux.rdp.channels.graphics.surfaces import (
    CreateSurface,
    DeleteSurface,
    MapSurfaceToOutput,
    ResetGraphics,
)
from pyrdpmux.rdp.connection.events import GraphicsOpened
from tests.harness.peers.picture_server import picture_server
from tests.interop.client import colorful, xfreerdp
from tests.interop.conftest import Start
from tests.pair.linked import server_config, tls_policy

WIDTH, HEIGHT = 640, 480
FRAMES: Final = 6
COMMANDS: Final = 12
SECONDS: Final = 20

#: 1 is the upper part of the desktop, 2 a box below, 3 is not to be seen. None reaches beyond the desktop:
#: QUIRK(FreeRDP 2.11): what would is scaled to fit.
SIZES: Final = {1: (WIDTH, 320), 2: (200, 160), 3: (300, 300)}
SETUP: Final[tuple[GraphicsPdu, ...]] = (
    ResetGraphics(WIDTH, HEIGHT),
    *[CreateSurface(number, *size) for number, size in SIZES.items()],
    MapSurfaceToOutput(1),
    MapSurfaceToOutput(2, 220, 320),
    StartFrame(0),
    *[
        SolidFill(number, 0xFF203040 * number & 0xFFFFFFFF, (Rect(0, 0, *size),))
        for number, size in SIZES.items()
    ],
    EndFrame(0),
)


class Script:
    """Commands by chance, all of which are right."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._clear = ClearEncoder()
        self._stored: dict[int, tuple[int, int]] = {}
        self._picture = colorful(256, 256, seed=seed)

    def _number(self, below: int) -> int:
        return int(self._random.integers(0, max(1, below)))

    def _rect(self, surface_id: int, most: int = 120) -> Rect:
        width, height = SIZES[surface_id]
        w, h = 1 + self._number(min(most, width)), 1 + self._number(min(most, height))
        return Rect(self._number(width - w), self._number(height - h), w, h)

    def _points(self, surface_id: int, width: int, height: int) -> tuple[Point, ...]:
        across, down = SIZES[surface_id][0] - width, SIZES[surface_id][1] - height
        return tuple([Point(self._number(across), self._number(down)) for _ in range(1 + self._number(3))])

    def _surface(self) -> int:
        return 1 + self._number(3)

    def _fill(self) -> GraphicsPdu:
        surface_id = self._surface()
        rects = tuple([self._rect(surface_id) for _ in range(1 + self._number(4))])
        return SolidFill(surface_id, 0xFF000000 | self._number(1 << 24), rects)

    def _bitmap(self) -> GraphicsPdu:
        surface_id = self._surface()
        rect = self._rect(surface_id)
        source = Rect(self._number(136), self._number(136), rect.width, rect.height)
        codec_id = (CodecId.UNCOMPRESSED, CodecId.PLANAR, CodecId.CLEARCODEC)[self._number(3)]
        if codec_id == CodecId.PLANAR:
            [data] = planar.encode(self._picture, [source], bottom_up=False)
        elif codec_id == CodecId.CLEARCODEC:
            [data] = self._clear.encode(self._picture, [source])
        else:
            data = self._picture[source.y : source.bottom, source.x : source.right].tobytes()
        return WireToSurface1(surface_id, codec_id, rect, data)

    def _copy(self) -> GraphicsPdu:
        source, target = self._surface(), self._surface()
        rect = self._rect(source)
        return SurfaceToSurface(source, target, rect, self._points(target, rect.width, rect.height))

    def _store(self) -> GraphicsPdu:
        surface_id, slot = self._surface(), 1 + self._number(20)
        rect = self._rect(surface_id, 64)
        self._stored[slot] = rect.width, rect.height
        return SurfaceToCache(surface_id, slot, slot, rect)

    def _restore(self) -> GraphicsPdu:
        if not self._stored:
            return self._store()
        slot = list(self._stored)[self._number(len(self._stored))]
        if self._number(8) == 0:
            del self._stored[slot]
            return EvictCacheEntry(slot)
        surface_id = self._surface()
        return CacheToSurface(slot, surface_id, self._points(surface_id, *self._stored[slot]))

    def frame(self, number: int) -> tuple[GraphicsPdu, ...]:
        kinds = (self._fill, self._bitmap, self._bitmap, self._copy, self._copy, self._store, self._restore)
        commands = [kinds[self._number(len(kinds))]() for _ in range(COMMANDS)]
        return StartFrame(number), *commands, EndFrame(number)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_frames_by_chance(start: Start, seed: int) -> None:
    async def scenario() -> None:
        config = server_config(tls_policy(), width=WIDTH, height=HEIGHT, channels=(CHANNEL_NAME,))
        renderer = GraphicsRenderer(np.zeros((HEIGHT, WIDTH, 4), np.uint8))
        compressor, script = ZgfxCompressor(), Script(seed)
        async with picture_server(config) as server:
            client = start(xfreerdp(server.port, "tls", 32, f"/size:{WIDTH}x{HEIGHT}", "/gfx"))
            opened = server.until(lambda: bool(server.events_of(GraphicsOpened)))
            await asyncio.wait_for(opened, SECONDS)
            last = (StartFrame(99), DeleteSurface(2), EndFrame(99))
            for pdus in (SETUP, *[script.frame(number) for number in range(1, FRAMES)], last):
                for pdu in pdus:
                    renderer.apply(pdu)
                server.connection.send_graphics(compressor.compress(encode_graphics(pdus)))
                server.flush()
                await asyncio.to_thread(client.wait_for_picture, renderer.output[..., 2::-1])

    asyncio.run(scenario())
