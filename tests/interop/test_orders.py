"""Drawing orders and surface commands of ours, as foreign clients without the graphics pipeline show them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import numpy as np
import pytest

from pyrdpmux.codec import nscodec
from pyrdpmux.codec.bitmap import encode_rectangles
from pyrdpmux.codec.rfx.encoder import Encoder as RemoteFxEncoder
from pyrdpmux.codec.rfx.rlgr_tables import Mode
from pyrdpmux.codec.uncompressed import encode as encode_plain
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.peers.orders import OrderRenderer
from pyrdpmux.rdp.connection.events import FrameAcknowledged
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.fastpath.surface import ExtendedBitmapData, SetSurfaceBits
from pyrdpmux.rdp.pdu.orders.primary import MemBlt, OpaqueRect, ScrBlt
from pyrdpmux.rdp.pdu.orders.secondary import CacheBitmapRev2
from pyrdpmux.rdp.pdu.orders.stream import Order, encode_orders
from tests.harness.peers.picture_server import PictureServer, picture_server
from tests.interop.client import Client, colorful, rdesktop, shown, xfreerdp
from tests.interop.conftest import Start
from tests.interop.console import Bgrx
from tests.pair.linked import server_config, tls_policy

SIZE: Final = (640, 480)
CACHES: Final = (600, 600, 2048)

Scenario = Callable[[PictureServer, Client], Awaitable[None]]


def play(start: Start, argv: Callable[[int], Sequence[str]], scenario: Scenario) -> None:
    """A server of ours that shows a picture, and one client, which shows it, too."""

    async def run() -> None:
        config = server_config(tls_policy(), width=SIZE[0], height=SIZE[1])
        async with picture_server(config, colorful(*SIZE)) as server:
            client = start(argv(server.port))
            await asyncio.to_thread(client.wait_for_picture, shown(colorful(*SIZE), 32))
            await scenario(server, client)
            assert server.connection.is_active

    asyncio.run(run())


def freerdp(*options: str, bitmap_cache: bool = True) -> Callable[[int], Sequence[str]]:
    chosen = ["+bitmap-cache"] if bitmap_cache else []
    return lambda port: xfreerdp(port, "tls", 32, f"/size:{SIZE[0]}x{SIZE[1]}", *chosen, *options)


async def shows(client: Client, picture: Bgrx) -> None:
    await asyncio.to_thread(client.wait_for_picture, shown(picture, 32))


async def draw(server: PictureServer, client: Client, picture: Bgrx, orders: list[Order]) -> None:
    """On both sides: ours has been compared with the specification."""
    [update] = encode_orders(orders, 1 << 24)
    OrderRenderer(CACHES).draw(update, picture)
    server.connection.send_orders(orders)
    server.flush()
    await shows(client, picture)


COPIES: Final = [
    (Rect(0, 16, 640, 464), 0, 0),
    (Rect(0, 0, 640, 464), 0, 16),
    (Rect(1, 0, 639, 480), 0, 0),
    (Rect(0, 0, 639, 480), 1, 0),
    (Rect(100, 100, 300, 200), 103, 101),
    (Rect(103, 101, 300, 200), 100, 100),
    (Rect(100, 101, 300, 200), 103, 100),
    (Rect(103, 100, 300, 200), 100, 101),
    (Rect(0, 0, 200, 200), 400, 250),
]


def test_copies_in_all_directions(start: Start) -> None:
    async def scenario(server: PictureServer, client: Client) -> None:
        assert server.connection.output.can_copy
        picture = colorful(*SIZE)
        for source, x, y in COPIES:
            await draw(server, client, picture, [ScrBlt.of(source, x, y)])
        # each sees what the one before has left
        await draw(server, client, picture, [ScrBlt.of(source, x, y) for source, x, y in COPIES * 3])

    play(start, freerdp(), scenario)


def test_one_color(start: Start) -> None:
    async def scenario(server: PictureServer, client: Client) -> None:
        assert server.connection.output.can_fill
        orders: list[Order] = [
            OpaqueRect(10, 20, 300, 100, 200, 100, 50),
            OpaqueRect(639, 479, 1, 1, 1, 2, 3),
        ]
        await draw(server, client, colorful(*SIZE), orders)

    play(start, freerdp(), scenario)


def cached(tile: Bgrx, cache_id: int, index: int, *, compress: bool) -> CacheBitmapRev2:
    height, width = tile.shape[:2]
    [bitmap] = encode_rectangles(tile, [Rect(0, 0, width, height)], 32, compress=compress)
    return CacheBitmapRev2(
        cache_id, index, 32, bitmap.width, bitmap.height, bitmap.is_compressed, bitmap.data
    )


@pytest.mark.parametrize("compress", [True, False])
def test_bitmaps_out_of_the_cache(start: Start, compress: bool) -> None:
    async def scenario(server: PictureServer, client: Client) -> None:
        caches = server.connection.output.bitmap_caches
        assert [cache.max_pixels for cache in caches[:3]] == [256, 1024, 4096]
        assert [cache.entries for cache in caches[:3]] == list(CACHES)
        picture, noise = colorful(*SIZE), colorful(256, 256, seed=9)
        orders: list[Order] = []
        for number in range(16):
            x, y = number % 4 * 64, number // 4 * 64
            orders.append(cached(noise[y : y + 64, x : x + 64], 2, 2047 - number, compress=compress))
        orders += [cached(noise[:32, :32], 1, 599, compress=compress)]
        orders += [cached(noise[:8, :12], 0, 0, compress=compress)]
        orders += [
            MemBlt.of(2, 2047 - n, Rect(n % 4 * 64 + 300, n // 4 * 64 + 100, 64, 64)) for n in range(16)
        ]
        orders += [MemBlt.of(1, 599, Rect(7, 9, 32, 32)), MemBlt.of(0, 0, Rect(100, 3, 12, 8))]
        # a part of it, counted from the top: QUIRK(FreeRDP 2.11)
        orders += [MemBlt(2, 200, 400, 20, 30, 0xCC, 10, 5, 2047)]
        await draw(server, client, picture, orders)
        # over what is there, and the screen moved
        again: list[Order] = [cached(noise[:64, 5:69], 2, 2047, compress=compress)]
        again += [MemBlt.of(2, 2047, Rect(0, 0, 64, 64)), ScrBlt.of(Rect(0, 0, 64, 64), 64, 0)]
        await draw(server, client, picture, again)

    play(start, freerdp(), scenario)


@pytest.mark.parametrize("name", ["xfreerdp", "rdesktop"])
@pytest.mark.parametrize("depth", [24, 16])
@pytest.mark.parametrize("compress", [True, False])
def test_the_cache_at_other_depths(start: Start, name: str, depth: int, compress: bool) -> None:
    async def scenario() -> None:
        config = server_config(tls_policy(), width=SIZE[0], height=SIZE[1])
        size = f"{SIZE[0]}x{SIZE[1]}"
        async with picture_server(config, colorful(*SIZE)) as server:
            if name == "xfreerdp":
                argv = xfreerdp(server.port, "tls", depth, f"/size:{size}", "+bitmap-cache")
            else:
                argv = rdesktop(server.port, depth, "-g", size)
            client = start(argv)
            picture, noise = colorful(*SIZE), colorful(256, 256, seed=9)
            await asyncio.to_thread(client.wait_for_picture, shown(picture, depth, client=name))
            output = server.connection.output
            assert output.bits_per_pixel == depth
            assert [cells.max_pixels for cells in output.bitmap_caches[:3]] == [256, 1024, 4096]
            orders: list[Order] = []
            for number in range(16):
                x, y = number % 4 * 64, number // 4 * 64
                tile = noise[y : y + 64, x : x + 64]
                [bitmap] = encode_rectangles(tile, [Rect(0, 0, 64, 64)], depth, compress=compress)
                orders.append(CacheBitmapRev2(2, number, depth, 64, 64, bitmap.is_compressed, bitmap.data))
                orders.append(MemBlt.of(2, number, Rect(300 + x, 100 + y, 64, 64)))
            picture[100:356, 300:556] = noise
            server.connection.send_orders(orders)
            server.flush()
            await asyncio.to_thread(client.wait_for_picture, shown(picture, depth, client=name))

    asyncio.run(scenario())


def test_rdesktop_copies(start: Start) -> None:
    """At 24 bits, which are exact."""

    async def scenario(server: PictureServer, client: Client) -> None:
        picture = colorful(*SIZE)
        await draw(server, client, picture, [ScrBlt.of(source, x, y) for source, x, y in COPIES])
        await draw(server, client, picture, [OpaqueRect(10, 20, 300, 100, 200, 100, 50)])

    play(start, lambda port: rdesktop(port, 24, "-g", f"{SIZE[0]}x{SIZE[1]}"), scenario)


# -- surface commands --------------------------------------------------------------------------------


def plain(connection: ServerConnection, picture: Bgrx, rect: Rect) -> SetSurfaceBits:
    [data] = encode_plain(picture, [rect], 32, bottom_up=True)
    return command(rect, 0, data)


def command(rect: Rect, codec_id: int, data: bytes) -> SetSurfaceBits:
    bitmap = ExtendedBitmapData(32, codec_id, rect.width, rect.height, data)
    return SetSurfaceBits(rect.x, rect.y, rect.right, rect.bottom, bitmap)


def encoded_nscodec(connection: ServerConnection, picture: Bgrx, rect: Rect) -> SetSurfaceBits:
    surface = connection.output.surface
    assert surface is not None
    assert surface.nscodec is not None
    [data] = nscodec.encode(picture, [rect])
    return command(rect, surface.nscodec.codec_id, data)


def encoded_remotefx(connection: ServerConnection, picture: Bgrx, rect: Rect) -> SetSurfaceBits:
    surface = connection.output.surface
    assert surface is not None
    assert surface.remotefx is not None
    mode = Mode.RLGR3 if surface.remotefx.has_rlgr3 else Mode.RLGR1
    encoder = RemoteFxEncoder(rect.width, rect.height, mode=mode, image_mode=True)
    part = np.ascontiguousarray(picture[rect.y : rect.bottom, rect.x : rect.right])
    [data] = encoder.encode(part, [Rect(0, 0, rect.width, rect.height)])
    return command(rect, surface.remotefx.codec_id, data)


@pytest.mark.parametrize(
    ("encode", "options", "tolerance"),
    [
        (plain, [], 0),
        (encoded_nscodec, ["/nsc"], 4),
        (encoded_remotefx, ["/rfx"], 40),
        (encoded_remotefx, ["/rfx", "/rfx-mode:image"], 40),
    ],
)
def test_surface_commands(start: Start, encode: Any, options: list[str], tolerance: int) -> None:
    """Across the client's limit of an update, in frames that it acknowledges."""

    async def scenario(server: PictureServer, client: Client) -> None:
        surface = server.connection.output.surface
        assert surface is not None
        assert surface.max_unacknowledged_frames is not None
        picture = colorful(*SIZE)
        y, x = np.mgrid[0:256, 0:384]
        smooth = np.stack([x * 2 // 3, y, (x + y) // 3, 0 * x], axis=2).astype(np.uint8)
        picture[100:356, 128:512] = smooth
        rects = [Rect(128 + 64 * n, 100 + 128 * row, 64, 128) for n in range(6) for row in range(2)]
        commands = [encode(server.connection, picture, rect) for rect in rects]
        assert server.connection.send_surface_commands(commands, frame_id=77)
        server.flush()

        def is_close() -> bool:
            seen = client.picture().astype(int)
            return bool(abs(seen - shown(picture, 32)).max() <= tolerance)

        await asyncio.to_thread(client.program.wait_until, is_close, 20, "the picture")
        await asyncio.wait_for(server.until(lambda: bool(server.events_of(FrameAcknowledged))), 20)
        assert server.events_of(FrameAcknowledged) == [FrameAcknowledged(77)]

    play(start, freerdp(*options), scenario)
