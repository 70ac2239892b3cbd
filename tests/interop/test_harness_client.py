"""Our client's framebuffer equals what foreign servers show, pixel for pixel on bitmap sessions."""

import asyncio
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.codec.color import reduce_and_expand
from pyrdpmux.codec.table import CODECS
from pyrdpmux.harness import Client, SessionEnded, connect
from pyrdpmux.harness.peers.codecs import GRAPHICS_WITH_AVC, REMOTEFX
from pyrdpmux.harness.peers.dialing import Security
from pyrdpmux.rdp.channels.graphics.capabilities import (
    CapabilityVersion,
    GraphicsCapabilitySet,
    GraphicsFlags,
)
from pyrdpmux.rdp.channels.graphics.drawing import CodecId, WireToSurface1
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.connection.events import (
    Event,
    GraphicsCommandsReceived,
    GraphicsReceived,
    PointerReceived,
)
from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits, StreamSurfaceBits, SurfaceCommands
from pyrdpmux.rdp.pdu.capabilities.order import OrderSupport
from pyrdpmux.rdp.pdu.orders.primary import OrderHistory
from pyrdpmux.rdp.pdu.orders.stream import decode_orders
from pyrdpmux.rdp.pdu.update import OrdersUpdate
from tests.interop.client import colorful, shown
from tests.interop.console import PASSWORD, USER, Bgrx, Console
from tests.interop.servers import matches, painted, shadow, shown_on, xrdp

XRDP_PROGRAMS = ("xrdp", "Xtigervnc", "openssl")
needs_xrdp = pytest.mark.skipif(
    any(shutil.which(name) is None for name in XRDP_PROGRAMS), reason="xrdp is not installed"
)
needs_xrdp_key = pytest.mark.skipif(
    not os.access("/etc/xrdp/rsakeys.ini", os.R_OK), reason="only root may read xrdp's RSA key"
)

needs_h264 = pytest.mark.skipif(not CODECS["avc420"].is_available, reason="not installed: PyAV (extra h264)")

GEOMETRY = "640x480"
SIZE = (640, 480)


#: For a frame of RemoteFX in one surface command.
MAX_REQUEST_SIZE = 0x3F0000

#: Levels of 256 that a pixel of a lossy picture may be off on average.
CLOSE = 3.0


def gradients(seed: int) -> Bgrx:
    """What lossy codecs show well."""
    y, x = np.mgrid[0:200, 0:300]
    return np.stack([x * seed // 8, y, (x + y) // 2, 0 * x], axis=2).astype(np.uint8)


def run(coroutine: object) -> None:
    asyncio.run(coroutine)  # type: ignore[arg-type]


@pytest.mark.parametrize("security", ["tls", "nla", "rdp"])
def test_freerdp_shadow(tmp_path: Path, security: Security) -> None:
    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user=USER, password=PASSWORD, size=SIZE, security=security
        ) as client:
            await client.until(lambda: matches(client, server.display), what="the display's picture")
            with painted(server.display, tmp_path, colorful(300, 200, seed=3)):
                await client.until(lambda: matches(client, server.display), what="the painting")

    with (
        shadow(tmp_path, GEOMETRY, nla=security == "nla") as server,
        painted(server.display, tmp_path, colorful(640, 480)),
    ):
        run(look(server.port))


def test_remotefx_of_freerdp_shadow(tmp_path: Path) -> None:
    """Lossy, so the picture is close. (With NSCodec alone, this server sends bitmaps.)"""
    used: Counter[int] = Counter()

    def observe(event: Event) -> None:
        if isinstance(event, PointerReceived) and isinstance(event.update, SurfaceCommands):
            commands = event.update.commands
            bits = [c for c in commands if isinstance(c, SetSurfaceBits | StreamSurfaceBits)]
            used.update([command.bitmap.codec_id for command in bits])

    def is_close(client: Client) -> bool:
        expected = shown_on(server.display)[:200, :300, :3].astype(int)
        return float(np.abs(client.picture[:200, :300, :3] - expected).mean()) < CLOSE

    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user=USER, password=PASSWORD, size=SIZE, codecs=(REMOTEFX,),
            observer=observe, max_request_size=MAX_REQUEST_SIZE,
        ) as client:  # fmt: skip
            for seed in (3, 4, 5):
                with painted(server.display, tmp_path, gradients(seed)):
                    await client.until(lambda: is_close(client), what="the painting, nearly")

    with shadow(tmp_path, GEOMETRY) as server:
        run(look(server.port))
    assert set(used) == {REMOTEFX.codec_id}


AVC420 = GraphicsCapabilitySet.of(CapabilityVersion.VERSION_8_1, GraphicsFlags.AVC420_ENABLED)


@pytest.mark.parametrize(
    ("sets", "expected"), [(GRAPHICS_WITH_AVC, CodecId.AVC444V2), ((AVC420,), CodecId.AVC420)]
)
@needs_h264
def test_graphics_of_freerdp_shadow(
    tmp_path: Path, sets: tuple[GraphicsCapabilitySet, ...], expected: CodecId
) -> None:
    """Lossy, so the picture is close. (Without H.264, this server sends bitmaps.)"""
    used: Counter[CodecId] = Counter()

    def observe(event: Event) -> None:
        if isinstance(event, GraphicsCommandsReceived):
            used.update([pdu.codec_id for pdu in event.pdus if isinstance(pdu, WireToSurface1)])

    def is_close(client: Client) -> bool:
        expected = shown_on(server.display)[:200, :300, :3].astype(int)
        return float(np.abs(client.picture[:200, :300, :3] - expected).mean()) < CLOSE

    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user=USER, password=PASSWORD, size=SIZE, graphics=sets,
            dynamic_channels=(CHANNEL_NAME,), observer=observe,
        ) as client:  # fmt: skip
            for seed in (3, 4, 5):
                with painted(server.display, tmp_path, gradients(seed)):
                    await client.until(lambda: is_close(client), what="the painting, nearly")
            assert client.renderer.undrawn == 0

    with shadow(tmp_path, GEOMETRY) as server:
        run(look(server.port))
    assert set(used) == {expected}


@pytest.mark.parametrize("bits_per_pixel", [32, 24, 16, 15, 8])
@pytest.mark.parametrize("security", ["tls", "nla", "rdp"])
def test_our_daemon(console: Console, security: Security, bits_per_pixel: int) -> None:
    async def look() -> None:
        async with connect(
            "127.0.0.1", port=console.port, user=USER, password=PASSWORD, security=security,
            bits_per_pixel=bits_per_pixel,
        ) as client:  # fmt: skip
            expected = (
                reduce_and_expand(console.picture, 8)[..., :3]
                if bits_per_pixel == 8
                else shown(console.picture, bits_per_pixel)[..., ::-1]
            )
            await client.until(lambda: np.array_equal(client.picture[..., :3], expected))

    console.paint(colorful(800, 600))
    run(look())


@needs_xrdp
@pytest.mark.parametrize(
    ("security", "level", "bits_per_pixel"),
    [
        ("tls", "high", 32),
        ("tls", "high", 24),
        ("tls", "high", 16),
        ("tls", "high", 15),
        pytest.param("rdp", "high", 32, marks=needs_xrdp_key),
        pytest.param("rdp", "fips", 16, marks=needs_xrdp_key),
    ],
)
def test_xrdp(tmp_path: Path, security: Security, level: str, bits_per_pixel: int) -> None:
    """Through its licensing; a password of any kind makes it skip its login dialog."""

    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user="na", password="na", size=SIZE, security=security,
            bits_per_pixel=bits_per_pixel, patience=10,
        ) as client:  # fmt: skip
            for seed in (3, 4):
                with painted(server.display, tmp_path, colorful(300, 200, seed=seed)):
                    await client.until(
                        lambda: matches(client, server.display, bits_per_pixel), what="the painting"
                    )
            assert client.renderer.undrawn == 0

    with xrdp(tmp_path, GEOMETRY, security, level) as server:
        run(look(server.port))


@pytest.mark.parametrize("server_name", ["shadow", pytest.param("xrdp", marks=needs_xrdp)])
def test_a_size_of_the_servers_choice(tmp_path: Path, server_name: str) -> None:
    """FreeRDP's shadow has the size of its display and reactivates; xrdp makes its display fit."""
    asked = (800, 600)
    expected = asked if server_name == "xrdp" else SIZE

    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user="na", password="na", size=asked, patience=20
        ) as client:
            await client.until(
                lambda: client.size == expected and matches(client, server.display), what="the picture"
            )

    serve = xrdp if server_name == "xrdp" else shadow
    with serve(tmp_path, GEOMETRY) as server, painted(server.display, tmp_path, colorful(300, 200)):
        run(look(server.port))


def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    async def look(port: int) -> None:
        async with connect("127.0.0.1", port=port, user=USER, password="wrong", security="nla"):
            raise AssertionError("let in")

    with shadow(tmp_path, GEOMETRY, nla=True) as server, pytest.raises(SessionEnded) as caught:
        run(look(server.port))
    # FreeRDP's server says it by closing the connection.
    assert "perhaps a wrong user or password" in str(caught.value)


@needs_xrdp
@pytest.mark.parametrize("bits_per_pixel", [32, 24, 16])
@pytest.mark.parametrize("fast_path", [True, False])
def test_orders_of_xrdp(tmp_path: Path, bits_per_pixel: int, fast_path: bool) -> None:
    """To a client that knows orders it sends little else: fills, copies, and bitmaps through the cache."""
    kinds: Counter[str] = Counter()
    history = OrderHistory()

    def observe(event: Event) -> None:
        if isinstance(event, GraphicsReceived) and isinstance(event.update, OrdersUpdate):
            kinds.update([type(order).__name__ for order in decode_orders(event.update, history)])

    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user="na", password="na", size=SIZE, security="tls",
            bits_per_pixel=bits_per_pixel, patience=10, orders=tuple(OrderSupport), observer=observe,
            fast_path=fast_path,
        ) as client:  # fmt: skip
            for seed in (3, 4, 3):
                with painted(server.display, tmp_path, colorful(300, 200, seed=seed)):
                    await client.until(
                        lambda: matches(client, server.display, bits_per_pixel), what="the painting"
                    )
            assert client.renderer.undrawn == 0

    with xrdp(tmp_path, GEOMETRY) as server:
        run(look(server.port))
    assert set(kinds) >= {"CacheBitmapRev2", "MemBlt"}, kinds
